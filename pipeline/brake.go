package pipeline

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// brake stops writing when a run would change the tier of more than a share of the scored people: a wrong setting or a broken
// source must not repaint a CRM. First scores do not count. It waits for an admin's resume.
type brake struct {
	db  *state.DB
	now func() time.Time
	mu  sync.Mutex
	st  brakeState
	gen atomic.Uint64 // of what is to be kept: an older one on its way to the disk is dropped
}

// brakeState is kept in the state: a restart does not release a brake.
type brakeState struct {
	On      bool      `json:"on"`
	Why     string    `json:"why,omitempty"`
	At      time.Time `json:"at"`
	Since   time.Time `json:"since"`   // begin of the day that changes are counted over
	Changes int       `json:"changes"` // tier changes since
	Paused  bool      `json:"paused"`  // an admin's pause
}

// minTierChanges is how many changes it takes at least: a share of few people says nothing.
const minTierChanges = 20

func loadBrake(db *state.DB, now func() time.Time) (*brake, error) {
	b := &brake{db: db, now: now}
	err := db.View(func(tx *state.Tx) error {
		if v := tx.Setting("brake"); len(v) > 0 {
			return json.Unmarshal(v, &b.st)
		}
		return nil
	})
	return b, err
}

// allow books tier changes about to be written and says whether they may be. One that may not pulls the brake.
func (b *brake) allow(p *Pipeline, share float64, changes int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.st.On || b.st.Paused {
		return false
	}
	if share <= 0 || changes == 0 {
		return true
	}
	now := b.now()
	if now.Sub(b.st.Since) >= 24*time.Hour || now.Before(b.st.Since) {
		b.st.Since, b.st.Changes = now, 0
	}
	_ = p.counts.load(p.db) // if that fails, the last known number must do
	scored := p.counts.scored()
	n := b.st.Changes + changes
	if n < minTierChanges || float64(n) <= share*float64(scored) {
		b.st.Changes = n
		b.saveLater()
		return true
	}
	b.st.On, b.st.At = true, now
	b.st.Why = fmt.Sprintf("%d tier changes since %s among %d scored people: more than %.0f %%; check the latest change of config or sources with `intentd plan`, then `intentd resume`",
		n, b.st.Since.UTC().Format("2 Jan 15:04 UTC"), scored, share*100)
	p.log.Error("writing stopped by the brake", "why", b.st.Why)
	b.saveLater()
	return false
}

func (b *brake) on() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.st.On || b.st.Paused
}

func (b *brake) state() brakeState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.st
}

// set changes the brake durably.
func (b *brake) set(change func(*brakeState)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.st
	change(&next)
	v, err := json.Marshal(next)
	if err != nil {
		return err
	}
	b.gen.Add(1)
	if err := b.db.Update(func(tx *state.Tx) error { return tx.SetSetting("brake", v) }); err != nil {
		b.saveLater() // what it may have displaced
		return err
	}
	b.st = next
	return nil
}

// giveBack takes tier changes out of the count that were not staged after all.
func (b *brake) giveBack(changes int) {
	if changes == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.st.Changes = max(0, b.st.Changes-changes)
	b.saveLater()
}

// saveLater keeps the present state with the next commit; b.mu is held.
func (b *brake) saveLater() {
	v, err := json.Marshal(b.st)
	if err != nil {
		return
	}
	gen := b.gen.Add(1)
	b.db.UpdateLater(func(tx *state.Tx) error {
		if b.gen.Load() != gen {
			return nil // something newer is on its way, or was kept in the same commit
		}
		return tx.SetSetting("brake", v)
	})
}

// counts are how many people are in each tier, and what was done since start.
type counts struct {
	mu            sync.Mutex
	tiers         [score.High + 1]int64 // as last read from the state
	current       atomic.Bool           // they did not change there since
	written, dead int64
	filtered      journey.Filtered
}

// filter adds what journeys left out.
func (c *counts) filter(f journey.Filtered) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.filtered
	t.Duplicates += f.Duplicates
	t.Bots += f.Bots
	t.Machines += f.Machines
	t.Sensitive += f.Sensitive
	t.Internal += f.Internal
	t.NoConsent += f.NoConsent
	t.Customer += f.Customer
	t.Excluded += f.Excluded
	t.Outside += f.Outside
	t.Foreign += f.Foreign
}

// tierDelta is the change of the tier counts by one transaction.
type tierDelta struct{ by [score.High + 1]int64 }

func (d *tierDelta) move(was, is score.Shown) {
	if !was.Written.IsZero() {
		d.by[was.Tier]--
	}
	if !is.Written.IsZero() {
		d.by[is.Tier]++
	}
}

// save adds the change to the counts in the state, in the transaction that makes it true.
func (d *tierDelta) save(tx *state.Tx) error {
	if d.by == [score.High + 1]int64{} {
		return nil
	}
	var have [score.High + 1]int64
	if v := tx.Setting("tiers"); len(v) > 0 {
		if err := json.Unmarshal(v, &have); err != nil {
			return err
		}
	}
	for i := range have {
		have[i] = max(0, have[i]+d.by[i])
	}
	v, err := json.Marshal(have)
	if err != nil {
		return err
	}
	return tx.SetSetting("tiers", v)
}

// load reads the tier counts if they changed: the state alone keeps them, where people are also merged, split and forgotten.
func (c *counts) load(db *state.DB) error {
	if c.current.Swap(true) {
		return nil
	}
	var tiers [score.High + 1]int64
	err := db.View(func(tx *state.Tx) error {
		if v := tx.Setting("tiers"); len(v) > 0 {
			return json.Unmarshal(v, &tiers)
		}
		return nil
	})
	if err != nil {
		c.current.Store(false)
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tiers = tiers
	return nil
}

func (c *counts) note(d tierDelta, written, dead int64) {
	if d != (tierDelta{}) {
		c.current.Store(false)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written += written
	c.dead += dead
}

func (c *counts) scored() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var n int64
	for _, t := range c.tiers {
		n += t
	}
	return n
}
