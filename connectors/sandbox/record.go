package sandbox

import (
	"encoding/binary"
	"slices"
)

// A record's values are kept in one string of cells, because a million records of twenty properties must fit in memory.
// A cell is uvarint(property·2 + tracked), uvarint(length), value; an empty value has no cell. A tracked value has its
// version in the history; one that is not is as old as the record.

type lifeState uint8

const (
	alive lifeState = iota
	archived
	erased // for privacy reasons, or archived for longer than the vendor keeps
	merged
)

type record struct {
	id                int64
	created, modified int64 // ms since 1970
	values            string
	versions          []byte // see version
	trim              int    // length of versions at which old ones are dropped next
	shown             *shown // what search sees while it lags behind; nil: the record as it is
	wrote             []wroteCount
	writes            uint32 // updates applied through the API
	state             lifeState
	origin            uint8 // source of the values the record was created with
	into              int64 // merged: the record it lives on in
	archivedAt        int64 // archived: ms
}

// shown is a state of a record that search still shows.
type shown struct {
	values   string
	modified int64
	live     bool
}

type wroteCount struct{ prop, n uint32 }

// count notes that the API wrote the properties.
func (r *record) count(changes []change) {
	r.writes++
	for _, c := range changes {
		i := slices.IndexFunc(r.wrote, func(w wroteCount) bool { return w.prop == uint32(c.prop) })
		if i < 0 {
			r.wrote = append(r.wrote, wroteCount{uint32(c.prop), 1})
			continue
		}
		r.wrote[i].n++
	}
}

// nextCell cuts the first cell off cells, which must not be empty.
func nextCell(cells string) (prop int, tracked bool, value, rest string) {
	key, n := uvarint(cells)
	cells = cells[n:]
	size, n := uvarint(cells)
	return int(key >> 1), key&1 != 0, cells[n : n+int(size)], cells[n+int(size):]
}

func uvarint(s string) (uint64, int) {
	if s[0] < 0x80 {
		return uint64(s[0]), 1
	}
	var v uint64
	for i := 0; ; i++ {
		v |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return v, i + 1
		}
	}
}

func appendCell[T []byte | string](dst []byte, prop int, tracked bool, value T) []byte {
	key := uint64(prop) << 1
	if tracked {
		key |= 1
	}
	dst = binary.AppendUvarint(dst, key)
	dst = binary.AppendUvarint(dst, uint64(len(value)))
	return append(dst, value...)
}

// cell is the value of one property.
func cell(cells string, prop int) (value string, tracked bool) {
	for cells != "" {
		p, t, v, rest := nextCell(cells)
		if p == prop {
			return v, t
		}
		cells = rest
	}
	return "", false
}

// change sets one property; an empty value clears it.
type change struct {
	prop  int
	value []byte
}

// author is who set a value: a source and, where it is a person, the user.
type author struct {
	source uint8
	user   int64
}

// version is one value that a property had, from at on.
type version struct {
	prop     int
	at       int64 // ms
	by       author
	value    string
	original bool // not in the history: the value the record was created with
}

func appendVersion[T []byte | string](dst []byte, prop int, at int64, by author, value T) []byte {
	dst = binary.AppendUvarint(dst, uint64(prop))
	dst = binary.AppendUvarint(dst, uint64(at))
	dst = append(dst, by.source)
	dst = binary.AppendUvarint(dst, uint64(by.user))
	dst = binary.AppendUvarint(dst, uint64(len(value)))
	return append(dst, value...)
}

// eachVersion visits a history from its oldest version on.
func eachVersion(b []byte, visit func(v version, raw []byte)) {
	for len(b) > 0 {
		whole := b
		next := func() uint64 {
			u, n := binary.Uvarint(b)
			b = b[n:]
			return u
		}
		v := version{prop: int(next()), at: int64(next())}
		v.by.source = b[0]
		b = b[1:]
		v.by.user = int64(next())
		n := next()
		v.value = string(b[:n])
		b = b[n:]
		visit(v, whole[:len(whole)-len(b)])
	}
}

// trimVersions keeps the newest keep versions of every property.
func trimVersions(b []byte, keep int) []byte {
	count := map[int]int{}
	eachVersion(b, func(v version, _ []byte) { count[v.prop]++ })
	out := make([]byte, 0, len(b))
	eachVersion(b, func(v version, raw []byte) {
		if count[v.prop] <= keep {
			out = append(out, raw...)
		}
		count[v.prop]--
	})
	return out
}

// history is the versions of one property, newest first, at most keep of them.
func (r *record) history(prop, keep int) []version {
	value, tracked := cell(r.values, prop)
	if value != "" && !tracked {
		return []version{{prop: prop, at: r.created, by: author{source: r.origin}, value: value, original: true}}
	}
	var out []version
	eachVersion(r.versions, func(v version, _ []byte) {
		if v.prop == prop {
			out = append(out, v)
		}
	})
	slices.Reverse(out)
	if len(out) > keep && keep > 0 {
		out = out[:keep]
	}
	return out
}

// slots spreads the cells of one record over the properties' numbers, for random access. It is used again and again.
type slots struct {
	value []string
	of    []uint32 // the load that value belongs to
	load  uint32
}

// fill loads a record's cells; n is the number of properties there are.
func (s *slots) fill(cells string, n int) {
	for len(s.of) < n {
		s.of = append(s.of, 0)
		s.value = append(s.value, "")
	}
	s.load++
	if s.load == 0 {
		clear(s.of)
		s.load = 1
	}
	for cells != "" {
		var p int
		var v string
		p, _, v, cells = nextCell(cells)
		s.of[p], s.value[p] = s.load, v
	}
}

func (s *slots) get(prop int) string {
	if s.of[prop] != s.load {
		return ""
	}
	return s.value[prop]
}
