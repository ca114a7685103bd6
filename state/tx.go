package state

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// Tx is a transaction: a consistent view of the state and, inside Update, the means to change it. It is valid until the
// function it was given to returns, and belongs to that function's goroutine.
type Tx struct {
	db      *DB
	b       *bbolt.Tx
	buckets [bucketCount]*bbolt.Bucket
	cursors [bucketCount]*bbolt.Cursor // of look
	w       *write                     // nil in a View
}

// write is what a transaction carries beside its pages: everything the DB takes over once the commit is on disk.
type write struct {
	ops      int // puts and deletes so far
	counts   counts
	names    []string // new ones, in order
	nameBase int      // names before this transaction
	queue    queueChange
	undo     []undo // what the call under way changed
	arena    *arena
}

func (db *DB) newTx(b *bbolt.Tx, w *write) *Tx { return &Tx{db: db, b: b, w: w} }

func (tx *Tx) bucket(id bucketID) *bbolt.Bucket {
	b := tx.buckets[id]
	if b == nil {
		b = tx.b.Bucket(bucketNames[id])
		if b == nil {
			// Only a damaged file lacks a bucket; the panic is turned into ErrDamaged where the transaction was begun.
			panic(missingBucket(bucketNames[id]))
		}
		b.FillPercent = fillOf(id)
		tx.buckets[id] = b
	}
	return b
}

// look is the transaction's one cursor of a bucket for looking something up: a cursor for each look-up would be the most
// frequent allocation of the whole program. It holds nothing between look-ups.
func (tx *Tx) look(id bucketID) *bbolt.Cursor {
	c := tx.cursors[id]
	if c == nil {
		c = tx.bucket(id).Cursor()
		tx.cursors[id] = c
	}
	return c
}

// get is the value of key, inside the page; nil if there is none.
func (tx *Tx) get(id bucketID, key []byte) []byte {
	if k, v := tx.look(id).Seek(key); bytes.Equal(k, key) {
		return v
	}
	return nil
}

// fill is how full bbolt leaves the pages it splits. Most keys ascend, so pages are best left almost full; the rest is room
// for records to grow a little in place.
const fill = 0.92

// fillOf is fill, but for the indexes whose entries come in any order: splitting those in halves wastes least.
func fillOf(id bucketID) float64 {
	switch id {
	case bIdentities, bDue, bReceiptAge:
		return bbolt.DefaultFillPercent
	}
	return fill
}

type missingBucket string

// put stores a pair. The value must stay untouched until the commit: it comes from alloc, keep or a fresh slice.
func (tx *Tx) put(id bucketID, key, value []byte) error {
	if tx.w == nil {
		return errInView
	}
	tx.w.ops++
	tx.remember(id, key)
	return tx.bucket(id).Put(key, value)
}

func (tx *Tx) del(id bucketID, key []byte) error {
	if tx.w == nil {
		return errInView
	}
	tx.w.ops++
	tx.remember(id, key)
	return tx.bucket(id).Delete(key)
}

func (tx *Tx) sequence(id bucketID) (uint64, error) {
	if tx.w == nil {
		return 0, errInView
	}
	tx.w.ops++
	return tx.bucket(id).NextSequence()
}

// alloc is room for a value that lives until the commit.
func (tx *Tx) alloc(n int) []byte {
	if tx.w == nil {
		return make([]byte, n)
	}
	return tx.w.arena.alloc(n)
}

// keep copies v to where it lives until the commit.
func (tx *Tx) keep(v []byte) []byte {
	c := tx.alloc(len(v))
	copy(c, v)
	return c
}

// arena hands out the memory of one transaction's values from large chunks and takes it all back at once.
type arena struct {
	chunks [][]byte
	in     int // chunk in use
	used   int // bytes of it

	scratch []byte // for a value in the making
}

const (
	chunkSize   = 256 << 10
	chunksToOwn = 16 // kept between transactions: 4 MB
)

func (a *arena) alloc(n int) []byte {
	if n > chunkSize/4 {
		return make([]byte, n)
	}
	if len(a.chunks) == 0 || a.used+n > chunkSize {
		if len(a.chunks) > 0 {
			a.in++
		}
		if a.in == len(a.chunks) {
			a.chunks = append(a.chunks, make([]byte, chunkSize))
		}
		a.used = 0
	}
	v := a.chunks[a.in][a.used : a.used+n : a.used+n]
	a.used += n
	return v
}

func (a *arena) reset() {
	if len(a.chunks) > chunksToOwn {
		clear(a.chunks[chunksToOwn:])
		a.chunks = a.chunks[:chunksToOwn]
	}
	a.in, a.used = 0, 0
	if cap(a.scratch) > chunkSize {
		a.scratch = nil
	}
}
