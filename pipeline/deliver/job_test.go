package deliver

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// jobPortal takes jobs of five records and more, and is slow with what it is sent by calls.
type jobPortal struct {
	portal
	calls chan struct{} // a Write call may go on
	times map[connectors.Ref]int
	jobs  int
	rows  []connectors.Patch

	opened  func() // nil: nothing happens when a job was opened
	aborted []string
}

func (p *jobPortal) Write(ctx context.Context, patches []connectors.Patch) ([]connectors.Result, error) {
	p.count(patches)
	<-p.calls
	return p.portal.Write(ctx, patches)
}

func (p *jobPortal) count(patches []connectors.Patch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range patches {
		p.times[patches[i].Ref]++
	}
}

func (p *jobPortal) Submit(context.Context, string) (string, error) {
	p.jobs++
	if p.opened != nil {
		p.opened()
	}
	return "job", nil
}

func (p *jobPortal) Abort(_ context.Context, token string) error {
	p.aborted = append(p.aborted, token)
	return nil
}

func (p *jobPortal) Upload(_ context.Context, _ string, patches []connectors.Patch) error {
	p.count(patches)
	p.rows = patches
	return nil
}

func (p *jobPortal) Poll(ctx context.Context, _ string) (bool, []connectors.Result, error) {
	results, err := p.portal.Write(ctx, p.rows)
	return true, results, err
}

func (*jobPortal) BulkThreshold() int { return 5 }
func (*jobPortal) BulkSize() int      { return 2000 }

// delivering runs f beside a deliverer of crm. settle waits until everything was looked at again.
func delivering(t *testing.T, crm *jobPortal, f func(db *state.DB, d *Deliverer, settle func())) {
	synctest.Test(t, func(t *testing.T) {
		db, err := state.Open(filepath.Join(t.TempDir(), "state.db"), state.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		crm.calls = make(chan struct{})
		d := New(Options{DB: db, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Linger: 100 * time.Millisecond, Host: crm})
		d.Aim([]Target{{Name: "crm", CRM: crm, Objects: []string{"contacts"}}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- d.Run(ctx, func() {}) }()
		f(db, d, func() {
			time.Sleep(lookAgain)
			synctest.Wait()
		})
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Invariant 2: what is on its way by a call is in no job that is opened meanwhile.
func TestInvariant2AJobLeavesOutWhatGoesByCalls(t *testing.T) {
	crm := &jobPortal{portal: portal{left: 1000}, times: map[connectors.Ref]int{}}
	delivering(t, crm, func(db *state.DB, d *Deliverer, settle func()) {
		const few, more = 3, 20
		stage(t, db, 0, few, true) // too few for a job
		d.Look()
		settle()
		if n := len(crm.times); n != few {
			t.Fatalf("%d records are in the call, want %d", n, few)
		}
		stage(t, db, few, more, true)
		d.Look()
		settle()
		close(crm.calls)
		settle()
		if crm.jobs != 1 || len(crm.times) != more || len(crm.aborted) > 0 {
			t.Errorf("%d jobs, %v aborted, %d of %d records written", crm.jobs, crm.aborted, len(crm.times), more)
		}
		for ref, n := range crm.times {
			if n != 1 {
				t.Errorf("%v was sent %d times", ref, n)
			}
		}
		if n := db.JournalDepth(); n != 0 {
			t.Errorf("%d patches are left in the journal", n)
		}
	})
}

// Promise: a job that was opened for patches which were voided meanwhile is ended at the vendor, and what comes later goes by another.
func TestAJobThatCarriesNothingIsAborted(t *testing.T) {
	crm := &jobPortal{portal: portal{left: 1000}, times: map[connectors.Ref]int{}}
	delivering(t, crm, func(db *state.DB, d *Deliverer, settle func()) {
		close(crm.calls)
		crm.opened = func() {
			if _, err := db.VoidWaiting("crm", "contacts", 0, 500, time.Now()); err != nil {
				t.Error(err)
			}
		}
		stage(t, db, 0, 20, true)
		d.Look()
		settle()
		if crm.jobs != 1 || len(crm.aborted) != 1 || crm.aborted[0] != "job" || len(crm.times) > 0 {
			t.Errorf("%d jobs, %v aborted, %d records sent", crm.jobs, crm.aborted, len(crm.times))
		}
		crm.opened = nil
		stage(t, db, 0, 20, true)
		d.Look()
		settle()
		if crm.jobs != 2 || len(crm.aborted) != 1 || len(crm.times) != 20 {
			t.Errorf("%d jobs, %v aborted, %d records sent", crm.jobs, crm.aborted, len(crm.times))
		}
	})
}
