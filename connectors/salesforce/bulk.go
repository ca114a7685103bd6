package salesforce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Bulk API 2.0. A token is the id of a job. A job takes its rows once: nobody can tell whether rows whose answer was lost came in, so
// that such a job is aborted and told as Gone; the host opens another and sends the rows, which are absolute values, again.

// mostBulkBytes is how much one job takes here, where Salesforce takes 150 MB once it is encoded: a table is held in memory.
const mostBulkBytes = 64 << 20

// bulkMost is how many patches one job carries: they are in memory while they are uploaded. A first sync of 100,000 leads takes 580 calls
// with it, 300 with 5,000 a job and some 20 MB more, and 863 without jobs (measured).
const bulkMost = 2000

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

// BulkSize implements [connectors.BulkWriter].
func (c *Client) BulkSize() int { return bulkMost }

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
		return "", c.noJob(op, err)
	}
	if v.ID == "" {
		return "", c.err(connectors.Transient, op, "the answer names no job")
	}
	return v.ID, nil
}

// noJob is the error of a job that is not to be had: what Salesforce refuses of jobs is said of no row, which a Write takes yet.
func (c *Client) noJob(op string, err error) error {
	if connectors.KindOf(err) != connectors.Rejected {
		return err
	}
	return c.aboutJob(op, err)
}

// Upload sends patches, which are all of the job's object, and closes the job for input. Where they cannot be rows of one job, for
// their number (see bulkMost) or for what one of them holds, the job is aborted and Gone, and nothing is sent. Person accounts are
// left out: no job for contacts takes them, and a Write does.
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
		return c.abort(ctx, op, token, "the job is for "+j.Object)
	}
	if patches, err = c.withoutPersons(ctx, o, patches); err != nil {
		return err
	}
	if len(patches) == 0 {
		return c.abort(ctx, op, token, "all are person accounts")
	}
	columns, err := o.columnsOf(patches)
	if err != nil {
		return c.abort(ctx, op, token, err.Error())
	}
	wanted := map[string]any{}
	for _, f := range columns {
		wanted[f.Property] = nil
	}
	if err := c.writable(ctx, o, op, []row{{set: wanted}}); err != nil {
		return err
	}
	table, err := c.table(o, patches, columns)
	if err != nil {
		return c.abort(ctx, op, token, err.Error())
	}
	put := transport.Request{Op: op, Method: http.MethodPut, Path: c.data + ingestFolder + token + "/batches", Body: table, Type: "text/csv"}
	if j.ContentURL != "" {
		put.Path = "/" + strings.TrimLeft(j.ContentURL, "/")
	}
	if resp, err := c.http.Do(ctx, put); err != nil {
		var e *connectors.Error
		refused := resp != nil && resp.Status < 500 && !(errors.As(err, &e) && e.Code == codeJobState)
		if k := connectors.KindOf(err); refused && (k == connectors.Rejected || k == connectors.Config) {
			return c.abort(ctx, op, token, e.Message)
		}
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
		return c.aboutJob(op, err)
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
		return c.aboutJob(op, err) // where it is not ended, the host may come back to it
	}
	return c.gone(op, why)
}

// Abort ends a job and frees its place among those of the org. Poll then tells what it had done.
func (c *Client) Abort(ctx context.Context, token string) error {
	err := c.abort(ctx, "abort bulk job "+token, token, "")
	if over(err) {
		return nil
	}
	return err
}

func (c *Client) gone(op, why string) *connectors.Error {
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
		return nil, c.aboutJob(op, err)
	}
	if v.ID = token; v.State == "" {
		return nil, c.err(connectors.Transient, op, "the answer tells no state")
	}
	return v, nil
}

// Poll looks after a job: see [connectors.BulkWriter]. What became of each row comes when it has ended, in no order. A row that
// failed for what may be mended by now, or for what the rows beside it did, is Transient, as one that the job did not get to is: a
// Write tells how things stand. A job that was never closed is aborted and Gone: Upload has to have returned before.
func (c *Client) Poll(ctx context.Context, token string) (done bool, results []connectors.Result, err error) {
	op := "look after bulk job " + token
	j, err := c.job(ctx, op, token)
	if err == nil && j.State == jobOpen {
		err = c.abort(ctx, op, token, "the job was never closed")
	}
	if err != nil {
		return over(err), nil, err
	}
	switch j.State {
	case jobComplete, jobAborted, jobFailed:
	default:
		return false, nil, nil
	}
	if c.objects[j.Object] == nil {
		return true, nil, c.gone(op, j.Object+" is not among the objects of this connector any more")
	}
	results, err = c.outcome(ctx, op, j)
	return err == nil || over(err), results, err
}

// over says whether an error of a job ends it.
func over(err error) bool { return connectors.KindOf(err) == connectors.Gone }

// outcome reads what became of the rows of a job that has ended.
func (c *Client) outcome(ctx context.Context, op string, j *job) (results []connectors.Result, err error) {
	read := func(which string, f func(ref connectors.Ref, said string)) {
		if err != nil {
			return
		}
		err = c.results(ctx, op, j, which, f)
	}
	read("successfulResults", func(ref connectors.Ref, _ string) { results = append(results, connectors.Result{Ref: ref}) })
	var gone []connectors.Ref
	var whys []*connectors.Error
	read("failedResults", func(ref connectors.Ref, said string) {
		f := bulkFailure(said)
		e := c.rowError(op, f)
		switch m := meaningOf(f.code()); {
		case m.kind == connectors.Gone:
			gone, whys = append(gone, ref), append(whys, e)
			return
		case f.code() == codeNoAccess:
			e.Kind = connectors.Rejected // of this record; if it were all of them, the next write says so
		case m.kind == connectors.Config:
			c.objects[j.Object].forget()
			e.Kind, e.Passing = connectors.Transient, true
		case m.shared:
			e.Kind, e.Passing = connectors.Transient, true
		}
		results = append(results, connectors.Result{Ref: ref, Err: e})
	})
	left := c.http.Err(connectors.Transient, op, j.State, j.Message)
	left.Passing = true
	if left.Message == "" {
		left.Message = "the job ended before it came to this record"
	}
	read("unprocessedrecords", func(ref connectors.Ref, _ string) { results = append(results, connectors.Result{Ref: ref, Err: left}) })
	if j.State == jobFailed {
		c.objects[j.Object].forget() // a field may have gone
	}
	if err != nil {
		return results, err
	}
	fates, err := c.fates(ctx, gone, func(i int) *connectors.Error { return whys[i] })
	for i := range fates {
		results = append(results, connectors.Result{Ref: gone[i], Err: fates[i]})
	}
	return results, err
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

// results reads one of a job's result tables as it comes, which repeats the rows with what is said of each.
func (c *Client) results(ctx context.Context, op string, j *job, which string, f func(ref connectors.Ref, said string)) error {
	type told struct {
		ref  connectors.Ref
		said string
	}
	var rows []told
	r := transport.Get(op, c.data+ingestFolder+j.ID+"/"+which+"/")
	r.Header = http.Header{"Accept": {"text/csv"}}
	r.Stream = func(body io.Reader) error {
		rows = rows[:0]
		return rowsOfTable(body, []string{"sf__Id", "Id", "sf__Error"}, func(cells []string) {
			if id, ok := normalID(cmp.Or(cells[0], cells[1])); ok {
				rows = append(rows, told{c.ref(j.Object, id), strings.Clone(cells[2])})
			}
		})
	}
	if _, err := c.http.Do(ctx, r); err != nil {
		return c.aboutJob(op, err)
	}
	for _, row := range rows {
		f(row.ref, row.said)
	}
	return nil
}

// aboutJob is an error met when a job was asked for. What Salesforce refuses to say of a job, as it does when the running user
// has changed, it will not say later: the job is Gone. If it is the set-up that is wrong, the next write says so.
func (c *Client) aboutJob(op string, err error) error {
	if k := connectors.KindOf(err); k != connectors.Rejected && k != connectors.Config {
		return err
	}
	gone := c.gone(op, "Salesforce tells nothing of the job")
	gone.Err = err
	if e, ok := err.(*connectors.Error); ok {
		gone.Code, gone.Message = e.Code, gone.Message+": "+e.Message
	}
	return gone
}
