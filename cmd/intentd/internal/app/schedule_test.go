package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// Promise: a daily job runs exactly once on each day, those with 23 and 25 hours included.
func TestCalendarAcrossSummerTime(t *testing.T) {
	loc := berlin(t)
	for _, c := range []struct {
		name, spec string
		from       time.Time
		days       int
		want       int
	}{
		{"daily, clocks forward", "30 2 * * *", time.Date(2027, 3, 26, 0, 0, 0, 0, loc), 5, 5},
		{"daily, clocks back", "30 2 * * *", time.Date(2026, 10, 23, 0, 0, 0, 0, loc), 5, 5},
		{"hourly, clocks forward", "0 * * * *", time.Date(2027, 3, 28, 0, 0, 0, 0, loc), 1, 23},
		{"every ten minutes, clocks back", "*/10 * * * *", time.Date(2026, 10, 25, 0, 0, 0, 0, loc), 1, 25 * 6},
		{"a year of days", "15 2 * * *", time.Date(2026, 1, 1, 0, 0, 0, 0, loc), 365, 365},
	} {
		parsed, err := config.ParseSchedule(c.spec, loc)
		if err != nil {
			t.Fatal(err)
		}
		s := onCalendar(parsed, loc)
		end := c.from.AddDate(0, 0, c.days)
		n, last := 0, c.from.Add(-time.Nanosecond)
		for at := s.Next(last); at.Before(end); at = s.Next(last) {
			if !at.After(last) {
				t.Fatalf("%s: %v is not after %v", c.name, at, last)
			}
			last, n = at, n+1
		}
		if n != c.want {
			t.Errorf("%s: %d runs, want %d", c.name, n, c.want)
		}
	}
}

// record notes when jobs ran.
type record struct {
	mu   sync.Mutex
	runs map[string][]time.Time
}

func (r *record) job(t *testing.T, name, spec string, loc *time.Location, run func(context.Context) error) *job {
	t.Helper()
	s, err := config.ParseSchedule(spec, loc)
	if err != nil {
		t.Fatal(err)
	}
	return &job{name: name, schedule: onCalendar(s, loc), runs: &runs{}, run: func(ctx context.Context) error {
		r.mu.Lock()
		r.runs[name] = append(r.runs[name], time.Now())
		r.mu.Unlock()
		if run != nil {
			return run(ctx)
		}
		return nil
	}}
}

func (r *record) count(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.runs[name])
}

// Promise: over a day every job runs as often as its schedule says; one that takes longer than its interval never overlaps
// itself, and one that panics comes round again.
func TestDayOfSchedule(t *testing.T) {
	loc := berlin(t)
	synctest.Test(t, func(t *testing.T) {
		r := &record{runs: map[string][]time.Time{}}
		inside, most := 0, 0
		var mu sync.Mutex
		jobs := []*job{
			r.job(t, "poll", "@every 1m", loc, nil),
			r.job(t, "nightly", "30 3 * * *", loc, nil),
			r.job(t, "slow", "@every 1m", loc, func(ctx context.Context) error {
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				time.Sleep(10 * time.Minute)
				mu.Lock()
				inside--
				mu.Unlock()
				return nil
			}),
			r.job(t, "panics", "0 * * * *", loc, func(context.Context) error { panic("as asked") }),
			r.job(t, "fails", "@every 6h", loc, func(context.Context) error { return errors.New("as asked") }),
		}
		jobs[0].atStart = true
		s := newScheduler(slog.New(slog.DiscardHandler), jobs, nil)
		time.Sleep(24*time.Hour + time.Second)
		s.stop(context.Background())
		if n := r.count("poll"); n < 1440 || n > 1442 {
			t.Errorf("polled %d times", n)
		}
		if n := r.count("nightly"); n != 1 {
			t.Errorf("the nightly job ran %d times", n)
		}
		if n := r.count("slow"); most != 1 || n < 120 || n > 145 {
			t.Errorf("the slow job ran %d times, %d at once", n, most)
		}
		if n := r.count("panics"); n != 24 {
			t.Errorf("the job that panics ran %d times", n)
		}
		for _, st := range s.state() {
			if bad := st.Name == "panics" || st.Name == "fails"; (st.Error != "") != bad {
				t.Errorf("%+v", st)
			}
		}
	})
}

// Promise: a calendar job whose time passed while nothing ran is made up for, once, at the next start; one that ran is not.
func TestMissedJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record{runs: map[string][]time.Time{}}
		now := time.Now()
		missed := r.job(t, "missed", "0 4 * * 0", time.UTC, nil)
		missed.last = now.AddDate(0, 0, -8)
		done := r.job(t, "done", "0 4 * * *", time.UTC, nil)
		done.last = now
		fresh := r.job(t, "fresh", "0 4 * * 0", time.UTC, nil)
		var kept []string
		s := newScheduler(slog.New(slog.DiscardHandler), []*job{missed, done, fresh}, func(name string, _ time.Time) { kept = append(kept, name) })
		time.Sleep(90 * time.Second)
		s.stop(context.Background())
		if r.count("missed") != 1 || r.count("done") != 0 || r.count("fresh") != 0 {
			t.Errorf("runs %v", r.runs)
		}
		if len(kept) != 1 {
			t.Errorf("kept %v", kept)
		}
	})
}

// Promise: a stop cancels what runs and waits for it, but not for ever.
func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record{runs: map[string][]time.Time{}}
		release := make(chan struct{})
		obeys := r.job(t, "obeys", "@every 1m", time.UTC, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		stuck := r.job(t, "stuck", "@every 1m", time.UTC, func(context.Context) error { <-release; return nil })
		s := newScheduler(slog.New(slog.DiscardHandler), []*job{obeys, stuck}, nil)
		time.Sleep(2 * time.Minute)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		before := time.Now()
		s.stop(ctx)
		if took := time.Since(before); took != 20*time.Second {
			t.Errorf("stopped after %v", took)
		}
		close(release)
		synctest.Wait()
	})
}

// Promise: a reload neither cancels nor doubles what runs, and a job that stays keeps its rhythm.
func TestJobsOverReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record{runs: map[string][]time.Time{}}
		var cancelled bool
		long := func() *job {
			return r.job(t, "sweep", "@every 1h", time.UTC, func(ctx context.Context) error {
				select {
				case <-ctx.Done():
					cancelled = true
				case <-time.After(50 * time.Minute):
				}
				return nil
			})
		}
		poll := func() *job {
			j := r.job(t, "poll", "@every 10m", time.UTC, nil)
			j.atStart = true
			return j
		}
		s := newScheduler(slog.New(slog.DiscardHandler), []*job{long(), poll()}, nil)
		time.Sleep(65 * time.Minute) // the sweep runs
		polled := r.count("poll")
		for range 10 {
			s.set([]*job{long(), poll(), r.job(t, "new", "@every 30m", time.UTC, nil)})
		}
		synctest.Wait()
		if r.count("poll") != polled {
			t.Error("a reload made the job come early")
		}
		time.Sleep(50 * time.Minute)
		if n := r.count("sweep"); n != 1 || cancelled {
			t.Errorf("%d sweeps, cancelled: %v", n, cancelled)
		}
		if n := r.count("poll"); n != polled+5 {
			t.Errorf("%d polls after the reload", n-polled)
		}
		s.stop(context.Background())
	})
}
