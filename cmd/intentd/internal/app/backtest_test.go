package app

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/score"
)

// prospects are a population whose truth is known: the log-odds of being won are −1.2 + 1.6 for those who worked out a price, + 0.5 for those who sent the brochure form, − 0.8 for
// readers of the blog, who do most. What they do lies within the 40 days before their outcome.
type prospects struct {
	seed uint64
	n    int
}

// write writes the events and the outcomes.
func (p prospects) write(events, outcomes io.Writer) {
	rng := rand.New(rand.NewPCG(p.seed, 21))
	at := time.Date(2025, 3, 1, 10, 0, 0, 0, time.UTC)
	fmt.Fprintln(outcomes, "email,outcome,at")
	for i := range p.n {
		at = at.Add(time.Duration(rng.IntN(2*300*24/p.n*60+60)) * time.Minute)
		email := fmt.Sprintf("p%d@company%d.example", i, i)
		odds := -1.2
		did := func(kind, page string, days float64, more string) {
			then := at.Add(-time.Duration(days * 24 * float64(time.Hour)))
			fmt.Fprintf(events, `{"time":%q,"kind":%q,"email":%q,"url":"https://www.maker.example%s"%s}`+"\n", then.Format(time.RFC3339), kind, email, page, more)
		}
		days := 2 + 38*rng.Float64()
		did("page_view", "/", days, "")
		if rng.IntN(3) == 0 {
			odds += 1.6
			did("page_view", "/calculator", days-0.01, "")
			did("calculator", "/calculator", days-0.02, "")
		}
		if rng.IntN(3) == 0 {
			odds += 0.5
			did("form_submit", "/brochure", days-0.03, `,"properties":{"form":"Brochure"}`)
		}
		if rng.IntN(2) == 0 {
			odds -= 0.8
			for k := range 3 + rng.IntN(8) {
				did("page_view", fmt.Sprintf("/blog/post-%d", k), days-0.04-float64(k)/1000, "")
			}
		}
		won := "lost"
		if rng.Float64() < 1/(1+math.Exp(-odds)) {
			won = "won"
			did("purchase", "/checkout", 0.2, "") // on the day itself: it would give the outcome away
		}
		fmt.Fprintf(outcomes, "%s,%s,%s\n", email, won, at.Format(time.RFC3339))
	}
}

// files writes them to a directory.
func (p prospects) files(t testing.TB) (o BacktestOptions) {
	t.Helper()
	dir := t.TempDir()
	o.Journeys, o.Outcomes = filepath.Join(dir, "events.jsonl"), filepath.Join(dir, "outcomes.csv")
	e, err := os.Create(o.Journeys)
	if err != nil {
		t.Fatal(err)
	}
	c, err := os.Create(o.Outcomes)
	if err != nil {
		t.Fatal(err)
	}
	buffered := bufio.NewWriter(e)
	p.write(buffered, c)
	if err := errors.Join(buffered.Flush(), e.Close(), c.Close()); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestBacktestJourneys: journeys are built and scored as the daemon would have a day before their outcome; what decides is learned, and the purchase of the day itself is not seen.
func TestBacktestJourneys(t *testing.T) {
	r, err := Backtest(t.Context(), prospects{1, 3000}.files(t))
	if err != nil {
		t.Fatal(err)
	}
	if r.People != 3000 || len(r.LeftOut) != 0 {
		t.Errorf("%d people, left out %v", r.People, r.LeftOut)
	}
	formula, learned := r.Engine(backtest.Formula), r.Engine(backtest.Propensity)
	if formula == nil || learned == nil || learned.AUC.Value < 0.68 || learned.AUC.Value > 0.85 || learned.AUC.Value < formula.AUC.Value+0.05 {
		t.Fatalf("formula %+v, propensity %+v", formula.AUC, learned.AUC)
	}
	if medium, low := learned.Tier(score.Medium), learned.Tier(score.Low); medium.Precision.Low <= low.Precision.High {
		t.Errorf("tiers of propensity: %v", learned.Tiers)
	}
	for _, f := range r.Strengths.Features {
		if strings.Contains(f.Fact, "purchase") || strings.Contains(f.Fact, "checkout") {
			t.Errorf("learned from what happened on the day of the outcome: %v", f.Feature)
		}
	}
	if len(r.Suspects) != 0 {
		t.Errorf("suspects %v", r.Suspects)
	}
	for _, name := range []string{backtest.Weights, backtest.NewestForm, backtest.NewestActivity, backtest.MostPageViews} {
		if r.Engine(name) == nil {
			t.Errorf("%s is not beside them", name)
		}
	}
	if a := r.Ahead; a == nil || a.High+a.Never != a.Won || a.Won != r.Won || a.High == 0 || a.MedianDays < 1 {
		t.Errorf("ahead: %+v", a)
	}
}

// backtestFiles writes two files and runs.
func backtestFiles(t *testing.T, events, outcomes string) (*BacktestOf, error) {
	t.Helper()
	dir := t.TempDir()
	o := BacktestOptions{Journeys: filepath.Join(dir, "events.jsonl"), Outcomes: filepath.Join(dir, "outcomes.csv")}
	for name, text := range map[string]string{o.Journeys: events, o.Outcomes: outcomes} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Backtest(t.Context(), o)
}

// TestAnonymousPastIsKnownOnlyOnceJoined: what a visitor did without a name counts from when the name was known, not for a date before.
func TestAnonymousPastIsKnownOnlyOnceJoined(t *testing.T) {
	event := func(day int, kind, who string) string {
		return fmt.Sprintf(`{"time":"2026-03-%02dT10:00:00Z","kind":%q,%s,"url":"https://www.maker.example/pricing"}`+"\n", day, kind, who)
	}
	events := event(1, "page_view", `"email":"late@a.example"`) + event(2, "page_view", `"anonymous_id":"v1"`) + event(20, "form_submit", `"email":"late@a.example","anonymous_id":"v1"`) +
		event(1, "page_view", `"email":"early@b.example"`) + event(2, "page_view", `"anonymous_id":"v2"`) + event(3, "form_submit", `"email":"early@b.example","anonymous_id":"v2"`)
	r, err := backtestFiles(t, events, "email,outcome,at\nlate@a.example,won,2026-03-12\nearly@b.example,lost,2026-03-12\nlate@a.example,won,2026-03-12\nnobody@c.example,lost,2026-03-12\nlate@a.example,lost,2026-02-01\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{whyTwice: 1, whyNoJourney: 1, whyTooLate: 1}; fmt.Sprint(r.LeftOut) != fmt.Sprint(want) {
		t.Errorf("left out %v, want %v", r.LeftOut, want)
	}
	if r.People != 2 || r.Won != 1 {
		t.Errorf("%d people, %d won", r.People, r.Won)
	}
	if b := r.Engine(backtest.Formula); !b.TooFew {
		t.Errorf("two people tell something: %+v", b)
	}
}

// TestBacktestFileErrors: each is one sentence that names the file and what to do.
func TestBacktestFileErrors(t *testing.T) {
	const event = `{"time":"2026-03-01T10:00:00Z","kind":"page_view","email":"a@a.example","url":"/pricing"}` + "\n"
	const outcomes = "email,outcome,at\na@a.example,won,2026-03-12\nb@a.example,lost,2026-03-12\n"
	for _, c := range []struct{ name, events, outcomes, says string }{
		{"no column", event, "mail,outcome,at\nx,won,2026-01-01\n", "has no column email, only mail, outcome, at"},
		{"empty outcomes", event, "", "is empty: its first line must name the columns"},
		{"no rows", event, "email,outcome,at\n", "a header and no row"},
		{"dates", event, "email,outcome,at\na@a.example,won,soon\n", `"soon" for example: write them as 2026-11-28`},
		{"one class", event, "email,outcome,at\na@a.example,won,2026-03-12\n", "all 1 people were won"},
		{"words", event, "email,outcome,at\na@a.example,open,2026-03-12\n", `"open", which is neither won nor lost`},
		{"empty events", "", outcomes, "no journey: it is empty"},
		{"no times", `{"page":"/pricing","email":"a@a.example"}` + "\n", outcomes, "have no time"},
		{"strangers", event, "email,outcome,at\nc@c.example,won,2026-03-12\nd@c.example,lost,2026-03-12\n", "the column email must hold the addresses"},
	} {
		_, err := backtestFiles(t, c.events, c.outcomes)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestBacktestConfig: the scoring of a configuration counts, and properties are learned from where they are named; a name that is nowhere is an error.
func TestBacktestConfig(t *testing.T) {
	o := prospects{4, 300}.files(t)
	o.Config = config.Default()
	o.Config.Scoring.Tiers.High, o.Config.Scoring.Tiers.Medium = 99, 5
	o.Config.Scoring.HandRaiseDays = 0
	o.Config.Privacy.OwnHosts = []string{"www.maker.example"}
	r, err := Backtest(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if f := r.Engine(backtest.Formula); f.Tier(score.High).Rows != 0 || f.Tier(score.Medium).Rows == 0 {
		t.Errorf("tiers %v under thresholds of 99 and 5", f.Tiers)
	}
	o.Columns.Features = []string{"shoe_size"}
	if _, err := Backtest(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--features names shoe_size") {
		t.Errorf("a property that is nowhere: %v", err)
	}
	o.Columns.Features = []string{"form"}
	r, err = Backtest(t.Context(), o)
	if err != nil || !slices.ContainsFunc(r.Strengths.Features, func(f learn.Strength) bool { return f.Fact == "form" }) {
		t.Errorf("a property that was named is not learned from: %v", err)
	}
}

// BenchmarkBacktestJourneys prints the time for journeys of 10,000 people, from the files to the result.
func BenchmarkBacktestJourneys(b *testing.B) {
	o := prospects{2, 10_000}.files(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Backtest(b.Context(), o); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "people/s")
}

var updateExample = flag.Bool("update-backtest-example", false, "rewrite the example files of the command line's tests")

// The example of the command line's tests is this population, a small part of it.
func TestBacktestExample(t *testing.T) {
	dir := filepath.Join("..", "cli", "testdata", "backtest")
	var events, outcomes strings.Builder
	prospects{3, 160}.write(&events, &outcomes)
	for name, text := range map[string]string{"events.jsonl": events.String(), "outcomes.csv": outcomes.String()} {
		name = filepath.Join(dir, name)
		if *updateExample {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if had, err := os.ReadFile(name); err != nil || string(had) != text {
			t.Errorf("%s is not what it is made of: run with -update-backtest-example if this is meant: %v", name, err)
		}
	}
}
