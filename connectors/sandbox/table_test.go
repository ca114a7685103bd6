package sandbox

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTimeOrderAgainstASortedList holds the blocks against a plain sorted list.
func TestTimeOrderAgainstASortedList(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var o timeOrder
	var list []orderKey
	clock := int64(1000)
	for step := range 60_000 {
		switch {
		case rng.IntN(3) > 0 || len(list) == 0:
			if rng.IntN(5) == 0 {
				clock++
			}
			at := clock
			if rng.IntN(10) == 0 {
				at = rng.Int64N(clock) // a clock that went back, or a given time
			}
			k := orderKey{at, uint32(step)}
			o.insert(k)
			i, _ := slices.BinarySearchFunc(list, k, orderKey.compare)
			list = slices.Insert(list, i, k)
		default:
			i := rng.IntN(len(list))
			o.remove(list[i])
			list = slices.Delete(list, i, i+1)
		}
		if step%5000 != 0 {
			continue
		}
		from, to := rng.Int64N(clock), rng.Int64N(clock+10)
		var want, up, down []uint32
		before := 0
		for _, k := range list {
			if k.at < from {
				before++
			}
			if k.at >= from && k.at <= to {
				want = append(want, k.ord)
			}
		}
		o.ascend(from, to, func(ord uint32) bool { up = append(up, ord); return true })
		o.descend(from, to, func(ord uint32) bool { down = append(down, ord); return true })
		slices.Reverse(down)
		if !slices.Equal(up, want) || !slices.Equal(down, want) || o.before(from) != before || o.n != len(list) {
			t.Fatalf("step %d: %d up, %d down, want %d; before %d, want %d; n %d, want %d", step, len(up), len(down), len(want), o.before(from), before, o.n, len(list))
		}
	}
	for _, k := range list {
		o.remove(k)
	}
	if o.n != 0 || len(o.blocks) != 0 {
		t.Errorf("%d keys in %d blocks are left", o.n, len(o.blocks))
	}
}

// TestWithinFindsTheSameInEachWay holds the three ways to collect a window against a look at every record.
func TestWithinFindsTheSameInEachWay(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var tab table
	const n = 5000
	for i := range n {
		tab.add(record{id: int64(i * 7), modified: rng.Int64N(1000)}, 0)
	}
	for range 3000 {
		ord := uint32(rng.IntN(n))
		r := &tab.recs[ord]
		was := shown{r.values, r.modified, r.state == alive}
		if rng.IntN(4) == 0 {
			r.state = archived
		} else {
			r.modified, r.state = rng.Int64N(1000), alive
		}
		tab.changed(ord, was, 0)
	}
	edges := []int64{math.MinInt64, 0, 1, 300, 500, 501, 990, 1000, math.MaxInt64}
	for _, from := range edges {
		for _, to := range edges {
			for _, span := range [][2]int{{0, n}, {63, 65}, {64, 128}, {1, 4999}, {2000, 2600}, {n, n}, {10, 10}} {
				set := make([]uint64, len(tab.visible))
				tab.within(set, window{from, to}, span[0], span[1])
				for i := range tab.recs {
					r := &tab.recs[i]
					want := r.state == alive && r.modified >= from && r.modified <= to && i >= span[0] && i < span[1]
					if got := set[i/64]&(1<<(i%64)) != 0; got != want {
						t.Fatalf("window %d to %d, numbers %v: record %d is %v, want %v", from, to, span, i, got, want)
					}
				}
			}
		}
	}
}

func TestBitsAreVisitedInBothDirections(t *testing.T) {
	set := []uint64{1<<3 | 1<<63, 0, 1 | 1<<1}
	want := []uint32{3, 63, 128, 129}
	for skip := range 6 {
		var up, down []uint32
		eachBit(set, skip, func(o uint32) bool { up = append(up, o); return true })
		eachBitDown(set, skip, func(o uint32) bool { down = append(down, o); return true })
		slices.Reverse(down)
		k := min(skip, len(want))
		if !slices.Equal(up, want[k:]) || !slices.Equal(down, want[:len(want)-k]) {
			t.Errorf("skip %d: %v and %v", skip, up, down)
		}
	}
	if countBits(set) != 4 {
		t.Errorf("%d bits", countBits(set))
	}
}

// TestRecordsAgainstMaps holds cells and their history against plain maps under random updates.
func TestRecordsAgainstMaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var tab table
	const props = 300
	tab.add(record{id: 1, created: 1}, 1)
	model := map[int]string{}
	newest := map[int]int64{}
	for now := int64(2); now < 3000; now++ {
		var changes []change
		for range 1 + rng.IntN(5) {
			p, v := rng.IntN(props), ""
			if rng.IntN(4) > 0 {
				v = fmt.Sprint(rng.IntN(50))
			}
			changes = append(changes, change{p, []byte(v)})
		}
		after := map[int]string{}
		for _, c := range changes {
			after[c.prop] = string(c.value)
		}
		for p, v := range after {
			if model[p] != v {
				newest[p] = now
			}
			model[p] = v
		}
		tab.set(0, changes, func(int) author { return author{} }, now, props, 5)
	}
	var s slots
	s.fill(tab.recs[0].values, props)
	for p := range props {
		if s.get(p) != model[p] {
			t.Errorf("property %d is %q, want %q", p, s.get(p), model[p])
		}
		h := tab.recs[0].history(p, 5)
		if newest[p] == 0 {
			continue
		}
		if len(h) == 0 || len(h) > 5 || h[0].value != model[p] || h[0].at != newest[p] {
			t.Errorf("history of %d is %+v, want %q of %d first", p, h, model[p], newest[p])
		}
	}
}
