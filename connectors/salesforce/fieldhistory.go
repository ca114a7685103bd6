package salesforce

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

var _ connectors.Historian = (*Client)(nil)

// History reads the field history, an option of Salesforce, object by object and field by field. It keeps changes alone, for 18 months or longer, and nothing says since when a field
// is tracked: the oldest change of the field in the org proves that it was by then, and from there on a record without a change says what it always said. A field of which there is no
// change at all tells nothing, nor do person accounts, whose changes are those of the account. Before a contact was made the lead tells that became it. It costs a request per field
// and hour, and two per some 600 records, five of contacts.
func (c *Client) History(ctx context.Context, refs []connectors.Ref, properties []string) (map[connectors.Ref]map[string]connectors.PropertyHistory, error) {
	out := map[connectors.Ref]map[string]connectors.PropertyHistory{}
	for _, name := range c.order {
		asked := map[string]connectors.Ref{}
		var ids []string
		for _, r := range refs {
			if id, ok := c.recordID(r); ok && r.Object == name && r.CRM == c.o.Name && asked[id].IsZero() {
				asked[id] = r
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		pasts, err := c.pastOf(ctx, c.objects[name], ids, properties)
		if err == nil && name == Contact {
			err = c.addLeads(ctx, pasts, ids, properties)
		}
		if err != nil {
			return nil, err
		}
		for id, past := range pasts {
			out[asked[id]] = past.said
		}
	}
	return out, nil
}

// past is what fields of a record said since it was made.
type past struct {
	made time.Time
	said map[string]connectors.PropertyHistory // by property
}

// pastOf reads the past of records of an object, by id; those that are gone are left out.
func (c *Client) pastOf(ctx context.Context, o *object, ids, properties []string) (map[string]past, error) {
	fields, err := c.trackedFields(ctx, o, properties)
	if err != nil {
		return nil, err
	}
	changes := map[edited][]fieldChange{}
	if len(fields) > 0 {
		if changes, err = c.fieldChanges(ctx, o, fields, ids); err != nil {
			return nil, err
		}
	}
	now, err := c.valuesNow(ctx, o, fields, ids)
	if err != nil {
		return nil, err
	}
	out := map[string]past{}
	for id, v := range now {
		p := past{firstTime(v, "CreatedDate"), map[string]connectors.PropertyHistory{}}
		if p.made.IsZero() || v["IsPersonAccount"] == "true" {
			continue
		}
		for _, f := range fields {
			since := f.since
			if p.made.After(since) {
				since = p.made
			}
			if h, told := changedBy(changes[edited{id, f.api}], since, v[f.api]); told {
				p.said[f.property] = h
			}
		}
		out[id] = p
	}
	return out, nil
}

// addLeads puts the past of the leads that became contacts before theirs.
func (c *Client) addLeads(ctx context.Context, contacts map[string]past, ids, properties []string) error {
	lead := c.objects[Lead]
	if lead == nil || len(contacts) == 0 {
		return nil
	}
	rows, err := c.rowsOf(ctx, fmt.Sprintf("look for the leads that became %d contacts", len(ids)), ids, false, func(list string) string {
		return "SELECT Id, ConvertedContactId FROM Lead WHERE IsConverted = true AND ConvertedContactId IN " + list + " ORDER BY CreatedDate, Id"
	})
	if hidden(err) {
		return nil
	}
	if err != nil {
		return err
	}
	became, leads := map[string]string{}, []string{}
	for _, r := range rows {
		v := r.values()
		id, _ := normalID(v["Id"])
		contact, _ := normalID(v["ConvertedContactId"])
		if _, there := contacts[contact]; there && id != "" {
			became[id], leads = contact, append(leads, id)
		}
	}
	if len(leads) == 0 {
		return nil
	}
	pasts, err := c.pastOf(ctx, lead, leads, properties)
	if err != nil {
		return err
	}
	for _, id := range leads {
		contact := contacts[became[id]]
		for property, before := range pasts[id].said {
			if !before.Since.Before(contact.made) {
				continue
			}
			before.Versions = slices.DeleteFunc(before.Versions, func(v connectors.PropertyVersion) bool { return !v.From.Before(contact.made) })
			after, told := contact.said[property]
			if !told || after.Since.After(contact.made) { // the contact has no such field, or it is not known to be tracked from the first
				before.Versions = append(before.Versions, connectors.PropertyVersion{From: contact.made, Untold: true})
			}
			before.Versions = append(before.Versions, after.Versions...)
			contact.said[property] = before
		}
	}
	return nil
}

// trackedField is a field with the time since when it is known to be tracked.
type trackedField struct {
	property, api string // as it was asked for, and as the org spells it
	since         time.Time
}

// trackedFields are the fields of an object that properties name and that have a history.
func (c *Client) trackedFields(ctx context.Context, o *object, properties []string) (out []trackedField, err error) {
	d, err := c.describe(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, property := range properties {
		only, api, dotted := strings.Cut(strings.TrimSpace(property), ".")
		if !dotted {
			only, api = o.name, only
		}
		f := d.field(api)
		if f == nil || !strings.EqualFold(only, o.name) {
			continue
		}
		since, err := c.trackedSince(ctx, o, f.Name)
		if err != nil {
			return nil, err
		}
		if !since.IsZero() {
			out = append(out, trackedField{property, f.Name, since})
		}
	}
	return out, nil
}

// tracked remembers since when fields are known to be tracked. It is safe for concurrent use.
type tracked struct {
	mu    sync.Mutex
	since map[string]trackedOnce // by object and field
}

type trackedOnce struct{ since, asked time.Time }

// trackedSince is when a field changed first, as far as the history reaches back: zero of one that is not tracked or never changed. It is asked once an hour: whoever learns asks lot by lot.
func (c *Client) trackedSince(ctx context.Context, o *object, field string) (time.Time, error) {
	key, now := o.name+"."+field, c.o.Now()
	c.tracked.mu.Lock()
	known, is := c.tracked.since[key]
	c.tracked.mu.Unlock()
	if is && now.Sub(known.asked).Abs() < time.Hour {
		return known.since, nil
	}
	rows, err := c.rows(ctx, "read since when "+key+" is tracked", "SELECT CreatedDate FROM "+o.name+"History WHERE Field = "+quote(field)+" ORDER BY CreatedDate LIMIT 1", false)
	if err != nil && !hidden(err) { // hidden: no field of the object is tracked, or nothing of it is to be seen
		return time.Time{}, err
	}
	first := trackedOnce{asked: now}
	if len(rows) == 1 {
		first.since = firstTime(rows[0].values(), "CreatedDate")
	}
	c.tracked.mu.Lock()
	defer c.tracked.mu.Unlock()
	if c.tracked.since == nil {
		c.tracked.since = map[string]trackedOnce{}
	}
	c.tracked.since[key] = first
	return first.since, nil
}

// fieldChange is one change of a field.
type fieldChange struct {
	at       time.Time
	from, to string
}

// fieldChanges are the changes of fields by record and field, in order.
func (c *Client) fieldChanges(ctx context.Context, o *object, fields []trackedField, ids []string) (map[edited][]fieldChange, error) {
	var names []string
	for _, f := range fields {
		names = append(names, quote(f.api))
	}
	rows, err := c.rowsOf(ctx, fmt.Sprintf("read the field history of %d records", len(ids)), ids, false, func(list string) string {
		return fmt.Sprintf("SELECT %[1]sId, Field, OldValue, NewValue, CreatedDate FROM %[1]sHistory WHERE %[1]sId IN %s AND Field IN (%s) ORDER BY CreatedDate, Id", o.name, list, strings.Join(names, ", "))
	})
	if err != nil {
		return nil, err
	}
	changes := map[edited][]fieldChange{}
	for _, r := range rows {
		v := r.values()
		id, _ := normalID(v[o.name+"Id"])
		i := slices.IndexFunc(fields, func(f trackedField) bool { return strings.EqualFold(f.api, v["Field"]) })
		if i < 0 {
			continue
		}
		key := edited{id, fields[i].api}
		changes[key] = append(changes[key], fieldChange{firstTime(v, "CreatedDate"), v["OldValue"], v["NewValue"]})
	}
	return changes, nil
}

// valuesNow are the fields' present values by record, with when it was made.
func (c *Client) valuesNow(ctx context.Context, o *object, fields []trackedField, ids []string) (map[string]map[string]string, error) {
	d, err := c.describe(ctx, o)
	if err != nil {
		return nil, err
	}
	names := []string{"Id", "CreatedDate"}
	if f := d.field("IsPersonAccount"); f != nil {
		names = append(names, f.Name)
	}
	for _, f := range fields {
		if !slices.Contains(names, f.api) {
			names = append(names, f.api)
		}
	}
	rows, err := c.rowsOf(ctx, fmt.Sprintf("read what %d records say now", len(ids)), ids, false, func(list string) string {
		return "SELECT " + strings.Join(names, ", ") + " FROM " + o.name + " WHERE Id IN " + list
	})
	if err != nil {
		return nil, err
	}
	now := map[string]map[string]string{}
	for _, r := range rows {
		v := r.values()
		if id, ok := normalID(v["Id"]); ok {
			now[id] = v
		}
	}
	return now, nil
}

// changedBy is the history of a field with these changes that is tracked since then and says now. Each change must begin where the one before it ended: from before a gap nothing is
// told, for the field was not tracked then.
func changedBy(changes []fieldChange, since time.Time, now string) (h connectors.PropertyHistory, told bool) {
	for _, ch := range slices.Backward(changes) {
		if ch.at.IsZero() || !sameValue(ch.to, now) {
			break
		}
		h.Versions = append(h.Versions, connectors.PropertyVersion{From: ch.at, Value: strings.Clone(ch.to)})
		now = ch.from
	}
	n := len(h.Versions)
	if n == 0 && len(changes) > 0 {
		return h, false
	}
	if h.Since = since; n < len(changes) {
		h.Since = h.Versions[n-1].From
	} else {
		h.Versions = append(h.Versions, connectors.PropertyVersion{From: since, Value: strings.Clone(now)})
	}
	slices.Reverse(h.Versions)
	return h, true
}

// sameValue says whether two texts are one value: numbers may be written in more than one way.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}
