// Package pipeline is intentd's story, top to bottom: claim a lot, gather what its people did, stitch it into journeys, infer what they
// want, score it, gate it, stage the patch, write it, commit.
//
// Rooms stand on it, each taking a *Pipeline: intake fills the queue, privacy forgets and exports, operate answers admins. They use what
// is exported here; nothing here knows of them: imports run operate → {intake, privacy} → pipeline → deliver, batch and the pure packages.
//
// Each step of a lot has a file, and run calls them in this order: load, gather, recordstates, identity, stitch, infer, scoring, holdout,
// stage, which asks gate for each record, and alerts who is told of a change of tier. What people set in our fields is told in authorship, when a refused record is tried again in refused, who waits
// for a job of the model's vendor in await. Files use one another one way, down to lot, pipeline and setup.
//
// Terms. A person is who is inferred and scored; a contact is one CRM record of a person; a lot is a group of people that
// goes through together; a lane is a class of urgency; a pending patch is journalled and not yet acknowledged.
//
// Promises, numbered as everywhere in the project:
//
//	1   a cursor is saved in the transaction that stores the work it covers
//	2   a patch is journalled before it is sent; a model answer is kept within 100 ms
//	3   hashes and receipts are committed only after the CRM acknowledged that record
//	4   only intentd's own fields are written, absolutely, to the account the state is bound to; a human's values are theirs
//	5   its own writes never cause another round
//	6   unchanged inputs never cause a model call
//	7   the model never sets a number
//	8   a failing or suddenly empty source never lowers a score; degraded never replaces better
//	9   one bad record never stops a lot, one bad connector never another
//	12  limits are waited out, never fought
//	13  a clock that jumps purges and cools nobody
package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/batch"
	"github.com/intentd/intentd/pipeline/deliver"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/state"
)

// Options are what does not change while the process runs.
type Options struct {
	DB     *state.DB
	Now    func() time.Time
	Logger *slog.Logger
	// LotSize is how many people go through together (default 100), Lots how many lots at once (default: one a processor, two at least).
	LotSize, Lots int
	// JobWait is for how long Drain waits for a bulk job of a CRM that is under way; the next process follows one that takes longer.
	// (default: as long as it takes)
	JobWait time.Duration
	// Linger is how long a writer waits for a batch to fill (default 20 ms).
	Linger time.Duration
	// Progress is called whenever something real was done: a watchdog follows it.
	Progress func()
}

// Pipeline runs lots. Its methods are safe for concurrent use.
type Pipeline struct {
	o     Options
	db    *state.DB
	setup atomic.Pointer[Setup]
	log   *slog.Logger
	now   func() time.Time

	health   *Health
	clock    *clock
	brake    *brake
	cuts     cuts
	bindings bindings
	delivery *deliver.Deliverer
	batches  *batch.Jobs
	counts   counts
	forms    unknownForms
	busy     atomic.Int32 // lots under way

	locks   keyedLocks // one poll, sweep or listen of a name at a time
	changed chan struct{}
}

// New makes a pipeline over db. It reads what earlier runs left (brake, pause, tier counts) and touches no network.
func New(o Options, s *Setup) (*Pipeline, error) {
	if o.DB == nil {
		return nil, errors.New("pipeline: no state given")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.LotSize <= 0 {
		o.LotSize = 100
	}
	if o.Lots <= 0 {
		o.Lots = max(2, runtime.GOMAXPROCS(0))
	}
	if o.Linger <= 0 {
		o.Linger = 20 * time.Millisecond
	}
	if o.Progress == nil {
		o.Progress = func() {}
	}
	p := &Pipeline{o: o, db: o.DB, log: o.Logger, now: o.Now, changed: make(chan struct{}, 1)}
	p.bindings.db = o.DB
	p.health = newHealth(o.Now)
	p.clock = newClock(o.Now)
	var err error
	if p.brake, err = loadBrake(o.DB, o.Now, o.Logger); err != nil {
		return nil, err
	}
	if err := p.forms.load(o.DB); err != nil {
		return nil, err
	}
	if err := p.cuts.load(o.DB); err != nil {
		return nil, err
	}
	p.setup.Store(s.prepare())
	if p.batches, err = batch.New(batch.Options{DB: o.DB, Now: o.Now, Logger: o.Logger, Host: host{p}}); err != nil {
		return nil, err
	}
	p.delivery = deliver.New(deliver.Options{DB: o.DB, Now: o.Now, Logger: o.Logger, Linger: o.Linger, JobWait: o.JobWait, Host: host{p}})
	return p, nil
}

// DB is the state that the pipeline works on.
func (p *Pipeline) DB() *state.DB { return p.db }

// Now is the pipeline's clock; whether it is to be trusted, ClockDoubt says.
func (p *Pipeline) Now() time.Time { return p.now() }

// Progress says that something real was done.
func (p *Pipeline) Progress() { p.o.Progress() }

// Health knows how the connectors fare.
func (p *Pipeline) Health() *Health { return p.health }

// Batches are the jobs that the model's vendor does for us.
func (p *Pipeline) Batches() *batch.Jobs { return p.batches }

// TryLock lets one job of a name run at a time: ok is false while another runs, else done is to be called at the end.
func (p *Pipeline) TryLock(job string) (done func(), ok bool) { return p.locks.try(job) }

// ClockDoubt returns why the clock is not to be trusted, or nil. Until it is, nobody is scored, cooled or purged (invariant 13).
func (p *Pipeline) ClockDoubt() error { return p.clock.doubt(p.Setup()) }

// Setup is the setup in force.
func (p *Pipeline) Setup() *Setup { return p.setup.Load() }

// Swap puts another setup in force. Where scoring, extraction or journeys changed, everybody joins the backfill lane by and by
// (see intake.Rescan); stopped connectors are given another chance.
func (p *Pipeline) Swap(s *Setup) {
	p.setup.Store(s.prepare())
	p.health.Reset()
	p.bindings.bound.Clear()
	p.bindings.writable.Clear()
	p.delivery.Aim(s.targets())
	p.Wake()
}

// LookAgain gives every stopped connector another chance at once, and names them: what stopped them was set right.
func (p *Pipeline) LookAgain() (stopped []string) {
	p.Setup().release()
	stopped = p.health.Reset()
	p.bindings.writable.Clear()
	p.delivery.Look()
	p.Wake()
	return stopped
}

// Wake has idle workers look at once: somebody joined the queue, or something that stopped them is over.
func (p *Pipeline) Wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Brake is the condition of the brake and of an admin's pause.
func (p *Pipeline) Brake() BrakeState { return p.brake.state() }

// SetBrake changes it durably.
func (p *Pipeline) SetBrake(change func(*BrakeState)) error { return p.brake.set(change) }

// Counts are the patches that CRMs took and refused, the people whose consent was withdrawn, and the events that journeys left out, since
// start.
func (p *Pipeline) Counts() (written, rejected, withdrew int64, filtered journey.Filtered) {
	p.counts.mu.Lock()
	defer p.counts.mu.Unlock()
	return p.counts.written, p.counts.dead, p.counts.withdrew, p.counts.filtered
}

// Quiet waits until none of the records is being written; none will be once their patches are gone from the journal.
func (p *Pipeline) Quiet(ctx context.Context, refs []connectors.Ref) error {
	return p.delivery.Quiet(ctx, refs)
}

// day is the day that t is booked under, in the time zone of texts.
func (p *Pipeline) day(t time.Time) string {
	if loc := p.Setup().Fields.Location; loc != nil {
		t = t.In(loc)
	}
	return t.Format(time.DateOnly)
}

// stopped says whether no CRM can be worked for at present: claiming people would only send them away again.
func (p *Pipeline) stopped() bool {
	for _, c := range p.Setup().CRMs {
		if _, err := p.health.Blocked(c.Name); err == nil && p.delivery.Room(c.Name) {
			return false
		}
	}
	return true
}

// CRM is the named CRM, bound to the account the state belongs to.
func (p *Pipeline) CRM(ctx context.Context, name string) (*CRM, error) {
	c := p.Setup().crm(name)
	if c == nil {
		return nil, &connectors.Error{Kind: connectors.Config, Op: "use " + name, Message: "no CRM of that name is configured"}
	}
	return c, p.bindings.ensureBound(ctx, c)
}

// Writable says whether a CRM may be written: the account is the one the state is bound to, and the properties are intentd's own
// (invariant 4).
func (p *Pipeline) Writable(ctx context.Context, c *CRM) error {
	if err := p.bindings.ensureBound(ctx, c); err != nil {
		return err
	}
	return p.bindings.ensureWritable(ctx, c)
}

// UnknownForms are the forms sent, by name, that nothing in the config of then knew: all ever, and those that b does not know either.
func (p *Pipeline) UnknownForms(b *journey.Builder) (ever int64, now map[string]int64) {
	return p.forms.unknownTo(b)
}

// host is what delivery and the jobs of prompts ask of the pipeline.
type host struct{ p *Pipeline }

// Ready says whether the CRM may be written at all: the account the state is bound to, properties of our own.
func (h host) Ready(ctx context.Context, name string) error {
	crm, err := h.p.CRM(ctx, name)
	if err != nil {
		return err
	}
	return h.p.bindings.ensureWritable(ctx, crm)
}

func (h host) Blocked(crm string) (time.Time, error) { return h.p.health.Blocked(crm) }

func (h host) Note(crm string, err error) { h.p.health.Note(crm, err) }

func (h host) Halted() bool { return h.p.brake.on() }

func (h host) Config() uint64 { return h.p.Setup().scoringHash }

func (h host) Day(t time.Time) string { return h.p.day(t) }

func (h host) Batch() (*batch.Vendor, intent.LaterEngine) { return h.p.Setup().batching() }

func (h host) Wake() { h.p.Wake() }

func (h host) Progress() { h.p.Progress() }

// Coming says whether people of the backfill are being worked on or could be now.
func (h host) Coming() bool {
	return h.p.busy.Load() > 0 || h.p.db.LaneReady(state.Backfill, h.p.now()) && !h.p.stopped()
}

// Wrote counts what a CRM answered.
func (h host) Wrote(crm string, sum state.Acknowledged) {
	h.p.counts.note(sum)
	h.p.health.Good("write/"+crm, h.p.now())
	h.p.o.Progress()
	h.p.Wake()
}
