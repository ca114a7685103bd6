package rules

import (
	"strings"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
)

// Lengths, in characters.
const (
	headlineMax = 110
	summaryMax  = 400
	reasonsMax  = 3
)

// headline states the leading fact in its form.
func (n *note) headline(f *fact, as form, class intent.Class) intent.Sentence {
	l, v := n.l, n.slots(f)
	limit, prefix := headlineMax, ""
	if class == intent.ClassCustomer {
		prefix = l.classes[intent.ClassCustomer]
		limit -= runes(prefix) - 3
	}
	cites := f.newestCites()
	template := n.template(f, class, &v, &cites)
	if r := n.newestRequest(); f.act.First() && r != nil {
		cites = append(cites[:min(len(cites), 2)], r.cites...)
	}
	cites = append(cites, n.beside(f, &v)...)
	switch as {
	case formAnswered, formBack, formBoth, formWeighs:
		text, cites := n.special(f, as, &v, limit, cites)
		return n.headed(prefix, text, cites, class)
	case formFirst:
		prefix, limit = l.first+"{o}", limit-runes(l.first)
	}
	v[slotTail] = ""
	if as == formPlain && strings.Contains(template, "{tail}") {
		if tail := n.tail(f, &cites); !f.ask.hostile {
			v[slotTail] = tail
		}
	}
	text := fill(template, &v, limit)
	if text == "" {
		text = fill(template, &slots{'d': v['d'], 's': v['s'], 'o': v['o'], 'l': v['l']}, headlineMax)
	}
	if as == formFirst {
		text = lowerFirst(text)
	}
	tell(f)
	said(text, f, &v)
	if c := n.colleague(); as != formFirst && c != nil && !f.act.Request() {
		if add := n.colleagueTail(c); runes(text)+runes(add) <= limit {
			text += add
			cites = append(cites, c.cites...)
			tell(c)
		}
	}
	return n.headed(prefix, text, cites, class)
}

// template is that of the fact at its age.
func (n *note) template(f *fact, class intent.Class, v *slots, cites *[]string) string {
	l, h, age := n.l, n.l.heads[f.act], n.days(f.at)
	template := h.fresh
	switch {
	case f.act == act.Trial && n.alive(f):
	case (f.act.Request() || f.act == act.Sample || f.act.Unfinished() || f.act.Strong() || f.act == act.Product) && age >= goneDays && h.gone != "":
		template = h.gone
	case age >= oldDays && h.old != "":
		template = h.old
	case f.act == act.Register && n.ahead(f.date):
	case age >= freshDays && h.aged != "":
		template = h.aged
		v['s'] = n.silentSince(f, cites)
	}
	switch {
	case class == intent.ClassCustomer && f.ask.cancels:
		return l.cancels
	case f.act == act.Reply && f.ask.later:
		if v['t'] != "" {
			v['U'] = l.date(f.ask.dates[len(f.ask.dates)-1].when, n.now)
		}
		return l.later
	}
	return template
}

// beside cites what the headline of a trial tells of as well.
func (n *note) beside(f *fact, v *slots) (cites []string) {
	var others []act.Act
	switch f.act {
	case act.Stuck:
		others = []act.Act{act.Trial}
	case act.Trial:
		others = []act.Act{act.Invite, act.Use}
	}
	for _, other := range others {
		if g := n.newest(other); g != nil {
			cites = append(cites, g.newestCite()[0])
			if v['i'] != "" || f.act == act.Stuck {
				tell(g)
			}
		}
	}
	return cites
}

// special is the text of a form that has a template of its own.
func (n *note) special(f *fact, as form, v *slots, limit int, cites []string) (string, []string) {
	l := n.l
	switch as {
	case formAnswered:
		answer := n.answeredBy(f)
		page := n.readAfter(answer)
		text := n.answered(answer, page)
		tell(answer, page)
		return text, append(page.newestCites(), answer.cites...)
	case formBack:
		v['s'], v['d'] = n.day(n.before), n.day(n.after)
		v['o'] = n.what(f)
		tell(f)
		return fill(l.back, v, limit), append(cites, n.citesAt(n.before)...)
	case formBoth:
		a, b := n.twoProducts()
		v['p'] = l.list([]string{n.productName(a), n.productName(b)})
		last := n.newestOwn()
		v['d'] = n.day(last.at)
		template := l.both
		if n.any(func(g *fact) bool { return g.names(n.productName(a)) && g.names(n.productName(b)) }) {
			template = l.together
		}
		return fill(template, v, limit), append(last.newestCites(), n.pricesOf(a, b)...)
	}
	c, x := n.newest(act.Calculate), n.newest(act.Compare)
	cv := n.slots(c)
	cv['x'] = n.slots(x)['x']
	tell(c, x)
	c.said, f.said, n.noRequest = c.said+"b", f.said+"b", false
	return fill(l.weighs, &cv, limit), append(c.newestCites(), x.cites...)
}

func (n *note) headed(prefix, text string, cites []string, class intent.Class) intent.Sentence {
	if prefix != "" {
		if class == intent.ClassCustomer {
			text = lowerFirstIn(n.l, text)
		}
		text = strings.Replace(prefix, "{o}", text, 1)
	}
	return sentence(text, cites...)
}

// lowerFirstIn makes the first letter small where the language writes verbs small after a colon.
func lowerFirstIn(l *tongue, s string) string {
	if !l.german {
		return lowerFirst(s)
	}
	for _, verb := range []string{"Möchte", "Bittet", "Hat", "Informiert", "Vergleicht", "Rechnet", "Liest", "Sieht", "Wägt", "Am", "Nutzt", "Öffnet"} {
		if strings.HasPrefix(s, verb+" ") {
			return lowerFirst(s)
		}
	}
	return s
}

func (n *note) colleagueTail(c *fact) string {
	name := c.colleague
	if n.l.german {
		if name == "?" {
			name = "jemand"
		}
		return "; " + name + " (selbe Firma): " + n.called(c) + " vom " + n.day(c.at)
	}
	asked := map[act.Act]string{act.Demo: "asked for a demo", act.Quote: "asked for a quote", act.Tender: "invited bids", act.Pilot: "asked for a pilot", act.Meeting: "booked a meeting", act.TrialAsk: "asked for a trial"}[c.act]
	if asked == "" {
		asked = "sent an enquiry"
	}
	if name == "?" {
		return "; a colleague " + asked + " on " + n.day(c.at)
	}
	return "; colleague " + name + " " + asked + " on " + n.day(c.at)
}
