package intake

import (
	"context"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// Poll takes in what changed in the named CRM since the last poll, page by page, each page in one transaction with its
// cursor (invariant 1). The first poll of a CRM starts the live cursor at the present; what existed before comes by Sweep.
func Poll(ctx context.Context, p *pipeline.Pipeline, crm string) (Found, error) {
	return job(ctx, p, "poll/"+crm, func(ctx context.Context, f *Found) error {
		c, err := p.CRM(ctx, crm)
		if err != nil {
			return err
		}
		feed := "poll/" + crm
		return takeIn(ctx, p, feed, f, func(ctx context.Context, from connectors.Cursor) (taken state.Taken, next connectors.Cursor, more bool, err error) {
			page, err := c.CRM.Changes(ctx, from)
			if err != nil {
				return taken, nil, false, err
			}
			taken, err = p.DB().TakeRecords(recordPage(p, c, feed, page, state.Live, 0))
			return taken, page.Next, page.More, err
		})
	})
}
