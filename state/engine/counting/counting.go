// Package counting is an engine over another one that has nothing at hand, as one has at the other end of a network: whatever a function reads has
// to be fetched first, level by level, and each level is one round trip. It counts them, for tests.
package counting

import (
	"bytes"
	"slices"
	"sync"

	"github.com/intentd/intentd/state/engine"
)

// Engine counts what is asked of the engine it wraps.
type Engine struct {
	engine.Engine

	// Levels, if it is set, is told of every call in an Update (a savepoint that is in no other) and of every View: how many levels it read.
	Levels func(n int)

	mu      sync.Mutex
	fetches int
	commits int
}

// Counts are the round trips and commits since the last call.
func (e *Engine) Counts() (fetches, commits int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fetches, commits = e.fetches, e.commits
	e.fetches, e.commits = 0, 0
	return fetches, commits
}

func (e *Engine) count(fetches, commits int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fetches += fetches
	e.commits += commits
}

// View counts the levels of fn.
func (e *Engine) View(fn func(engine.Tx) error) error {
	return e.Engine.View(func(inner engine.Tx) error {
		t := newTx(e, inner)
		defer t.told()
		return fn(t)
	})
}

// Update counts a commit if fn changes anything.
func (e *Engine) Update(fn func(engine.Tx) error) error {
	wrote := false
	err := e.Engine.Update(func(inner engine.Tx) error {
		t := newTx(e, inner)
		err := fn(t)
		wrote = t.wrote
		return err
	})
	if err == nil && wrote {
		e.count(0, 1)
	}
	return err
}

// tx knows what was fetched, and gives nothing else.
type tx struct {
	engine.Tx
	e      *Engine
	known  map[engine.Bucket]*known
	missed []miss
	own    []ownKey // keys known because they were written, in order
	levels int
	depth  int // of savepoints
	wrote  bool
	again  bool // the call under way has to be run again
}

// known is what is at hand of a bucket: single keys, and stretches of which every pair is.
type known struct {
	keys   map[string]bool // true: fetched; false: written by the transaction itself
	ranges []stretch
}

// stretch holds the keys from low to high, both among them; a nil high has no end.
type stretch struct{ low, high []byte }

type ownKey struct {
	bucket engine.Bucket
	key    string
}

// miss is what is to be fetched.
type miss struct {
	floor bool // of From, down to low where the transaction itself deleted what is between
	low   []byte
	key   bool // From alone
	engine.Range
}

func newTx(e *Engine, inner engine.Tx) *tx {
	return &tx{Tx: inner, e: e, known: map[engine.Bucket]*known{}}
}

func (t *tx) told() {
	if t.e.Levels != nil {
		t.e.Levels(t.levels)
	}
	t.levels = 0
}

func (t *tx) bucket(id engine.Bucket) *known {
	k := t.known[id]
	if k == nil {
		k = &known{keys: map[string]bool{}}
		t.known[id] = k
	}
	return k
}

// reach is the least key above pos up to which every pair is at hand; end says that it is the last of all.
func (k *known) reach(pos []byte) (to []byte, end bool) {
	for moved := true; moved; {
		moved = false
		for _, s := range k.ranges {
			switch {
			case bytes.Compare(s.low, pos) > 0:
			case s.high == nil:
				return nil, true
			case bytes.Compare(s.high, pos) >= 0:
				pos, moved = append(slices.Clone(s.high), 0), true
			}
		}
	}
	return pos, false
}

// covers says whether every pair from low to high is at hand.
func (k *known) covers(low, high []byte) bool {
	to, end := k.reach(low)
	return end || high != nil && bytes.Compare(high, to) < 0
}

func (t *tx) miss(m miss) {
	m.Prefix, m.From = slices.Clone(m.Prefix), slices.Clone(m.From)
	t.missed = append(t.missed, m)
}

// Get gives what is at hand.
func (t *tx) Get(id engine.Bucket, key []byte) []byte {
	k := t.bucket(id)
	if _, ok := k.keys[string(key)]; !ok && !k.covers(key, key) {
		t.miss(miss{key: true, Range: engine.Range{Bucket: id, From: key}})
		return nil
	}
	return t.Tx.Get(id, key)
}

// Floor gives what is at hand.
func (t *tx) Floor(id engine.Bucket, key []byte) (k, v []byte) {
	k, v = t.Tx.Floor(id, key)
	if !t.bucket(id).covers(k, key) {
		t.miss(miss{floor: true, low: slices.Clone(k), Range: engine.Range{Bucket: id, From: key}})
		return nil, nil
	}
	return k, v
}

// Scan gives what is at hand.
func (t *tx) Scan(r engine.Range) engine.Cursor {
	c := &cursor{t: t, r: r, Cursor: t.Tx.Scan(r)}
	c.r.Prefix, c.r.From = slices.Clone(r.Prefix), slices.Clone(r.From)
	c.at = c.r.From
	if r.Floor {
		if k, _ := t.Tx.Floor(r.Bucket, r.From); k != nil {
			c.at = slices.Clone(k)
		} else {
			c.at = nil
		}
	}
	if bytes.Compare(c.at, r.Prefix) < 0 {
		c.at = c.r.Prefix
	}
	return c
}

type cursor struct {
	engine.Cursor
	t     *tx
	r     engine.Range
	at    []byte // up to which all was given
	given int
	ended bool
}

func (c *cursor) Next() (k, v []byte) {
	if c.ended || c.r.Limit > 0 && c.given == c.r.Limit {
		return nil, nil
	}
	k, v = c.Cursor.Next()
	high := k
	if k == nil {
		high = after(c.r.Prefix)
	}
	if !c.t.bucket(c.r.Bucket).covers(c.at, high) {
		c.ended = true
		rest := c.r
		rest.From, _ = c.t.bucket(c.r.Bucket).reach(c.at)
		if rest.Floor = c.r.Floor && c.given == 0 && bytes.Equal(rest.From, c.at); rest.Floor {
			rest.From = c.r.From
		}
		if rest.Limit > 0 {
			rest.Limit -= c.given
		}
		c.t.miss(miss{Range: rest})
		return nil, nil
	}
	c.ended = k == nil
	c.at = append(slices.Clone(k), 0)
	c.given++
	return k, v
}

// after is the least key that is above all that begin with prefix; nil if there is none.
func after(prefix []byte) []byte {
	out := slices.Clone(prefix)
	for len(out) > 0 {
		if out[len(out)-1]++; out[len(out)-1] != 0 {
			return out
		}
		out = out[:len(out)-1]
	}
	return nil
}

// Prefetch fetches all that was missed in one round trip.
func (t *tx) Prefetch() bool {
	t.again = len(t.missed) > 0
	if t.again && t.depth == 0 {
		t.fetchMissed()
	}
	return t.again // in a savepoint: once it has taken back what was written without it
}

// Missing says whether something was missed.
func (t *tx) Missing() bool { return len(t.missed) > 0 }

func (t *tx) fetchMissed() {
	for _, m := range t.missed {
		k := t.bucket(m.Bucket)
		switch {
		case m.key:
			k.keys[string(m.From)] = true
		case m.floor:
			low, _ := t.Tx.Floor(m.Bucket, m.From)
			if bytes.Compare(m.low, low) < 0 {
				low = m.low
			}
			k.ranges = append(k.ranges, stretch{slices.Clone(low), m.From})
		default:
			k.ranges = append(k.ranges, t.fetch(m.Range))
		}
	}
	t.missed = nil
	t.levels++
	t.e.count(1, 0)
}

// fetch is the stretch that a range is.
func (t *tx) fetch(r engine.Range) stretch {
	out := stretch{low: r.From}
	if r.Floor {
		low, _ := t.Tx.Floor(r.Bucket, r.From)
		out.low = slices.Clone(low)
	}
	if bytes.Compare(out.low, r.Prefix) < 0 {
		out.low = r.Prefix
	}
	c := t.Tx.Scan(r)
	n := 0
	for k, _ := c.Next(); k != nil; k, _ = c.Next() {
		out.high = slices.Clone(k)
		n++
	}
	if r.Limit <= 0 || n < r.Limit {
		out.high = after(r.Prefix)
	}
	return out
}

// Put makes a key known.
func (t *tx) Put(id engine.Bucket, key, value []byte) error {
	t.write(id, key)
	return t.Tx.Put(id, key, value)
}

// Delete makes a key known.
func (t *tx) Delete(id engine.Bucket, key []byte) error {
	t.write(id, key)
	return t.Tx.Delete(id, key)
}

func (t *tx) write(id engine.Bucket, key []byte) {
	t.wrote = true
	k := t.bucket(id)
	if _, ok := k.keys[string(key)]; !ok {
		k.keys[string(key)] = false
		t.own = append(t.own, ownKey{id, string(key)})
	}
}

// Savepoint forgets what it knew of what is taken back.
func (t *tx) Savepoint(fn func() error) (err error) {
	own, wrote, done := len(t.own), t.wrote, false
	t.depth++
	defer func() {
		if !done {
			for _, o := range t.own[own:] {
				if k := t.bucket(o.bucket).keys; !k[o.key] {
					delete(k, o.key)
				}
			}
			t.own, t.wrote = t.own[:own], wrote
		}
		if t.depth--; t.depth > 0 {
			return
		}
		if t.again {
			t.fetchMissed()
		} else {
			t.told()
		}
	}()
	err = t.Tx.Savepoint(fn)
	done = err == nil
	return err
}
