package pipeline_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline"
)

// days are shares of one config on consecutive days.
func days(scored int, high ...int) (out []pipeline.Share) {
	for i, n := range high {
		out = append(out, pipeline.Share{Day: fmt.Sprintf("2026-10-%02d", i+1), High: n, Scored: scored, Config: 1})
	}
	return out
}

func times(n, what int) (out []int) {
	for range n {
		out = append(out, what)
	}
	return out
}

// A share has drifted beyond three deviations, of chance or of its own past, and a fifth of its median; not before there is a past.
func TestDrift(t *testing.T) {
	swings := []int{30, 70, 40, 60, 35, 65, 50, 45, 55, 30, 70, 40, 60, 50}
	other := days(1000, append(times(20, 50), 500)...)
	other[19].Config = 2
	for name, c := range map[string]struct {
		shares   []pipeline.Share
		known    bool
		drifted  bool
		reported float64
	}{
		"no day":                              {nil, false, false, 0},
		"too short a past":                    {days(1000, append(times(13, 50), 500)...), false, false, 0},
		"too few people":                      {days(99, append(times(20, 5), 50)...), false, false, 0},
		"another config ended it":             {other, false, false, 0},
		"steady":                              {days(1000, times(20, 50)...), true, false, 0.05},
		"doubled":                             {days(1000, append(times(20, 50), 100)...), true, true, 0.1},
		"halved":                              {days(1000, append(times(20, 50), 20)...), true, true, 0.02},
		"by chance":                           {days(1000, append(times(20, 50), 70)...), true, false, 0.07}, // 3·√(.05·.95/1000) = 2.07 points
		"beyond chance":                       {days(1000, append(times(20, 50), 71)...), true, true, 0.071},
		"beyond chance, but not worth a word": {days(1_000_000, append(times(20, 50_000), 58_000)...), true, false, 0.058},
		"within what it always did":           {days(1000, append(swings, 90)...), true, false, 0.09},
		"one high after nobody":               {days(1000, append(times(20, 0), 1)...), true, false, 0.001},
		"an old level no longer counts":       {days(1000, append(append(times(40, 300), times(28, 50)...), 51)...), true, false, 0.051},
	} {
		d, known := pipeline.DriftOf(c.shares)
		if known != c.known || d.Drifted != c.drifted || d.Share != c.reported {
			t.Errorf("%s: %+v, known %v", name, d, known)
		}
	}
}

// By chance alone, hardly any day is told: at most one in a hundred of people who are drawn anew each day.
func TestDriftIsQuietUnderChance(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 6))
	told, looks := 0, 0
	for range 60 {
		var shares []pipeline.Share
		for day := range 60 {
			high := 0
			for range 500 {
				if r.Float64() < 0.08 {
					high++
				}
			}
			shares = append(shares, pipeline.Share{Day: fmt.Sprint(day), High: high, Scored: 500, Config: 1})
			if d, ok := pipeline.DriftOf(shares); ok {
				looks++
				if d.Drifted {
					told++
				}
			}
		}
	}
	if told*100 > looks {
		t.Errorf("%d of %d days told by chance", told, looks)
	}
}

// The share is noted once a day, and kept for 90.
func TestSharesAreNotedOnceADay(t *testing.T) {
	w := newWorld(t)
	w.buyer("1")
	w.once()
	for range 100 {
		for range 2 {
			if err := w.p.NoteShare(); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.advance(24 * time.Hour)
	}
	w.reopen()
	shares, err := w.p.Shares()
	if err != nil || len(shares) != 90 || shares[89].Day != "2027-02-27" || shares[0].High != 1 || shares[0].Scored != 1 {
		t.Errorf("%d shares, %v: %+v", len(shares), err, shares)
	}
}
