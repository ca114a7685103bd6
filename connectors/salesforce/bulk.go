package salesforce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Bulk API 2.0. A token is the id of a job. A job takes its rows once: nobody can tell whether rows whose answer was lost came in, so
// that such a job is aborted and told as Gone; the host opens another and sends the rows, which are absolute values, again.

// mostBulkBytes is how much one job takes here, where Salesforce takes 150 MB: results repeat the rows and come in one answer.
// mostAnswerBytes leaves room for what is said about each.
const (
	mostBulkBytes   = 64 << 20
	mostAnswerBytes = 96 << 20
)

// BulkMost is how many patches one job should carry: at the longest texts they stay below what Upload takes.
const BulkMost = 5000

// job is a job as Salesforce tells it.
type job struct {
	ID         string `json:"id"`
	Object     string `json:"object"`
	State      string `json:"state"`
	ContentURL string `json:"contentUrl"`
	Message    string `json:"errorMessage"`
}

// States of a job.
const (
	jobOpen      = "Open"
	jobUploaded  = "UploadComplete"
	jobComplete  = "JobComplete"
	jobAborted   = "Aborted"
	jobFailed    = "Failed"
	ingestFolder = "/jobs/ingest/"
	codeJobState = "INVALIDJOBSTATE"
)

// BulkThreshold is from how many patches of one object on a job is worth while.
func (c *Client) BulkThreshold() int { return c.o.BulkThreshold }

// Submit opens a job for updates of an object. A job that is never uploaded to costs nothing and ends after a week.
func (c *Client) Submit(ctx context.Context, object string) (string, error) {
	o := c.objects[object]
	op := "open a bulk job for " + object
	if o == nil {
		return "", c.err(connectors.Config, op, "it is not among the objects of this connector")
	}
	if err := c.writable(ctx, o, op, nil); err != nil {
		return "", err
	}
	r := transport.Post(op, c.data+"/jobs/ingest", transport.Encode(map[string]string{
		"object": object, "operation": "update", "contentType": "CSV", "lineEnding": "LF"}))
	// Updates of a job run no assignment rule unless it names one.
	v, _, err := transport.Do[job](ctx, c.http, r)
	if err != nil {
		return "", err
	}
	if v.ID == "" {
		return "", c.err(connectors.Transient, op, "the answer names no job")
	}
	return v.ID, nil
}

// Upload sends patches, which are all of the job's object, and closes the job for input. Where they do not fit into one (see
// BulkMost) the job is aborted and Gone; patches of another object are Rejected. Nothing is sent then.
func (c *Client) Upload(ctx context.Context, token string, patches []connectors.Patch) error {
	op := fmt.Sprintf("upload %d records to bulk job %s", len(patches), token)
	j, err := c.job(ctx, op, token)
	if err != nil {
		return err
	}
	if j.State != jobOpen {
		if j.State == jobAborted {
			return c.gone(op, "the job was aborted")
		}
		return nil // closed before: a crash came between that and its journal
	}
	o := c.objects[j.Object]
	if o == nil {
		return c.err(connectors.Rejected, op, "the job is for %s", j.Object)
	}
	rows := make([]row, 0, len(patches))
	for _, p := range patches {
		set := map[string]any{}
		for name := range p.Fields {
			if f := o.own[name]; f != nil && !f.RepEdits {
				set[f.api] = nil
			}
		}
		rows = append(rows, row{set: set})
	}
	if err := c.writable(ctx, o, op, rows); err != nil {
		return err
	}
	table, err := c.table(o, patches)
	if errors.Is(err, errTooLarge) {
		return c.abort(ctx, op, token, err.Error())
	}
	if err != nil {
		return c.err(connectors.Rejected, op, "%v", err)
	}
	put := transport.Request{Op: op, Method: http.MethodPut, Path: c.data + ingestFolder + token + "/batches", Body: table, Type: "text/csv"}
	if j.ContentURL != "" {
		put.Path = "/" + strings.TrimLeft(j.ContentURL, "/")
	}
	if resp, err := c.http.Do(ctx, put); err != nil {
		var e *connectors.Error
		refused := resp != nil && resp.Status < 500 && !(errors.As(err, &e) && e.Code == codeJobState)
		if refused || connectors.Stops(err) || connectors.KindOf(err) == connectors.RateLimited {
			return err
		}
		// Rows were sent and the answer lost, by this call or by one before a crash.
		return c.abort(context.WithoutCancel(ctx), op, token, "it is not known whether the rows came in")
	}
	closing := transport.Request{Op: op, Method: http.MethodPatch, Path: c.data + ingestFolder + token, Body: transport.Encode(map[string]string{"state": jobUploaded}),
		Idempotent: true, Answers: []int{http.StatusBadRequest, http.StatusConflict}}
	resp, err := c.http.Do(ctx, closing)
	if err != nil {
		return err
	}
	if resp.Status < 400 {
		return nil
	}
	// It may have been closed by the try before, whose answer was lost.
	f := parseFailure(resp.Body)
	if j, err := c.job(ctx, op, token); err != nil {
		return err
	} else if j.State != jobOpen && j.State != jobAborted {
		return nil
	}
	return c.abort(ctx, op, token, f.message())
}

// abort ends a job that cannot be gone on with, and says so.
func (c *Client) abort(ctx context.Context, op, token, why string) error {
	r := transport.Request{Op: op, Method: http.MethodPatch, Path: c.data + ingestFolder + token, Body: transport.Encode(map[string]string{"state": jobAborted}),
		Idempotent: true, Answers: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict}}
	if _, err := c.http.Do(ctx, r); err != nil {
		return err // not ended: the host may come back to it
	}
	return c.gone(op, why)
}

func (c *Client) gone(op, why string) error {
	e := c.err(connectors.Gone, op, "%s", why)
	e.State = connectors.Deleted
	return e
}

// job reads the state of a job; one that Salesforce does not know is Gone.
func (c *Client) job(ctx context.Context, op, token string) (*job, error) {
	if id, ok := normalID(token); !ok || id[:3] != "750" {
		return nil, c.gone(op, "no such job")
	}
	r := transport.Get(op, c.data+ingestFolder+token)
	r.Answers = []int{http.StatusNotFound}
	v, resp, err := transport.Do[job](ctx, c.http, r)
	if resp != nil && resp.Status == http.StatusNotFound {
		return nil, c.gone(op, "no such job")
	}
	if err != nil {
		return nil, err
	}
	if v.State == "" {
		return nil, c.err(connectors.Transient, op, "the answer tells no state")
	}
	return v, nil
}

// Poll looks after a job. Results come when it has ended, in no order: one for each of its rows, those that it did not get to as
// Transient. A job that was never closed is aborted and Gone: Upload has to have returned before.
func (c *Client) Poll(ctx context.Context, token string) (done bool, results []connectors.Result, err error) {
	op := "look after bulk job " + token
	j, err := c.job(ctx, op, token)
	if err != nil {
		return false, nil, err
	}
	switch j.State {
	case jobOpen:
		return false, nil, c.abort(ctx, op, token, "the job was never closed")
	case jobComplete, jobAborted, jobFailed:
	default:
		return false, nil, nil
	}
	o := c.objects[j.Object]
	if o == nil {
		return false, nil, c.err(connectors.Config, op, "%s is not among the objects of this connector", j.Object)
	}
	ref := func(cell func(string) string) (connectors.Ref, bool) {
		id := cell("sf__Id")
		if id == "" {
			id = cell("Id")
		}
		id, ok := normalID(id)
		return c.ref(j.Object, id), ok
	}
	if err := c.results(ctx, op, token, "successfulResults", func(cell func(string) string) {
		if r, ok := ref(cell); ok {
			results = append(results, connectors.Result{Ref: r})
		}
	}); err != nil {
		return false, nil, err
	}
	var gone []connectors.Ref
	var whys []failure
	var whole error
	if err := c.results(ctx, op, token, "failedResults", func(cell func(string) string) {
		r, ok := ref(cell)
		if !ok {
			return
		}
		f := bulkFailure(cell("sf__Error"))
		kind, fix := kindOf(f.code())
		if kind == connectors.Gone {
			gone, whys = append(gone, r), append(whys, f)
			return
		}
		e := c.http.Err(kind, op, f.code(), f.message())
		e.Fix = fix
		switch {
		case f.code() == codeNoAccess:
			e.Kind = connectors.Rejected // of this record; if it were all of them, the next write says so
		case kind == connectors.Config:
			o.forget()
			whole = e
		}
		results = append(results, connectors.Result{Ref: r, Err: e})
	}); err != nil {
		return false, nil, err
	}
	fates, err := c.fates(ctx, op, gone, func(i int) failure { return whys[i] })
	if err != nil {
		return false, nil, err
	}
	for i, r := range gone {
		results = append(results, connectors.Result{Ref: r, Err: fates[i]})
	}
	left := c.unprocessed(op, j)
	if err := c.results(ctx, op, token, "unprocessedrecords", func(cell func(string) string) {
		if r, ok := ref(cell); ok {
			results = append(results, connectors.Result{Ref: r, Err: left})
		}
	}); err != nil {
		return false, nil, err
	}
	if whole == nil && left.Kind == connectors.Config {
		whole = left
	}
	return true, results, whole
}

// unprocessed is the error of rows that a job did not get to.
func (c *Client) unprocessed(op string, j *job) *connectors.Error {
	message := j.Message
	if message == "" {
		message = "the job ended as " + j.State + " before it came to this record"
	}
	e := c.http.Err(connectors.Transient, op, j.State, message)
	// A table that Salesforce cannot take would be refused again: "InvalidBatch : Field name not found : Intent_Score__c".
	if j.State == jobFailed && strings.HasPrefix(j.Message, "InvalidBatch") {
		e.Kind, e.Code, e.Fix = connectors.Config, "InvalidBatch", provisionFix
	}
	return e
}

// bulkFailure reads "CODE:message:field --".
func bulkFailure(s string) failure {
	code, rest, _ := strings.Cut(s, ":")
	rest = strings.TrimSuffix(strings.TrimSpace(rest), "--")
	f := failure{StatusCode: strings.TrimSpace(code), Message: strings.Trim(rest, ": ")}
	if f.Message == "" {
		f.Message = s
	}
	return f
}

// results reads one of a job's result tables.
func (c *Client) results(ctx context.Context, op, token, which string, f func(cell func(column string) string)) error {
	r := transport.Get(op, c.data+ingestFolder+token+"/"+which+"/")
	r.Header = http.Header{"Accept": {"text/csv"}}
	resp, err := c.http.Do(ctx, r)
	if err != nil {
		return err
	}
	if err := rowsOfTable(resp.Body, f); err != nil {
		return c.err(connectors.Transient, op, "the table of %s cannot be read", which)
	}
	return nil
}
