package intake

import (
	"context"
	"errors"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// comparedAtOnce is how many known records are compared in one transaction with what a sweep has met.
const comparedAtOnce = 2000

// Sweep walks all records of a CRM: the first sync, and the pass that finds removals and what polling cannot see. It can be
// interrupted at any page and goes on from there.
func Sweep(ctx context.Context, p *pipeline.Pipeline, crm string) (Found, error) {
	return job(ctx, p, "sweep/"+crm, func(ctx context.Context, f *Found) error {
		c, err := p.CRM(ctx, crm)
		if err != nil {
			return err
		}
		sweeper, ok := c.CRM.(connectors.Sweeper)
		if !ok {
			return nil
		}
		if err := followFirst(ctx, p, crm); err != nil {
			return err
		}
		sweep, err := p.DB().BeginSweep(crm, p.Now())
		if err != nil {
			return err
		}
		if sweep.Phase == state.Walk {
			if err := walk(ctx, p, c, sweeper, sweep, f); err != nil {
				return err
			}
			sweep.Phase = state.Compare
		}
		for sweep.Phase == state.Compare {
			if err := ctx.Err(); err != nil {
				return err
			}
			next, missing, err := p.DB().CompareSwept(sweep, c.Objects, comparedAtOnce, p.Now())
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
			if f.Finished, err = p.DB().EndSweep(sweep, 5000, p.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// followFirst makes sure that changes are followed before the CRM is walked: what changes behind the walk only a poll tells.
func followFirst(ctx context.Context, p *pipeline.Pipeline, crm string) error {
	for {
		if at, err := p.DB().Cursor(pollOf(crm)); err != nil || at != nil {
			return err
		}
		if _, err := Poll(ctx, p, crm); !errors.Is(err, pipeline.ErrBusy) {
			return err
		}
		select { // the poll under way begins
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// walk takes in all records of a CRM.
func walk(ctx context.Context, p *pipeline.Pipeline, c *pipeline.CRM, sweeper connectors.Sweeper, sweep state.Sweep, f *Found) error {
	return takeIn(ctx, p, sweep.Feed(), f, func(ctx context.Context, from connectors.Cursor) (taken state.Taken, next connectors.Cursor, more bool, err error) {
		page, err := sweeper.Sweep(ctx, from)
		if err != nil {
			return taken, nil, false, err
		}
		taken, err = p.DB().TakeSwept(sweep, recordPage(p, c, sweep.Feed(), page, state.Backfill, state.ReasonSweep), !page.More)
		return taken, page.Next, page.More, err
	})
}

// NeedsFirstSync says whether no full pass of the CRM has ended yet.
func NeedsFirstSync(p *pipeline.Pipeline, crm string) bool {
	last, err := p.DB().LastSweep(crm)
	return err != nil || last.IsZero()
}
