package salesforce

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// ahead holds records that were read before they are asked for. What a sweep told is processed in lots of 200 in the order of the
// sweep, that of ids, and a query takes 2,000: whoever asks for many records right after a sweep gets a page of them, and those who
// ask for the next find theirs. It is safe for concurrent use.
//
// A record is held for seconds and given away once, so that what a lot knows is hardly older than what the lot beside it reads by
// itself; one that a poll tells, or a write changes, is dropped. Where the records asked for lie too far apart for a page, as those of
// later sweeps do, nothing is read ahead for a while.
type ahead struct {
	reading chan struct{} // holds a token while nobody reads a page

	mu    sync.Mutex
	swept time.Time // when a sweep last told a page of the object
	off   time.Time // nothing is read ahead until then
	held  map[string]heldRecord
	paged bool // a page was read since off
	given int  // records of the last page that were asked for in time
}

type heldRecord struct {
	record record
	at     time.Time // when it was asked for
}

const (
	heldFor     = 15 * time.Second
	mostHeld    = 2 * pageSize
	aheadAfter  = time.Hour     // after a sweep's page lots still come from it
	aheadFrom   = batchSize / 2 // records asked for at once
	aheadEnough = 2 * batchSize // records of a page asked for in time, for the next page to be worth while
	aheadPause  = 10 * time.Minute
)

func newAhead() *ahead {
	a := &ahead{reading: make(chan struct{}, 1), held: map[string]heldRecord{}}
	a.reading <- struct{}{}
	return a
}

// worthwhile says whether so many records should be asked for by a page.
func (a *ahead) worthwhile(n int, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return n >= aheadFrom && !a.swept.IsZero() && now.Sub(a.swept).Abs() < aheadAfter && !now.Before(a.off)
}

func (a *ahead) sweptAt(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.swept = now
}

// take gives away those of ids that are held, and returns the others.
func (a *ahead) take(ids []string, now time.Time, to func(record)) (missing []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		h, ok := a.held[id]
		delete(a.held, id)
		if age := now.Sub(h.at); ok && age >= 0 && age < heldFor {
			to(h.record)
			a.given++
		} else {
			missing = append(missing, id)
		}
	}
	return missing
}

// hold keeps records that were asked for at a time.
func (a *ahead) hold(records []record, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, h := range a.held {
		if now.Sub(h.at).Abs() >= heldFor || len(a.held)+len(records) > mostHeld {
			delete(a.held, id)
		}
	}
	for _, r := range records {
		if id, _, ok := r.position(); ok {
			a.held[id] = heldRecord{r, now}
		}
	}
}

// wasted says whether too little of the last page was asked for, and counts anew.
func (a *ahead) wasted(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	wasted := a.paged && a.given < aheadEnough
	if a.paged, a.given = !wasted, 0; wasted {
		a.off = now.Add(aheadPause)
	}
	return wasted
}

// drop forgets records that have changed.
func (a *ahead) drop(ids ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		delete(a.held, id)
	}
}

// readAhead finds those of ids that were read ahead, after reading a page from the lowest id on if many were not, and returns those
// that remain to be asked for.
func (c *Client) readAhead(ctx context.Context, o *object, d *description, ids []string, to func(record)) ([]string, error) {
	ids = o.ahead.take(ids, c.o.Now(), to)
	if !o.ahead.worthwhile(len(ids), c.o.Now()) {
		return ids, nil
	}
	select {
	case <-o.ahead.reading:
		defer func() { o.ahead.reading <- struct{}{} }()
	case <-ctx.Done():
		e := c.err(connectors.Transient, "read "+o.name, "")
		e.Err = ctx.Err()
		return nil, e
	}
	now := c.o.Now()
	if ids = o.ahead.take(ids, now, to); !o.ahead.worthwhile(len(ids), now) {
		return ids, nil // somebody else read them meanwhile
	}
	if o.ahead.wasted(now) {
		return ids, nil
	}
	found, err := c.pageFrom(ctx, "read "+o.name, o, d, "Id >= "+quote(slices.Min(ids)))
	if err != nil {
		return nil, err
	}
	o.ahead.hold(found.records, now)
	return o.ahead.take(ids, now, to), nil
}
