package transport

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
)

// most is the largest number of stamps in any span of per.
func most(stamps []time.Time, per time.Duration) int {
	best := 0
	for i, j := 0, 0; i < len(stamps); i++ {
		for stamps[i].Sub(stamps[j]) >= per {
			j++
		}
		best = max(best, i-j+1)
	}
	return best
}

func TestNoSpanHoldsMoreThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Window: Limit{20, 10 * time.Second}, Buckets: map[string]Limit{"search": PerSecond(4)}})
		var mu sync.Mutex
		stamps := map[string][]time.Time{}
		var wg sync.WaitGroup
		r := rand.New(rand.NewPCG(1, 2))
		for i := range 200 {
			bucket := []string{"", "search"}[i%2]
			pause := time.Duration(r.IntN(30_000)) * time.Millisecond
			wg.Go(func() {
				time.Sleep(pause)
				if err := b.acquire(t.Context(), bucket); err != nil {
					t.Error(err)
				}
				mu.Lock()
				stamps[bucket] = append(stamps[bucket], time.Now())
				mu.Unlock()
			})
		}
		start := time.Now()
		wg.Wait()
		if n := most(stamps[""], 10*time.Second); n != 20 {
			t.Errorf("up to %d calls in 10 s, want the limit of 20 to be used and kept", n)
		}
		if n := most(stamps["search"], time.Second); n > 4 {
			t.Errorf("up to %d searches in a second", n)
		}
		if d := time.Since(start); d > 60*time.Second {
			t.Errorf("100 calls at 20 per 10 s took %s", d)
		}
	})
}

func TestPerSecond(t *testing.T) {
	for rate, want := range map[float64]Limit{4: {4, time.Second}, 0.5: {1, 2 * time.Second}, 2.5: {2, 800 * time.Millisecond}} {
		if got := PerSecond(rate); got != want {
			t.Errorf("%v a second is %v, want %v", rate, got, want)
		}
	}
}

func TestTheWindowFollowsTheHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Share: 0.8, Window: Limit{80, 10 * time.Second}})
		o := Unobserved
		o.Max, o.Remaining, o.Per = 10, 9, 2*time.Second
		b.acquire(t.Context(), "")
		b.Learn(o)
		start := time.Now()
		for range 16 {
			b.acquire(t.Context(), "")
		}
		if d := time.Since(start); d != 4*time.Second { // 7 now, 8 after 2 s, the last after 4 s
			t.Errorf("16 calls at 8 per 2 s took %s", d)
		}
	})
}

func TestWhatOthersUseIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Share: 0.8})
		o := Unobserved
		o.Max, o.Per = 10, 10*time.Second
		b.acquire(t.Context(), "")
		o.Remaining = 3 // 7 used, 6 of them by others: 4 are there for us
		b.Learn(o)
		start := time.Now()
		for range 3 {
			b.acquire(t.Context(), "")
		}
		if d := time.Since(start); d != 0 {
			t.Fatalf("what is left was held back for %s", d)
		}
		b.acquire(t.Context(), "")
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("the call beyond went out after %s", d)
		}
	})
}

type ledger struct {
	mu   sync.Mutex
	days map[string]int64
}

func (*ledger) ExhaustedUntil(string) time.Time { return time.Time{} }

func (*ledger) SetExhausted(string, time.Time) {}

func (l *ledger) DailyCalls(connector, day string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.days[connector+" "+day]
}

func (l *ledger) AddCalls(connector, day string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.days[connector+" "+day] += n
}

func TestTheDaysBudgetSurvivesRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{days: map[string]int64{}}
		berlin := time.FixedZone("Berlin", 3600)
		fresh := func() *Budget {
			return NewBudget(BudgetOptions{Connector: "crm", Reserve: 0.2, DayLimit: 10, Ledger: l,
				Day: func(now time.Time) (string, time.Time) { return DayIn(now, berlin) }})
		}
		b := fresh()
		for i := range 8 {
			if i == 5 {
				b = fresh()
			}
			if err := b.acquire(t.Context(), ""); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		for range 2 {
			err := b.acquire(t.Context(), "")
			if connectors.KindOf(err) != connectors.Quota {
				t.Fatalf("the reserve was used: %v", err)
			}
			want := time.Date(2000, 1, 2, 0, 0, 0, 0, berlin) // bubbles begin at midnight UTC of 1 January 2000
			if !connectors.Until(err).Equal(want) {
				t.Errorf("until %s, want the midnight of the account, %s", connectors.Until(err), want)
			}
			b = fresh()
		}
		time.Sleep(23 * time.Hour)
		if err := b.acquire(t.Context(), ""); err != nil {
			t.Errorf("the next day: %v", err)
		}
		if l.days["crm 2000-01-01"] != 8 || l.days["crm 2000-01-02"] != 1 {
			t.Errorf("the ledger holds %v", l.days)
		}
	})
}

func TestTheVendorsCountOfTheDayCountsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Reserve: 0.2, DayLimit: 5})
		o := Unobserved
		o.DayMax, o.DayRemaining = 100, 22
		b.Learn(o)
		for range 2 {
			if err := b.acquire(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.acquire(t.Context(), ""); connectors.KindOf(err) != connectors.Quota {
			t.Errorf("the reserve of others was used: %v", err)
		}
		if limit, remaining, made := b.Day(); limit != 100 || remaining != 20 || made != 2 {
			t.Errorf("limit %d, remaining %d, made %d", limit, remaining, made)
		}
		time.Sleep(24 * time.Hour)
		if err := b.acquire(t.Context(), ""); err != nil {
			t.Errorf("yesterday's figure outlives its day: %v", err)
		}
	})
}

func TestAClockThatJumpsStallsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jump := time.Duration(0)
		b := NewBudget(BudgetOptions{Window: Limit{2, time.Second}, DayLimit: 1000, Now: func() time.Time { return time.Now().Add(jump) }})
		start := time.Now()
		for _, jump = range []time.Duration{0, -1000 * time.Hour, 1000 * time.Hour, 0, -time.Hour, 0} {
			if err := b.acquire(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("6 calls at 2 a second took %s", d)
		}
	})
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Window: Limit{1, time.Minute}})
		b.acquire(t.Context(), "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := b.acquire(ctx, ""); err != context.DeadlineExceeded || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestALongWaitForAWindowIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Window: Limit{2, time.Hour}})
		for range 2 {
			if err := b.acquire(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		err := b.acquire(t.Context(), "")
		if connectors.KindOf(err) != connectors.Quota || !connectors.Until(err).Equal(start.Add(time.Hour)) || time.Since(start) > 0 {
			t.Errorf("got %v after %s, want a Quota error at once that says in an hour", err, time.Since(start))
		}
		time.Sleep(time.Hour - 30*time.Second)
		if err := b.acquire(t.Context(), ""); err != nil || time.Since(start) != time.Hour {
			t.Errorf("got %v after %s, want half a minute to be waited out", err, time.Since(start))
		}
	})
}
