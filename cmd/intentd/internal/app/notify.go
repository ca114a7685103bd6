package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notify tells systemd a state; outside a unit of Type=notify it does nothing.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// reloading is the state that systemd wants before a reload, with the monotonic time it asks for.
func reloading() string { return daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec() }

// A watchdog tells systemd, and whoever asks /healthz, that intentd is alive, and stops telling when work stands still: a process
// that only ticks would never be restarted. Alive means that since the last look something real was done, or that there is nothing to do and the
// state answers.
type watchdog struct {
	interval time.Duration
	patience time.Duration // how long work may stand still
	done     func() string // changes with everything that was done
	idle     func(context.Context) error
	tell     func(state string)
	still    *atomic.Bool // whether it stands still
	log      *slog.Logger
}

// run looks four times in each interval until ctx ends.
func (w *watchdog) run(ctx context.Context) {
	tick := time.NewTicker(w.interval / 4)
	defer tick.Stop()
	seen, since := w.done(), time.Now()
	silent := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := w.done()
		why := w.idle(ctx)
		switch {
		case now != seen || why == nil:
			seen, since, silent = now, time.Now(), false
			w.still.Store(false)
			w.tell(daemon.SdNotifyWatchdog)
		case time.Since(since) < w.patience:
			w.tell(daemon.SdNotifyWatchdog)
		case !silent:
			silent = true
			w.still.Store(true)
			w.log.Error("work stands still: the watchdog is told no more and /healthz fails, so that intentd is restarted", "for", time.Since(since).Round(time.Second), "why", why)
			w.tell(fmt.Sprintf("STATUS=stands still: %v", why))
		}
	}
}
