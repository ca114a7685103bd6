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
	caches                       map[uint32]int64 // entries by number of the cache's name; copied before it is changed
}

var countsKey = []byte("counts")

func (c *counts) fields() []*int64 {
	f := []*int64{&c.people, &c.contacts, &c.identities, &c.due, &c.journal, &c.dead, &c.receipts}
	for i := range c.queue {
		f = append(f, &c.queue[i])
	}
	return f
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

func (c *counts) decode(b []byte) error {
	*c = counts{}
	if b == nil {
		return nil
	}
	r := reader{b: b}
	f := c.fields()
	if r.count() != len(f) {
		return damaged("counts")
	}
	for _, v := range f {
		*v = r.varint()
	}
	for len(r.b) > 0 && !r.bad {
		name := r.uvarint()
		c.addCache(uint32(name), r.varint())
	}
	if r.bad {
		return damaged("counts")
	}
	return nil
}
