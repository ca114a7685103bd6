package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/intent/redact"
	"github.com/intentd/intentd/pipeline/score"
)

// note is one text in the making.
type note struct {
	site *site
	s    intent.Subject
	l    *tongue
	loc  *time.Location
	now  time.Time // whose year goes without saying
	age  time.Time // the moment ages are counted from
	red  redact.Redactor

	facts  []fact // oldest first
	spare  []fact // room to sort them
	acts   uint64 // a bit for each act of reasonOrder that is among them
	topics []topicFact

	products      string // their names, to key what pages say
	before, after int64  // the last silence

	from, until, offset int64 // seconds that the zone is ahead of UTC, between two moments

	lead      *fact
	back      bool // after a silence
	noRequest bool // the headline says that there is no request
	marks     []intent.Mark

	filled  []*slots // room for what there is to say of facts
	saying  int      // how many of filled hold a fact's
	sum     fact     // all that was read, as one
	sumOf   []*fact  // what it sums up
	sumTold clause   // how it is told
}

// Ages, in days, at which a request is reopened gently, is asked about in one line, and is let alone.
const (
	freshDays = 14
	oldDays   = 30
	goneDays  = 90
)

// form is how a note leads: with the act itself, or with what became of it.
type form string

const (
	formPlain    form = ""
	formAnswered form = "answered"
	formBack     form = "back"
	formBoth     form = "both"
	formWeighs   form = "weighs"
	formFirst    form = "first"
)

// clause is one reason in the making.
type clause struct {
	text  string
	cites []string
	at    int64 // when the newest of it was done; 0: what is missing
}

// empty drops facts and topics and keeps the room that they took.
func (n *note) empty() {
	n.forget()
	n.sum = n.sum.emptied()
	for i := range n.facts {
		n.facts[i] = n.facts[i].emptied()
	}
	for i := range n.topics {
		events := n.topics[i].events
		clear(events)
		n.topics[i] = topicFact{events: events[:0]}
	}
	n.facts, n.topics = n.facts[:0], n.topics[:0]
}

// forget drops what was worked out to say of facts.
func (n *note) forget() {
	for i := range n.facts {
		n.facts[i].slots = nil
	}
	for _, v := range n.filled[:n.saying] {
		*v = slots{}
	}
	clear(n.sumOf)
	n.saying, n.sumOf, n.sumTold = 0, n.sumOf[:0], clause{}
}

func (n *note) days(at int64) int { return int((n.age.Unix() - at) / 86400) }

// sentence builds a sentence; an act's citations bounded.
func sentence(text string, cites ...string) intent.Sentence {
	var ids []string
	for _, c := range cites {
		if c != "" && !slices.Contains(ids, c) && len(ids) < intent.MaxCites {
			if ids == nil {
				ids = make([]string, 0, min(len(cites), intent.MaxCites))
			}
			ids = append(ids, c)
		}
	}
	return intent.Sentence{Text: text, Cites: ids}
}

func (n *note) newest(a act.Act) *fact {
	for i := len(n.facts) - 1; i >= 0; i-- {
		if n.facts[i].act == a && n.facts[i].colleague == "" {
			return &n.facts[i]
		}
	}
	return nil
}

func (n *note) newestPage() *fact {
	for _, a := range []act.Act{act.Price, act.Compare, act.Terms, act.Calculate, act.OrderPage} {
		if f := n.newest(a); f != nil {
			return f
		}
	}
	return n.newestOwn()
}

// newestOwn is the newest thing the person did, mails apart if there is anything else.
func (n *note) newestOwn() *fact {
	var mail *fact
	for i := len(n.facts) - 1; i >= 0; i-- {
		f := &n.facts[i]
		switch {
		case f.colleague != "" || f.act == act.OurQuote || f.act == act.OurTouch || f.act == act.News || f.act == act.Help || f.act == act.Careers:
		case f.act == act.Open || f.act == act.Click:
			if mail == nil || mail.act == act.Open {
				mail = f
			}
		default:
			return f
		}
	}
	return mail
}

func (n *note) sameDay(a, b int64) bool {
	if a-b > 25*3600 || b-a > 25*3600 {
		return false
	}
	return n.dayOf(a) == n.dayOf(b)
}

// dayOf is the number of the day of a moment in the note's zone.
func (n *note) dayOf(at int64) int64 {
	if at < n.from || at >= n.until {
		t := unix(at, n.loc)
		_, offset := t.Zone()
		from, until := t.ZoneBounds()
		if n.from, n.until, n.offset = -1<<62, 1<<62, int64(offset); !from.IsZero() {
			n.from = from.Unix()
		}
		if !until.IsZero() {
			n.until = until.Unix()
		}
	}
	at += n.offset
	if at < 0 {
		at -= 86400 - 1
	}
	return at / 86400
}

func (n *note) productName(p uint8) string {
	if p == 0 || int(p) > len(n.s.Journey.Products) {
		return ""
	}
	return plain.Text(n.s.Journey.Products[p-1], 60)
}

// any says whether one of the facts is such.
func (n *note) any(such func(*fact) bool) bool {
	for i := range n.facts {
		if such(&n.facts[i]) {
			return true
		}
	}
	return false
}

func (n *note) day(at int64) string { return n.l.day(unix(at, n.loc), n.now) }

// dates are the days of f: "19 Nov", "24 and 25 Nov".
func (n *note) dates(f *fact) string {
	days := f.days
	switch {
	case len(days) == 2:
		a, b := unix(days[0], n.loc), unix(days[1], n.loc)
		if a.Month() == b.Month() && a.Year() == b.Year() {
			first := strconv.Itoa(a.Day())
			if n.l.german {
				first += "."
			}
			return first + n.l.and + n.l.day(b, n.now)
		}
		return n.l.day(a, n.now) + n.l.and + n.l.day(b, n.now)
	case len(days) > 2:
		return ""
	}
	return n.day(f.at)
}

// on are the days of f, or their dates, with the preposition: "on 19 Nov", "on three days since 14 Nov".
func (n *note) on(f *fact, dates string) string {
	if dates != "" {
		if n.l.german {
			return "am " + dates
		}
		return "on " + dates
	}
	if n.l.german {
		return "an " + n.l.number(len(f.days)) + " Tagen seit " + n.day(f.days[0])
	}
	return "on " + n.l.number(len(f.days)) + " days since " + n.day(f.days[0])
}

func unix(at int64, loc *time.Location) time.Time { return time.Unix(at, 0).In(loc) }

func (n *note) lang(en, de string) string {
	if n.l.german {
		return de
	}
	return en
}

// product is the product most signals concern, the newest on a tie; 0 if none does. A request settles it.
func (n *note) product() int {
	j := n.s.Journey
	count, newest := make([]int, len(j.Products)+1), make([]int64, len(j.Products)+1)
	for i := range j.Signals {
		s := &j.Signals[i]
		if p := int(s.Product); p > 0 && p <= len(j.Products) && s.Flags&score.Company == 0 {
			count[p]++
			if s.Type == score.HandRaise {
				count[p] += 1000
			}
			newest[p] = max(newest[p], s.At)
		}
	}
	for i := range n.facts {
		if f := &n.facts[i]; f.product > 0 && !f.counted && f.act.Unfinished() {
			count[f.product]++
			newest[f.product] = max(newest[f.product], f.at)
		}
	}
	best := 0
	for p := 1; p <= len(j.Products); p++ {
		if count[p] > 0 && (best == 0 || count[p] > count[best] || count[p] == count[best] && newest[p] > newest[best]) {
			best = p
		}
	}
	return best
}

// vendor are the names the vendor goes by: the labels of the own hosts.
func (n *note) vendor() []string { return n.site.vendors }

// label is a short name out of a property: one to five words and nothing else.
func (n *note) label(s string) string {
	s, _ = n.red.Clean(plain.Text(strings.TrimSpace(strings.ReplaceAll(s, "_", " ")), 60))
	if s == "" || len(strings.Fields(s)) > 6 || strings.Contains(s, "…") || strings.Contains(s, "[") || orders.MatchString(s) || plain.HasLink(s, n.site.o.Hosts) {
		return ""
	}
	if strings.IndexFunc(s, unicode.IsLetter) < 0 {
		return ""
	}
	return s
}

// answeredBy is our quote after the request f.
func (n *note) answeredBy(f *fact) *fact {
	for i := range n.facts {
		if g := &n.facts[i]; g.act == act.OurQuote && g.at >= f.at {
			return g
		}
	}
	return nil
}

// readAfter is the newest price, terms, comparison or order page after f.
func (n *note) readAfter(f *fact) (best *fact) {
	for i := range n.facts {
		g := &n.facts[i]
		if g.at <= f.at || g.act != act.Terms && g.act != act.Price && g.act != act.Compare && g.act != act.OrderPage && g.act != act.Calculate {
			continue
		}
		if best == nil || g.at > best.at && !n.sameDay(g.at, best.at) || n.sameDay(g.at, best.at) && g.act == act.Terms {
			best = g
		}
	}
	return best
}

// twoProducts are two products whose prices were read, the newer first, if no third was and none settles it.
func (n *note) twoProducts() (a, b uint8) {
	for i := len(n.facts) - 1; i >= 0; i-- {
		f := &n.facts[i]
		if f.act != act.Price || f.product == 0 {
			continue
		}
		switch {
		case a == 0:
			a = f.product
		case f.product != a && b == 0:
			b = f.product
		}
	}
	if b == 0 {
		return 0, 0
	}
	return a, b
}

func (n *note) newestRequest() *fact {
	for i := len(n.facts) - 1; i >= 0; i-- {
		if g := &n.facts[i]; g.act.Request() && g.colleague == "" && (g.act != act.Meeting || i == 0) {
			return g
		}
	}
	return n.newest(act.Meeting)
}

// earlier is the newest request before f that asked for another number of the same thing.
func (n *note) earlier(f *fact) *fact {
	if len(f.ask.quantities) == 0 {
		return nil
	}
	now := f.ask.quantities[0]
	for i := len(n.facts) - 1; i >= 0; i-- {
		g := &n.facts[i]
		if g == f || !g.act.Request() || g.at >= f.at || g.colleague != "" || g.ask.hostile || len(g.ask.quantities) == 0 {
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

// alive says that a trial is still in use, or has days left.
func (n *note) alive(f *fact) bool {
	return n.ahead(f.date) || n.any(func(g *fact) bool { return (g.act == act.Use || g.act == act.Invite) && n.days(g.at) < freshDays })
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

func (n *note) touchedAfter(at int64) bool {
	return n.any(func(g *fact) bool { return g.at > at && (g.act == act.OurTouch || g.act == act.OurQuote) })
}

func (n *note) repliedAfter(at int64) *fact {
	for i := range n.facts {
		if g := &n.facts[i]; g.at > at && (g.act.Request() || g.act.First()) && g.colleague == "" {
			return g
		}
	}
	return nil
}

// reasonOrder is the order in which further facts are told.
var reasonOrder = []act.Act{
	act.Demo, act.Quote, act.Tender, act.Pilot, act.Enquiry, act.Callback, act.TrialAsk, act.Apply, act.Meeting, act.Met, act.Reply, act.Order, act.Sample, act.PublicAsk, act.Checkout, act.Cart, act.Booking, act.Begun, act.OrderPage, act.Calculate, act.Terms, act.Price, act.Compare,
	act.Trial, act.Invite, act.Stuck, act.Register, act.Attend, act.Form, act.SignUp, act.Download, act.Product, act.Read, act.Case, act.Help, act.Search, act.Use, act.Chat, act.Unsubscribe, act.Miss, act.Cancel, act.Refuse, act.Click, act.Newsletter, act.Mention,
}

// reasonRank is the place of an act in reasonOrder; what is not in it passes for the first.
var reasonRank = func() map[act.Act]int {
	m := map[act.Act]int{}
	for i, a := range reasonOrder {
		m[a] = i
	}
	return m
}()

// ahead says that a date that somebody registered for is still to come.
func (n *note) ahead(w when) bool {
	if w.zero() || w.day == 0 {
		return false
	}
	year := w.year
	if year == 0 {
		year = n.s.Now.Year()
	}
	return time.Date(year, time.Month(w.month), w.day, 23, 0, 0, 0, n.loc).After(n.age)
}

func (n *note) citesAt(at int64) []string {
	for i := range n.facts {
		if f := &n.facts[i]; f.at == at || slices.Contains(f.days, at) {
			return f.cites[:1]
		}
	}
	return nil
}

func (n *note) pricesOf(a, b uint8) (cites []string) {
	for i := range n.facts {
		if f := &n.facts[i]; f.act == act.Price && (f.product == a || f.product == b) {
			cites = append(cites, f.cites[0])
		}
	}
	return cites
}

// colleague is the newest request of somebody else of the company.
func (n *note) colleague() *fact {
	for i := len(n.facts) - 1; i >= 0; i-- {
		if n.facts[i].colleague != "" {
			return &n.facts[i]
		}
	}
	return nil
}
