// Package ledger keeps in the state what must not be paid, asked or lost twice: the caches of model answers, the day's spending, the day's
// calls of each connector, until when a used-up limit stops it, and credentials that a vendor renews by itself.
//
// Promises: what it is given is durable within 100 ms (invariant 2), a token when Save returns; budgets survive restarts (invariant 12).
package ledger

import (
	"context"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/state"
)

// Ledger is the intent engine's Store, the transport's Ledger and, by TopicCache, the topic matcher's Cache. Its methods are safe for
// concurrent use.
type Ledger struct {
	db     *state.DB
	now    func() time.Time
	loc    *time.Location
	budget int64 // micro USD a day, 0: none to spend; below 0: unbounded

	mu       sync.Mutex
	day      string
	spent    int64 // booked today
	reserved int64 // for calls in flight
	calls    map[string]int64

	recent map[string][]byte // cache entries on their way to disk, and the ones read last
}

// recentEntries bounds the entries held in memory: at about 400 bytes each, 2 MB.
const recentEntries = 4096

// Lifetimes of cache entries. A stage-1 summary stays true as long as its prompt does; topic pairs follow SCORING's 7 days.
const (
	stageTTL = 180 * 24 * time.Hour
	topicTTL = 7 * 24 * time.Hour
)

// New reads today's figures from db. budget is in micro USD a day; days are those of loc.
func New(db *state.DB, now func() time.Time, loc *time.Location, budget int64) (*Ledger, error) {
	if now == nil {
		now = time.Now
	}
	if loc == nil {
		loc = time.UTC
	}
	l := &Ledger{db: db, now: now, loc: loc, budget: budget}
	// What jobs under way will cost is still to come: it stays reserved over restarts.
	jobs, err := db.Batches()
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		for _, a := range j.Asks {
			l.reserved += a.Reserved
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l, l.turn()
}

// turn moves to the present day; l.mu is held.
func (l *Ledger) turn() error {
	day := l.now().In(l.loc).Format(time.DateOnly)
	if day == l.day {
		return nil
	}
	u, err := l.db.Usage(day)
	if err != nil {
		return err
	}
	l.day, l.spent = day, 0
	for _, m := range u.Model {
		l.spent += m.MicroUSD
	}
	l.calls = map[string]int64{}
	for k, n := range u.Calls {
		l.calls[k] = n
	}
	return nil
}

// Reserve asks for room for a call that may cost estimate micro USD; last: for people whom less than the whole budget is for.
func (l *Ledger) Reserve(estimate int64, last bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn() != nil || !l.within(l.spent+l.reserved+estimate, last) {
		return false
	}
	l.reserved += estimate
	return true
}

// openShare is the part of a day's budget for everybody. The rest is for people who do something meanwhile and whose tier the model can change.
const openShare = 0.8

// within says whether so many micro USD are within a day's budget, or, last, within the part of it for everybody.
func (l *Ledger) within(micro int64, last bool) bool {
	share := 1.0
	if last {
		share = openShare
	}
	return l.budget < 0 || float64(micro) <= share*float64(l.budget)
}

// Used says whether the day's budget is used up, or, last, the part of it for everybody.
func (l *Ledger) Used(last bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.turn() != nil || !l.within(l.spent+1, last)
}

// Spend books what a call used and gives its reservation back.
func (l *Ledger) Spend(purpose string, u connectors.Usage, estimate int64) {
	l.mu.Lock()
	_ = l.turn()
	l.reserved = max(0, l.reserved-estimate)
	l.spent += u.MicroUSD
	day := l.day
	l.mu.Unlock()
	if u == (connectors.Usage{}) {
		return
	}
	l.db.AddUsageLater(day, state.Usage{Model: map[string]connectors.Usage{purpose: u}})
}

// ReserveLater asks for room for a prompt of a job that is likely to cost so many micro USD.
func (l *Ledger) ReserveLater(likely int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn() != nil || !l.within(l.spent+l.reserved+likely, true) {
		return false
	}
	l.reserved += likely
	return true
}

// BookLater ends a reservation of ReserveLater: u was used. The state books it by itself, with the answer.
func (l *Ledger) BookLater(u connectors.Usage, likely int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.turn()
	l.reserved = max(0, l.reserved-likely)
	l.spent += u.MicroUSD
}

// Within is a model whose calls keep within the day's budget and are booked under their purpose, for whoever has no Store. A
// call for which there is no room is not made: its error is of kind Quota.
func (l *Ledger) Within(m connectors.Model) connectors.Model { return budgeted{m, l} }

type budgeted struct {
	model  connectors.Model
	ledger *Ledger
}

// Generate asks the model if the budget allows it.
func (b budgeted) Generate(ctx context.Context, p connectors.Prompt) (connectors.Completion, error) {
	var estimate int64
	if e, ok := b.model.(intent.Estimator); ok {
		estimate = e.Estimate(p)
	}
	if !b.ledger.Reserve(estimate, false) {
		return connectors.Completion{}, &connectors.Error{Kind: connectors.Quota, Op: "model: " + p.Purpose, Message: "daily model budget spent"}
	}
	var c connectors.Completion
	defer func() { b.ledger.Spend(p.Purpose, c.Usage, estimate) }()
	var err error
	c, err = b.model.Generate(ctx, p)
	return c, err
}

// SpentToday is today's model spending and the budget, in micro USD; a budget below 0 is unbounded.
func (l *Ledger) SpentToday() (spent, budget int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.turn()
	return l.spent, l.budget
}

// DailyCalls is how many calls a connector made on a day.
func (l *Ledger) DailyCalls(connector, day string) int64 {
	l.mu.Lock()
	_ = l.turn()
	if day == l.day {
		n := l.calls[connector]
		l.mu.Unlock()
		return n
	}
	l.mu.Unlock()
	u, _ := l.db.Usage(day)
	return u.Calls[connector]
}

// AddCalls books n calls of a connector on a day.
func (l *Ledger) AddCalls(connector, day string, n int64) {
	l.mu.Lock()
	_ = l.turn()
	if day == l.day {
		l.calls[connector] += n
	}
	l.mu.Unlock()
	l.db.AddUsageLater(day, state.Usage{Calls: map[string]int64{connector: n}})
}

// exhaustedKey is where the settings have it; the state knows it by an older name.
func exhaustedKey(connector string) string { return "held-until/" + connector }

// ExhaustedUntil is until when a connector makes no calls; zero: it may. A time that cannot be read stops nothing: the vendor says
// it again.
func (l *Ledger) ExhaustedUntil(connector string) (until time.Time) {
	if b, err := l.db.Setting(exhaustedKey(connector)); err == nil && len(b) > 0 {
		_ = until.UnmarshalText(b)
	}
	return until
}

// SetExhausted keeps until when a connector makes no calls, because its day is used up.
func (l *Ledger) SetExhausted(connector string, until time.Time) {
	var b []byte
	if !until.IsZero() {
		b, _ = until.UTC().MarshalText()
	}
	l.db.SetSettingLater(exhaustedKey(connector), b)
}

// Cached looks a stage-1 summary up.
func (l *Ledger) Cached(key []byte) ([]byte, bool) { return l.cached("stage1", key) }

// Cache keeps a stage-1 summary.
func (l *Ledger) Cache(key, value []byte) { l.cache("stage1", key, value, stageTTL) }

func (l *Ledger) cached(cache string, key []byte) (value []byte, ok bool) {
	l.mu.Lock()
	value, ok = l.recent[cache+string(key)]
	l.mu.Unlock()
	if ok {
		return value, true
	}
	return l.db.Cached(cache, key, l.now())
}

func (l *Ledger) cache(cache string, key, value []byte, ttl time.Duration) {
	l.mu.Lock()
	if l.recent == nil || len(l.recent) >= recentEntries {
		l.recent = make(map[string][]byte)
	}
	l.recent[cache+string(key)] = value
	l.mu.Unlock()
	expires := l.now().Add(ttl)
	l.db.CacheLater(cache, key, value, expires)
}

// TopicCache is the ledger as the topic matcher's cache.
func (l *Ledger) TopicCache() TopicCache { return TopicCache{l} }

// TopicCache keeps matched topic pairs for 7 days.
type TopicCache struct{ l *Ledger }

// Cached looks a pair up.
func (c TopicCache) Cached(key []byte) ([]byte, bool) { return c.l.cached("topics", key) }

// Cache keeps a pair.
func (c TopicCache) Cache(key, value []byte) { c.l.cache("topics", key, value, topicTTL) }

// Answer is the last stage-2 answer of a person if it was given for the same inputs.
func (l *Ledger) Answer(person string, inputs uint64) (value []byte, ok bool) {
	id, valid := state.ParsePersonKey(person)
	if !valid {
		return nil, false
	}
	return l.db.Answer(id, inputs)
}

// KeepAnswer keeps a stage-2 answer under its person, with whom it goes.
func (l *Ledger) KeepAnswer(person string, inputs uint64, value []byte) {
	if id, valid := state.ParsePersonKey(person); valid {
		l.db.KeepAnswerLater(id, inputs, value)
	}
}
