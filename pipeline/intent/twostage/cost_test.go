package twostage

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/intenttest"
)

// counting is a model that answers at the length that the prompts ask for (an interaction: an item of context for its title and one for what
// else it holds, about 52 tokens; a journey: 139) and counts.
// Its tokens are estimates: bytes of the real prompts and answers, divided by four. Prices are those of gemini-3.5-flash-lite.
type counting struct {
	mu  sync.Mutex
	use map[string]connectors.Usage
}

const (
	usdIn  = 0.30 // per million tokens
	usdOut = 2.50
)

func (c *counting) Generate(_ context.Context, p connectors.Prompt) (connectors.Completion, error) {
	marker, data, _ := strings.Cut(p.User, "\n")
	data, _, _ = strings.Cut(data, "\n"+marker)
	var v any
	if p.Purpose == "stage1" {
		var entries []content2
		if err := json.Unmarshal([]byte(data), &entries); err != nil {
			return connectors.Completion{}, err
		}
		answers := make([]any, len(entries))
		for i, e := range entries {
			about := e.Title
			if e.Element != "" {
				about = e.Element
			}
			title, _, _ := strings.Cut(e.Title, " | ")
			shown := []string{title + " heading"}
			if e.Element+e.Form+e.Campaign != "" || len(e.Typed) > 0 {
				shown = append(shown, "call to action button")
			}
			answers[i] = map[string]any{
				"id": e.ID, "screen_context": shown,
				"user_action": strings.ReplaceAll(e.Kind, "_", " ") + " of “" + about + "” on the page " + title, "speculation": "compares details before a decision",
			}
		}
		v = map[string]any{"answers": answers}
	} else {
		id := "s1"
		var j journey2
		if json.Unmarshal([]byte(data), &j) == nil { // not the plain method's list
			for _, s := range append(j.History, j.Recent...) {
				id = s.Steps[len(s.Steps)-1][0]
			}
		}
		claim := func(text string) any { return []string{text, id} }
		v = map[string]any{
			"headline": claim("Weighs the product against rivals and looks for what it costs their team"),
			"sentences": []any{
				claim("Wants to know what it costs their team and what others offer."),
				claim("Reads product pages closely and comes back to approvals and budgets."),
				claim("Has not asked for anything yet; an offer may help them."),
			},
			"next_step": claim("Offer a short talk about approvals and budgets with a price for their team."),
			"topics": []any{
				claim("approvals"), claim("budgets"), claim("pricing"),
			},
			"product": intenttest.Products[0], "stage": "comparing", "interest": "medium", "tier": "medium",
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return connectors.Completion{}, err
	}
	u := connectors.Usage{Calls: 1, In: (len(p.System) + len(p.User) + len(p.Schema)) / 4, Out: len(raw) / 4}
	u.MicroUSD = int64(usdIn*float64(u.In) + usdOut*float64(u.Out) + 0.5)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.use == nil {
		c.use = map[string]connectors.Usage{}
	}
	c.use[p.Purpose] = c.use[p.Purpose].Add(u)
	return connectors.Completion{JSON: raw, Usage: u}, nil
}

func (c *counting) total() connectors.Usage { return c.use["stage1"].Add(c.use["stage2"]) }

type content2 struct {
	ID string `json:"id"`
	content
}

// plainMethod is the method as it is told, without frugality: one call per interaction, scrolls included, with its neighbours in full,
// and one per journey with all summaries; nothing is shared.
func plainMethod(t testing.TB, model connectors.Model, s intent.Subject) {
	generate := func(p connectors.Prompt) {
		if _, err := model.Generate(context.Background(), p); err != nil {
			t.Fatal(err)
		}
	}
	e := New(Options{Products: intenttest.Products})
	p := e.prepare(s)
	if p.done {
		return
	}
	e.layOut([]*person{p})
	user := func(v any) string {
		text, err := wrap(seed(1), encode(v), "")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	type neighbours struct {
		content2
		Previous *content `json:"previous,omitempty"`
		Next     *content `json:"next,omitempty"`
	}
	for i, it := range p.steps {
		n := neighbours{content2: content2{ID: "1", content: bare(it)}}
		if i > 0 {
			c := bare(p.steps[i-1])
			n.Previous = &c
		}
		if i+1 < len(p.steps) {
			c := bare(p.steps[i+1])
			n.Next = &c
		}
		generate(connectors.Prompt{Purpose: "stage1", System: stage1System, User: user([]any{n}), Schema: stage1Schema})
		it.result = stageOne{Action: "page view of “" + n.Title + "” on the page " + n.Title, Context: []string{n.Title + " heading"}}
	}
	type step struct {
		ID      string   `json:"id"`
		Time    string   `json:"time"`
		Kind    string   `json:"kind"`
		Context []string `json:"screen_context"`
		Action  string   `json:"user_action"`
	}
	var steps []step
	for _, it := range p.steps {
		steps = append(steps, step{it.step.ID, it.step.Event.Time.Format("2006-01-02 15:04"), it.step.Event.Kind, it.result.Context, it.result.Action})
	}
	generate(connectors.Prompt{Purpose: "stage2", System: stage2Prompt("en"), User: user(steps), Schema: e.schema2})
}

// bare is an interaction's own content.
func bare(it *interaction) content {
	ev := &it.step.Event
	return content{Kind: ev.Kind, Page: pagePath(it.step, true), Title: ev.PageTitle, Element: ev.ElementText}
}

// strictPlain is the hardest baseline there is: our own prompts with their thrift, steps that are summarised by rule left out, and only
// the sharing, batching and caching gone.
func strictPlain(t testing.TB, model connectors.Model, s intent.Subject) {
	e := New(Options{Model: model, ModelName: "m", Products: intenttest.Products, Hosts: []string{"example.com"}, Batch: 1})
	p := e.prepare(s)
	if p.done {
		return
	}
	e.layOut([]*person{p})
	l := &lot{t: e, people: []*person{p}}
	for _, it := range p.steps {
		if !it.known {
			l.ask(context.Background(), []*question{{interaction: it, for_: []*interaction{it}, payer: p, flight: &flight{done: make(chan struct{})}}}, false)
		}
	}
	l.finish(context.Background(), p)
	if p.out.Degraded != "" {
		t.Fatalf("plain method: %s", p.out.Degraded)
	}
}

// measured is one walk of many people over the site.
type measured struct {
	frugal, plain, strict counting
	store                 *memory
	steps                 int
}

// measure runs people over the site in lots of 200, as the pipeline does.
func measure(t testing.TB, people int, change ...func(*Options)) *measured {
	s := newSite(200, 7)
	m := &measured{store: newMemory()}
	e := engine(&m.frugal, m.store, append([]func(*Options){func(o *Options) { o.Confirmed = confirmedBy }}, change...)...)
	for from := 0; from < people; from += 200 {
		var lot []intent.Subject
		for n := from; n < min(from+200, people); n++ {
			sub := s.person(n, 7)
			lot = append(lot, sub)
			for i := range sub.Journey.Sessions {
				m.steps += len(sub.Journey.Sessions[i].Steps)
			}
			plainMethod(t, &m.plain, sub)
			strictPlain(t, &m.strict, sub)
		}
		out, err := e.InferAll(t.Context(), lot)
		if err != nil {
			t.Fatal(err)
		}
		for i := range out {
			if out[i].Degraded != "" {
				t.Fatalf("person %d: %s", from+i, out[i].Degraded)
			}
		}
	}
	return m
}

// The aim at a smaller scale than the benchmark's: 10,000 people take a tenth of the calls and a fifth of the cost; 1,000, whose cache is
// still filling and whose pages are still to be said by several, a sixth and a third.
func TestFrugality(t *testing.T) {
	if testing.Short() {
		t.Skip("walks 1,000 people over a site")
	}
	m := measure(t, 1000)
	f, p := m.frugal.total(), m.plain.total()
	if c := float64(f.Calls) / float64(p.Calls); c > 1.0/6 {
		t.Errorf("%.3f of the plain method's calls", c)
	}
	if c := float64(f.MicroUSD) / float64(p.MicroUSD); c > 1.0/3 {
		t.Errorf("%.3f of the plain method's cost", c)
	}
}

// BenchmarkModelCost measures calls, tokens and US dollars per person on a generated site of 200 pages with 10,000 people (fixed seed and
// link graph), against the plain method of one call per interaction and one per journey. Tokens are estimated at four bytes each of the
// real prompts and of answers of the length real ones have. Aim: a tenth of the calls, a fifth of the cost.
func BenchmarkModelCost(b *testing.B) {
	const people = 10000
	for b.Loop() {
		m := measure(b, people)
		f, p, s := m.frugal.total(), m.plain.total(), m.strict.total()
		per := func(n int) float64 { return float64(n) / people }
		b.ReportMetric(per(f.Calls), "calls/person")
		b.ReportMetric(per(f.In+f.Out), "tokens/person")
		b.ReportMetric(float64(f.MicroUSD)/1e6/people, "USD/person")
		b.ReportMetric(per(p.Calls), "plain-calls/person")
		b.ReportMetric(per(p.In+p.Out), "plain-tokens/person")
		b.ReportMetric(float64(p.MicroUSD)/1e6/people, "plain-USD/person")
		b.ReportMetric(float64(f.Calls)/float64(p.Calls), "calls-ratio")
		b.ReportMetric(float64(f.MicroUSD)/float64(p.MicroUSD), "cost-ratio")
		b.ReportMetric(float64(f.Calls)/float64(s.Calls), "calls-ratio-strict")
		b.ReportMetric(float64(f.MicroUSD)/float64(s.MicroUSD), "cost-ratio-strict")
		b.Logf("%d people, %.1f steps each; %d summaries cached\nstage 1 %+v\nstage 2 %+v\nplain 1 %+v\nplain 2 %+v\nstrict  %+v", people, per(m.steps),
			len(m.store.cache), m.frugal.use["stage1"], m.frugal.use["stage2"], m.plain.use["stage1"], m.plain.use["stage2"], s)
	}
}
