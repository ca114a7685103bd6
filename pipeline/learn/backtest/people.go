// Package backtest sets engines beside each other on people whose outcomes are known: what each would have said before the outcome, judged on the newest people, of whom
// nothing was learned.
//
// An engine is a name, a score and, where it has one, a probability and tiers. The formula and the team's own score are as they are. Weights and strengths are learned
// from the older part of the people (the training part) and judged on the newer. Three baselines stand beside them: what a team would do without any score.
//
// Memory does not grow with people but for what they are read from: they are gone through several times, a sample of at most [maxLearned] is learned from, and measures count by
// distinct score.
package backtest

import (
	"iter"
	"math"
	"time"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/score"
)

// Person is one of the people: what was known of them at a date, and what came of them.
type Person struct {
	At       time.Time // of the outcome; zero: not known
	Won      bool
	Facts    []learn.Fact    // of a row of a table
	Snapshot *learn.Snapshot // of a journey; nil: a row
	Given    float64         // the team's own score; NaN: none
	Worth    float64         // of the deal, in whatever currency; 0: not known
	Deal     string          // that they are on: its people count as one where deals are counted; "": none, they count alone
	// Baselines: how many days ago at the snapshot, and how many; NaN: not known, which stands lowest.
	FormDays, ActiveDays, PageViews float64
}

// Population are people whose outcomes are known.
type Population struct {
	// People goes through them, in the same order each time. A Person is the caller's until the next.
	People   func() iter.Seq[*Person]
	Kept     bool           // strengths are learned from what a daemon keeps of people, and scores by, alone
	Settings score.Settings // of the formula
	Given    string         // what the team's own score is called; "": none
	Journeys bool           // the people have snapshots
	Baseline [3]bool        // which of the baselines can be told: newest form, newest activity, page views
	LeftOut  map[string]int // rows that are not among the people, by reason
	Remarks  []string       // what else a reader must know of them
	Profile  []Known        // of how many of them the CRM's properties were known at the date
	Deals    *Deals         // that they are the people of; nil: of none
	AsOf     *AsOf          // a past date at which they were active; nil: none
	Without  []string       // facts that are not learned from
	Trusted  []string       // facts that are learned from though they tell the outcome too well
	// Weak goes through people with a label that is no outcome, each at its date; nil: there are none. Strengths are learned from those of before the people judged on, each
	// counting WeakTimes, and all together never more than the people with outcomes. Nothing is judged on them, no feature is chosen by them, and without outcomes of both kinds nothing is learned.
	Weak      func() iter.Seq[*Person]
	WeakTimes float64
}

// Each goes through people that are held in memory.
func Each(people []Person) func() iter.Seq[*Person] {
	return func() iter.Seq[*Person] {
		return func(yield func(*Person) bool) {
			for i := range people {
				if !yield(&people[i]) {
					return
				}
			}
		}
	}
}

// standing is a person as engines see them.
type standing struct {
	*Person
	facts []learn.Fact
	parts score.Parts // of the formula
	x     []float32
}

// components reads the components of a row whose table has them, as the formula would make them.
func components(facts []learn.Fact, w score.Weights) (p score.Parts, ok bool) {
	found := 0
	for i := range facts {
		f := &facts[i]
		part, weight := (*score.Part)(nil), 0
		switch f.Name {
		case "volume":
			part, weight = &p.Volume, w.Volume
		case "recency":
			part, weight = &p.Recency, w.Recency
		case "topics":
			part, weight = &p.Topics, w.Topics
		default:
			continue
		}
		if f.Word != "" || f.Number < 0 || f.Number > 100 {
			return p, false
		}
		*part = score.Part{Component: score.Tenths(f.Number), Weight: weight}
		part.Contribution = int(math.Round(float64(part.Component*weight) / 1000))
		p.Score += part.Contribution
		found++
	}
	p.Known = found == 3
	return p, p.Known
}
