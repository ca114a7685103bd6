package salesforce

import (
	"context"
	"fmt"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// pass is a position in a sweep: through one object after the other in order of id.
type pass struct {
	Version int    `json:"v"`
	Feed    string `json:"f"`
	Object  string `json:"o,omitempty"`
	Last    string `json:"i,omitempty"`
}

const sweepFeed = "sweep"

// Sweep walks all records, 2,000 a page, with those in the bin, which tell where they went.
func (c *Client) Sweep(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Contact], error) {
	var p connectors.Page[connectors.Contact]
	at := pass{Version: cursorVersion, Feed: sweepFeed}
	if from != nil {
		if err := c.readCursor(sweepFeed, from, &at); err != nil {
			return p, err
		}
	}
	i := 0
	for n, name := range c.order {
		if name == at.Object {
			i = n
		}
	}
	o := c.objects[c.order[i]]
	if at.Object != o.name {
		at.Object, at.Last = o.name, ""
	}
	d, err := c.describe(ctx, o)
	if err != nil {
		return p, err
	}
	where := ""
	if at.Last != "" {
		where = "Id > " + quote(at.Last)
	}
	op := "sweep " + o.name
	found, err := c.pageFrom(ctx, op, o, d, where)
	if err != nil {
		return p, err
	}
	o.ahead.sweptAt(c.o.Now())
	items := make([]connectors.Contact, len(found.records))
	for n, r := range found.records {
		items[n] = c.contact(o, d, r)
		if items[n].ID <= at.Last {
			return p, c.err(connectors.Transient, op, "the answer is not in order of id")
		}
		at.Last = items[n].ID
	}
	p.Items = items
	switch {
	case len(items) > 0 && (len(items) >= pageSize || !found.done):
		p.More = true
	case i+1 < len(c.order):
		at.Object, at.Last, p.More = c.order[i+1], "", true
	default:
		at.Object, at.Last = "", ""
	}
	p.Next = transport.Encode(at)
	return p, nil
}

// pageFrom is the page of records in order of id that a condition begins, "" at the first.
func (c *Client) pageFrom(ctx context.Context, op string, o *object, d *description, where string) (*page, error) {
	if where != "" {
		where = " WHERE " + where
	}
	found, _, err := c.query(ctx, op, fmt.Sprintf("SELECT %s FROM %s%s ORDER BY Id LIMIT %d", strings.Join(d.read, ","), o.name, where, pageSize), true)
	if err != nil {
		o.forgetIf(err)
	}
	return found, err
}

// Count is how many live records there are, of leads those that were not converted.
func (c *Client) Count(ctx context.Context) (int, error) {
	sum := 0
	for _, name := range c.order {
		soql := "SELECT COUNT() FROM " + name
		if name == Lead {
			soql += " WHERE IsConverted = false"
		}
		p, _, err := c.query(ctx, "count "+name, soql, false)
		if err != nil {
			return 0, err
		}
		sum += p.total
	}
	return sum, nil
}
