package sandbox

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// table holds the records of one object: by id, and as search sees them by modification time. Search may lag: until its
// time has come, a write changes the record but not what search shows.
type table struct {
	recs []record
	ids  []int64 // of recs, ascending

	// What search sees.
	times   timeOrder
	seen    []int64  // modification time by number; unseen where search does not show the record
	visible []uint64 // a bit for every record search shows
	shownN  int

	lag     time.Duration
	pending []pendingWrite // in the order they become visible
	behind  map[uint32]int // records that search shows as they were, with their number of pending writes

	// The update under way.
	mark    []uint32 // by property: update that set it
	markOf  []int32  // by property: its change
	update  uint32
	scratch []byte
}

type pendingWrite struct {
	at  int64 // ms: when search sees it
	ord uint32
	shown
}

// unseen is the modification time of a record that search does not show.
const unseen = math.MinInt64

// find is the number of the record with an id.
func (t *table) find(id int64) (ord uint32, ok bool) {
	i, ok := slices.BinarySearch(t.ids, id)
	return uint32(i), ok
}

// ordFrom is the number of the first record whose id is not below id.
func (t *table) ordFrom(id int64) int {
	i, _ := slices.BinarySearch(t.ids, id)
	return i
}

// add appends a record; ids ascend.
func (t *table) add(r record, now int64) uint32 {
	ord := uint32(len(t.recs))
	t.recs = append(t.recs, r)
	t.ids = append(t.ids, r.id)
	t.seen = append(t.seen, unseen)
	if int(ord)/64 == len(t.visible) {
		t.visible = append(t.visible, 0)
	}
	t.changed(ord, shown{}, now)
	return ord
}

// changed brings search up to a record's present state, now or when the lag is over; was is its state before.
func (t *table) changed(ord uint32, was shown, now int64) {
	r := &t.recs[ord]
	is := shown{r.values, r.modified, r.state == alive}
	if t.lag <= 0 {
		t.show(ord, is)
		return
	}
	if t.behind == nil {
		t.behind = map[uint32]int{}
	}
	if t.behind[ord] == 0 {
		r.shown = &was
	}
	t.behind[ord]++
	t.pending = append(t.pending, pendingWrite{now + t.lag.Milliseconds(), ord, is})
}

// catchUp makes visible what search has had time to see.
func (t *table) catchUp(now int64) {
	n := 0
	for n < len(t.pending) && t.pending[n].at <= now {
		p := &t.pending[n]
		r := &t.recs[p.ord]
		t.show(p.ord, p.shown)
		if t.behind[p.ord]--; t.behind[p.ord] == 0 {
			delete(t.behind, p.ord)
			r.shown = nil
		} else {
			r.shown = &p.shown
		}
		n++
	}
	if n == len(t.pending) {
		t.pending = nil
	} else {
		t.pending = t.pending[n:]
	}
}

// show files a record under a state.
func (t *table) show(ord uint32, s shown) {
	old := t.seen[ord]
	if old == s.modified && s.live {
		return
	}
	if old != unseen {
		t.times.remove(orderKey{old, ord})
		t.seen[ord] = unseen
		t.visible[ord/64] &^= 1 << (ord % 64)
		t.shownN--
	}
	if s.live {
		t.times.insert(orderKey{s.modified, ord})
		t.seen[ord] = s.modified
		t.visible[ord/64] |= 1 << (ord % 64)
		t.shownN++
	}
}

// asShown is a record as search sees it.
func (t *table) asShown(ord uint32) (values string, modified int64) {
	r := &t.recs[ord]
	if r.shown != nil {
		return r.shown.values, r.shown.modified
	}
	return r.values, r.modified
}

// set applies changes to a record, later ones of the same property winning, and gives it a modification time. keep < 0
// keeps no history.
func (t *table) set(ord uint32, changes []change, by func(prop int) author, now int64, props, keep int) {
	r := &t.recs[ord]
	was := shown{r.values, r.modified, r.state == alive}
	for len(t.mark) < props {
		t.mark = append(t.mark, 0)
		t.markOf = append(t.markOf, 0)
	}
	if t.update++; t.update == 0 {
		clear(t.mark)
		t.update = 1
	}
	for i, c := range changes {
		t.mark[c.prop], t.markOf[c.prop] = t.update, int32(i)
	}
	const settled = -1
	out := t.scratch[:0]
	for cells := r.values; cells != ""; {
		p, tracked, v, rest := nextCell(cells)
		whole := cells[:len(cells)-len(rest)]
		cells = rest
		if t.mark[p] != t.update {
			out = append(out, whole...)
			continue
		}
		c := changes[t.markOf[p]]
		t.markOf[p] = settled
		if string(c.value) == v {
			out = append(out, whole...)
			continue
		}
		if keep >= 0 {
			if !tracked {
				r.versions = appendVersion(r.versions, p, r.created, author{source: r.origin}, v)
			}
			r.versions = appendVersion(r.versions, p, now, by(p), c.value)
		}
		if len(c.value) > 0 {
			out = appendCell(out, p, keep >= 0, c.value)
		}
	}
	for i, c := range changes {
		if t.markOf[c.prop] != int32(i) || len(c.value) == 0 {
			continue
		}
		if keep >= 0 {
			r.versions = appendVersion(r.versions, c.prop, now, by(c.prop), c.value)
		}
		out = appendCell(out, c.prop, keep >= 0, c.value)
	}
	t.scratch = out
	r.values = string(out)
	r.modified = now
	if keep > 0 && len(r.versions) > max(r.trim, 4096) {
		r.versions = trimVersions(r.versions, keep)
		r.trim = 2 * len(r.versions)
	}
	t.changed(ord, was, now)
}

// window is a span of modification times, both ends within.
type window struct{ from, to int64 }

// within sets the bits of the records that search shows, whose number is from ≤ n < to and whose modification time lies
// in w. It takes the cheapest of three ways: through the order of time, against it, or by looking at the span of numbers.
func (t *table) within(set []uint64, w window, from, to int) {
	if from >= to || w.from > w.to {
		return
	}
	span := to - from
	in := t.shownN - t.times.before(w.from)
	if w.to < math.MaxInt64 {
		in -= t.shownN - t.times.before(w.to+1)
	}
	out := t.shownN - in
	switch {
	case out == 0:
		copyBits(set, t.visible, from, to)
	case scanFactor*in < span:
		t.times.ascend(w.from, w.to, func(ord uint32) bool {
			if int(ord) >= from && int(ord) < to {
				set[ord/64] |= 1 << (ord % 64)
			}
			return true
		})
	case scanFactor*out < span:
		copyBits(set, t.visible, from, to)
		hide := func(ord uint32) bool {
			set[ord/64] &^= 1 << (ord % 64)
			return true
		}
		if w.from > math.MinInt64 {
			t.times.ascend(math.MinInt64, w.from-1, hide)
		}
		if w.to < math.MaxInt64 {
			t.times.ascend(w.to+1, math.MaxInt64, hide)
		}
	default:
		// Both bounds in one comparison and no branch on its outcome: half of a million of them would be guessed wrong.
		low := uint64(max(w.from, unseen+1))
		width := uint64(w.to) - low
		for n := from; n < to; {
			end := min((n|63)+1, to)
			var word uint64
			for i, at := range t.seen[n:end] {
				_, beyond := bits.Sub64(width, uint64(at)-low, 0)
				word |= (beyond ^ 1) << (uint(i) & 63)
			}
			set[n/64] |= word << (n % 64)
			n = end
		}
	}
}

// scanFactor is about how many records can be looked at in order of number in the time that one takes in order of time.
const scanFactor = 16

// copyBits sets in dst the bits from ≤ n < to of src.
func copyBits(dst, src []uint64, from, to int) {
	for w := from / 64; w*64 < to; w++ {
		x := src[w]
		if low := from - w*64; low > 0 {
			x &= ^uint64(0) << low
		}
		if high := to - w*64; high < 64 {
			x &= 1<<high - 1
		}
		dst[w] |= x
	}
}

// countBits is how many bits are set.
func countBits(set []uint64) int {
	n := 0
	for _, w := range set {
		n += bits.OnesCount64(w)
	}
	return n
}

// eachBit visits the set bits upwards, after leaving out the first skip, until visit says false.
func eachBit(set []uint64, skip int, visit func(ord uint32) bool) {
	for i, w := range set {
		if n := bits.OnesCount64(w); n <= skip {
			skip -= n
			continue
		}
		for ; w != 0; w &= w - 1 {
			if skip > 0 {
				skip--
				continue
			}
			if !visit(uint32(i*64 + bits.TrailingZeros64(w))) {
				return
			}
		}
	}
}

// eachBitDown visits the set bits downwards, after leaving out the first skip, until visit says false.
func eachBitDown(set []uint64, skip int, visit func(ord uint32) bool) {
	for i := len(set) - 1; i >= 0; i-- {
		w := set[i]
		if n := bits.OnesCount64(w); n <= skip {
			skip -= n
			continue
		}
		for w != 0 {
			top := 63 - bits.LeadingZeros64(w)
			w &^= 1 << top
			if skip > 0 {
				skip--
				continue
			}
			if !visit(uint32(i*64 + top)) {
				return
			}
		}
	}
}
