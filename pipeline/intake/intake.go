// Package intake fills the queue: with people whose records changed (poll), who did something (listen), whom a full pass of a CRM finds
// (sweep), whose shown score changes by time alone (due), and with everybody (rescan).
//
// It stands on the pipeline, which works the queue off and knows nothing of who fills it: imports run operate → intake → pipeline, never
// back. Nothing is kept here: cursors, sweeps and runs live in the state.
//
// Promises: a cursor is saved in the transaction that stores the work it covers (invariant 1); a connector that fails stops its own jobs
// alone (invariant 9); no job of one name runs twice at a time.
package intake

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// Found counts what one poll, listen or sweep did.
type Found struct {
	Pages int `json:"pages"`
	state.Taken
	Finished bool `json:"finished"`
}

// job runs one named recurring job under its lock and remembers how it went.
func job(ctx context.Context, p *pipeline.Pipeline, name string, do func(context.Context, *Found) error) (Found, error) {
	var f Found
	unlock, ok := p.TryLock(name)
	if !ok {
		return f, pipeline.ErrBusy
	}
	defer unlock()
	_, connector, _ := strings.Cut(name, "/")
	if until, err := p.Health().Blocked(connector); err != nil {
		return f, fmt.Errorf("%s: waits until %s: %w", name, until.UTC().Format(time.RFC3339), err)
	}
	start := p.Now()
	err := do(ctx, &f)
	p.Health().Note(connector, err)
	run := state.Run{Name: name, Last: start, Duration: p.Now().Sub(start), Items: int64(f.Queued)}
	if err != nil {
		if connectors.Interrupted(err) && ctx.Err() != nil {
			return f, err
		}
		run.Error = err.Error()
		p.DB().CountHour(name, start, state.HourCounts{Failed: 1})
	} else {
		run.Good = p.Now()
		p.DB().CountHour(name, start, state.HourCounts{Done: 1})
		p.Health().Good(name, run.Good)
	}
	remember(p, run, f)
	if f.Queued > 0 {
		p.Wake()
	}
	return f, err
}

// remember keeps the run, but writes an idle one at most every ten minutes: an idle poll must not cost a disk sync.
func remember(p *pipeline.Pipeline, run state.Run, f Found) {
	if run.Error == "" && f.Queued == 0 && f.Seen == 0 && !p.Health().WorthKeeping(run.Name, p.Now()) {
		return
	}
	p.DB().NoteRun(run)
}
