package bolt

import (
	"bytes"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/intentd/intentd/state/engine"
)

// tx is a transaction over a bbolt one. What it changed is remembered as it was, so that a part can be taken back.
type tx struct {
	e       *Engine
	b       *bbolt.Tx
	buckets []*bbolt.Bucket
	cursors []*bbolt.Cursor // of look
	met     []pair          // the pair of each bucket that was last read or written: what is changed was nearly always read before
	arena   *arena          // nil in a View
	undo    []undo
	depth   int // of savepoints
	wrote   bool
	stuck   error // taking back failed: nothing can be kept
}

// pair is a key, which is set once there was one, and its value, nil if there is none.
type pair struct {
	set        bool
	key, value []byte
}

func (p *pair) keep(key, value []byte) {
	p.set, p.key, p.value = true, append(p.key[:0], key...), value
}

// undo is one change to take back: the pair as it was before, or where the sequence of a bucket stood.
type undo struct {
	bucket   engine.Bucket
	key      []byte // nil: the sequence
	value    []byte // nil: there was none
	sequence uint64
}

var errView = errors.New("state: write inside a view")

func (e *Engine) newTx(b *bbolt.Tx, a *arena) *tx {
	n := len(e.o.Buckets)
	return &tx{e: e, b: b, arena: a, buckets: make([]*bbolt.Bucket, n), cursors: make([]*bbolt.Cursor, n), met: make([]pair, n)}
}

func (tx *tx) bucket(id engine.Bucket) *bbolt.Bucket {
	b := tx.buckets[id]
	if b == nil {
		info := &tx.e.o.Buckets[id]
		b = tx.b.Bucket([]byte(info.Name))
		if b == nil {
			// Only a damaged file lacks a bucket; the panic is turned into ErrDamaged where the transaction was begun.
			panic(missingBucket(info.Name))
		}
		// Most keys ascend, so pages are best left almost full; splitting those of scattered keys in halves wastes least.
		if b.FillPercent = fill; info.Scattered {
			b.FillPercent = bbolt.DefaultFillPercent
		}
		tx.buckets[id] = b
	}
	return b
}

// fill is how full bbolt leaves the pages it splits. The rest is room for records to grow a little in place.
const fill = 0.92

type missingBucket string

// look is the transaction's one cursor of a bucket for looking something up: a cursor for each look-up would be the most
// frequent allocation of the whole program. It holds nothing between look-ups.
func (tx *tx) look(id engine.Bucket) *bbolt.Cursor {
	c := tx.cursors[id]
	if c == nil {
		c = tx.bucket(id).Cursor()
		tx.cursors[id] = c
	}
	return c
}

// Get is the value of key, inside the page; nil if there is none.
func (tx *tx) Get(id engine.Bucket, key []byte) []byte {
	last := &tx.met[id]
	if !last.set || !bytes.Equal(last.key, key) {
		k, v := tx.look(id).Seek(key)
		if !bytes.Equal(k, key) {
			v = nil
		}
		last.keep(key, v)
	}
	return last.value
}

// Floor is the pair with the greatest key that is not above key.
func (tx *tx) Floor(id engine.Bucket, key []byte) ([]byte, []byte) {
	k, v := tx.floor(id, key)
	if k != nil {
		tx.met[id].keep(k, v)
	}
	return k, v
}

func (tx *tx) floor(id engine.Bucket, key []byte) ([]byte, []byte) {
	c := tx.look(id)
	k, v := c.Seek(key)
	if k != nil && bytes.Equal(k, key) {
		return k, v
	}
	if k == nil {
		return c.Last()
	}
	if k, v = c.Prev(); k != nil {
		return k, v
	}
	// Either there is none before, or bbolt stopped at a page that this transaction has emptied: it goes on when asked again.
	first, _ := tx.bucket(id).Cursor().First()
	if first == nil || bytes.Compare(first, key) > 0 {
		return nil, nil
	}
	for k == nil {
		k, v = c.Prev()
	}
	return k, v
}

// cursor is where a scan stands.
type cursor struct {
	c       *bbolt.Cursor
	from    []byte // before the first pair
	prefix  []byte
	left    int // pairs; below 0: all
	started bool
	ended   bool
	room    [32]byte // of prefix and from
}

// Scan goes through a range.
func (tx *tx) Scan(r engine.Range) engine.Cursor {
	c := &cursor{c: tx.bucket(r.Bucket).Cursor(), left: r.Limit}
	if r.Limit <= 0 {
		c.left = -1
	}
	from := r.From
	if r.Floor {
		if k, _ := tx.Floor(r.Bucket, r.From); k != nil && bytes.HasPrefix(k, r.Prefix) {
			from = k
		}
	}
	if bytes.Compare(from, r.Prefix) < 0 {
		from = r.Prefix
	}
	room := append(append(c.room[:0], r.Prefix...), from...)
	c.prefix, c.from = room[:len(r.Prefix)], room[len(r.Prefix):]
	return c
}

// Next is the next pair.
func (c *cursor) Next() (k, v []byte) {
	if c.ended || c.left == 0 {
		return nil, nil
	}
	switch {
	case c.started:
		k, v = c.c.Next()
	case len(c.from) == 0:
		k, v = c.c.First()
	default:
		k, v = c.c.Seek(c.from)
	}
	c.started = true
	if k == nil || !bytes.HasPrefix(k, c.prefix) {
		c.ended = true
		return nil, nil
	}
	c.left--
	return k, v
}

// Put stores a pair.
func (tx *tx) Put(id engine.Bucket, key, value []byte) error {
	if tx.arena == nil {
		return errView
	}
	tx.remember(id, key)
	if value == nil {
		value = []byte{} // nil is no pair
	}
	tx.met[id].keep(key, value)
	return tx.bucket(id).Put(key, value)
}

// Delete removes a pair.
func (tx *tx) Delete(id engine.Bucket, key []byte) error {
	if tx.arena == nil {
		return errView
	}
	tx.remember(id, key)
	tx.met[id].keep(key, nil)
	return tx.bucket(id).Delete(key)
}

// Sequence counts up.
func (tx *tx) Sequence(id engine.Bucket) (uint64, error) {
	if tx.arena == nil {
		return 0, errView
	}
	tx.wrote = true
	b := tx.bucket(id)
	tx.undo = append(tx.undo, undo{bucket: id, sequence: b.Sequence()})
	return b.NextSequence()
}

// Alloc is room for a value that lives until the commit.
func (tx *tx) Alloc(n int) []byte {
	if tx.arena == nil {
		return make([]byte, n)
	}
	return tx.arena.alloc(n)
}

// remember keeps the pair as it is. A value read in a transaction stays as it is until its commit, so that it is not copied.
func (tx *tx) remember(id engine.Bucket, key []byte) {
	tx.wrote = true
	kept := tx.arena.alloc(len(key))
	copy(kept, key)
	tx.undo = append(tx.undo, undo{bucket: id, key: kept, value: tx.Get(id, key)})
}

// Savepoint runs fn and takes back what it did if it fails.
func (tx *tx) Savepoint(fn func() error) (err error) {
	begun, wrote := len(tx.undo), tx.wrote
	done := false
	tx.depth++
	defer func() {
		tx.depth--
		if done && tx.depth == 0 { // nobody can take it back any more
			clear(tx.undo[begun:])
			tx.undo = tx.undo[:begun]
		}
		if !done && tx.stuck == nil {
			tx.stuck = tx.e.guardAll(func() error { return tx.takeBack(begun) })
			tx.wrote = wrote
		}
	}()
	if err = tx.e.guard(fn); err == nil {
		done = true
	}
	return err
}

func (tx *tx) takeBack(begun int) error {
	clear(tx.met)
	for i := len(tx.undo) - 1; i >= begun; i-- {
		u := &tx.undo[i]
		b := tx.bucket(u.bucket)
		var err error
		switch {
		case u.key == nil:
			err = b.SetSequence(u.sequence)
		case u.value == nil:
			err = b.Delete(u.key)
		default:
			err = b.Put(u.key, u.value)
		}
		if err != nil {
			return err
		}
	}
	clear(tx.undo[begun:])
	tx.undo = tx.undo[:begun]
	return nil
}

// Prefetch has nothing to fetch: the file is mapped.
func (tx *tx) Prefetch() bool { return false }

// Missing is never anything.
func (tx *tx) Missing() bool { return false }

// Make makes a bucket.
func (tx *tx) Make(id engine.Bucket) error {
	if tx.arena == nil {
		return errView
	}
	tx.wrote = true
	_, err := tx.b.CreateBucketIfNotExists([]byte(tx.e.o.Buckets[id].Name))
	return err
}

// Fresh says that the file holds no bucket.
func (tx *tx) Fresh() bool {
	k, _ := tx.b.Cursor().First()
	return k == nil
}
