package transport

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
)

// rolling is a vendor with a window of so many calls in any span of 10 seconds, whose answers take a while.
type rolling struct {
	limit   int
	latency time.Duration

	mu      sync.Mutex
	calls   []time.Time
	refused int
}

func (v *rolling) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(v.latency / 2)
	v.mu.Lock()
	now := time.Now()
	for len(v.calls) > 0 && now.Sub(v.calls[0]) >= 10*time.Second {
		v.calls = v.calls[1:]
	}
	status := http.StatusOK
	if len(v.calls) >= v.limit {
		status, v.refused = http.StatusTooManyRequests, v.refused+1
	} else {
		v.calls = append(v.calls, now)
	}
	left := v.limit - len(v.calls)
	v.mu.Unlock()
	time.Sleep(v.latency / 2)
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: r,
		Header: http.Header{"X-Max": {strconv.Itoa(v.limit)}, "X-Left": {strconv.Itoa(left)}}}, nil
}

// client is a process of its own that shares the vendor's window with others.
func (v *rolling) client(t *testing.T) *Client {
	base, err := ParseBase("https://api.example.com")
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Name: "x", Base: base, HTTP: v, Budget: NewBudget(BudgetOptions{Share: 0.8, Shared: true, Window: Limit{80, 10 * time.Second}}),
		Learn: func(h http.Header) Observed {
			o := Unobserved
			o.Max, _ = strconv.ParseInt(h.Get("X-Max"), 10, 64)
			o.Remaining, _ = strconv.ParseInt(h.Get("X-Left"), 10, 64)
			o.Per = 10 * time.Second
			return o
		}})
}

func TestInvariant12AWindowIsSharedWithOurOwnProcesses(t *testing.T) {
	for _, latency := range []time.Duration{0, 80 * time.Millisecond, 200 * time.Millisecond} {
		t.Run(latency.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &rolling{limit: 100, latency: latency}
				// A daemon that is busy all the while, and two commands, one after the other.
				var wg sync.WaitGroup
				for _, p := range []struct {
					begins         time.Duration
					workers, calls int
				}{{0, 8, 500}, {3 * time.Second, 8, 150}, {50 * time.Second, 4, 100}} {
					c := v.client(t)
					work := make(chan int, p.calls)
					for n := range p.calls {
						work <- n
					}
					close(work)
					for range p.workers {
						wg.Go(func() {
							time.Sleep(p.begins)
							for range work {
								if _, err := c.Do(t.Context(), Get("x", "/")); err != nil {
									t.Error(err)
								}
							}
						})
					}
				}
				start := time.Now()
				wg.Wait()
				if v.refused > 0 {
					t.Errorf("%d of 750 calls were refused", v.refused)
				}
				if d := time.Since(start); d > 100*time.Second { // 75 s would use every call of every window
					t.Errorf("750 calls at 100 in 10 s took %s", d)
				}
			})
		})
	}
}

func TestNothingGoesOutWhenNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Share: 0.8, Shared: true})
		o := Unobserved
		o.Max, o.Per = 100, 10*time.Second
		for range 5 {
			b.acquire(t.Context(), "")
			o.Remaining = 50
			b.Learn(o)
			b.Done("", false)
		}
		time.Sleep(10*time.Second + slack/2) // the vendor counts them no more
		b.acquire(t.Context(), "")
		o.Remaining = 0
		b.Learn(o)
		b.Done("", false)
		start := time.Now()
		b.acquire(t.Context(), "")
		if d := time.Since(start); d < slack/2 {
			t.Errorf("the next call went out after %s", d)
		}
	})
}

func TestAVendorThatTellsNoLimitIsAskedByAllWorkersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Shared: true, Window: Limit{80, 10 * time.Second}})
		b.acquire(t.Context(), "")
		b.Done("", false)
		start := time.Now()
		for range 20 {
			b.acquire(t.Context(), "")
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("20 calls waited %s for answers that tell nothing", d)
		}
		c := NewBudget(BudgetOptions{Shared: true, Window: Limit{80, 10 * time.Second}})
		c.acquire(t.Context(), "") // is never answered
		c.acquire(t.Context(), "")
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("an answer that does not come was waited for for %s", d)
		}
	})
}

func TestReleaseEndsHoldsAndHasASpentDayAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Reserve: 0.2, Buckets: map[string]Limit{"search": PerSecond(4)}})
		for _, bucket := range []string{everyBucket, "", "search"} {
			b.hold(bucket, 12*time.Hour, &connectors.Error{Kind: connectors.Quota})
			if err := b.acquire(t.Context(), "search"); bucket != "" && connectors.KindOf(err) != connectors.Quota {
				t.Fatalf("hold of %q: %v", bucket, err)
			}
			b.Release()
			for _, call := range []string{"", "search"} {
				if err := b.acquire(t.Context(), call); err != nil {
					t.Errorf("hold of %q: %v", bucket, err)
				}
			}
		}
		o := Unobserved
		o.DayMax, o.DayRemaining = 1000, 100
		b.Learn(o)
		if err := b.acquire(t.Context(), ""); connectors.KindOf(err) != connectors.Quota {
			t.Fatal(err)
		}
		b.Release()
		if err := b.acquire(t.Context(), ""); err != nil {
			t.Errorf("the vendor is not asked again: %v", err)
		}
		b.Learn(o)
		if err := b.acquire(t.Context(), ""); connectors.KindOf(err) != connectors.Quota {
			t.Errorf("it said that nothing changed: %v", err)
		}
		// Who waits for a short hold goes on at once.
		b.Release()
		b.hold("search", 30*time.Second, &connectors.Error{Kind: connectors.RateLimited})
		start := time.Now()
		time.AfterFunc(time.Second, b.Release)
		if err := b.acquire(t.Context(), "search"); err != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}
