// Package pipeline is intentd's story, top to bottom: claim a lot, gather what its people did, stitch it into journeys, infer what they
// want, score it, gate it, stage the patch, write it, commit.
//
// Rooms stand on it, each taking a *Pipeline: intake fills the queue, privacy forgets and exports, operate answers admins. They use what
// is exported here; nothing here knows of them: imports run operate → {intake, privacy} → pipeline → deliver and the pure packages.
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
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/deliver"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
	"github.com/intentd/intentd/state"
)

// Setup is everything a config decides. It is swapped as a whole; lots in flight finish under the one they began with.
type Setup struct {
	CRMs    []CRM
	Sources []Source

	Identity  *identity.Rules // what identifies whom; nil: by its defaults
	Journey   *journey.Builder
	Score     score.Settings
	Topics    *topics.Matcher
	Engine    intent.Engine // what the config asks for
	Rules     intent.Engine // deterministic texts: first sync, fallback
	Batch     *Batch        // how Engine's model takes jobs; nil: it takes none
	Fields    fields.Options
	Customers []string // lifecycle values, lower case, whose visits do not count

	CustomerFields map[string]string // input property → value that marks a customer, for CRMs without life-cycle stages

	History time.Duration // how far back journeys are asked for

	Write Write
	// BrakeShare is the share (0 to 1) of scored people whose tier may change within a day before writing stops; 0 switches it off.
	BrakeShare float64

	ReceiptsKept time.Duration // age bound of receipts

	// BudgetSpent says whether the day's model budget is used up: degraded texts then wait for tomorrow. May be nil.
	BudgetSpent func() bool

	rules                     *state.IdentityRules    // Identity, with the CRMs by name
	scope                     map[connectors.Ref]bool // records that Write.IDs may name
	settingsHash, scoringHash uint64                  // of Score, and of all that lies between events and field values and is no model
}

// IdentityRules are Identity with the CRMs by name, as the state takes them.
func (s *Setup) IdentityRules() *state.IdentityRules { return s.rules }

// ScoringHash is that of all that lies between events and field values and is no model.
func (s *Setup) ScoringHash() uint64 { return s.scoringHash }

// CRM is a configured system of record.
type CRM struct {
	Name    string
	Type    string // hubspot | salesforce
	CRM     connectors.CRM
	Objects []string
	// Own is asked for by OwnFields; none: connectors.PersonFields.
	Own connectors.FieldSet
	// Fields names the properties, canonical → the CRM's: fields without a name are not written.
	Fields map[string]string
	// Identify names properties that hold user or anonymous ids.
	Identify []IdentifyBy
}

// OwnFields are the fields that its records carry.
func (c *CRM) OwnFields() connectors.FieldSet {
	if c.Own.Fields == nil {
		return connectors.PersonFields()
	}
	return c.Own
}

// Source is a configured source of journeys.
type Source struct {
	Name   string
	Source connectors.Source
	// Take, where set, is called before Active: it takes a bounded part of what is new from a feed into the store that Source answers
	// from, and says whether there is more.
	Take func(ctx context.Context) (more bool, err error)
}

// WriteMode says whose records are written.
type WriteMode string

const (
	WriteOn     WriteMode = "on"
	WriteOff    WriteMode = "off"
	WriteCanary WriteMode = "canary"
)

// Write is the write mode with the scope of a canary: a record is in scope when it matches any of the given lists.
type Write struct {
	Mode   WriteMode
	Owners []string
	IDs    []string          // record ids or "crm/object/id"
	Lists  map[string]string // input property → value, e.g. a list membership or a segment property
}

// Options are what does not change while the process runs.
type Options struct {
	DB     *state.DB
	Now    func() time.Time
	Logger *slog.Logger
	// LotSize is how many people go through together (default 100), Lots how many lots at once (default: one a processor, two at least).
	LotSize, Lots int
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
	delivery *deliver.Deliverer
	batches  batches
	counts   counts
	busy     atomic.Int32 // lots under way

	locks   keyedLocks // one poll, sweep or listen of a name at a time
	bound   sync.Map   // CRM name → account id, once checked in this process
	fit     sync.Map   // CRM name: its properties were found fit to be written
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
	p.health = newHealth(o.Now)
	p.clock = newClock(o.Now)
	var err error
	if p.brake, err = loadBrake(o.DB, o.Now); err != nil {
		return nil, err
	}
	if err := p.loadBatches(); err != nil {
		return nil, err
	}
	p.setup.Store(s.prepare())
	p.delivery = deliver.New(deliver.Options{DB: o.DB, Now: o.Now, Logger: o.Logger, Linger: o.Linger, Host: host{p}})
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

// Alone lets one job of a name run at a time: ok is false while another runs, else done is to be called at the end.
func (p *Pipeline) Alone(job string) (done func(), ok bool) { return p.locks.try(job) }

// ClockDoubt returns why the clock is not to be trusted, or nil. Until it is, nobody is scored, cooled or purged (invariant 13).
func (p *Pipeline) ClockDoubt() error { return p.clock.doubt(p.Setup()) }

// Setup is the setup in force.
func (p *Pipeline) Setup() *Setup { return p.setup.Load() }

// Swap puts another setup in force. Where scoring, extraction or journeys changed, everybody joins the backfill lane by and by
// (see intake.Rescan); stopped connectors are given another chance.
func (p *Pipeline) Swap(s *Setup) {
	p.setup.Store(s.prepare())
	p.health.Reset()
	p.bound.Clear()
	p.fit.Clear()
	p.delivery.Aim(s.targets())
	p.Wake()
}

// LookAgain gives every stopped connector another chance at once: what stopped it was set right.
func (p *Pipeline) LookAgain() {
	p.Setup().release()
	p.health.Reset()
	p.fit.Clear()
	p.delivery.Look()
	p.Wake()
}

// release ends what connectors hold back by themselves: the cause is gone.
func (s *Setup) release() {
	for i := range s.CRMs {
		if r, ok := s.CRMs[i].CRM.(connectors.Releaser); ok {
			r.Release()
		}
	}
	for i := range s.Sources {
		if r, ok := s.Sources[i].Source.(connectors.Releaser); ok {
			r.Release()
		}
	}
}

// Wake has idle workers look at once: somebody joined the queue, or something that stopped them is over.
func (p *Pipeline) Wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}
