package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
)

// alerting has a channel tell of whoever becomes high.
func (w *world) alerting() {
	s := *w.setup
	s.Alerts = []pipeline.Alert{{Channel: "sales", Tiers: []score.Tier{score.High}}}
	w.setup = &s
	w.p.Swap(&s)
}

// alerts are the journalled ones, by the id of their record.
func (w *world) alerts() map[string]int {
	w.t.Helper()
	out := map[string]int{}
	all, _, err := w.db.Alerts("", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range all {
		out[a.Ref.ID]++
	}
	return out
}

// Promise: of somebody held out nobody is told, though they would be high; of everybody else who becomes high a channel is told once.
func TestNobodyIsToldOfWhoeverIsHeldOut(t *testing.T) {
	w := newWorld(t).start()
	w.alerting()
	w.holdout(0.5)
	emails := map[string]string{}
	for i := range 20 {
		emails[fmt.Sprint(i)] = w.reader(fmt.Sprint(i))
	}
	w.once()
	if n := len(w.alerts()); n > 0 {
		t.Fatalf("%d are told of before anybody is high", n)
	}
	w.clock.advance(time.Hour)
	for _, email := range emails {
		at := w.clock.now().Add(-10 * time.Minute)
		w.site.add(email, view("/cards/gold", "Gold card", at), view("/cards/compare", "Compare cards", at.Add(time.Minute)), view("/pricing", "Pricing", at.Add(2*time.Minute)))
		w.reads(email, 6)
	}
	w.once()
	told, held, high := w.alerts(), 0, 0
	for id, email := range emails {
		p := w.personOf(email)
		switch {
		case p.HeldOut():
			held++
			if told[id] > 0 {
				t.Errorf("%s is held out, and told of", id)
			}
		case w.tier(id) == score.High.String():
			high++
			if told[id] != 1 {
				t.Errorf("%s became high, and is told of %d times", id, told[id])
			}
		}
	}
	if held < 3 || high < 3 || int(w.p.AlertsLeftOut()[pipeline.UntoldHeldOut]) == 0 {
		t.Fatalf("the test is no test: %d held out, %d high, left out %v", held, high, w.p.AlertsLeftOut())
	}
}

// Promise: of whoever the brake holds back nobody is told, not even when it is released after their signals are old news; those that a release lets
// through while they are news are told of once, with what the CRM took.
func TestNobodyIsToldOfWhoeverTheBrakeHoldsBack(t *testing.T) {
	for _, wait := range []time.Duration{time.Hour, 96 * time.Hour} {
		t.Run(wait.String(), func(t *testing.T) {
			w := newWorld(t).start()
			w.alerting()
			const people = 60
			for i := range people {
				w.reader(fmt.Sprint(i))
			}
			w.once()
			w.clock.advance(time.Hour)
			for i := range people {
				w.site.add(fmt.Sprintf("reader%d@acme.example", i), demoRequest(w.clock.now().Add(-time.Minute)))
			}
			if _ = w.tryOnce(); operate.StatusOf(w.p).Brake == "" {
				t.Fatal("the test is no test: a change of all tiers did not pull the brake")
			}
			held := func(when string) {
				t.Helper()
				for id := range w.alerts() {
					if w.crm.ours(id)[connectors.FieldTier] != score.High.String() {
						t.Errorf("%s the brake holds %s back, and somebody is told of them", when, id)
					}
				}
			}
			held("at once")
			before := len(w.alerts())
			w.reopen()
			w.clock.advance(wait)
			_ = w.tryOnce()
			held("after a restart")
			if n := len(w.alerts()); n != before {
				t.Errorf("%d alerts under the brake, before there were %d", n, before)
			}
			if _, err := operate.Resume(w.p); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(time.Minute)
			w.once()
			held("after the release")
			want := people
			if wait > 72*time.Hour {
				want = before
			}
			if n := len(w.alerts()); n != want {
				t.Errorf("%d people are told of, want %d; left out %v", n, want, w.p.AlertsLeftOut())
			}
			for id, n := range w.alerts() {
				if n != 1 {
					t.Errorf("%s is told of %d times", id, n)
				}
			}
		})
	}
}
