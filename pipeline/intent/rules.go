package intent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/pipeline/memo"
	"github.com/intentd/intentd/pipeline/score"
)

// rulesVersion changes whenever the rules' texts do.
const rulesVersion = "rules/3"

// RulesOptions configure the engine without a model.
type RulesOptions struct {
	Products []string      // the configured catalogue
	Hosts    []string      // the customer's own hosts: only links to these may stand in a text
	Topics   []string      // the topics that the config gives to pages; nil: any that is not the page's title
	Rivals   []Rival       // competitors: whom people compare with, and whose people get no sales step
	Language string        // en | de, where the subject names none
	Window   time.Duration // what lies further back is told only if there is nothing newer; default 90 days
}

// Rules is the engine without a model: deterministic, without network, a statement of what somebody wants from what the journey holds. It
// leaves the stage to the rules of the score. Safe for concurrent use.
type Rules struct {
	o       RulesOptions
	version uint64

	vendors    []string // what the own hosts are called
	untellable memo.Memo[string, bool]
	captions   memo.Memo[string, *caption]
	pages      memo.Memo[page, *pageTopics]
	rivals     memo.Memo[page, string]
	notes      sync.Pool // of *note: what one was written from is room for the next
}

// page is one that people read, with the products that the journey knows, told in a language.
type page struct {
	title, url, products string
	german               bool
}

// NewRules makes the engine.
func NewRules(o RulesOptions) *Rules {
	if o.Language == "" {
		o.Language = "en"
	}
	if o.Window <= 0 {
		o.Window = 90 * 24 * time.Hour
	}
	o.Hosts = lowerAll(o.Hosts)
	h := xxhash.New()
	parts := slices.Concat([]string{rulesVersion, o.Language, o.Window.String()}, o.Products, o.Hosts, o.Topics)
	for _, r := range o.Rivals {
		parts = append(append(parts, r.Name), r.Domains...)
	}
	for _, s := range parts {
		_, _ = h.WriteString(s)
		_, _ = h.Write([]byte{0})
	}
	return &Rules{o: o, version: h.Sum64(), vendors: vendorsOf(o.Hosts)}
}

// Version changes when the answers might.
func (r *Rules) Version() uint64 { return r.version }

// Infer writes the note. It fails only when ctx has ended.
func (r *Rules) Infer(ctx context.Context, s Subject) (Intent, error) {
	if err := ctx.Err(); err != nil {
		return Intent{}, err
	}
	return r.note(s), nil
}

// note states the intent as of now, and as it is to be stated once the request it leads with has grown old.
func (r *Rules) note(s Subject) Intent {
	in := Intent{Engine: "rules", Prompt: rulesVersion}
	if s.Journey == nil || len(s.Journey.Signals) == 0 {
		return in
	}
	n := r.prepare(s)
	defer r.notes.Put(n)
	defer n.leave()
	class, company, evidence := n.classify()
	in.Class = class
	if product := n.product(); product > 0 {
		in.Product, in.Interest = s.Journey.Products[product-1], n.interest(product)
	}
	in.Topics = n.topTopics()
	if class.negative() {
		n.negative(&in, class, company, evidence)
		in.Marks = n.marks
		return in
	}
	form, ok := n.leads()
	if !ok {
		return in
	}
	in.Headline = n.headline(n.lead, form, class)
	in.Sentences = n.summary(form, class)
	in.NextStep, in.NextLow = n.nextStep(n.lead, form, class)
	in.Marks = n.marks
	if !n.ages() {
		return in
	}
	lead := time.Unix(n.lead.at, 0)
	for _, age := range []int{freshDays, oldDays, goneDays} {
		at := lead.AddDate(0, 0, age)
		if !at.After(s.Now) {
			continue
		}
		n.grow(at)
		if form, ok = n.leads(); !ok {
			break
		}
		later := Later{From: at.UTC(), Headline: n.headline(n.lead, form, class)}
		later.NextStep, _ = n.nextStep(n.lead, form, class)
		if later.Headline.Text != in.Headline.Text || later.NextStep.Text != in.NextStep.Text {
			later.Sentences = n.summary(form, class)
			if in.Later == nil {
				in.Later = make([]Later, 0, 3)
			}
			in.Later = append(in.Later, later)
		}
	}
	return in
}

// grow moves the note to a time to come.
func (n *note) grow(at time.Time) {
	before := n.now.Year()
	n.now, n.age = at.In(n.loc), at
	if n.now.Year() != before { // dates name the year now, or no longer
		n.forget()
	}
}

// leads begins a text with what leads it as of n.age; ok is false if nothing does.
func (n *note) leads() (as form, ok bool) {
	for i := range n.facts {
		n.facts[i].told, n.facts[i].said = false, ""
	}
	n.noRequest, n.marks = false, nil
	n.lead, as = n.leading()
	n.back = as == formBack
	return as, n.lead != nil
}

// ages says whether what leads reads differently as it grows old.
func (n *note) ages() bool {
	a := n.lead.act
	return a.request() || a.unfinished() || a.strong() || a.first() && a != ActUnsubscribe
}

// Ages, in days, at which a request is reopened gently, is asked about in one line, and is let alone.
const (
	freshDays = 14
	oldDays   = 30
	goneDays  = 90
)

// sentencesMax bounds the sentences of a model's note.
const sentencesMax = 5

// note is one text in the making.
type note struct {
	r   *Rules
	s   Subject
	l   *tongue
	loc *time.Location
	now time.Time // whose year goes without saying
	age time.Time // the moment ages are counted from
	red redactor

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
	marks     []Mark

	filled  []*slots // room for what there is to say of facts
	saying  int      // how many of filled hold a fact's
	sum     fact     // all that was read, as one
	sumOf   []*fact  // what it sums up
	sumTold clause   // how it is told
}

func (r *Rules) prepare(s Subject) *note {
	n, ok := r.notes.Get().(*note)
	if !ok {
		n = &note{}
	}
	n.r, n.s, n.loc, n.age = r, s, s.Location, s.Now
	if n.loc == nil {
		n.loc = time.UTC
	}
	lang := s.Language
	if lang == "" {
		lang = r.o.Language
	}
	n.l = tongueFor(lang)
	n.now = s.Now.In(n.loc)
	n.products = strings.Join(s.Journey.Products, "\x00")
	n.red = Redact{}.of(s.Profile.FirstName, s.Profile.LastName)
	n.gather(s.Now.Add(-r.o.Window).Unix())
	if n.newestOwn() == nil && n.newest(ActNews) == nil {
		n.gather(-1 << 62)
	}
	n.before, n.after = n.silence()
	return n
}

// leave makes the note room for the next one: nothing of this person's is in it any more.
func (n *note) leave() {
	n.empty()
	*n = note{facts: n.facts, spare: n.spare, topics: n.topics, filled: n.filled, sumOf: n.sumOf, sum: n.sum}
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

// emptied is the room that a fact took.
func (f *fact) emptied() fact {
	clear(f.cites)
	return fact{cites: f.cites[:0], days: f.days[:0]}
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

// leading finds what goes first: a refusal, cancellation or unsubscription; an open request or unfinished step of the last 14 days; the
// newest of newer strong acts; an older request; whatever else is known.
func (n *note) leading() (*fact, form) {
	var stop, open, strong, other, mail *fact
	for i := range n.facts {
		f := &n.facts[i]
		if f.colleague != "" {
			continue
		}
		switch a := f.act; {
		case f.is.first:
			stop = f
		case f.is.request:
			open = f
			if stop != nil && f.at > stop.at {
				stop = nil
			}
		case f.is.unfinished && (n.days(f.at) < freshDays || a == ActTrial && n.alive(f)):
			if open == nil || f.at >= open.at || n.days(open.at) >= freshDays {
				open = f
			}
		case f.is.strong:
			if strong == nil || !n.sameDay(strong.at, f.at) || rank(f.act) <= rank(strong.act) {
				strong = f
			}
		case a == ActOpen || a == ActNewsletter || a == ActClick || a == ActNews || a == ActMention:
			if mail == nil || rank(a) <= rank(mail.act) {
				mail = f
			}
		case a == ActHelp || a == ActCareers || a == ActOurQuote || a == ActOurTouch || a == ActPress || a == ActSupply || a == ActJobApply:
		case a == ActRead && len(f.subjects) == 0 && other != nil: // a page that says nothing
		default:
			if other == nil || !n.sameDay(other.at, f.at) || rank(f.act) <= rank(other.act) {
				other = f
			}
		}
	}
	switch {
	case stop != nil:
		return stop, formPlain
	case open != nil && open.act.request() && n.answeredBy(open) != nil && n.readAfter(n.answeredBy(open)) != nil:
		return open, formAnswered
	case open != nil && (n.days(open.at) < freshDays || open.act == ActTrial):
		return open, formPlain
	}
	if at := n.comeback(); at != nil {
		return at, formBack
	}
	if strong != nil && (open == nil || strong.at > open.at && strong.act != ActDownload && strong.act != ActRegister && strong.act != ActAttend) {
		return strong, n.strongForm(strong)
	}
	if open != nil {
		return open, formPlain
	}
	if other != nil && (mail == nil || mail.act == ActOpen || mail.act == ActNews || mail.act == ActClick || mail.act == ActMention || mail.at < other.at) {
		return other, n.otherForm(other)
	}
	if mail != nil {
		return mail, formPlain
	}
	return other, formPlain
}

// strongForm is how a strong act without a request leads.
func (n *note) strongForm(f *fact) form {
	if f.act == ActCalculate || f.act == ActCompare {
		if c, x := n.newest(ActCalculate), n.newest(ActCompare); c != nil && x != nil && n.sameDay(c.at, x.at) && x.rival != "" && (len(c.ask.money) > 0 || c.price.amount != "") {
			return formWeighs
		}
	}
	if f.act == ActPrice || f.act == ActProduct {
		if a, b := n.twoProducts(); a != 0 && b != 0 {
			return formBoth
		}
	}
	if (f.act == ActPrice || f.act == ActCompare || f.act == ActCalculate) && n.days(f.at) < 7 {
		for i := range n.facts {
			if g := &n.facts[i]; !n.sameDay(g.first, f.at) || g.act.request() {
				return formPlain
			}
		}
		return formFirst
	}
	return formPlain
}

func (n *note) otherForm(f *fact) form {
	if f.act == ActProduct || f.act == ActRead {
		if a, b := n.twoProducts(); a != 0 && b != 0 && n.newest(ActPrice) != nil {
			return formBoth
		}
	}
	return formPlain
}

// twoProducts are two products whose prices were read, the newer first, if no third was and none settles it.
func (n *note) twoProducts() (a, b uint8) {
	for i := len(n.facts) - 1; i >= 0; i-- {
		f := &n.facts[i]
		if f.act != ActPrice || f.product == 0 {
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

// rank orders acts of one day: the smaller leads. What is not ranked leads.
func rank(a Act) int { return ranks[a] - 1 }

var ranks = func() map[Act]int {
	places := map[Act]int{}
	for i, a := range ranked {
		places[a] = i + 1
	}
	return places
}()

var ranked = []Act{ActMet, ActOrderPage, ActCalculate, ActTerms, ActPrice, ActCompare, ActSample, ActForm, ActSignUp, ActRegister, ActAttend, ActDownload, ActInvite, ActChat, ActProduct, ActCase, ActSearch, ActRead, ActUse, ActVisit,
	ActNewsletter, ActClick, ActMention, ActOpen, ActNews,
}

// answeredBy is our quote after the request f.
func (n *note) answeredBy(f *fact) *fact {
	for i := range n.facts {
		if g := &n.facts[i]; g.act == ActOurQuote && g.at >= f.at {
			return g
		}
	}
	return nil
}

// readAfter is the newest price, terms, comparison or order page after f.
func (n *note) readAfter(f *fact) (best *fact) {
	for i := range n.facts {
		g := &n.facts[i]
		if g.at <= f.at || g.act != ActTerms && g.act != ActPrice && g.act != ActCompare && g.act != ActOrderPage && g.act != ActCalculate {
			continue
		}
		if best == nil || g.at > best.at && !n.sameDay(g.at, best.at) || n.sameDay(g.at, best.at) && g.act == ActTerms {
			best = g
		}
	}
	return best
}

// comeback is what somebody did last after a silence of 30 days or more, if that was in the last 14.
func (n *note) comeback() *fact {
	after := n.after
	if after == 0 || n.days(after) >= freshDays {
		return nil
	}
	var best *fact
	for i := range n.facts {
		f := &n.facts[i]
		if f.at >= after && f.colleague == "" && (f.act.strong() || f.act.Page()) && (best == nil || f.act.strong() && (!best.act.strong() || f.at > best.at) || !best.act.strong() && f.at > best.at) {
			best = f
		}
	}
	return best
}

// silence is the last pause of 30 days or more: what came before and after it.
func (n *note) silence() (before, after int64) {
	var room [64]int64
	at := room[:0]
	for i := range n.facts {
		f := &n.facts[i]
		if f.colleague != "" || f.act == ActOpen || f.act == ActNews || f.act == ActOurQuote || f.act == ActOurTouch || f.summary > 0 {
			continue
		}
		at = append(at, f.days...)
		at = append(at, f.at)
	}
	slices.Sort(at)
	for i := len(at) - 1; i > 0; i-- {
		if at[i]-at[i-1] >= 30*86400 {
			return at[i-1], at[i]
		}
	}
	return 0, 0
}

// sentence builds a sentence; an act's citations bounded.
func sentence(text string, cites ...string) Sentence {
	var ids []string
	for _, c := range cites {
		if c != "" && !slices.Contains(ids, c) && len(ids) < citesKept {
			if ids == nil {
				ids = make([]string, 0, min(len(cites), citesKept))
			}
			ids = append(ids, c)
		}
	}
	return Sentence{Text: text, Cites: ids}
}

// newestCites are the newest event of f first, as far as they are kept.
func (f *fact) newestCites() []string {
	ids := slices.Clone(f.cites[max(0, len(f.cites)-citesKept):])
	slices.Reverse(ids)
	return ids
}

// newestCite is the newest event of f alone.
func (f *fact) newestCite() []string { return f.cites[len(f.cites)-1 : len(f.cites) : len(f.cites)] }

func (n *note) productName(p uint8) string {
	if p == 0 || int(p) > len(n.s.Journey.Products) {
		return ""
	}
	return plain(n.s.Journey.Products[p-1], 60)
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
			first := string(appendInt(nil, a.Day()))
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

// interest says how sure it is that p is the product: settled by a request about it, else by the share of the signals that name one.
func (n *note) interest(p int) score.Interest {
	if p == 0 {
		return score.InterestNone
	}
	named, mine := 0, 0
	for i := range n.s.Journey.Signals {
		s := &n.s.Journey.Signals[i]
		if s.Product == 0 || s.Flags&score.Company != 0 {
			continue
		}
		named++
		if int(s.Product) == p {
			mine++
			if s.Type == score.HandRaise {
				return score.InterestHigh
			}
		}
	}
	switch share := 100 * mine / max(1, named); {
	case share >= 60 && mine > 1:
		return score.InterestHigh
	case share >= 35:
		return score.InterestMedium
	}
	return score.InterestNone
}

func lowerAll(s []string) []string {
	out := make([]string, len(s))
	for i := range s {
		out[i] = strings.ToLower(strings.TrimSpace(s[i]))
	}
	return out
}
