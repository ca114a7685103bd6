package pipeline_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/ledger"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/privacy"
	"github.com/intentd/intentd/pipeline/score"
)

var badRequest = &connectors.Error{Kind: connectors.Rejected, Op: "batch", Message: "HTTP 400: one of the inputs is invalid"}

// strictCRM refuses a batch as a whole for the sake of one record.
type strictCRM struct {
	*fakeCRM
	bad string
}

func (s strictCRM) Read(ctx context.Context, refs []connectors.Ref) ([]connectors.Contact, error) {
	if slices.Contains(refs, s.ref(s.bad)) {
		return nil, badRequest
	}
	return s.fakeCRM.Read(ctx, refs)
}

// strictSource refuses a question as a whole for the sake of one person.
type strictSource struct {
	*fakeSource
	bad string
}

func (s strictSource) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	for _, p := range people {
		if slices.Contains(p.Emails, s.bad) {
			return func(yield func(connectors.Event, error) bool) { yield(connectors.Event{}, badRequest) }
		}
	}
	return s.fakeSource.Journeys(ctx, people, w)
}

func TestInvariant9ABatchRefusedForOneStopsNoOther(t *testing.T) {
	for _, who := range []string{"crm", "source"} {
		t.Run(who, func(t *testing.T) {
			w := newWorld(t)
			if who == "crm" {
				w.setup.CRMs[0].CRM = strictCRM{w.crm, "7"}
			} else {
				w.setup.Sources[0].Source = strictSource{w.site, "buyer7@acme.example"}
			}
			w.start()
			for i := range 20 {
				w.buyer(fmt.Sprint(i))
			}
			_ = w.tryOnce()
			for i := range 20 {
				if got := w.crm.ours(fmt.Sprint(i))[connectors.FieldTier]; (got == "high") == (i == 7) {
					t.Errorf("record %d has tier %q", i, got)
				}
			}
		})
	}
}

// endless says "more" and gives the same cursor.
type endless struct {
	*fakeCRM
	asked int
}

func (e *endless) Changes(context.Context, connectors.Cursor) (connectors.Page[connectors.Contact], error) {
	e.asked++
	return connectors.Page[connectors.Contact]{Next: connectors.Cursor("here"), More: e.asked < 10}, nil
}

// TestAFeedThatStandsStillIsLeft: a vendor that says "more" and gives the same cursor must not be asked without end.
func TestAFeedThatStandsStillIsLeft(t *testing.T) {
	w := newWorld(t).start()
	e := &endless{fakeCRM: w.crm}
	w.setup.CRMs[0].CRM = e
	w.p.Swap(w.setup)
	if _, err := intake.Poll(t.Context(), w.p, "crm"); err == nil {
		t.Error("nobody is told")
	}
	if e.asked > 2 {
		t.Errorf("asked %d times", e.asked)
	}
}

// TestTheTierCountsFollowMergesAndForgetting: the brake's share is one of people who are there.
func TestTheTierCountsFollowMergesAndForgetting(t *testing.T) {
	w := newWorld(t).start()
	gone := w.buyer("1")
	w.buyer("2")
	w.buyer("3")
	w.once()
	high := func() int64 { return operate.StatusOf(w.p).Tiers[score.High.String()] }
	if high() != 3 {
		t.Fatalf("%d people are high, want 3", high())
	}
	if _, err := privacy.Forget(t.Context(), w.p, gone, false); err != nil {
		t.Fatal(err)
	}
	if high() != 2 {
		t.Fatalf("one of three forgotten, %d are high", high())
	}
	w.crm.mu.Lock()
	w.crm.contacts["3"].State, w.crm.contacts["3"].Into = connectors.Merged, w.crm.ref("2")
	w.crm.mu.Unlock()
	w.crm.put("2", "", func(c *connectors.Contact) { c.Absorbed = []connectors.Ref{w.crm.ref("3")} })
	w.once()
	if high() != 1 {
		t.Fatalf("the other two merged, %d are high", high())
	}
	w.reopen()
	if high() != 1 {
		t.Fatalf("after a restart %d are high", high())
	}
}

// TestEveryModelCallKeepsWithinTheBudget: those of the topic matcher, too.
func TestEveryModelCallKeepsWithinTheBudget(t *testing.T) {
	w := newWorld(t)
	ledger, err := ledger.New(w.db, w.clock.now, nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	model := &priced{}
	within := ledger.Within(model)
	for range 5 {
		_, err = within.Generate(t.Context(), connectors.Prompt{Purpose: "topics"})
	}
	if spent, _ := ledger.SpentToday(); model.calls.Load() != 2 || spent != 800 || connectors.KindOf(err) != connectors.Quota {
		t.Fatalf("%d calls, %d spent of 1000, last error %v", model.calls.Load(), spent, err)
	}
}

// priced is a model whose calls cost 400 and are estimated so.
type priced struct{ paid }

func (p *priced) Estimate(connectors.Prompt) int64 { return 400 }

func (p *priced) Generate(context.Context, connectors.Prompt) (connectors.Completion, error) {
	p.calls.Add(1)
	return connectors.Completion{Usage: connectors.Usage{MicroUSD: 400}}, nil
}
