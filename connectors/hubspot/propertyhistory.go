package hubspot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

var _ connectors.Historian = (*Client)(nil)

// History reads the versions of properties, a request per 50 contacts. HubSpot keeps the last 20 of each and more on some: of one that has so many nothing is told from before the
// oldest. Before the contact was made nothing is told either.
func (c *Client) History(ctx context.Context, refs []connectors.Ref, properties []string) (map[connectors.Ref]map[string]connectors.PropertyHistory, error) {
	out := map[connectors.Ref]map[string]connectors.PropertyHistory{}
	of := map[string]connectors.Ref{}
	var ids []string
	for _, ref := range refs {
		if _, ok := recordID(ref.ID); ok && ref.CRM == c.o.Name && ref.Object == Contacts && of[ref.ID].IsZero() {
			of[ref.ID] = ref
			ids = append(ids, ref.ID)
		}
	}
	var names []string
	for _, property := range properties {
		names = append(names, strings.ToLower(strings.TrimSpace(property)))
	}
	if len(names) == 0 {
		return out, nil
	}
	for _, batch := range chunks(ids, historyBatchSize) {
		op := fmt.Sprintf("read the history of %d contacts", len(batch))
		answer, err := c.readBatch(ctx, op, batchRead{Properties: names, History: names, Inputs: idInputs(batch)}, false)
		if err != nil {
			return nil, err
		}
		for i := range answer.Results {
			r := &answer.Results[i]
			ref, asked := of[r.ID]
			if !asked {
				continue // the survivor of a merge: it is asked about under its own id
			}
			now, past := map[string]string{}, r.versions()
			transport.EachProperty(r.Properties, func(name, v string) { now[name] = v })
			out[ref] = map[string]connectors.PropertyHistory{}
			for k, name := range names {
				if h, told := historyOf(r, past[name], now[name]); told {
					out[ref][properties[k]] = h
				}
			}
		}
	}
	return out, nil
}

// historyOf puts the versions of a property in order. What it says now must be what the last of them says.
func historyOf(r *record, versions []version, now string) (h connectors.PropertyHistory, told bool) {
	made, ok := parseTime(r.CreatedAt)
	if !ok {
		return h, false
	}
	h.Since = made
	for _, v := range versions {
		at, ok := parseTime(v.Timestamp)
		if !ok {
			return h, false
		}
		h.Versions = append(h.Versions, connectors.PropertyVersion{From: at, Value: strings.Clone(v.Value)})
	}
	slices.Reverse(h.Versions) // HubSpot lists the newest first: of two of one moment the later stays behind
	slices.SortStableFunc(h.Versions, func(a, b connectors.PropertyVersion) int { return a.From.Compare(b.From) })
	last := ""
	if n := len(h.Versions); n > 0 {
		last = h.Versions[n-1].Value
		if n >= fullHistory {
			h.Since = h.Versions[0].From
		}
	}
	return h, last == now
}
