package app

import (
	"fmt"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// modelWatch knows whether the model gives texts: a key that is not valid, a name that is not known, a limit that is waited out, an
// address that nobody answers at. People get their scores, and texts by rules, meanwhile.
type modelWatch struct {
	model connectors.Model // nil: there is none, and all is well

	mu    sync.Mutex
	err   error // why it is not asked, or was refused when it was asked last
	calls int64 // when err was seen
}

// A row of failures so long, or so many calls, is no accident of the network.
const (
	failingCalls = 5
	failingFor   = 2 * time.Minute
)

// trouble is nil while the model answers. The model is not asked for it; what it refuses it rests for, a minute at least, and it
// is in trouble until a later call goes well. It is to be looked at more often than that.
func (w *modelWatch) trouble(now time.Time) error {
	if w == nil || w.model == nil {
		return nil
	}
	r := w.report()
	w.mu.Lock()
	defer w.mu.Unlock()
	texts := func(format string, args ...any) {
		w.err = &connectors.Error{Kind: connectors.Transient, Op: "texts come from rules", Message: fmt.Sprintf(format, args...)}
		w.calls = r.Calls
	}
	why := r.LastError
	if why == "" {
		why = "a limit is waited out"
	}
	switch {
	case r.Failing > 0 && (r.Failing >= failingCalls || now.Sub(r.FailingSince) >= failingFor):
		texts("every call has failed since %s: %s", r.FailingSince.UTC().Format("2 Jan 15:04 UTC"), why) // no count: the log says the same once
	case now.Before(r.BlockedUntil):
		texts("%s", why)
	case r.Calls > w.calls:
		w.err = nil
	}
	return w.err
}

// report is what the model tells of itself, if it does.
func (w *modelWatch) report() connectors.Report {
	if r, ok := w.model.(connectors.Reporter); ok {
		return r.Report()
	}
	return connectors.Report{DailyLimit: -1, DailyRemaining: -1}
}
