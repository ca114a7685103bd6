package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// FeedHarness is a Feed to be tested with the system behind it.
type FeedHarness struct {
	Feed connectors.Feed
	// Add makes the system hold further events as though they came in now. The suite gives each an ID, a Time, a Kind (page_view or
	// form_submit), a URL that occurs once, a PageTitle, and Email or AnonymousID.
	Add func(t *testing.T, events ...connectors.Event)
	// Now is the system's present. The suite's events happen in the 30 days before.
	Now time.Time
	// Reopen gives a new Feed on the same system, as after a restart.
	Reopen func(t *testing.T) connectors.Feed
	// Page is how many events a page holds at most.
	Page int
	// Lookback says that events are told again for a while (at least once is all a feed promises).
	Lookback bool
	// NoAnonymous says that the system only knows identified people.
	NoAnonymous bool
	// Precision of times; 0 means exact to the microsecond.
	Precision time.Duration
	// Tells is what the system keeps of an event, and so tells; nil where that is all of it.
	Tells func(e connectors.Event) connectors.Event
	// Fail makes the next n requests to the system fail; nil where there are none.
	Fail func(n int)
}

// Feed checks what every connectors.Feed promises. make gives a fresh, empty system for each test.
func Feed(t *testing.T, make func(t *testing.T) FeedHarness) {
	for _, c := range []struct {
		promise string
		check   func(h *FeedHarness, t *testing.T)
	}{
		{"an empty system answers with nothing and a cursor", (*FeedHarness).emptySystem},
		{"a nil cursor starts at the oldest", (*FeedHarness).fromTheOldest},
		{"a cursor goes on where its page ended", (*FeedHarness).goesOn},
		{"pages are bounded and lose nothing, whatever came in at one moment", (*FeedHarness).pagesLoseNothing},
		{"what happened long ago but came in now is told", (*FeedHarness).lateEvents},
		{"a page asked for again is told again, in the middle of a pass too", (*FeedHarness).asksAgain},
		{"a cursor outlives the process, in the middle of a pass too", (*FeedHarness).outlivesProcess},
		{"cursors do not share their memory with the feed", (*FeedHarness).cursorsAreValues},
		{"an unreadable cursor is a Config error", (*FeedHarness).unreadableCursor},
		{"an event keeps its id, so that a repeat is seen to be one", (*FeedHarness).stableIDs},
		{"fields arrive as they were", (*FeedHarness).fieldsArrive},
		{"a failure is told and loses nothing", (*FeedHarness).failures},
		{"a cancelled context ends the call", (*FeedHarness).cancelled},
	} {
		t.Run(c.promise, func(t *testing.T) {
			h := make(t)
			c.check(&h, t)
		})
	}
}

func (h *FeedHarness) view(n int, ago time.Duration) connectors.Event {
	url := fmt.Sprintf("/%d", n)
	return connectors.Event{
		ID: fmt.Sprintf("id-%d", n), Kind: connectors.KindPageView, Time: h.Now.Add(-ago).Truncate(max(h.Precision, time.Second)),
		Email: fmt.Sprintf("p%d@example.com", n), URL: "https://www.example.com" + url, PageTitle: "Page " + url,
	}
}

// many adds n events, all of one moment.
func (h *FeedHarness) many(t *testing.T, n int) (want []string) {
	events := make([]connectors.Event, n)
	for i := range events {
		events[i] = h.view(i, time.Hour)
		want = append(want, fmt.Sprintf("/%d", i))
	}
	h.Add(t, events...)
	slices.Sort(want)
	return want
}

// page takes one page and holds it to what all must keep.
func (h *FeedHarness) page(t *testing.T, f connectors.Feed, from connectors.Cursor) connectors.Page[connectors.Event] {
	t.Helper()
	page, err := f.Take(t.Context(), from)
	switch {
	case err != nil:
		t.Fatalf("Take: %v", err)
	case page.Next == nil:
		t.Fatal("a page has no Next")
	case page.More && string(page.Next) == string(from):
		t.Fatal("a page says More and does not move")
	case h.Page > 0 && len(page.Items) > h.Page:
		t.Fatalf("a page of %d events, at most %d were promised", len(page.Items), h.Page)
	}
	return page
}

// take takes pages until there are no more.
func (h *FeedHarness) take(t *testing.T, f connectors.Feed, from connectors.Cursor) (events []connectors.Event, next connectors.Cursor) {
	t.Helper()
	for range 10_000 {
		page := h.page(t, f, from)
		events, from = append(events, page.Items...), page.Next
		if !page.More {
			return events, from
		}
	}
	t.Fatal("the feed does not come to an end")
	return nil, nil
}

// distinct are the paths of events; repeats are allowed only with Lookback.
func (h *FeedHarness) distinct(t *testing.T, events []connectors.Event) []string {
	t.Helper()
	all := paths(events)
	once := slices.Compact(slices.Clone(all))
	if !h.Lookback && len(once) != len(all) {
		t.Errorf("%d events were told %d times", len(once), len(all))
	}
	return once
}

func (h *FeedHarness) want(t *testing.T, events []connectors.Event, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := h.distinct(t, events); !slices.Equal(got, want) {
		t.Errorf("got events %q, want %q", got, want)
	}
}

func (h *FeedHarness) emptySystem(t *testing.T) {
	events, next := h.take(t, h.Feed, nil)
	h.want(t, events)
	events, _ = h.take(t, h.Feed, next)
	h.want(t, events)
}

func (h *FeedHarness) fromTheOldest(t *testing.T) {
	h.Add(t, h.view(1, 20*24*time.Hour))
	h.Add(t, h.view(2, time.Hour))
	events, _ := h.take(t, h.Feed, nil)
	h.want(t, events, "/1", "/2")
}

func (h *FeedHarness) goesOn(t *testing.T) {
	h.Add(t, h.view(1, 2*time.Hour))
	_, next := h.take(t, h.Feed, nil)
	again, next := h.take(t, h.Feed, next)
	if !h.Lookback {
		h.want(t, again)
	}
	h.Add(t, h.view(2, time.Hour))
	events, _ := h.take(t, h.Feed, next)
	if h.Lookback {
		events = slices.DeleteFunc(events, func(e connectors.Event) bool { return strings.HasSuffix(e.URL, "/1") })
	}
	h.want(t, events, "/2")
}

func (h *FeedHarness) size() int {
	if h.Page > 0 {
		return 3*h.Page + 1
	}
	return 1203
}

func (h *FeedHarness) pagesLoseNothing(t *testing.T) {
	want := h.many(t, h.size())
	events, _ := h.take(t, h.Feed, nil)
	h.want(t, events, want...)
}

func (h *FeedHarness) lateEvents(t *testing.T) {
	h.Add(t, h.view(1, time.Minute))
	_, next := h.take(t, h.Feed, nil)
	h.Add(t, h.view(2, 10*24*time.Hour))
	events, _ := h.take(t, h.Feed, next)
	if !slices.Contains(paths(events), "/2") {
		t.Error("the feed follows the time of events, not that of intake: a late one is lost")
	}
}

func (h *FeedHarness) asksAgain(t *testing.T) {
	want := h.many(t, h.size())
	first := h.page(t, h.Feed, nil)
	if !first.More {
		t.Skip("all fits into one page")
	}
	second := h.page(t, h.Feed, first.Next)
	// The host could not store the second page and asks for it again.
	again := h.page(t, h.Feed, first.Next)
	if !h.Lookback && !slices.Equal(paths(second.Items), paths(again.Items)) {
		t.Errorf("asked again the page holds %d events, at first %d", len(again.Items), len(second.Items))
	}
	rest, _ := h.take(t, h.Feed, again.Next)
	all := slices.Concat(first.Items, again.Items)
	if again.More {
		all = append(all, rest...)
	}
	h.want(t, all, want...)
}

func (h *FeedHarness) outlivesProcess(t *testing.T) {
	want := h.many(t, h.size())
	var all []connectors.Event
	var from connectors.Cursor
	for range 10_000 {
		page := h.page(t, h.Reopen(t), slices.Clone(from))
		all, from = append(all, page.Items...), page.Next
		if !page.More {
			break
		}
	}
	h.want(t, all, want...)
	h.Add(t, h.view(5000, time.Minute))
	events, _ := h.take(t, h.Reopen(t), from)
	if !slices.Contains(paths(events), "/5000") {
		t.Error("a stored cursor lost an event")
	}
	if !h.Lookback && len(events) != 1 {
		t.Errorf("a stored cursor told %d events, want the new one", len(events))
	}
}

func (h *FeedHarness) cursorsAreValues(t *testing.T) {
	h.many(t, h.size())
	first := h.page(t, h.Feed, nil)
	before := string(first.Next)
	h.take(t, h.Feed, first.Next)
	if string(first.Next) != before {
		t.Error("a later call changed a cursor that was handed out")
	}
}

func (h *FeedHarness) unreadableCursor(t *testing.T) {
	for _, c := range []string{"\xff\xfe is no cursor", "{", "\x01\x02\x03"} {
		if _, err := h.Feed.Take(t.Context(), connectors.Cursor(c)); connectors.KindOf(err) != connectors.Config {
			t.Errorf("%q: got %v (%v), want a Config error", c, err, connectors.KindOf(err))
		}
	}
}

func (h *FeedHarness) stableIDs(t *testing.T) {
	h.Add(t, h.view(1, time.Hour), h.view(2, time.Hour), h.view(3, 2*time.Hour))
	ids := func(f connectors.Feed) []string {
		events, _ := h.take(t, f, nil)
		var out []string
		for _, e := range events {
			out = append(out, e.ID+" "+e.URL)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	first := ids(h.Feed)
	if len(first) != 3 {
		t.Fatalf("got %q, want three events with ids of their own", first)
	}
	if again := ids(h.Reopen(t)); !slices.Equal(first, again) {
		t.Errorf("ids were %q and are now %q", first, again)
	}
}

func (h *FeedHarness) fieldsArrive(t *testing.T) {
	e := h.view(1, 3*time.Hour)
	e.URL = "https://www.example.com/prices?plan=pro&q=größe"
	e.PageTitle = "Prices – \"all\" plans; 日本語"
	h.Add(t, e)
	if h.Tells != nil {
		e = h.Tells(e)
	}
	events, _ := h.take(t, h.Feed, nil)
	if len(events) == 0 {
		t.Fatal("no event")
	}
	g := events[0]
	switch {
	case g.ID == "":
		t.Error("no ID")
	case g.Kind != e.Kind, g.URL != e.URL, g.PageTitle != e.PageTitle, g.Email != e.Email:
		t.Errorf("got %q %q %q %q, want %q %q %q %q", g.Kind, g.URL, g.PageTitle, g.Email, e.Kind, e.URL, e.PageTitle, e.Email)
	case !g.Time.Equal(e.Time):
		t.Errorf("got time %v, want %v", g.Time, e.Time)
	case g.Person != "":
		t.Errorf("a feed made up the host's key %q", g.Person)
	}
}

func (h *FeedHarness) failures(t *testing.T) {
	if h.Fail == nil {
		t.Skip("the feed makes no requests")
	}
	want := h.many(t, h.size())
	var all []connectors.Event
	var from connectors.Cursor
	failed := 0
	for n := range 10_000 {
		if n%3 == 1 {
			h.Fail(1000)
		}
		page, err := h.Feed.Take(t.Context(), from)
		h.Fail(0)
		if err != nil {
			failed++
			if k := connectors.KindOf(err); k == connectors.Rejected || k == connectors.Gone {
				t.Fatalf("a feed's failure concerns no record: %v", err)
			}
			continue
		}
		all, from = append(all, page.Items...), page.Next
		if !page.More {
			break
		}
	}
	if failed == 0 {
		t.Error("no failure was told")
	}
	h.want(t, all, want...)
}

func (h *FeedHarness) cancelled(t *testing.T) {
	h.Add(t, h.view(1, time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Feed.Take(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	events, _ := h.take(t, h.Feed, nil)
	h.want(t, events, "/1")
}
