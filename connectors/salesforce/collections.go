package salesforce

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// lockTries is how often a row is sent that somebody else keeps locked; locks last up to ten seconds.
const lockTries = 5

// refused is a row that was not written, and why.
type refused struct {
	row row
	err *connectors.Error
}

// insist sends a batch, and again, after a while, the rows of it that were locked.
func (w *writing) insist(ctx context.Context, o *object, rows []row) error {
	for try := 1; ; try++ {
		locked, err := w.holding(ctx, o, rows)
		if err != nil || len(locked) == 0 {
			return err
		}
		if try == lockTries {
			for _, l := range locked {
				w.Reject(l.row.at, l.err)
			}
			return nil
		}
		wait := min(time.Second<<try, 10*time.Second)
		timer := time.NewTimer(wait/2 + time.Duration(rand.Float64()*float64(wait)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return w.interrupted(ctx.Err())
		}
		rows = nil
		for _, l := range locked {
			rows = append(rows, l.row)
		}
	}
}

func (w *writing) interrupted(cause error) *connectors.Error {
	e := w.c.err(connectors.Transient, w.Op, "")
	e.Err = cause
	return e
}

// holding sends a batch while nobody else writes records of its groups.
func (w *writing) holding(ctx context.Context, o *object, rows []row) (locked []refused, err error) {
	if names := groupsOf(rows); len(names) > 0 {
		release, err := w.c.groups.hold(ctx, names)
		if err != nil {
			return nil, w.interrupted(err)
		}
		defer release()
	}
	b := &batch{writing: w, o: o}
	if o.rows.inVain(false) {
		b.alone = mostAlone
	}
	for rows := range slices.Chunk(rows, o.rows.now(w.c.o.Now())) {
		if err := b.send(ctx, rows); err != nil {
			return nil, err
		}
	}
	if b.passed > 0 && b.failed > 0 && b.alone == 0 {
		o.rows.learn(b.passed, w.c.o.Now()) // no row is to blame: it was their number
	}
	o.rows.inVain(b.passed == 0 && b.alone >= mostAlone)
	return b.locked, nil
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

// batch is up to 200 rows on their way: in one collection, and in smaller ones where a transaction failed as a whole, be it that
// one row of it is bad or that there are too many for a trigger of the org.
type batch struct {
	*writing
	o      *object
	locked []refused
	failed int // collections that failed as a whole
	passed int // rows of the largest collection that did not
	alone  int // rows that failed by themselves
}

// mostAlone is how many rows may fail by themselves while none passes: it is not their number then, and not some bad ones of
// them, so that the rest is not tried one by one.
const mostAlone = 5

// send sends rows as one collection and tells what became of them; those that were locked are noted. Its error concerns them all.
func (b *batch) send(ctx context.Context, rows []row) error {
	answer, err := b.c.update(ctx, b.Op, rows)
	var whole []refused
	if e, ok := err.(*connectors.Error); ok && (e.Kind == connectors.Rejected || e.Code != codeUnknown && meaningOf(e.Code).shared) {
		// Something in the body is unreadable to Salesforce, or the transaction failed, and it does not say for which row.
		for _, r := range rows {
			whole = append(whole, refused{r, e})
		}
	} else if err != nil {
		b.o.forgetIf(err)
		return err
	} else if whole, err = b.took(ctx, rows, answer); err != nil {
		return err
	}
	switch {
	case len(whole) == 0:
		b.passed = max(b.passed, len(rows))
		b.o.rows.worked(len(rows))
		return nil
	case len(whole) == 1:
		b.alone++
		b.Reject(whole[0].row.at, whole[0].err)
		return nil
	case b.alone >= mostAlone && b.passed == 0:
		for _, r := range whole {
			e := *r.err
			e.Passing = true // it was not tried by itself
			b.Reject(r.row.at, &e)
		}
		return nil
	}
	b.failed++
	again := make([]row, len(whole))
	for i, r := range whole {
		again[i] = r.row
	}
	for part := range slices.Chunk(again, min(len(again), (len(rows)+1)/2)) {
		if err := b.send(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// rowResult is what became of a row of a collection.
type rowResult struct {
	ID      string    `json:"id"`
	Success bool      `json:"success"`
	Errors  []failure `json:"errors"`
}

// update sends one collection.
func (c *Client) update(ctx context.Context, op string, rows []row) (answer []rowResult, err error) {
	body := struct {
		AllOrNone bool             `json:"allOrNone"`
		Records   []map[string]any `json:"records"`
	}{Records: make([]map[string]any, len(rows))}
	for i, r := range rows {
		rec := maps.Clone(r.set)
		rec["attributes"] = map[string]string{"type": r.object}
		rec["id"] = r.id
		body.Records[i] = rec
	}
	r := transport.Request{Op: op, Method: http.MethodPatch, Path: c.data + "/composite/sobjects", Body: transport.Encode(body), Idempotent: true,
		Header: http.Header{"Sforce-Duplicate-Rule-Header": {"allowSave=true"}}}
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
	_, err = c.http.Do(ctx, r)
	return answer, err
}

// took tells the results of a collection, each in its row's place. Rows that failed with their transaction come back.
func (b *batch) took(ctx context.Context, rows []row, answer []rowResult) (whole []refused, err error) {
	var gone, setup []refused
	verdicts := 0 // rows of which Salesforce told what is theirs
	for i, r := range rows {
		if answer[i].Success {
			b.Tell(r.at, connectors.Result{})
			b.o.wrote.Store(true)
			verdicts++
			continue
		}
		f := failure{StatusCode: codeUnknown, Message: "refused without a word"}
		if len(answer[i].Errors) > 0 {
			f = answer[i].Errors[0]
		}
		no := refused{r, b.c.rowError(b.Op, f)}
		switch m := meaningOf(f.code()); {
		case f.code() == codeLocked:
			b.locked = append(b.locked, no)
		case m.shared:
			whole = append(whole, no)
		case m.kind == connectors.Gone:
			gone = append(gone, no)
		case m.kind == connectors.Config:
			setup = append(setup, no)
		default:
			b.Reject(r.at, no.err)
			verdicts++
		}
	}
	if err := b.blame(ctx, setup, verdicts+len(gone)+len(b.locked) > 0); err != nil {
		return nil, err
	}
	return whole, b.settle(ctx, gone)
}

// blame tells whether rows that Salesforce says the user may not write fail for the set-up, which is an error that concerns all
// rows, or each for its own record: where a fresh description finds nothing wrong, and other rows go through or there is but one.
func (b *batch) blame(ctx context.Context, rows []refused, others bool) error {
	if len(rows) == 0 {
		return nil
	}
	b.o.forgetBefore(b.c.o.Now(), rows[0].err.Code)
	sent := make([]row, len(rows))
	for i, r := range rows {
		sent[i] = r.row
	}
	if err := b.c.writable(ctx, b.o, b.Op, sent); err != nil {
		return err
	}
	if !others && len(rows) > 1 && !b.o.wrote.Load() {
		return rows[0].err
	}
	for _, r := range rows {
		e := *r.err
		e.Kind = connectors.Rejected
		b.Reject(r.row.at, &e)
	}
	return nil
}

// settle finds out what became of records that Salesforce does not update any more.
func (b *batch) settle(ctx context.Context, rows []refused) error {
	if len(rows) == 0 {
		return nil
	}
	refs := make([]connectors.Ref, len(rows))
	for i, r := range rows {
		refs[i] = b.Patches[r.row.at].Ref
	}
	fates, err := b.c.fates(ctx, refs, func(i int) *connectors.Error { return rows[i].err })
	if err != nil && (connectors.Stops(err) || connectors.Interrupted(err)) {
		return err
	}
	for i, r := range rows {
		if err != nil {
			b.Reject(r.row.at, err)
			continue
		}
		b.Reject(r.row.at, fates[i])
	}
	return nil
}

// fates are the errors of records that could not be updated because they are not what they were; why is what Salesforce said.
func (c *Client) fates(ctx context.Context, refs []connectors.Ref, why func(i int) *connectors.Error) ([]error, error) {
	read, err := c.Read(ctx, refs)
	if err != nil {
		return nil, err
	}
	out := make([]error, len(refs))
	for i, k := range read {
		e := *why(i)
		e.State, e.Into = k.State, k.Into
		if k.State == connectors.Live { // what it refers to is gone, or it is back
			e.Kind = connectors.Rejected
		}
		out[i] = &e
	}
	return out, nil
}

// sizing is how many rows of an object one collection takes: 200, or fewer for a while where the org's automation gives up on so
// many. It is safe for concurrent use.
type sizing struct {
	mu   sync.Mutex
	rows int       // 0: batchSize
	at   time.Time // since when
	well int       // collections of so many that worked since
	vain bool      // in the last batch rows failed one by one and none passed
}

// regrow and regrowAfter are after how long, or how many collections that worked, twice as many rows are tried again.
const (
	regrow      = time.Hour
	regrowAfter = 32
)

// now is the size at a time.
func (s *sizing) now(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == 0 {
		return batchSize
	}
	if now.Sub(s.at).Abs() >= regrow || s.well >= regrowAfter {
		s.rows, s.at, s.well = min(2*s.rows, batchSize), now, 0
	}
	return s.rows
}

// worked notes a collection of so many rows that did not fail as a whole.
func (s *sizing) worked(rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vain = false; rows >= s.rows {
		s.well++
	}
}

// learn notes a size that works where a larger one did not.
func (s *sizing) learn(rows int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows, s.at, s.well = rows, now, 0
}

// inVain says whether taking a batch apart found no row to pass when that was tried last.
func (s *sizing) inVain(found bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vain = s.vain || found
	return s.vain
}
