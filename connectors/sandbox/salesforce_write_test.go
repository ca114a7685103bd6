package sandbox

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCollectionsTellEachRow(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	ids := g.CreateMany("Lead", 8, func(i int) map[string]string {
		return lead(fmt.Sprint("L", i), "Email", fmt.Sprintf("p%d@x.example", i))
	})
	contact := g.Create("Contact", map[string]string{"LastName": "C"})
	if _, err := g.Convert(ids[1]); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{g.Delete("Lead", ids[2]), g.Purge("Lead", ids[3])} {
		if err != nil {
			t.Fatal(err)
		}
	}
	g.AddRule(SalesforceRule{"Lead", "Rating", "Cold", "Cold leads stay as they are."})
	g.Refuse(ids[5], "UNABLE_TO_LOCK_ROW", 1)
	g.Refuse(ids[6], "INSUFFICIENT_ACCESS_OR_READONLY", -1)
	for _, c := range []struct {
		promise string
		row     map[string]any
		want    string // code, or "ok"
		message string
	}{
		{"an update", row("Lead", ids[0], "Title", "Buyer", "NumberOfEmployees", 12, "HasOptedOutOfEmail", true), "ok", ""},
		{"a short id", row("Lead", ids[0][:15], "Title", "Buyer"), "ok", ""},
		{"nothing to set", row("Lead", ids[0]), "ok", ""},
		{"another object", row("Contact", contact, "Title", "Buyer"), "ok", ""},
		{"clearing", row("Lead", ids[0], "NumberOfEmployees", nil), "ok", ""},
		{"a converted lead", row("Lead", ids[1], "Title", "Buyer"), "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"},
		{"a deleted lead", row("Lead", ids[2], "Title", "Buyer"), "ENTITY_IS_DELETED", "entity is deleted"},
		{"a purged lead", row("Lead", ids[3], "Title", "Buyer"), "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"},
		{"an id of no record", row("Lead", "00Q5g00000zzzzz", "Title", "Buyer"), "INVALID_CROSS_REFERENCE_KEY", ""},
		{"an id of another object", row("Lead", contact, "Title", "Buyer"), "MALFORMED_ID", "Lead ID: id value of incorrect type: " + contact},
		{"no id", row("Lead", "", "Title", "Buyer"), "MISSING_ARGUMENT", "Id not specified in an update call"},
		{"an unknown field", row("Lead", ids[0], "x", 1), "INVALID_FIELD", "No such column 'x' on sobject of type Lead"},
		{"a field of the org's own", row("Lead", ids[0], "IsConverted", true), "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: IsConverted."},
		{"a text that is too long", row("Lead", ids[0], "Title", strings.Repeat("ä", 129)), "STRING_TOO_LONG", "max length=128"},
		{"a text that just fits", row("Lead", ids[0], "Title", strings.Repeat("ä", 128)), "ok", ""},
		{"a bad address", row("Lead", ids[0], "Email", "nobody"), "INVALID_EMAIL_ADDRESS", "Email: invalid email address: nobody"},
		{"a number that is too large", row("Lead", ids[0], "NumberOfEmployees", 123456789), "NUMBER_OUTSIDE_VALID_RANGE", ""},
		{"a required field emptied", row("Lead", ids[0], "LastName", nil), "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]"},
		{"an admin's rule", row("Lead", ids[4], "Rating", "Cold"), "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Cold leads stay as they are."},
		{"a row lock", row("Lead", ids[5], "Title", "x"), "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"},
		{"the lock is over", row("Lead", ids[5], "Title", "x"), "ok", ""},
		{"no access", row("Lead", ids[6], "Title", "x"), "INSUFFICIENT_ACCESS_OR_READONLY", ""},
		{"a user who is none", row("Lead", ids[0], "OwnerId", contact), "FIELD_INTEGRITY_EXCEPTION", ""},
		{"a parent that is not there", row("Contact", contact, "AccountId", "0015g00000zzzzz"), "INVALID_CROSS_REFERENCE_KEY", ""},
		{"an unknown object", row("Unicorn", ids[0], "Title", "x"), "INVALID_TYPE", ""},
	} {
		a := g.want(200, g.ask("PATCH", "/composite/sobjects", records(c.row)))
		if got := statuses(t, a); !slices.Equal(got, []string{c.want}) || !strings.Contains(a.body, c.message) {
			t.Errorf("%s: %s, want %s %s", c.promise, a.body, c.want, c.message)
		}
		if c.want != "ok" && a.list(t)[0]["id"] != nil {
			t.Errorf("%s: a failed row tells an id", c.promise)
		}
	}
	r, _ := g.Record("Lead", ids[0])
	if r["Title"] != strings.Repeat("ä", 128) || r["NumberOfEmployees"] != "" || r["LastModifiedById"] != g.UserID() {
		t.Errorf("after all: %v", r)
	}
	a := g.want(200, g.ask("PATCH", "/composite/sobjects", records(row("Lead", ids[2], "Title", "z"), row("Lead", ids[0], "Title", "z"), row("Lead", "nonsense", "Title", "z"), row("Lead", ids[4], "Title", "z"))))
	if got := statuses(t, a); !slices.Equal(got, []string{"ENTITY_IS_DELETED", "ok", "MALFORMED_ID", "ok"}) || a.list(t)[3]["id"] != ids[4] {
		t.Errorf("order: %s", a.body)
	}
}

func TestCollectionsFailAsAWhole(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	ids := g.CreateMany("Lead", 201, func(i int) map[string]string { return lead(fmt.Sprint(i)) })
	contact := g.Create("Contact", map[string]string{"LastName": "C"})
	var rows, mixed []map[string]any
	for i, id := range ids {
		rows = append(rows, row("Lead", id, "Title", "many"))
		if i < 6 {
			mixed = append(mixed, row("Lead", id, "Title", "mixed"), row("Contact", contact, "Title", "mixed"))
		}
	}
	for promise, c := range map[string]struct {
		body any
		code string
	}{
		"too many rows":                  {records(rows...), "LIMIT_EXCEEDED"},
		"too many runs of one object":    {records(mixed...), "LIMIT_EXCEEDED"},
		"no JSON":                        {`{"records":[`, "JSON_PARSER_ERROR"},
		"a row without a type":           {`{"records":[{"id":"` + ids[0] + `","Title":"x"}]}`, "INVALID_TYPE"},
		"a number that is none":          {records(row("Lead", ids[0], "Title", "whole"), row("Lead", ids[1], "NumberOfEmployees", "many")), "JSON_PARSER_ERROR"},
		"a date that is none":            {records(row("Lead", ids[0], "Title", "whole"), row("Lead", ids[1], "EmailBouncedDate", "yesterday")), "JSON_PARSER_ERROR"},
		"a truth that is a text":         {records(row("Lead", ids[0], "Title", "whole"), row("Lead", ids[1], "HasOptedOutOfEmail", "true")), "JSON_PARSER_ERROR"},
		"an object in place of a value":  {records(row("Lead", ids[0], "Title", "whole"), row("Lead", ids[1], "Title", map[string]any{"a": 1})), "JSON_PARSER_ERROR"},
		"a body that is no proper UTF-8": {"{\"records\":[{\"attributes\":{\"type\":\"Lead\"},\"Title\":\"\xff\"}]}", "JSON_PARSER_ERROR"},
	} {
		if a := g.ask("PATCH", "/composite/sobjects", c.body); a.status != 400 || a.code() != c.code {
			t.Errorf("%s: %d %.200s, want %s", promise, a.status, a.body, c.code)
		}
	}
	for _, id := range ids {
		if r, _ := g.Record("Lead", id); r["Title"] != "" {
			t.Fatalf("a refused request set %q", r["Title"])
		}
	}
	all := records(row("Lead", ids[0], "Title", "all"), row("Lead", "00Q5g00000zzzzz", "Title", "all"), row("Lead", ids[1], "Title", "all"))
	all["allOrNone"] = true
	a := g.want(200, g.ask("PATCH", "/composite/sobjects", all))
	if got := statuses(t, a); !slices.Equal(got, []string{"ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_CROSS_REFERENCE_KEY", "ALL_OR_NONE_OPERATION_ROLLED_BACK"}) {
		t.Errorf("all or none: %s", a.body)
	}
	if r, _ := g.Record("Lead", ids[0]); r["Title"] != "" {
		t.Error("a row was written although not all could be")
	}
	g.want(200, g.ask("PATCH", "/composite/sobjects", records(rows[:200]...)))
	if r, _ := g.Record("Lead", ids[199]); r["Title"] != "many" {
		t.Error("the 200th row was not written")
	}
}

func TestCollectionsMayNameTheTypeLast(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	id := g.Create("Lead", lead("A"))
	a := g.ask("PATCH", "/composite/sobjects", `{"records":[{"Title":"late","Id":"`+id+`","attributes":{"type":"lead"}}],"allOrNone":false}`)
	if r, _ := g.Record("Lead", id); r["Title"] != "late" {
		t.Errorf("got %s", a.body)
	}
}

func TestHeadersOfWrites(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	a := g.Create("Lead", lead("A", "Email", "same@x.example"))
	b := g.Create("Contact", map[string]string{"LastName": "B", "Email": "SAME@x.example"})
	rep := g.IDs("User")[4]
	write := func(headers ...string) string {
		return statuses(t, g.want(200, g.ask("PATCH", "/composite/sobjects", records(row("Lead", a, "Title", "x")), headers...)))[0]
	}
	owner := func() string { r, _ := g.Record("Lead", a); return r["OwnerId"] }
	g.BlockDuplicates(true)
	if got := write(); got != "DUPLICATES_DETECTED" {
		t.Errorf("without the header: %s", got)
	}
	if got := write("Sforce-Duplicate-Rule-Header", "allowSave=true"); got != "ok" {
		t.Errorf("with the header: %s", got)
	}
	if err := g.Delete("Contact", b); err != nil {
		t.Fatal(err)
	}
	if got := write(); got != "ok" {
		t.Errorf("without another of the address: %s", got)
	}
	before := owner()
	g.AssignLeads(rep)
	write("Sforce-Auto-Assign", "FALSE")
	if owner() != before {
		t.Error("a lead was assigned although the header says no")
	}
	if write(); owner() != rep {
		t.Error("without the header the lead was not assigned")
	}
}

func TestReadCollection(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	ids := g.CreateMany("Lead", 3, func(i int) map[string]string { return lead(fmt.Sprint("L", i)) })
	if err := g.Delete("Lead", ids[1]); err != nil {
		t.Fatal(err)
	}
	asked := []string{ids[2][:15], ids[1], "00Q5g00000zzzzz", ids[0], ids[2]}
	a := g.want(200, g.ask("POST", "/composite/sobjects/lead", map[string]any{"ids": asked, "fields": []string{"LastName", "Owner.Name", "lastname"}}))
	l := a.list(t)
	if len(l) != 5 || l[0]["LastName"] != "L2" || l[1] != nil || l[2] != nil || l[3]["LastName"] != "L0" || l[4]["LastName"] != "L2" || at(l[0], "Owner", "Name") != "Administrator" {
		t.Errorf("got %s", a.body)
	}
	for body, code := range map[string]string{
		`{"ids":["` + ids[0] + `"],"fields":["Nope"]}`: "INVALID_FIELD", `{"ids":["x"],"fields":["Id"]}`: "MALFORMED_ID", `{"ids":["` + ids[0] + `"]}`: "MISSING_ARGUMENT",
		`{"ids":[` + strings.Repeat(`"x",`, 2000) + `"x"],"fields":["Id"]}`: "LIMIT_EXCEEDED",
	} {
		if a := g.ask("POST", "/composite/sobjects/Lead", body); a.status != 400 || a.code() != code {
			t.Errorf("%.60s: %d %s, want %s", body, a.status, a.body, code)
		}
	}
}

func TestSingleRecords(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	a := g.want(201, g.ask("POST", "/sobjects/Lead", map[string]any{"LastName": "A", "Company": "B"}))
	id := a.json["id"].(string)
	if !strings.HasSuffix(a.header.Get("Location"), "/sobjects/Lead/"+id) || len(id) != 18 {
		t.Errorf("made %s", a.body)
	}
	if r := g.want(200, g.ask("GET", "/sobjects/Lead/"+id+"?fields=Name,Status", nil)); r.json["Name"] != "A" || r.json["Status"] != "Open - Not Contacted" {
		t.Errorf("got %s", r.body)
	}
	g.want(204, g.ask("PATCH", "/sobjects/Lead/"+id, map[string]any{"Title": "T"}))
	if r := g.want(200, g.ask("GET", "/sobjects/Lead/"+id, nil)); r.json["Title"] != "T" {
		t.Errorf("got %s", r.body)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "/sobjects/Lead", `{"LastName":"A"}`, 400, "REQUIRED_FIELD_MISSING"}, {"POST", "/sobjects/Lead", `{"LastName":"A","Company":"C","x":1}`, 400, "INVALID_FIELD"},
		{"PATCH", "/sobjects/Lead/" + id, `{"Id":"` + id + `","Title":"x"}`, 400, "INVALID_FIELD"}, {"PATCH", "/sobjects/Lead/00Q5g00000zzzzz", `{"Title":"x"}`, 404, "NOT_FOUND"},
		{"GET", "/sobjects/Lead/nonsense", "", 404, "NOT_FOUND"}, {"GET", "/sobjects/Lead/" + id + "?fields=x", "", 400, "INVALID_FIELD"},
	} {
		var body any
		if c.body != "" {
			body = c.body
		}
		if a := g.ask(c.method, c.path, body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, a.status, a.body)
		}
	}
	g.want(204, g.ask("DELETE", "/sobjects/Lead/"+id, nil))
	if a := g.want(404, g.ask("DELETE", "/sobjects/Lead/"+id, nil)); a.code() != "ENTITY_IS_DELETED" {
		t.Errorf("got %s", a.body)
	}
	if a := g.want(200, g.ask("DELETE", "/composite/sobjects?ids="+id+",x", nil)); !slices.Equal(statuses(t, a), []string{"ENTITY_IS_DELETED", "MALFORMED_ID"}) {
		t.Errorf("got %s", a.body)
	}
}

// TestWritesLockAccounts sends two batches at once: rows of one account cannot be in both.
func TestWritesLockAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newOrg(t, SalesforceOptions{Now: time.Now, WriteTime: 2 * time.Second})
		one, two := g.Create("Account", map[string]string{"Name": "One"}), g.Create("Account", map[string]string{"Name": "Two"})
		ids := g.CreateMany("Contact", 4, func(i int) map[string]string {
			return map[string]string{"LastName": fmt.Sprint(i), "AccountId": []string{one, one, two, ""}[i]}
		})
		var wg sync.WaitGroup
		var second answer
		write := func(rows ...map[string]any) answer { return g.ask("PATCH", "/composite/sobjects", records(rows...)) }
		wg.Go(func() {
			if got := statuses(t, write(row("Contact", ids[0], "Title", "first"))); !slices.Equal(got, []string{"ok"}) {
				t.Errorf("the first write: %v", got)
			}
		})
		wg.Go(func() {
			time.Sleep(time.Second)
			second = write(row("Contact", ids[1], "Title", "second"), row("Contact", ids[2], "Title", "second"), row("Contact", ids[3], "Title", "second"))
		})
		wg.Wait()
		if got := statuses(t, second); !slices.Equal(got, []string{"UNABLE_TO_LOCK_ROW", "ok", "ok"}) || !strings.Contains(second.body, one) {
			t.Errorf("the second write: %s", second.body)
		}
		if got := statuses(t, write(row("Contact", ids[1], "Title", "third"))); !slices.Equal(got, []string{"ok"}) {
			t.Errorf("afterwards: %v", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		q, _ := http.NewRequestWithContext(ctx, "PATCH", myDomain+v67+"/composite/sobjects", strings.NewReader(`{"records":[{"attributes":{"type":"Contact"},"id":"`+ids[0]+`","Title":"never"}]}`))
		q.Header.Set("Authorization", "Bearer "+g.token)
		q.Header.Set("Content-Type", "application/json")
		if _, err := g.http.Do(q); err == nil {
			t.Error("a cancelled write ended well")
		}
		if len(g.underWay) != 0 {
			t.Errorf("the locks of %d requests are left", len(g.underWay))
		}
	})
}

func TestSalesforceLimits(t *testing.T) {
	g := newOrg(t, SalesforceOptions{DailyLimit: 10})
	if a := g.ask("GET", "/limits", nil); a.header.Get("Sforce-Limit-Info") != "api-usage=1/10" || at(a.json, "DailyApiRequests", "Remaining") != 9.0 || at(a.json, "DailyApiRequests", "Max") != 10.0 {
		t.Errorf("%s %s", a.header.Get("Sforce-Limit-Info"), a.body)
	}
	g.clock.advance(12 * time.Hour)
	g.signIn()
	g.UseUp(9)
	a := g.want(403, g.ask("GET", "/limits", nil))
	if a.body != `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]` || a.header.Get("Retry-After") != "" || a.header.Get("Sforce-Limit-Info") != "api-usage=10/10" {
		t.Errorf("%v %s", a.header, a.body)
	}
	if g.Calls() != 10 || g.Counters().RateLimited["DAILY"] != 1 {
		t.Errorf("%d calls, %v", g.Calls(), g.Counters().RateLimited)
	}
	g.clock.advance(12*time.Hour - 10*time.Minute) // the first call of yesterday leaves the rolling day
	g.signIn()
	if g.want(403, g.ask("GET", "/limits", nil)); g.Calls() != 10 {
		t.Errorf("%d calls", g.Calls())
	}
	g.clock.advance(20 * time.Minute)
	if g.want(200, g.ask("GET", "/limits", nil)); g.Calls() != 10 {
		t.Errorf("%d calls", g.Calls())
	}
	g.clock.advance(48 * time.Hour)
	if g.Calls() != 0 {
		t.Errorf("%d calls after two quiet days", g.Calls())
	}
	g.signIn()
	for policy, want := range map[string]string{"DAILY": "TotalRequests Limit exceeded.", "CONCURRENT": "ConcurrentRequests (Concurrent API Requests) Limit exceeded."} {
		g.Faults().Add(Fault{Path: "/limits", Policy: policy})
		if a := g.want(403, g.ask("GET", "/limits", nil)); !strings.Contains(a.body, want) || a.code() != "REQUEST_LIMIT_EXCEEDED" {
			t.Errorf("%s: %s", policy, a.body)
		}
	}
}

// poll asks for a job's state n times.
func (g *org) poll(path string, n int) (states []string, last answer) {
	g.t.Helper()
	for range n {
		last = g.want(200, g.ask("GET", path, nil))
		states = append(states, last.json["state"].(string))
	}
	return states, last
}

func (g *org) table(path string) [][]string {
	g.t.Helper()
	a := g.want(200, g.ask("GET", path, nil))
	if kind := a.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/csv") {
		g.t.Errorf("%s is %s", path, kind)
	}
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil {
		g.t.Fatalf("%s: %v", path, err)
	}
	return rows
}

func TestBulkIngest(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	ids := g.CreateMany("Lead", 6, func(i int) map[string]string { return lead(fmt.Sprint("L", i), "Title", "old", "City", "Ulm") })
	if err := g.Delete("Lead", ids[4]); err != nil {
		t.Fatal(err)
	}
	open := func() (path, content string) {
		a := g.want(200, g.ask("POST", "/jobs/ingest", `{"object":"Lead","operation":"update","contentType":"CSV","lineEnding":"LF"}`))
		content = a.json["contentUrl"].(string)
		if a.json["state"] != "Open" || content != "services/data/v67.0/jobs/ingest/"+a.json["id"].(string)+"/batches" {
			t.Errorf("opened %s", a.body)
		}
		return "/jobs/ingest/" + a.json["id"].(string), "/" + content
	}
	put := func(content, text string) answer { return g.ask("PUT", content, text, "Content-Type", "text/csv") }
	path, content := open()
	if a := g.want(201, put(content, "Id,Title,City\n"+ids[0]+",\"two\nlines, \"\"quoted\"\"\",\n"+ids[1][:15]+",x,#N/A\n"+ids[4]+",x,x\nnonsense,x,x\n"+ids[2]+","+strings.Repeat("x", 129)+",x\n")); a.body != "" {
		t.Errorf("upload answers %s", a.body)
	}
	g.want(400, put(content, "Id\n"))
	if states, _ := g.poll(path, 2); !slices.Equal(states, []string{"Open", "Open"}) {
		t.Errorf("before it is complete: %v", states)
	}
	g.want(200, g.ask("PATCH", path, `{"state":"UploadComplete"}`))
	g.want(400, put(content, "Id\n"))
	states, last := g.poll(path, 4)
	if !slices.Equal(states, []string{"InProgress", "JobComplete", "JobComplete", "JobComplete"}) || last.json["numberRecordsProcessed"] != 5.0 || last.json["numberRecordsFailed"] != 3.0 || last.json["apiVersion"] != 67.0 {
		t.Errorf("%v %s", states, last.body)
	}
	good := g.table(path + "/successfulResults")
	if len(good) != 3 || !slices.Equal(good[0], []string{"sf__Id", "sf__Created", "Id", "Title", "City"}) || good[1][0] != ids[0] || good[2][0] != ids[1] || good[1][1] != "false" || good[1][3] != "two\nlines, \"quoted\"" {
		t.Errorf("successful: %q", good)
	}
	bad := g.table(path + "/failedResults/")
	if len(bad) != 4 || bad[0][1] != "sf__Error" || bad[1][1] != "ENTITY_IS_DELETED:entity is deleted: --" || !strings.HasPrefix(bad[2][1], "MALFORMED_ID:") || !strings.HasPrefix(bad[3][1], "STRING_TOO_LONG:") || !strings.HasSuffix(bad[3][1], ":Title --") {
		t.Errorf("failed: %q", bad)
	}
	if left := g.table(path + "/unprocessedrecords"); len(left) != 1 {
		t.Errorf("unprocessed: %q", left)
	}
	if r, _ := g.Record("Lead", ids[0]); r["Title"] != "two\nlines, \"quoted\"" || r["City"] != "Ulm" {
		t.Errorf("an empty cell was taken for a value: %v", r)
	}
	if r, _ := g.Record("Lead", ids[1]); r["City"] != "" {
		t.Errorf("#N/A did not clear: %v", r)
	}

	// Jobs that end otherwise.
	g.EndBulk(BulkOutcome{State: "Failed", Message: "InternalServerError", Rows: 1})
	path, content = open()
	put(content, "Id,Title\n"+ids[0]+",a\n"+ids[1]+",b\n"+ids[2]+",c\n")
	g.ask("PATCH", path, `{"state":"UploadComplete"}`)
	if states, last := g.poll(path, 2); states[1] != "Failed" || last.json["errorMessage"] != "InternalServerError" || last.json["numberRecordsProcessed"] != 1.0 {
		t.Errorf("failed job: %s", last.body)
	}
	if left := g.table(path + "/unprocessedrecords"); len(left) != 3 || left[1][0] != ids[1] || left[0][0] != "Id" {
		t.Errorf("unprocessed: %q", left)
	}
	path, content = open()
	put(content, "Id,Title\n"+ids[0]+",never\n")
	g.want(200, g.ask("PATCH", path, `{"state":"Aborted"}`))
	if left := g.table(path + "/unprocessedrecords"); len(left) != 2 {
		t.Errorf("unprocessed of an aborted job: %q", left)
	}
	g.want(400, g.ask("PATCH", path, `{"state":"UploadComplete"}`))
	for promise, text := range map[string]string{"nothing": "", "other line ends": "Id,Title\r\n" + ids[0] + ",x\r\n", "rows of another length": "Id,Title\n" + ids[0] + "\n", "a broken quote": "Id,Title\n" + ids[0] + ",\"x\n"} {
		path, content = open()
		put(content, text)
		g.ask("PATCH", path, `{"state":"UploadComplete"}`)
		if states, last := g.poll(path, 2); states[1] != "Failed" || last.json["errorMessage"] == nil {
			t.Errorf("%s: %s", promise, last.body)
		}
	}
	path, content = open()
	put(content, "Id,Nope__c\n"+ids[0]+",x\n")
	g.ask("PATCH", path, `{"state":"UploadComplete"}`)
	g.poll(path, 2)
	if bad := g.table(path + "/failedResults"); len(bad) != 2 || !strings.HasPrefix(bad[1][1], "INVALID_FIELD:") {
		t.Errorf("an unknown column: %q", bad)
	}
	g.want(204, g.ask("DELETE", path, nil))
	g.want(404, g.ask("GET", path, nil))

	// An assignment rule runs only in jobs that name one.
	rep := g.IDs("User")[4]
	g.AssignLeads(rep)
	for body, want := range map[string]bool{`{"object":"Lead","operation":"update"}`: false, `{"object":"Lead","operation":"update","assignmentRuleId":"01Q5g0000000001AAA"}`: true} {
		path = "/jobs/ingest/" + g.want(200, g.ask("POST", "/jobs/ingest", body)).json["id"].(string)
		put(path+"/batches", "Id,Title\n"+ids[map[bool]int{true: 2, false: 1}[want]]+",x\n")
		g.ask("PATCH", path, `{"state":"UploadComplete"}`)
		g.poll(path, 2)
		if r, _ := g.Record("Lead", ids[map[bool]int{true: 2, false: 1}[want]]); (r["OwnerId"] == rep) != want {
			t.Errorf("%s: assigned %t", body, !want)
		}
	}
	g.want(400, g.ask("POST", "/jobs/ingest", `{"object":"Unicorn","operation":"update"}`))
	g.want(404, g.ask("GET", "/jobs/ingest/7505g00000zzzzz", nil))
}

func TestBulkJobsTakeTheirTime(t *testing.T) {
	g := newOrg(t, SalesforceOptions{BulkTime: 10 * time.Minute})
	id := g.Create("Lead", lead("A"))
	a := g.ask("POST", "/jobs/ingest", `{"object":"Lead","operation":"update","contentType":"CSV"}`)
	path := "/jobs/ingest/" + a.json["id"].(string)
	g.ask("PUT", path+"/batches", "Id,Title\n"+id+",later\n", "Content-Type", "text/csv")
	g.ask("PATCH", path, `{"state":"UploadComplete"}`)
	if states, _ := g.poll(path, 3); !slices.Equal(states, []string{"InProgress", "InProgress", "InProgress"}) {
		t.Errorf("at once: %v", states)
	}
	g.clock.advance(10 * time.Minute)
	if states, _ := g.poll(path, 1); states[0] != "JobComplete" {
		t.Errorf("in time: %v", states)
	}
	if r, _ := g.Record("Lead", id); r["Title"] != "later" || r["SystemModstamp"] != "2026-11-20T08:27:30.000+0000" {
		t.Errorf("got %v", r)
	}
}

func TestBulkQuery(t *testing.T) {
	g := people(t)
	a := g.want(200, g.ask("POST", "/jobs/query", `{"operation":"query","query":"SELECT Id, LastName, Account.Name, HasOptedOutOfEmail FROM Contact ORDER BY LastName"}`))
	path := "/jobs/query/" + a.json["id"].(string)
	g.want(400, g.ask("GET", path+"/results", nil))
	if states, last := g.poll(path, 3); states[2] != "JobComplete" || last.json["numberRecordsProcessed"] != 3.0 {
		t.Errorf("%v %s", states, last.body)
	}
	results := g.want(200, g.ask("GET", path+"/results", nil))
	got, err := csv.NewReader(strings.NewReader(results.body)).ReadAll()
	if err != nil || results.header.Get("Sforce-Locator") != "null" || results.header.Get("Sforce-NumberOfRecords") != "3" {
		t.Fatalf("%v %v", err, results.header)
	}
	got = got[1:]
	ids := g.IDs("Contact")
	want := [][]string{{ids[0], "Eve", "Acme", "false"}, {ids[1], "Fay", "Zeta", "false"}, {ids[2], "Gus", "", "false"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	g.want(400, g.ask("POST", "/jobs/query", `{"operation":"query","query":"SELECT COUNT() FROM Contact"}`))
	g.want(400, g.ask("POST", "/jobs/query", `{"operation":"query","query":"SELECT"}`))
}
