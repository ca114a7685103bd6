package intake

import (
	"context"
	"errors"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// Listen takes in who did something in the named source. Whoever asked for nothing waits until it settles, for so long.
func Listen(ctx context.Context, p *pipeline.Pipeline, source string, settle time.Duration) (Found, error) {
	feed := "listen/" + source
	return job(ctx, p, feed, func(ctx context.Context, f *Found) error {
		s := p.Setup().Source(source)
		if s == nil {
			return &connectors.Error{Kind: connectors.Config, Op: "listen to " + source, Message: "no source of that name"}
		}
		count(p, s, feed) // what came by itself since the last time, or where counting begins
		defer func() {
			count(p, s, feed)
			p.DB().CountHour(feed, p.Now(), state.HourCounts{People: int64(f.Seen), Strangers: int64(f.Unknown)})
		}()
		// What the source has seen before it was ever asked belongs to the first sync, not to the live lane.
		lane := state.Live
		if caughtUp, err := p.DB().Listened(source); err != nil {
			return err
		} else if !caughtUp {
			lane = state.Backfill
		}
		for {
			rest, failed := false, error(nil)
			if s.Take != nil {
				rest, failed = s.Take(ctx) // what came in before an error is told all the same
			}
			err := takeIn(ctx, p, feed, f, func(ctx context.Context, from connectors.Cursor) (taken state.Taken, next connectors.Cursor, more bool, err error) {
				page, err := s.Source.Active(ctx, from)
				if err != nil {
					return taken, nil, false, err
				}
				taken, err = p.DB().TakeActive(state.ActivityPage{
					Source: source, Feed: feed, Next: page.Next, CaughtUp: lane == state.Backfill && !page.More && !rest,
					People: page.Items, Lane: lane, Settle: settle, Rules: p.Setup().IdentityRules(), Now: p.Now(),
				})
				return taken, page.Next, page.More, err
			})
			if err = errors.Join(failed, err); err != nil || !rest {
				return err
			}
		}
	})
}

// count notes by hour what a source took in, where it tells that. What ails it shows in its own condition.
func count(p *pipeline.Pipeline, s *pipeline.Source, feed string) {
	if r, ok := s.Source.(connectors.IntakeReporter); ok {
		if i, err := r.Intake(); err == nil {
			p.DB().CountIntake(feed, p.Now(), i.Events, i.Unread())
		}
	}
}
