// Package batch has texts that nobody waits for written by jobs of the model's vendor: at half the price, some hours later.
//
// Terms. A job is one submission of many prompts to the vendor; a prompt is collected while it waits for a job to be opened; somebody awaits
// a prompt when their texts need its answer. Only people of the backfill come here: whoever's events changed gets the rules' text first,
// and waits in the queue for the model's.
//
// Promises:
//
//   - A job is kept in the state, under a token of ours, before it is opened: after a crash it is found at the vendor's by its token and
//     not paid twice.
//   - Each answer is taken in once. What a job leaves unanswered is asked directly.
//   - A job has a deadline; past it its people are worked on without it. What lies at the vendor's is deleted when a job is over, and when
//     somebody in it is forgotten.
package batch

import (
	"log/slog"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/ledger"
	"github.com/intentd/intentd/state"
)

// Vendor is who takes the jobs of a model.
type Vendor struct {
	Model  connectors.Batcher
	On     bool // new jobs are opened; those under way are looked after in any case
	Ledger *ledger.Ledger
}

// Patience is how long somebody waits for a job at most: it is over by then.
func (v *Vendor) Patience() time.Duration { return v.Model.Batching().Deadline + Retry }

// Retry is how long to wait before joining is tried again when there is no room, and how often it is looked whether anybody waits for a job
// that does not exist.
const Retry = time.Hour

const (
	lookEvery  = time.Minute      // at the jobs under way
	collectFor = 10 * time.Minute // how long prompts wait for others before a job is opened for them
	pauseAfter = 5 * time.Minute  // how long no job is opened after one that could not be
	listedBy   = 10 * time.Minute // a job that the vendor does not list by then was never opened
	jobsOut    = 50               // jobs under way at once: vendors allow a hundred
)

// Host is what the jobs need to know of the pipeline around them.
type Host interface {
	// Batch is who takes jobs by the config in force, and the engine whose texts they are; nil if nobody does.
	Batch() (*Vendor, intent.LaterEngine)
	// Day is what t is booked under.
	Day(t time.Time) string
	// Wake tells that people may be claimed who waited; Progress, that something real was done.
	Wake()
	Progress()
}

// Options of Jobs.
type Options struct {
	DB     *state.DB
	Now    func() time.Time
	Logger *slog.Logger
	Host   Host
}

// Jobs are those under way, and the prompts collected for the next. Its methods are safe for concurrent use.
type Jobs struct {
	o       Options
	looking sync.Mutex // one look at a time; taken before mu

	mu        sync.Mutex
	joinable  bool                    // people may wait for jobs: the process stays
	collected []collected             // prompts for the next job
	since     time.Time               // when the first of them came
	version   uint64                  // of the engine that asks them
	people    map[state.PersonID]bool // who awaits one of them
	pause     time.Time               // no job is opened before
	under     map[string]*state.Batch // jobs under way by token
	awaited   map[string]string       // what is asked → the token of its job, "" while it is collected
	strayLook time.Time               // when it is next looked whether anybody waits for no job

	failing error // of the last look
	givenUp givenUp
}

// givenUp are the jobs that ended without answering all, since start.
type givenUp struct {
	n     int64
	last  time.Time
	why   error
	whole bool // nothing of the last one was answered: told as an error for an hour
}

// collected is a prompt that waits for a job to be opened.
type collected struct {
	intent.Ask
	likely int64 // micro USD, reserved
	bytes  int   // about, of the request
}

// New reads what earlier runs left under way.
func New(o Options) (*Jobs, error) {
	b := &Jobs{o: o, under: map[string]*state.Batch{}, awaited: map[string]string{}, people: map[state.PersonID]bool{}}
	kept, err := o.DB.Batches()
	if err != nil {
		return nil, err
	}
	for _, j := range kept {
		b.track(j)
	}
	return b, nil
}

// track takes a job among those under way; mu is held, or nobody else is there yet.
func (b *Jobs) track(j *state.Batch) {
	b.under[j.Token] = j
	for i := range j.Asks {
		a := askOf(&j.Asks[i])
		for _, name := range a.Awaited() {
			b.awaited[name] = j.Token
		}
	}
}

// askOf is a kept prompt in the engine's words.
func askOf(row *state.BatchAsk) intent.Ask {
	a := intent.Ask{Inputs: row.Inputs}
	if row.Person != 0 {
		a.Person = row.Person.Key()
	}
	for _, k := range row.Keys {
		a.Keys = append(a.Keys, string(k))
	}
	return a
}

// Join says whether people may wait for jobs: not in a process that ends before any answer comes.
func (b *Jobs) Join(may bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.joinable = may
}

// Joinable says whether people may wait for jobs at present.
func (b *Jobs) Joinable() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.joinable
}

// Status is how the jobs stand.
type Status struct {
	Jobs    int       `json:"jobs"`    // under way
	Prompts int       `json:"prompts"` // in them, not answered
	Waiting int       `json:"waiting"` // people
	Oldest  time.Time `json:"oldest,omitzero"`
	GivenUp int64     `json:"given_up"` // jobs that ended without answering all, since start
	// LastGivenUp is when the last of those ended, and Why what became of it.
	LastGivenUp time.Time `json:"last_given_up,omitzero"`
	Why         string    `json:"why,omitempty"`
	Error       string    `json:"error,omitempty"` // why the last look failed, or why a job was given up within the hour
}

// Status looks at the jobs without asking anybody.
func (b *Jobs) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := Status{Jobs: len(b.under), Waiting: len(b.people), GivenUp: b.givenUp.n, LastGivenUp: b.givenUp.last}
	for _, j := range b.under {
		out.Prompts += len(j.Asks)
		out.Waiting += len(j.People)
		if out.Oldest.IsZero() || j.Opened.Before(out.Oldest) {
			out.Oldest = j.Opened
		}
	}
	if b.givenUp.why != nil {
		out.Why = b.givenUp.why.Error()
	}
	switch {
	case b.failing != nil:
		out.Error = b.failing.Error()
	case b.givenUp.whole && b.o.Now().Sub(b.givenUp.last) < time.Hour:
		out.Error = out.Why
	}
	return out
}
