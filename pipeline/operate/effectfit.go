package operate

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/fit"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// FitEffect is what other rules of fit would do to the letters of people, by what their records say now in the CRMs of the other settings: those of all, or of some spread evenly
// among them, for properties that rules ask for are kept nowhere.
type FitEffect struct {
	Asked    int       `json:"asked"`    // people whose records were read for it
	Changed  int       `json:"changed"`  // of them, whose letter would be another one, come or go
	Emptied  int       `json:"emptied"`  // of those, who would have none
	Combined int       `json:"combined"` // of those asked, whose letter and tier in one would be another, come or go
	Regraded int       `json:"regraded"` // of those who change letter and stay in their tier, who have one: they count for the brake
	Matrix   []FitCell `json:"matrix"`   // A first, none last
}

// FitCell counts people by their letter and the one they would have; "" is none.
type FitCell struct {
	Fit    string `json:"fit"`
	Then   string `json:"then"`
	People int    `json:"people"`
}

// suited is somebody whose fit is looked at.
type suited struct {
	id        state.PersonID
	was, then score.Tier
}

const keyFit = "fit"

// fitAsked is how many people's records are read at most: five calls of a hundred.
const fitAsked = 500

// nextFit grades people under other settings.
type nextFit struct {
	p           *pipeline.Pipeline
	old, next   *pipeline.Setup
	suits       []suited // of all that were seen every so many'th
	every, seen int
}

// look notes people whose fit is to be looked at, spread evenly, where its rules are others.
func (e *nextFit) look(id state.PersonID, was, then score.Tier) {
	if e.every == 0 {
		if e.every = max(1, (scoredPeople(e.p)+fitAsked-1)/fitAsked); e.next.Fit.Hash() == e.old.Fit.Hash() {
			e.every = math.MaxInt
		}
	}
	if e.seen++; e.seen%e.every == 0 {
		e.suits = append(e.suits, suited{id, was, then})
	}
}

func scoredPeople(p *pipeline.Pipeline) (n int) {
	for _, of := range p.DB().Stats().Tiers {
		n += of
	}
	return n
}

// grade counts whose letter would be another one.
func (e *nextFit) grade(ctx context.Context, lot int) (out *FitEffect, unread string, err error) {
	if len(e.suits) == 0 {
		return nil, "", nil
	}
	out = &FitEffect{}
	cells := map[FitCell]int{}
	for some := range slices.Chunk(e.suits, lot) {
		ids := make([]state.PersonID, len(some))
		for i := range some {
			ids[i] = some[i].id
		}
		letters, err := e.p.Graded(ctx, e.next, ids, e.old.Fit, e.next.Fit)
		if err != nil {
			return nil, "", err
		}
		for _, s := range some {
			both, known := letters[s.id]
			if !known {
				continue
			}
			a, b := both[0], both[1]
			out.Asked++
			cells[FitCell{Fit: a.Grade, Then: b.Grade}]++
			if a.Shown(s.was, combines(e.old.Fit)) != b.Shown(s.then, combines(e.next.Fit)) {
				out.Combined++
			}
			if a.Grade == b.Grade {
				continue
			}
			out.Changed++
			if b.Grade == "" {
				out.Emptied++
			}
			if a.Grade != "" && s.was == s.then {
				out.Regraded++
			}
		}
	}
	if out.Asked == 0 {
		return nil, "what records say of the properties that rules ask for is not kept, and could not be read", nil
	}
	for cell, n := range cells {
		cell.People = n
		out.Matrix = append(out.Matrix, cell)
	}
	last := func(grade string) string { return cmp.Or(grade, "~") }
	slices.SortFunc(out.Matrix, func(a, b FitCell) int {
		return cmp.Or(cmp.Compare(last(a.Fit), last(b.Fit)), cmp.Compare(last(a.Then), last(b.Then)))
	})
	return out, "", nil
}

func combines(c *fit.Config) bool { return c != nil && c.Combined }
