package intent

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clause is one reason in the making.
type clause struct {
	text  string
	cites []string
	at    int64 // when the newest of it was done; 0: what is missing
}

// reasonOrder is the order in which further facts are told.
var reasonOrder = []Act{
	ActDemo, ActQuote, ActTender, ActPilot, ActEnquiry, ActCallback, ActTrialAsk, ActApply, ActMeeting, ActMet, ActReply, ActOrder, ActSample, ActPublicAsk, ActCheckout, ActCart, ActBooking, ActBegun, ActOrderPage, ActCalculate, ActTerms, ActPrice, ActCompare,
	ActTrial, ActInvite, ActStuck, ActRegister, ActAttend, ActForm, ActSignUp, ActDownload, ActProduct, ActRead, ActCase, ActHelp, ActSearch, ActUse, ActChat, ActUnsubscribe, ActMiss, ActCancel, ActRefuse, ActClick, ActNewsletter, ActMention,
}

// reasonRank is the place of an act in reasonOrder; what is not in it passes for the first.
var reasonRank = func() map[Act]int {
	m := map[Act]int{}
	for i, a := range reasonOrder {
		m[a] = i
	}
	return m
}()

// summary gives up to three reasons that go on from the headline.
func (n *note) summary(as form, class Class) []Sentence {
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
	if !f.act.request() || f.ask.hostile {
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
		n.marks = append(n.marks, Mark{What: MarkLess, At: f.at})
	}
	tell(g)
	return []clause{{fill(template, &slots{'q': then.carried(g.ask.german, n.l.german), 'r': n.called(g), 'd': n.day(g.at)}, 200), append(f.cites[:1:1], g.cites...), f.at}}
}

// earlier is the newest request before f that asked for another number of the same thing.
func (n *note) earlier(f *fact) *fact {
	if len(f.ask.quantities) == 0 {
		return nil
	}
	now := f.ask.quantities[0]
	for i := len(n.facts) - 1; i >= 0; i-- {
		g := &n.facts[i]
		if g == f || !g.act.request() || g.at >= f.at || g.colleague != "" || g.ask.hostile || len(g.ask.quantities) == 0 {
			continue
		}
		if then := g.ask.quantities[0]; foldSubject(then.noun) == foldSubject(now.noun) && then.number != now.number {
			return g
		}
	}
	return nil
}

// less compares two numbers as written, where both are whole.
func less(a, b string) bool {
	plainNumber := func(s string) string {
		return strings.TrimLeft(strings.NewReplacer(",", "", ".", "", "+", "").Replace(s), "0")
	}
	a, b = plainNumber(a), plainNumber(b)
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// leftover is what was typed with f and found no room in the headline.
func (n *note) leftover(f *fact) []clause {
	l, v := n.l, n.slots(f)
	a := f.ask
	if a.hostile {
		return []clause{{l.formText, f.cites[:1], 0}}
	}
	var out []clause
	add := func(k byte, template string) {
		if v[k] != "" && !f.holds(k) {
			if text := fill(template, &v, 200); text != "" {
				out = append(out, clause{text, f.newestCite(), f.at})
			}
		}
	}
	if f.rival == "" {
		beside := l.andRival
		if f.act == ActTender {
			beside = l.invites
		}
		for as, template := range []string{considered: beside, inUse: l.uses, leaving: l.leaves} {
			var names []string
			for _, r := range a.rivals[:min(len(a.rivals), 2)] {
				if r.as == rivalAs(as) {
					names = append(names, r.name)
				}
			}
			if v['x'] = l.list(names); len(names) > 0 {
				add('x', template)
			}
		}
	}
	if x := n.newest(ActCompare); a.named != "" && f.rival == "" && (x == nil || x.rival != a.named) {
		out = append(out, clause{n.lang("named ", "nannte ") + a.named, f.newestCite(), f.at})
	}
	if a.leaves != "" {
		out = append(out, clause{strings.Replace(l.leaves, "{x}", n.leaving(a.leaves), 1), f.newestCite(), f.at})
	}
	add('L', l.link)
	for _, asked := range []struct {
		is   bool
		text string
	}{{a.discount, n.lang("asks for a better price", "bittet um einen besseren Preis")}, {a.extends, n.lang("asks for a longer trial", "möchte länger testen")}} {
		if asked.is {
			out = append(out, clause{asked.text, f.newestCite(), f.at})
		}
	}
	if a.company != "" {
		out = append(out, clause{n.lang("company of "+a.company+" people", "Firma mit "+a.company+" Personen"), f.newestCite(), f.at})
	}
	if a.approved {
		out = append(out, clause{l.approved, f.newestCite(), f.at})
	}
	if len(a.money) > 0 && f.price.amount == "" && !f.holds('b') {
		sum := a.money[0].text(l.german)
		template := l.budget
		switch {
		case a.money[0].most && l.german:
			template = "nannte {b}"
		case a.money[0].most:
			template = "named {b}"
		case !a.budget && l.german:
			template = "nannte {b}"
		case !a.budget:
			template = "named {b}"
		}
		out = append(out, clause{strings.Replace(template, "{b}", sum, 1), f.newestCite(), f.at})
	}
	if f.act != ActSearch {
		add('a', l.scope)
		switch {
		case a.owns && !f.holds('q'):
			if q := n.quantities(a); q != "" {
				out = append(out, clause{n.lang("named ", "nannte ") + q, f.newestCite(), f.at})
			}
		case v['q'] != "" && !f.holds('q') && f.act != ActBooking && !f.act.first():
			lead := n.lang("asked for ", "es geht um ")
			switch {
			case f.act == ActCalculate:
				lead = n.lang("worked it out for ", "durchgerechnet für ")
			case f.act == ActMeeting || v['g'] != "":
				lead = n.lang("it is about ", "es geht um ")
			case f.act == ActDownload || f.act == ActForm || f.act == ActSample || f.act == ActRegister:
				lead = n.lang("named ", "nannte ")
			}
			out = append(out, clause{lead + v['q'], f.newestCite(), f.at})
		}
		if v['t'] != "" && !f.holds('t') && !a.later {
			if len(a.dates) > 0 && a.dates[0].what == "" {
				v['t'] = n.lang("wants it ", "gewünscht ") + v['t']
			}
			out = append(out, clause{v['t'], f.newestCite(), f.at})
		}
	}
	if f.act == ActStuck && v['w'] != "" && v['o'] != "" && v['o'] != v['w'] {
		if t := n.newest(ActTrial); t != nil && n.sameDay(t.first, f.first) {
			out = append(out, clause{n.lang("it stopped at "+v['w']+" on the first day", contract.Replace("blieb gleich am ersten Tag bei "+v['w']+" stehen")), append(f.cites[:1:1], t.cites...), f.at})
			tell(t)
		} else {
			out = append(out, clause{contract.Replace(n.lang("it stopped at ", "blieb stehen bei ") + v['w']), f.cites[:1], f.at})
		}
	}
	return out
}

func (n *note) leaving(s string) string {
	if n.l.german {
		switch s {
		case "spreadsheets", "spreadsheet":
			return "Tabellen"
		case "excel":
			return "Excel"
		case "paper", "papier":
			return "Papier"
		}
		return titled(s)
	}
	switch s {
	case "tabellen", "excel-listen":
		return "spreadsheets"
	case "excel":
		return "Excel"
	case "papier":
		return "paper"
	}
	return s
}

func (n *note) lang(en, de string) string {
	if n.l.german {
		return de
	}
	return en
}

// afterAnswer tells of a request that has our quote: what else was read that day, what was asked, that no reply is on record.
func (n *note) afterAnswer(f *fact) []clause {
	answer := n.answeredBy(f)
	var out []clause
	for i := len(n.facts) - 1; i >= 0 && len(out) == 0; i-- {
		g := &n.facts[i]
		if g.at > answer.at && (g.act == ActPrice || g.act == ActCompare || g.act == ActOrderPage || g.act == ActTerms) && !g.told {
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
		if f.act == ActPrice && f.product == a {
			newer = f
		} else if f.act == ActPrice && f.product == b {
			older = f
		}
	}
	tell(older, newer)
	for i := range n.facts {
		if f := &n.facts[i]; f.act == ActProduct {
			tell(f)
		}
	}
	text := "read the prices of " + n.productName(b) + " on " + n.day(older.at) + " and of " + n.productName(a) + " on " + n.day(newer.at)
	if n.l.german {
		text = "am " + n.day(older.at) + " die Preise von " + n.productName(b) + ", am " + n.day(newer.at) + " die von " + n.productName(a) + " angesehen"
	}
	return clause{text, append(newer.newestCite(), older.newestCites()...), newer.at}
}

func (n *note) repliedAfter(at int64) *fact {
	for i := range n.facts {
		if g := &n.facts[i]; g.at > at && (g.act.request() || g.act.first()) && g.colleague == "" {
			return g
		}
	}
	return nil
}

// others appends further facts in their order until there are k; reading is told as one.
func (n *note) others(out []clause, k int) []clause {
	for rank, a := range reasonOrder {
		if len(out) >= k {
			break
		}
		if a != ActRead && n.acts&(1<<rank) == 0 {
			continue
		}
		if a == ActHelp && (n.lead.act != ActStuck && n.lead.act != ActTrial) {
			continue
		}
		if a == ActRead {
			if c, ok := n.reading(); ok {
				out = append(out, c)
			}
			continue
		}
		if a == ActProduct {
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
		if g.act != ActProduct || g.colleague != "" || g.told || g == n.lead || name == "" || g.product == n.lead.product && n.lead.act.unfinished() {
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
	if n.lead.holds('p') && g.product == n.lead.product && g.act != ActProduct && g.act != ActCompare {
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
		if g.act != ActRead && (g.act != ActProduct || n.productName(g.product) != "") || g.told || g == n.lead || len(g.subjects) == 0 {
			continue
		}
		if n.lead.act == ActRead && len(n.lead.subjects) > 0 && slices.Contains(n.lead.subjects, g.subjects[0]) {
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
	sum.act, sum.ask = ActRead, &nothing
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
	n.sumTold = clause{fill(n.l.clauses[ActRead], &v, 200), sum.newestCites(), sum.at}
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
	case answer != nil && f.act.request() && as != formAnswered && n.repliedAfter(answer.at) == nil:
		add(fill(l.noReply, &slots{'d': n.day(answer.at)}, 200), answer.cites[:1])
	case f.act == ActQuote && age >= freshDays && age < goneDays && answer == nil && !n.touchedAfter(f.at):
		add(l.noAnswer, f.cites[:1])
	case as == formBoth:
		add(l.openProduct, f.newestCite())
	case n.colleague() != nil && !f.act.request():
		add(n.lang("no request of their own", "keine eigene Anfrage"), f.newestCite())
	case f.act == ActEnquiry && f.product == 0 && len(f.ask.quantities) > 0 && len(n.s.Journey.Products) > 1:
		add(n.lang("which product is open", "um welches Produkt es geht, ist offen"), f.cites[:1])
	case (f.act == ActCompare || f.act == ActCalculate || f.act == ActTerms || f.act == ActPrice) && !n.noRequest && n.newestRequest() == nil:
		add(l.noRequest, f.newestCite())
	case have == 0 && f.act == ActOpen:
		add(n.lang("no visit or answer on record", "kein Besuch, keine Antwort erfasst"), f.newestCite())
	case have == 0 && f.act == ActNewsletter:
		add(n.lang("no visit, no question yet", "noch kein Besuch, keine Frage"), f.newestCite())
	case have == 0 && (f.act == ActRead || f.act == ActVisit || f.act == ActProduct || f.act == ActCase || f.act == ActClick || f.act == ActForm || f.act == ActChat && !f.ask.any):
		add(l.nothingElse, f.newestCite()) // so little that it is worth saying
	}
	if f.act == ActOpen || f.act == ActNewsletter {
		return out
	}
	if open := n.newest(ActOpen); open != nil && have+len(out) < reasonsMax && f.act.request() && age >= oldDays && open.at > f.at {
		if c, ok := n.clauseOf(open); ok {
			out = append(out, c)
		}
	}
	if f.ask.hostile && have <= 1 && len(out) == 0 {
		add(l.nothingElse, f.newestCite())
	}
	return out
}

func (n *note) newestRequest() *fact {
	for i := len(n.facts) - 1; i >= 0; i-- {
		if g := &n.facts[i]; g.act.request() && g.colleague == "" && (g.act != ActMeeting || i == 0) {
			return g
		}
	}
	return n.newest(ActMeeting)
}

func (n *note) touchedAfter(at int64) bool {
	return n.any(func(g *fact) bool { return g.at > at && (g.act == ActOurTouch || g.act == ActOurQuote) })
}

// sentences joins clauses, two to a sentence; what is new since the last text goes first.
func (n *note) sentences(clauses []clause) []Sentence {
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
	out := make([]Sentence, 0, len(clauses))
	for i := 0; i < len(clauses); {
		one := &clauses[i]
		var room [4 * citesKept]string
		lead, and, second, cites := "", "", "", append(room[:0], one.cites...)
		i++
		if i < len(clauses) && runes(one.text)+runes(clauses[i].text) < 150 && (one.at != 0 || clauses[i].at == 0) && len(cites)+len(clauses[i].cites) <= citesKept {
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

// finished is parts joined to a sentence, with a capital and an end.
func finished(parts ...string) string {
	var room [512]byte
	b := room[:0]
	for _, p := range parts {
		if len(b) == 0 && p != "" {
			first, n := utf8.DecodeRuneInString(p)
			b, p = utf8.AppendRune(b, unicode.ToUpper(first)), p[n:]
		}
		b = append(b, p...)
	}
	if len(b) > 0 && strings.IndexByte(".?!", b[len(b)-1]) < 0 {
		b = append(b, '.') // a date that ends in a point takes the sentence's
	}
	return string(b)
}

// ended closes a sentence; a date that ends in a point takes the sentence's.
func ended(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "!") {
		return s
	}
	return s + "."
}

// mark notes what lowers.
func (n *note) mark(f *fact, class Class) {
	add := func(k MarkKind, at int64) { n.marks = append(n.marks, Mark{What: k, At: at}) }
	for i := range n.facts {
		g := &n.facts[i]
		switch {
		case g.colleague != "":
			continue
		case g.act == ActBegun:
			add(MarkUnsent, g.at)
		case g.act == ActCart || g.act == ActCheckout || g.act == ActBooking:
			add(MarkUnpaid, g.at)
		case g.act == ActUnsubscribe:
			add(MarkUnsubscribed, g.at)
		case g.act == ActMiss:
			add(MarkMissed, g.at)
		case g.act == ActCancel:
			add(MarkCancelled, g.at)
		case g.act == ActRefuse:
			add(MarkRefused, g.at)
		case g.act == ActStuck:
			add(MarkStuck, g.at)
		case g.ask.hostile:
			add(MarkHostile, g.at)
		}
	}
	if f != nil && f.act.request() {
		if a := n.answeredBy(f); a != nil && n.repliedAfter(a.at) == nil {
			add(MarkNoReply, a.at)
		}
	}
	if n.colleague() != nil && n.newestRequest() == nil {
		add(MarkColleague, n.colleague().at)
	}
	switch class {
	case ClassCustomer:
		add(MarkCustomer, 0)
	case ClassCompetitor:
		add(MarkCompetitor, 0)
	case ClassJobSeeker:
		add(MarkCareers, 0)
	case ClassPress:
		add(MarkPress, 0)
	case ClassSupplier:
		add(MarkSupplier, 0)
	}
	slices.SortStableFunc(n.marks, func(a, b Mark) int { return strings.Compare(string(a.What), string(b.What)) })
	n.marks = slices.CompactFunc(n.marks, func(a, b Mark) bool { return a.What == b.What })
}

// nextStep is the one action that fits what leads, its age and the tier: low is for a low one, empty if that is the same.
func (n *note) nextStep(f *fact, as form, class Class) (next, low Sentence) {
	l, v := n.l, n.slots(f)
	st, ok := l.next[f.act]
	if !ok || f.act.request() && st.aged == "" {
		if !ok {
			st = l.request
		}
		st.aged, st.old, st.gone = firstOf(st.aged, l.request.aged), firstOf(st.old, l.request.old), firstOf(st.gone, l.request.gone)
	} else if f.act.request() {
		st.old, st.gone = firstOf(st.old, l.request.old), firstOf(st.gone, l.request.gone)
	}
	cites := f.newestCite()
	switch {
	case f.ask.hostile:
		st = l.next["hostile"]
	case class == ClassCustomer && f.ask.cancels:
		st = l.next["cancels"]
	case f.act == ActReply && f.ask.later:
		st = l.next["later"]
		if len(f.ask.dates) > 0 {
			v['U'] = n.l.date(f.ask.dates[len(f.ask.dates)-1].when, n.now)
		}
	case class == ClassCustomer && f.act.request():
		st = l.next["customer"]
	case as == formAnswered || f.act == ActQuote && n.answeredBy(f) != nil && n.days(f.at) >= freshDays:
		st = l.next["answered"]
		cites = n.answeredBy(f).cites[:1]
		if page := n.readAfter(n.answeredBy(f)); page != nil && page.act == ActTerms {
			v['w'] = n.lang("terms", "Konditionen")
		}
	case as == formBack:
		st = l.next["back"]
		v['p'] = n.productName(uint8(max(n.product(), 0)))
	case as == formFirst:
		st = l.next["first"]
	case as == formBoth:
		st = l.next["both"]
	case n.colleague() != nil && !f.act.request():
		st = l.next["colleague"]
		if c := n.colleague(); c.colleague != "?" {
			v['c'] = c.colleague
		}
	}
	if f.act == ActPrice && as == formPlain && class == classNone {
		if c := n.newest(ActCalculate); c != nil && n.days(c.at) < freshDays {
			st.fresh = l.next[ActCalculate].fresh // a price they have worked out already
		}
	}
	text, age := st.fresh, n.days(f.at)
	if as == formAnswered {
		age = n.days(n.readAfter(n.answeredBy(f)).at)
	}
	if f.act == ActRegister && n.ahead(f.date) || f.act == ActTrial && n.alive(f) {
		age = 0
	}
	switch {
	case age >= goneDays:
		text = firstOf(st.gone, st.old, st.aged, st.fresh)
	case age >= oldDays:
		text = firstOf(st.old, st.aged, st.fresh)
	case age >= freshDays:
		text = firstOf(st.aged, st.fresh)
	}
	if f.act == ActMeeting && !f.date.zero() && !n.ahead(f.date) && age < freshDays {
		text = st.aged
	}
	if f.act == ActMeeting && len(f.subjects) == 0 {
		v['l'] = ""
	}
	if st.low == "" && age < freshDays && (f.act == ActQuote || f.act == ActEnquiry) && !f.ask.hostile && as == formPlain && class == classNone {
		st.low = l.request.fresh
	}
	next = sentence(ended(fill(text, &v, 200)), cites...)
	if st.low != "" && age < freshDays {
		low = sentence(st.low, cites...)
	}
	return next, low
}

var interviewOn = regexp.MustCompile(`(?i)\binterview\b(?:[^.,;]{0,20}?\b(?:on|about|zu|über|zum)\s+((?:[\p{L}-]+ ?){1,3}))?`)

// negative tells of somebody who gets no sales step: who they are, with the evidence.
func (n *note) negative(in *Intent, class Class, company string, of *fact) {
	l := n.l
	if of == nil {
		of = n.newestOwn()
	}
	if of == nil {
		return
	}
	n.lead = of
	what, cites := n.evidence(class, of)
	v := slots{'o': what, 'x': plain(company, 40), 'd': n.day(of.at)}
	tell(of)
	in.Headline = sentence(upperFirst(fill(l.classes[class], &v, headlineMax)), append(of.newestCite(), cites...)...)
	clauses := n.others(nil, reasonsMax-1)
	switch class {
	case ClassPress:
		clauses = append([]clause{{n.lang("a matter for the press office", "Sache der Pressestelle"), of.cites[:1], of.at}}, clauses...)
	}
	n.mark(nil, class)
	in.Sentences = n.sentences(clauses[:min(len(clauses), reasonsMax)])
	in.NextStep = sentence(l.negative, of.newestCite()[0])
}

// evidence is what shows that somebody is of the class.
func (n *note) evidence(class Class, f *fact) (what string, cites []string) {
	switch class {
	case ClassCompetitor:
		var read []string
		for _, a := range []Act{ActPrice, ActTerms, ActCalculate, ActCompare} {
			g := n.newest(a)
			if g == nil {
				continue
			}
			name := map[Act][2]string{ActPrice: {"prices", "unsere Preise"}, ActCompare: {"comparison", "den Vergleich"}, ActTerms: {"terms", "die Konditionen"}, ActCalculate: {"price calculator", "den Preisrechner"}}[g.act]
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
	case ClassJobSeeker:
		if f.ask.seeks {
			return n.lang("asks about a job", "Anfrage wegen einer Stelle"), nil
		}
		if f.act == ActJobApply {
			role := firstOf(f.item, n.jobTitle(f))
			if role == "" {
				return n.lang("applied for a job", "Bewerbung auf eine Stelle"), nil
			}
			return n.lang("applied as "+lowerFirst(role), "Bewerbung als „"+role+"“"), nil
		}
		return n.lang("looks at careers pages", "Stellensuche: liest Stellenangebote"), nil
	case ClassPress:
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
	case ClassSupplier:
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
	case f.act == ActDownload || f.act == ActForm:
		kind, _, _ := docKind(f.title)
		if kind == "" {
			kind = map[Act]string{ActDownload: "download"}[f.act]
		}
		text = n.lang("took a "+kind, firstOf(docTypes[kind], "Material")+" heruntergeladen")
		if kind == "" {
			text = n.lang("filled in a form", "Formular ausgefüllt")
		}
		if f.ask.study {
			if n.l.german && kind != "" {
				return firstOf(docTypes[kind], "Material") + " für Abschlussarbeit heruntergeladen", nil
			}
			text += n.lang(" for a thesis", " für eine Abschlussarbeit")
		}
	case f.act == ActSearch && f.ask.study:
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
	if formAct(t) == ActJobApply {
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
