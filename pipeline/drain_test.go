package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

func TestDrainEndsWhenACRMWithWaitingPatchesIsTakenOutOfTheConfig(t *testing.T) {
	w := newWorld(t)
	w.secondCRM()
	w.start()
	w.buyer("1")
	w.crm.failWrite = &connectors.Error{Kind: connectors.Auth, Op: "write", Message: "revoked"}
	_ = w.tryOnce()
	s := *w.setup
	s.CRMs = s.CRMs[1:]
	w.p.Swap(&s)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := w.p.Drain(ctx); err != nil || ctx.Err() != nil {
		t.Fatalf("drain: %v, %v", err, ctx.Err())
	}
}

// TestInvariant9AWriterThatIsFullStopsNoOtherCRM: people on their way to a CRM that takes nothing hold up only that CRM.
func TestInvariant9AWriterThatIsFullStopsNoOtherCRM(t *testing.T) {
	w := newWorld(t)
	other := w.secondCRM()
	w.start()
	// More patches than delivery holds wait for the first CRM, which takes none.
	if err := w.db.Update(func(tx *state.Tx) error {
		for i := range 2500 {
			pd := &state.Pending{Person: state.PersonID(1_000_000 + i), Patch: connectors.Patch{Ref: w.crm.ref(fmt.Sprint("none", i))}, Staged: w.clock.now(), Score: -1}
			if err := tx.Stage(pd); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.crm.failWrite = &connectors.Error{Kind: connectors.Transient, Op: "write", Message: "connection refused"}
	at := w.clock.now()
	other.put("9", "lone@x.example", nil)
	w.site.add("lone@x.example", demoRequest(at))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, _ = operate.Once(ctx, w.p)
	if other.ours("9")[connectors.FieldTier] != "high" {
		t.Fatal("a CRM that takes nothing kept another one's record from being written")
	}
}
