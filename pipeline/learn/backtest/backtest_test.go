package backtest

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

var start = time.Date(2025, 1, 1, 9, 0, 0, 0, time.UTC)

// world is a population whose truth is known: the log-odds of winning are −2 + strength·(given score)/10 + 1.5 for those who had a trial. Page views say nothing. spread over a year.
type world struct {
	seed           uint64
	n              int
	strength, pull float64
	leak           bool
	undated        bool
}

func (w world) people() iter.Seq[*Person] {
	return func(yield func(*Person) bool) {
		rng := rand.New(rand.NewPCG(w.seed, 11))
		var p Person
		for i := range w.n {
			given := math.Round(100 * rng.Float64())
			odds := -2 + w.strength*given/10
			views := float64(rng.IntN(50))
			p = Person{At: start.Add(time.Duration(i) * 365 * 24 * time.Hour / time.Duration(w.n)), Given: given, PageViews: views, FormDays: math.NaN(), ActiveDays: float64(rng.IntN(90)), Facts: p.Facts[:0]}
			if w.undated {
				p.At = time.Time{}
			}
			p.Facts = append(p.Facts, learn.Fact{Name: "views", Number: views},
				learn.Fact{Name: "volume", Number: given}, learn.Fact{Name: "recency", Number: 100 * rng.Float64()}, learn.Fact{Name: "topics", Number: 40 + 55*rng.Float64()})
			if rng.IntN(3) == 0 {
				p.Facts = append(p.Facts, learn.Fact{Name: "trial", Number: 1, Count: true})
				odds += w.pull
			}
			p.Won = rng.Float64() < measure.Logistic(odds)
			if w.leak && p.Won {
				p.Facts = append(p.Facts, learn.Fact{Name: "contract", Word: "signed"})
			}
			if !yield(&p) {
				return
			}
		}
	}
}

func (w world) population() *Population {
	return &Population{People: w.people, Settings: score.Defaults(), Given: "own", Baseline: [3]bool{false, true, true}}
}

func (w world) run(t testing.TB) *Result {
	t.Helper()
	r, err := Run(t.Context(), w.population(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestIntervalCoversTruth: on a population whose truth is known, the interval that a backtest tells of an engine's AUC holds the true value in at least 90 of 100 seeds.
func TestIntervalCoversTruth(t *testing.T) {
	w := world{n: 400_000, strength: 0.3}
	var all measure.Tally
	for p := range w.people() {
		all.Add(p.Given, p.Won)
	}
	truth := all.AUC().Value
	covered := 0
	for seed := range uint64(100) {
		w := world{seed: seed + 1, n: 900, strength: 0.3}
		if auc := w.run(t).Engine("own").AUC; auc.Low <= truth && truth <= auc.High {
			covered++
		}
	}
	if covered < 90 {
		t.Errorf("the interval held the true %.3f in %d of 100 seeds", truth, covered)
	}
}

// TestLearnedBeatsFormula where something decides that the formula does not know, and auto takes it then; where nothing does, it stays with the formula or near it.
func TestLearnedBeatsFormula(t *testing.T) {
	r := world{seed: 3, n: 8000, strength: 0.1, pull: 2}.run(t)
	formula, learned := r.Engine(Formula), r.Engine(Propensity)
	if learned.AUC.Value < formula.AUC.Value+0.05 || learned.AUC.Low < formula.AUC.High {
		t.Errorf("formula %v, propensity %v", formula.AUC, learned.AUC)
	}
	if !learned.ECEKnown || learned.ECE > 0.03 {
		t.Errorf("calibration error %v", learned.ECE)
	}
	if r.Choice.Engine != Propensity {
		t.Errorf("auto: %+v", r.Choice)
	}
	if higher, _, _ := learned.Inverted(); higher != nil {
		t.Errorf("tiers %v", learned.Tiers)
	}
	if w := r.Weights; w.Refused != "" || w.Weights.Volume <= 400 {
		t.Errorf("weights: %+v, volume alone goes with winning", w)
	}
	if s := r.Split; !s.ByTime || s.Learned < 5500 || s.Learned > 5700 || s.Learned+s.Judged != 8000 {
		t.Errorf("split %+v", s)
	}
	r.Engine(Propensity).Brier.Value = 1
	if r.choose(); r.Choice.Engine != Formula {
		t.Error("auto took what is worse by its Brier score")
	}
}

// TestNothingIsLearnedFromTheJudged: whatever the outcomes of the newer people are, the coefficients are the same.
func TestNothingIsLearnedFromTheJudged(t *testing.T) {
	w := world{seed: 4, n: 2000, strength: 0.2, pull: 1}
	one := w.run(t)
	p := w.population()
	turned := func() iter.Seq[*Person] {
		return func(yield func(*Person) bool) {
			for q := range w.people() {
				if !q.At.Before(one.Split.From) {
					q.Won = !q.Won
				}
				if !yield(q) {
					return
				}
			}
		}
	}
	p.People = turned
	two, err := Run(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(one.Strengths.Features, two.Strengths.Features) || one.Strengths.Offset != two.Strengths.Offset || one.Weights.Weights != two.Weights.Weights {
		t.Error("the newer people's outcomes moved what was learned")
	}
	if one.Engine(Propensity).AUC == two.Engine(Propensity).AUC {
		t.Error("their outcomes moved nothing at all: the check checks nothing")
	}
}

// TestLeakIsCaught: a field that only the won have is named and not learned from; trusted, it is learned from and still named.
func TestLeakIsCaught(t *testing.T) {
	w := world{seed: 5, n: 3000, strength: 0.2, leak: true}
	r := w.run(t)
	if len(r.Suspects) != 1 || r.Suspects[0].Name != "contract" || r.Suspects[0].Trusted || r.Engine(Propensity).AUC.Value > 0.8 {
		t.Errorf("suspects %+v, AUC %v", r.Suspects, r.Engine(Propensity).AUC)
	}
	if all := strings.Join(Remarks(r), "\n"); !strings.Contains(all, `"contract"`) {
		t.Errorf("nobody is told: %s", all)
	}
	p := w.population()
	p.Trusted = []string{"contract"}
	r, err := Run(t.Context(), p, nil)
	if err != nil || len(r.Suspects) != 1 || !r.Suspects[0].Trusted || r.Engine(Propensity).AUC.Value < 0.95 {
		t.Errorf("trusted: %+v, %v, %v", r.Suspects, r.Engine(Propensity).AUC, err)
	}
}

// TestBaselineFirst: where a baseline ranks better than the score, the first line says so.
func TestBaselineFirst(t *testing.T) {
	r := world{seed: 6, n: 3000, strength: 0.3}.run(t)
	if first := Headline(r)[0]; strings.Contains(first, "ranks these people better") {
		t.Errorf("page views that say nothing are said to win: %s", first)
	}
	r.Engine(MostPageViews).AUC = measure.Interval{Value: 0.9, Low: 0.88, High: 0.92}
	r.Engine(MostPageViews).Against = &measure.Interval{Value: 0.3, Low: 0.2, High: 0.4}
	if first := Headline(r)[0]; !strings.HasPrefix(first, "Most page views ranks these people better than the score: AUC 0.900 against 0.") || strings.Contains(first, "chance") {
		t.Errorf("first line: %s", first)
	}
	r.Engine(MostPageViews).AUC = measure.Interval{Value: r.Engine(Formula).AUC.Value + 0.001, Low: 0.5, High: 0.9}
	r.Engine(MostPageViews).Against = &measure.Interval{Value: 0.001, Low: -0.1, High: 0.1}
	if first := Headline(r)[0]; !strings.Contains(first, "may be chance") {
		t.Errorf("first line: %s", first)
	}
}

// TestTooFew: what is too few to tell is null and said, not a figure; tiers are counted all the same.
func TestTooFew(t *testing.T) {
	r := world{seed: 7, n: 60, strength: 0.1}.run(t)
	e := r.Engine(Formula)
	if !e.TooFew || r.Choice.Why != "too few to tell" || !strings.HasPrefix(Headline(r)[0], "Too few to tell") {
		t.Errorf("%d of %d won: %+v, %q", e.Won, e.Rows, r.Choice, Headline(r))
	}
	b, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(b), `{"name":"formula","auc":null,"auc_low":null,"auc_high":null,"brier":null,"ece":null,"lift_10":null,"tiers":[{"tier":"high","share":`) {
		t.Errorf("%s, %v", b, err)
	}
	r = world{seed: 8, n: 3000, strength: 0.1}.run(t)
	if e := r.Engine(Formula); e.TooFew || e.ECEKnown {
		t.Errorf("900 people: %+v", e)
	}
}

// TestUndated people are parted by chance, and a reader is told.
func TestUndated(t *testing.T) {
	r := world{seed: 9, n: 2000, strength: 0.3, undated: true}.run(t)
	if r.Split.ByTime || r.Split.Judged < 500 || r.Split.Judged > 700 || !strings.Contains(strings.Join(Remarks(r), "\n"), "--date") {
		t.Errorf("%+v, %v", r.Split, Remarks(r))
	}
	if r.Choice.Engine != Formula {
		t.Errorf("auto took %s without having seen it on later people", r.Choice.Engine)
	}
}

// TestOneOutcome is nothing to judge on, and an ended context ends it.
func TestOneOutcome(t *testing.T) {
	p := world{n: 100}.population()
	won := p.People
	p.People = func() iter.Seq[*Person] {
		return func(yield func(*Person) bool) {
			for q := range won() {
				q.Won = true
				if !yield(q) {
					return
				}
			}
		}
	}
	if _, err := Run(t.Context(), p, nil); !errors.Is(err, ErrOneOutcome) {
		t.Errorf("all won: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, world{n: 50_000, strength: 0.1}.population(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

// TestJSONShape: an engine in JSON is exactly what is promised.
func TestJSONShape(t *testing.T) {
	b, err := json.Marshal(world{seed: 10, n: 8000, strength: 0.3, pull: 1}.run(t))
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Engines []map[string]any }
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range out.Engines {
		names = append(names, e["name"].(string))
		keys := []string{}
		for k := range e {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if want := []string{"auc", "auc_high", "auc_low", "brier", "ece", "lift_10", "name", "tiers"}; !slices.Equal(keys, want) {
			t.Errorf("%s: %v", e["name"], keys)
		}
		for _, tier := range e["tiers"].([]any) {
			if m := tier.(map[string]any); len(m) != 3 || m["tier"] == nil || m["share"] == nil || m["precision"] == nil {
				t.Errorf("tier %v", m)
			}
		}
	}
	if want := []string{"formula", "weights", "propensity", "own", "newest_activity", "most_page_views"}; !slices.Equal(names, want) {
		t.Errorf("engines %v, want %v", names, want)
	}
}

// TestUnknownStandLowest: somebody without a signal has no score: below everybody who has one, and no tier.
func TestUnknownStandLowest(t *testing.T) {
	e := bySettings(Formula, score.Defaults())
	nobody := &standing{Person: &Person{Snapshot: &learn.Snapshot{At: start}}}
	if points := e.score(nobody); points >= 0 || e.tier(nobody, points) != score.TierUnknown {
		t.Errorf("nobody has %v points, tier %v", points, e.tier(nobody, points))
	}
}

// TestAhead: of the won, how many were high before, how early, and what they were worth by the best tier they had.
func TestAhead(t *testing.T) {
	set := score.Defaults()
	snapshot := func(daysBefore int, signals ...score.Signal) *learn.Snapshot {
		s := &learn.Snapshot{At: start}
		for _, g := range signals {
			g.At = start.AddDate(0, 0, -daysBefore).Unix()
			s.Features.Signals = append(s.Features.Signals, g)
		}
		return s
	}
	request := score.Signal{Type: score.HandRaise, Strength: 95}
	view := score.Signal{Type: score.WebVisit, Strength: 40}
	var l lead
	l.add(&set, &Person{Snapshot: snapshot(10, request), Worth: 700})
	l.add(&set, &Person{Snapshot: snapshot(40, request), Worth: 200}) // cold again by now, but it was high
	l.add(&set, &Person{Snapshot: snapshot(3, view), Worth: 100})
	a := l.told()
	if a.Won != 3 || a.High != 2 || a.Never != 1 || a.MedianDays != 41 || a.Best["low"] != 1 || a.Worth["high"] != 900 || a.Worth["low"] != 100 {
		t.Errorf("%+v", a)
	}
	if lines := (&Result{Ahead: a}).ahead(); len(lines) != 1 || lines[0] != "Of 3 people who were won, the score had 2 (67 %) high before, half of them at least 41 days ahead; 1 never was (at best 1 low). Those who were high brought 90 % of the 1000 that all were worth." {
		t.Errorf("%q", lines)
	}
}

// TestNothingToJudge: people of whom only the outcome is known give no engine, and a sentence that says so.
func TestNothingToJudge(t *testing.T) {
	p := &Population{Settings: score.Defaults(), People: func() iter.Seq[*Person] {
		return func(yield func(*Person) bool) {
			for i := range 100 {
				if !yield(&Person{Won: i%2 == 0, Given: math.NaN()}) {
					return
				}
			}
		}
	}}
	r, err := Run(t.Context(), p, nil)
	if err != nil || len(r.Engines) != 0 || !strings.HasPrefix(Headline(r)[0], "Nothing can be judged") {
		t.Errorf("%+v, %v", r, err)
	}
}
