package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Found counts what one poll, listen or sweep did.
type Found struct {
	Pages int `json:"pages"`
	state.Taken
	Finished bool `json:"finished"`
}

// Poll takes in what changed in the named CRM since the last poll, page by page, each page in one transaction with its
// cursor (invariant 1). The first poll of a CRM starts the live cursor at the present; what existed before comes by Sweep.
func (p *Pipeline) Poll(ctx context.Context, crm string) (Found, error) {
	return p.job(ctx, "poll/"+crm, func(ctx context.Context, f *Found) error {
		c, err := p.CRM(ctx, crm)
		if err != nil {
			return err
		}
		feed := "poll/" + crm
		return p.feed(ctx, feed, f, func(ctx context.Context, from connectors.Cursor) (taken state.Taken, next connectors.Cursor, more bool, err error) {
			page, err := c.CRM.Changes(ctx, from)
			if err != nil {
				return taken, nil, false, err
			}
			taken, err = p.db.TakeRecords(p.recordPage(c, feed, page, state.Live, 0))
			return taken, page.Next, page.More, err
		})
	})
}

// recordPage is a page of a CRM's records as the state takes it in.
func (p *Pipeline) recordPage(c *CRM, feed string, page connectors.Page[connectors.Contact], lane state.Lane, why state.Reason) state.RecordPage {
	return state.RecordPage{Feed: feed, Next: page.Next, Records: page.Items, Fields: c.Fields, Lane: lane, Why: why, Rules: p.Setup().rules, Now: p.now()}
}

// Listen takes in who did something in the named source.
func (p *Pipeline) Listen(ctx context.Context, source string) (Found, error) {
	return p.job(ctx, "listen/"+source, func(ctx context.Context, f *Found) error {
		s := p.source(source)
		if s == nil {
			return &connectors.Error{Kind: connectors.Config, Op: "listen to " + source, Message: "no source of that name"}
		}
		// What the source has seen before it was ever asked belongs to the first sync, not to the live lane.
		lane := state.Live
		if caughtUp, err := p.db.Listened(source); err != nil {
			return err
		} else if !caughtUp {
			lane = state.Backfill
		}
		feed := "listen/" + source
		for {
			rest, failed := false, error(nil)
			if s.Take != nil {
				rest, failed = s.Take(ctx) // what came in before an error is told all the same
			}
			err := p.feed(ctx, feed, f, func(ctx context.Context, from connectors.Cursor) (taken state.Taken, next connectors.Cursor, more bool, err error) {
				page, err := s.Source.Active(ctx, from)
				if err != nil {
					return taken, nil, false, err
				}
				taken, err = p.db.TakeActive(state.ActivityPage{
					Source: source, Feed: feed, Next: page.Next, CaughtUp: lane == state.Backfill && !page.More && !rest,
					People: page.Items, Lane: lane, Rules: p.Setup().rules, Now: p.now(),
				})
				return taken, page.Next, page.More, err
			})
			if err = errors.Join(failed, err); err != nil || !rest {
				return err
			}
		}
	})
}

// step asks a feed for one page and takes it in: what it means for the state and where the feed goes on are kept together.
type step func(ctx context.Context, from connectors.Cursor) (taken state.Taken, next connectors.Cursor, more bool, err error)

// feed walks a feed from its stored cursor.
func (p *Pipeline) feed(ctx context.Context, cursor string, f *Found, take step) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		from, err := p.db.Cursor(cursor)
		if err != nil {
			return err
		}
		taken, next, more, err := take(ctx, from)
		if err != nil {
			return err
		}
		if more && string(next) == string(from) {
			return &connectors.Error{Kind: connectors.Transient, Op: cursor, Message: "says that there is more, but stands still"}
		}
		f.Add(taken)
		f.Pages++
		p.o.Progress()
		if !more {
			return nil
		}
	}
}

// comparedAtOnce is how many known records are compared in one transaction with what a sweep has met.
const comparedAtOnce = 2000

// Sweep walks all records of a CRM: the first sync, and the pass that finds removals and what polling cannot see. It can be
// interrupted at any page and goes on from there.
func (p *Pipeline) Sweep(ctx context.Context, crm string) (Found, error) {
	return p.job(ctx, "sweep/"+crm, func(ctx context.Context, f *Found) error {
		c, err := p.CRM(ctx, crm)
		if err != nil {
			return err
		}
		sweeper, ok := c.CRM.(connectors.Sweeper)
		if !ok {
			return nil
		}
		sweep, err := p.db.BeginSweep(crm, p.now())
		if err != nil {
			return err
		}
		if sweep.Phase == state.Walk {
			if err := p.walk(ctx, c, sweeper, sweep, f); err != nil {
				return err
			}
			sweep.Phase = state.Compare
		}
		for sweep.Phase == state.Compare {
			if err := ctx.Err(); err != nil {
				return err
			}
			next, missing, err := p.db.CompareSwept(sweep, c.Objects, comparedAtOnce, p.now())
			if err != nil {
				return err
			}
			sweep = next
			f.Missing += missing
			f.Queued += missing
		}
		for !f.Finished {
			if err := ctx.Err(); err != nil {
				return err
			}
			if f.Finished, err = p.db.EndSweep(sweep, 5000, p.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// walk takes in all records of a CRM.
func (p *Pipeline) walk(ctx context.Context, c *CRM, sweeper connectors.Sweeper, sweep state.Sweep, f *Found) error {
	return p.feed(ctx, sweep.Feed(), f, func(ctx context.Context, from connectors.Cursor) (taken state.Taken, next connectors.Cursor, more bool, err error) {
		page, err := sweeper.Sweep(ctx, from)
		if err != nil {
			return taken, nil, false, err
		}
		taken, err = p.db.TakeSwept(sweep, p.recordPage(c, sweep.Feed(), page, state.Backfill, state.ReasonSweep), !page.More)
		return taken, page.Next, page.More, err
	})
}

// NeedsFirstSync says whether no full pass of the CRM has ended yet.
func (p *Pipeline) NeedsFirstSync(crm string) bool {
	last, err := p.db.LastSweep(crm)
	return err != nil || last.IsZero()
}

// Due moves people whose shown score changes by time alone into the queue. It does nothing while the clock is in doubt
// (invariant 13).
func (p *Pipeline) Due(ctx context.Context) (int, error) {
	if err := p.clock.doubt(p.Setup()); err != nil {
		return 0, err
	}
	total := 0
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := p.db.EnqueueDue(p.now(), 1000)
		if err != nil {
			return total, err
		}
		total += n
		if n == 0 {
			return total, nil
		}
		p.o.Progress()
	}
}

// Rescan enqueues everybody into the backfill lane: after a change of the config that changes scores or texts. It walks in
// short transactions. One that was interrupted is to be asked for again from the start: who is queued twice is worked on once.
func (p *Pipeline) Rescan(ctx context.Context, why state.Reason) (int, error) {
	unlock, ok := p.locks.try("rescan")
	if !ok {
		return 0, ErrBusy
	}
	defer unlock()
	total := 0
	for after, more := state.PersonID(0), true; more; {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, last, err := p.db.EnqueueEverybody(after, 1000, why, p.now())
		if err != nil {
			return total, err
		}
		total += n
		after, more = last, n > 0
	}
	return total, nil
}

// job runs one named recurring job under its lock and remembers how it went.
func (p *Pipeline) job(ctx context.Context, name string, do func(context.Context, *Found) error) (Found, error) {
	var f Found
	unlock, ok := p.locks.try(name)
	if !ok {
		return f, ErrBusy
	}
	defer unlock()
	_, connector, _ := strings.Cut(name, "/")
	if until, err := p.health.Blocked(connector); err != nil {
		return f, fmt.Errorf("%s: waits until %s: %w", name, until.UTC().Format(time.RFC3339), err)
	}
	start := p.now()
	err := do(ctx, &f)
	p.health.Note(connector, err)
	run := state.Run{Name: name, Last: start, Duration: p.now().Sub(start), Items: int64(f.Queued)}
	if err != nil {
		if connectors.Interrupted(err) && ctx.Err() != nil {
			return f, err
		}
		run.Error = err.Error()
	} else {
		run.Good = p.now()
		p.health.Good(name, run.Good)
	}
	p.remember(run, f)
	if f.Queued > 0 {
		p.Wake()
	}
	return f, err
}

// remember keeps the run, but writes an idle one at most every ten minutes: an idle poll must not cost a disk sync.
func (p *Pipeline) remember(run state.Run, f Found) {
	if run.Error == "" && f.Queued == 0 && f.Seen == 0 && !p.health.WorthKeeping(run.Name, p.now()) {
		return
	}
	p.db.NoteRun(run)
}
