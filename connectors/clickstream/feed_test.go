package clickstream

import (
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Promise: whoever asked for something, or became known, is told as somebody who does not wait; whoever went on looking at pages can.
func TestWhoCanWait(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s := open(t, t.TempDir(), Options{Now: func() time.Time { return now }})
	var cursor connectors.Cursor
	n := 0
	event := func(kind, address, device string) connectors.Event {
		n++
		return connectors.Event{ID: string(rune('a' + n)), Kind: kind, Time: now.Add(time.Duration(n) * time.Second), Email: address, AnonymousID: device}
	}
	for _, c := range []struct {
		what    string
		events  []connectors.Event
		canWait bool
	}{
		{"a first page with an address", []connectors.Event{event("page_view", "dana@acme.example", "d1")}, false},
		{"more pages", []connectors.Event{event("page_view", "dana@acme.example", "d1"), event("Clicked Link", "dana@acme.example", "")}, true},
		{"pages and a form", []connectors.Event{event("page_view", "dana@acme.example", "d1"), event("Form Submitted", "dana@acme.example", ""), event("page_view", "dana@acme.example", "d1")}, false},
		{"a further device", []connectors.Event{event("page_view", "dana@acme.example", "d2")}, false},
		{"its pages", []connectors.Event{event("page_view", "dana@acme.example", "d2")}, true},
		{"a mail answered", []connectors.Event{event("email_reply", "dana@acme.example", "")}, false},
	} {
		if _, err := s.Ingest(Batch{Source: "site", Events: c.events}); err != nil {
			t.Fatal(err)
		}
		page, err := s.Active(t.Context(), cursor)
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%s: %d people (%v)", c.what, len(page.Items), err)
		}
		cursor = page.Next
		if page.Items[0].CanWait != c.canWait {
			t.Errorf("%s: can wait %v, want %v", c.what, page.Items[0].CanWait, c.canWait)
		}
	}
	// Of several entries in one page the urgent one decides.
	page, err := s.Active(t.Context(), nil)
	if err != nil || len(page.Items) != 1 || page.Items[0].CanWait {
		t.Errorf("from the beginning: %+v, %v", page.Items, err)
	}
	page, err = s.Fed("site", nil).Active(t.Context(), nil)
	if err != nil || len(page.Items) != 1 {
		t.Errorf("of the source alone: %+v, %v", page.Items, err)
	}
}
