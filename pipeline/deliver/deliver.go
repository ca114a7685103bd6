// Package deliver brings journalled patches to the CRMs and makes true what they answer.
//
// Terms. A row is a journalled patch without what is to be sent; a sender is the one goroutine that owns what is on its way to one CRM:
// it decides and receives messages and never does I/O, calls and commits run beside it and report by message. A job is a bulk job of
// the CRM that carries patches.
//
// Promises:
//
//   - A patch is journalled before it is sent and stays until the CRM has answered for that record (invariants 2 and 3).
//   - Full batches or a short linger; the newest patch of a record wins; records of one group (account) are never in two calls at once.
//   - A sender holds at most [window] rows of an object; the rest waits in the journal and costs no memory.
//   - Every way back has a pause and a count: a call that fails pauses its object, a record that cannot be written now waits by
//     itself, a refused one becomes a dead letter, a bulk job has a deadline.
//   - Records that were refused before go in batches of their own: one that is still wrong does not halve the batches of the right.
package deliver

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

const (
	window    = 2000 // rows that a sender holds of one object
	batchSize = 200  // patches in one Write call; connectors cut it into what their CRM takes at once
	aloneSize = 20   // patches in one call of those that were refused before
	callsOut  = 4    // Write calls of one object under way at once

	comingLinger = time.Second // how long a batch may wait to fill while people of the backfill are worked on: their patches come by lots

	expires   = 24 * time.Hour // a patch that could not be sent for so long is worked out anew
	stopGrace = 10 * time.Second
	lookAgain = time.Minute // a sender looks at the latest then, unless woken
)

// Host is what delivery needs to know of the pipeline around it.
type Host interface {
	// Ready says whether the CRM may be written at all: the account the state is bound to, properties of our own.
	Ready(ctx context.Context, crm string) error
	// Blocked returns the error that stops a CRM and until when, or nil.
	Blocked(crm string) (until time.Time, err error)
	// Note tells how a call to the CRM went; Wrote, that patches were acknowledged, and what became of them.
	Note(crm string, err error)
	Wrote(crm string, sum state.Acknowledged)
	// Halted says that nothing may be sent at present: the brake, or a pause.
	Halted() bool
	// Coming says whether people of the backfill are being worked on or could be now: patches then wait for a job to fill.
	Coming() bool
	// Config is the hash of the scoring config, Day what t is booked under.
	Config() uint64
	Day(t time.Time) string
}

// Options of a Deliverer.
type Options struct {
	DB     *state.DB
	Now    func() time.Time
	Logger *slog.Logger
	Linger time.Duration // how long a sender waits for a batch to fill
	Host   Host
}

// Target is a CRM that patches are brought to.
type Target struct {
	Name    string
	CRM     connectors.CRM
	Objects []string
	Off     bool // writing is switched off: what waits is worked out anew rather than sent
}

// Deliverer runs a sender for every target. Its methods are safe for concurrent use.
type Deliverer struct {
	o Options

	mu      sync.Mutex
	targets map[string]Target
	senders map[string]*sender // while Run runs
	changed chan struct{}      // targets
}

// New makes a deliverer; it does nothing before Run.
func New(o Options) *Deliverer {
	return &Deliverer{o: o, senders: map[string]*sender{}, changed: make(chan struct{}, 1)}
}

// Aim puts other targets in force. Couriers of CRMs that are not among them stop; their patches stay journalled until they are again.
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
	for name, c := range d.senders {
		if t, named := d.targets[name]; named {
			c.aim(t)
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
			c := d.senders[name]
			if c == nil {
				c = newSender(d.o, t)
				d.senders[name] = c
				own, stop := context.WithCancel(ctx)
				stops[name] = stop
				g.Go(func() error { defer stop(); return c.run(own) })
				continue
			}
			c.aim(t)
		}
		d.mu.Unlock()
		if begun != nil {
			for _, c := range d.all() {
				select {
				case <-c.begun:
				case <-c.done:
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
	for _, c := range d.senders {
		out = append(out, c)
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
	c := d.sender(crm)
	return c == nil || c.room.Load()
}

// ByJob says whether patches of the backfill for a CRM should wait for a bulk job, with so many people of it to come.
func (d *Deliverer) ByJob(crm string, backlog int) bool {
	d.mu.Lock()
	t, ok := d.targets[crm]
	d.mu.Unlock()
	if !ok {
		return false
	}
	b, ok := t.CRM.(connectors.BulkWriter)
	if !ok {
		return false
	}
	c := d.sender(crm)
	return backlog >= b.BulkThreshold() || c != nil && c.waitingForJob.Load() > 0
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
		if c := d.sender(crm); c != nil {
			if err := c.ask(ctx, whichUnderWay{refs: theirs, into: out}); err != nil {
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
		for _, c := range d.all() {
			q := whichSent{refs: refs, found: new(bool)}
			if err := c.ask(ctx, q); err != nil {
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
	for _, c := range d.all() {
		q := whetherIdle{idle: new(bool)}
		if c.ask(ctx, q) != nil || !*q.idle {
			return false
		}
	}
	return true
}
