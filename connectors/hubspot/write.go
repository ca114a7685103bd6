package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// row is one patch on its way.
type row struct {
	at    int // index of the patch
	id    string
	props map[string]string // as they go over the wire
}

// Write applies patches in batches of 100, several in flight. Patches of one record go into successive batches, in order.
func (c *Client) Write(ctx context.Context, patches []connectors.Patch) ([]connectors.Result, error) {
	w := &writing{crmkit.NewWriting(c.http, fmt.Sprintf("write %d contacts", len(patches)), patches), c}
	if c.schema.Clash != "" {
		e := c.err(connectors.Config, w.Op, "%s", c.schema.Clash)
		e.Fix = "map each field to a property of its own"
		return w.End(e)
	}
	return w.End(w.rounds(ctx))
}

// writing is one Write call.
type writing struct {
	*crmkit.Writing
	c *Client
}

// rounds sends the patches of a record one after the other.
func (w *writing) rounds(ctx context.Context) error {
	var rows []row
	for i := range w.Patches {
		if r, ok := w.row(i); ok {
			rows = append(rows, r)
		}
	}
	rows, err := w.recheck(ctx, rows)
	if err != nil {
		return err
	}
	for _, round := range crmkit.Rounds(rows, func(r row) string { return r.id }) {
		if err := w.round(ctx, round); err != nil {
			return err
		}
	}
	return nil
}

// row translates a patch. What cannot or need not be sent is told at once.
func (w *writing) row(at int) (row, bool) {
	p := &w.Patches[at]
	c := w.c
	if p.CRM != c.o.Name || p.Object != Contacts {
		w.Reject(at, c.err(connectors.Rejected, w.Op, "%s is no contact of this portal", p.Ref))
		return row{}, false
	}
	if _, ok := recordID(p.ID); !ok {
		w.NoRecord(at)
		return row{}, false
	}
	props, ok := crmkit.Translate(w.Writing, at, c.schema.Schema, crmkit.ToWire)
	return row{at: at, id: p.ID, props: props}, ok
}

// round sends rows in batches, side by side.
func (w *writing) round(ctx context.Context, rows []row) error {
	var lanes [][][]row
	for batch := range slices.Chunk(rows, int(w.c.updateMax.Load())) {
		lanes = append(lanes, [][]row{batch})
	}
	return crmkit.InLanes(lanes, w.c.o.WriteConcurrency, func(batch []row) error { return w.batch(ctx, batch) })
}

type updateInput struct {
	ID string `json:"id"`
	// Trace lets HubSpot name the bad rows of a batch that it refuses as a whole.
	Trace      string            `json:"objectWriteTraceId"`
	Properties map[string]string `json:"properties"`
}

type updateBody struct {
	Inputs []updateInput `json:"inputs"`
}

// answered are the statuses of an update whose body Write reads itself.
var answered = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}

// batch sends one batch and tells what became of its rows. Its error concerns them all.
func (w *writing) batch(ctx context.Context, rows []row) error {
	resp, err := w.send(ctx, rows, true)
	switch {
	case err == nil || !mayBeOnes(resp):
		return err
	case len(rows) > 1:
		return w.isolate(ctx, rows, err)
	case resp.Status == http.StatusLocked || resp.Status == http.StatusConflict:
		w.refuseForNow(rows[0].at, err)
		return nil
	}
	return err
}

// isolateTries is how many parts of a batch may fail while none succeeds, before all of HubSpot counts as failing.
const isolateTries = 6

// isolate finds the rows for which HubSpot fails a whole batch: halves of it, and halves of those that fail, once each. Where no part
// succeeds it is not a row's fault, and cause stands for all.
func (w *writing) isolate(ctx context.Context, rows []row, cause error) error {
	parts := [][]row{rows[:len(rows)/2], rows[len(rows)/2:]}
	alone := map[int]error{} // by index of the patch
	good, bad := 0, 0
	for len(parts) > 0 {
		part := parts[0]
		parts = parts[1:]
		resp, err := w.send(ctx, part, false)
		switch {
		case err == nil:
			good++
			continue
		case !mayBeOnes(resp):
			return err
		}
		if bad++; good == 0 && bad >= isolateTries {
			return cause
		}
		if len(part) > 1 {
			parts = append(parts, part[:len(part)/2], part[len(part)/2:])
		} else {
			alone[part[0].at] = err
		}
	}
	if good == 0 {
		return cause
	}
	for at, err := range alone {
		w.refuseForNow(at, err)
	}
	return nil
}

// refuseForNow tells that HubSpot fails over this row alone, as far as it goes.
func (w *writing) refuseForNow(at int, err error) {
	e := *err.(*connectors.Error)
	e.Kind, e.Passing = connectors.Rejected, true
	w.Reject(at, &e)
}

// mayBeOnes says whether a failure may be that of one record among several: HubSpot itself answered, and not that it is away or for
// its limits or credentials.
func mayBeOnes(resp *transport.Response) bool {
	if resp == nil || resp.HTML() {
		return false
	}
	switch resp.Status {
	case http.StatusConflict, http.StatusLocked, http.StatusInternalServerError, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// send sends one batch, again where it failed and that may help, and tells what became of its rows. Its error concerns them all.
func (w *writing) send(ctx context.Context, rows []row, again bool) (*transport.Response, error) {
	body := updateBody{Inputs: make([]updateInput, len(rows))}
	for i, r := range rows {
		body.Inputs[i] = updateInput{ID: r.id, Trace: r.id, Properties: r.props}
	}
	r := transport.Post(w.Op, w.c.paths.objects(Contacts, "/batch/update"), transport.Encode(body))
	r.Answers, r.Idempotent = answered, again
	var answer *page
	r.Decode = func(a *transport.Response) (err error) {
		answer, err = decodePage(a.Body)
		return err
	}
	resp, err := w.c.http.Do(ctx, r)
	switch {
	case err != nil:
		return resp, err
	case resp.Status == http.StatusRequestEntityTooLarge && len(rows) > 1:
		w.c.updateMax.Store(int64(len(rows)+1) / 2) // what follows is cut smaller at once
		fallthrough
	case resp.Status >= 400:
		return nil, w.refused(ctx, rows, resp.Status, parseFailure(resp.Body))
	case answer.Status == "error" && len(answer.Results) == 0:
		return nil, w.refused(ctx, rows, resp.Status, failure{Errors: answer.Errors})
	}
	return nil, w.accepted(ctx, rows, answer)
}

// refused deals with a batch of which HubSpot took nothing because of some of its rows.
func (w *writing) refused(ctx context.Context, rows []row, status int, f failure) error {
	o := f.rejection()
	if o.Message == "" {
		o.Message = fmt.Sprintf("refused with status %d", status)
	}
	if o.Kind == connectors.Config {
		return w.outcome(o) // it would be the same for every row
	}
	if len(rows) == 1 {
		if f.has(codeNotFound) {
			return w.unacknowledged(ctx, rows, rows, nil)
		}
		w.Reject(rows[0].at, w.outcome(o))
		return nil
	}
	if bad := w.named(rows, f); len(bad) > 0 && len(bad) < len(rows) {
		good := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return bad[r.id] != nil })
		var gone []row
		for _, r := range rows {
			if e := bad[r.id]; e != nil {
				if e.has(codeNotFound) {
					gone = append(gone, r)
					continue
				}
				w.Reject(r.at, w.outcome(e.rejection()))
			}
		}
		if err := w.batch(ctx, good); err != nil {
			return err
		}
		return w.unacknowledged(ctx, rows, gone, nil)
	}
	parts := sameValue(rows, f)
	if len(parts) == 1 {
		for _, r := range rows {
			w.Reject(r.at, w.outcome(o))
		}
		return nil
	}
	if parts == nil {
		parts = [][]row{rows[:len(rows)/2], rows[len(rows)/2:]}
	}
	for _, part := range parts {
		if err := w.batch(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// sameValue parts rows by their value of the property that f says has an unknown option, nil if it says no such thing or there
// are too many values. An option that somebody removed would otherwise be refused for each of its rows alone, and HubSpot
// wants errors to stay under 5 % of all requests.
func sameValue(rows []row, f failure) [][]row {
	names := f.all("propertyName")
	if !f.has(codeInvalidOption) || len(names) != 1 {
		return nil
	}
	at := map[string]int{}
	var parts [][]row
	for _, r := range rows {
		v, set := r.props[names[0]]
		if !set {
			v = "\x00" // sets no value, unlike one that clears it
		}
		i, known := at[v]
		if !known {
			if i = len(parts); i == mostOptions {
				return nil
			}
			at[v] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], r)
	}
	return parts
}

// mostOptions is more than any of intentd's enumerations has.
const mostOptions = 8

func (w *writing) outcome(o transport.Outcome) *connectors.Error {
	e := w.c.http.Err(o.Kind, w.Op, o.Code, o.Message)
	e.Fix = o.Fix
	e.Passing = o.Kind == connectors.Rejected && passing[o.Code]
	return e
}

// passing are the codes and categories of refusals that go away by themselves.
var passing = map[string]bool{"CONFLICT": true, "LOCKED": true, "RECORD_LOCKED": true, "RATE_LIMITS": true, "INTERNAL_ERROR": true, "TIMEOUT": true, "SERVICE_UNAVAILABLE": true}

// named are the rows that the entries of f name, by id or trace, with the entry about each.
func (w *writing) named(rows []row, f failure) map[string]*failure {
	sent := make(map[string]bool, len(rows))
	for _, r := range rows {
		sent[r.id] = true
	}
	bad := map[string]*failure{}
	for i := range f.Errors {
		e := &f.Errors[i]
		for _, key := range []string{"ids", "id", "objectWriteTraceId"} {
			for _, id := range e.all(key) {
				if sent[id] && bad[id] == nil {
					bad[id] = e
				}
			}
		}
	}
	return bad
}

// accepted compares what was sent with what HubSpot says it took. A status of 200 proves nothing: failures may stand in its
// body, and a merged id may be missing without a word.
func (w *writing) accepted(ctx context.Context, rows []row, answer *page) error {
	taken := make(map[string]*record, len(answer.Results))
	for i := range answer.Results {
		taken[answer.Results[i].ID] = &answer.Results[i]
	}
	bad := w.named(rows, failure{Errors: answer.Errors})
	var open []row
	var written []string
	var stop error
	for _, r := range rows {
		rec, e := taken[r.id], bad[r.id]
		switch {
		case rec != nil && e == nil:
			written = append(written, r.id)
			w.Tell(r.at, w.c.stored(rec))
		case e == nil || e.has(codeNotFound):
			open = append(open, r)
		default:
			o := e.rejection()
			if o.Kind == connectors.Config {
				stop = w.outcome(o)
				continue
			}
			w.Reject(r.at, w.outcome(o))
		}
	}
	w.c.sweepCache.forget(slices.Values(written))
	if stop != nil {
		return stop // it would be the same for every row that comes
	}
	return w.unacknowledged(ctx, rows, open, answer.Errors)
}

// unacknowledged deals with the rows of a batch that HubSpot told nothing of, or of which it has no record: what is gone is told so.
// Where an error that names nobody may be about those that are left, they are sent again in smaller batches, down to one, which it is
// about. Otherwise the host sends them again.
func (w *writing) unacknowledged(ctx context.Context, batch, rows []row, said []failure) error {
	left, err := w.settle(ctx, rows)
	if err != nil || len(left) == 0 {
		return err
	}
	said = slices.DeleteFunc(slices.Clone(said), func(f failure) bool {
		return f.message() == "" || f.has(codeNotFound) || len(f.all("ids"))+len(f.all("id"))+len(f.all("objectWriteTraceId")) > 0
	})
	for _, f := range said {
		if o := f.rejection(); o.Kind == connectors.Config {
			return w.outcome(o)
		}
	}
	switch {
	case len(said) > 0 && len(batch) == 1:
		w.Reject(left[0].at, w.outcome(said[0].rejection()))
		return nil
	case len(said) > 0:
		for _, part := range [][]row{left[:len(left)/2], left[len(left)/2:]} {
			if len(part) == 0 {
				continue
			}
			if err := w.batch(ctx, part); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range left {
		e := w.c.http.Err(connectors.Transient, w.Op, "", "HubSpot did not acknowledge the record")
		e.Err = errUnacknowledged
		w.Reject(r.at, e)
	}
	return nil
}

// settle finds out what became of rows that HubSpot did not acknowledge. Those it returns are live and do not have their values.
func (w *writing) settle(ctx context.Context, rows []row) (left []row, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	refs := make([]connectors.Ref, len(rows))
	for i, r := range rows {
		refs[i] = w.Patches[r.at].Ref
	}
	read, err := w.c.Read(ctx, refs)
	if err != nil {
		if connectors.Stops(err) || connectors.Interrupted(err) {
			return nil, err
		}
		for _, r := range rows {
			w.Reject(r.at, err)
		}
		return nil, nil
	}
	for i, r := range rows {
		k := read[i]
		if k.State != connectors.Live {
			message := "the record is " + k.State.String()
			if !k.Into.IsZero() {
				message += " into " + k.Into.ID
			}
			e := w.c.http.Err(connectors.Gone, w.Op, codeNotFound, message)
			e.State, e.Into = k.State, k.Into
			w.Reject(r.at, e)
			continue
		}
		if stored, ok := w.holds(&k, r); ok {
			w.Tell(r.at, connectors.Result{Stored: stored, Modified: k.Modified})
			continue
		}
		left = append(left, r)
	}
	return left, nil
}

var errUnacknowledged = errors.New("not acknowledged")

// holds says whether the record already has every value that r sets.
func (w *writing) holds(k *connectors.Contact, r row) (map[string]string, bool) {
	stored := map[string]string{}
	for property, v := range r.props {
		f := w.c.schema.Roles[property].Own
		if k.Ours[f.Name] != values.FromWire(f.Type, v) {
			return nil, false
		}
		stored[f.Name] = k.Ours[f.Name]
	}
	return stored, true
}

// stored is the acknowledgement that rec is.
func (c *Client) stored(rec *record) connectors.Result {
	r := connectors.Result{Stored: make(map[string]string, len(c.schema.Set.Fields))}
	r.Modified, _ = parseTime(rec.UpdatedAt)
	transport.EachProperty(rec.Properties, func(name, v string) {
		if p := c.schema.Roles[name]; p != nil && p.Part == crmkit.Owned {
			if v != "" {
				v = values.FromWire(p.Own.Type, v)
			}
			r.Stored[p.Own.Name] = v
		}
	})
	return r
}
