package state

import (
	"encoding/binary"
	"maps"
)

// counts are how many of each there are. They are stored with every commit that changes them, so that opening a file
// of a million people reads one record.
type counts struct {
	people, contacts, identities int64
	due, journal, dead, receipts int64
	queue                        [Lanes]int64
	tiers                        [Tiers]int64
	held                         int64            // contacts of which a person holds a field
	heldOut                      int64            // people of whom nothing is written, for comparison; they are in no tier
	caches                       map[uint32]int64 // entries by number of the cache's name; copied before it is changed
}

var countsKey = []byte("counts")

func (c *counts) fields() []*int64 {
	f := []*int64{&c.people, &c.contacts, &c.identities, &c.due, &c.journal, &c.dead, &c.receipts}
	for i := range c.queue {
		f = append(f, &c.queue[i])
	}
	for i := range c.tiers {
		f = append(f, &c.tiers[i])
	}
	return append(f, &c.held, &c.heldOut)
}

// countsBefore is how many fields there were before tiers and held fields were counted, countsTiers before people held out were: none of them
// was then.
const (
	countsBefore = 7 + Lanes
	countsTiers  = countsBefore + Tiers + 1
)

// of is the count that somebody is in.
func (c *counts) of(flags PersonFlags, tier Tier) *int64 {
	if flags&FlagHeldOut != 0 {
		return &c.heldOut
	}
	return &c.tiers[tier]
}

func (c *counts) addCache(name uint32, n int64) {
	fresh := maps.Clone(c.caches)
	if fresh == nil {
		fresh = map[uint32]int64{}
	}
	if fresh[name] += n; fresh[name] == 0 {
		delete(fresh, name)
	}
	c.caches = fresh
}

func (c *counts) equal(d *counts) bool {
	e, f := c.fields(), d.fields()
	for i := range e {
		if *e[i] != *f[i] {
			return false
		}
	}
	return maps.Equal(c.caches, d.caches)
}

func (c *counts) encode() []byte {
	var b []byte
	f := c.fields()
	b = binary.AppendUvarint(b, uint64(len(f)))
	for _, v := range f {
		b = binary.AppendVarint(b, *v)
	}
	for name, n := range c.caches {
		b = binary.AppendVarint(binary.AppendUvarint(b, uint64(name)), n)
	}
	return b
}

// decode reads what encode wrote. older says that it was written before tiers and held fields were counted.
func (c *counts) decode(b []byte) (older bool, err error) {
	*c = counts{}
	if b == nil {
		return false, nil
	}
	r := reader{b: b}
	f := c.fields()
	n := r.count()
	if older = n == countsBefore; !older && n != countsTiers && n != len(f) {
		return false, damaged("counts")
	}
	for _, v := range f[:n] {
		*v = r.varint()
	}
	for len(r.b) > 0 && !r.bad {
		name := r.uvarint()
		c.addCache(uint32(name), r.varint())
	}
	if r.bad {
		return false, damaged("counts")
	}
	return older, nil
}
