package app

import (
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
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
