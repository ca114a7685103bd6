package backtest

import (
	"slices"
	"time"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/score"
)

// lookBack is how many days before the outcome somebody may have become high.
const lookBack = 90

// Ahead says how early the formula had those high who were won.
type Ahead struct {
	Won        int            `json:"won"`
	High       int            `json:"high"`        // of them at some day of the 90 before the outcome
	MedianDays int            `json:"median_days"` // from the first such day to the outcome
	Never      int            `json:"never"`
	Best       map[string]int `json:"best"` // the won by the best tier they had
	// Worth is what they were worth, by that tier; nil where no outcome says what it was worth.
	Worth map[string]float64 `json:"worth,omitempty"`
}

// lead collects it.
type lead struct {
	days  []int
	best  [score.High + 1]int
	worth [score.High + 1]float64
	won   int
}

func (l *lead) add(set *score.Settings, who *Person) {
	l.won++
	best, days := bestOf(set, who.Snapshot)
	if best == score.High {
		l.days = append(l.days, days)
	}
	l.best[best]++
	l.worth[best] += who.Worth
}

// bestOf is the best tier that somebody had on a day of the 90 before the outcome, and how many days ahead of it they were high first.
func bestOf(set *score.Settings, s *learn.Snapshot) (best score.Tier, days int) {
	for d := lookBack - 1; d >= 0 && best < score.High; d-- {
		at := s.At.Add(-time.Duration(d) * 24 * time.Hour)
		parts := set.At(&s.Features, at)
		tier, _ := set.TierOf(&s.Features, parts, score.TierUnknown, at)
		best, days = max(best, tier), d+1 // the snapshot is a day before the outcome
	}
	return best, days
}

func (l *lead) told() *Ahead {
	a := &Ahead{Won: l.won, High: len(l.days), Never: l.won - len(l.days), Best: map[string]int{}}
	for tier, n := range l.best {
		a.Best[score.Tier(tier).String()] = n
	}
	if slices.ContainsFunc(l.worth[:], func(w float64) bool { return w != 0 }) {
		a.Worth = map[string]float64{}
		for tier, w := range l.worth {
			a.Worth[score.Tier(tier).String()] = w
		}
	}
	if n := len(l.days); n > 0 {
		slices.Sort(l.days)
		a.MedianDays = l.days[n/2]
	}
	return a
}
