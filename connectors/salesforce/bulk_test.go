package salesforce

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

// run takes patches through a job as a host does and returns its results by record.
func run(t *testing.T, c *Client, patches []connectors.Patch) map[connectors.Ref]error {
	t.Helper()
	token, err := c.Submit(t.Context(), patches[0].Object)
	must(t, err)
	must(t, c.Upload(t.Context(), token, patches))
	return await(t, c, token)
}

func await(t *testing.T, c *Client, token string) map[connectors.Ref]error {
	t.Helper()
	for range 100 {
		done, results, err := c.Poll(t.Context(), token)
		must(t, err)
		if done {
			out := map[connectors.Ref]error{}
			for _, r := range results {
				out[r.Ref] = r.Err
			}
			if len(out) != len(results) {
				t.Error("a record with two results")
			}
			return out
		}
		time.Sleep(10 * time.Second)
	}
	t.Fatal("the job does not end")
	return nil
}

// A job writes every field as a collection would, clears what is empty, keeps its hands off the verdict and the owner, and tells
// each record's result: good, bad with Salesforce's words, gone with where it went.
func TestBulk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		p.AssignLeads(p.IDs("User")[3])
		refs := p.Create(t, 8)
		p.SetOwn(t, refs[0], connectors.FieldVerdict, "not_now")
		p.SetOwn(t, refs[0], connectors.FieldProduct, "Old")
		p.Resist(t, refs[1])
		survivor := p.Merge(t, refs[2], refs[3])
		_, err := p.Convert(refs[4].ID)
		must(t, err)
		p.Archive(t, refs[5])
		full := connectors.Patch{Ref: refs[0], Fields: map[string]string{
			"score": "64.4", "tier": "medium", "tier_since": "2026-11-19T08:17:00Z", "headline": `Compares "prices", – & more`,
			"summary": "Line one\r\nLine, two\n\"three\"", "cools_on": "2026-12-01", "product": "", "verdict": "wrong_person"}}
		patches := []connectors.Patch{full, score(refs[7], "1.0")}
		for _, r := range refs[1:6] {
			patches = append(patches, score(r, "2.0"))
		}
		patches = append(patches, connectors.Patch{Ref: refs[6], Fields: map[string]string{"score": "high"}}, score(refs[7], "9.0"))
		owner := func() string { _, f := p.split(t, refs[0]); return f["OwnerId"] }
		before := owner()
		results := run(t, p.connect(t), patches)
		if len(results) != 8 {
			t.Errorf("%d results", len(results))
		}
		own := p.Own(t, refs[0])
		for name, want := range map[string]string{"score": "64.4", "tier": "medium", "tier_since": "2026-11-19T08:17:00Z", "headline": `Compares "prices", – & more`,
			"summary": "Line one\nLine, two\n\"three\"", "cools_on": "2026-12-01", "product": "", "verdict": "not_now"} {
			if own[name] != want {
				t.Errorf("%s = %q, want %q", name, own[name], want)
			}
		}
		if owner() != before {
			t.Error("the job gave the lead away")
		}
		for i, want := range map[int]connectors.Kind{0: 0, 1: connectors.Rejected, 2: 0, 3: connectors.Gone, 4: connectors.Gone, 5: connectors.Gone, 6: connectors.Rejected, 7: 0} {
			err, told := results[refs[i]]
			if !told || connectors.KindOf(err) != want {
				t.Errorf("record %d: %v, %v, want %s", i, told, err, want)
			}
		}
		if e := asError(t, results[refs[1]]); e.Code != "FIELD_CUSTOM_VALIDATION_EXCEPTION" || !strings.Contains(e.Message, "not to be scored") {
			t.Errorf("%+v", e)
		}
		if e := asError(t, results[refs[3]]); e.Into != survivor {
			t.Errorf("the merged record leads to %s", e.Into)
		}
		if e := asError(t, results[refs[4]]); e.State != connectors.Merged || e.Into.Object != Contact {
			t.Errorf("the converted lead leads to %s", e.Into)
		}
		if p.Own(t, refs[7])["score"] != "9.0" {
			t.Error("the newest patch did not win")
		}
	})
}

// A job goes on across restarts: whoever holds the token looks after it.
func TestBulkAcrossRestarts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 3)
		patches := []connectors.Patch{score(refs[0], "1.0"), score(refs[1], "2.0"), score(refs[2], "3.0")}
		token, err := p.connect(t).Submit(t.Context(), Lead)
		must(t, err)
		must(t, p.connect(t).Upload(t.Context(), token, patches))
		must(t, p.connect(t).Upload(t.Context(), token, patches)) // the crash came before the journal
		if results := await(t, p.connect(t), token); len(results) != 3 {
			t.Errorf("%v", results)
		}
		if again := await(t, p.connect(t), token); len(again) != 3 { // results can be asked for again
			t.Errorf("%v", again)
		}
	})
}

// Rows that a failed or aborted job did not get to are Transient, those it did are told as they are.
func TestUnprocessedRows(t *testing.T) {
	for _, state := range []string{jobFailed, jobAborted} {
		bubble(t, func(t *testing.T) {
			p := newOrg(t, Lead)
			refs := p.Create(t, 5)
			p.EndBulk(sandbox.BulkOutcome{State: state, Message: "InternalServerError : try again", Rows: 2})
			var patches []connectors.Patch
			for _, r := range refs {
				patches = append(patches, score(r, "1.0"))
			}
			results := run(t, p.connect(t), patches)
			good, open := 0, 0
			for _, err := range results {
				switch connectors.KindOf(err) {
				case 0:
					good++
				case connectors.Transient:
					open++
				}
			}
			if good != 2 || open != 3 {
				t.Errorf("%s: %d good, %d to be sent again", state, good, open)
			}
		})
	}
}

// How a job ended is no state of the connector: a field was hidden after it opened, and the end says so of the past. Each row goes
// again, and Write tells how things stand.
func TestEndedJobsStopNothing(t *testing.T) {
	for what, end := range map[string]sandbox.BulkOutcome{
		"a field that was hidden": {State: jobFailed, Message: "InvalidBatch : Field name not found : Intent_Reasons__c"},
		"an abort by an admin":    {State: jobAborted},
		"a failure of theirs":     {State: jobFailed, Message: "InternalServerError : try again", Rows: 1},
	} {
		bubble(t, func(t *testing.T) {
			p := newOrg(t, Lead)
			refs := p.Create(t, 3)
			p.EndBulk(end)
			patches := []connectors.Patch{score(refs[0], "1.0"), score(refs[1], "1.0"), score(refs[2], "1.0")}
			c := p.connect(t)
			for ref, err := range run(t, c, patches) {
				if err != nil && (connectors.KindOf(err) != connectors.Transient || !connectors.Passing(err)) {
					t.Errorf("%s: %s: %v", what, ref, err)
				}
			}
			results, err := c.Write(t.Context(), patches)
			must(t, err)
			for _, r := range results {
				if r.Err != nil {
					t.Errorf("%s, then a write: %v", what, r.Err)
				}
			}
		})
	}
}

// What a job says of a row that is not the row's own doing goes again: a field that was hidden while it ran, a trigger that gave up
// on the 200 rows it got at once, a lock. What is the row's own stays with it.
func TestRowsOfJobs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 5)
		said := []string{
			"INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: Intent_Score__c:Intent_Score__c --",
			"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:LeadTrigger: System.LimitException: Apex CPU time limit exceeded:--",
			"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--",
			"FIELD_CUSTOM_VALIDATION_EXCEPTION:Others are not to be scored.:--",
			"INSUFFICIENT_ACCESS_OR_READONLY:insufficient access rights on object id:--",
		}
		var patches []connectors.Patch
		table := "\xef\xbb\xbf\"sf__Id\",\"sf__Error\",\"Id\"\n"
		for i, r := range refs {
			patches = append(patches, score(r, "1.0"))
			table += fmt.Sprintf("\"\",%q,%q\n", said[i], r.ID[:15])
		}
		c, _ := p.watched(t, func(r seen) reply {
			switch {
			case strings.HasSuffix(r.path, "/failedResults/"):
				return reply{status: 200, body: table, header: map[string]string{"Content-Type": "text/csv"}}
			case strings.HasSuffix(r.path, "/successfulResults/"), strings.HasSuffix(r.path, "/unprocessedrecords/"):
				return reply{status: 200, body: "\n", header: map[string]string{"Content-Type": "text/csv"}}
			}
			return reply{}
		})
		results := run(t, c, patches)
		for i, want := range []connectors.Kind{connectors.Transient, connectors.Transient, connectors.Transient, connectors.Rejected, connectors.Rejected} {
			if err := results[refs[i]]; connectors.KindOf(err) != want || connectors.Passing(err) != (want == connectors.Transient) {
				t.Errorf("%s: %v (%s)", said[i], err, connectors.KindOf(err))
			}
		}
	})
}

// A job that nobody may be told of any more, as after a change of the running user, is over, with what was told before; a stop of
// the present keeps its token.
func TestUntoldJobs(t *testing.T) {
	for _, k := range []struct {
		path, code string
		status     int
		want       connectors.Kind
	}{
		{"/jobs/ingest/750", "INSUFFICIENT_ACCESS_OR_READONLY", 403, connectors.Gone},
		{"/failedResults/", "NOT_FOUND", 404, connectors.Gone},
		{"/unprocessedrecords/", "INVALIDJOB", 400, connectors.Gone},
		{"/failedResults/", "REQUEST_LIMIT_EXCEEDED", 403, connectors.Quota},
		{"/jobs/ingest/750", "API_DISABLED_FOR_ORG", 403, connectors.Auth},
	} {
		bubble(t, func(t *testing.T) {
			p := newOrg(t, Lead)
			ref := p.Create(t, 1)[0]
			c, f := p.watched(t, nil)
			token, err := c.Submit(t.Context(), Lead)
			must(t, err)
			must(t, c.Upload(t.Context(), token, []connectors.Patch{score(ref, "1.0")}))
			f.answer = func(r seen) reply {
				if r.method == "GET" && strings.Contains(r.path, k.path) {
					return reply{status: k.status, body: fmt.Sprintf(`[{"errorCode":%q,"message":"x"}]`, k.code)}
				}
				return reply{}
			}
			for range 20 {
				done, results, err := c.Poll(t.Context(), token)
				if !done && err == nil {
					time.Sleep(10 * time.Second)
					continue
				}
				if connectors.KindOf(err) != k.want || done != (k.want == connectors.Gone) {
					t.Errorf("%s of %s: done %v, %v", k.code, k.path, done, err)
				}
				if strings.HasSuffix(k.path, "s/") && done && len(results) != 1 {
					t.Errorf("%s of %s: %d results", k.code, k.path, len(results))
				}
				return
			}
			t.Error("the job does not end")
		})
	}
}

// Results are read as they come: their size is no matter.
func TestLargeResults(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 2)
		row := "," + strings.Repeat("x", 1<<20) + "\n"
		c, _ := p.watched(t, func(r seen) reply {
			if strings.HasSuffix(r.path, "/successfulResults/") {
				return reply{status: 200, body: "sf__Id,Intent_Reasons__c\n" + refs[0].ID + row + strings.Repeat(row, 80) + refs[1].ID + row}
			}
			return reply{}
		})
		if results := run(t, c, []connectors.Patch{score(refs[0], "1.0"), score(refs[1], "1.0")}); len(results) != 2 {
			t.Errorf("%d results", len(results))
		}
	})
}

// A job that does not end can be ended: its place comes free, and Poll tells what it had done. One that is over, or unknown, is
// aborted as well.
func TestAbort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		c, f := p.watched(t, nil)
		token, err := c.Submit(t.Context(), Lead)
		must(t, err)
		must(t, c.Upload(t.Context(), token, []connectors.Patch{score(p.Create(t, 1)[0], "1.0")}))
		must(t, c.Abort(t.Context(), token))
		results := await(t, c, token)
		for ref, err := range results {
			if err != nil && connectors.KindOf(err) != connectors.Transient {
				t.Errorf("%s: %v", ref, err)
			}
		}
		if len(results) != 1 {
			t.Errorf("%v", results)
		}
		must(t, c.Abort(t.Context(), token))
		must(t, c.Abort(t.Context(), "7505g000000zzzzAAA"))
		f.answer = func(r seen) reply {
			return reply{status: 403, body: `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`}
		}
		if err := c.Abort(t.Context(), token); connectors.KindOf(err) != connectors.Quota {
			t.Errorf("%v", err)
		}
	})
}

// An org, or a user, that may have no jobs has its rows written the common way, and so has a job that is not there any more.
func TestNoJobs(t *testing.T) {
	for at, answer := range map[string]reply{
		"POST":  {status: 400, body: `[{"errorCode":"FEATURENOTENABLED","message":"Bulk API is not enabled"}]`},
		"PUT":   {status: 404, body: `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`},
		"PATCH": {status: 404, body: `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`},
	} {
		bubble(t, func(t *testing.T) {
			p := newOrg(t, Lead)
			c, _ := p.watched(t, func(r seen) reply {
				if r.method == at && strings.Contains(r.path, "/jobs/ingest") {
					return answer
				}
				return reply{}
			})
			token, err := c.Submit(t.Context(), Lead)
			if at != "POST" {
				must(t, err)
				err = c.Upload(t.Context(), token, []connectors.Patch{score(p.Create(t, 1)[0], "1.0")})
			}
			if connectors.KindOf(err) != connectors.Gone {
				t.Errorf("%s: %v", at, err)
			}
		})
	}
}

// A job whose rows may or may not have come in is aborted and Gone: the host opens another. So is one that was never closed, and
// one that Salesforce does not know.
func TestUncertainUploads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		patches := []connectors.Patch{score(p.Create(t, 1)[0], "1.0")}
		c := p.connect(t)
		open := func() string {
			token, err := c.Submit(t.Context(), Lead)
			must(t, err)
			return token
		}
		gone := func(what string, err error) {
			t.Helper()
			if connectors.KindOf(err) != connectors.Gone {
				t.Errorf("%s: %v", what, err)
			}
		}
		token := open()
		p.Faults().Add(sandbox.Fault{Method: http.MethodPut, Reset: true, After: true})
		gone("a lost answer", c.Upload(t.Context(), token, patches))
		for what, token := range map[string]string{"an unknown job": "7505g000000zzzzAAA", "no job": "no job", "a job that was never closed": open()} {
			done, _, err := c.Poll(t.Context(), token)
			gone(what, err)
			if !done {
				t.Errorf("%s is not over", what)
			}
		}
		gone("an upload to an aborted job", c.Upload(t.Context(), token, patches))

		// A crash between the rows and the end of the job.
		token = open()
		p.Faults().Add(sandbox.Fault{Method: http.MethodPatch, Path: "/jobs/ingest/", Status: 500, Times: 5})
		if err := c.Upload(t.Context(), token, patches); connectors.KindOf(err) != connectors.Transient {
			t.Errorf("%v", err)
		}
		gone("rows that are there already", p.connect(t).Upload(t.Context(), token, patches))

		// The end of the job takes effect, its answer is lost.
		token = open()
		p.Faults().Add(sandbox.Fault{Method: http.MethodPatch, Path: "/jobs/ingest/", Reset: true, After: true})
		must(t, c.Upload(t.Context(), token, patches))
		if r := await(t, c, token); len(r) != 1 {
			t.Errorf("%v", r)
		}
	})
}

// What cannot be in a job aborts it before anything is sent; a missing field is Config, before a job is opened for nothing.
func TestRefusedUploads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		ref := p.Create(t, 1)[0]
		c, f := p.watched(t, nil)
		token, err := c.Submit(t.Context(), Lead)
		must(t, err)
		contact := ref
		contact.Object = Contact
		long := connectors.Patch{Fields: map[string]string{"summary": strings.Repeat("x", 4000), "reasons": strings.Repeat("y", 4000)}}
		var many []connectors.Patch
		for i := range mostBulkBytes/8000 + 500 { // more than one job takes
			id, _ := normalID(fmt.Sprintf("00Q5g00000%05d", i))
			long.Ref = connectors.Ref{CRM: "salesforce", Object: Lead, ID: id}
			many = append(many, long)
		}
		for what, patches := range map[string][]connectors.Patch{
			"another object":   {score(contact, "1.0")},
			"an unknown field": {{Ref: ref, Fields: map[string]string{"mood": "good"}}},
		} {
			refused, err := c.Submit(t.Context(), Lead)
			must(t, err)
			if err := c.Upload(t.Context(), refused, patches); connectors.KindOf(err) != connectors.Gone { // the host writes them the common way
				t.Errorf("%s: %v", what, err)
			}
		}
		large, err := c.Submit(t.Context(), Lead)
		must(t, err)
		if err := c.Upload(t.Context(), large, many); connectors.KindOf(err) != connectors.Gone {
			t.Errorf("too much: %v", err)
		}
		columns, err := c.objects[Lead].columnsOf(many)
		must(t, err)
		if table, err := c.table(c.objects[Lead], many[:bulkMost], columns); err != nil || len(table) > mostBulkBytes {
			t.Errorf("%d patches of the longest texts: %d bytes, %v", bulkMost, len(table), err)
		}
		if n := f.count("PUT"); n > 0 {
			t.Errorf("%d uploads were sent", n)
		}
		p.Unprovision(t, connectors.FieldScore)
		if err := p.connect(t).Upload(t.Context(), token, []connectors.Patch{score(ref, "1.0")}); connectors.KindOf(err) != connectors.Config {
			t.Errorf("a missing field: %v", err)
		}
		if _, err := p.connect(t, func(o *Options) { o.Objects = []string{Contact} }).Submit(t.Context(), Lead); connectors.KindOf(err) != connectors.Config {
			t.Errorf("an object that is not watched: %v", err)
		}
	})
}
