package app

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// job is one recurring piece of work.
type job struct {
	name     string
	schedule cron.Schedule
	run      func(context.Context) error
	atStart  bool // begins with the daemon, not after its first interval
	*runs
}

// runs is what is known of a job's runs. A job that stays over a reload keeps it.
type runs struct {
	mu      sync.Mutex
	running bool
	last    time.Time // the last start, by the wall clock
	good    time.Time // the end of the last good run
	err     error     // of the last run
}

// scheduler runs jobs: none beside itself, none twice for one scheduled time, none lost to a change to summer time, to a
// suspended machine or to a panic. Its clock is time.Now, so that synctest can drive it.
type scheduler struct {
	log *slog.Logger
	// started, where set, is told each start of a calendar job; the time is kept for the next process.
	started func(name string, at time.Time)

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	jobs  []*job
	cron  *cron.Cron
	ended []context.Context // of crons that were replaced: done when their jobs are
}

// newScheduler sets jobs going. A job whose time passed while nothing ran is owed and begins within a minute.
func newScheduler(log *slog.Logger, jobs []*job, started func(string, time.Time)) *scheduler {
	s := &scheduler{log: log, started: started}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.set(jobs)
	s.wg.Go(func() {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			s.mu.Lock()
			jobs := s.jobs
			s.mu.Unlock()
			for _, j := range jobs {
				s.wg.Go(func() { s.fire(j, false) })
			}
			select {
			case <-s.ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return s
}

// set puts other jobs in the place of those there are. What is running ends undisturbed; a job that stays, by name, goes on
// from its last start.
func (s *scheduler) set(jobs []*job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	was := map[string]*runs{}
	for _, j := range s.jobs {
		was[j.name] = j.runs
	}
	if s.cron != nil {
		s.ended = append(s.ended, s.cron.Stop())
	}
	logger := cron.PrintfLogger(slog.NewLogLogger(s.log.Handler(), slog.LevelError))
	s.cron = cron.New(cron.WithLogger(cron.DiscardLogger), cron.WithChain(cron.Recover(logger), cron.SkipIfStillRunning(cron.DiscardLogger)))
	now := wall()
	for _, j := range jobs {
		if have, stays := was[j.name]; stays {
			j.runs = have
		} else {
			if j.runs == nil {
				j.runs = &runs{}
			}
			if j.last.IsZero() || j.last.After(now) { // never ran, or the clock was put back
				j.last = now
			}
			if j.atStart {
				s.wg.Go(func() { s.fire(j, true) })
			}
		}
		s.cron.Schedule(j.schedule, cron.FuncJob(func() { s.fire(j, false) }))
	}
	s.jobs = jobs
	s.cron.Start()
}

// stop ends the schedule, cancels what runs and waits for it, but no longer than ctx allows.
func (s *scheduler) stop(ctx context.Context) {
	s.cancel()
	s.mu.Lock()
	ended := append(s.ended, s.cron.Stop())
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		for _, e := range ended {
			<-e.Done()
		}
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// fire runs a job if its time has come. The timer of cron and the look at the wall clock each minute both end here; whoever
// is second finds the job no longer owed.
func (s *scheduler) fire(j *job, force bool) {
	now := wall()
	j.mu.Lock()
	if s.ctx.Err() != nil || j.running || !force && j.schedule.Next(j.last).After(now) {
		j.mu.Unlock()
		return
	}
	j.running, j.last = true, now
	j.mu.Unlock()
	if _, interval := j.schedule.(cron.ConstantDelaySchedule); !interval && s.started != nil {
		s.started(j.name, now)
	}
	err := s.guarded(j)
	j.mu.Lock()
	j.running, j.err = false, err
	if err == nil {
		j.good = wall()
	}
	j.mu.Unlock()
}

// guarded is the job with a panic turned into an error: one bad job must not end the daemon.
func (s *scheduler) guarded(j *job) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("job %s: panic: %v", j.name, r)
			s.log.Error("a job panicked", "job", j.name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	return j.run(s.ctx)
}

// jobState is what is known of a job.
type jobState struct {
	Name    string    `json:"name"`
	Running bool      `json:"running"`
	Last    time.Time `json:"last,omitzero"`
	Good    time.Time `json:"good,omitzero"`
	Next    time.Time `json:"next,omitzero"`
	Error   string    `json:"error,omitempty"`
}

func (s *scheduler) state() []jobState {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []jobState
	for _, j := range s.jobs {
		j.mu.Lock()
		st := jobState{Name: j.name, Running: j.running, Last: j.last, Good: j.good, Next: j.schedule.Next(j.last)}
		if j.err != nil {
			st.Error = j.err.Error()
		}
		j.mu.Unlock()
		all = append(all, st)
	}
	return all
}

// wall is the time without its monotonic part: that one stands still while a machine is suspended.
func wall() time.Time { return time.Now().Round(0) }

// calendar is a cron line read by the clock on the wall of a place. What cron/v3 does by instants loses 02:30 on the day the
// clocks go forward and meets it twice when they go back; read by the wall, a time that is skipped is made up for right after
// the gap, and one that comes twice counts once. Jobs of every hour go by instants, as they should.
type calendar struct {
	spec cron.SpecSchedule // in UTC, standing in for the wall
	loc  *time.Location
}

// onCalendar makes a schedule of loc out of what config.ParseSchedule gave. Fixed intervals stay as they are.
func onCalendar(s cron.Schedule, loc *time.Location) cron.Schedule {
	const everyHour = 1 << 63 // cron's mark of a * in the hour field
	spec, ok := s.(*cron.SpecSchedule)
	if !ok || spec.Hour&everyHour != 0 {
		return s
	}
	c := calendar{spec: *spec, loc: loc}
	c.spec.Location = time.UTC
	return c
}

// Next is the first instant after t at which the schedule asks for a run.
func (c calendar) Next(t time.Time) time.Time {
	local := t.In(c.loc)
	face := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
	for {
		face = c.spec.Next(face)
		if face.IsZero() {
			return face
		}
		if at, ok := c.instant(face, t); ok {
			return at
		}
	}
}

// instant is the first moment after t at which the clock shows face, or jumps over it.
func (c calendar) instant(face, t time.Time) (time.Time, bool) {
	var best time.Time
	// The zone's offsets around that day are those a day before and a day after.
	for _, d := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := face.Add(d).In(c.loc).Zone()
		at := face.Add(-time.Duration(offset) * time.Second).In(c.loc)
		shows := at.Hour() == face.Hour() && at.Minute() == face.Minute()
		if shows && at.After(t) && (best.IsZero() || at.Before(best)) {
			best = at
		}
	}
	if !best.IsZero() {
		return best, true
	}
	// Shown at or before t (a repeated hour), or never (a skipped one): the latter is run where the clock lands.
	at := time.Date(face.Year(), face.Month(), face.Day(), face.Hour(), face.Minute(), face.Second(), 0, c.loc)
	if at.Hour() != face.Hour() || at.Minute() != face.Minute() {
		_, before := face.Add(-24 * time.Hour).In(c.loc).Zone()
		if at = face.Add(-time.Duration(before) * time.Second).In(c.loc); at.After(t) {
			return at, true
		}
	}
	return time.Time{}, false
}
