package state

import (
	"slices"

	"github.com/intentd/intentd/state/engine"
)

// get is the value of key, inside the page; nil if there is none.
func (tx *txn) get(id bucketID, key []byte) []byte {
	tx.key = append(tx.key[:0], key...)
	return tx.e.Get(id, tx.key)
}

// floor is the pair with the greatest key that is not above key, inside the page.
func (tx *txn) floor(id bucketID, key []byte) (k, v []byte) {
	tx.key = append(tx.key[:0], key...)
	return tx.e.Floor(id, tx.key)
}

// scan goes through the pairs whose keys begin with prefix and are not below from, at most n of them (0: all).
func (tx *txn) scan(id bucketID, prefix, from []byte, n int) engine.Cursor {
	tx.key = append(append(tx.key[:0], prefix...), from...)
	return tx.e.Scan(engine.Range{Bucket: id, Prefix: tx.key[:len(prefix)], From: tx.key[len(prefix):], Limit: n})
}

// walk is scan for who cannot tell how many pairs it takes: it asks for so many at a time, until visit returns false.
func (tx *txn) walk(id bucketID, prefix, from []byte, atATime int, visit func(k, v []byte) bool) {
	for more := true; more; {
		c := tx.scan(id, prefix, from, atATime)
		n := 0
		for k, v := c.Next(); k != nil; k, v = c.Next() {
			if !visit(k, v) {
				return
			}
			if n++; n == atATime {
				from = append(slices.Clone(k), 0)
			}
		}
		more = n == atATime
	}
}

// put stores a pair. The value must stay untouched until the commit: it comes from alloc, keep or a fresh slice.
func (tx *txn) put(id bucketID, key, value []byte) error {
	tx.w.ops++
	tx.key = append(tx.key[:0], key...)
	return tx.e.Put(id, tx.key, value)
}

func (tx *txn) del(id bucketID, key []byte) error {
	tx.w.ops++
	tx.key = append(tx.key[:0], key...)
	return tx.e.Delete(id, tx.key)
}

func (tx *txn) sequence(id bucketID) (uint64, error) {
	tx.w.ops++
	return tx.e.Sequence(id)
}

// alloc is room for a value that lives until the commit.
func (tx *txn) alloc(n int) []byte { return tx.e.Alloc(n) }

// keep copies v to where it lives until the commit.
func (tx *txn) keep(v []byte) []byte {
	c := tx.alloc(len(v))
	copy(c, v)
	return c
}

// savepoint is where the DB's own part of a transaction stood.
type savepoint struct {
	ops    int
	counts counts
	names  int
	queue  queueChange
}

func (w *write) savepoint() savepoint { return savepoint{w.ops, w.counts, len(w.names), w.queue} }

func (w *write) restore(s savepoint) {
	w.ops, w.counts, w.names, w.queue = s.ops, s.counts, w.names[:s.names], s.queue
}

// Attempt does what concerns one of several rows or people: if do fails, what it changed is taken back and the others go on. The error is do's own.
func (tx *txn) Attempt(do func() error) error {
	s := tx.w.savepoint()
	err := tx.e.Savepoint(do)
	if err == nil {
		return nil
	}
	tx.w.restore(s)
	if tx.e.Missing() { // all is void and runs again: the other rows are to read what they need, too
		return nil
	}
	return err
}

// set stores a copy of v, or deletes the pair if v is nil.
func (tx *txn) set(id bucketID, key, v []byte) error {
	if v == nil {
		return tx.del(id, key)
	}
	return tx.put(id, key, slices.Clone(v))
}

// dropPrefix deletes up to n pairs (all if n < 0) whose keys begin with prefix and says how many.
func (tx *txn) dropPrefix(id bucketID, prefix []byte, n int) (int, error) {
	keys := tx.keysWith(id, prefix, n)
	for _, k := range keys {
		if err := tx.del(id, k); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// keysWith is up to n keys (all if n < 0) that begin with prefix. bbolt's cursors do not survive changes, hence the list.
func (tx *txn) keysWith(id bucketID, prefix []byte, n int) (keys [][]byte) {
	c := tx.scan(id, prefix, nil, max(n, 0))
	for k, _ := c.Next(); k != nil && (n < 0 || len(keys) < n); k, _ = c.Next() {
		keys = append(keys, slices.Clone(k))
	}
	return keys
}

func hasPrefix(k, prefix []byte) bool {
	return len(k) >= len(prefix) && string(k[:len(prefix)]) == string(prefix)
}
