package hubspot

import (
	"context"
	"net/url"
	"strconv"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// pass is a position in a sweep.
type pass struct {
	Version int    `json:"v"`
	Feed    string `json:"f"`
	After   string `json:"a,omitempty"`
}

const sweepFeed = "sweep"

// Sweep walks all live contacts, 100 a page. Unlike search it has no limit of 10,000. The bin is not walked: it may hold many times what
// vanished since the last sweep, and a Read of a vanished contact tells whether it is there.
func (c *Client) Sweep(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Contact], error) {
	var p connectors.Page[connectors.Contact]
	var at pass
	if from != nil {
		if err := c.readCursor(sweepFeed, from, &at); err != nil {
			return p, err
		}
	}
	r := transport.Get("sweep contacts", c.paths.objects(Contacts, ""))
	r.Query = url.Values{"limit": {strconv.Itoa(batchSize)}, "archived": {"false"}, "properties": c.schema.read}
	whole := len(r.Query.Encode()) <= urlQueryMax
	if !whole {
		r.Query.Set("properties", "hs_object_id")
	}
	if at.After != "" {
		r.Query.Set("after", at.After)
	}
	answer, resp, err := doPage(ctx, c, r)
	if err != nil {
		return p, err
	}
	var refs []connectors.Ref
	for i := range answer.Results {
		rec := &answer.Results[i]
		k := c.contact(rec)
		refs, p.Items = append(refs, k.Ref), append(p.Items, k)
	}
	if !whole {
		if p.Items, err = c.Read(ctx, refs); err != nil {
			return connectors.Page[connectors.Contact]{}, err
		}
	}
	if whole {
		told := resp.Date
		if told.IsZero() {
			told, _ = c.http.ServerNow()
		}
		c.sweepCache.keep(answer.Results, c.pack, told)
	}
	if answer.After != "" && answer.After == at.After {
		return connectors.Page[connectors.Contact]{}, c.err(connectors.Transient, "sweep contacts", "the answer leads back to its own page")
	}
	at.After, p.More = answer.After, answer.After != ""
	at.Version, at.Feed = cursorVersion, sweepFeed
	p.Next = transport.Encode(at)
	return p, nil
}

// Count is how many live contacts there are.
func (c *Client) Count(ctx context.Context) (int, error) {
	s := searchRequest{FilterGroups: []filterGroup{{[]filter{{Property: "hs_object_id", Operator: "HAS_PROPERTY"}}}},
		Sorts: byID, Properties: []string{"hs_object_id"}, Limit: 1, After: "0"}
	r := transport.Post("count contacts", c.paths.objects(Contacts, "/search"), transport.Encode(s))
	r.Bucket = searchBucket
	answer, _, err := doPage(ctx, c, r)
	if err != nil {
		return 0, err
	}
	return answer.Total, nil
}
