package salesforce

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

var _ connectors.Historian = (*Client)(nil)

// History reads the field history, an option of Salesforce, object by object and field by field. It keeps changes alone, for 18 months or longer, and nothing says since when a field
// is tracked: the oldest change of the field in the org proves that it was by then, and from there on a record without a change says what it always said. A field of which there is no
// change at all tells nothing, nor do person accounts, whose changes are those of the account. It costs a request per field, and two per some 600 records.
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
		o := c.objects[name]
		fields, err := c.trackedFields(ctx, o, properties)
		if err != nil {
			return nil, err
		}
		if len(fields) == 0 {
			continue
		}
		changes, err := c.fieldChanges(ctx, o, fields, ids)
		if err != nil {
			return nil, err
		}
		now, err := c.valuesNow(ctx, o, fields, ids)
		if err != nil {
			return nil, err
		}
		for id, v := range now {
			made, ok := parseTime(v["CreatedDate"])
			if ref := asked[id]; ok && !ref.IsZero() && v["IsPersonAccount"] != "true" {
				out[ref] = map[string]connectors.PropertyHistory{}
				for _, f := range fields {
					since := f.since
					if made.After(since) {
						since = made
					}
					if h, told := changedBy(changes[edited{id, f.api}], since, v[f.api]); told {
						out[ref][f.property] = h
					}
				}
			}
		}
	}
	return out, nil
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
		first, err := c.rows(ctx, "read since when "+o.name+"."+f.Name+" is tracked", "SELECT CreatedDate FROM "+o.name+"History WHERE Field = "+quote(f.Name)+" ORDER BY CreatedDate LIMIT 1", false)
		if hidden(err) {
			return nil, nil // no field of the object is tracked, or nothing of it is to be seen
		}
		if err != nil {
			return nil, err
		}
		if len(first) == 1 {
			if since := firstTime(first[0].values(), "CreatedDate"); !since.IsZero() {
				out = append(out, trackedField{property, f.Name, since})
			}
		}
	}
	return out, nil
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
