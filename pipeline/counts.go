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
	alertsLeftOut map[Untold]int64
}

// untold counts somebody who entered a tier and of whom nobody is told.
func (c *counts) untold(why Untold) {
	if why == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.alertsLeftOut == nil {
		c.alertsLeftOut = map[Untold]int64{}
	}
	c.alertsLeftOut[why]++
}

// Untold is why nobody is told of somebody who entered a tier.
type Untold string

const (
	UntoldFirstSync Untold = "first_sync" // their CRM is being met for the first time
	UntoldBackfill  Untold = "backfill"   // everybody is worked out anew: the formula changed, or an admin asked
	UntoldOld       Untold = "no_new_signal"
	UntoldHeldOut   Untold = "held_out" // nothing is written of them, for comparison
)

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
