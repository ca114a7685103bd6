package pipeline

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/intentd/intentd/state"
)

// brake stops writing when a run would change the tier of more than a share of the scored people: a wrong setting or a broken
// source must not repaint a CRM. First scores do not count. It waits for an admin's resume.
type brake struct {
	db  *state.DB
	now func() time.Time
	log *slog.Logger
	mu  sync.Mutex
	st  BrakeState
}

// BrakeState is kept in the state: a restart does not release a brake.
type BrakeState struct {
	On      bool      `json:"on"`
	Why     string    `json:"why,omitempty"`
	At      time.Time `json:"at"`
	Since   time.Time `json:"since"`   // begin of the day that changes are counted over
	Changes int       `json:"changes"` // of tier or fit since
	Paused  bool      `json:"paused"`  // an admin's pause

	Released time.Time `json:"released,omitzero"` // when an admin last released the brake …
	Under    uint64    `json:"under,omitempty"`   // … and the scoring config it was released under
}

// minTierChanges is how many changes it takes at least: a share of few people says nothing.
const minTierChanges = 20

const brakeKey = "brake"

func loadBrake(db *state.DB, now func() time.Time, log *slog.Logger) (*brake, error) {
	b := &brake{db: db, now: now, log: log}
	v, err := db.Setting(brakeKey)
	if err == nil && len(v) > 0 {
		err = json.Unmarshal(v, &b.st)
	}
	return b, err
}

// allow books tier changes about to be written and says whether they may be. One that may not pulls the brake.
func (b *brake) allow(share float64, changes int) bool {
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
	scored := scored(b.db)
	n := b.st.Changes + changes
	if n < minTierChanges || float64(n) <= share*float64(scored) {
		b.st.Changes = n
		b.saveLater()
		return true
	}
	b.st.On, b.st.At = true, now
	b.st.Why = fmt.Sprintf("%d changes of tier or fit since %s among %d scored people: more than %.0f %%; check the latest change of config or sources with `intentd plan`, then `intentd resume`",
		n, b.st.Since.UTC().Format("2 Jan 15:04 UTC"), scored, share*100)
	b.log.Error("writing stopped by the brake", "why", b.st.Why)
	b.saveLater()
	return false
}

// released says whether the last release covers the tier change of somebody who joined the queue at since, and whose scoring hash was and now
// is. It covers work that was waiting then, and what the scoring config of then changes: a wanted mass change is released once, not piece
// by piece.
func (b *brake) released(since time.Time, was, is uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.st.Released.IsZero() {
		return false
	}
	return !since.After(b.st.Released) || b.st.Under == is && was != is
}

func (b *brake) on() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.st.On || b.st.Paused
}

func (b *brake) state() BrakeState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.st
}

// set changes the brake durably.
func (b *brake) set(change func(*BrakeState)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.st
	change(&next)
	v, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := b.db.SetSetting(brakeKey, v); err != nil {
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
	b.db.SetSettingLater(brakeKey, v)
}

// scored is how many people show a score or tier in a CRM.
func scored(db *state.DB) (n int) {
	tiers := db.Stats().Tiers
	for _, people := range tiers[1:] {
		n += people
	}
	return n
}
