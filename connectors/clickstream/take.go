package clickstream

import (
	"bytes"
	"context"
	"sync"

	"github.com/intentd/intentd/connectors"
)

// Taken counts what one Take did.
type Taken struct {
	Pages    int  // committed
	Events   int  // told by the feed
	Accepted int  // of them kept, see Ingest
	More     bool // the feed has more: Take again
}

// takePages bounds the pages of one Take, so that whoever waits for people of the first page does not wait for the last.
const takePages = 64

// Take takes in what f has had since the last Take under this name: the events and the cursor of a page in one commit. A crash loses no
// page and repeats none. While a commit is under way the feed is asked for the next pages; small ones share a commit. What was committed
// before an error stays. One Take of a name runs at a time; another one waits.
func (s *Store) Take(ctx context.Context, name string, f connectors.Feed) (Taken, error) {
	lock, _ := s.takers.LoadOrStore(name, &sync.Mutex{})
	lock.(*sync.Mutex).Lock()
	defer lock.(*sync.Mutex).Unlock()
	from, err := s.Cursor(name)
	if err != nil {
		return Taken{}, err
	}
	a := newAhead(ctx, f, from)
	defer a.stop()
	var t Taken
	for {
		got := a.next()
		if got.pages > 0 {
			b := Batch{Source: name, Events: got.events}
			if !bytes.Equal(got.cursor, from) {
				b.Cursor = got.cursor
			}
			told := len(got.events)
			accepted, err := s.Ingest(b)
			if err != nil {
				return t, err
			}
			from = got.cursor
			t.Pages, t.Events, t.Accepted, t.More = t.Pages+got.pages, t.Events+told, t.Accepted+accepted, got.more
		}
		if got.over {
			return t, got.err
		}
	}
}

// ahead asks a feed for pages while others are committed.
type ahead struct {
	mu      sync.Mutex
	changed sync.Cond
	waits   bundle // asked for and not fetched
	stopped bool
	done    chan struct{}
}

// bundle is several pages as one.
type bundle struct {
	pages  int
	events []connectors.Event
	cursor connectors.Cursor
	more   bool
	over   bool  // no further ones come …
	err    error // … for this reason, if for any
}

func newAhead(ctx context.Context, f connectors.Feed, from connectors.Cursor) *ahead {
	a := &ahead{done: make(chan struct{})}
	a.changed.L = &a.mu
	go func() {
		defer close(a.done)
		for n := 1; ; n++ {
			page, err := takePage(ctx, f, from)
			if !a.add(page, err, n) {
				return
			}
			from = page.Next
		}
	}()
	return a
}

// add puts page n behind those that wait, and says whether another one is wanted.
func (a *ahead) add(page connectors.Page[connectors.Event], err error, n int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := &a.waits
	p.over, p.err = err != nil || !page.More || n == takePages, err
	if err == nil {
		p.pages++
		p.cursor, p.more = page.Next, page.More
		if p.events == nil {
			p.events = page.Items
		} else {
			p.events = append(p.events, page.Items...)
		}
	}
	a.changed.Broadcast()
	for !a.stopped && len(p.events) >= sharedEvents {
		a.changed.Wait()
	}
	return !p.over && !a.stopped
}

// next are the pages that came since the last call, at least one unless it is over.
func (a *ahead) next() bundle {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.waits.pages == 0 && !a.waits.over {
		a.changed.Wait()
	}
	got := a.waits
	a.waits = bundle{over: got.over, err: got.err, more: got.more}
	a.changed.Broadcast()
	return got
}

// stop waits until the feed is asked for nothing any more.
func (a *ahead) stop() {
	a.mu.Lock()
	a.stopped = true
	a.changed.Broadcast()
	a.mu.Unlock()
	<-a.done
}

// takePage asks f for a page and holds it to the promise that a feed with more to tell moves on.
func takePage(ctx context.Context, f connectors.Feed, from connectors.Cursor) (connectors.Page[connectors.Event], error) {
	page, err := f.Take(ctx, from)
	if err == nil && page.More && bytes.Equal(page.Next, from) {
		err = connectors.Errorf(connectors.Transient, "clickstream: take in a page", "the feed says that there is more, but stands still")
	}
	return page, err
}
