package deliver

import (
	"context"
	"log/slog"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// portal is a CRM that takes so many patches until its quota is used up, and the pipeline around it.
type portal struct {
	connectors.CRM
	mu      sync.Mutex
	left    int
	written int
}

func (p *portal) Write(_ context.Context, patches []connectors.Patch) ([]connectors.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left <= 0 {
		return nil, p.usedUp()
	}
	p.left -= len(patches)
	p.written += len(patches)
	results := make([]connectors.Result, len(patches))
	for i := range patches {
		results[i] = connectors.Result{Ref: patches[i].Ref, Stored: patches[i].Fields, Modified: time.Now()}
	}
	return results, nil
}

func (*portal) usedUp() error {
	return &connectors.Error{Kind: connectors.Quota, Op: "write", Until: time.Now().Add(time.Hour)}
}

func (p *portal) Blocked(string) (time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left <= 0 {
		return time.Now().Add(time.Hour), p.usedUp()
	}
	return time.Time{}, nil
}

// taken is how many patches it has taken.
func (p *portal) taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written
}

// grant is a quota for n more patches.
func (p *portal) grant(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = n
}

func (*portal) Ready(context.Context, string) error { return nil }
func (*portal) Note(string, error)                  {}
func (*portal) Wrote(string, state.Acknowledged)    {}
func (*portal) Halted() bool                        { return false }
func (*portal) Coming() bool                        { return false }
func (*portal) Config() uint64                      { return 1 }
func (*portal) Day(t time.Time) string              { return t.Format(time.DateOnly) }

// stage journals patches of the records from to to, in large groups, all of them somebody's whose own record is number 0; those in bulk may wait for a job.
func stage(t *testing.T, db *state.DB, from, to int, bulk bool) {
	t.Helper()
	refOf := func(i int) connectors.Ref {
		return connectors.Ref{CRM: "crm", Object: "contacts", ID: strconv.Itoa(1_000_000 + i)}
	}
	rules := &state.IdentityRules{}
	if _, err := db.TakeRecords(state.RecordPage{Feed: "poll", Records: []connectors.Contact{{Ref: refOf(0)}}, Rules: rules, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	who, err := db.Find(state.Lookup{Refs: []connectors.Ref{refOf(0)}}, rules)
	if err != nil {
		t.Fatal(err)
	}
	for ; from < to; from += 50_000 {
		s := state.Settlement{Entry: state.Entry{Person: who}, Outcome: state.Stage, Next: &state.Person{}}
		for i := from; i < min(from+50_000, to); i++ {
			s.Patches = append(s.Patches, &state.Pending{Person: who, Bulk: bulk, Staged: time.Now(), Patch: connectors.Patch{Ref: refOf(i),
				Fields: map[string]string{connectors.FieldScore: "64.0", connectors.FieldTier: "high"}}})
		}
		if staged, err := db.StageLot(state.Lot{Settlements: []state.Settlement{s}, Now: time.Now()}); err != nil || len(staged.Failed) > 0 {
			t.Fatal(staged, err)
		}
	}
}

// A sender holds a window of rows; what waits beyond costs no memory, however long a quota stops its CRM, and goes once it may.
func TestWhatWaitsInTheJournalCostsNoMemory(t *testing.T) {
	const few, many, allowed = 10_000, 1_000_000, 16 << 20
	synctest.Test(t, func(t *testing.T) {
		db, err := state.Open(filepath.Join(t.TempDir(), "state.db"), state.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		crm := &portal{}
		d := New(Options{DB: db, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Linger: 100 * time.Millisecond, Host: crm})
		d.Aim([]Target{{Name: "crm", CRM: crm, Objects: []string{"contacts"}}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- d.Run(ctx, func() {}) }()
		heap := func() int64 {
			t.Helper()
			d.Look()
			time.Sleep(lookAgain) // by the bubble's clock: whatever can be read or sent is by then
			if d.Room("crm") {
				t.Error("there is room for more while a window of patches waits")
			}
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		stage(t, db, 0, few, false)
		before := heap()
		stage(t, db, few, many, false)
		grown := heap() - before
		t.Logf("the heap grew by %d kB from %d patches waiting to %d", grown>>10, few, many)
		if grown > allowed {
			t.Errorf("the heap grew by %d kB from %d patches waiting to %d", grown>>10, few, many)
		}
		if n := crm.taken(); n > 0 {
			t.Errorf("%d patches were written beyond the quota", n)
		}
		// When the quota returns, what was not held comes after what was.
		crm.grant(3 * window)
		d.Look()
		time.Sleep(lookAgain)
		if n := crm.taken(); n < 3*window || n > 3*window+callsOut*batchSize {
			t.Errorf("%d patches were written when the quota had room for %d", n, 3*window)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
