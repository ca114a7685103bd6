package pipeline

import (
	"slices"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/state"
)

// Texts that nobody waits for may be asked by jobs of the model's vendor: at half the price, some hours later. Only the backfill goes that
// way: whoever's events changed is written with the rules' text first, as in a first sync, and waits in the queue for the model's. A job is
// kept in the state before it is opened, under a token of ours; each answer is taken in once. What a job leaves unanswered is asked
// directly.

const (
	batchLook   = time.Minute      // between two looks at the jobs under way
	batchGather = 10 * time.Minute // how long prompts wait for company
	batchPause  = 5 * time.Minute  // after a job that could not be opened
	batchFound  = 10 * time.Minute // until a job that is not on the vendor's list was never opened
	batchesOut  = 50               // jobs under way at once: vendors allow a hundred
	batchStray  = time.Hour        // between two looks for people whose job is gone
)

// batches are the jobs under way and the one being gathered.
type batches struct {
	mu      sync.Mutex
	open    bool // people may join: the process stays
	asks    []gathered
	people  map[state.PersonID]bool // who wait for them
	since   time.Time               // when the first of asks came
	version uint64                  // of the engine that made them
	pause   time.Time               // nothing is opened before
	jobs    map[string]*state.Batch
	under   map[string]string // what is awaited → the token of its job, "" for the one being gathered
	failing error
	givenUp givenUp
	stray   time.Time
	looking sync.Mutex // one look at a time
}

// givenUp are the jobs that ended without answering all, since start.
type givenUp struct {
	n     int64
	last  time.Time
	why   error
	whole bool // nothing of the last one was answered: told as an error for an hour
}

func (b *batches) giveUp(at time.Time, why error, whole bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.givenUp = givenUp{b.givenUp.n + 1, at, why, whole}
}

// gathered is a prompt that waits for a job to be opened.
type gathered struct {
	intent.Ask
	likely int64 // micro USD, reserved
	bytes  int   // about, of the request
}

// BatchStatus is how the jobs at the model's vendor stand.
type BatchStatus struct {
	Jobs    int       `json:"jobs"`    // under way
	Prompts int       `json:"prompts"` // in them, not answered
	Waiting int       `json:"waiting"` // people
	Oldest  time.Time `json:"oldest,omitzero"`
	GivenUp int64     `json:"given_up"` // jobs that ended without answering all, since start
	// LastGivenUp is when the last of those ended, and Why what became of it.
	LastGivenUp time.Time `json:"last_given_up,omitzero"`
	Why         string    `json:"why,omitempty"`
	Error       string    `json:"error,omitempty"`
}

// load reads what earlier runs left.
func (b *batches) load(db *state.DB) error {
	kept, err := db.Batches()
	if err != nil {
		return err
	}
	b.jobs, b.under, b.people = map[string]*state.Batch{}, map[string]string{}, map[state.PersonID]bool{}
	for _, j := range kept {
		b.follow(j)
	}
	return nil
}

// follow takes a job among those under way; b.mu is held, or nobody else is there yet.
func (b *batches) follow(j *state.Batch) {
	b.jobs[j.Token] = j
	for i := range j.Asks {
		a := askOf(&j.Asks[i])
		for _, name := range a.Awaited() {
			b.under[name] = j.Token
		}
	}
}

// leave has nobody join a job any more, which is over.
func (b *batches) leave(token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, of := range b.under {
		if of == token {
			delete(b.under, name)
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

// await gathers a prompt; b.mu is held.
func (b *batches) await(g gathered) {
	b.asks = append(b.asks, g)
	for _, name := range g.Awaited() {
		b.under[name] = ""
	}
}

// drop lets go of the gathered prompts that which names, and of what is reserved for them; b.mu is held.
func (b *batches) drop(from *Batch, which func(*gathered) bool) {
	b.asks = slices.DeleteFunc(b.asks, func(g gathered) bool {
		if !which(&g) {
			return false
		}
		for _, name := range g.Awaited() {
			delete(b.under, name)
		}
		if from != nil {
			from.Ledger.BookLater(connectors.Usage{}, g.likely)
		}
		return true
	})
}

func estimate(m any, p connectors.Prompt) int64 {
	if e, ok := m.(connectors.Estimator); ok {
		return e.Estimate(p)
	}
	return 0
}

// promptBytes is about what a prompt takes of a request: JSON in JSON grows, and so do pictures.
func promptBytes(p *connectors.Prompt) int {
	n := 5*(len(p.System)+len(p.User)+len(p.Schema))/4 + 512
	for _, img := range p.Images {
		n += len(img.Data) * 4 / 3
	}
	return n
}

// putBack gathers again what a job held that was not opened.
func (b *batches) putBack(j *state.Batch, asks []gathered) {
	b.leave(j.Token)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.jobs, j.Token)
	for i := range asks {
		b.await(asks[i])
	}
	for _, id := range j.People {
		b.people[id] = true
	}
}
