package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// lose has everything that is done at once arrive at the CRM, and its answers lost.
func lose(t *testing.T, w *world) {
	w.crm.dropAnswer = true
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, _ = operate.Once(ctx, w.p)
	w.crm.dropAnswer = false
	if w.db.JournalDepth() != 1 {
		t.Fatalf("%d patches in the journal, want the one whose answer was lost", w.db.JournalDepth())
	}
}

// TestInvariant4APatchThatArrivedAndExpiredIsNoHumansHand: its answers were lost for a day, its values are ours all the same.
func TestInvariant4APatchThatArrivedAndExpiredIsNoHumansHand(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	w.clock.advance(30 * 24 * time.Hour)
	w.site.add(email, view("/cards/black", "Black card", w.clock.now()))
	lose(t, w)
	w.clock.advance(25 * time.Hour)
	w.reopen()
	w.once()
	w.once()
	if held := receiptOf(t, w, email).Held; len(held) > 0 {
		t.Fatalf("our own values were taken for a human's: %v", held)
	}
}

// TestWritingSwitchedOffSendsNoPatchOfBefore: what was staged before the switch stays unsent.
func TestWritingSwitchedOffSendsNoPatchOfBefore(t *testing.T) {
	w := newWorld(t).start()
	w.buyer("1")
	w.crm.failWrite = &connectors.Error{Kind: connectors.Auth, Op: "write", Message: "revoked"}
	_ = w.tryOnce()
	w.crm.failWrite = nil
	if w.db.JournalDepth() != 1 {
		t.Fatal("the test is no test: nothing waits")
	}
	w.setup.Write.Mode = pipeline.WriteOff
	w.reopen()
	w.once()
	if got := w.crm.ours("1"); len(got) > 0 {
		t.Fatalf("switched off, it wrote %v", got)
	}
	w.setup.Write.Mode = pipeline.WriteOn
	w.reopen()
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Hour)
	w.once()
	if got := w.crm.ours("1")[connectors.FieldTier]; got != "high" {
		t.Fatalf("switched on again, the tier is %q", got)
	}
}

// TestRefusedByAllItsCRMsAPersonIsStillDueAgain: a dead letter stops a record, not the person's time.
func TestRefusedByAllItsCRMsAPersonIsStillDueAgain(t *testing.T) {
	w, other, email := twoRecords(t)
	refused := &connectors.Error{Kind: connectors.Rejected, Op: "write", Message: "validation rule"}
	w.crm.rejects["1"], other.rejects["9"] = refused, refused
	w.clock.advance(40 * 24 * time.Hour)
	w.once() // due
	if w.personOf(email).Due.IsZero() {
		t.Error("nobody will ever look at the person again")
	}
	if w.db.DeadCount() != 2 {
		t.Fatalf("%d dead letters, want 2", w.db.DeadCount())
	}
}
