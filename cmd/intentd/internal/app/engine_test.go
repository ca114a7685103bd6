package app

import (
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// Promise: engine: weights scores with the learned weights that are applied, else by the configuration's; another one applied is followed as a change of the configuration
// is, and the receipt says by which engine it was made.
func TestLearnedWeightsTakeThePlaceOfTheConfigured(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
	p.visit(t, "a1", "ada@one.example", connectors.KindPageView, "/pricing")
	p.write(t, "scoring: {engine: weights}\n")
	a := p.open(t)
	defer a.Close()
	learned := Learned{}
	a.o.Learned = func() (Learned, error) { return learned, nil }
	p.provision(t, a)
	run := func(engine, versions string) string {
		t.Helper()
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := Explain.Do(t.Context(), a, Who{Who: "ada@one.example"})
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := r.Text(&text, receipt.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if v := r.Verify(); !v.OK() || r.Settings.Engine() != engine || !strings.Contains(text.String(), versions) {
			t.Errorf("engine %s, %+v, in\n%s", r.Settings.Engine(), v, text.String())
		}
		return score.FormatTenths(r.Parts.Score) // the CRM's waits for the hour between two writes
	}
	before := run(score.EngineFormula, "formula "+score.Version+", texts")
	learned.Weights = &score.Weights{Volume: 100, Recency: 800, Topics: 100}
	if err := a.Relearn(); err != nil {
		t.Fatal(err)
	}
	after := run(score.EngineWeights, "engine weights")
	learned.Weights = nil
	if err := a.Relearn(); err != nil {
		t.Fatal(err)
	}
	if undone := run(score.EngineFormula, "formula "+score.Version+", texts"); after == before || undone != before {
		t.Errorf("%s by the configured weights, %s by the learned, %s when they were undone", before, after, undone)
	}
}

// Promise: engine: propensity scores by the learned strengths that are applied, auto only where they did best out of time and by the learned weights otherwise; plan --against
// foretells such a change, and strengths that rest on what is not kept of people leave the formula.
func TestLearnedStrengthsScoreWhereTheyMay(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
	p.visit(t, "a1", "ada@one.example", connectors.KindPageView, "/pricing")
	a := p.open(t)
	defer a.Close()
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	file := `
intercept: -2
k: 10
offset: 300
calibration: {a: 0, b: 1, people: 0}
features:
  - {fact: "pages: /pricing", form: log, count: true, strength: 1, spread: 0.5, usual: 0.3}
  - {fact: visits, form: value, strength: 0.5, spread: 1, usual: 1}
`
	strengths, err := learn.ReadStrengths([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	typed, err := learn.ReadStrengths([]byte(strings.Replace(file, "fact: visits, form: value", "fact: came from, form: is, level: x", 1)))
	if err != nil {
		t.Fatal(err)
	}
	weights := &score.Weights{Volume: 100, Recency: 800, Topics: 100}
	for _, c := range []struct {
		asked   string
		learned Learned
		engine  string
	}{
		{"propensity", Learned{}, score.EngineFormula},
		{"propensity", Learned{Weights: weights}, score.EngineFormula},
		{"propensity", Learned{Weights: weights, Strengths: strengths}, score.EnginePropensity},
		{"propensity", Learned{Strengths: typed}, score.EngineFormula},
		{"weights", Learned{Weights: weights, Strengths: strengths}, score.EngineWeights},
		{"auto", Learned{Weights: weights, Strengths: strengths, Engine: "propensity"}, score.EnginePropensity},
		{"auto", Learned{Weights: weights, Strengths: strengths, Engine: "weights"}, score.EngineWeights},
		{"auto", Learned{Strengths: strengths, Engine: "formula"}, score.EngineFormula},
		{"formula", Learned{Weights: weights, Strengths: strengths, Engine: "propensity"}, score.EngineFormula},
	} {
		a.o.Learned = func() (Learned, error) { return c.learned, nil }
		p.write(t, "scoring: {engine: "+c.asked+"}\n")
		against, err := ReadFile(p.file)
		if err != nil {
			t.Fatal(err)
		}
		e, err := PlanAgainst.Do(t.Context(), a, EffectArguments{Against: against})
		if err != nil || len(e.Unknown) > 0 {
			t.Fatal(e, err)
		}
		if _, err := a.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := Explain.Do(t.Context(), a, Who{Who: "ada@one.example"})
		if err != nil {
			t.Fatal(err)
		}
		if v := r.Verify(); !v.OK() || r.Settings.Engine() != c.engine || (r.Probability > 0) != (c.engine == score.EnginePropensity) || e.People != 1 {
			t.Errorf("%+v: engine %s, chance %v, %+v", c, r.Settings.Engine(), r.Probability, v)
		}
		// 30 and 10·1/0.5·ln 2 of the price page and 10·0.5 of the visit
		if c.engine == score.EnginePropensity && r.Parts.Score != 489 {
			t.Errorf("scored %+v, want 48.9", r.Parts)
		}
	}
}
