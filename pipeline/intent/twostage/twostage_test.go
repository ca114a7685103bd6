package twostage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/intenttest"
	"github.com/intentd/intentd/pipeline/intent/rules"
	"github.com/intentd/intentd/pipeline/score"
)

// seeded is a source of markers that is the same in every run.
type seeded struct{ r *rand.ChaCha8 }

func (s seeded) Read(p []byte) (int, error) { return s.r.Read(p) }

func seed(n byte) io.Reader { return seeded{rand.NewChaCha8([32]byte{n})} }

func engine(model connectors.Model, store intent.Store, change ...func(*Options)) *Engine {
	o := Options{
		Model: model, ModelName: "stand-in", Store: store, Secret: []byte("install secret"), Products: intenttest.Products, Hosts: []string{"example.com"}, Rand: seed(1),
		Confirmed: 1, // how sharing works; that it waits until several said the same has tests of its own
	}
	for _, c := range change {
		c(&o)
	}
	return New(o)
}

func infer(t *testing.T, e intent.Engine, s intent.Subject) intent.Intent {
	t.Helper()
	in, err := e.Infer(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func demo(key string) intent.Subject {
	return intenttest.Subject(&intenttest.Typical[0].Events, key, "en")
}

// A journey gets the model's texts, cited, under the model's name, with what it cost; what the store holds afterwards answers the
// same inputs without a call (invariant 6).
func TestTwoStageAnswersAndKeeps(t *testing.T) {
	model, store := &geminitest.Server{In: 0.3, Out: 2.5}, newMemory()
	e := engine(model, store)
	in := infer(t, e, demo("p"))
	intenttest.CheckForm(t, "demo", in, len(intenttest.Typical[0].Events))
	if in.Degraded != "" || in.Engine != "stand-in" || in.Product != "Credit cards" || in.Stage != score.Deciding || in.Prompt != promptVersion {
		t.Errorf("got %s", intenttest.Render(in))
	}
	if in.Usage.Calls < 2 || in.Usage.MicroUSD <= 0 || store.spent != in.Usage.MicroUSD || store.reserved != 0 {
		t.Errorf("usage %+v, spent %d, still reserved %d", in.Usage, store.spent, store.reserved)
	}
	calls := total(model.Purposes())
	again := infer(t, engine(model, store), demo("p"))
	if n := total(model.Purposes()); n != calls {
		t.Errorf("unchanged inputs cost %d more calls", n-calls)
	}
	if intenttest.Render(again) != intenttest.Render(in) {
		t.Errorf("kept answer differs:\n%s\n%s", intenttest.Render(again), intenttest.Render(in))
	}
}

func total(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

// Time, and the mere slide of the recent window, is no change of inputs.
func TestTimeCostsNoCall(t *testing.T) {
	model, store := &geminitest.Server{}, newMemory()
	e := engine(model, store)
	s := demo("p")
	infer(t, e, s)
	calls := total(model.Purposes())
	s.Now = s.Now.AddDate(0, 1, 0)
	s.Journey.Recent = len(s.Journey.Sessions)
	infer(t, e, s)
	if n := total(model.Purposes()) - calls; n != 0 {
		t.Errorf("a month later: %d calls", n)
	}
}

// E-mail opens alone, summaries alone, company news alone and no signal at all never cost a call, and are not degraded for it.
func TestNeverAsksWithoutNeed(t *testing.T) {
	model := &geminitest.Server{}
	e := engine(model, newMemory())
	for _, name := range []string{"email_opens_only", "company_news"} {
		for _, c := range intenttest.Typical {
			if c.Name == name {
				if in := infer(t, e, intenttest.Subject(&c.Events, "p", "en")); in.Degraded != "" || in.Engine != "rules" {
					t.Errorf("%s: %s", name, intenttest.Render(in))
				}
			}
		}
	}
	counts := []intenttest.Event{{At: "18 Nov 10:00", Kind: "page_view", Type: score.WebVisit, Props: map[string]string{"count": "14"}}}
	infer(t, e, intenttest.Subject(&counts, "p", "en"))
	infer(t, e, intent.Subject{Journey: intenttest.Journey("p", intenttest.Event{At: "3 Nov 10:00", Kind: "click"}), Now: intenttest.Now})
	if n := total(model.Purposes()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// Interactions are shared between people: the same question is paid once, whoever asks it, and a lot pays it in one call.
func TestStage1IsSharedOverPeople(t *testing.T) {
	model, store := &geminitest.Server{}, newMemory()
	e := engine(model, store)
	events := intenttest.Typical[2].Events // trusted pages only
	var lot []intent.Subject
	for i := range 5 {
		lot = append(lot, intenttest.Subject(&events, fmt.Sprintf("p%d", i), "en"))
	}
	if _, err := e.InferAll(t.Context(), lot); err != nil {
		t.Fatal(err)
	}
	if got := model.Purposes(); got["stage1"] != 1 || got["stage2"] != 5 {
		t.Errorf("calls %v, want one of stage 1 and five of stage 2", got)
	}
	infer(t, e, intenttest.Subject(&events, "later", "en"))
	if got := model.Purposes(); got["stage1"] != 1 || got["stage2"] != 6 {
		t.Errorf("calls %v after one more person", got)
	}
}

// slow is a model whose first stage-1 call waits until told, so that others meet it in flight.
type slow struct {
	*geminitest.Server
	once    sync.Once
	started chan struct{}
	release chan struct{}
}

func (s *slow) Generate(ctx context.Context, p connectors.Prompt) (connectors.Completion, error) {
	first := false
	s.once.Do(func() { first = true; close(s.started) })
	if first {
		select {
		case <-s.release:
		case <-ctx.Done():
			return connectors.Completion{}, ctx.Err()
		}
	}
	return s.Server.Generate(ctx, p)
}

// While one asks, others with the same interaction wait for the answer rather than pay again.
func TestSingleFlight(t *testing.T) {
	model := &slow{Server: &geminitest.Server{}, started: make(chan struct{}), release: make(chan struct{})}
	e := engine(model, newMemory())
	events := intenttest.Typical[2].Events
	var wg sync.WaitGroup
	run := func(key string) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if in, err := e.Infer(t.Context(), intenttest.Subject(&events, key, "en")); err != nil || in.Degraded != "" {
				t.Errorf("%s: %v %q", key, err, in.Degraded)
			}
		}()
	}
	run("first")
	<-model.started
	for i := range 4 {
		run(fmt.Sprintf("p%d", i))
	}
	close(model.release)
	wg.Wait()
	for k, n := range model.Entries() {
		if n != 1 {
			t.Errorf("interaction %s was paid %d times", k, n)
		}
	}
}

// When whoever asked is stopped, those who wait ask for themselves.
func TestFlightOfAStoppedOneIsTakenOver(t *testing.T) {
	model := &slow{Server: &geminitest.Server{}, started: make(chan struct{}), release: make(chan struct{})}
	e := engine(model, newMemory())
	events := intenttest.Typical[2].Events
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		_, err := e.Infer(ctx, intenttest.Subject(&events, "first", "en"))
		stopped <- err
	}()
	<-model.started
	done := make(chan intent.Intent, 1)
	go func() {
		in, _ := e.Infer(t.Context(), intenttest.Subject(&events, "second", "en"))
		done <- in
	}()
	cancel()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("the stopped one got %v", err)
	}
	if in := <-done; in.Degraded != "" {
		t.Errorf("the other one: %q", in.Degraded)
	}
}

// Invariant 2: whatever finished before a kill is not paid again: shared summaries, private ones, and the answer.
func TestKillRepaysOnlyCallsInFlight(t *testing.T) {
	model, store := &geminitest.Server{}, newMemory()
	model.FailWhen(`"recent"`, geminitest.Unavailable) // stage 2 never comes back
	in := infer(t, engine(model, store), demo("p"))
	if in.Degraded == "" {
		t.Fatal("not degraded though stage 2 failed")
	}
	before := model.Entries()
	healthy := &geminitest.Server{}
	in = infer(t, engine(healthy, store), demo("p")) // the process after the kill
	if in.Degraded != "" || len(healthy.Entries()) != 0 || healthy.Purposes()["stage2"] != 1 {
		t.Errorf("degraded %q, paid again: %v of %v, %v", in.Degraded, healthy.Entries(), before, healthy.Purposes())
	}
}

// Invariant 2: a summary that is one person's alone is kept when its call comes back, not at the end of the lot.
func TestPrivateSummariesAreKeptAsTheyArrive(t *testing.T) {
	store := newMemory()
	model := &geminitest.Server{}
	calls, keptAtLast := 0, 0
	model.Answer = func(p connectors.Prompt) []byte {
		if p.Purpose == "stage1" {
			if calls++; calls > 1 {
				if raw, ok := store.answers["p"]; ok {
					var k kept
					_ = json.Unmarshal(raw, &k)
					keptAtLast = len(k.Own)
				}
			}
		}
		return nil
	}
	e := engine(model, store, func(o *Options) { o.Batch, o.Concurrency, o.Confirmed = 1, 1, 3 })
	infer(t, e, demo("p"))
	if calls < 3 || keptAtLast != calls-1 {
		t.Errorf("during call %d of the lot %d summaries were kept", calls, keptAtLast)
	}
}

// A journey that grows pays for what is new, not for what was summarised before, private steps included.
func TestGrowingJourneyPaysForTheNew(t *testing.T) {
	model, store := &geminitest.Server{}, newMemory()
	e := engine(model, store)
	infer(t, e, demo("p"))
	model.Reset()
	events := append(slices.Clone(intenttest.Typical[0].Events), intenttest.View("20 Nov 08:00", "/faq", "Questions | Example", 0, 0))
	infer(t, e, intenttest.Subject(&events, "p", "en"))
	if n := total(model.Entries()); n != 1 {
		t.Errorf("%d interactions were paid, want the new one", n)
	}
}

// Every ugly answer, at either stage, leaves the person with rules texts that say why; a good answer afterwards replaces them.
func TestUglyAnswersDegrade(t *testing.T) {
	for _, fault := range geminitest.Faults {
		if fault == geminitest.NoUsage || fault == geminitest.Hang {
			continue
		}
		for _, stage := range []string{"stage1", "stage2"} {
			t.Run(string(fault)+"/"+stage, func(t *testing.T) {
				model, store := &geminitest.Server{In: 1, Out: 1}, newMemory()
				if stage == "stage2" {
					model.FailWhen(`"recent"`, fault)
				} else {
					model.FailAlways(fault)
				}
				in := infer(t, engine(model, store), demo("p"))
				want, _ := rules.New(rules.Options{Products: intenttest.Products, Hosts: []string{"example.com"}}).Infer(t.Context(), demo("p"))
				if in.Degraded == "" || in.Headline.Text != want.Headline.Text || in.Engine != "rules" {
					t.Errorf("got %s", intenttest.Render(in))
				}
				if strings.Contains(in.Degraded, "Certainly") || strings.Contains(in.Degraded, "40 cards") {
					t.Errorf("the reason %q quotes", in.Degraded)
				}
				if store.spent != in.Usage.MicroUSD || store.reserved != 0 {
					t.Errorf("spent %d, told %d, reserved %d", store.spent, in.Usage.MicroUSD, store.reserved)
				}
				if in := infer(t, engine(&geminitest.Server{}, store), demo("p")); in.Degraded != "" {
					t.Errorf("still %q", in.Degraded)
				}
			})
		}
	}
}

// When one interaction of a shared call is refused, the others get their summaries all the same.
func TestOneRefusedInteractionCostsNobodyElse(t *testing.T) {
	model, store := &geminitest.Server{}, newMemory()
	model.FailWhen("Forbidden fruit", geminitest.Blocked)
	e := engine(model, store)
	bad := []intenttest.Event{intenttest.View("3 Nov 10:00", "/x", "Forbidden fruit", 0, 0)}
	good := intenttest.Typical[2].Events
	out, err := e.InferAll(t.Context(), []intent.Subject{intenttest.Subject(&good, "good", "en"), intenttest.Subject(&bad, "bad", "en")})
	if err != nil {
		t.Fatal(err)
	}
	if out[0].Degraded != "" || out[1].Degraded == "" {
		t.Errorf("degraded %q and %q", out[0].Degraded, out[1].Degraded)
	}
}

// After the budget is spent, people get rules texts, marked, and no call is made.
func TestBudgetSpent(t *testing.T) {
	model, store := &geminitest.Server{In: 1, Out: 1}, newMemory()
	store.budget = 0
	in := infer(t, engine(model, store), demo("p"))
	if in.Degraded != "daily model budget spent" || total(model.Purposes()) != 0 || in.Headline.Text == "" {
		t.Errorf("%d calls, %s", total(model.Purposes()), intenttest.Render(in))
	}
}

// Under a budget that does not last for all, those whose tier the model can still change are asked about, wherever in the lot they stand, and
// the rest of it is kept for those who come later.
func TestTheBudgetGoesFirstToOpenTiers(t *testing.T) {
	model, store := &geminitest.Server{}, newMemory()
	var lot []intent.Subject
	for i := range 8 {
		events := []intenttest.Event{intenttest.View("3 Nov 10:00", "/", fmt.Sprintf("Page number %d", i), 0, 0)}
		s := intenttest.Subject(&events, fmt.Sprintf("p%d", i), "en")
		s.Last = i < 4
		lot = append(lot, s)
	}
	e := engine(model, store)
	store.budget, store.kept = 1_000_000, 1_000_001
	out, err := e.InferAll(t.Context(), lot)
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range out {
		want := ""
		if i < 4 {
			want = "daily model budget spent, but for people whose tier the model can change"
		}
		if in.Degraded != want || in.Headline.Text == "" {
			t.Errorf("%d: degraded %q, want %q", i, in.Degraded, want)
		}
	}
	if n := model.Purposes()["stage2"]; n != 4 {
		t.Errorf("%d people were asked about", n)
	}
}

// A model that is stopped (quota, key) is not asked again and again within a lot.
func TestStoppedModelIsNotHammered(t *testing.T) {
	model := &geminitest.Server{}
	model.FailAlways(geminitest.RateDay)
	e := engine(model, newMemory(), func(o *Options) { o.Concurrency = 1 })
	var lot []intent.Subject
	for i := range 20 {
		events := []intenttest.Event{intenttest.View("3 Nov 10:00", "/", fmt.Sprintf("Page number %d", i), 0, 0)}
		lot = append(lot, intenttest.Subject(&events, fmt.Sprintf("p%d", i), "en"))
	}
	out, _ := e.InferAll(t.Context(), lot)
	for _, in := range out {
		if in.Degraded != "model unavailable: quota" {
			t.Errorf("degraded %q", in.Degraded)
		}
	}
	if n := total(model.Purposes()); n != 1 {
		t.Errorf("%d calls to a stopped model", n)
	}
}

// The end of the context is the only error.
func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engine(&geminitest.Server{}, newMemory()).Infer(ctx, demo("p")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := rules.New(rules.Options{}).Infer(ctx, demo("p")); !errors.Is(err, context.Canceled) {
		t.Errorf("rules: got %v", err)
	}
}

// What leaves for the model holds no e-mail address, phone number, name or pattern of the config, and the shared cache holds none and
// nothing that was typed.
func TestRedactionAndTheSharedCache(t *testing.T) {
	model, store := &geminitest.Server{}, newMemory()
	e := engine(model, store, func(o *Options) {
		o.Redact.Patterns = []*regexp.Regexp{regexp.MustCompile(`KD-\d+`)}
	})
	events := []intenttest.Event{
		{At: "3 Nov 10:00", Kind: "page_view", URL: "https://example.com/u/ann@customer.example", Title: "Welcome Ann O'Neill, KD-4711, call +49 30 1234567", Type: score.WebVisit},
		{At: "3 Nov 10:01", Kind: "click", URL: "https://example.com/", Title: "Home", Element: "Signed in as ann@customer.example"},
		{At: "3 Nov 10:02", Kind: "search", URL: "https://example.com/search", Title: "Search", Type: score.WebVisit, Props: map[string]string{"query": "zebra insurance"}},
		{At: "3 Nov 10:03", Kind: "form_submit", URL: "https://example.com/contact", Title: "Contact", Type: score.HandRaise, Props: map[string]string{"message": "Pelican plans, reach me at 0171 9876543", "last_name": "Quux", "email": "ann@customer.example"}},
	}
	s := intenttest.Subject(&events, "p", "en")
	s.Profile = connectors.Profile{FirstName: "Ann", LastName: "O'Neill"}
	if in := infer(t, e, s); in.Degraded != "" {
		t.Fatal(in.Degraded)
	}
	var sent strings.Builder
	for _, p := range model.Last() {
		sent.WriteString(p.User)
	}
	for _, secret := range []string{"ann@customer.example", "Ann", "Neill", "1234567", "9876543", "KD-4711", "Quux"} {
		if strings.Contains(sent.String(), secret) {
			t.Errorf("the prompt holds %q", secret)
		}
	}
	for _, typed := range []string{"zebra", "Pelican"} {
		if !strings.Contains(sent.String(), typed) {
			t.Errorf("the prompt misses what was typed: %q", typed)
		}
	}
	for k, v := range store.cache {
		for _, secret := range []string{"zebra", "Pelican", "customer.example", "Ann", "Home"} {
			if strings.Contains(k, secret) || secret != "Home" && strings.Contains(string(v), secret) {
				t.Errorf("the shared cache holds %q: %s", secret, v)
			}
		}
	}
	if len(store.cache) == 0 {
		t.Error("nothing was shared at all")
	}
	var own kept
	if err := json.Unmarshal(store.answers["p"], &own); err != nil || len(own.Own) != 2 {
		t.Errorf("kept under the person: %d private summaries (%v), want the search and the form", len(own.Own), err)
	}
	drop := engine(&geminitest.Server{}, newMemory(), func(o *Options) { o.Redact.DropTyped = true })
	m := drop.o.Model.(*geminitest.Server)
	infer(t, drop, s)
	for _, p := range m.Last() {
		if strings.Contains(p.User, "zebra") || strings.Contains(p.User, "Pelican") {
			t.Error("typed text was sent though it is to be dropped")
		}
	}
}

// A stranger's or a typed word never shares a call with another person's interactions.
func TestPrivateInteractionsAreAlone(t *testing.T) {
	model := &geminitest.Server{}
	e := engine(model, newMemory())
	var lot []intent.Subject
	for i := range 3 {
		events := []intenttest.Event{
			intenttest.View("3 Nov 10:00", fmt.Sprintf("/p%d", i), fmt.Sprintf("Own page of %c", 'A'+i), 0, 0),
			{At: "3 Nov 10:01", Kind: "page_view", URL: "https://stranger.example/", Title: fmt.Sprintf("Stranger %c", 'A'+i), Type: score.WebVisit, Foreign: true},
			{At: "3 Nov 10:02", Kind: "search", URL: "https://example.com/search", Title: "Search", Props: map[string]string{"q": fmt.Sprintf("typed by %c", 'A'+i)}},
		}
		lot = append(lot, intenttest.Subject(&events, fmt.Sprintf("p%d", i), "en"))
	}
	if _, err := e.InferAll(t.Context(), lot); err != nil {
		t.Fatal(err)
	}
	for _, p := range model.Last() {
		if p.Purpose != "stage1" {
			continue
		}
		people, private := 0, false
		for i := range 3 {
			c := string(rune('A' + i))
			if strings.Contains(p.User, "Stranger "+c) || strings.Contains(p.User, "typed by "+c) {
				people++
				private = true
			}
		}
		if people > 1 || private && strings.Contains(p.User, `"title":"Own page of`) {
			t.Errorf("a call mixes people:\n%s", p.User)
		}
	}
}

// Stage 2 sees validated fields, kinds, times and sessions, in two blocks, and not a word of an event.
func TestStage2SeesSummariesOnly(t *testing.T) {
	model := &geminitest.Server{Answer: func(p connectors.Prompt) []byte {
		if p.Purpose != "stage1" {
			return nil
		}
		var list struct {
			Answers []map[string]any `json:"answers"`
		}
		_ = json.Unmarshal(geminitest.Derive(p), &list)
		for _, a := range list.Answers {
			a["screen_context"] = []string{"price page", "menu page", "card search page demo contact about home insurance comparison"}
			a["user_action"], a["speculation"] = "viewed the page; clicked; asked demo", "SPECULATION"
		}
		raw, _ := json.Marshal(list)
		return raw
	}}
	events := slices.Clone(intenttest.Typical[0].Events)
	events = append([]intenttest.Event{intenttest.View("1 Sep 10:00", "/old", "Older price page", 0, 0)}, events...)
	events[len(events)-1].Kind = "custom demo contact kind"
	infer(t, engine(model, newMemory()), intenttest.Subject(&events, "p", "en"))
	last := model.Last()
	p := last[len(last)-1]
	if p.Purpose != "stage2" {
		t.Fatal("no stage 2")
	}
	for _, word := range []string{"ACME", "example.com", "40 cards", "Book a demo", "SPECULATION", "custom", "ann@"} {
		if strings.Contains(p.User, word) {
			t.Errorf("stage 2 sees %q:\n%s", word, p.User)
		}
	}
	for _, want := range []string{`"history":[{"date":"1 Sep 2026"`, `"recent":[{"date":"3 Nov 2026"`, `["s7","event"`} {
		if !strings.Contains(p.User, want) {
			t.Errorf("stage 2 misses %s:\n%s", want, p.User)
		}
	}
}

// Markers are drawn anew for each call and are no part of a key: with other markers the same interactions are found in the cache.
func TestMarkersAreRandomAndOutsideTheKey(t *testing.T) {
	model, store := &geminitest.Server{}, newMemory()
	events := intenttest.Typical[2].Events
	infer(t, engine(model, store), intenttest.Subject(&events, "a", "en"))
	seen := map[string]bool{}
	for _, p := range model.Last() {
		marker, _, _ := strings.Cut(p.User, "\n")
		if seen[marker] || len(marker) < 21 || strings.Count(p.User, "\n"+marker+"\n") != 1 {
			t.Errorf("marker %q", marker)
		}
		seen[marker] = true
	}
	other := &geminitest.Server{}
	infer(t, engine(other, store, func(o *Options) { o.Rand = seed(2) }), intenttest.Subject(&events, "b", "en"))
	if n := other.Purposes()["stage1"]; n != 0 {
		t.Errorf("%d calls for cached interactions", n)
	}
	// Another secret, model or prompt reads none of it.
	for _, change := range []func(*Options){
		func(o *Options) { o.Secret = []byte("another") },
		func(o *Options) { o.ModelName = "another" },
	} {
		m := &geminitest.Server{}
		infer(t, engine(m, store, change), intenttest.Subject(&events, "c", "en"))
		if m.Purposes()["stage1"] == 0 {
			t.Error("a foreign cache entry was believed")
		}
	}
}

// Version follows what answers depend on, and nothing else.
func TestVersion(t *testing.T) {
	base := engine(nil, nil).Version()
	if engine(nil, newMemory(), func(o *Options) { o.Batch, o.Rand, o.Secret = 3, seed(9), nil }).Version() != base {
		t.Error("batch, randomness or secret changed the version")
	}
	for name, change := range map[string]func(*Options){
		"model":    func(o *Options) { o.ModelName = "x" },
		"products": func(o *Options) { o.Products = o.Products[:1] },
		"hosts":    func(o *Options) { o.Hosts = nil },
		"language": func(o *Options) { o.Language = "de" },
		"redact":   func(o *Options) { o.Redact.DropTyped = true },
		"steps":    func(o *Options) { o.MaxSteps = 5 },
	} {
		if engine(nil, nil, change).Version() == base {
			t.Errorf("%s does not change the version", name)
		}
	}
}

// Long journeys are capped, the newest steps first; what is older is told by counts without a stranger's word.
func TestMaxSteps(t *testing.T) {
	var events []intenttest.Event
	for i := range 30 {
		events = append(events, intenttest.View(fmt.Sprintf("%d Nov 10:00", 1+i%19), fmt.Sprintf("/p%d", i), fmt.Sprintf("Title %c", 'A'+i%26), 0, 0))
	}
	slices.SortStableFunc(events, func(a, b intenttest.Event) int {
		var x, y int
		_, _ = fmt.Sscan(a.At, &x)
		_, _ = fmt.Sscan(b.At, &y)
		return x - y
	})
	model := &geminitest.Server{}
	infer(t, engine(model, newMemory(), func(o *Options) { o.MaxSteps = 10 }), intenttest.Subject(&events, "p", "en"))
	if n := total(model.Entries()); n != 10 {
		t.Errorf("%d interactions, want 10", n)
	}
	last := model.Last()
	if p := last[len(last)-1].User; !strings.Contains(p, `"older":"20 page_view between`) || !strings.Contains(p, `["s30",`) {
		t.Errorf("stage 2 sees\n%s", p)
	}
}

// Screenshots are sent only from the configured directory, of local sources, after decoding; nothing leads out of the directory.
func TestScreenshots(t *testing.T) {
	dir := t.TempDir()
	img := image.NewRGBA(image.Rect(0, 0, 4, 4))
	img.Set(1, 1, color.White)
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "shots"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("shots/good.png", buf.Bytes())
	write("shots/broken.png", buf.Bytes()[:buf.Len()-20])
	write("shots/text.png", []byte("no picture"))
	write("shots/huge.png", append(buf.Bytes(), make([]byte, screenshotBytes)...))
	write("secret.png", buf.Bytes())
	if err := os.Symlink("../secret.png", filepath.Join(dir, "shots", "link.png")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(dir, "shots"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, c := range []struct {
		name, source string
		sent         bool
	}{
		{"good.png", "files", true},
		{"good.png", "collector", false},
		{"broken.png", "files", false}, {"text.png", "files", false}, {"huge.png", "files", false}, {"missing.png", "files", false},
		{"../secret.png", "files", false}, {"link.png", "files", false}, {filepath.Join(dir, "secret.png"), "files", false}, {".", "files", false},
	} {
		t.Run(c.name+"/"+c.source, func(t *testing.T) {
			model, store := &geminitest.Server{}, newMemory()
			e := engine(model, store, func(o *Options) { o.Screenshots, o.ScreenshotSources = root, []string{"files"} })
			v := intenttest.View("3 Nov 10:00", "/pricing", "Pricing", 0, 0)
			v.Shot, v.Source = c.name, c.source
			events := []intenttest.Event{v}
			if in := infer(t, e, intenttest.Subject(&events, "p", "en")); in.Degraded != "" {
				t.Fatal(in.Degraded)
			}
			sent := 0
			for _, p := range model.Last() {
				sent += len(p.Images)
			}
			if (sent == 1) != c.sent {
				t.Errorf("%d pictures sent", sent)
			}
			if c.sent && len(store.cache) != 0 {
				t.Error("what a picture showed was shared")
			}
		})
	}
}

// A picture that claims to be huge is refused before it is decoded.
func TestScreenshotBomb(t *testing.T) {
	dir := t.TempDir()
	var buf bytes.Buffer
	_ = png.Encode(&buf, image.NewGray(image.Rect(0, 0, 1, 1)))
	raw := buf.Bytes()
	copy(raw[16:24], []byte{0, 1, 0, 0, 0, 1, 0, 0}) // 65536 × 65536
	crc := crc32png(raw[12:29])
	copy(raw[29:33], crc[:])
	if err := os.WriteFile(filepath.Join(dir, "bomb.png"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	root, _ := os.OpenRoot(dir)
	defer root.Close()
	if _, err := screenshot(root, "bomb.png"); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
}
