package pipeline_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// TestAPauseOutlivesARestartEvenRightAfterACount: what was to be kept before must not overwrite what was kept since.
func TestAPauseOutlivesARestartEvenRightAfterACount(t *testing.T) {
	w := newWorld(t).start()
	for i := range 30 {
		w.buyer(string(rune('a' + i)))
	}
	w.once()
	if !w.p.AllowTierChanges(0.5, 1) { // a lot books a change: kept with the next commit
		t.Fatal("one change pulled the brake")
	}
	if err := operate.Pause(w.p); err != nil {
		t.Fatal(err)
	}
	w.reopen()
	if !operate.StatusOf(w.p).Paused {
		t.Fatal("the pause did not outlive the restart")
	}
}

// TestOneReleaseCoversTheWholeChange: what an admin was shown and let through does not pull the brake again, the next change does.
func TestOneReleaseCoversTheWholeChange(t *testing.T) {
	w := newWorld(t).start()
	const people = 300
	for i := range people {
		w.buyer(fmt.Sprint(1000 + i))
	}
	w.once()
	change := func(high int) {
		t.Helper()
		s := *w.setup
		s.Score.High, s.Score.Medium, s.Score.HandRaiseDays = high, high-10, 0
		w.p.Swap(&s)
		w.clock.advance(2 * time.Hour)
		if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
			t.Fatal(err)
		}
		if _ = w.tryOnce(); operate.StatusOf(w.p).Brake == "" {
			t.Fatal("a change of all tiers did not pull the brake")
		}
	}
	tiers := func(want string) {
		t.Helper()
		n := 0
		for i := range people {
			if w.crm.ours(fmt.Sprint(1000 + i))[connectors.FieldTier] == want {
				n++
			}
		}
		if n != people {
			t.Errorf("%d of %d are %s", n, people, want)
		}
	}
	change(990)
	if _, err := operate.Resume(w.p); err != nil {
		t.Fatal(err)
	}
	w.reopen() // a release outlives a restart
	s := *w.setup
	s.Score.High, s.Score.Medium, s.Score.HandRaiseDays = 990, 980, 0
	w.p.Swap(&s)
	w.clock.advance(2 * time.Hour)
	w.once()
	if why := operate.StatusOf(w.p).Brake; why != "" {
		t.Errorf("released, and on again: %s", why)
	}
	tiers("low")
	change(20)
}

// TestALotThatCannotBeKeptCountsNoTierChanges: only what is staged counts, or trying again would pull the brake.
func TestALotThatCannotBeKeptCountsNoTierChanges(t *testing.T) {
	w := newWorld(t).start()
	for i := range 5 {
		w.buyer(string(rune('a' + i)))
	}
	w.once()
	before := w.p.TierChanges()
	// The lot changes a tier, and the state takes none.
	w.clock.advance(60 * 24 * time.Hour)
	if _, err := intake.Due(t.Context(), w.p); err != nil {
		t.Fatal(err)
	}
	ids, err := w.db.Claim(w.clock.now(), 5)
	if err != nil || len(ids) != 5 {
		t.Fatalf("claimed %d, %v", len(ids), err)
	}
	stage, err := w.p.LotUpToStage(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := stage(); !errors.Is(err, state.ErrClosed) {
		t.Fatal("the test is no test: the lot was kept")
	}
	if got := w.p.TierChanges(); got != before {
		t.Fatalf("%d tier changes are counted of which none was staged", got-before)
	}
}
