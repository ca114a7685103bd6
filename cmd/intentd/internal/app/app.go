// Package app is intentd as a whole: it builds connectors and pipeline from a configuration, keeps the schedule, answers health and
// metrics over HTTP and admins over a control socket.
//
// Terms: a job is one recurring piece of work; an operation is what an admin can ask for (status, pause, explain …), of a
// running daemon through its socket, or of the state file itself where none runs.
//
// Promises: nothing runs before Start and nothing after Stop; a reload with mistakes changes nothing; the package never touches
// signals, environment or standard streams, so that tests can embed it; no secret leaves it, and no e-mail address but in the
// answers to an admin's own questions.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/alert"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/privacy"
	"github.com/intentd/intentd/state"
)

// Options say what to run.
type Options struct {
	Config *config.Config
	Path   string // of the config file, for Reload and messages
	Log    *Log   // nil: silent
	// Version is told by version, metrics and status.
	Version string
	// Now is the clock of state, ledger and pipeline (time.Now). The schedule always follows time.Now.
	Now func() time.Time
	// HTTP, where set, carries all requests of CRMs and models: tests put a sandbox there.
	HTTP http.RoundTripper
	// Page, where set, makes what answers browsers at http.listen while http.page is on.
	Page func(*App) Page
	// Learned, where set, tells in the state's place what is applied of what was learned from outcomes. It is asked whenever a configuration is put in force.
	Learned func() (Learned, error)
	// Wait is for how long Once waits for a bulk job of a CRM (as long as it takes).
	Wait time.Duration
	// LockTimeout is how long Open waits for another process to let go of the state (2 s).
	LockTimeout time.Duration
}

// App is one intentd. Its methods are safe for concurrent use, except that Start and Stop are called once each.
type App struct {
	o    Options
	log  *slog.Logger
	db   *state.DB
	pipe *pipeline.Pipeline

	teller *alert.Teller

	reload sync.Mutex // one reload at a time
	mu     sync.Mutex // guards what follows
	cfg    *config.Config
	made   *built
	watch  *modelWatch
	sched  *scheduler

	started   time.Time
	did       atomic.Int64 // grows with everything real that was done
	ready     atomic.Bool
	still     atomic.Bool // work stands still
	held      atomic.Pointer[HeldFields]
	known     lately[knownPerson]      // what the CRMs said of who was looked at
	owners    lately[string]           // and of who owns their records
	taught    atomic.Pointer[Learning] // nil: to be looked at
	sync      syncWatch
	reloadErr atomic.Pointer[string] // why the last reload was refused

	run    context.Context // of the work; stop ends it
	stop   context.CancelFunc
	wg     sync.WaitGroup
	failed chan error // the pipeline ended by itself
	http   *http.Server
	addr   string
	page   Page
	inlets []openInlet
	heard  *hearing
	socket *controlServer
}

// Open opens the state and builds everything that the configuration names. It touches no network and starts nothing.
func Open(o Options) (*App, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &App{o: o, cfg: o.Config, log: slog.New(slog.DiscardHandler), failed: make(chan error, 1), started: o.Now(), heard: newHearing()}
	a.sync.now = o.Now
	if o.Log != nil {
		a.log = o.Log.Logger
	}
	if dir := filepath.Dir(o.Config.State.Path); dir != "." {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the directory of the state file: %w", err)
		}
	}
	db, err := state.Open(o.Config.State.Path, state.Options{Now: o.Now, LockTimeout: o.LockTimeout, Progress: func(line string) { a.log.Info(line) }})
	if err != nil {
		return nil, err
	}
	a.db = db
	if a.made, err = a.build(o.Config, nil, nil); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	a.watch = &modelWatch{model: a.made.model}
	a.pipe, err = pipeline.New(pipeline.Options{DB: db, Now: o.Now, Logger: a.log, LotSize: a.made.lot, JobWait: o.Wait, Progress: func() { a.did.Add(1) }}, a.made.setup)
	if err != nil {
		return nil, errors.Join(err, a.made.close(), db.Close())
	}
	a.teller = alert.New(a.pipe, a.channelsNow)
	if o.Page != nil {
		a.page = o.Page(a)
	}
	return a, nil
}

// Pipeline is the pipeline that the app runs.
func (a *App) Pipeline() *pipeline.Pipeline { return a.pipe }

// Config is the configuration in force.
func (a *App) Config() *config.Config {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cfg
}

// Start begins to work: listeners first, so that a port that is taken is told at once, then workers and schedule. The end of
// ctx does not stop the app; Stop does.
func (a *App) Start(ctx context.Context) error {
	if err := a.room(); err != nil {
		return err
	}
	a.removeCopies()
	var err error
	if a.socket, err = serveControl(a); err != nil {
		return err
	}
	if err := a.serveHTTP(); err != nil {
		a.socket.close()
		return err
	}
	if err := a.serveInlets(); err != nil {
		if a.http != nil {
			_ = a.http.Close()
		}
		a.socket.close()
		return err
	}
	a.work(ctx)
	notify(daemon.SdNotifyReady)
	a.log.Info("intentd runs", "version", a.o.Version, "state", a.Config().State.Path, "http", a.addr, "write", a.Config().Write.Mode)
	return nil
}

// usualPatience is how long work may stand still where systemd does not say.
const usualPatience = 10 * time.Minute

// work starts everything but the listeners.
func (a *App) work(ctx context.Context) {
	a.run, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.wg.Go(func() {
		if err := a.pipe.Run(a.run); err != nil {
			a.failed <- fmt.Errorf("the pipeline ended: %w", err)
		}
	})
	a.wg.Go(func() {
		if n, err := privacy.ResumeErasures(a.run, a.pipe); err != nil && a.run.Err() == nil {
			a.log.Error("an interrupted forgetting could not be finished", "error", err)
		} else if n > 0 {
			a.log.Info("finished interrupted forgettings", "people", n)
		}
	})
	a.wg.Go(func() { a.followConfig(a.run) })
	a.wg.Go(func() { a.listenAtOnce(a.run) })
	a.mu.Lock()
	a.sched = newScheduler(a.log, a.jobs(), a.keepStart)
	a.mu.Unlock()
	interval, _ := daemon.SdWatchdogEnabled(false)
	if interval <= 0 {
		interval = usualPatience
	}
	w := &watchdog{interval: interval, patience: interval, still: &a.still, done: a.workDone, idle: a.nothingToDo, tell: notify, log: a.log}
	a.wg.Go(func() { w.run(a.run) })
	a.ready.Store(true)
}

// Failed tells when the app cannot go on by itself, at most once: the state failed. Stop is still to be called.
func (a *App) Failed() <-chan error { return a.failed }

// Stop ends the schedule, lets lots finish as far as ctx allows, and closes the state. What was not finished is found again at
// the next start.
func (a *App) Stop(ctx context.Context) error {
	a.log.Info("intentd stops")
	notify(daemon.SdNotifyStopping)
	a.ready.Store(false)
	a.endInlets(ctx)
	a.mu.Lock()
	sched := a.sched
	a.mu.Unlock()
	if sched != nil {
		sched.stop(ctx)
	}
	if a.stop != nil {
		a.stop()
	}
	done := make(chan struct{})
	go func() {
		a.wg.Wait()
		close(done)
	}()
	var late error
	select {
	case <-done:
	case <-ctx.Done():
		late = errors.New("stopped before all work under way had ended: it is done again at the next start")
	}
	if a.socket != nil {
		a.socket.close()
	}
	if a.http != nil {
		_ = a.http.Shutdown(ctx) // what still reads metrics may be cut off
		_ = a.http.Close()
	}
	return errors.Join(late, a.Close())
}

// Close lets go of the state without having started.
func (a *App) Close() error { return errors.Join(a.made.close(), a.db.Close()) }

// Reload reads the config file again and puts it in force. With mistakes in it nothing changes, and the problems are
// returned. Lots in flight finish under what they began with.
func (a *App) Reload(ctx context.Context) (config.Problems, error) {
	a.reload.Lock()
	defer a.reload.Unlock()
	notify(reloading())
	defer notify(daemon.SdNotifyReady)
	cfg, problems := config.Load(a.o.Path, Types)
	err := problems.Err()
	if err == nil {
		err = a.swap(cfg)
	}
	if err != nil {
		text := err.Error()
		a.reloadErr.Store(&text)
		a.log.Error("the changed configuration is refused; the old one goes on", "error", err)
		return problems, err
	}
	a.reloadErr.Store(nil)
	for _, p := range problems.Warnings() {
		a.log.Warn("configuration", "path", p.Path, "message", p.Message, "fix", p.Fix)
	}
	a.log.Info("the configuration was read again")
	return problems, nil
}

// swap puts cfg in force. What is bound to a file or a port stays until a restart.
func (a *App) swap(cfg *config.Config) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.cfg
	for _, fixed := range []struct{ path, was, is string }{
		{"state.path", old.State.Path, cfg.State.Path},
		{"http.listen", old.HTTP.Listen, cfg.HTTP.Listen},
		{"clickstream.dir", old.ClickstreamDir(), cfg.ClickstreamDir()},
		{"clickstream.retention", old.Clickstream.Retention.String(), cfg.Clickstream.Retention.String()},
		{"privacy.internal_ips", strings.Join(old.Privacy.InternalIPs, ", "), strings.Join(cfg.Privacy.InternalIPs, ", ")},
		{"log.format", old.Log.Format, cfg.Log.Format},
	} {
		if fixed.was != fixed.is {
			return fmt.Errorf("%s: changed from %q to %q: this needs a restart of intentd", fixed.path, fixed.was, fixed.is)
		}
	}
	made, err := a.build(cfg, a.made, nil)
	if err != nil {
		return err
	}
	if was, is := inletAddresses(a.made.inlets), inletAddresses(made.inlets); was != is {
		for _, c := range made.open[len(a.made.open):] {
			_ = c.Close()
		}
		return fmt.Errorf("sources: who listens where changed from %q to %q: this needs a restart of intentd", was, is)
	}
	a.cfg, a.made, a.watch = cfg, made, &modelWatch{model: made.model}
	if a.o.Log != nil {
		a.o.Log.Follow(cfg)
	}
	a.pipe.Swap(made.setup)
	if a.sched != nil {
		a.sched.set(a.jobs())
	}
	if a.ready.Load() {
		a.wg.Go(func() { a.followConfig(a.run) })
	}
	return nil
}

// followConfig asks for everybody again where the configuration in force makes other scores or texts than the one that the
// state last worked under, be it in this process or an earlier one. What is asked for twice is done once.
func (a *App) followConfig(ctx context.Context) {
	defer func() { // last: it may have to read a year's deals
		if err := a.followHoldout(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("the holdout could not be looked to, and is later", "error", err)
		}
	}()
	if err := a.noteFields(); err != nil {
		a.log.Warn("fields that the configuration does without may not be emptied before the next start", "error", err)
	}
	a.mu.Lock()
	version := a.made.version
	a.mu.Unlock()
	const key = "config"
	kept, err := a.db.Setting(key)
	last := string(kept)
	if err == nil && last == version {
		return
	}
	n := 0
	if err == nil && last != "" {
		n, err = intake.Rescan(ctx, a.pipe, state.ReasonConfig)
	}
	if err == nil {
		err = a.db.SetSetting(key, []byte(version))
	}
	switch {
	case ctx.Err() != nil || errors.Is(err, pipeline.ErrBusy): // the next start, or the one that is busy, sees to it
	case err != nil:
		a.log.Error("could not ask for everybody again after a change of the configuration", "queued", n, "error", err)
	case n > 0:
		a.log.Info("scores or texts are worked out anew: the configuration changed", "people", n)
	}
}
