package transport

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
)

// A day that is any 24 hours frees up bit by bit: a spent one is asked about again after the recheck time by a call or few, and
// neither midnight nor our own count of a calendar day matters.
func TestRollingDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Reserve: 0.2, Recheck: 15 * time.Minute})
		try := func() error { return b.acquire(t.Context(), "") }
		tell := func(used int64) {
			o := Unobserved
			o.DayMax, o.DayRemaining = 100, 100-used
			b.Learn(o)
		}
		if err := try(); err != nil {
			t.Fatal(err)
		}
		tell(85)
		for range 3 {
			if err := try(); connectors.KindOf(err) != connectors.Quota || time.Until(connectors.Until(err)) != 15*time.Minute {
				t.Fatalf("%v", err)
			}
		}
		var r connectors.Report
		if b.report(&r); time.Until(r.BlockedUntil) != 15*time.Minute {
			t.Errorf("blocked until %s", r.BlockedUntil)
		}
		time.Sleep(15 * time.Minute)
		if err := try(); err != nil {
			t.Fatalf("nobody asks again: %v", err)
		}
		tell(84)
		if err := try(); connectors.KindOf(err) != connectors.Quota {
			t.Fatalf("still spent: %v", err)
		}
		time.Sleep(time.Hour)
		for range recheckCalls { // without an answer that tells the limit
			if err := try(); err != nil {
				t.Fatal(err)
			}
		}
		if err := try(); connectors.KindOf(err) != connectors.Quota {
			t.Fatalf("one after the other asks: %v", err)
		}
		time.Sleep(time.Hour)
		if err := try(); err != nil {
			t.Fatal(err)
		}
		tell(20)
		for range 50 {
			if err := try(); err != nil {
				t.Fatalf("free again: %v", err)
			}
		}
		tell(85)
		time.Sleep(10 * time.Minute)
		tell(85)
		for range 14 { // over midnight
			time.Sleep(time.Minute)
			if err := try(); connectors.KindOf(err) != connectors.Quota {
				t.Fatalf("%v", err)
			}
		}
	})
}

// Attempts under way are bounded, also while others wait; a context that ends does not wait for a place.
func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		base, err := ParseBase("https://api.example.com")
		if err != nil {
			t.Fatal(err)
		}
		c := New(Options{Name: "x", Base: base, InFlight: 2, HTTP: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
		})})
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := c.Do(t.Context(), Get("x", "/")); err != nil {
					t.Error(err)
				}
			})
		}
		start := time.Now()
		wg.Wait()
		if d := time.Since(start); most != 2 || d != 3*time.Second {
			t.Errorf("%d at once, %s", most, d)
		}
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The report tells by how much the clocks differ, and when that was seen.
func TestReportedSkew(t *testing.T) {
	base, err := ParseBase("https://api.example.com")
	if err != nil {
		t.Fatal(err)
	}
	ours := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	c := New(Options{Name: "x", Base: base, Now: func() time.Time { return ours }, HTTP: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{"Date": {ours.Add(-time.Hour).Format(http.TimeFormat)}}, Request: r}, nil
	})})
	if r := c.Report(); !r.SkewAt.IsZero() {
		t.Errorf("before any answer: %+v", r)
	}
	if _, err := c.Do(t.Context(), Get("x", "/")); err != nil {
		t.Fatal(err)
	}
	if r := c.Report(); r.Skew != time.Hour || !r.SkewAt.Equal(ours) {
		t.Errorf("skew %s at %s", r.Skew, r.SkewAt)
	}
}
