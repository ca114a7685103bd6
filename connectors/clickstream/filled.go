package clickstream

import (
	"context"
	"iter"
	"time"

	"github.com/intentd/intentd/connectors"
)

// filled is the store as a source of one name, together with what fills it.
type filled struct {
	connectors.Source
	name  string
	store *Store
	by    any // the feed or receiver
}

// Forget erases a person from the store. What the system that fills it still holds is not taken in again.
func (f *filled) Forget(ctx context.Context, p connectors.Person) (int, error) {
	return f.store.Forget(ctx, p)
}

// Withdraw implements connectors.Withdrawer.
func (f *filled) Withdraw(ctx context.Context, p connectors.Person, until time.Time, by string) (int, error) {
	return f.store.Withdraw(ctx, f.name, p, until, by)
}

// Compact writes the store's main file anew, so that nothing of forgotten people stays in its free pages.
func (f *filled) Compact(ctx context.Context) error { return f.store.Compact(ctx) }

// Report is that of what fills the store, where it has one.
func (f *filled) Report() connectors.Report {
	if r, ok := f.by.(connectors.Reporter); ok {
		return r.Report()
	}
	return connectors.Report{DailyLimit: -1, DailyRemaining: -1}
}

// Release has what fills the store ask its vendor again, where it holds itself back.
func (f *filled) Release() {
	if r, ok := f.by.(connectors.Releaser); ok {
		r.Release()
	}
}

// Probe is that of what fills the store, where it has one.
func (f *filled) Probe(ctx context.Context) []connectors.Finding {
	if p, ok := f.by.(connectors.Prober); ok {
		return p.Probe(ctx)
	}
	return nil
}

// Intake tells what became of everything that was told.
func (f *filled) Intake() (connectors.Intake, error) {
	kept, err := f.store.Intake(f.name)
	reader, ok := f.by.(connectors.IntakeReader)
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
	kept.Add(connectors.Intake{LeftOut: i.LeftOut})
	kept.Read, kept.Unreadable, kept.Examples, kept.LatestRead, kept.LatestUnreadable = i.Read, i.Unreadable, i.Examples, i.LatestRead, i.LatestUnreadable
	return kept, nil
}

// Fed is a feed together with the store that it fills: it is taken in by Take and asked like any Source.
type Fed struct {
	filled
	feed connectors.Feed
}

// Inbox is the store as what a receiver fills: by Put, and asked like any Source.
type Inbox struct{ filled }

var (
	_ connectors.Source         = (*Fed)(nil)
	_ connectors.Withdrawer     = (*Fed)(nil)
	_ connectors.Forgetter      = (*Fed)(nil)
	_ connectors.Reporter       = (*Fed)(nil)
	_ connectors.Prober         = (*Fed)(nil)
	_ connectors.IntakeReporter = (*Fed)(nil)
	_ connectors.Explainer      = (*Fed)(nil)

	_ connectors.Source     = (*Inbox)(nil)
	_ connectors.Inbox      = (*Inbox)(nil)
	_ connectors.EventStore = (*Inbox)(nil)
	_ connectors.Proposer   = (*Inbox)(nil)
)

// Fed is f taken in under a name.
func (s *Store) Fed(name string, f connectors.Feed) *Fed {
	return &Fed{filled{s.For(name), name, s, f}, f}
}

// Take takes in what is new, see Store.Take; more says that the feed has more.
func (f *Fed) Take(ctx context.Context) (more bool, err error) {
	t, err := f.store.Take(ctx, f.name, f.feed)
	return t.More, err
}

// Inbox is what a receiver fills under a name.
func (s *Store) Inbox(name string, r connectors.Receiver) *Inbox {
	return &Inbox{filled{s.For(name), name, s, r}}
}

// Put implements connectors.Inbox.
func (b *Inbox) Put(events []connectors.Event) error {
	_, err := b.store.Ingest(Batch{Source: b.name, Events: events})
	return err
}

// Count implements connectors.Inbox. The counts are kept with the next commit of events, or when the store is closed.
func (b *Inbox) Count(i connectors.Intake) { b.store.uncounted.add(b.name, i) }

// Proposals implements connectors.Proposer.
func (b *Inbox) Proposals(ctx context.Context, people []connectors.Person) ([]connectors.Proposal, error) {
	return b.store.Proposals(ctx, b.name, people)
}

// Confirm implements connectors.Proposer.
func (b *Inbox) Confirm(ctx context.Context, proposals []connectors.Proposal) error {
	return b.store.Confirm(ctx, b.name, proposals)
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
