package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// TestInvariant9OnePersonNobodyCanWorkOnStopsNobody: whatever it is that makes a person impossible to work on, the others of the
// lot are written, the person becomes a dead letter, and comes through once the cause is gone.
func TestInvariant9OnePersonNobodyCanWorkOnStopsNobody(t *testing.T) {
	spoilt := func(shown []byte) func(w *world) {
		return func(w *world) {
			id := w.idOf("buyer7@acme.example")
			person, _, err := w.db.Person(id)
			if err != nil {
				t.Fatal(err)
			}
			person.Shown = shown
			if _, err := w.db.StageLot(state.Lot{Now: w.clock.now(), Settlements: []state.Settlement{{Entry: state.Entry{Person: id}, Outcome: state.Commit, Next: &person}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name         string
		break_, mend func(w *world)
	}{
		{"a record that does not decode", spoilt([]byte{0xff, 0xff, 0xff}), spoilt(nil)},
		{"a panic in the middle", func(w *world) {
			w.setup.Engine = panicky{w.engine, "buyer7@acme.example"}
			w.p.Swap(w.setup)
		}, func(w *world) {
			w.setup.Engine = w.engine
			w.p.Swap(w.setup)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).start()
			for i := range 20 {
				w.buyer(fmt.Sprint(i))
			}
			if _, err := intake.Poll(t.Context(), w.p, "crm"); err != nil {
				t.Fatal(err)
			}
			c.break_(w)
			if err := w.tryOnce(); err != nil {
				t.Fatal(err)
			}
			for i := range 20 {
				if got := w.crm.ours(fmt.Sprint(i))[connectors.FieldTier]; (got == "high") == (i == 7) {
					t.Errorf("record %d has tier %q", i, got)
				}
			}
			if dead, err := operate.DeadLetters(w.p, 10); err != nil || len(dead) != 1 || dead[0].Message == "" {
				t.Fatalf("dead letters: %+v, %v; want the one person", dead, err)
			}
			c.mend(w)
			w.clock.advance(7 * time.Hour)
			w.once()
			if got := w.crm.ours("7")[connectors.FieldTier]; got != "high" {
				t.Errorf("mended, the person has tier %q", got)
			}
			if w.db.DeadCount() != 0 {
				t.Error("the dead letter outlived its cure")
			}
		})
	}
}

// panicky is an engine that one person's journey brings down.
type panicky struct {
	intent.Engine
	email string
}

func (p panicky) Infer(ctx context.Context, s intent.Subject) (intent.Intent, error) {
	for i := range s.Journey.Signals {
		if id := s.Journey.Signals[i].EventID; len(id) > len(p.email) && id[:len(p.email)] == p.email {
			panic("index out of range")
		}
	}
	return p.Engine.Infer(ctx, s)
}
