package salesforce

import (
	"context"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

var _ connectors.TouchReader = (*Client)(nil)

// Touches are the tasks, calls, sent mails and meetings of the own team, as [Client.Activities] tells them.
func (c *Client) Touches(ctx context.Context, refs []connectors.Ref, since time.Time) (map[connectors.Ref][]time.Time, error) {
	people := make([]connectors.Person, len(refs))
	of := map[string]connectors.Ref{}
	for i, ref := range refs {
		people[i] = connectors.Person{Key: ref.String(), Refs: []connectors.Ref{ref}}
		of[ref.String()] = ref
	}
	touched := map[connectors.Ref][]time.Time{}
	w := connectors.Window{From: since, To: c.o.Now().Add(time.Second)}
	for e, err := range c.Activities(ActivityOptions{}).Journeys(ctx, people, w) {
		if err != nil {
			return nil, err
		}
		if ref := of[e.Person]; e.Kind == connectors.KindTeamActivity && !e.Time.IsZero() {
			touched[ref] = append(touched[ref], e.Time)
		}
	}
	for _, times := range touched {
		slices.SortFunc(times, time.Time.Compare)
	}
	return touched, nil
}
