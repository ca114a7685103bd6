package ledger_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/ledger"
	"github.com/intentd/intentd/state"
)

// What a vendor said of a used-up day holds over a restart, until somebody lets it go.
func TestInvariant12AStopForAUsedUpDaySurvivesRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	until := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	with := func(do func(*ledger.Ledger)) {
		t.Helper()
		db, err := state.Open(path, state.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		l, err := ledger.New(db, nil, nil, -1)
		if err != nil {
			t.Fatal(err)
		}
		do(l)
	}
	with(func(l *ledger.Ledger) {
		if at := l.ExhaustedUntil("crm"); !at.IsZero() {
			t.Errorf("a new state holds until %s", at)
		}
		l.SetExhausted("crm", until)
	})
	with(func(l *ledger.Ledger) {
		if at := l.ExhaustedUntil("crm"); !at.Equal(until) {
			t.Errorf("held until %s after a restart, want %s", at, until)
		}
		if at := l.ExhaustedUntil("another"); !at.IsZero() {
			t.Errorf("another is held until %s", at)
		}
		l.SetExhausted("crm", time.Time{})
	})
	with(func(l *ledger.Ledger) {
		if at := l.ExhaustedUntil("crm"); !at.IsZero() {
			t.Errorf("held until %s after it was let go", at)
		}
	})
}
