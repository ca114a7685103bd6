package app

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

// Promise: what plan --against foretells of tiers is what happens under that configuration, and to look changes nothing.
func TestPlanAgainstForetells(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	now := time.Now()
	var ids []string
	paths := []string{"/pricing", "/blog/a", "/compare/x", "/case-studies/y", "/products/z", "/blog/b"}
	for i := range 60 {
		address := fmt.Sprintf("p%d@one.example", i)
		ids = append(ids, p.portal.CreateContact(map[string]string{"email": address, "firstname": fmt.Sprint("P", i), "hubspot_owner_id": fmt.Sprint(i % 3)}))
		for k := range 1 + i%9 {
			kind, path := connectors.KindPageView, paths[(i+k)%len(paths)]
			if i%11 == 0 && k == 0 {
				kind, path = connectors.KindDemoRequest, "/demo"
			}
			p.visitAt(t, now.Add(-time.Duration(i*13+k*29)*time.Hour), fmt.Sprintf("e%d-%d", i, k), address, kind, path)
		}
	}
	const quiet = "write: {brake: 0}\n"
	p.write(t, quiet)
	a := p.open(t)
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	tiers := func() (out []string) {
		for _, id := range ids {
			props, _ := p.portal.Contact(id)
			out = append(out, props["intent_tier"])
		}
		return out
	}
	before := tiers()
	p.write(t, quiet+"scoring: {weights: {volume: 0.2, recency: 0.6, topics: 0.2}, tiers: {high: 70, medium: 52}, strengths: {content_view: 45, hand_raise: 80}, evidence: {key: 3}, hand_raise_days: 2}\n")
	against, err := ReadFile(p.file)
	if err != nil {
		t.Fatal(err)
	}
	e, err := PlanAgainst.Do(t.Context(), a, EffectArguments{Against: against})
	if err != nil {
		t.Fatal(err)
	}
	if got := tiers(); !slices.Equal(got, before) {
		t.Error("to look changed what the CRM shows")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = p.open(t)
	defer a.Close()
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	happened := map[tierChange]int{}
	for i, then := range tiers() {
		if before[i] != "" {
			happened[tierChange{before[i], then}]++
		}
	}
	changed := 0
	for pair, n := range happened {
		if pair.Tier != pair.Then {
			changed += n
		}
	}
	if changed < 4 || e.Changed != changed {
		t.Errorf("%d foretold, %d happened: the test wants at least 4", e.Changed, changed)
	}
	for _, cell := range e.Matrix {
		if n := happened[tierChange{cell.Tier, cell.Then}]; n != cell.People {
			t.Errorf("%s → %s: %d foretold, %d happened", cell.Tier, cell.Then, cell.People, n)
		}
	}
	if len(e.Samples) == 0 || e.Samples[0].Name == "" || len(e.Owners) != 3 {
		t.Errorf("samples %+v, owners %+v", e.Samples, e.Owners)
	}
	if want := []string{"scoring.weights.volume", "scoring.weights.recency", "scoring.weights.topics", "scoring.tiers.high", "scoring.tiers.medium", "scoring.hand_raise_days", "scoring.evidence.key", "scoring.strengths.content_view", "scoring.strengths.hand_raise"}; !slices.Equal(e.Simulated, want) || len(e.Unknown)+len(e.Beside) > 0 {
		t.Errorf("simulated %v, not %v, beside %v", e.Simulated, e.Unknown, e.Beside)
	}
}

// tierChange is a change of tier.
type tierChange struct{ Tier, Then string }

// Promise: every key is one whose effect is told, one that moves no score, or one that is said not to be in the figures; no key is both.
func TestKeysOfAnEffect(t *testing.T) {
	old, next := config.Default(), config.Default()
	next.Scoring.Rules = []config.Rule{{Kind: "x", Ignore: true}}
	next.Log.Level, next.Scoring.Tiers.High = "debug", 70
	next.Scoring.Strengths = map[string]int{"funding": 10}
	next.Verdicts.NotNow = time.Hour
	got := config.Differences(old, next)
	if want := []string{"log.level", "scoring.tiers.high", "scoring.strengths.funding", "scoring.rules", "verdicts.not_now"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := config.Differences(old, config.Default()); len(got) > 0 {
		t.Errorf("equal ones differ in %v", got)
	}
	for _, key := range simulated {
		if movesNoScore(key) {
			t.Errorf("%s is in two lists", key)
		}
	}
}
