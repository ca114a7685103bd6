package backtest

import (
	"fmt"
	"slices"

	"github.com/intentd/intentd/pipeline/score"
)

// Known says of how many people a property of the CRM's profile was known at the date of their snapshot.
type Known struct {
	Name   string `json:"name"`
	Said   int    `json:"said"`   // it said something
	Empty  int    `json:"empty"`  // it said nothing
	Untold int    `json:"untold"` // nothing tells what it said then: nothing is learned of it from them
}

// KnownOf counts people by what the named properties said.
func KnownOf(people []Person, names []string) []Known {
	var out []Known
	for _, name := range names {
		k := Known{Name: name}
		for i := range people {
			switch s := people[i].Snapshot; {
			case slices.ContainsFunc(s.Features.Profile, func(w score.Word) bool { return w.Name == name }):
				k.Said++
			case slices.Contains(s.Untold, name):
				k.Untold++
			default:
				k.Empty++
			}
		}
		out = append(out, k)
	}
	return out
}

// String is it as a reader is told.
func (k Known) String() string {
	s := fmt.Sprintf("%s said something of %s and nothing of %d", k.Name, count(k.Said, "person", "people"), k.Empty)
	if k.Untold > 0 {
		s += fmt.Sprintf("; of %d no history tells what it said then, and nothing is learned of it from them", k.Untold)
	}
	return s
}
