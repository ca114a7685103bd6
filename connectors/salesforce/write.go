package salesforce

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// row is one patch on its way.
type row struct {
	at         int // index of the patch
	object, id string
	group      string
	set        map[string]any // by API name, as it goes over the wire
}

// Write applies patches in collections of 200, several in flight. Patches of one record go into successive collections, in order.
func (c *Client) Write(ctx context.Context, patches []connectors.Patch) ([]connectors.Result, error) {
	w := &writing{crmkit.NewWriting(c.http, fmt.Sprintf("write %d records", len(patches)), patches), c}
	return w.End(w.objects(ctx))
}

// writing is one Write call.
type writing struct {
	*crmkit.Writing
	c *Client
}

// objects writes one object after the other.
func (w *writing) objects(ctx context.Context) error {
	rows := map[string][]row{}
	for i := range w.Patches {
		if r, ok := w.row(i); ok {
			rows[w.Patches[i].Object] = append(rows[w.Patches[i].Object], r)
		}
	}
	for _, name := range w.c.order {
		if len(rows[name]) == 0 {
			continue
		}
		o := w.c.objects[name]
		if err := w.c.writable(ctx, o, w.Op, rows[name]); err != nil {
			return err
		}
		own, persons := rows[name], []row(nil)
		if name == Contact {
			var err error
			if own, persons, err = w.c.throughAccounts(ctx, own); err != nil {
				return err
			}
		}
		if err := w.rounds(ctx, o, own); err != nil {
			return err
		}
		if err := w.persons(ctx, persons); err != nil {
			return err
		}
	}
	return nil
}

// row translates a patch. What cannot or need not be sent is told at once.
func (w *writing) row(at int) (row, bool) {
	p := &w.Patches[at]
	c := w.c
	o := c.objects[p.Object]
	if p.CRM != c.o.Name || o == nil {
		w.Reject(at, c.err(connectors.Rejected, w.Op, "%s is no lead or contact of this org", p.Ref))
		return row{}, false
	}
	id, ok := c.recordID(p.Ref)
	if !ok {
		w.NoRecord(at)
		return row{}, false
	}
	o.ahead.drop(id)
	set, ok := crmkit.Translate(w.Writing, at, o.Schema, toWire)
	return row{at: at, object: o.name, id: id, group: p.Group, set: set}, ok
}

// writable checks that the running user may set every field that rows set: Salesforce tells a hidden field and a missing one alike,
// row by row.
func (c *Client) writable(ctx context.Context, o *object, op string, rows []row) error {
	if o.Clash != "" {
		e := c.err(connectors.Config, op, "%s", o.Clash)
		e.Fix = "map each field to a field of its own"
		return e
	}
	d, err := c.describe(ctx, o)
	if err != nil {
		return err
	}
	if d.updateable != nil && !*d.updateable {
		o.forget()
		e := c.http.Err(connectors.Config, op, codeNoAccess, "the integration user may not edit any "+o.name)
		e.Fix = accessFix
		return e
	}
	wanted := map[string]bool{}
	for _, r := range rows {
		for api := range r.set {
			wanted[api] = true
		}
	}
	var missing, fixed []string
	for _, api := range slices.Sorted(maps.Keys(wanted)) {
		switch f := d.field(api); {
		case f == nil:
			missing = append(missing, api)
		case !f.Updateable:
			fixed = append(fixed, api)
		}
	}
	if missing == nil && fixed == nil {
		return nil
	}
	o.forget() // they may come any time
	var why []string
	if missing != nil {
		why = append(why, "missing, or hidden from the integration user: "+strings.Join(missing, ", "))
	}
	if fixed != nil {
		why = append(why, "not editable by the integration user: "+strings.Join(fixed, ", "))
	}
	e := c.http.Err(connectors.Config, op, codeInvalidField, "fields of "+o.name+" "+strings.Join(why, "; "))
	e.Fix = provisionFix
	return e
}

// rounds sends the first patch of each record, then the second, and so on: a collection must not name a record twice, and the
// newest patch has to come last.
func (w *writing) rounds(ctx context.Context, o *object, rows []row) error {
	for _, round := range crmkit.Rounds(rows, func(r row) string { return r.id }) {
		if err := w.round(ctx, o, round); err != nil {
			return err
		}
	}
	return nil
}

// lanes cuts rows into batches. The batches of a lane go one after the other: those of a group that fills more than one.
func lanes(rows []row) [][][]row {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.group, b.group) })
	var out [][][]row
	loose := 0
	for loose < len(rows) && rows[loose].group == "" {
		loose++
	}
	free, rest := rows[:loose], rows[loose:]
	var batch []row
	flush := func() {
		if fill := min(batchSize-len(batch), len(free)); len(batch) > 0 {
			batch = append(batch, free[:fill]...)
			free = free[fill:]
			out = append(out, [][]row{batch})
			batch = nil
		}
	}
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[n].group == rest[0].group {
			n++
		}
		switch {
		case n > batchSize:
			out = append(out, slices.Collect(slices.Chunk(rest[:n], batchSize)))
		case len(batch)+n > batchSize:
			flush()
			fallthrough
		default:
			batch = append(batch, rest[:n]...)
		}
		rest = rest[n:]
	}
	flush()
	for b := range slices.Chunk(free, batchSize) {
		out = append(out, [][]row{b})
	}
	return out
}

// round sends rows in batches, in lanes.
func (w *writing) round(ctx context.Context, o *object, rows []row) error {
	return crmkit.InLanes(lanes(rows), w.c.o.WriteConcurrency, func(batch []row) error { return w.insist(ctx, o, batch) })
}
