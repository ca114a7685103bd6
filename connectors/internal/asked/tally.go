package asked

import (
	"maps"
	"slices"
	"sync"

	"github.com/intentd/intentd/connectors"
)

// Tally counts what a source read since start. It is safe for concurrent use.
type Tally struct {
	mu     sync.Mutex
	intake connectors.Intake
}

// Events counts events that were told.
func (t *Tally) Events(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.intake.Read += int64(n)
	t.intake.Events += int64(n)
}

// Unreadable counts something that could not be read.
func (t *Tally) Unreadable(u connectors.Unreadable) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.intake.Read++
	t.intake.CountUnreadable(u)
}

// LeftOut counts what was read and not told.
func (t *Tally) LeftOut(reason string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.intake.Read += int64(n)
	t.intake.CountLeftOut(reason, uint64(n))
}

// Counts is a copy of the counts.
func (t *Tally) Counts() connectors.Intake {
	t.mu.Lock()
	defer t.mu.Unlock()
	in := t.intake
	in.Examples = slices.Clone(in.Examples)
	in.Unreadable = maps.Clone(in.Unreadable)
	in.LeftOut = maps.Clone(in.LeftOut)
	return in
}
