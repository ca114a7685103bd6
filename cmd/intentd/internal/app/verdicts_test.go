package app

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/learn/table"
)

// Promise: what reps said is reported beside the score they saw, and a backtest reads the labelled set that it makes.
func TestVerdictsAreLabelsForABacktest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		a := p.open(t)
		p.provision(t, a)
		var ids []string
		for n := range 48 {
			mail := fmt.Sprintf("p%d@n%d.example", n, n)
			ids = append(ids, p.portal.CreateContact(map[string]string{"email": mail}))
			p.visit(t, fmt.Sprintf("a%d", n), mail, connectors.KindPageView, "/about")
			if n%2 == 0 {
				p.visit(t, fmt.Sprintf("b%d", n), mail, connectors.KindDemoRequest, "/demo")
			}
		}
		once := func() {
			t.Helper()
			if _, err := a.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		once()
		for n, id := range ids { // reps and score agree but for every eighth
			time.Sleep(time.Minute)
			verdict := "interested"
			if n%2 == 1 != (n%8 == 0) {
				verdict = "not_interested"
			}
			if err := p.portal.UpdateContact(id, map[string]string{"intent_verdict": verdict}, "4711"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		once()
		r, err := Verdicts.Do(t.Context(), a, VerdictArguments{})
		if err != nil || r.Changes != 48 || r.All.Agreed != 42 || r.Tiers[0].Verdicts != 24 || r.Rank == nil || r.Rank.Value < 0.7 {
			t.Fatalf("%+v, %v", r, err)
		}
		l, err := VerdictLabels.Do(t.Context(), a, VerdictArguments{})
		if err != nil || l.Written != 48 || l.Next != 0 {
			t.Fatalf("%d labels, %v", l.Written, err)
		}
		stopped(t, a)
		file := filepath.Join(t.TempDir(), "labels.jsonl")
		if err := os.WriteFile(file, l.Lines, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := Backtest(t.Context(), BacktestOptions{People: file, Columns: table.Columns{Outcome: "outcome", Date: "at", Score: "score"}})
		if err != nil {
			t.Fatal(err)
		}
		formula, shown := b.Engine(backtest.Formula), b.Engine("score")
		if b.People != 48 || b.Won != 18 || formula == nil || shown == nil || len(b.LeftOut) > 0 {
			t.Errorf("%+v", b.Result)
		}
	})
}
