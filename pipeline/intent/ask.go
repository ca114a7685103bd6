package intent

import (
	"context"
	"math"
	"strconv"

	"github.com/intentd/intentd/connectors"
)

// An Ask is a prompt of a job. Without its Prompt it is all that Answered needs.
type Ask struct {
	Prompt connectors.Prompt
	Person string   // whose alone it is; "": shared by many
	Keys   []string // of the interactions that stage 1 is asked about, in order; nil: it is the person's stage 2 …
	Inputs uint64   // … for these inputs
}

// Awaited are the names of what an ask answers. Two asks with a name in common ask the same.
func (a *Ask) Awaited() []string {
	if len(a.Keys) == 0 {
		return []string{a.Person + "\x02" + strconv.FormatUint(a.Inputs, 10)}
	}
	names := make([]string, len(a.Keys))
	for i, k := range a.Keys {
		names[i] = a.Person + "\x00" + k
	}
	return names
}

// Likely is what an ask will cost by a job, in micro USD: what is sent is known, answers are of the length that they mostly have, thoughts
// at a low level among them. estimate prices a prompt by its MaxTokens, share is that of the price.
func (a *Ask) Likely(estimate func(connectors.Prompt) int64, share float64) int64 {
	p := a.Prompt
	p.MaxTokens = 700
	if n := len(a.Keys); n > 0 {
		p.MaxTokens = 100 * (n + 1)
	}
	return int64(math.Ceil(share * float64(estimate(p))))
}

// LaterEngine is an engine whose answers may come by jobs.
type LaterEngine interface {
	LotEngine
	// Asks says what is to be asked before the subjects can be inferred without a call: for each the names it awaits, none if it is to be
	// inferred now. What under says to be under way is awaited and not asked again.
	Asks(ctx context.Context, subjects []Subject, under func(name string) bool) (asks []Ask, awaited [][]string, err error)
	// Answered takes in what came of an ask; err says why there is no answer.
	Answered(a *Ask, c connectors.Completion, err error)
}
