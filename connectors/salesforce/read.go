package salesforce

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Read returns one contact per ref, in order. Live ones cost one request per 2,000 of an object, also where a host asks in smaller
// lots for what a sweep told (see ahead); those that are not live one more per some 600. Records of an object that the configuration does not name, or no longer, are paused: they read as archived.
func (c *Client) Read(ctx context.Context, refs []connectors.Ref) ([]connectors.Contact, error) {
	op := fmt.Sprintf("read %d records", len(refs))
	ids := map[string][]string{}
	seen := make(map[string]bool, len(refs))
	for _, r := range refs {
		if r.CRM != c.o.Name {
			return nil, c.err(connectors.Config, op, "%s is no record of this org", r)
		}
		if c.objects[r.Object] == nil {
			continue
		}
		if id, ok := c.recordID(r); ok && !seen[id] {
			seen[id] = true
			ids[r.Object] = append(ids[r.Object], id)
		}
	}
	found := make(map[string]connectors.Contact, len(seen))
	for _, name := range c.order {
		if err := c.readObject(ctx, c.objects[name], ids[name], found); err != nil {
			return nil, err
		}
	}
	out := make([]connectors.Contact, len(refs))
	now := c.o.Now()
	for i, r := range refs {
		id, ok := c.recordID(r)
		k, there := found[id]
		if c.objects[r.Object] == nil {
			k = connectors.Contact{State: connectors.Archived}
		} else if !ok || !there {
			k = connectors.Contact{State: connectors.Deleted} // beyond the bin, or never one of this org
		} else {
			c.idle.note(&k, now)
		}
		k.Ref = r
		out[i] = k
	}
	return out, nil
}

// prefixes are the first characters of the ids of an object's records.
var prefixes = map[string]string{Lead: "00Q", Contact: "003"}

// recordID is r's id with 18 characters. What is no id of r's object names nothing in Salesforce, which would refuse a whole
// request for it.
func (c *Client) recordID(r connectors.Ref) (string, bool) {
	id, ok := normalID(r.ID)
	return id, ok && id[:3] == prefixes[r.Object]
}

func (c *Client) readObject(ctx context.Context, o *object, ids []string, found map[string]connectors.Contact) error {
	if len(ids) == 0 {
		return nil
	}
	d, err := c.describe(ctx, o)
	if err != nil {
		return err
	}
	keep := func(r record) {
		k := c.contact(o, d, r)
		found[k.ID] = k
	}
	if ids, err = c.readAhead(ctx, o, d, ids, keep); err != nil {
		return err
	}
	var missing []string
	for chunk := range slices.Chunk(ids, readSize) {
		records, err := c.retrieve(ctx, o, d, chunk)
		if err != nil {
			o.forgetIf(err)
			return err
		}
		for _, r := range records {
			keep(r)
		}
		for _, id := range chunk {
			if _, ok := found[id]; !ok {
				missing = append(missing, id)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	rows, err := c.rowsOf(ctx, fmt.Sprintf("look for %d records in the bin", len(missing)), missing, true, func(list string) string {
		return "SELECT " + strings.Join(d.read, ",") + " FROM " + o.name + " WHERE Id IN " + list
	})
	if err != nil {
		return err
	}
	for _, r := range rows {
		keep(r)
	}
	return nil
}

// retrieve reads live records by id; those that are not live are left out, and those that Salesforce refuses to look for: one of
// them costs no other its answer.
func (c *Client) retrieve(ctx context.Context, o *object, d *description, ids []string) ([]record, error) {
	body := struct {
		IDs    []string `json:"ids"`
		Fields []string `json:"fields"`
	}{ids, d.read}
	r := transport.Post(fmt.Sprintf("read %d of %s", len(ids), o.name), c.data+"/composite/sobjects/"+o.name, transport.Encode(body))
	var records []record
	r.Decode = func(a *transport.Response) error {
		records = make([]record, 0, len(ids))
		s := transport.Scanner{S: string(a.Body)}
		n := 0
		err := s.List(func() error {
			n++
			raw, err := s.Raw()
			if raw != "null" && err == nil {
				records = append(records, record(strings.Clone(raw)))
			}
			return err
		})
		if err == nil && (n != len(ids) || !s.End()) {
			err = transport.ErrNotJSON // an answer that is not about what was asked
		}
		return err
	}
	_, err := c.http.Do(ctx, r)
	if connectors.KindOf(err) != connectors.Rejected {
		return records, err
	}
	if len(ids) == 1 {
		return nil, nil // the query for what is in the bin may know it yet
	}
	first, err := c.retrieve(ctx, o, d, ids[:len(ids)/2])
	if err != nil {
		return nil, err
	}
	second, err := c.retrieve(ctx, o, d, ids[len(ids)/2:])
	return append(first, second...), err
}
