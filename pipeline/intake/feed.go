package intake

import (
	"context"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// step asks a feed for one page and takes it in: what it means for the state and where the feed goes on are kept together.
type step func(ctx context.Context, from connectors.Cursor) (taken state.Taken, next connectors.Cursor, more bool, err error)

// takeIn walks a feed from its stored cursor.
func takeIn(ctx context.Context, p *pipeline.Pipeline, cursor string, f *Found, take step) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		from, err := p.DB().Cursor(cursor)
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
		p.Progress()
		if !more {
			return nil
		}
	}
}

// recordPage is a page of a CRM's records as the state takes it in.
func recordPage(p *pipeline.Pipeline, c *pipeline.CRM, feed string, page connectors.Page[connectors.Contact], lane state.Lane, why state.Reason) state.RecordPage {
	return state.RecordPage{Feed: feed, Next: page.Next, Records: page.Items, Fields: c.Fields, Lane: lane, Why: why, Rules: p.Setup().IdentityRules(), Now: p.Now()}
}
