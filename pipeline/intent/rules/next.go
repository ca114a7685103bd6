package rules

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
)

// nextStep is the one action that fits what leads, its age and the tier: low is for a low one, empty if that is the same.
func (n *note) nextStep(f *fact, as form, class intent.Class) (next, low intent.Sentence) {
	l, v := n.l, n.slots(f)
	st, ok := l.next[f.act]
	if !ok || f.act.Request() && st.aged == "" {
		if !ok {
			st = l.request
		}
		st.aged, st.old, st.gone = cmp.Or(st.aged, l.request.aged), cmp.Or(st.old, l.request.old), cmp.Or(st.gone, l.request.gone)
	} else if f.act.Request() {
		st.old, st.gone = cmp.Or(st.old, l.request.old), cmp.Or(st.gone, l.request.gone)
	}
	cites := f.newestCite()
	switch {
	case f.ask.hostile:
		st = l.next["hostile"]
	case class == intent.ClassCustomer && f.ask.cancels:
		st = l.next["cancels"]
	case f.act == act.Reply && f.ask.later:
		st = l.next["later"]
		if len(f.ask.dates) > 0 {
			v['U'] = n.l.date(f.ask.dates[len(f.ask.dates)-1].when, n.now)
		}
	case class == intent.ClassCustomer && f.act.Request():
		st = l.next["customer"]
	case as == formAnswered || f.act == act.Quote && n.answeredBy(f) != nil && n.days(f.at) >= freshDays:
		st = l.next["answered"]
		cites = n.answeredBy(f).cites[:1]
		if page := n.readAfter(n.answeredBy(f)); page != nil && page.act == act.Terms {
			v['w'] = n.lang("terms", "Konditionen")
		}
	case as == formBack:
		st = l.next["back"]
		v['p'] = n.productName(uint8(max(n.product(), 0)))
	case as == formFirst:
		st = l.next["first"]
	case as == formBoth:
		st = l.next["both"]
	case n.colleague() != nil && !f.act.Request():
		st = l.next["colleague"]
		if c := n.colleague(); c.colleague != "?" {
			v['c'] = c.colleague
		}
	}
	if f.act == act.Price && as == formPlain && class == intent.ClassNone {
		if c := n.newest(act.Calculate); c != nil && n.days(c.at) < freshDays {
			st.fresh = l.next[act.Calculate].fresh // a price they have worked out already
		}
	}
	text, age := st.fresh, n.days(f.at)
	if as == formAnswered {
		age = n.days(n.readAfter(n.answeredBy(f)).at)
	}
	if f.act == act.Register && n.ahead(f.date) || f.act == act.Trial && n.alive(f) {
		age = 0
	}
	switch {
	case age >= goneDays:
		text = cmp.Or(st.gone, st.old, st.aged, st.fresh)
	case age >= oldDays:
		text = cmp.Or(st.old, st.aged, st.fresh)
	case age >= freshDays:
		text = cmp.Or(st.aged, st.fresh)
	}
	if f.act == act.Meeting && !f.date.zero() && !n.ahead(f.date) && age < freshDays {
		text = st.aged
	}
	if f.act == act.Meeting && len(f.subjects) == 0 {
		v['l'] = ""
	}
	if st.low == "" && age < freshDays && (f.act == act.Quote || f.act == act.Enquiry) && !f.ask.hostile && as == formPlain && class == intent.ClassNone {
		st.low = l.request.fresh
	}
	next = sentence(ended(fill(text, &v, 200)), cites...)
	if st.low != "" && age < freshDays {
		low = sentence(st.low, cites...)
	}
	return next, low
}

// negative tells of somebody who gets no sales step: who they are, with the evidence.
func (n *note) negative(in *intent.Intent, class intent.Class, company string, of *fact) {
	l := n.l
	if of == nil {
		of = n.newestOwn()
	}
	if of == nil {
		return
	}
	n.lead = of
	what, cites := n.evidence(class, of)
	v := slots{'o': what, 'x': plain.Text(company, 40), 'd': n.day(of.at)}
	tell(of)
	in.Headline = sentence(upperFirst(fill(l.classes[class], &v, headlineMax)), append(of.newestCite(), cites...)...)
	clauses := n.others(nil, reasonsMax-1)
	switch class {
	case intent.ClassPress:
		clauses = append([]clause{{n.lang("a matter for the press office", "Sache der Pressestelle"), of.cites[:1], of.at}}, clauses...)
	}
	n.mark(nil, class)
	in.Sentences = n.sentences(clauses[:min(len(clauses), reasonsMax)])
	in.NextStep = sentence(l.negative, of.newestCite()[0])
}

// evidence is what shows that somebody is of the class.
func (n *note) evidence(class intent.Class, f *fact) (what string, cites []string) {
	switch class {
	case intent.ClassCompetitor:
		var read []string
		for _, a := range []act.Act{act.Price, act.Terms, act.Calculate, act.Compare} {
			g := n.newest(a)
			if g == nil {
				continue
			}
			name := map[act.Act][2]string{act.Price: {"prices", "unsere Preise"}, act.Compare: {"comparison", "den Vergleich"}, act.Terms: {"terms", "die Konditionen"}, act.Calculate: {"price calculator", "den Preisrechner"}}[g.act]
			if name[0] != "" && n.sameDay(g.at, f.at) {
				read = append(read, n.lang(name[0], name[1]))
				cites = append(cites, g.cites[0])
				tell(g)
			}
		}
		if len(read) > 0 {
			return n.lang("reads our ", "liest ") + n.l.list(read), cites
		}
		return n.lang("reads our pages", "liest unsere Seiten"), nil
	case intent.ClassJobSeeker:
		if f.ask.seeks {
			return n.lang("asks about a job", "Anfrage wegen einer Stelle"), nil
		}
		if f.act == act.JobApply {
			role := cmp.Or(f.item, n.jobTitle(f))
			if role == "" {
				return n.lang("applied for a job", "Bewerbung auf eine Stelle"), nil
			}
			return n.lang("applied as "+lowerFirst(role), "Bewerbung als „"+role+"“"), nil
		}
		return n.lang("looks at careers pages", "Stellensuche: liest Stellenangebote"), nil
	case intent.ClassPress:
		if m := interviewOn.FindStringSubmatch(f.ask.interview); m != nil {
			if s := n.label(m[1]); s != "" && !n.l.german && !f.ask.german {
				return "asks for an interview on " + strings.TrimSpace(s), nil
			}
			return n.lang("asks for an interview", "bittet um ein Interview"), nil
		}
		if f.ask.press {
			return n.lang("works on an article", "arbeitet an einem Beitrag"), nil
		}
		return n.lang("sent a press enquiry", "Presseanfrage"), nil
	case intent.ClassSupplier:
		if s := f.ask.sells; s != "" {
			switch {
			case n.l.german && !f.ask.german:
				return "bietet uns etwas an", nil
			case f.ask.german:
				return n.lang("offers “"+s+"”", "bietet "+s+" an"), nil
			}
			return "offers " + lowerFirst(s), nil
		}
		return n.lang("sent a supplier form", "Lieferantenanfrage"), nil
	}
	// A student.
	v := n.slots(f)
	text := ""
	switch {
	case f.act == act.Download || f.act == act.Form:
		kind, _, _ := docKind(f.title)
		if kind == "" {
			kind = map[act.Act]string{act.Download: "download"}[f.act]
		}
		text = n.lang("took a "+kind, cmp.Or(docTypes[kind], "Material")+" heruntergeladen")
		if kind == "" {
			text = n.lang("filled in a form", "Formular ausgefüllt")
		}
		if f.ask.study {
			if n.l.german && kind != "" {
				return cmp.Or(docTypes[kind], "Material") + " für Abschlussarbeit heruntergeladen", nil
			}
			text += n.lang(" for a thesis", " für eine Abschlussarbeit")
		}
	case f.act == act.Search && f.ask.study:
		text = n.lang("searched our site for a thesis", "suchte auf der Website für eine Abschlussarbeit")
	case f.ask.study:
		text = n.lang("asks for a thesis", "fragt für eine Abschlussarbeit")
	case v['l'] != "":
		text = n.lang("read about ", "las über ") + v['l']
	default:
		text = n.lang("visited the site", "war auf der Website")
	}
	return text, nil
}

// jobTitle is the role that an application names in its title.
func (n *note) jobTitle(f *fact) string {
	t := f.title
	for _, p := range []string{"Job application", "Application", "Apply", "Bewerbung", "job application"} {
		if rest, ok := strings.CutPrefix(t, p); ok && (rest == "" || !unicode.IsLetter([]rune(rest)[0])) {
			t = rest
		}
	}
	if act.OfForm(t) == act.JobApply {
		return "" // the form's own name
	}
	for _, p := range []string{": ", " as ", " als ", " for ", " – ", " - "} {
		t = strings.TrimPrefix(t, p)
	}
	if i := strings.IndexByte(t, '('); i > 0 {
		t = t[:i]
	}
	return n.label(strings.TrimSpace(t))
}
