package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// org is a sandbox org under a standing clock with a client that asks it without sockets.
type org struct {
	*Salesforce
	t     testing.TB
	clock *clock
	http  *http.Client
	token string
}

const myDomain = "https://sandbox.my.salesforce.com"

func newOrg(t testing.TB, o SalesforceOptions) *org {
	t.Helper()
	c := &clock{time.Date(2026, 11, 20, 8, 17, 30, 250e6, time.UTC)}
	if o.Now == nil {
		o.Now = c.now
	}
	s := NewSalesforce(o)
	g := &org{s, t, c, &http.Client{Transport: s.Transport()}, ""}
	g.signIn()
	return g
}

// signIn fetches a new access token.
func (g *org) signIn() {
	g.t.Helper()
	g.token = g.want(200, g.grants(myDomain, url.Values{"grant_type": {"client_credentials"}, "client_id": {"sandbox-client"}, "client_secret": {"sandbox-secret"}})).json["access_token"].(string)
}

func (g *org) grants(host string, form url.Values) answer {
	g.t.Helper()
	q, err := http.NewRequest("POST", host+"/services/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		g.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return g.send(q)
}

const v67 = "/services/data/v67.0"

// ask sends a request; headers are pairs of name and value.
func (g *org) ask(method, path string, body any, headers ...string) answer {
	g.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			g.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	if !strings.HasPrefix(path, "/services") {
		path = v67 + path
	}
	q, err := http.NewRequest(method, myDomain+path, r)
	if err != nil {
		g.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+g.token)
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	return g.send(q)
}

func (g *org) send(q *http.Request) answer {
	g.t.Helper()
	res, err := g.http.Do(q)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(raw)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if len(raw) > 0 && !json.Valid(raw) {
			g.t.Fatalf("%s %s answered broken JSON: %s", q.Method, q.URL, raw)
		}
		if len(raw) > 0 && raw[0] == '{' {
			_ = json.Unmarshal(raw, &a.json)
		}
	}
	return a
}

func (g *org) want(status int, a answer) answer {
	g.t.Helper()
	if a.status != status {
		g.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

func (g *org) soql(q string, headers ...string) answer {
	g.t.Helper()
	return g.ask("GET", "/query?q="+url.QueryEscape(q), nil, headers...)
}

// list is an answer that is a JSON array of objects.
func (a answer) list(t testing.TB) []map[string]any {
	t.Helper()
	var l []map[string]any
	if err := json.Unmarshal([]byte(a.body), &l); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return l
}

// code is the errorCode of a request error.
func (a answer) code() string {
	var l []struct{ ErrorCode string }
	if json.Unmarshal([]byte(a.body), &l) != nil || len(l) == 0 {
		return ""
	}
	return l[0].ErrorCode
}

// column is one field of all records of a query's page.
func column(a answer, name string) []string {
	var out []string
	records, _ := a.json["records"].([]any)
	for _, r := range records {
		v := at(r, name)
		if s, ok := v.(string); ok {
			out = append(out, s)
			continue
		}
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// statuses are the outcome of each row of a collection: its code, or "ok".
func statuses(t testing.TB, a answer) []string {
	var out []string
	for _, r := range a.list(t) {
		if r["success"] == true {
			out = append(out, "ok")
			continue
		}
		out = append(out, at(r, "errors", 0, "statusCode").(string))
	}
	return out
}

func lead(last string, more ...string) map[string]string {
	m := map[string]string{"LastName": last, "Company": "Example"}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return m
}

// row is a record of a collection; pairs are names and values.
func row(object, id string, pairs ...any) map[string]any {
	m := map[string]any{"attributes": map[string]any{"type": object}}
	if id != "" {
		m["id"] = id
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

func records(rows ...map[string]any) map[string]any { return map[string]any{"records": rows} }

func TestSalesforceIDs(t *testing.T) {
	for short, long := range map[string]string{"001D000000IRFma": "001D000000IRFmaIAH", "000000000000000": "000000000000000AAA", "ZZZZZZZZZZZZZZZ": "ZZZZZZZZZZZZZZZ555", "abcdeABCDE12345": "abcdeABCDE12345A5A"} {
		for _, given := range []string{short, long} {
			if got, ok := longID(given); !ok || got != long {
				t.Errorf("longID(%s) = %s, %t, want %s", given, got, ok, long)
			}
		}
	}
	for _, bad := range []string{"", "001", "001D000000IRFm", "001D000000IRFmaI", "001D000000IRFmaIA", "001D000000IRFmaIAH1", "001D000000IRF-a", "001D000000IRFma999", "0010000000IRFmaIAH"} {
		if got, ok := longID(bad); ok {
			t.Errorf("longID(%q) = %s, want none", bad, got)
		}
	}
	before := ""
	for n := range uint64(5000) {
		id := orgID("00Q", firstNumber+n*7)
		if long, ok := longID(id); !ok || long != id {
			t.Fatalf("%s comes back as %s", id, long)
		}
		if id <= before {
			t.Fatalf("%s follows %s", id, before)
		}
		before = id
	}
}

func FuzzSalesforceIDs(f *testing.F) {
	f.Add("001D000000IRFmaIAH")
	f.Add("001D000000IRFma")
	f.Fuzz(func(t *testing.T, s string) {
		long, ok := longID(s)
		if !ok {
			return
		}
		if again, ok := longID(long); !ok || again != long {
			t.Errorf("%q, %q, %q", s, long, again)
		}
		if short, ok := longID(long[:15]); !ok || short != long {
			t.Errorf("%q is not the long form of its own short one, %q", long, short)
		}
	})
}

func TestSalesforceVersionsAndPaths(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	for path, want := range map[string]int{
		"/services/data": 200, "/services/data/v67.0": 404, "/services/data/v31.0/limits": 200, "/services/data/v30.0/limits": 410, "/services/data/v20.0": 410,
		"/services/data/v68.0/limits": 404, "/services/data/vx/limits": 404, "/services/none": 404, "/services/data/v67.0/nothing": 404, "/services/data/v67.0/sobjects/Unicorn/describe": 404,
		"/services/data/v67.0/sobjects": 404, "/services/data/v67.0/sobjects/Lead": 405, "/services/data/v67.0/sobjects/lead/describe": 200, "/services/data/v67.0/sobjects/CustomField/describe": 404,
		"/services/data/v67.0/query?q=" + strings.Repeat("x", 17000): 414, "/services/data/v67.0/query": 400,
	} {
		if a := g.ask("GET", path, nil); a.status != want {
			t.Errorf("%.60s: %d, want %d: %s", path, a.status, want, a.body)
		}
	}
	if a := g.ask("GET", "/services/data/v30.0/limits", nil); a.code() != "UNSUPPORTED_API_VERSION" {
		t.Errorf("a retired version answers %s", a.body)
	}
	g.want(405, g.ask("DELETE", "/query", nil))
	g.want(405, g.ask("GET", "/composite/sobjects", nil))
	g.want(415, g.ask("PATCH", "/composite/sobjects", "{}", "Content-Type", "text/plain"))
}

func TestSalesforceRoutesAreCountedByName(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	id := g.Create("Lead", lead("A"))
	g.ask("GET", "/sobjects/Lead/"+id, nil)
	g.ask("GET", "/sobjects/Lead/"+id[:15], nil)
	g.ask("GET", "/sobjects/Lead/updated?start=x&end=y", nil)
	g.ask("GET", "/query/01g5g0000000001AAA-2000", nil)
	g.ask("PATCH", "/composite/sobjects", records())
	g.ask("GET", "/jobs/ingest/7505g0000000001AAA/failedResults", nil)
	g.ask("GET", "/tooling/query?q=x", nil)
	g.ask("GET", "/sobjects/Nonsense/x", nil)
	got := slices.Sorted(maps.Keys(g.Counters().Routes))
	want := []string{"GET jobs/ingest/{id}/failedResults", "GET query/{locator}", "GET sobjects/Lead/updated", "GET sobjects/Lead/{id}", "GET sobjects/{object}/{id}", "GET tooling/query", "PATCH composite/sobjects", "POST oauth2/token"}
	if !slices.Equal(got, want) {
		t.Errorf("routes %q, want %q", got, want)
	}
}

func TestSalesforceRecordsHaveOneSecondStamps(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	a := g.Create("Lead", lead("A", "Email", "A@Example.com", "Title", "  padded  "))
	g.clock.advance(700 * time.Millisecond)
	b := g.Create("Lead", lead("B"))
	g.clock.advance(400 * time.Millisecond)
	c := g.Create("Lead", lead("C"))
	stamp := func(id string) string { r, _ := g.Record("Lead", id); return r["SystemModstamp"] }
	if stamp(a) != "2026-11-20T08:17:30.000+0000" || stamp(a) != stamp(b) || stamp(c) != "2026-11-20T08:17:31.000+0000" {
		t.Errorf("stamps %s, %s, %s", stamp(a), stamp(b), stamp(c))
	}
	r, _ := g.Record("Lead", a)
	if r["Title"] != "padded" || r["Name"] != "A" || r["Status"] != "Open - Not Contacted" || r["OwnerId"] == "" {
		t.Errorf("got %v", r)
	}
	g.clock.advance(time.Hour)
	rep := g.IDs("User")[3]
	if err := g.Update("Lead", a[:15], map[string]string{"Title": "Buyer"}, rep); err != nil {
		t.Fatal(err)
	}
	if r, _ = g.Record("Lead", a); r["LastModifiedById"] != rep || r["CreatedDate"] == r["LastModifiedDate"] || r["SystemModstamp"] != r["LastModifiedDate"] {
		t.Errorf("after an update: %v", r)
	}
	// An activity moves the stamp of whom it is about, but is no modification.
	g.clock.advance(time.Hour)
	before := r
	g.Create("Task", map[string]string{"WhoId": a, "Subject": "Call", "ActivityDate": "2026-11-20"})
	if r, _ = g.Record("Lead", a); r["SystemModstamp"] == before["SystemModstamp"] || r["LastModifiedDate"] != before["LastModifiedDate"] || r["LastActivityDate"] != "2026-11-20" {
		t.Errorf("after a task: %v", r)
	}
	if err := g.Update("Lead", "00Q5g0000000001AAA", nil, ""); err == nil {
		t.Error("a record that is not there was updated")
	}
}

func TestSalesforceConcurrentUse(t *testing.T) {
	g := newOrg(t, SalesforceOptions{Unlimited: true})
	g.Populate(200, 1)
	leads := g.IDs("Lead")
	var wg sync.WaitGroup
	const workers, rounds = 8, 20
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				if a := g.ask("PATCH", "/composite/sobjects", records(row("Lead", leads[w], "Title", fmt.Sprint(i)))); a.status != 200 {
					t.Errorf("%d %s", a.status, a.body)
				}
				g.soql("SELECT Id, Name, Owner.Name FROM Lead WHERE Email != null ORDER BY SystemModstamp, Id LIMIT 20")
				g.ask("GET", "/sobjects/Lead/describe", nil)
				if err := g.Update("Lead", leads[20+w], map[string]string{"Title": fmt.Sprint(i)}, ""); err != nil {
					t.Error(err)
				}
				g.Counters()
				g.Calls()
			}
		})
	}
	wg.Wait()
	if c := g.Counters(); c.Patches != workers*rounds || c.Patched != workers || g.Writes("Lead")[leads[0]] != rounds {
		t.Errorf("%d patches of %d records", c.Patches, c.Patched)
	}
}

func TestSalesforcePopulateIsBelievableAndRepeatable(t *testing.T) {
	make := func(seed uint64) *org {
		g := newOrg(t, SalesforceOptions{})
		g.Populate(600, seed)
		return g
	}
	a, b, c := make(1), make(1), make(2)
	for _, object := range []string{"Lead", "Contact", "Account", "Task", "CampaignMember", "Opportunity", "OpportunityContactRole"} {
		x := a.Content(object)
		if len(x) == 0 {
			t.Errorf("no %s", object)
		}
		if !maps.EqualFunc(x, b.Content(object), maps.Equal) {
			t.Errorf("%s differ under equal seeds", object)
		}
		if maps.EqualFunc(x, c.Content(object), maps.Equal) {
			t.Errorf("%s are equal under other seeds", object)
		}
	}
	for id, f := range a.Content("Lead", "Email", "SystemModstamp") {
		if !strings.HasSuffix(f["Email"], ".example") || f["SystemModstamp"] > "2026-11-20T08:17:31" {
			t.Errorf("%s: %v", id, f)
		}
	}
}

func FuzzSalesforceRequests(f *testing.F) {
	for _, s := range [][3]string{
		{"GET", "/query?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+(Name+LIKE+'a%25'+OR+Id+IN+('003'))+ORDER+BY+Name+DESC+LIMIT+5", ""},
		{"GET", "/queryAll?q=SELECT+COUNT()+FROM+Lead+WHERE+IsDeleted=true", ""}, {"GET", "/query/01g5g00000GZeYAAW-5", ""},
		{"PATCH", "/composite/sobjects", `{"allOrNone":true,"records":[{"attributes":{"type":"Lead"},"id":"00Q5g00000004JkAAI","Title":"x","X__c":1.5}]}`},
		{"POST", "/composite/sobjects", `{"records":[{"LastName":"a","Company":"b","attributes":{"type":"Lead"}}]}`},
		{"POST", "/composite/sobjects/Lead", `{"ids":["00Q5g00000004JkAAI"],"fields":["Name","Owner.Name"]}`}, {"GET", "/composite/sobjects/Lead?ids=1&fields=Id", ""},
		{"DELETE", "/composite/sobjects?ids=00Q5g00000004JkAAI&allOrNone=true", ""}, {"GET", "/sobjects/Lead/updated?start=2026-11-19T00:00:00Z&end=2026-11-20T00:00:00Z", ""},
		{"GET", "/sobjects/Lead/deleted/?start=2026-11-19T00:00:00Z&end=2026-11-20T00:00:00%2b00:00", ""}, {"POST", "/sobjects/PermissionSet", `{"Name":"a","Label":"a"}`},
		{"POST", "/sobjects/FieldPermissions", `{"ParentId":"0PS5g00000004JkAAI","SobjectType":"Lead","Field":"Lead.X__c","PermissionsRead":true}`},
		{"POST", "/tooling/sobjects/CustomField", `{"FullName":"Lead.Y__c","Metadata":{"label":"Y","type":"Picklist","valueSet":{"restricted":true,"valueSetDefinition":{"value":[{"fullName":"a","label":"A"}]}}}}`},
		{"GET", "/tooling/query?q=SELECT+Id,Metadata+FROM+CustomField+LIMIT+1", ""}, {"POST", "/jobs/ingest", `{"object":"Lead","operation":"update","contentType":"CSV","lineEnding":"LF"}`},
		{"PUT", "/jobs/ingest/7505g00000004JkAAI/batches", "Id,Title\n1,2\n"}, {"PATCH", "/jobs/ingest/7505g00000004JkAAI", `{"state":"UploadComplete"}`},
		{"POST", "/jobs/query", `{"operation":"query","query":"SELECT Id FROM Lead"}`}, {"GET", "/limits", ""}, {"GET", "/sobjects/Lead/describe", ""}, {"GET", "/\xff\xfe", ""},
	} {
		f.Add(s[0], s[1], s[2])
	}
	g := newOrg(f, SalesforceOptions{Unlimited: true, SessionTTL: 1 << 62, WriteTime: time.Nanosecond})
	g.Populate(60, 3)
	if err := g.Define("Lead.X__c", `{"label":"X","type":"Number","precision":5,"scale":2}`); err != nil {
		f.Fatal(err)
	}
	if err := g.Grant("Lead.X__c"); err != nil {
		f.Fatal(err)
	}
	g.BlockDuplicates(true)
	g.AddRule(SalesforceRule{"Lead", "Rating", "Cold", "no"})
	f.Fuzz(func(t *testing.T, method, uri, body string) {
		path, query, _ := strings.Cut(uri, "?")
		for _, kind := range []string{"application/json", "text/csv"} {
			q := &request{method: method, path: v67 + path, query: query, body: []byte(body), header: http.Header{"Authorization": {"Bearer " + g.token}, "Content-Type": {kind}}}
			g.clock.advance(time.Second)
			g.mu.Lock()
			g.begin(q)
			rep := g.answer(q)
			g.end(q)
			g.route(q)
			held := len(g.underWay)
			g.mu.Unlock()
			if rep.status < 200 || rep.status > 499 {
				t.Fatalf("status %d", rep.status)
			}
			if rep.header.Get("Content-Type") == "" && len(rep.body) > 0 && !json.Valid(rep.body) {
				t.Fatalf("broken answer %q", rep.body)
			}
			if held > 0 {
				t.Fatalf("%d locks are left", held)
			}
		}
	})
}
