package pipeline

import (
	"sync"

	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/state"
)

// counts are what was done since start.
type counts struct {
	mu            sync.Mutex
	written, dead int64
	damaged       int64 // rows of whom something kept could not be read
	filtered      journey.Filtered
	withdrew      int64 // people of whom something was erased because their consent was withdrawn
}

// withdrawn counts a person whose consent was withdrawn.
func (c *counts) withdrawn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.withdrew++
}

// filter adds what journeys left out.
func (c *counts) filter(f journey.Filtered) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.filtered.Add(f)
}

func (c *counts) note(sum state.Acknowledged) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written += int64(sum.Written)
	c.dead += int64(sum.Rejected)
	c.damaged += int64(sum.Damaged)
}
