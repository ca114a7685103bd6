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
	h := l.heads[f.act]
	limit := headlineMax
	prefix := ""
	if class == intent.ClassCustomer {
		prefix = l.classes[intent.ClassCustomer]
		limit -= runes(prefix) - 3
	}
	cites := f.newestCites()
	template, age := h.fresh, n.days(f.at)
	switch {
	case f.act == act.Trial && n.alive(f):
	case (f.act.Request() || f.act == act.Sample || f.act.Unfinished() || f.act.Strong() || f.act == act.Product) && age >= goneDays && h.gone != "":
		template = h.gone
	case age >= oldDays && h.old != "":
		template = h.old
	case f.act == act.Register && n.ahead(f.date):
	case age >= freshDays && h.aged != "":
		template = h.aged
		v['s'] = n.silentSince(f, &cites)
	}
	if r := n.newestRequest(); f.act.First() && r != nil {
		cites = append(cites[:min(len(cites), 2)], r.cites...)
	}
	var beside []act.Act
	switch f.act {
	case act.Stuck:
		beside = []act.Act{act.Trial}
	case act.Trial:
		beside = []act.Act{act.Invite, act.Use}
	}
	for _, also := range beside {
		if g := n.newest(also); g != nil {
			cites = append(cites, g.newestCite()[0])
			if v['i'] != "" || f.act == act.Stuck {
				tell(g)
			}
		}
	}
	switch {
	case class == intent.ClassCustomer && f.ask.cancels:
		template = l.cancels
	case f.act == act.Reply && f.ask.later:
		template = l.later
		if v['t'] != "" {
			v['U'] = n.l.date(f.ask.dates[len(f.ask.dates)-1].when, n.now)
		}
	}
	tail := ""
	switch as {
	case formAnswered:
		answer := n.answeredBy(f)
		page := n.readAfter(answer)
		text := n.answered(answer, page)
		tell(answer, page)
		return n.headed(prefix, text, append(page.newestCites(), answer.cites...), class)
	case formBack:
		v['s'], v['d'] = n.day(n.before), n.day(n.after)
		v['o'] = n.what(f)
		tell(f)
		return n.headed(prefix, fill(l.back, &v, limit), append(cites, n.citesAt(n.before)...), class)
	case formBoth:
		a, b := n.twoProducts()
		v['p'] = l.list([]string{n.productName(a), n.productName(b)})
		last := n.newestOwn()
		v['d'] = n.day(last.at)
		template := l.both
		if n.any(func(g *fact) bool { return g.names(n.productName(a)) && g.names(n.productName(b)) }) {
			template = l.together
		}
		return n.headed(prefix, fill(template, &v, limit), append(last.newestCites(), n.pricesOf(a, b)...), class)
	case formWeighs:
		c, x := n.newest(act.Calculate), n.newest(act.Compare)
		cv := n.slots(c)
		cv['x'] = n.slots(x)['x']
		tell(c, x)
		c.said, f.said, n.noRequest = c.said+"b", f.said+"b", false
		return n.headed(prefix, fill(l.weighs, &cv, limit), append(c.newestCites(), x.cites...), class)
	case formFirst:
		prefix, limit = l.first+"{o}", limit-runes(l.first)
		tail = ""
	}
	if as == formPlain && strings.Contains(template, "{tail}") {
		tail = n.tail(f, &cites)
	}
	v[slotTail] = tail
	if f.ask.hostile {
		v[slotTail] = ""
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
	if as != formFirst {
		if c := n.colleague(); c != nil && !f.act.Request() {
			if add := n.colleagueTail(c); runes(text)+runes(add) <= limit {
				text += add
				cites = append(cites, c.cites...)
				tell(c)
			}
		}
	}
	return n.headed(prefix, text, cites, class)
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
