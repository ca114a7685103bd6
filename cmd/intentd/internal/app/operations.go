package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// Operation is something an admin can ask of a Target. Arguments and results cross the control socket as JSON.
type Operation[Arguments, Result any] struct {
	name string
	run  func(*App, context.Context, Arguments) (Result, error)
}

// Do carries the operation out.
func (o Operation[Arguments, Result]) Do(ctx context.Context, t Target, arguments Arguments) (Result, error) {
	var result Result
	err := t.call(ctx, o.name, arguments, &result)
	return result, err
}

var operations = map[string]func(*App, context.Context, []byte) (any, error){}

func operation[Arguments, Result any](name string, run func(*App, context.Context, Arguments) (Result, error)) Operation[Arguments, Result] {
	operations[name] = func(a *App, ctx context.Context, raw []byte) (any, error) {
		var arguments Arguments
		if err := json.Unmarshal(raw, &arguments); err != nil {
			return nil, fmt.Errorf("%s: cannot read the arguments: %w", name, err)
		}
		return run(a, ctx, arguments)
	}
	return Operation[Arguments, Result]{name, run}
}

func (a *App) perform(ctx context.Context, name string, arguments []byte) (any, error) {
	run, ok := operations[name]
	if !ok {
		return nil, fmt.Errorf("this intentd knows no operation %q", name)
	}
	return run(a, ctx, arguments)
}

// call implements Target, through the same JSON as the socket: what works here works there.
func (a *App) call(ctx context.Context, name string, arguments, result any) error {
	in, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	v, err := a.perform(ctx, name, in)
	if err != nil {
		return err
	}
	out, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, result)
}

// Nothing is the arguments or the result of an operation that needs none.
type Nothing struct{}

// Who names a person: an e-mail address, a record or its id, or a person key.
type Who struct {
	Who     string `json:"who"`
	KeepCRM bool   `json:"keep_crm,omitempty"` // forget: leave the CRM's fields as they are
}

// Letters chooses dead letters: those of a record, or all.
type Letters struct {
	Ref string `json:"ref"`
}

// DeadLetter is a dead letter as admins see it.
type DeadLetter struct {
	Ref      string    `json:"ref"` // "" where it concerns the person as a whole
	Code     string    `json:"code,omitempty"`
	Message  string    `json:"message"`
	Op       string    `json:"op"`
	First    time.Time `json:"first"`
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"`
}

// Status is the whole condition of an intentd.
type Status struct {
	Version string           `json:"version"`
	Running bool             `json:"running"` // false: read from the state file, no daemon runs
	Started time.Time        `json:"started,omitzero"`
	Health  Health           `json:"health"`
	Reload  string           `json:"reload_refused,omitempty"`
	Jobs    []jobState       `json:"jobs,omitempty"`
	Spent   float64          `json:"model_spent_usd_today"`
	Budget  float64          `json:"model_budget_usd"`
	Model   string           `json:"model_refuses,omitempty"` // why the model gives no texts
	Usage   []state.DayUsage `json:"usage,omitempty"`         // the newest days first
	pipeline.Status
}

// The operations.
var (
	StatusOf = operation("status", (*App).status)
	Explain  = operation("explain", func(a *App, ctx context.Context, w Who) (*receipt.Receipt, error) {
		return a.pipe.Explain(ctx, w.Who)
	})
	DeadList  = operation("dead_list", (*App).deadList)
	DeadRetry = operation("dead_retry", func(a *App, _ context.Context, l Letters) (int, error) { return a.pipe.RetryDead(l.Ref) })
	DeadDrop  = operation("dead_drop", func(a *App, _ context.Context, l Letters) (int, error) { return a.pipe.DropDead(l.Ref) })
	Pause     = operation("pause", func(a *App, _ context.Context, _ Nothing) (Nothing, error) { return Nothing{}, a.pipe.Pause() })
	Resume    = operation("resume", func(a *App, _ context.Context, _ Nothing) (Nothing, error) { return Nothing{}, a.pipe.Resume() })
	Forget    = operation("forget", func(a *App, ctx context.Context, w Who) (*pipeline.Erased, error) {
		return a.pipe.Forget(ctx, w.Who, w.KeepCRM)
	})
	Export  = operation("export", func(a *App, ctx context.Context, w Who) (*pipeline.Held, error) { return a.pipe.Export(ctx, w.Who) })
	Compact = operation("compact", (*App).compact)
)

func (a *App) status(context.Context, Nothing) (Status, error) {
	a.mu.Lock()
	ledger, sched, watch := a.made.ledger, a.sched, a.watch
	a.mu.Unlock()
	s := Status{Version: a.o.Version, Running: a.ready.Load(), Health: a.Health(), Status: a.pipe.Status()}
	if sched != nil {
		s.Jobs = sched.state()
		s.Started = a.started
	}
	if why := a.reloadErr.Load(); why != nil {
		s.Reload = *why
	}
	if err := watch.trouble(a.o.Now()); err != nil {
		s.Model = err.Error()
	}
	spent, budget := ledger.SpentToday()
	s.Spent, s.Budget = float64(spent)/1e6, float64(budget)/1e6
	var err error
	s.Usage, err = a.pipe.Usage(7)
	return s, err
}

// shownLetters is how many dead letters are listed at most.
const shownLetters = 1000

func (a *App) deadList(context.Context, Nothing) ([]DeadLetter, error) {
	letters, err := a.pipe.DeadLetters(shownLetters)
	out := []DeadLetter{}
	for _, d := range letters {
		l := DeadLetter{Code: d.Code, Message: d.Message, Op: d.Op, First: d.First, At: d.At, Attempts: d.Attempts}
		if !d.Ref.IsZero() {
			l.Ref = d.Ref.String()
		}
		out = append(out, l)
	}
	return out, err
}

// Compacted is how much a compaction freed: of the state file and, where there is one, of the event store.
type Compacted struct {
	Before       int64 `json:"bytes_before"`
	After        int64 `json:"bytes_after"`
	EventsBefore int64 `json:"events_bytes_before,omitempty"`
	EventsAfter  int64 `json:"events_bytes_after,omitempty"`
}

func (a *App) compact(ctx context.Context, _ Nothing) (Compacted, error) {
	c := Compacted{Before: a.db.Stats().FileBytes}
	if err := a.db.Compact(); err != nil {
		return c, err
	}
	c.After = a.db.Stats().FileBytes
	store := a.eventStore()
	if store == nil {
		return c, nil
	}
	before, err := store.Stats()
	if err != nil {
		return c, err
	}
	if err := store.Compact(ctx); err != nil {
		return c, err
	}
	after, err := store.Stats()
	c.EventsBefore, c.EventsAfter = before.Bytes, after.Bytes
	return c, err
}

// Once does what a daemon would do now and returns when nothing is left that can be done: polls, listens, the first sync of each
// CRM, then the queue. It goes on past a connector that fails and returns all failures joined.
func (a *App) Once(ctx context.Context) (pipeline.Found, error) {
	if err := a.room(); err != nil {
		return pipeline.Found{}, err
	}
	a.followConfig(ctx)
	return a.pipe.Once(ctx)
}

// Waiting is what is left to do, on one line.
func (a *App) Waiting() string {
	st := a.pipe.Status()
	var parts []string
	for _, lane := range []string{"live", "retry", "due", "backfill"} {
		if n := st.Queue[lane].Depth; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, lane))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nobody"}
	}
	return fmt.Sprintf("waiting: %s; written: %d; on their way: %d; dead letters: %d", strings.Join(parts, ", "), st.Written, st.Journal, st.Dead)
}
