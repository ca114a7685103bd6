package sandbox

import (
	"cmp"
	"slices"
	"sort"
)

// orderKey is a record's place in a timeOrder: its modification time in ms and its number in the table.
type orderKey struct {
	at  int64
	ord uint32
}

func (k orderKey) compare(o orderKey) int {
	if c := cmp.Compare(k.at, o.at); c != 0 {
		return c
	}
	return cmp.Compare(k.ord, o.ord)
}

// blockSize is how many keys a block holds at most. Inserting moves at most that many, finding a block is a binary search.
const blockSize = 512

// timeOrder keeps records ordered by modification time, then number: a sorted list cut into blocks. Inserting at the end,
// what nearly every write does, fills the last block; removing joins blocks that have become small.
type timeOrder struct {
	blocks [][]orderKey
	n      int
}

// block is the first block whose last key is not before k; len(blocks) if there is none.
func (o *timeOrder) block(k orderKey) int {
	return sort.Search(len(o.blocks), func(i int) bool {
		b := o.blocks[i]
		return b[len(b)-1].compare(k) >= 0
	})
}

func (o *timeOrder) insert(k orderKey) {
	o.n++
	i := o.block(k)
	if i == len(o.blocks) {
		if i == 0 || len(o.blocks[i-1]) == blockSize {
			o.blocks = append(o.blocks, append(make([]orderKey, 0, blockSize), k))
			return
		}
		o.blocks[i-1] = append(o.blocks[i-1], k)
		return
	}
	b := o.blocks[i]
	if len(b) == blockSize {
		right := append(make([]orderKey, 0, blockSize), b[blockSize/2:]...)
		b = b[:blockSize/2]
		o.blocks[i] = b
		o.blocks = slices.Insert(o.blocks, i+1, right)
		if k.compare(right[0]) > 0 {
			i, b = i+1, right
		}
	}
	at, _ := slices.BinarySearchFunc(b, k, orderKey.compare)
	o.blocks[i] = slices.Insert(b, at, k)
}

// remove takes k out; it must be there.
func (o *timeOrder) remove(k orderKey) {
	i := o.block(k)
	if i == len(o.blocks) {
		return
	}
	b := o.blocks[i]
	at, ok := slices.BinarySearchFunc(b, k, orderKey.compare)
	if !ok {
		return
	}
	o.n--
	b = slices.Delete(b, at, at+1)
	o.blocks[i] = b
	switch {
	case len(b) == 0:
		o.blocks = slices.Delete(o.blocks, i, i+1)
	case i+1 < len(o.blocks) && len(b)+len(o.blocks[i+1]) <= blockSize/2:
		o.blocks[i] = append(b, o.blocks[i+1]...)
		o.blocks = slices.Delete(o.blocks, i+1, i+2)
	}
}

// before counts the keys of a time earlier than at.
func (o *timeOrder) before(at int64) int {
	i := o.block(orderKey{at, 0})
	n := 0
	for _, b := range o.blocks[:i] {
		n += len(b)
	}
	if i < len(o.blocks) {
		k, _ := slices.BinarySearchFunc(o.blocks[i], orderKey{at, 0}, orderKey.compare)
		n += k
	}
	return n
}

// ascend visits the records with from ≤ time ≤ to in order until visit says false.
func (o *timeOrder) ascend(from, to int64, visit func(ord uint32) bool) {
	start := orderKey{from, 0}
	for i := o.block(start); i < len(o.blocks); i++ {
		b := o.blocks[i]
		k := 0
		if b[0].compare(start) < 0 {
			k, _ = slices.BinarySearchFunc(b, start, orderKey.compare)
		}
		for ; k < len(b); k++ {
			if b[k].at > to || !visit(b[k].ord) {
				return
			}
		}
	}
}

// descend visits the records with from ≤ time ≤ to, newest first, until visit says false.
func (o *timeOrder) descend(from, to int64, visit func(ord uint32) bool) {
	for i := len(o.blocks) - 1; i >= 0; i-- {
		b := o.blocks[i]
		if b[0].at > to {
			continue
		}
		for k := len(b) - 1; k >= 0; k-- {
			if b[k].at > to {
				continue
			}
			if b[k].at < from || !visit(b[k].ord) {
				return
			}
		}
	}
}
