package rules

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
)

// summary gives up to three reasons that go on from the headline.
func (n *note) summary(as form, class intent.Class) []intent.Sentence {
	f := n.lead
	clauses := append(make([]clause, 0, 2*reasonsMax), n.changed(f)...)
	switch as {
	case formAnswered:
		clauses = append(clauses, n.afterAnswer(f)...)
	case formBoth:
		clauses = append(clauses, n.bothPrices())
	default:
		clauses = append(clauses, n.leftover(f)...)
	}
	clauses = n.others(clauses, reasonsMax)
	clauses = append(clauses, n.missing(f, as, len(clauses))...)
	n.mark(f, class)
	return n.sentences(clauses[:min(len(clauses), reasonsMax)])
}

// changed says what the newest request takes back of an earlier one.
func (n *note) changed(f *fact) []clause {
	if !f.act.Request() || f.ask.hostile {
		return nil
	}
	g := n.earlier(f)
	if g == nil {
		return nil
	}
	then := g.ask.quantities[0]
	template := n.l.moreThan
	if less(f.ask.quantities[0].number, then.number) {
		template = n.l.lessThan
		n.marks = append(n.marks, intent.Mark{What: intent.MarkLess, At: f.at})
	}
	tell(g)
	return []clause{{fill(template, &slots{'q': then.carried(g.ask.german, n.l.german), 'r': n.called(g), 'd': n.day(g.at)}, 200), append(f.cites[:1:1], g.cites...), f.at}}
}

// leftover is what was typed with f and found no room in the headline.
func (n *note) leftover(f *fact) []clause {
	if f.ask.hostile {
		return []clause{{n.l.formText, f.cites[:1], 0}}
	}
	r := rest{note: n, f: f, v: n.slots(f)}
	r.rivals()
	r.wishes()
	r.money()
	if f.act != act.Search {
		r.scope()
	}
	if f.act == act.Stuck {
		r.stopped()
	}
	return r.out
}

// rest gathers what the headline of f left out.
type rest struct {
	*note
	f   *fact
	v   slots
	out []clause
}

// add adds a text about the newest of f.
func (r *rest) add(text string) { r.out = append(r.out, clause{text, r.f.newestCite(), r.f.at}) }

// slot adds a slot by its template, unless the headline holds it.
func (r *rest) slot(k byte, template string) {
	if r.v[k] != "" && !r.f.holds(k) {
		if text := fill(template, &r.v, 200); text != "" {
			r.add(text)
		}
	}
}

// rivals are the other providers that were named.
func (r *rest) rivals() {
	l, f, a := r.l, r.f, r.f.ask
	if f.rival == "" {
		beside := l.andRival
		if f.act == act.Tender {
			beside = l.invites
		}
		for as, template := range []string{considered: beside, inUse: l.uses, leaving: l.leaves} {
			var names []string
			for _, other := range a.rivals[:min(len(a.rivals), 2)] {
				if other.as == rivalAs(as) {
					names = append(names, other.name)
				}
			}
			if r.v['x'] = l.list(names); len(names) > 0 {
				r.slot('x', template)
			}
		}
	}
	if x := r.newest(act.Compare); a.named != "" && f.rival == "" && (x == nil || x.rival != a.named) {
		r.add(r.lang("named ", "nannte ") + a.named)
	}
	if a.leaves != "" {
		r.add(strings.Replace(l.leaves, "{x}", r.leaving(a.leaves), 1))
	}
}

// wishes are what else was asked for or said of themselves.
func (r *rest) wishes() {
	a := r.f.ask
	r.slot('L', r.l.link)
	if a.discount {
		r.add(r.lang("asks for a better price", "bittet um einen besseren Preis"))
	}
	if a.extends {
		r.add(r.lang("asks for a longer trial", "möchte länger testen"))
	}
	if a.company != "" {
		r.add(r.lang("company of "+a.company+" people", "Firma mit "+a.company+" Personen"))
	}
	if a.approved {
		r.add(r.l.approved)
	}
}

// money is the first sum, as the budget that it was said to be, or as a sum that was named.
func (r *rest) money() {
	a := r.f.ask
	if len(a.money) == 0 || r.f.price.amount != "" || r.f.holds('b') {
		return
	}
	template := r.l.budget
	if a.money[0].most || !a.budget {
		template = r.lang("named {b}", "nannte {b}")
	}
	r.add(strings.Replace(template, "{b}", a.money[0].text(r.l.german), 1))
}

// scope is how much it is about, and when it is wanted.
func (r *rest) scope() {
	f, v, a := r.f, &r.v, r.f.ask
	r.slot('a', r.l.scope)
	switch {
	case a.owns && !f.holds('q'):
		if q := r.quantities(a); q != "" {
			r.add(r.lang("named ", "nannte ") + q)
		}
	case v['q'] != "" && !f.holds('q') && f.act != act.Booking && !f.act.First():
		lead := r.lang("asked for ", "es geht um ")
		switch {
		case f.act == act.Calculate:
			lead = r.lang("worked it out for ", "durchgerechnet für ")
		case f.act == act.Meeting || v['g'] != "":
			lead = r.lang("it is about ", "es geht um ")
		case f.act == act.Download || f.act == act.Form || f.act == act.Sample || f.act == act.Register:
			lead = r.lang("named ", "nannte ")
		}
		r.add(lead + v['q'])
	}
	if v['t'] != "" && !f.holds('t') && !a.later {
		if len(a.dates) > 0 && a.dates[0].what == "" {
			v['t'] = r.lang("wants it ", "gewünscht ") + v['t']
		}
		r.add(v['t'])
	}
}

// stopped is where a trial stopped.
func (r *rest) stopped() {
	f, where := r.f, r.v['w']
	if where == "" || r.v['o'] == "" || r.v['o'] == where {
		return
	}
	if t := r.newest(act.Trial); t != nil && r.sameDay(t.first, f.first) {
		r.out = append(r.out, clause{r.lang("it stopped at "+where+" on the first day", contract.Replace("blieb gleich am ersten Tag bei "+where+" stehen")), append(f.cites[:1:1], t.cites...), f.at})
		tell(t)
		return
	}
	r.out = append(r.out, clause{contract.Replace(r.lang("it stopped at ", "blieb stehen bei ") + where), f.cites[:1], f.at})
}

// afterAnswer tells of a request that has our quote: what else was read that day, what was asked, that no reply is on record.
func (n *note) afterAnswer(f *fact) []clause {
	answer := n.answeredBy(f)
	var out []clause
	for i := len(n.facts) - 1; i >= 0 && len(out) == 0; i-- {
		g := &n.facts[i]
		if g.at > answer.at && (g.act == act.Price || g.act == act.Compare || g.act == act.OrderPage || g.act == act.Terms) && !g.told {
			if c, ok := n.clauseOf(g); ok {
				out = append(out, c)
				tell(g)
			}
		}
	}
	if c, ok := n.clauseOf(f); ok {
		out = append(out, c)
	}
	tell(f)
	if n.repliedAfter(answer.at) == nil {
		out = append(out, clause{n.lang("no reply to the quote on record", "keine Antwort auf das Angebot erfasst"), answer.cites[:1], 0})
	}
	return out
}

// bothPrices tells when the prices of two products were read.
func (n *note) bothPrices() clause {
	a, b := n.twoProducts()
	var older, newer *fact
	for i := range n.facts {
		f := &n.facts[i]
		if f.act == act.Price && f.product == a {
			newer = f
		} else if f.act == act.Price && f.product == b {
			older = f
		}
	}
	tell(older, newer)
	for i := range n.facts {
		if f := &n.facts[i]; f.act == act.Product {
			tell(f)
		}
	}
	text := "read the prices of " + n.productName(b) + " on " + n.day(older.at) + " and of " + n.productName(a) + " on " + n.day(newer.at)
	if n.l.german {
		text = "am " + n.day(older.at) + " die Preise von " + n.productName(b) + ", am " + n.day(newer.at) + " die von " + n.productName(a) + " angesehen"
	}
	return clause{text, append(newer.newestCite(), older.newestCites()...), newer.at}
}

// others appends further facts in their order until there are k; reading is told as one.
func (n *note) others(out []clause, k int) []clause {
	for rank, a := range reasonOrder {
		if len(out) >= k {
			break
		}
		if a != act.Read && n.acts&(1<<rank) == 0 {
			continue
		}
		if a == act.Help && (n.lead.act != act.Stuck && n.lead.act != act.Trial) {
			continue
		}
		if a == act.Read {
			if c, ok := n.reading(); ok {
				out = append(out, c)
			}
			continue
		}
		if a == act.Product {
			if c, ok := n.lookedAt(); ok {
				out = append(out, c)
			}
			continue
		}
		for i := len(n.facts) - 1; i >= 0 && len(out) < k; i-- {
			g := &n.facts[i]
			if g.act != a || g.colleague != "" || g.told || g == n.lead {
				continue
			}
			if c, ok := n.clauseOf(g); ok {
				out = append(out, c)
				tell(g)
			}
		}
	}
	return out
}

// lookedAt tells as one reason which products somebody looked at, the newest first.
func (n *note) lookedAt() (clause, bool) {
	var looked []string
	var c clause
	for i := len(n.facts) - 1; i >= 0 && len(looked) < reasonsMax; i-- {
		g := &n.facts[i]
		name := n.productName(g.product)
		if g.act != act.Product || g.colleague != "" || g.told || g == n.lead || name == "" || g.product == n.lead.product && n.lead.act.Unfinished() {
			continue
		}
		one, ok := n.clauseOf(g)
		if !ok {
			continue
		}
		tell(g)
		if len(looked) == 0 {
			c = one
		}
		v := n.slots(g)
		looked = append(looked, name+" "+v[slotOn])
		c.cites = append(c.cites[:min(len(c.cites), 3)], one.cites...)
	}
	if len(looked) > 1 {
		c.text = n.lang("looked at "+n.l.list(looked), n.l.list(looked)+" angesehen")
	}
	return c, len(looked) > 0
}

// clauseOf tells a fact as one reason.
func (n *note) clauseOf(g *fact) (clause, bool) {
	v := n.slots(g)
	if n.lead.holds('p') && g.product == n.lead.product && g.act != act.Product && g.act != act.Compare {
		v['p'] = "" // said once
	}
	template := n.l.clauses[g.act]
	if many := n.l.many[g.act]; many != "" && g.count > 1 {
		template = many
	}
	if g.ask.hostile {
		v['q'], v['t'], v['b'] = "", "", ""
	}
	text := fill(template, &v, 200)
	if n.back && g.at < n.after && n.sameDay(g.at, n.before) {
		if bare := strings.Replace(text, n.lang(" on ", "am ")+n.day(g.at)+n.lang("", " "), "", 1); bare != text {
			text = n.lang(bare+" before", "zuvor "+bare)
		}
	}
	return clause{text, g.newestCites(), g.at}, text != ""
}

// reading tells all pages read without a purpose of their own as one.
func (n *note) reading() (clause, bool) {
	var room [32]*fact
	left := room[:0]
	for i := len(n.facts) - 1; i >= 0; i-- {
		g := &n.facts[i]
		if g.act != act.Read && (g.act != act.Product || n.productName(g.product) != "") || g.told || g == n.lead || len(g.subjects) == 0 {
			continue
		}
		if n.lead.act == act.Read && len(n.lead.subjects) > 0 && slices.Contains(n.lead.subjects, g.subjects[0]) {
			continue
		}
		left = append(left, g)
	}
	if len(left) == 0 {
		return clause{}, false
	}
	if slices.Equal(left, n.sumOf) {
		return n.sumTold, true
	}
	n.sumOf = append(n.sumOf[:0], left...)
	sum := &n.sum
	*sum = sum.emptied()
	sum.act, sum.ask = act.Read, &nothing
	for _, g := range left {
		if len(sum.subjects) >= 3 || slices.Contains(sum.subjects, g.subjects[0]) {
			continue
		}
		sum.subjects = append(sum.subjects, g.subjects[:min(len(g.subjects), 3-len(sum.subjects))]...)
		sum.at = max(sum.at, g.at)
		sum.count += g.count
		sum.cites = append(sum.cites, g.cites[max(0, len(g.cites)-2):]...)
		for _, d := range g.days {
			if !slices.ContainsFunc(sum.days, func(x int64) bool { return n.sameDay(x, d) }) {
				sum.days = append(sum.days, d)
			}
		}
	}
	slices.Sort(sum.days)
	v := n.slots(sum)
	v['o'] = ""
	n.sumTold = clause{fill(n.l.clauses[act.Read], &v, 200), sum.newestCites(), sum.at}
	return n.sumTold, true
}

// missing says what is not known, once.
func (n *note) missing(f *fact, as form, have int) (out []clause) {
	l := n.l
	if have >= reasonsMax {
		return nil
	}
	add := func(text string, cites []string) { out = append(out, clause{text, cites, 0}) }
	age := n.days(f.at)
	answer := n.answeredBy(f)
	switch {
	case answer != nil && f.act.Request() && as != formAnswered && n.repliedAfter(answer.at) == nil:
		add(fill(l.noReply, &slots{'d': n.day(answer.at)}, 200), answer.cites[:1])
	case f.act == act.Quote && age >= freshDays && age < goneDays && answer == nil && !n.touchedAfter(f.at):
		add(l.noAnswer, f.cites[:1])
	case as == formBoth:
		add(l.openProduct, f.newestCite())
	case n.colleague() != nil && !f.act.Request():
		add(n.lang("no request of their own", "keine eigene Anfrage"), f.newestCite())
	case f.act == act.Enquiry && f.product == 0 && len(f.ask.quantities) > 0 && len(n.s.Journey.Products) > 1:
		add(n.lang("which product is open", "um welches Produkt es geht, ist offen"), f.cites[:1])
	case (f.act == act.Compare || f.act == act.Calculate || f.act == act.Terms || f.act == act.Price) && !n.noRequest && n.newestRequest() == nil:
		add(l.noRequest, f.newestCite())
	case have == 0 && f.act == act.Open:
		add(n.lang("no visit or answer on record", "kein Besuch, keine Antwort erfasst"), f.newestCite())
	case have == 0 && f.act == act.Newsletter:
		add(n.lang("no visit, no question yet", "noch kein Besuch, keine Frage"), f.newestCite())
	case have == 0 && (f.act == act.Read || f.act == act.Visit || f.act == act.Product || f.act == act.Case || f.act == act.Click || f.act == act.Form || f.act == act.Chat && !f.ask.any):
		add(l.nothingElse, f.newestCite()) // so little that it is worth saying
	}
	if f.act == act.Open || f.act == act.Newsletter {
		return out
	}
	if open := n.newest(act.Open); open != nil && have+len(out) < reasonsMax && f.act.Request() && age >= oldDays && open.at > f.at {
		if c, ok := n.clauseOf(open); ok {
			out = append(out, c)
		}
	}
	if f.ask.hostile && have <= 1 && len(out) == 0 {
		add(l.nothingElse, f.newestCite())
	}
	return out
}

// sentences joins clauses, two to a sentence; what is new since the last text goes first.
func (n *note) sentences(clauses []clause) []intent.Sentence {
	told := n.s.Told.Unix()
	fresh := func(c clause) bool { return c.at > told }
	news := !n.s.Told.IsZero() && told < n.age.Unix() && slices.ContainsFunc(clauses, fresh) && n.any(func(f *fact) bool { return f.first <= told })
	if news {
		slices.SortStableFunc(clauses, func(a, b clause) int {
			switch {
			case fresh(a) && !fresh(b):
				return -1
			case fresh(b) && !fresh(a):
				return 1
			}
			return 0
		})
	}
	if len(clauses) == 0 {
		return nil
	}
	out := make([]intent.Sentence, 0, len(clauses))
	for i := 0; i < len(clauses); {
		one := &clauses[i]
		var room [4 * intent.MaxCites]string
		lead, and, second, cites := "", "", "", append(room[:0], one.cites...)
		i++
		if i < len(clauses) && runes(one.text)+runes(clauses[i].text) < 150 && (one.at != 0 || clauses[i].at == 0) && len(cites)+len(clauses[i].cites) <= intent.MaxCites {
			and, second = "; ", clauses[i].text
			cites = append(cites, clauses[i].cites...)
			i++
		}
		if one == &clauses[0] && news && fresh(*one) {
			lead = fill(n.l.newSince, &slots{'d': n.day(told)}, 60)
		}
		out = append(out, sentence(finished(lead, one.text, and, second), cites...))
	}
	return out
}
