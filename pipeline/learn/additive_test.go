package learn

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/learn/logistic"
	"github.com/intentd/intentd/pipeline/score"
)

// somebodyAt has random signals and visits before noon.
func somebodyAt(r *rand.Rand, noon time.Time) *score.Features {
	f := &score.Features{Whole: r.IntN(5) > 0, Objects: []string{"pages: /pricing", "pages: /blog", "form: ask us"}}
	ago := func() int64 { return noon.Unix() - r.Int64N(120*86400) }
	for range r.IntN(25) {
		g := score.Signal{At: ago(), Type: score.Type(1 + r.IntN(10)), Session: uint16(r.IntN(5)), Object: uint16(r.IntN(4))}
		g.Strength = score.Defaults().Strengths[g.Type]
		if g.Type == score.ContentView {
			g.Flags = score.PricePage | score.Key
		}
		f.Signals = append(f.Signals, g)
	}
	slices.SortFunc(f.Signals, func(a, b score.Signal) int { return int(a.At - b.At) })
	for range r.IntN(6) {
		length := r.Int64N(7200)
		f.Visits = append(f.Visits, score.Visit{At: ago() - 7200, Length: length, Dwell: length + r.Int64N(99), Steps: 1 + r.IntN(9), Pages: r.IntN(5)})
	}
	slices.SortFunc(f.Visits, func(a, b score.Visit) int { return int(a.At - b.At) })
	if r.IntN(2) == 0 {
		f.Profile = []score.Word{{Name: "industry", Word: []string{"retail", "banking"}[r.IntN(2)]}}
	}
	if !f.Whole {
		f.Objects, f.Visits = nil, nil
		for i := range f.Signals {
			f.Signals[i].Object = 0
		}
	}
	return f
}

// learnedFrom learns what random people teach.
func learnedFrom(t *testing.T, r *rand.Rand, set *score.Settings, noon time.Time) *Strengths {
	t.Helper()
	var all [][]Fact
	var won []bool
	survey := &Survey{}
	for range 400 {
		f := somebodyAt(r, noon)
		facts := set.FactsAt(f, noon.Unix(), nil)
		odds := float64(len(f.Signals))/10 - 2
		for i := range f.Signals {
			if f.Signals[i].Type == score.FormSubmit {
				odds++
			}
		}
		all, won = append(all, facts), append(won, r.Float64() < 1/(1+1/max(1e-9, odds*odds)))
		survey.Add(facts, won[len(won)-1])
	}
	features := survey.Features(nil)
	rows := &logistic.Rows{Width: len(features), Won: won}
	schema := NewSchema(features)
	for _, facts := range all {
		x := make([]float32, len(features))
		schema.Encode(facts, x)
		rows.X = append(rows.X, x...)
	}
	m, err := Learn(t.Context(), features, rows, nil, Options{Weights: set.Weights, High: set.High, Medium: set.Medium})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Promise: the daemon scores by learned strengths as they were judged: the same points, from what it keeps of people, and the same again from the settings that a receipt keeps.
func TestTheDaemonScoresAsTheBacktest(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	noon := time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)
	set := score.Defaults()
	m := learnedFrom(t, r, &set, noon)
	learned := set
	var err error
	if learned.Additive, err = m.Additive([]string{"industry"}); err != nil || len(learned.Validate()) > 0 {
		t.Fatal(err, learned.Validate())
	}
	stored, err := json.Marshal(&learned)
	if err != nil {
		t.Fatal(err)
	}
	var again score.Settings
	if err := json.Unmarshal(stored, &again); err != nil || again.Hash() != learned.Hash() || learned.Hash() == set.Hash() {
		t.Fatal(err, again.Hash(), learned.Hash())
	}
	scores := map[int]bool{}
	for range 500 {
		f := somebodyAt(r, noon)
		p := learned.At(f, noon)
		if !p.Known {
			continue
		}
		scores[p.Score] = true
		if _, clamp, total := m.Parts(set.FactsAt(f, noon.Unix(), nil)); f.Whole && (total != p.Score || clamp != p.Clamp) {
			t.Fatalf("judged at %d, scored %+v", total, p)
		}
		read, err := score.DecodeFeatures(f.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if again.At(&read, noon) != p || !slices.Equal(again.PointsAt(&read, noon.Unix()), learned.PointsAt(f, noon.Unix())) {
			t.Fatalf("stored and read again it is %+v, was %+v", again.At(&read, noon), p)
		}
		chance, _ := learned.Probability(&p)
		if want := m.Probability(float64(p.Offset + p.Points)); fmt.Sprintf("%.9f", chance) != fmt.Sprintf("%.9f", want) {
			t.Fatalf("the chance is %v, judged was %v", chance, want)
		}
	}
	if len(scores) < 100 {
		t.Errorf("only %d scores among 500 people: the test is blind", len(scores))
	}
}

// Promise: what a visitor types is no part of a score: a model that rests on it is not taken.
func TestWhatAVisitorTypesIsNoFeature(t *testing.T) {
	for _, fact := range []string{"came from", "steps: search", "mail click: spring", "title"} {
		m := &Strengths{K: 1, Calibration: Calibration{B: 1}, Features: []Strength{{Feature: Feature{Fact: fact, Form: Is, Level: "x"}, Strength: 1, Spread: 1}}}
		if a, err := m.Additive(nil); err == nil || !strings.Contains(err.Error(), fact) {
			t.Errorf("a model with %q is taken: %+v, %v", fact, a, err)
		}
	}
}

// Promise: of a property that is kept no more everybody counts as people do on average, in score and chance: nobody is scored as somebody of whom the CRM says nothing.
func TestAPropertyThatIsKeptNoMore(t *testing.T) {
	m := &Strengths{K: 10, Offset: 300, Intercept: -1, Calibration: Calibration{B: 1}, Features: []Strength{
		{Feature: Feature{Fact: "profile: industry", Form: Is, Level: "retail"}, Strength: 1, Spread: 0.5, Usual: 0.25},
		{Feature: Feature{Fact: "profile: industry", Form: Unknown}, Strength: -2, Spread: 0.5, Usual: 0.1},
		{Feature: Feature{Fact: "profile: size", Form: Is, Level: "1 to 9"}, Strength: 1, Spread: 0.5, Usual: 0.5},
	}}
	kept, err := m.Additive([]string{"size"})
	if err != nil || len(kept.Terms) != 1 || kept.Terms[0].Fact != "profile: size" {
		t.Fatalf("%+v, %v", kept, err)
	}
	if names := m.Profile(); !slices.Equal(names, []string{"industry", "size"}) {
		t.Errorf("it goes by %v", names)
	}
	// 10 × (1/0.5) × 0.25 = 5 points and 10 × (−2/0.5) × 0.1 = −4: one point, on average.
	if kept.Offset != 310 || kept.Intercept != -0.9 {
		t.Errorf("everybody begins with %d and %g, want 310 and −0.9", kept.Offset, kept.Intercept)
	}
}

// Promise: of somebody of whom nothing tells what a property said, neither a word nor that there was none is learned: they count as usual, and among those who decide whether it
// tells the outcome too well they are not counted.
func TestWhatIsUntoldTeachesNothing(t *testing.T) {
	features := []Feature{{Fact: "profile: industry", Form: Is, Level: "retail"}, {Fact: "profile: industry", Form: Unknown}}
	x := make([]float32, 2)
	schema := NewSchema(features)
	for i, c := range []struct {
		facts []Fact
		want  string
	}{{nil, "[0 1]"}, {[]Fact{{Name: "profile: industry", Word: "retail"}}, "[1 0]"}, {[]Fact{score.Untold("profile: industry")}, "[NaN NaN]"}} {
		schema.Encode(c.facts, x)
		if got := fmt.Sprint(x); got != c.want {
			t.Errorf("%d is %s, want %s", i, got, c.want)
		}
	}
	survey := &Survey{}
	for i := range 200 {
		facts := []Fact{score.Untold("profile: industry")} // all of them lost
		if i < 100 {
			facts = []Fact{{Name: "profile: industry", Word: []string{"retail", "banking"}[i%2]}}
		}
		survey.Add(facts, i < 100 && i%4 < 2)
	}
	if got := survey.Suspects(); got != nil {
		t.Errorf("suspect: %v", got)
	}
	if got := survey.Features(nil); slices.ContainsFunc(got, func(f Feature) bool { return f.Form == Unknown }) || len(got) != 2 {
		t.Errorf("features %v: nobody is known to have had none", got)
	}
}
