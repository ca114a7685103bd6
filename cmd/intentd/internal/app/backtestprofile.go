package app

import (
	"fmt"
	"slices"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/score"
)

// keepProfile keeps in a snapshot what the named properties said, and marks those of which it holds no word as untold: the daemon may not have asked for them then. What the CRM says
// of them today is no evidence of what it said before the outcome.
func keepProfile(s *learn.Snapshot, names []string) {
	f := &s.Features
	f.Profile = slices.DeleteFunc(slices.Clone(f.Profile), func(w score.Word) bool { return !slices.Contains(names, w.Name) })
	s.Untold = nil
	for _, name := range names {
		if !slices.ContainsFunc(f.Profile, func(w score.Word) bool { return w.Name == name }) {
			s.Untold = append(s.Untold, name)
		}
	}
}

// keepProfiles does so for the snapshots of people of deals.
func (b *dealBacktest) keepProfiles(made []backtest.Person) {
	names := b.cfg.ProfileNames()
	for i := range made {
		keepProfile(made[i].Snapshot, names)
	}
}

// tellProfiles says of how many people each property of the profile was known as of the date.
func (b *dealBacktest) tellProfiles(people []backtest.Person) {
	for _, name := range b.cfg.ProfileNames() {
		said, untold := 0, 0
		for i := range people {
			s := people[i].Snapshot
			if slices.ContainsFunc(s.Features.Profile, func(w score.Word) bool { return w.Name == name }) {
				said++
			} else if slices.Contains(s.Untold, name) {
				untold++
			}
		}
		b.remarks = append(b.remarks, fmt.Sprintf("profile: %s said something of %d of %d people at the date, and nothing of %d; of %d nothing tells what it said then, and nothing is learned of it from them",
			name, said, len(people), len(people)-said-untold, untold))
	}
}
