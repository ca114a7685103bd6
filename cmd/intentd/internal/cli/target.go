package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/state"
)

// quietLog is the log of a command: warnings and errors only, for its own output says the rest.
func (c *command) quietLog(cfg *config.Config) *app.Log {
	quiet := *cfg
	if quiet.Log.Level == "info" {
		quiet.Log.Level = "warn"
	}
	return app.NewLog(c.Stderr, &quiet)
}

// target is the running daemon or, where none runs, an app over the state file. With needState, a state that does not exist
// is an error; without, an empty one in a temporary directory takes its place: a look must not leave a file behind that
// belongs to whoever looked.
func (c *command) target(ctx context.Context, cfg *config.Config, needState bool) (app.Target, func(), error) {
	client, err := app.Dial(ctx, cfg.SocketPath())
	if err == nil {
		return client, func() {}, nil
	}
	if !errors.Is(err, app.ErrNoDaemon) {
		return nil, nil, err
	}
	if _, err := os.Stat(cfg.State.Path); errors.Is(err, fs.ErrNotExist) {
		if needState {
			return nil, nil, fmt.Errorf("there is no state at %s yet: intentd has not run with this configuration", cfg.State.Path)
		}
		return c.scratch(cfg)
	}
	a, err := app.Open(app.Options{Config: cfg, Path: c.file, Log: c.quietLog(cfg), Version: c.Version})
	if errors.Is(err, state.ErrLocked) {
		return nil, nil, fmt.Errorf("%w: it starts, stops, or is an intentd once: try again in a moment", err)
	}
	if err != nil {
		return nil, nil, err
	}
	return a, func() { c.closed(a) }, nil
}

// scratch is an app over an empty state that goes with it.
func (c *command) scratch(cfg *config.Config) (app.Target, func(), error) {
	a, done, err := app.Scratch(app.Options{Config: cfg, Path: c.file, Log: c.quietLog(cfg), Version: c.Version})
	if err != nil {
		return nil, nil, err
	}
	return a, func() {
		if err := done(); err != nil {
			fmt.Fprintln(c.Stderr, "intentd: "+err.Error())
		}
	}, nil
}

func (c *command) closed(a *app.App) {
	if err := a.Close(); err != nil {
		fmt.Fprintln(c.Stderr, "intentd: close the state: "+err.Error())
	}
}

// daemon is the daemon that runs on the state of the config file, with the file as it is now; nil where none runs. Mistakes in the
// file do not come between an admin and the daemon, which has read an earlier one, and has the credentials that systemd gives it alone.
func (c *command) daemon(ctx context.Context) (*app.Client, app.File) {
	client, err := app.Dial(ctx, config.Whereabouts(c.file).SocketPath())
	if err != nil {
		return nil, app.File{}
	}
	text, err := os.ReadFile(c.file)
	path, absErr := filepath.Abs(c.file)
	if err != nil || absErr != nil {
		return client, app.File{} // it is asked about what is in force
	}
	return client, app.File{Text: string(text), Path: path}
}

// answerer is who answers for the config file as it is now: the daemon, or this process where none runs; its File is then empty.
func (c *command) answerer(ctx context.Context) (app.Target, app.File, func(), error) {
	if client, file := c.daemon(ctx); client != nil {
		problems, err := app.Check.Do(ctx, client, file)
		if err == nil && file.Text != "" {
			err = c.refuse(problems)
		}
		return client, file, func() {}, err
	}
	cfg, err := c.load()
	if err != nil {
		return nil, app.File{}, nil, err
	}
	t, done, err := c.target(ctx, cfg, false)
	return t, app.File{}, done, err
}

// reach is the configuration and the target of a command that needs the state. A daemon goes on with what it read before the file
// got its mistakes, and says how it is.
func (c *command) reach(ctx context.Context) (*config.Config, app.Target, func(), error) {
	client, file := c.daemon(ctx)
	if client == nil {
		cfg, err := c.checked(config.Load(c.file, app.Types)) // warnings are for those who start something
		if err != nil {
			return nil, nil, nil, err
		}
		t, done, err := c.target(ctx, cfg, true)
		return cfg, t, done, err
	}
	if problems, err := app.Check.Do(ctx, client, file); err == nil && file.Text != "" {
		if err := c.refuse(problems); err != nil {
			fmt.Fprintf(c.Stderr, "intentd: %s; the daemon goes on with the configuration it read before and answers this\n", err.Error())
		}
	}
	cfg, _ := config.Load(c.file, app.Types)
	if cfg == nil {
		cfg = config.Whereabouts(c.file)
	}
	return cfg, client, func() {}, nil
}

// ask finds the target and carries out one operation that needs the state.
func ask[A, R any](ctx context.Context, c *command, o app.Operation[A, R], arguments A) (R, error) {
	var none R
	_, t, done, err := c.reach(ctx)
	if err != nil {
		return none, err
	}
	defer done()
	return o.Do(ctx, t, arguments)
}

// progress tells how long work goes on: in place on a terminal, one line a minute elsewhere.
func (c *command) progress(ctx context.Context, text func() string) (stop func()) {
	every, before, after := time.Minute, "", "\n"
	if f, ok := c.Stderr.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			every, before, after = 500*time.Millisecond, "\r\x1b[K", ""
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				fmt.Fprint(c.Stderr, before)
				return
			case <-tick.C:
				fmt.Fprint(c.Stderr, before+text()+after)
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
