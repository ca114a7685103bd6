package rules

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/intent/redact"
	"github.com/intentd/intentd/pipeline/score"
)

// rulesVersion changes whenever the rules' texts do.
const rulesVersion = "rules/3"

// Engine is the engine without a model: deterministic, without network, a statement of what somebody wants from what the journey holds. It
// leaves the stage to the rules of the score. Safe for concurrent use.
type Engine struct {
	site    site
	version uint64
	notes   sync.Pool // of *note: what one was written from is room for the next
}

// New makes the engine.
func New(o Options) *Engine {
	if o.Language == "" {
		o.Language = "en"
	}
	if o.Window <= 0 {
		o.Window = 90 * 24 * time.Hour
	}
	o.Hosts = plain.LowerAll(o.Hosts)
	h := xxhash.New()
	parts := slices.Concat([]string{rulesVersion, o.Language, o.Window.String()}, o.Products, o.Hosts, o.Topics)
	for _, r := range o.Rivals {
		parts = append(append(parts, r.Name), r.Domains...)
	}
	for _, s := range parts {
		_, _ = h.WriteString(s)
		_, _ = h.Write([]byte{0})
	}
	return &Engine{site: site{o: o, vendors: vendorsOf(o.Hosts)}, version: h.Sum64()}
}

// Version changes when the answers might.
func (r *Engine) Version() uint64 { return r.version }

// Infer writes the note. It fails only when ctx has ended.
func (r *Engine) Infer(ctx context.Context, s intent.Subject) (intent.Intent, error) {
	if err := ctx.Err(); err != nil {
		return intent.Intent{}, err
	}
	return r.Note(s), nil
}

// Note states the intent as of now, and as it is to be stated once the request it leads with has grown old.
func (r *Engine) Note(s intent.Subject) intent.Intent {
	in := intent.Intent{Engine: "rules", Prompt: rulesVersion}
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
	if class.Negative() {
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
		later := intent.Later{From: at.UTC(), Headline: n.headline(n.lead, form, class)}
		later.NextStep, _ = n.nextStep(n.lead, form, class)
		if later.Headline.Text != in.Headline.Text || later.NextStep.Text != in.NextStep.Text {
			later.Sentences = n.summary(form, class)
			if in.Later == nil {
				in.Later = make([]intent.Later, 0, 3)
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

func (r *Engine) prepare(s intent.Subject) *note {
	n, ok := r.notes.Get().(*note)
	if !ok {
		n = &note{}
	}
	n.site, n.s, n.loc, n.age = &r.site, s, s.Location, s.Now
	if n.loc == nil {
		n.loc = time.UTC
	}
	lang := s.Language
	if lang == "" {
		lang = r.site.o.Language
	}
	n.l = tongueFor(lang)
	n.now = s.Now.In(n.loc)
	n.products = strings.Join(s.Journey.Products, "\x00")
	n.red = redact.Options{}.For(s.Profile.FirstName, s.Profile.LastName)
	n.gather(s.Now.Add(-r.site.o.Window).Unix())
	if n.newestOwn() == nil && n.newest(act.News) == nil {
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

func tongueFor(language string) *tongue {
	if language == "de" {
		return &german
	}
	return &english
}
