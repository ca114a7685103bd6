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
		feed := pollOf(crm)
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

// pollOf names the cursor of a CRM's polls.
func pollOf(crm string) string { return "poll/" + crm }

// Followed is how far a CRM's log of changes was read, nil where it has none or was not polled yet.
func Followed(p *pipeline.Pipeline, c *pipeline.CRM) *connectors.Followed {
	r, ok := c.CRM.(connectors.ChangesReader)
	if !ok {
		return nil
	}
	at, err := p.DB().Cursor(pollOf(c.Name))
	if err != nil || at == nil {
		return nil
	}
	followed, _ := r.ChangesAt(at) // a cursor that cannot be read the poll tells of
	return followed
}
