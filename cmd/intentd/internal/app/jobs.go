package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/privacy"
)

// jobs are the recurring work that the configuration asks for; a.mu is held.
func (a *App) jobs() []*job {
	loc := a.cfg.JobsLocation()
	last := a.lastStarts()
	var jobs []*job
	add := func(name, spec string, atStart bool, run func(context.Context) error) {
		s, err := config.ParseSchedule(spec, loc)
		if spec == "" || err != nil { // a bad line was refused when the file was read
			return
		}
		jobs = append(jobs, &job{name: name, schedule: onCalendar(s, loc), atStart: atStart, run: a.watched(name, run), runs: &runs{last: last[name]}})
	}
	for _, crm := range a.cfg.CRMs {
		add("poll "+crm.Name, crm.Poll, true, func(ctx context.Context) error { _, err := intake.Poll(ctx, a.pipe, crm.Name); return err })
		// A first sync begins with the daemon; a sweep that was interrupted goes on.
		add("first sync "+crm.Name, "@every 1m", true, func(ctx context.Context) error {
			if !intake.NeedsFirstSync(a.pipe, crm.Name) {
				return nil
			}
			a.sync.begin(a)
			a.sync.count(ctx, a)
			_, err := intake.Sweep(ctx, a.pipe, crm.Name)
			if err == nil && !intake.NeedsFirstSync(a.pipe, crm.Name) {
				a.log.Info("the first sync has met everybody; scores follow as the queue empties", "crm", crm.Name, "people", a.db.Stats().People)
				if st, serr := a.status(ctx, Nothing{}); serr == nil && st.Texts != nil {
					a.log.Info("people "+st.Texts.Coming(), "people", st.People)
				}
			}
			return err
		})
		add("sweep "+crm.Name, a.cfg.Schedule.Sweep, false, func(ctx context.Context) error { _, err := intake.Sweep(ctx, a.pipe, crm.Name); return err })
	}
	for _, src := range a.made.sources {
		add("listen "+src.name, src.poll, true, func(ctx context.Context) error {
			_, err := intake.Listen(ctx, a.pipe, src.name, a.pipe.Setup().Settle)
			return err
		})
	}
	add("due", "@every 1m", true, func(ctx context.Context) error { _, err := intake.Due(ctx, a.pipe); return err })
	add("look at evidence", "@every 24h", true, func(ctx context.Context) error { _, err := a.pipe.RefreshStandings(ctx); return err })
	add("nightly", "@every 10m", true, func(ctx context.Context) error { return operate.Nightly(ctx, a.pipe) }) // once a day, soon after midnight
	if a.cfg.Holdout.Share > 0 {
		add("weigh the holdout", "@every 24h", false, a.followHoldout)
	}
	add("count held fields", "@every 1h", true, func(ctx context.Context) error { _, err := a.countHeld(ctx); return err })
	add("first sync progress", "@every 1m", false, func(context.Context) error {
		if s := a.sync.progress(operate.StatusOf(a.pipe)); s != nil {
			a.log.Info(s.String())
		}
		return nil
	})
	add("purge", a.cfg.Schedule.Purge, false, func(ctx context.Context) error {
		if err := privacy.Retain(ctx, a.pipe); err != nil {
			return err // a clock in doubt purges nobody
		}
		return a.made.purge(ctx, a.o.Now())
	})
	if len(a.cfg.Alerts) > 0 {
		add("alerts", "@every 15s", false, a.teller.Round)
	}
	if a.cfg.Learning != config.LearningOff {
		add("learn", a.cfg.Schedule.Learn, false, a.learnBySchedule)
	}
	if a.watch.model != nil { // a look that asks nobody: log and metrics of jobs tell of it
		watch := a.watch
		add("look at the model", "@every 20s", false, func(context.Context) error { return watch.trouble(a.o.Now()) })
		var spent func() *Spending
		add("model spending", "@every 1h", true, func(context.Context) error {
			if spent != nil {
				a.tellSpending(spent())
			}
			spent = a.Meter()
			return nil
		})
	}
	// Forgettings that were interrupted, and people whom the CRM itself erased.
	add("erasures", "@every 10m", false, func(ctx context.Context) error { _, err := privacy.ResumeErasures(ctx, a.pipe); return err })
	return jobs
}

// sayAgain is how long a job that goes on failing for the same reason is silent in the log.
const sayAgain = time.Hour

// watched is a job whose end counts as progress and whose failure is logged: once for each reason, again after an hour, and when
// it is over. No two runs of one job overlap.
func (a *App) watched(name string, run func(context.Context) error) func(context.Context) error {
	var reason string // why it failed last; "" if it went well
	var said time.Time
	return func(ctx context.Context) error {
		err := run(ctx)
		if errors.Is(err, pipeline.ErrBusy) || ctx.Err() != nil && connectors.Interrupted(err) {
			return nil
		}
		a.did.Add(1)
		now := time.Now()
		switch {
		case err == nil && reason != "":
			a.log.Info("a job works again", "job", name)
			reason = ""
		case err == nil:
		case because(err) == reason && now.Sub(said) < sayAgain:
			a.log.Debug("a job failed again", "job", name, "error", err)
		default:
			a.log.Warn("a job failed and comes round again", "job", name, "kind", connectors.KindOf(err).String(), "error", err)
			reason, said = because(err), now
		}
		return err
	}
}

// because is an error without what differs from one time to the next, such as the moment it is tried again.
func because(err error) string {
	var e *connectors.Error
	if errors.As(err, &e) {
		return e.Kind.String() + " " + e.Code + " " + e.Message
	}
	return err.Error()
}

// Starts of calendar jobs are kept, so that one whose time passed while nothing ran is made up for.
const startedPrefix = "started/"

func (a *App) keepStart(name string, at time.Time) {
	a.db.SetSettingLater(startedPrefix+name, []byte(at.UTC().Format(time.RFC3339)))
}

func (a *App) lastStarts() map[string]time.Time {
	last := map[string]time.Time{}
	names := []string{"purge", "learn"}
	for _, crm := range a.cfg.CRMs {
		names = append(names, "sweep "+crm.Name)
	}
	for _, name := range names {
		at, _ := a.db.Setting(startedPrefix + name)
		if t, err := time.Parse(time.RFC3339, string(at)); err == nil {
			last[name] = t
		}
	}
	return last
}

// workDone changes whenever the queue, the journal or the day's spending do. Polls are not in it: they could go on while lots
// stand still.
func (a *App) workDone() string {
	a.mu.Lock()
	ledger := a.made.ledger
	a.mu.Unlock()
	spent, _ := ledger.SpentToday()
	st := a.db.Stats()
	return fmt.Sprint(st.Queue, st.Claimed, st.Journal, st.Dead, st.People, spent)
}

// nothingToDo returns nil when nobody can be claimed and no lot is under way, or work is stopped on purpose: by an admin, by the
// brake, or because every CRM is waited for.
func (a *App) nothingToDo(context.Context) error {
	st := operate.StatusOf(a.pipe)
	if st.Paused || st.Brake != "" || st.Clock != "" {
		return nil
	}
	waited := 0
	crms := a.pipe.Setup().CRMs
	for _, crm := range crms {
		if c := st.Connectors[crm.Name]; !c.OK && a.o.Now().Before(c.Until) {
			waited++
		}
	}
	if waited == len(crms) {
		return nil
	}
	if n := a.db.Stats().Claimed; n > 0 {
		return fmt.Errorf("lots of %d people are under way", n)
	}
	if next, ok := a.db.NextReady(a.o.Now()); ok && !next.After(a.o.Now()) {
		return errors.New("people wait and nobody takes them")
	}
	return nil
}
