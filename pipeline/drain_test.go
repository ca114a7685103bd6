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
	page := state.RecordPage{Feed: "none", Lane: state.Live, Rules: &state.IdentityRules{}, Now: w.clock.now()}
	for i := range 2500 {
		page.Records = append(page.Records, connectors.Contact{Ref: w.crm.ref(fmt.Sprint("none", i))})
	}
	if _, err := w.db.TakeRecords(page); err != nil {
		t.Fatal(err)
	}
	entries, err := w.db.Claim(w.clock.now(), len(page.Records))
	if err != nil {
		t.Fatal(err)
	}
	lot := state.Lot{Now: w.clock.now()}
	for i, e := range entries {
		next := &state.Person{Contacts: []connectors.Ref{page.Records[i].Ref}}
		pd := &state.Pending{Person: e.Person, Patch: connectors.Patch{Ref: page.Records[i].Ref}, Staged: w.clock.now(), Next: next, Score: -1}
		lot.Settlements = append(lot.Settlements, state.Settlement{Entry: e, Outcome: state.Stage, Next: next, Patches: []*state.Pending{pd}})
	}
	if _, err := w.db.StageLot(lot); err != nil || w.db.JournalDepth() != len(page.Records) {
		t.Fatal(w.db.JournalDepth(), err)
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
