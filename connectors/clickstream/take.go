package clickstream

import (
	"bytes"
	"context"
	"iter"
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
	for !a.stopped && len(p.events) >= groupEvents {
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

// Fed is a feed together with the store that it fills: it is taken in by Take and asked like any Source.
type Fed struct {
	connectors.Source
	name  string
	store *Store
	feed  connectors.Feed
}

var (
	_ connectors.Source    = (*Fed)(nil)
	_ connectors.Forgetter = (*Fed)(nil)
	_ connectors.Reporter  = (*Fed)(nil)
	_ connectors.Prober    = (*Fed)(nil)

	_ connectors.IntakeReporter = (*Fed)(nil)
)

// Fed is f taken in under a name.
func (s *Store) Fed(name string, f connectors.Feed) *Fed {
	return &Fed{Source: s.For(name), name: name, store: s, feed: f}
}

// Take takes in what is new, see Store.Take; more says that the feed has more.
func (f *Fed) Take(ctx context.Context) (more bool, err error) {
	t, err := f.store.Take(ctx, f.name, f.feed)
	return t.More, err
}

// Forget erases a person from the store. What the feed's own system still holds is not taken in again.
func (f *Fed) Forget(ctx context.Context, p connectors.Person) (int, error) {
	return f.store.Forget(ctx, p)
}

// Compact writes the store's main file anew, so that nothing of forgotten people stays in its free pages.
func (f *Fed) Compact(ctx context.Context) error { return f.store.Compact(ctx) }

// Report is the feed's own, where it has one.
func (f *Fed) Report() connectors.Report {
	if r, ok := f.feed.(connectors.Reporter); ok {
		return r.Report()
	}
	return connectors.Report{DailyLimit: -1, DailyRemaining: -1}
}

// Probe is the feed's own, where it has one.
func (f *Fed) Probe(ctx context.Context) []connectors.Finding {
	if p, ok := f.feed.(connectors.Prober); ok {
		return p.Probe(ctx)
	}
	return nil
}

// Intake tells what became of everything the feed told.
func (f *Fed) Intake() (connectors.Intake, error) {
	kept, err := f.store.Intake(f.name)
	reader, ok := f.feed.(connectors.IntakeReader)
	if err != nil || !ok {
		return kept, err
	}
	at, err := f.store.Cursor(f.name)
	if err != nil {
		return kept, err
	}
	i, err := reader.Intake(at)
	if err != nil {
		return kept, err
	}
	i.Events, i.Anonymous, i.LeftOut, i.UnknownKinds, i.ReusedIDs = kept.Events, kept.Anonymous, kept.LeftOut, kept.UnknownKinds, kept.ReusedIDs
	return i, nil
}

// For is the store as a source of one name: only what was taken in under it. Links are those of the whole store.
func (s *Store) For(source string) connectors.Source { return named{s, source} }

type named struct {
	s      *Store
	source string
}

func (n named) Active(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	return n.s.active(ctx, from, n.source)
}

func (n named) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return n.s.journeys(ctx, people, w, n.source)
}
