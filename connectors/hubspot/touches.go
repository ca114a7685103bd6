package hubspot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// lastContacted is when the own team last dealt with a contact: HubSpot sets it with each call, sales mail, meeting or message that is logged.
const lastContacted = "notes_last_contacted"

var _ connectors.TouchReader = (*Client)(nil)

// Touches reads the property's history, a request per 50 contacts. HubSpot keeps its last 20 versions: of somebody who was contacted more often since,
// the first times are lost. Tasks and notes do not set it.
func (c *Client) Touches(ctx context.Context, refs []connectors.Ref, since time.Time) (map[connectors.Ref][]time.Time, error) {
	touched := map[connectors.Ref][]time.Time{}
	of := map[string]connectors.Ref{}
	var ids []string
	for _, ref := range refs {
		if _, ok := recordID(ref.ID); ok && ref.CRM == c.o.Name && ref.Object == Contacts && of[ref.ID].IsZero() {
			of[ref.ID] = ref
			ids = append(ids, ref.ID)
		}
	}
	for _, batch := range chunks(ids, historyBatchSize) {
		op := fmt.Sprintf("read when %d contacts were last contacted", len(batch))
		answer, err := c.readBatch(ctx, op, batchRead{Properties: []string{lastContacted}, History: []string{lastContacted}, Inputs: idInputs(batch)}, false)
		if err != nil {
			return nil, err
		}
		for i := range answer.Results {
			r := &answer.Results[i]
			ref, asked := of[r.ID]
			if !asked {
				continue // the survivor of a merge: it is asked about under its own id
			}
			var times []time.Time
			for _, v := range r.versions()[lastContacted] {
				at, ok := parseTime(v.Value)
				if ok && !at.Before(since) && !slices.ContainsFunc(times, at.Equal) {
					times = append(times, at)
				}
			}
			if slices.SortFunc(times, time.Time.Compare); times != nil {
				touched[ref] = times
			}
		}
	}
	return touched, nil
}
