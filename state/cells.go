package state

import (
	"bytes"
	"slices"

	"github.com/intentd/intentd/state/engine"
)

// A cell index is a sorted set of short entries of one width, many packed into one bbolt pair (a cell): bbolt spends 16
// bytes and a key on every pair, more than such an entry itself. A cell's key is at most its first entry and greater than
// every entry of the cell before.
type cellIndex struct {
	bucket bucketID
	key    int // leading bytes of an entry that identify it
	width  int // bytes of an entry
}

// maxCell is the size in bytes from which a cell is split: large enough to make bbolt's own cost small, small enough that
// rewriting one costs little.
const maxCell = 480

// search is where key is, or belongs, in cell, in bytes.
func (x cellIndex) search(cell, key []byte) (at int, found bool) {
	lo, hi := 0, len(cell)/x.width
	for lo < hi {
		mid := (lo + hi) / 2
		switch c := bytes.Compare(cell[mid*x.width:mid*x.width+x.key], key); {
		case c == 0:
			return mid * x.width, true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return lo * x.width, false
}

// get is the entry of key, inside the page; nil if there is none.
func (x cellIndex) get(tx *txn, key []byte) []byte {
	_, cell := tx.floor(x.bucket, key)
	if at, found := x.search(cell, key); found {
		return cell[at : at+x.width]
	}
	return nil
}

// put stores an entry over the one with the same key. added says that there was none.
func (x cellIndex) put(tx *txn, entry []byte) (added bool, err error) {
	cellKey, cell := tx.floor(x.bucket, entry[:x.key])
	if cellKey == nil {
		// The lowest cell gets the lowest key, so that whatever comes later finds a cell before it.
		return true, tx.put(x.bucket, make([]byte, x.key), tx.keep(entry))
	}
	at, found := x.search(cell, entry[:x.key])
	if found {
		grown := tx.alloc(len(cell))
		copy(grown, cell)
		copy(grown[at:], entry)
		return false, tx.put(x.bucket, cellKey, grown)
	}
	if len(cell)+x.width > maxCell {
		if at == len(cell) { // ascending entries, as times are: leave a full cell behind
			return true, tx.put(x.bucket, entry[:x.key], tx.keep(entry))
		}
		cut := len(cell) / x.width / 2 * x.width
		left, right := tx.keep(cell[:cut]), tx.keep(cell[cut:])
		if err := tx.put(x.bucket, cellKey, left); err != nil {
			return false, err
		}
		if err := tx.put(x.bucket, right[:x.key], right); err != nil {
			return false, err
		}
		return x.put(tx, entry)
	}
	grown := tx.alloc(len(cell) + x.width)
	copy(grown, cell[:at])
	copy(grown[at:], entry)
	copy(grown[at+x.width:], cell[at:])
	return true, tx.put(x.bucket, cellKey, grown)
}

// drop removes the entry of key and says whether there was one.
func (x cellIndex) drop(tx *txn, key []byte) (bool, error) {
	cellKey, cell := tx.floor(x.bucket, key)
	at, found := x.search(cell, key)
	if !found {
		return false, nil
	}
	if len(cell) == x.width {
		return true, tx.del(x.bucket, cellKey)
	}
	shrunk := tx.alloc(len(cell) - x.width)
	copy(shrunk, cell[:at])
	copy(shrunk[at:], cell[at+x.width:])
	return true, tx.put(x.bucket, cellKey, shrunk)
}

// scanCells is how many cells a scan asks for at a time.
const scanCells = 16

// scan calls yield with the entries from key on, inside the page, until it returns false.
func (x cellIndex) scan(tx *txn, from []byte, yield func(entry []byte) bool) {
	x.scanBy(tx, from, scanCells, yield)
}

// scanBy is scan, asking for so many cells at a time.
func (x cellIndex) scanBy(tx *txn, from []byte, atATime int, yield func(entry []byte) bool) {
	for start, floor := from, true; start != nil; floor = false {
		c := tx.e.Scan(engine.Range{Bucket: x.bucket, From: start, Floor: floor, Limit: atATime})
		start = nil
		n := 0
		for k, cell := c.Next(); k != nil; k, cell = c.Next() {
			for at := 0; at+x.width <= len(cell); at += x.width {
				if bytes.Compare(cell[at:at+x.key], from[:min(len(from), x.key)]) < 0 {
					continue
				}
				if !yield(cell[at : at+x.width]) {
					return
				}
			}
			if n++; n == atATime {
				start = append(slices.Clone(k), 0)
			}
		}
	}
}
