package app

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
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

// Promise: what plan --against foretells of fit is what happens, also where the rules are taken away: then the letters are emptied, and the fields are
// forgotten once no record shows one. Records are read once, for the rules of now and of then.
func TestPlanAgainstForetellsFit(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	now := time.Now()
	var ids []string
	for i := range 12 {
		address := fmt.Sprintf("p%d@one.example", i)
		ids = append(ids, p.portal.CreateContact(map[string]string{"email": address, "jobtitle": []string{"Head of Sales", "Intern", ""}[i%3], "city": []string{"", "Jena", ""}[i%3]}))
		p.visitAt(t, now.Add(-time.Hour), fmt.Sprint("e", i), address, connectors.KindDemoRequest, "/demo")
	}
	const quiet = "write: {brake: 0}\n"
	letters := func() (out []string) {
		for _, id := range ids {
			props, _ := p.portal.Contact(id)
			out = append(out, props["intent_fit"]+" "+props["intent_grade"])
		}
		return out
	}
	const one = `fit: {combined: true, rules: [{property: jobtitle, matches: ["head *"], points: 80}, {property: jobtitle, matches: ["*"], points: 10}]}` + "\n"
	p.write(t, quiet+one)
	a := p.open(t)
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := letters()[:3]; !slices.Equal(got, []string{"A A1", "D D1", " "}) {
		t.Fatalf("letters %q", got)
	}
	for _, c := range []struct {
		name, fit        string
		changed, emptied int
		want             []string
	}{
		{"other points", `fit: {combined: true, rules: [{property: jobtitle, matches: ["head *"], points: 50}, {property: jobtitle, matches: ["*"], points: 10}]}` + "\n", 4, 0, []string{"B B1", "D D1", " "}},
		{"no grade in one", `fit: {rules: [{property: jobtitle, matches: ["head *"], points: 50}, {property: jobtitle, matches: ["*"], points: 10}]}` + "\n", 0, 0, []string{"B ", "D ", " "}},
		{"another property", `fit: {rules: [{property: city, matches: ["jena"], points: 80}]}` + "\n", 8, 4, []string{" ", "A ", " "}},
		{"no rules", "", 4, 4, []string{" ", " ", " "}},
	} {
		p.write(t, quiet+c.fit)
		against, err := ReadFile(p.file)
		if err != nil {
			t.Fatal(err)
		}
		before := p.portal.Counters()
		e, err := PlanAgainst.Do(t.Context(), a, EffectArguments{Against: against})
		if err != nil {
			t.Fatal(err)
		}
		const read = "POST contacts/batch/read"
		if after := p.portal.Counters(); after.Calls(read) != before.Calls(read)+1 {
			t.Errorf("%s: records were read in %d calls: %v", c.name, after.Calls(read)-before.Calls(read), after.Routes)
		}
		if e.Fit == nil || e.Fit.Asked != 12 || e.Fit.Changed != c.changed || e.Fit.Emptied != c.emptied || len(e.Unknown) > 0 || len(e.Simulated) == 0 {
			t.Errorf("%s: %+v, not simulated %v", c.name, e.Fit, e.Unknown)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		a = p.open(t)
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := letters()[:3]; !slices.Equal(got, c.want) {
			t.Errorf("%s: letters %q, want %q", c.name, got, c.want)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = p.open(t)
	defer a.Close()
	if _, err := a.Once(t.Context()); err != nil || len(a.added()) > 0 {
		t.Errorf("still kept in mind: %v, %v", a.added(), err)
	}
}

// Promise: what is not kept and cannot be read is said not to be in the figures, and why.
func TestWhatCannotBeReadIsNotSimulated(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	address := "one@one.example"
	p.portal.CreateContact(map[string]string{"email": address, "jobtitle": "Head of Sales"})
	p.visitAt(t, time.Now().Add(-time.Hour), "e1", address, connectors.KindDemoRequest, "/demo")
	p.visitAt(t, time.Now().Add(-48*time.Hour), "e2", address, connectors.KindPageView, "/pricing")
	p.write(t, "")
	network := &breakable{RoundTripper: p.portal.Transport()}
	a := p.openWith(t, network)
	defer a.Close()
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.write(t, `fit: {rules: [{property: jobtitle, matches: ["*"], points: 80}]}`+"\n")
	against, err := ReadFile(p.file)
	if err != nil {
		t.Fatal(err)
	}
	network.down.Store(true)
	e, err := PlanAgainst.Do(t.Context(), a, EffectArguments{Against: against})
	if err != nil || e.Fit != nil || len(e.Unknown) == 0 || e.Why(e.Unknown[0]) == "" {
		t.Errorf("%+v, %v", e, err)
	}
}

// breakable is a network that can go down.
type breakable struct {
	http.RoundTripper
	down atomic.Bool
}

func (b *breakable) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.down.Load() {
		return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Request: r}, nil
	}
	return b.RoundTripper.RoundTrip(r)
}
