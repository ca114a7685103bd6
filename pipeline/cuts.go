package pipeline

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// Cut is where high begins for the people of an owner.
type Cut struct {
	From    int       `json:"from"` // tenths
	Since   time.Time `json:"since"`
	Entries int       `json:"entries"` // of the last four weeks, had it begun at Settings.High
}

// cuts are those in force.
type cuts struct {
	now atomic.Pointer[Cuts]
}

// Cuts are where high begins by owner ("crm/id", "" for the pool of those whom nobody owns), for whom that is above the configured score.
type Cuts struct {
	Day    string         `json:"day"` // when they were worked out
	Owners map[string]Cut `json:"owners"`
}

const cutsKey = "capacity"

func (c *cuts) load(db *state.DB) error {
	v, err := db.Setting(cutsKey)
	if err != nil || len(v) == 0 {
		return err
	}
	var kept Cuts
	if err := json.Unmarshal(v, &kept); err != nil {
		return fmt.Errorf("pipeline: what is kept of capacity: %w", err)
	}
	c.now.Store(&kept)
	return nil
}

// of is where high begins for somebody of these owners: of several the lowest.
func (c *Cuts) of(owners []string) (lowest Cut) {
	if c == nil {
		return Cut{}
	}
	if len(owners) == 0 {
		return c.Owners[""]
	}
	for i, owner := range owners {
		if cut := c.Owners[owner]; i == 0 || cut.From < lowest.From {
			lowest = cut
		}
	}
	return lowest
}

// Capacity is from where on somebody of these owners is high under the cuts, or under none (nil). Whoever is high keeps the cut that they came in by, which
// stored holds, while theirs is higher.
func (c *Cuts) Capacity(owners []string, stored score.Capacity, shown score.Shown) score.Capacity {
	cut := c.of(owners)
	if shown.Tier == score.High && stored.Cut < cut.From {
		return score.Capacity{Owners: owners, Cut: stored.Cut, Since: stored.Since}
	}
	out := score.Capacity{Owners: owners, Cut: cut.From}
	if cut.From > 0 {
		out.Since = cut.Since.Unix()
	}
	return out
}
