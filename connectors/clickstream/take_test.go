package clickstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// numbers is a feed of events 0, 1, 2 … of one person, per a page.
type numbers struct {
	events, per int
	fail        func(from int) error
	asks        atomic.Int64
}

func (n *numbers) Take(_ context.Context, from connectors.Cursor) (connectors.Page[connectors.Event], error) {
	at, _ := strconv.Atoi(string(from))
	defer n.asks.Add(1)
	var page connectors.Page[connectors.Event]
	if n.fail != nil {
		if err := n.fail(at); err != nil {
			return page, err
		}
	}
	for ; at < n.events && len(page.Items) < n.per; at++ {
		page.Items = append(page.Items, connectors.Event{
			ID: strconv.Itoa(at), Kind: connectors.KindPageView, Time: present.Add(time.Duration(at-n.events) * time.Second), Email: "ann@example.com", URL: fmt.Sprintf("/%d", at),
		})
	}
	page.Next, page.More = connectors.Cursor(strconv.Itoa(at)), at < n.events
	return page, nil
}

func (n *numbers) stored(t *testing.T, s *Store) int { return len(journey(t, s, by("e=ann"))) }

// A Take goes on until the feed has no more, and the next one from there.
func TestTake(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	n := &numbers{events: 25, per: 10}
	got, err := s.Take(t.Context(), "site", n)
	if want := (Taken{Pages: 3, Events: 25, Accepted: 25}); got != want || err != nil {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	n.events = 27
	got, err = s.Take(t.Context(), "site", n)
	if want := (Taken{Pages: 1, Events: 2, Accepted: 2}); got != want || err != nil {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if stored := n.stored(t, s); stored != 27 {
		t.Errorf("%d events are stored, want 27", stored)
	}
}

// One Take is bounded: whoever waits for the people of the first pages need not wait for the last.
func TestTakeIsBounded(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	n := &numbers{events: takePages + 5, per: 1}
	got, err := s.Take(t.Context(), "site", n)
	if got.Pages != takePages || !got.More || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err = s.Take(t.Context(), "site", n); got.Pages != 5 || got.More || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

// What was committed before a feed's failure stays, and nothing after it is skipped.
func TestTakeFails(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	broken := errors.New("broken")
	n := &numbers{events: 30, per: 10, fail: func(from int) error {
		if from == 20 {
			return broken
		}
		return nil
	}}
	if got, err := s.Take(t.Context(), "site", n); !errors.Is(err, broken) || got.Pages != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	if c, err := s.Cursor("site"); string(c) != "20" || err != nil {
		t.Errorf("the cursor is %q: %v", c, err)
	}
	n.fail = nil
	if _, err := s.Take(t.Context(), "site", n); err != nil || n.stored(t, s) != 30 {
		t.Errorf("%d events: %v", n.stored(t, s), err)
	}
}

// A page whose commit fails is asked for again, although the feed was asked for others already.
func TestTakeCommitFails(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	n := &numbers{events: 30, per: 10}
	if err := os.Mkdir(segmentPath(dir, 1), 0o700); err != nil { // the name of the next segment is taken by a directory
		t.Fatal(err)
	}
	if got, err := s.Take(t.Context(), "site", n); err == nil || got.Pages > 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if err := os.Remove(segmentPath(dir, 1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := s.Take(t.Context(), "site", n); err != nil || n.stored(t, s) != 30 {
		t.Errorf("%d events: %v", n.stored(t, s), err)
	}
}

// Small pages share commits: a feed of one event a page does not cost the syncs of one for each.
func TestTakeSharesCommits(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	n := &numbers{events: takePages, per: 1}
	s.intake.Lock() // as though a commit were under way
	done := make(chan Taken)
	go func() {
		got, err := s.Take(t.Context(), "site", n)
		if err != nil {
			t.Error(err)
		}
		done <- got
	}()
	for { // all pages but those of the commit that waits for us
		s.batches.mu.Lock()
		waits := len(s.batches.waiting)
		s.batches.mu.Unlock()
		if waits > 0 && n.asks.Load() == takePages {
			break
		}
		runtime.Gosched()
	}
	s.intake.Unlock()
	if got := <-done; got.Pages != takePages || got.Accepted != takePages {
		t.Errorf("%+v", got)
	}
	if st := stats(t, s); st.Segments > 2 {
		t.Errorf("%d commits, want 2", st.Segments)
	}
}

// A feed that says there is more and stands still ends the Take instead of turning in circles.
func TestTakeStandsStill(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	if _, err := s.Take(t.Context(), "site", still{}); connectors.KindOf(err) != connectors.Transient || err == nil {
		t.Errorf("got %v", err)
	}
}

type still struct{}

func (still) Take(_ context.Context, from connectors.Cursor) (connectors.Page[connectors.Event], error) {
	return connectors.Page[connectors.Event]{Next: connectors.Cursor("x"), More: true}, nil
}
