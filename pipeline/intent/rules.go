package intent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/pipeline/score"
)

// rulesVersion changes whenever the rules' texts do.
const rulesVersion = "rules/1"

// RulesOptions configure the engine without a model.
type RulesOptions struct {
	Products []string      // the configured catalogue
	Hosts    []string      // the customer's own hosts: only links to these may stand in a text
	Language string        // en | de, where the subject names none
	Window   time.Duration // what lies further back is told only if there is nothing newer; default 90 days
}

// Rules is the engine without a model: deterministic, without network, a note from what the journey holds. It leaves the stage to
// the rules of the score. Safe for concurrent use.
type Rules struct {
	o       RulesOptions
	version uint64
	pool    sync.Pool
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
	for _, s := range append(append([]string{rulesVersion, o.Language, o.Window.String()}, o.Products...), o.Hosts...) {
		_, _ = h.WriteString(s)
		_, _ = h.Write([]byte{0})
	}
	return &Rules{o: o, version: h.Sum64(), pool: sync.Pool{New: func() any { return new(note) }}}
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

func (r *Rules) note(s Subject) Intent {
	in := Intent{Engine: "rules", Prompt: rulesVersion}
	if s.Journey == nil || len(s.Journey.Signals) == 0 {
		return in
	}
	n := r.pool.Get().(*note)
	defer r.pool.Put(n)
	n.r, n.s = r, s
	n.loc = s.Location
	if n.loc == nil {
		n.loc = time.UTC
	}
	lang := s.Language
	if lang == "" {
		lang = r.o.Language
	}
	n.p = phrasesFor(lang)
	n.now = s.Now.In(n.loc)
	n.f.gather(s.Journey, s.Now.Add(-r.o.Window).Unix())
	if n.f.any.count == 0 && n.f.acts[actCompanyNews].count == 0 {
		n.f.gather(s.Journey, -1<<62)
	}
	n.write(&in)
	n.s = Subject{}
	return in
}

// note is the note in the making. All its texts share one buffer and all its citations one slice.
type note struct {
	r   *Rules
	s   Subject
	p   *phrases
	loc *time.Location
	now time.Time
	f   facts

	b     []byte
	cites []string
	spans []span
	t0    int
	c0    int
}

// span is a finished sentence: where its text and its citations lie.
type span struct{ t0, t1, c0, c1 int }

func (n *note) begin() { n.t0, n.c0 = len(n.b), len(n.cites) }

// end closes a sentence. A date that ends in a point takes the sentence's.
func (n *note) end() span {
	if k := len(n.b); k-n.t0 > 2 && n.b[k-1] == '.' && n.b[k-2] == '.' {
		n.b = n.b[:k-1]
	}
	return span{n.t0, len(n.b), n.c0, len(n.cites)}
}

func (n *note) cite(ids ...string) {
	for _, id := range ids {
		if id == "" || len(n.cites)-n.c0 >= citesKept || slices.Contains(n.cites[n.c0:], id) {
			continue
		}
		n.cites = append(n.cites, id)
	}
}

// values fill a template.
type values struct {
	product, title string
	titleMax       int
	first, date    int64
	n, v           int
	digits         bool // numbers as digits
}

func (n *note) put(template string, v values) {
	for {
		i := strings.IndexByte(template, '{')
		if i < 0 || i+2 >= len(template) {
			n.b = append(n.b, template...)
			return
		}
		n.b = append(n.b, template[:i]...)
		switch template[i+1] {
		case 'p':
			n.b = append(n.b, plain(v.product, 80)...)
		case 't':
			n.title(v.title, v.titleMax)
		case 'd':
			n.b = appendDay(n.b, unix(v.date, n.loc), n.p, n.now)
		case 'f':
			n.b = appendDay(n.b, unix(v.first, n.loc), n.p, n.now)
		case 'n':
			n.number(v.n, v.digits)
		case 'v':
			n.number(v.v, v.digits)
		}
		template = template[i+3:]
	}
}

func (n *note) number(k int, digits bool) {
	if w := n.p.number(k); w != "" && !digits {
		n.b = append(n.b, w...)
		return
	}
	n.b = appendInt(n.b, k)
}

func (n *note) title(t string, limit int) {
	if limit <= 0 {
		limit = titleMax
	}
	n.b = append(n.b, n.p.open...)
	n.b = append(n.b, plain(t, limit)...)
	n.b = append(n.b, n.p.close...)
}

// titleMax is how much of a title a text shows; headMax is what must stand alone in a headline.
const (
	titleMax = 48
	headMax  = 60
)

func (n *note) write(in *Intent) {
	f := &n.f
	n.b, n.cites, n.spans = n.b[:0], n.cites[:0], n.spans[:0]
	main := act(0)
	for main < actKinds && f.acts[main].count == 0 {
		main++
	}
	if main == actKinds {
		return
	}
	n.dropLinks()
	product := f.product()
	name := ""
	if product > 0 {
		name = n.s.Journey.Products[product-1]
	}
	head := n.headline(main)
	n.acts(main)
	n.leans(product, name)
	n.pages()
	n.activity()
	n.further()
	next := n.nextStep(main)

	text := string(n.b)
	cites := slices.Clone(n.cites)
	sentence := func(s span) Sentence {
		return Sentence{Text: text[s.t0:s.t1], Cites: cites[s.c0:s.c1:s.c1]}
	}
	in.Headline = sentence(head)
	in.NextStep = sentence(next)
	in.Sentences = make([]Sentence, len(n.spans))
	for i, s := range n.spans {
		in.Sentences[i] = sentence(s)
	}
	in.Product = name
	in.Interest = n.interest(product)
	if len(f.topics) > 0 {
		in.Topics = make([]Topic, len(f.topics))
		for i := range f.topics {
			t := &f.topics[i]
			in.Topics[i] = Topic{Name: plain(t.name, 80), Cites: slices.Clone(t.events[:min(t.count, citesKept)]), Trusted: true}
		}
	}
}

// dropLinks forgets titles that a reader could take for a link to somewhere else.
func (n *note) dropLinks() {
	bad := func(t string) bool { return t != "" && hasLink(t, n.r.o.Hosts) }
	f := &n.f
	for i := range f.acts {
		if bad(f.acts[i].title) {
			f.acts[i].title = ""
		}
	}
	f.pages = slices.DeleteFunc(f.pages, func(p page) bool { return bad(p.title) })
	f.topics = slices.DeleteFunc(f.topics, func(t topicFact) bool { return bad(t.name) })
}

func (n *note) productName(p uint8) string {
	if p == 0 || int(p) > len(n.s.Journey.Products) {
		return ""
	}
	return n.s.Journey.Products[p-1]
}

// headline tells the weightiest act first, so that its first 60 characters stand alone, then what led to it.
func (n *note) headline(main act) span {
	n.begin()
	f, m, ph := &n.f, &n.f.acts[main], &n.p.acts[main]
	v := values{product: n.productName(m.product), title: m.title, date: m.at}
	n.cite(m.event)
	switch {
	case v.title != "" && ph.title != "" && (main.reading() || main == actForm || main == actDownload || main == actClick || main == actContact || v.product == ""):
		n.fitted(ph.title, v)
	case v.product != "" && ph.product != "":
		n.put(ph.product, v)
		if utf8.RuneCount(n.b[n.t0:]) > headMax {
			n.b = n.b[:n.t0]
			n.put(ph.bare, v)
		}
	default:
		n.put(ph.bare, v)
	}
	if main == actOpen || main == actCompanyNews {
		return n.end()
	}
	led := 0
	for range 2 {
		p := n.leading(main, m, led)
		if p == nil {
			break
		}
		switch {
		case led > 0:
			n.b = append(n.b, n.p.and...)
		case main.reading():
			n.b = append(n.b, n.p.also...)
		default:
			n.b = append(n.b, n.p.after...)
		}
		n.title(p.title, titleMax)
		n.cite(p.event)
		led++
	}
	switch views, visits := max(f.views, f.sumViews), max(f.visits, f.sumVisits); {
	case f.visits == 0 && led == 0 && views > 1 && visits > 1:
		n.put(n.p.views, values{n: views, v: visits, date: f.sumAt, digits: true})
		n.cite(f.sumEvent)
	case f.visits == 0 && led == 0 && views > 1:
		n.put(n.p.viewOnly, values{n: views, date: f.sumAt, digits: true})
		n.cite(f.sumEvent)
	case f.visits > 1:
		n.put(n.p.visits, values{v: f.visits, first: f.first.at})
		n.cite(f.first.event, f.last.event)
	}
	return n.end()
}

// fitted puts a headline's first clause with its title cut so that the clause keeps to headMax.
func (n *note) fitted(template string, v values) {
	start := len(n.b)
	n.put(template, v)
	if utf8.RuneCount(n.b[start:]) <= headMax {
		return
	}
	bare := v
	bare.title = ""
	n.b = n.b[:start]
	n.put(template, bare)
	v.titleMax = max(headMax-utf8.RuneCount(n.b[start:])-1, 8) // one for the mark of omission
	n.b = n.b[:start]
	n.put(template, v)
}

// leading finds the key page number skip that was read no later than the act m, the weightiest and newest first.
func (n *note) leading(main act, m *mark, skip int) *page {
	var best, previous *page
	for k := 0; k <= skip; k++ {
		best = nil
		for i := range n.f.pages {
			p := &n.f.pages[i]
			if p.act > actProduct || p.at > m.at && !main.reading() || p.title == m.title {
				continue
			}
			if previous != nil && !before(previous, p) {
				continue
			}
			if best == nil || before(p, best) {
				best = p
			}
		}
		if best == nil {
			return nil
		}
		previous = best
	}
	return best
}

// before orders pages: the weightiest kind, the newest, the title.
func before(a, b *page) bool {
	if a.act != b.act {
		return a.act < b.act
	}
	if a.at != b.at {
		return a.at > b.at
	}
	return a.title < b.title
}

// add keeps the sentence in the making unless the note is full.
func (n *note) add() {
	s := n.end()
	if len(n.spans) >= sentencesMax || s.t1 == s.t0 || s.c1 == s.c0 {
		n.b, n.cites = n.b[:n.t0], n.cites[:n.c0]
		return
	}
	n.spans = append(n.spans, s)
}

const (
	sentencesMin = 2
	sentencesMax = 5
)

// acts lists up to three deeds.
func (n *note) acts(main act) {
	n.begin()
	listed := 0
	for a := act(0); a < actKinds && listed < 3; a++ {
		m := &n.f.acts[a]
		template := n.p.acts[a].list
		if m.count == 0 || template == "" || a == actOpen && main != actOpen {
			continue
		}
		if a == actClick && m.count > 1 {
			template = n.p.clicks
		}
		if listed > 0 {
			n.b = append(n.b, ", "...)
		}
		n.put(template, values{date: m.at, n: m.count})
		if m.title != "" && n.p.acts[a].title != "" {
			n.b = append(n.b, " ("...)
			n.title(m.title, titleMax)
			n.b = append(n.b, ')')
		}
		n.cite(m.event)
		listed++
	}
	if listed > 0 {
		n.b = append(n.b, '.')
		upperFirst(n.b[n.t0:])
	}
	n.add()
}

func (n *note) leans(product int, name string) {
	if product == 0 || n.f.signals < 2 {
		return
	}
	n.begin()
	n.put(n.p.leans, values{product: name, n: n.f.products[product], v: n.f.signals, digits: true})
	for _, s := range n.s.Journey.Signals {
		if int(s.Product) == product {
			n.cite(s.EventID)
		}
	}
	n.cite(n.f.newest[product].event)
	n.add()
}

// pages lists the four pages that matter most.
func (n *note) pages() {
	slices.SortFunc(n.f.pages, func(a, b page) int {
		switch {
		case a.act != b.act:
			return int(a.act) - int(b.act)
		case a.count != b.count:
			return b.count - a.count
		case a.at != b.at:
			if a.at > b.at {
				return -1
			}
			return 1
		}
		return strings.Compare(a.title, b.title)
	})
	shown := min(len(n.f.pages), 4)
	if shown == 0 {
		return
	}
	n.begin()
	n.b = append(n.b, n.p.read...)
	for i := range shown {
		p := &n.f.pages[i]
		switch {
		case i > 0 && i == shown-1:
			n.b = append(n.b, n.p.and...)
		case i > 0:
			n.b = append(n.b, ", "...)
		}
		n.title(p.title, titleMax)
		template := n.p.once
		if p.count > 1 {
			template = n.p.times
		}
		n.put(template, values{n: p.count, date: p.at, digits: true})
		n.cite(p.event)
	}
	n.b = append(n.b, '.')
	n.add()
}

// activity counts visits and page views.
func (n *note) activity() {
	f := &n.f
	n.begin()
	switch {
	case f.visits > 0:
		v := values{v: f.visits, first: f.first.at, date: f.last.at}
		y1, m1, d1 := unix(f.first.at, n.loc).Date()
		y2, m2, d2 := unix(f.last.at, n.loc).Date()
		switch {
		case f.visits == 1:
			n.put(n.p.oneVisit, v)
		case y1 == y2 && m1 == m2 && d1 == d2:
			n.put(n.p.sameDay, v)
		default:
			n.put(n.p.manyVisit, v)
		}
		switch {
		case f.views == 1:
			n.b = append(n.b, n.p.oneView...)
		case f.views > 1:
			n.put(n.p.manyViews, values{n: f.views})
		default:
			n.b = append(n.b, '.')
		}
		upperFirst(n.b[n.t0:])
		n.cite(f.first.event, f.last.event)
	case f.sumViews > 0 && f.sumVisits > 0:
		n.put(n.p.summary, values{n: f.sumViews, v: f.sumVisits, date: f.sumAt, digits: true})
		n.cite(f.sumEvent)
	case f.sumViews > 0:
		n.put(n.p.summary1, values{n: f.sumViews, date: f.sumAt, digits: true})
		n.cite(f.sumEvent)
	}
	n.add()
}

// further adds what there is room for: a return after silence, news of the company, topics; and where the note is all too short, that
// there is no more to tell.
func (n *note) further() {
	f := &n.f
	if f.pause > 0 {
		n.begin()
		n.put(n.p.back, values{n: f.pause, date: f.back.at, digits: true})
		n.cite(f.back.event)
		n.add()
	}
	for i := range f.company {
		if m := &f.company[i]; m.count > 0 {
			n.begin()
			n.put(n.p.company[i], values{date: m.at})
			n.cite(m.event)
			n.add()
		}
	}
	if len(f.topics) > 0 {
		n.begin()
		n.b = append(n.b, n.p.topics...)
		shown := min(len(f.topics), 5)
		for i := range shown {
			switch {
			case i > 0 && i == shown-1:
				n.b = append(n.b, n.p.and...)
			case i > 0:
				n.b = append(n.b, ", "...)
			}
			n.b = append(n.b, plain(f.topics[i].name, titleMax)...)
			n.cite(f.topics[i].events[0])
		}
		n.b = append(n.b, '.')
		n.add()
	}
	if len(n.spans) < sentencesMin {
		m := f.any
		if m.count == 0 {
			m = f.acts[actCompanyNews]
		}
		n.begin()
		n.put(n.p.only, values{date: m.at})
		n.cite(m.event)
		n.add()
	}
}

func (n *note) nextStep(main act) span {
	n.begin()
	m, ph := &n.f.acts[main], &n.p.acts[main]
	v := values{product: n.productName(m.product), date: m.at}
	if v.product == "" {
		v.product = n.productName(uint8(n.f.product()))
	}
	if v.product != "" && ph.next != "" {
		n.put(ph.next, v)
	} else {
		n.put(ph.nextBare, v)
	}
	n.cite(m.event)
	return n.end()
}

// interest is SCORING's: the share of the signals that match the product, with one of at least 60, or 70 for high.
func (n *note) interest(product int) score.Interest {
	if product == 0 {
		return score.InterestNone
	}
	strongest := uint8(0)
	for _, s := range n.s.Journey.Signals {
		if int(s.Product) == product {
			strongest = max(strongest, s.Strength)
		}
	}
	share := 100 * n.f.products[product] / max(1, n.f.signals)
	switch {
	case share >= 50 && strongest >= 70:
		return score.InterestHigh
	case share >= 25 && strongest >= 60:
		return score.InterestMedium
	}
	return score.InterestLow
}

// upperFirst makes the first letter a capital, ASCII only: templates begin with nothing else.
func upperFirst(b []byte) {
	if len(b) > 0 && b[0] >= 'a' && b[0] <= 'z' {
		b[0] -= 'a' - 'A'
	}
}

func lowerAll(s []string) []string {
	out := make([]string, len(s))
	for i := range s {
		out[i] = strings.ToLower(strings.TrimSpace(s[i]))
	}
	return out
}
