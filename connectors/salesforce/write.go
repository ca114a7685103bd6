package salesforce

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// row is one patch on its way.
type row struct {
	at    int // index of the patch
	id    string
	group string
	set   map[string]any // by API name, as it goes over the wire
}

// Write applies patches in collections of 200, several in flight. Patches of one record go into successive collections, in order.
func (c *Client) Write(ctx context.Context, patches []connectors.Patch) ([]connectors.Result, error) {
	w := &writing{c.http.NewWriting(fmt.Sprintf("write %d records", len(patches)), patches), c}
	return w.End(w.objects(ctx))
}

// writing is one Write call.
type writing struct {
	*transport.Writing
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
		if err := w.rounds(ctx, o, rows[name]); err != nil {
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
	r := row{at: at, id: id, group: p.Group, set: make(map[string]any, len(p.Fields))}
	for name, v := range p.Fields {
		f := o.own[name]
		if f == nil {
			w.Reject(at, c.err(connectors.Rejected, w.Op, "intentd has no field %q", name))
			return row{}, false
		}
		if f.RepEdits {
			continue // the rep's, whatever the patch says
		}
		value, err := toWire(f.Type, v)
		if err != nil {
			w.Reject(at, c.err(connectors.Rejected, w.Op, "field %s: %v", name, err))
			return row{}, false
		}
		r.set[f.api] = value
	}
	if len(r.set) == 0 {
		w.Tell(at, connectors.Result{})
		return row{}, false
	}
	return r, true
}

// writable checks that the running user may set every field that rows set: Salesforce tells a hidden field and a missing one alike,
// row by row.
func (c *Client) writable(ctx context.Context, o *object, op string, rows []row) error {
	if o.clash != "" {
		e := c.err(connectors.Config, op, "%s", o.clash)
		e.Fix = "map each field to a field of its own"
		return e
	}
	d, err := c.describe(ctx, o)
	if err != nil {
		return err
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
	for _, round := range transport.Rounds(rows, func(r row) string { return r.id }) {
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
	return transport.InLanes(lanes(rows), w.c.o.WriteConcurrency, func(batch []row) error { return w.insist(ctx, o, batch) })
}

// lockTries is how often a row is sent that somebody else keeps locked; locks last up to ten seconds.
const lockTries = 5

// insist sends a batch, and again, after a while, the rows of it that were locked.
func (w *writing) insist(ctx context.Context, o *object, rows []row) error {
	for try := 1; ; try++ {
		locked, err := w.batch(ctx, o, rows)
		if err != nil || len(locked) == 0 {
			return err
		}
		if try == lockTries {
			for _, l := range locked {
				w.Reject(l.row.at, w.outcome(l.why))
			}
			return nil
		}
		wait := min(time.Second<<try, 10*time.Second)
		timer := time.NewTimer(wait/2 + time.Duration(rand.Float64()*float64(wait)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			e := w.c.err(connectors.Transient, w.Op, "")
			e.Err = ctx.Err()
			return e
		}
		rows = nil
		for _, l := range locked {
			rows = append(rows, l.row)
		}
	}
}

// lockedRow is a row that somebody else's write kept from being written.
type lockedRow struct {
	row row
	why failure
}

// rowResult is what became of a row of a collection.
type rowResult struct {
	ID      string    `json:"id"`
	Success bool      `json:"success"`
	Errors  []failure `json:"errors"`
}

// batch sends one collection and tells what became of its rows; those that were locked come back. Its error concerns them all.
func (w *writing) batch(ctx context.Context, o *object, rows []row) (locked []lockedRow, err error) {
	if names := groupsOf(rows); len(names) > 0 {
		release, err := w.c.groups.hold(ctx, names)
		if err != nil {
			e := w.c.err(connectors.Transient, w.Op, "")
			e.Err = err
			return nil, e
		}
		defer release()
	}
	body := struct {
		AllOrNone bool             `json:"allOrNone"`
		Records   []map[string]any `json:"records"`
	}{Records: make([]map[string]any, len(rows))}
	for i, r := range rows {
		rec := maps.Clone(r.set)
		rec["attributes"] = map[string]string{"type": o.name}
		rec["id"] = r.id
		body.Records[i] = rec
	}
	r := transport.Request{Op: w.Op, Method: http.MethodPatch, Path: w.c.data + "/composite/sobjects", Body: transport.Encode(body), Idempotent: true,
		Header: http.Header{"Sforce-Duplicate-Rule-Header": {"allowSave=true"}}}
	var answer []rowResult
	r.Decode = func(a *transport.Response) error {
		answer = nil
		if err := transport.Lenient(json.Unmarshal(a.Body, &answer)); err != nil {
			return err
		}
		if len(answer) != len(rows) {
			return transport.ErrNotJSON // results have no other key than their place
		}
		return nil
	}
	if _, err := w.c.http.Do(ctx, r); err != nil {
		if connectors.KindOf(err) != connectors.Rejected {
			o.forgetIf(err)
			return nil, err
		}
		if len(rows) == 1 {
			w.Reject(rows[0].at, err)
			return nil, nil
		}
		// Something in the body is unreadable to Salesforce, and it does not say what.
		for _, half := range [][]row{rows[:len(rows)/2], rows[len(rows)/2:]} {
			more, err := w.part(ctx, o, half)
			if err != nil {
				return nil, err
			}
			locked = append(locked, more...)
		}
		return locked, nil
	}
	return w.took(ctx, o, rows, answer)
}

// part is batch for a part of one that holds its groups already.
func (w *writing) part(ctx context.Context, o *object, rows []row) ([]lockedRow, error) {
	free := slices.Clone(rows)
	for i := range free {
		free[i].group = ""
	}
	locked, err := w.batch(ctx, o, free)
	for i := range locked {
		locked[i].row.group = w.Patches[locked[i].row.at].Group
	}
	return locked, err
}

func groupsOf(rows []row) []string {
	var names []string
	for _, r := range rows {
		if r.group != "" && !slices.Contains(names, r.group) {
			names = append(names, r.group)
		}
	}
	return names
}

// took tells the results of a collection, each in its row's place.
func (w *writing) took(ctx context.Context, o *object, rows []row, answer []rowResult) (locked []lockedRow, err error) {
	var gone []row
	whys := map[int]failure{}
	denied := 0
	for i, r := range rows {
		if answer[i].Success {
			continue
		}
		f := failure{StatusCode: "UNKNOWN_EXCEPTION", Message: "refused without a word"}
		if len(answer[i].Errors) > 0 {
			f = answer[i].Errors[0]
		}
		if f.code() == codeNoAccess {
			denied++
		}
		whys[r.at] = f
	}
	for i, r := range rows {
		if answer[i].Success {
			w.Tell(r.at, connectors.Result{})
			continue
		}
		f := whys[r.at]
		kind, _ := kindOf(f.code())
		switch {
		case f.code() == codeLocked:
			locked = append(locked, lockedRow{r, f})
		case kind == connectors.Gone:
			gone = append(gone, r)
		case f.code() == codeNoAccess && (denied < len(rows) || len(rows) == 1):
			// Others go through: it is this record that the user may not edit.
			e := w.outcome(f)
			e.Kind = connectors.Rejected
			w.Reject(r.at, e)
		case kind == connectors.Config:
			o.forget()
			err = w.outcome(f) // it would be the same for every row
		default:
			w.Reject(r.at, w.outcome(f))
		}
	}
	if err != nil {
		return nil, err
	}
	return locked, w.settle(ctx, gone, whys)
}

func (w *writing) outcome(f failure) *connectors.Error {
	kind, fix := kindOf(f.code())
	message := f.message()
	if len(f.Fields) > 0 {
		message += " (" + strings.Join(f.Fields, ", ") + ")"
	}
	e := w.c.http.Err(kind, w.Op, f.code(), message)
	e.Fix = fix
	return e
}

// settle finds out what became of records that Salesforce does not update any more.
func (w *writing) settle(ctx context.Context, rows []row, whys map[int]failure) error {
	if len(rows) == 0 {
		return nil
	}
	refs := make([]connectors.Ref, len(rows))
	for i, r := range rows {
		refs[i] = w.Patches[r.at].Ref
	}
	results, err := w.c.fates(ctx, w.Op, refs, func(i int) failure { return whys[rows[i].at] })
	if err != nil && (connectors.Stops(err) || connectors.Interrupted(err)) {
		return err
	}
	for i, r := range rows {
		if err != nil {
			w.Reject(r.at, err)
			continue
		}
		w.Reject(r.at, results[i])
	}
	return nil
}

// fates are the errors of records that could not be updated because they are not what they were; why is what Salesforce said.
func (c *Client) fates(ctx context.Context, op string, refs []connectors.Ref, why func(i int) failure) ([]error, error) {
	read, err := c.Read(ctx, refs)
	if err != nil {
		return nil, err
	}
	out := make([]error, len(refs))
	for i, k := range read {
		f := why(i)
		e := c.http.Err(connectors.Gone, op, f.code(), f.message())
		e.State, e.Into = k.State, k.Into
		if k.State == connectors.Live { // what it refers to is gone, or it is back
			e.Kind = connectors.Rejected
		}
		out[i] = e
	}
	return out, nil
}
