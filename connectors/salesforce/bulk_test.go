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

// A job whose table Salesforce cannot take is the admin's matter: it would be refused for ever.
func TestInvalidBatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 2)
		p.EndBulk(sandbox.BulkOutcome{State: jobFailed, Message: "InvalidBatch : Field name not found : Intent_Score__c"})
		c := p.connect(t)
		token, err := c.Submit(t.Context(), Lead)
		must(t, err)
		must(t, c.Upload(t.Context(), token, []connectors.Patch{score(refs[0], "1.0"), score(refs[1], "1.0")}))
		for range 5 {
			done, results, err := c.Poll(t.Context(), token)
			if !done {
				must(t, err)
				continue
			}
			if connectors.KindOf(err) != connectors.Config || len(results) != 2 || connectors.KindOf(results[0].Err) != connectors.Config {
				t.Errorf("%v, %+v", err, results)
			}
			return
		}
		t.Error("the job does not end")
	})
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
		_, _, err := c.Poll(t.Context(), "7505g000000zzzzAAA")
		gone("an unknown job", err)
		_, _, err = c.Poll(t.Context(), "no job")
		gone("no job", err)
		_, _, err = c.Poll(t.Context(), open())
		gone("a job that was never closed", err)
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

// What cannot be in a job is refused before anything is sent; a missing field is Config, before a job is opened for nothing.
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
		for i := range 2 * BulkMost {
			id, _ := normalID(fmt.Sprintf("00Q5g00000%05d", i))
			long.Ref = connectors.Ref{CRM: "salesforce", Object: Lead, ID: id}
			many = append(many, long)
		}
		for what, patches := range map[string][]connectors.Patch{
			"another object":   {score(contact, "1.0")},
			"an unknown field": {{Ref: ref, Fields: map[string]string{"mood": "good"}}},
		} {
			if err := c.Upload(t.Context(), token, patches); connectors.KindOf(err) != connectors.Rejected {
				t.Errorf("%s: %v", what, err)
			}
		}
		large, err := c.Submit(t.Context(), Lead)
		must(t, err)
		if err := c.Upload(t.Context(), large, many); connectors.KindOf(err) != connectors.Gone { // the host writes them the common way
			t.Errorf("too much: %v", err)
		}
		if table, err := c.table(c.objects[Lead], many[:BulkMost]); err != nil || len(table) > mostBulkBytes {
			t.Errorf("%d patches of the longest texts: %d bytes, %v", BulkMost, len(table), err)
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
