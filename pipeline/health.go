package pipeline

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Health knows which connectors stand and which are stopped. It is told of every outcome and decides by kind alone. Its methods are safe
// for concurrent use.
type Health struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]*condition
	// goods are the moments of the last good poll, listen, sweep and write by name ("poll/hubspot").
	goods map[string]time.Time
	kept  map[string]time.Time // when a run was last written to the state
}

// condition is that of one connector.
type condition struct {
	err      error
	kind     connectors.Kind
	since    time.Time // of the first failure in a row
	until    time.Time // nothing is asked before
	failures int
	lastGood time.Time
	events   time.Time // of a source: when it last gave one
}

func newHealth(now func() time.Time) *Health {
	return &Health{now: now, by: map[string]*condition{}, goods: map[string]time.Time{}, kept: map[string]time.Time{}}
}

// stopFor is how long a connector rests after an error of a kind that stops it and names no time.
const stopFor = 5 * time.Minute

func (h *Health) of(name string) *condition {
	c := h.by[name]
	if c == nil {
		c = &condition{}
		h.by[name] = c
	}
	return c
}

// Note tells how a call to a connector went.
func (h *Health) Note(name string, err error) {
	if err != nil && (errors.Is(err, context.Canceled) || errors.Is(err, ErrBusy)) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.of(name)
	now := h.now()
	if err == nil {
		c.err, c.kind, c.failures, c.until, c.since = nil, 0, 0, time.Time{}, time.Time{}
		c.lastGood = now
		return
	}
	c.err, c.kind = err, connectors.KindOf(err)
	if c.failures == 0 {
		c.since = now
	}
	c.failures++
	switch c.kind {
	case connectors.Quota, connectors.Auth, connectors.Config:
		c.until = now.Add(stopFor)
	case connectors.RateLimited:
		c.until = now.Add(time.Second)
	}
	if until := connectors.Until(err); until.After(c.until) {
		c.until = until
	}
}

// Blocked returns the error that stops a connector and until when, or nil.
func (h *Health) Blocked(name string) (time.Time, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.by[name]
	if c == nil || c.err == nil || !h.now().Before(c.until) {
		return time.Time{}, nil
	}
	return c.until, c.err
}

// Failure is why a connector fails at present, since when, and until when it is not asked.
type Failure struct {
	Err          error
	Kind         connectors.Kind
	Since, Until time.Time
}

// Failing says whether a connector fails at present.
func (h *Health) Failing(name string) (Failure, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.by[name]
	if c == nil || c.err == nil {
		return Failure{}, false
	}
	return Failure{c.err, c.kind, c.since, c.until}, true
}

// LastGood are the moments of the last good poll, listen, sweep and write by name ("poll/hubspot").
func (h *Health) LastGood() map[string]time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.goods)
}

// down says whether the last call of a source failed.
func (h *Health) down(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.by[name]
	return c != nil && c.err != nil
}

// gaveEvents notes that a source gave events of somebody.
func (h *Health) gaveEvents(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of(name).events = h.now()
}

// gaveEventsSince says whether a source works and gave events of anybody after a moment.
func (h *Health) gaveEventsSince(name string, since time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.by[name]
	return c != nil && c.err == nil && c.events.After(since)
}

// Good notes the moment of a good poll, listen, sweep or write by its name, such as "poll/hubspot".
func (h *Health) Good(name string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.goods[name] = at
}

// WorthKeeping says whether an idle run should be written to the state again: every ten minutes.
func (h *Health) WorthKeeping(name string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.kept[name]) < 10*time.Minute {
		return false
	}
	h.kept[name] = now
	return true
}

// Reset gives every stopped connector another chance, and names them: the config changed, or an admin said so.
func (h *Health) Reset() (stopped []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, c := range h.by {
		if c.err != nil && h.now().Before(c.until) {
			stopped = append(stopped, name)
		}
		c.until = time.Time{}
	}
	slices.Sort(stopped)
	return stopped
}
