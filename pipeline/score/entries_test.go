package score

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Entries counts what walking hour by hour with each threshold counts.
func TestPropertyEntriesAreThoseOfEveryThreshold(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 8))
	from, seen := noon.AddDate(0, 0, -28), 0
	for range 150 {
		s, f := randomSettings(r), randomFeatures(r, 30, 3600)
		s.TierByModel = false
		var n Intake
		s.Entries(f, from, noon, n.Add)
		if len(f.Signals) == 0 {
			continue
		}
		for _, high := range []int{s.High, 650, 700, 1000} {
			with := s
			with.High = high
			g := *f
			g.Capacity = Capacity{}
			want, prev := 0, TierUnknown
			for at := time.Unix(max(f.Signals[0].At, from.Unix()-entriesBefore*day), 0); !at.After(noon); at = at.Add(time.Hour) {
				p := with.At(&g, at)
				tier, _ := with.TierOf(&g, p, prev, at)
				raised := false
				for i := range g.Signals {
					sig := &g.Signals[i]
					age := at.Unix() - sig.At
					raised = raised || sig.Type == HandRaise && sig.Flags&Company == 0 && age >= 0 && age < int64(s.HandRaiseDays)*day
				}
				if tier == High && prev != High && !raised && !at.Before(from) {
					want++
				}
				prev = tier
			}
			seen += want
			if got := n.Entries(high); got != want {
				t.Fatalf("%d entries at %d, want %d: %+v", got, high, want, f)
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d entries were seen", seen)
	}
}

// The cut is the lowest score that lets in no more than so many.
func TestCut(t *testing.T) {
	s := Defaults()
	var n Intake
	for _, score := range []int{630, 640, 640, 700, 812} {
		n.Add(s.High-1, score)
	}
	for most, want := range map[int]int{0: 813, 1: 701, 2: 641, 3: 641, 4: 631, 5: 620, 9: 620} {
		if got := n.Cut(&s, most); got != want {
			t.Errorf("for %d: %d, want %d", most, got, want)
		}
	}
	n.Add(s.High-1, 1000)
	if got := n.Cut(&s, 0); got != 1000 {
		t.Errorf("beyond 100: %d", got)
	}
}
