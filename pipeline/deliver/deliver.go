// Package deliver brings journalled patches to the CRMs and makes true what they answer.
//
// Terms. A row is a journalled patch without what is to be sent; a sender is the one goroutine that owns what is on its way to one CRM:
// it decides and receives messages and never does I/O, calls and commits run beside it and report by message. A job is a bulk job of
// the CRM that carries patches.
//
// Promises:
//
//   - A patch is journalled before it is sent and stays until the CRM has answered for that record (invariants 2 and 3).
//   - Full batches or a short linger, a second while the backfill brings more; the newest patch of a record wins; records of one group (account) are never in two calls at once.
//   - A sender holds at most [window] rows of an object; the rest waits in the journal and costs no memory.
//   - Every way back has a pause and a count: a call that fails pauses its object, a record that cannot be written now waits by
//     itself, a refused one becomes a dead letter, a bulk job has a deadline.
//   - Records that were refused before go in batches of their own: one that is still wrong does not halve the batches of the right.
package deliver

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/connectors"
)

// Deliverer runs a sender for every target. Its methods are safe for concurrent use.
type Deliverer struct {
	o Options

	mu      sync.Mutex
	targets map[string]Target
	senders map[string]*sender   // while Run runs
	byJob   map[string]time.Time // by CRM: when patches were last told to wait for a job
	changed chan struct{}        // targets
}

// New makes a deliverer; it does nothing before Run.
func New(o Options) *Deliverer {
	return &Deliverer{o: o, senders: map[string]*sender{}, byJob: map[string]time.Time{}, changed: make(chan struct{}, 1)}
}

// Aim puts other targets in force. Senders of CRMs that are not among them stop; their patches stay journalled until they are again.
func (d *Deliverer) Aim(targets []Target) {
	d.mu.Lock()
	d.targets = make(map[string]Target, len(targets))
	for _, t := range targets {
		d.targets[t.Name] = t
	}
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// Look has every sender look at the journal: patches were staged, a brake went off, a connector stands again.
func (d *Deliverer) Look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, s := range d.senders {
		if t, named := d.targets[name]; named {
			s.aim(t)
		}
	}
}

// Run delivers until ctx ends; what is under way then gets a short grace to be answered. begun is called once every sender knows what
// earlier runs left in the journal: those patches are sent as they are, so no lot should work on their people before. The error is
// that of a state that failed.
func (d *Deliverer) Run(ctx context.Context, begun func()) error {
	g, ctx := errgroup.WithContext(ctx)
	stops := map[string]context.CancelFunc{}
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		clear(d.senders)
	}()
	for {
		d.mu.Lock()
		for name, stop := range stops {
			if _, named := d.targets[name]; !named {
				stop()
				delete(stops, name)
				delete(d.senders, name)
			}
		}
		for name, t := range d.targets {
			s := d.senders[name]
			if s == nil {
				s = newSender(d.o, t)
				d.senders[name] = s
				own, stop := context.WithCancel(ctx)
				stops[name] = stop
				g.Go(func() error { defer stop(); return s.run(own) })
				continue
			}
			s.aim(t)
		}
		d.mu.Unlock()
		if begun != nil {
			for _, s := range d.all() {
				select {
				case <-s.begun:
				case <-s.done:
				}
			}
			begun()
			begun = nil
		}
		select {
		case <-ctx.Done():
			return g.Wait()
		case <-d.changed:
		}
	}
}

// all are the senders at present.
func (d *Deliverer) all() []*sender {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]*sender, 0, len(d.senders))
	for _, s := range d.senders {
		out = append(out, s)
	}
	return out
}

func (d *Deliverer) sender(crm string) *sender {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.senders[crm]
}

// Room says whether more patches for a CRM should be worked out: not while as many wait as are held. It waits for nobody.
func (d *Deliverer) Room(crm string) bool {
	s := d.sender(crm)
	return s == nil || s.room.Load()
}

// ByJob says whether patches of the backfill for a CRM should wait for a bulk job, with so many people of it to come.
func (d *Deliverer) ByJob(crm string, backlog int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.targets[crm]
	if !ok {
		return false
	}
	b, ok := t.CRM.(connectors.BulkWriter)
	if !ok {
		return false
	}
	now, s := time.Now(), d.senders[crm]
	// The backlog shrinks as lots are staged, and the sender counts what waits for a job a moment later: lots in between go with the others.
	if backlog < b.BulkThreshold() && (s == nil || s.waitingForJob.Load() == 0) && now.Sub(d.byJob[crm]) > joinsJob {
		return false
	}
	d.byJob[crm] = now
	return true
}

// UnderWay tells which records are being written, by a call or a job, or will be in a moment. A record whose patch merely waits in the
// journal, or while its CRM cannot be written, is not among them.
func (d *Deliverer) UnderWay(ctx context.Context, refs []connectors.Ref) (map[connectors.Ref]bool, error) {
	out := map[connectors.Ref]bool{}
	by := map[string][]connectors.Ref{}
	for _, r := range refs {
		by[r.CRM] = append(by[r.CRM], r)
	}
	for crm, theirs := range by {
		if s := d.sender(crm); s != nil {
			if err := s.ask(ctx, whichUnderWay{refs: theirs, into: out}); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// Quiet waits until none of the records is being written: none that begins later will, once their patches are gone from the journal.
func (d *Deliverer) Quiet(ctx context.Context, refs []connectors.Ref) error {
	for {
		busy := false
		for _, s := range d.all() {
			q := whichSent{refs: refs, found: new(bool)}
			if err := s.ask(ctx, q); err != nil {
				return err
			}
			busy = busy || *q.found
		}
		if !busy {
			return nil
		}
		t := time.NewTimer(20 * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// Idle says whether nothing is being sent, and nothing that could be sent now waits.
func (d *Deliverer) Idle(ctx context.Context) bool {
	for _, s := range d.all() {
		q := whetherIdle{idle: new(bool)}
		if s.ask(ctx, q) != nil || !*q.idle {
			return false
		}
	}
	return true
}
