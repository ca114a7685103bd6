package state

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

func (s *suite) enqueue(id PersonID, lane Lane, why Reason) {
	s.Helper()
	s.update(func(tx *txn) error { return tx.Enqueue(id, lane, why, now) })
}

func (s *suite) claim(at time.Time, n int) []Entry {
	s.Helper()
	entries, err := s.db.Claim(at, n)
	if err != nil {
		s.Fatal(err)
	}
	return entries
}

func (s *suite) done(e Entry) (gone bool) {
	s.Helper()
	s.update(func(tx *txn) (err error) { gone, err = tx.Done(e); return err })
	return gone
}

func ids(entries []Entry) (out []PersonID) {
	for _, e := range entries {
		out = append(out, e.Person)
	}
	return out
}

var queues = []promise{
	{"one entry a person, the most urgent lane, all reasons", func(s *suite) {
		s.enqueue(1, Backfill, ReasonSweep)
		s.enqueue(1, Live, ReasonActivity)
		s.update(func(tx *txn) error { return tx.Enqueue(1, Due, ReasonDue, after(time.Hour)) })
		depth, oldest := s.db.QueueDepth()
		if depth != [Lanes]int{1, 0, 0, 0} || !oldest[Live].Equal(now) || !oldest[Backfill].IsZero() {
			s.Errorf("%v %v", depth, oldest)
		}
		got := s.claim(now, 9)
		if len(got) != 1 || got[0].Lane != Live || got[0].Reason != ReasonSweep|ReasonActivity|ReasonDue || !got[0].Since.Equal(now) || got[0].Attempts != 0 {
			s.Errorf("%+v", got)
		}
		s.verify()
	}},
	{"within a lane the first come is first served, and keeps the place", func(s *suite) {
		for id := PersonID(5); id > 0; id-- {
			s.enqueue(id, Live, ReasonNew)
		}
		s.enqueue(5, Live, ReasonInputs)
		if got := ids(s.claim(now, 9)); !slices.Equal(got, []PersonID{5, 4, 3, 2, 1}) {
			s.Error(got)
		}
	}},
	{"what is claimed is not claimed again, until given back", func(s *suite) {
		for id := range PersonID(6) {
			s.enqueue(id+1, Live, ReasonNew)
		}
		first, second := s.claim(now, 3), s.claim(now, 2)
		if !slices.Equal(ids(first), []PersonID{1, 2, 3}) || !slices.Equal(ids(second), []PersonID{4, 5}) {
			s.Errorf("%v %v", ids(first), ids(second))
		}
		s.db.Unclaim(first[1], second[0])
		if got := ids(s.claim(now, 9)); !slices.Equal(got, []PersonID{2, 4, 6}) {
			s.Error(got)
		}
		if got := s.claim(now, 9); len(got) != 0 {
			s.Error(got)
		}
	}},
	// Invariant 1: a restart loses no one.
	{"a restart frees every claim", func(s *suite) {
		s.enqueue(1, Live, ReasonNew)
		before := s.claim(now, 1)
		s.reopen()
		if got := s.claim(now, 9); !slices.Equal(got, before) {
			s.Errorf("%v, before %v", got, before)
		}
	}},
	{"done is gone", func(s *suite) {
		s.enqueue(1, Live, ReasonNew)
		e := s.claim(now, 1)[0]
		if !s.done(e) {
			s.Error("not done")
		}
		if s.done(e) {
			s.Error("done twice")
		}
		if got := s.claim(now, 9); len(got) != 0 {
			s.Error(got)
		}
		depth, _ := s.db.QueueDepth()
		if depth != [Lanes]int{} {
			s.Error(depth)
		}
		s.verify()
	}},
	{"work that joined a claimed entry is not lost", func(s *suite) {
		for _, lane := range []Lane{Backfill, Live} { // in the same lane, and from a more urgent one
			s.enqueue(1, Backfill, ReasonSweep)
			e := s.claim(now, 1)[0]
			s.enqueue(1, lane, ReasonInputs)
			if got := s.claim(now, 1); len(got) != 0 {
				s.Errorf("claimed twice: %v", got)
			}
			if s.done(e) {
				s.Error("the new work is gone")
			}
			got := s.claim(now, 1)
			if len(got) != 1 || got[0].Lane != lane || got[0].Reason != ReasonSweep|ReasonInputs {
				s.Fatalf("%+v", got)
			}
			if !s.done(got[0]) {
				s.Error("not done")
			}
		}
		// The same person queued anew after being done is another matter: an old claim does not end it.
		s.enqueue(1, Live, ReasonNew)
		old := s.claim(now, 1)[0]
		s.done(old)
		s.enqueue(1, Live, ReasonNew)
		if s.done(old) {
			s.Error("an old claim ended new work")
		}
	}},
	{"released is tried again later, with one attempt more", func(s *suite) {
		s.enqueue(1, Live, ReasonNew)
		e := s.claim(now, 1)[0]
		s.update(func(tx *txn) error { return tx.Release(e, Retry, after(time.Minute), ReasonRetry) })
		if got := s.claim(after(59*time.Second), 9); len(got) != 0 {
			s.Errorf("too early: %v", got)
		}
		if next, ok := s.db.NextReady(now); !ok || !next.Equal(after(time.Minute)) {
			s.Errorf("next at %v %v", next, ok)
		}
		got := s.claim(after(time.Minute), 9)
		if len(got) != 1 || got[0].Attempts != 1 || got[0].Lane != Retry || got[0].Reason != ReasonNew|ReasonRetry || !got[0].Since.Equal(now) {
			s.Fatalf("%+v", got)
		}
		if _, ok := s.db.NextReady(after(time.Minute)); ok {
			s.Error("nothing unclaimed is left")
		}
		s.update(func(tx *txn) error { return tx.Release(got[0], Due, time.Time{}, 0) })
		if got = s.claim(now, 9); len(got) != 1 || got[0].Attempts != 2 || got[0].Lane != Due {
			s.Errorf("%+v", got)
		}
		s.verify()
	}},
	{"new work ends a delay, an old release does not delay new work", func(s *suite) {
		s.update(func(tx *txn) error { return tx.EnqueueAt(1, Due, ReasonDue, after(time.Hour)) })
		s.update(func(tx *txn) error { return tx.EnqueueAt(1, Due, ReasonDue, after(2*time.Hour)) })
		if next, ok := s.db.NextReady(now); !ok || !next.Equal(after(time.Hour)) {
			s.Errorf("%v %v: the sooner time stands", next, ok)
		}
		s.enqueue(1, Live, ReasonActivity)
		got := s.claim(now, 9)
		if len(got) != 1 || got[0].Lane != Live {
			s.Fatalf("%+v", got)
		}
		s.enqueue(1, Live, ReasonInputs)
		s.update(func(tx *txn) error { return tx.Release(got[0], Retry, after(time.Hour), ReasonRetry) })
		if got = s.claim(now, 9); len(got) != 1 || got[0].Lane != Live || got[0].Attempts != 1 {
			s.Errorf("%+v", got)
		}
		s.update(func(tx *txn) error { return tx.EnqueueAt(1, Live, 0, after(time.Hour)) })
		s.db.Unclaim(got...)
		if got = s.claim(now, 9); len(got) != 1 {
			s.Error("what is ready stays ready")
		}
	}},
	{"a person deleted meanwhile is not queued again", func(s *suite) {
		s.enqueue(1, Live, ReasonNew)
		e := s.claim(now, 1)[0]
		s.update(func(tx *txn) error { return tx.DeletePerson(1) })
		s.update(func(tx *txn) error { return tx.Release(e, Retry, now, 0) })
		if s.done(e) {
			s.Error("done")
		}
		if got := s.claim(after(time.Hour), 9); len(got) != 0 {
			s.Error(got)
		}
		s.verify()
	}},
	{"lanes go by urgency, and every lane gets its share", func(s *suite) {
		s.update(func(tx *txn) error {
			for id := range PersonID(800) {
				if err := tx.Enqueue(id+1, Lane(id%Lanes), ReasonNew, now); err != nil {
					return err
				}
			}
			return nil
		})
		for _, n := range []int{160, 1} { // at once, and one by one
			var got [Lanes]int
			var claimed []Entry
			for len(claimed) < 160 {
				claimed = append(claimed, s.claim(now, n)...)
			}
			for _, e := range claimed {
				got[e.Lane]++
			}
			if got[Live] < 160*13/16 || got[Retry] < 8 || got[Due] < 8 || got[Backfill] < 8 {
				s.Errorf("by %d: %v of 160", n, got)
			}
			s.db.Unclaim(claimed...)
		}
		all := s.claim(now, 1000)
		if len(all) != 800 {
			s.Errorf("%d claimed in all", len(all))
		}
	}},
	{"a lane can be claimed alone", func(s *suite) {
		s.enqueue(1, Backfill, ReasonNew)
		s.enqueue(2, Live, ReasonNew)
		got, err := s.db.ClaimLane(now, Backfill, 9)
		if err != nil || !slices.Equal(ids(got), []PersonID{1}) {
			s.Errorf("%v %v", got, err)
		}
	}},
	{"whoever waits is woken by new work", func(s *suite) {
		woken := func() bool {
			select {
			case <-s.db.Wake():
				return true
			default:
				return false
			}
		}
		woken()
		s.update(func(tx *txn) error { return tx.SetSetting("a", []byte("b")) })
		if woken() {
			s.Error("woken for nothing")
		}
		s.enqueue(1, Live, ReasonNew)
		if !woken() {
			s.Error("not woken by an entry")
		}
		e := s.claim(now, 1)[0]
		s.update(func(tx *txn) error { return tx.Release(e, Retry, after(time.Hour), 0) })
		if !woken() {
			s.Error("not woken by a release")
		}
		if next, ok := s.db.NextReady(now); !ok || !next.Equal(after(time.Hour)) {
			s.Errorf("%v %v", next, ok)
		}
		s.enqueue(1, Live, 0)
		e = s.claim(now, 1)[0]
		woken()
		s.db.Unclaim(e)
		if !woken() {
			s.Error("not woken by a claim given back")
		}
	}},
	{"an update that fails leaves claim and entry as they were", func(s *suite) {
		s.enqueue(1, Live, ReasonNew)
		e := s.claim(now, 1)[0]
		if err := s.db.update(func(tx *txn) error {
			if _, err := tx.Done(e); err != nil {
				return err
			}
			return fmt.Errorf("no")
		}); err == nil {
			s.Fatal("did not fail")
		}
		if got := s.claim(now, 9); len(got) != 0 {
			s.Errorf("the claim is gone: %v", got)
		}
		s.db.Unclaim(e)
		if got := s.claim(now, 9); !slices.Equal(got, []Entry{e}) {
			s.Errorf("%+v, want %+v", got, e)
		}
	}},
	{"the queue does as a simple model of it, whatever is done to it", func(s *suite) { s.playQueue(3000) }},
}

// model is the queue as one would write it without a file.
type model struct {
	entries map[PersonID]*modelEntry
	clock   time.Time
}

type modelEntry struct {
	lane      Lane
	reason    Reason
	notBefore time.Time // zero: ready
	attempts  uint8
	changed   bool // since it was claimed
	claimed   bool
}

// playQueue does random things to the queue and to the model, with restarts among them, and compares.
func (s *suite) playQueue(steps int) {
	rnd := rand.New(rand.NewPCG(7, 7))
	m := model{entries: map[PersonID]*modelEntry{}, clock: now}
	claimed := map[PersonID]Entry{}
	pick := func() (Entry, bool) {
		keys := slices.Sorted(maps.Keys(claimed))
		if len(keys) == 0 {
			return Entry{}, false
		}
		id := keys[rnd.IntN(len(keys))]
		e := claimed[id]
		delete(claimed, id)
		return e, true
	}
	for step := range steps {
		m.clock = m.clock.Add(time.Duration(rnd.IntN(3)) * time.Second)
		id, lane := PersonID(1+rnd.IntN(60)), Lane(rnd.IntN(Lanes))
		why := Reason(1 << rnd.IntN(10))
		at := m.clock.Add(time.Duration(rnd.IntN(20)) * time.Second)
		switch rnd.IntN(12) {
		case 0, 1, 2, 3:
			delayed := rnd.IntN(3) == 0
			s.update(func(tx *txn) error {
				if delayed {
					return tx.EnqueueAt(id, lane, why, at)
				}
				return tx.Enqueue(id, lane, why, m.clock)
			})
			e, ok := m.entries[id]
			if !ok {
				e = &modelEntry{lane: lane, notBefore: at}
				m.entries[id] = e
			}
			e.lane, e.reason, e.changed = min(e.lane, lane), e.reason|why, true
			if !delayed {
				e.notBefore = time.Time{}
			} else if !e.notBefore.IsZero() && at.Before(e.notBefore) {
				e.notBefore = at
			}
		case 4, 5, 6:
			n := 1 + rnd.IntN(10)
			got := s.claim(m.clock, n)
			free := 0
			for _, e := range m.entries {
				if !e.claimed && !e.notBefore.After(m.clock) {
					free++
				}
			}
			if len(got) != min(n, free) {
				s.Fatalf("step %d: claimed %d of %d, %d are free", step, len(got), n, free)
			}
			for _, e := range got {
				want := m.entries[e.Person]
				if want == nil || want.claimed || want.notBefore.After(m.clock) || e.Lane != want.lane || e.Reason != want.reason || e.Attempts != want.attempts {
					s.Fatalf("step %d: claimed %+v, want %+v", step, e, want)
				}
				want.claimed, want.changed = true, false
				claimed[e.Person] = e
			}
		case 7, 8:
			if e, ok := pick(); ok {
				gone := s.done(e)
				want := m.entries[e.Person]
				if gone == want.changed {
					s.Fatalf("step %d: done %v, changed %v", step, gone, want.changed)
				}
				if want.claimed = false; gone {
					delete(m.entries, e.Person)
				}
			}
		case 9:
			if e, ok := pick(); ok {
				s.update(func(tx *txn) error { return tx.Release(e, lane, at, why) })
				want := m.entries[e.Person]
				want.claimed, want.reason = false, want.reason|why
				want.attempts++
				if !want.changed {
					want.lane, want.notBefore = lane, at
				}
			}
		case 10:
			if e, ok := pick(); ok {
				s.db.Unclaim(e)
				m.entries[e.Person].claimed = false
			}
		case 11:
			if rnd.IntN(20) == 0 {
				s.reopen()
				clear(claimed)
				for _, e := range m.entries {
					e.claimed = false
				}
			}
		}
		var next time.Time
		found := false
		var depth [Lanes]int
		for _, e := range m.entries {
			depth[e.lane]++
			if e.claimed {
				continue
			}
			t := e.notBefore
			if t.Before(m.clock) {
				t = m.clock
			}
			if !found || t.Before(next) {
				next, found = t, true
			}
		}
		if got, ok := s.db.NextReady(m.clock); ok != found || ok && !got.Equal(next) {
			s.Fatalf("step %d: next at %v %v, want %v %v", step, got, ok, next, found)
		}
		if got, _ := s.db.QueueDepth(); got != depth {
			s.Fatalf("step %d: depth %v, want %v", step, got, depth)
		}
	}
	s.verify()
}
