package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

var dealProperties = []string{"amount", "closedate", "createdate", "dealname", "dealstage", "hs_is_closed_won", "hs_lastmodifieddate", "pipeline"}

// dealScope is what reading deals and who is on them needs.
const dealScope = "crm.objects.deals.read"

// Deals returns closed deals changed since from, with a nil cursor since a time: one search and, for
// what it finds, one association request per 100 deals. A deal that is closed and not won is lost.
func (c *Client) Deals(ctx context.Context, from connectors.Cursor, since time.Time) (connectors.Page[connectors.Deal], error) {
	p, err := c.deals(ctx, from, since)
	var e *connectors.Error
	if errors.As(err, &e) && e.Code == codeMissingScopes {
		told := *e
		told.Fix = "give the service key or app the scope " + dealScope
		err = &told
	}
	return p, err
}

func (c *Client) deals(ctx context.Context, from connectors.Cursor, since time.Time) (connectors.Page[connectors.Deal], error) {
	var p connectors.Page[connectors.Deal]
	w := walk{Feed: Deals}
	if !since.IsZero() {
		w.Since = since.UnixMilli()
	}
	if from != nil {
		if err := c.readCursor(Deals, from, &w); err != nil {
			return p, err
		}
	}
	found, next, more, err := c.step(ctx, w, "hs_lastmodifieddate", searchRequest{Properties: dealProperties,
		FilterGroups: []filterGroup{{[]filter{{"hs_is_closed", "EQ", "true"}}}}})
	if err != nil {
		return p, err
	}
	ids := make([]string, len(found))
	p.Items = make([]connectors.Deal, len(found))
	for i := range found {
		ids[i] = found[i].ID
		p.Items[i] = c.deal(&found[i])
	}
	people, err := c.dealContacts(ctx, ids)
	if err != nil {
		return connectors.Page[connectors.Deal]{}, err
	}
	for i := range p.Items {
		p.Items[i].Contacts = people[ids[i]]
	}
	p.Next, p.More = next.cursor(), more
	return p, nil
}

func (c *Client) deal(r *record) connectors.Deal {
	d := connectors.Deal{Ref: connectors.Ref{CRM: c.o.Name, Object: Deals, ID: r.ID}}
	d.Created, _ = parseTime(r.CreatedAt)
	transport.EachProperty(r.Properties, func(name, v string) {
		switch name {
		case "dealname":
			d.Name = v
		case "dealstage":
			d.Stage = v
		case "pipeline":
			d.Pipeline = v
		case "amount":
			d.Amount = v
		case "hs_is_closed_won":
			d.Won = v == "true"
		case "createdate":
			if at, ok := parseTime(v); ok {
				d.Created = at
			}
		case "closedate":
			d.Closed, _ = parseTime(v)
		}
	})
	return d
}

// dealContacts are the contacts of each deal. The lists of long ones come in pages of their own.
func (c *Client) dealContacts(ctx context.Context, ids []string) (map[string][]connectors.Ref, error) {
	type input struct {
		ID    string `json:"id"`
		After string `json:"after,omitempty"`
	}
	type answer struct {
		Results []struct {
			From   idOnly
			To     []struct{ ToObjectID json.Number }
			Paging paging
		}
		Errors []failure
	}
	people := make(map[string][]connectors.Ref, len(ids))
	seen := map[connectors.Ref]bool{}
	var todo []input
	for _, id := range ids {
		todo = append(todo, input{ID: id})
	}
	for len(todo) > 0 {
		batch := todo[:min(batchSize, len(todo))]
		todo = todo[len(batch):]
		op := fmt.Sprintf("read the contacts of %d deals", len(batch))
		v, _, err := transport.Do[answer](ctx, c.http, transport.Post(op, c.paths.dealContacts(), transport.Encode(map[string][]input{"inputs": batch})))
		if err != nil {
			return nil, err
		}
		for _, f := range v.Errors {
			if !f.has(codeNoAssociations) && !f.has(codeNotFound) {
				return nil, c.http.Err(connectors.Transient, op, f.code(), f.message())
			}
		}
		for _, r := range v.Results {
			fresh := false
			for _, to := range r.To {
				n, err := strconv.ParseUint(to.ToObjectID.String(), 10, 64)
				if err != nil {
					continue
				}
				ref := c.ref(strconv.FormatUint(n, 10))
				if key := (connectors.Ref{CRM: r.From.ID, ID: ref.ID}); !seen[key] {
					seen[key], fresh = true, true
					people[r.From.ID] = append(people[r.From.ID], ref)
				}
			}
			if after := r.Paging.Next.After; after != "" && fresh { // a page that tells nothing new would lead round in circles
				todo = append(todo, input{r.From.ID, after})
			}
		}
	}
	return people, nil
}
