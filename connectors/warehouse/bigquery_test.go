package warehouse

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// standIn behaves like BigQuery's documented wire: a query is a job, its answer is fetched by pages that may be short, values are texts,
// and what a query reads is told and billed. It holds rows by the time they came in and does not read SQL.
type standIn struct {
	t   *testing.T
	url string

	mu      sync.Mutex
	rows    []map[string]string // with "in": microseconds
	jobs    map[string][]map[string]string
	byID    map[string]string // requestId → job
	fail    int
	lost    bool // no job is kept
	running int  // polls until a job is done
	perDay  int64
	until   time.Time // no table holds what comes later
	billed  int64
	plans   int
	tokens  int
	refuse  func(w http.ResponseWriter) bool
	asked   []map[string]any
}

func newStandIn(t *testing.T) *standIn {
	s := &standIn{t: t, jobs: map[string][]map[string]string{}, byID: map[string]string{}, perDay: 1 << 30, until: testNow.AddDate(1, 0, 0)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

var serviceKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, _ := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

// source is the settings of a source that reads from the stand-in.
func (s *standIn) settings() *Config {
	key, _ := json.Marshal(map[string]string{"type": "service_account", "project_id": "shop", "private_key_id": "k1", "private_key": serviceKey(),
		"client_email": "intentd@shop.iam.gserviceaccount.com", "client_id": "1", "token_uri": s.url + "/token"})
	o := Type.Settings().(*Config)
	o.Dialect, o.Project, o.Location, o.URL, o.Key = "bigquery", "shop", "EU", connectors.NewSecret(s.url), connectors.NewSecret(string(key))
	o.Events = "SELECT * FROM `shop.site.events` WHERE loaded >= :from AND loaded < :to"
	return o
}

func (s *standIn) feed(t *testing.T, o *Config, h connectors.Host) *Feed {
	t.Helper()
	connectortest.NoProblem(t, o)
	h.Name = "lake"
	f, err := o.openFeed(h)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/token" {
		s.tokens++
		_ = r.ParseForm()
		if r.Form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || strings.Count(r.Form.Get("assertion"), ".") != 2 {
			s.t.Errorf("asked for a token with %v", r.Form)
		}
		reply(w, 200, map[string]any{"access_token": "t1", "expires_in": 3599, "token_type": "Bearer"})
		return
	}
	if r.Header.Get("Authorization") != "Bearer t1" {
		refuse(w, 401, "authError", "Invalid Credentials")
		return
	}
	if s.refuse != nil && s.refuse(w) {
		return
	}
	if s.fail > 0 {
		s.fail--
		refuse(w, 400, "backendError", "Retrying may solve the problem") // no attempt of its own follows: the test has no time to wait
		return
	}
	const path = "/bigquery/v2/projects/shop/queries"
	switch {
	case r.Method == "POST" && r.URL.Path == path:
		s.run(w, r)
	case r.Method == "GET" && strings.HasPrefix(r.URL.Path, path+"/"):
		s.results(w, r, strings.TrimPrefix(r.URL.Path, path+"/"))
	default:
		refuse(w, 404, "notFound", "Not found: "+r.URL.Path)
	}
}

func (s *standIn) run(w http.ResponseWriter, r *http.Request) {
	var q map[string]any
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		s.t.Error(err)
	}
	s.asked = append(s.asked, q)
	at := map[string]time.Time{}
	for _, p := range q["queryParameters"].([]any) {
		p := p.(map[string]any)
		value := p["parameterValue"].(map[string]any)["value"].(string)
		t, err := time.Parse("2006-01-02 15:04:05.999999-07:00", value)
		if err != nil || p["parameterType"].(map[string]any)["type"] != "TIMESTAMP" {
			refuse(w, 400, "invalid", "Invalid value: "+value)
			return
		}
		at[p["name"].(string)] = t
	}
	if strings.Contains(q["query"].(string), "nowhere") {
		refuse(w, 404, "notFound", "Not found: Table shop:site.nowhere was not found in location EU")
		return
	}
	if q["useLegacySql"] != false || q["parameterMode"] != "NAMED" || q["location"] != "EU" || strings.Contains(q["query"].(string), ":from") {
		s.t.Errorf("asked by %v", q)
	}
	reads := s.tables(at["from"], at["to"])*s.perDay + s.touched(at["from"], at["to"])
	schema := map[string]any{"fields": s.fields()}
	if q["dryRun"] == true {
		s.plans++
		reply(w, 200, map[string]any{"jobReference": map[string]any{"projectId": "shop", "location": "EU"}, "schema": schema, "totalBytesProcessed": strconv.FormatInt(reads, 10), "jobComplete": true})
		return
	}
	if most, _ := strconv.ParseInt(fmt.Sprint(q["maximumBytesBilled"]), 10, 64); q["maximumBytesBilled"] != nil && reads > most {
		refuse(w, 400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed")
		return
	}
	id, _ := q["requestId"].(string)
	job, again := s.byID[id]
	if !again {
		s.billed += reads
		job = fmt.Sprintf("job_%d", len(s.byID))
		s.byID[id] = job
		var rows []map[string]string
		for _, row := range s.rows {
			n, _ := strconv.ParseInt(row["in"], 10, 64)
			if in := time.UnixMicro(n); !in.Before(at["from"]) && in.Before(at["to"]) {
				rows = append(rows, row)
			}
		}
		s.jobs[job] = rows
	}
	reply(w, 200, map[string]any{"jobReference": map[string]any{"projectId": "shop", "jobId": job, "location": "EU"}, "jobComplete": false})
}

// tables is how many tables or partitions of a day, until today, a window touches: each is paid for whole.
func (s *standIn) tables(from, to time.Time) (n int64) {
	for day := from.Truncate(24 * time.Hour); day.Before(to) && day.Before(s.until); day = day.Add(24 * time.Hour) {
		n++
	}
	return n
}

// touched is how many rows those tables hold, a byte each.
func (s *standIn) touched(from, to time.Time) (n int64) {
	for _, row := range s.rows {
		us, _ := strconv.ParseInt(row["in"], 10, 64)
		if in := time.UnixMicro(us); !in.Before(from.Truncate(24*time.Hour)) && in.Before(to) {
			n++
		}
	}
	return n
}

var standInColumns = []string{"EVENT_ID", "time", "kind", "email", "user_id", "anonymous_id", "url", "page_title", "properties"}

func (s *standIn) fields() (fields []map[string]string) {
	for _, c := range standInColumns {
		kind := "STRING"
		if c == "time" {
			kind = "TIMESTAMP"
		}
		fields = append(fields, map[string]string{"name": c, "type": kind, "mode": "NULLABLE"})
	}
	return fields
}

func (s *standIn) results(w http.ResponseWriter, r *http.Request, job string) {
	rows, kept := s.jobs[job]
	if !kept || s.lost {
		refuse(w, 404, "notFound", "Not found: Job shop:EU."+job)
		return
	}
	if r.URL.Query().Get("location") != "EU" || r.URL.Query().Get("formatOptions.useInt64Timestamp") != "true" {
		s.t.Errorf("fetched with %v", r.URL.Query())
	}
	if s.running > 0 {
		s.running--
		reply(w, 200, map[string]any{"jobReference": map[string]any{"jobId": job, "location": "EU"}, "jobComplete": false})
		return
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("pageToken"))
	most, _ := strconv.Atoi(r.URL.Query().Get("maxResults"))
	most = max(1, min(most, 7)) // pages are bounded by size, too
	answer := map[string]any{"jobReference": map[string]any{"jobId": job, "location": "EU"}, "jobComplete": true, "schema": map[string]any{"fields": s.fields()}, "totalRows": strconv.Itoa(len(rows))}
	var out []any
	for _, row := range rows[from:min(from+most, len(rows))] {
		var cells []any
		for _, c := range standInColumns {
			v := any(row[strings.ToLower(c)])
			if v == "" {
				v = nil
			}
			cells = append(cells, map[string]any{"v": v})
		}
		out = append(out, map[string]any{"f": cells})
	}
	if out != nil {
		answer["rows"] = out
	}
	if from+most < len(rows) {
		answer["pageToken"] = strconv.Itoa(from + most)
	}
	reply(w, 200, answer)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, reason, message string) {
	reply(w, status, map[string]any{"error": map[string]any{"code": status, "message": message, "errors": []any{map[string]any{"message": message, "domain": "global", "reason": reason}}}})
}

func (s *standIn) add(in time.Time, events ...connectors.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		props := ""
		if len(e.Properties) > 0 {
			b, _ := json.Marshal(e.Properties)
			props = string(b)
		}
		s.rows = append(s.rows, map[string]string{"event_id": e.ID, "time": strconv.FormatInt(e.Time.UnixMicro(), 10), "kind": e.Kind, "email": e.Email, "user_id": e.UserID,
			"anonymous_id": e.AnonymousID, "url": e.URL, "page_title": e.PageTitle, "properties": props, "in": strconv.FormatInt(in.UnixMicro(), 10)})
	}
}

func TestBigQueryIsAFeed(t *testing.T) {
	connectortest.Feed(t, func(t *testing.T) connectortest.FeedHarness {
		s := newStandIn(t)
		clock := testNow
		now := func() time.Time { return clock }
		open := func(t *testing.T) connectors.Feed {
			o := s.settings()
			o.DailyBytes = 1e12
			return s.feed(t, o, connectors.Host{Now: now})
		}
		return connectortest.FeedHarness{
			Feed: open(t), Now: testNow, Reopen: open, Page: 100, Lookback: true,
			Add: func(t *testing.T, events ...connectors.Event) {
				s.add(clock, events...)
				clock = clock.Add(time.Minute)
			},
			Fail: func(n int) { s.mu.Lock(); s.fail = n; s.mu.Unlock() },
		}
	})
}

// ledger counts for the day, as the host's does.
type ledger map[string]int64

func (l ledger) DailyCalls(connector, day string) int64  { return l[connector+day] }
func (l ledger) AddCalls(connector, day string, n int64) { l[connector+day] += n }
func (l ledger) SetExhausted(string, time.Time)          {}
func (l ledger) ExhaustedUntil(string) (t time.Time)     { return t }

// takeAll takes pages until the feed has no more, and stores no page twice.
func takeAll(t *testing.T, f *Feed, from connectors.Cursor) (ids []string, next connectors.Cursor, err error) {
	t.Helper()
	for range 1000 {
		page, err := f.Take(t.Context(), from)
		if err != nil {
			return ids, from, err
		}
		for _, e := range page.Items {
			ids = append(ids, e.ID)
		}
		if from = page.Next; !page.More {
			return ids, from, nil
		}
	}
	t.Fatal("the feed does not come to an end")
	return nil, nil, nil
}

// What a first pass reads is at most twice the window, where each table of a day is paid for whole: for windows of a week, and of a day
// because a week is more than a day allows, of partitions by our days and of tables by the days of a zone.
func TestAFirstPassReadsLittleMoreThanTheWindow(t *testing.T) {
	own := func(*Config) {}
	tables := map[string]func(*Config){"an own query": own}
	for _, name := range presetNames() {
		if preset(name, "bigquery", "events", "site") != "" {
			tables[name] = func(o *Config) { o.Events, o.Preset, o.Schema = "", name, "site" }
		}
	}
	for name, change := range tables {
		t.Run(name+" by weeks", func(t *testing.T) { firstPassReadsLittle(t, change) })
		t.Run(name+" by days", func(t *testing.T) {
			firstPassReadsLittle(t, func(o *Config) { change(o); o.DailyBytes = 3 << 30 })
		})
	}
}

func firstPassReadsLittle(t *testing.T, change func(*Config)) {
	s := newStandIn(t)
	clock := testNow
	s.until = testNow.Add(24 * time.Hour)
	o := s.settings()
	change(o)
	f := s.feed(t, o, connectors.Host{Now: func() time.Time { return clock }, Ledger: ledger{}})
	for d := range 90 {
		s.add(testNow.Add(-time.Duration(d)*24*time.Hour-time.Hour), connectors.Event{ID: fmt.Sprint("e", d), Time: testNow, Kind: "page_view", AnonymousID: "a"})
	}
	seen := map[string]bool{}
	var at connectors.Cursor
	for range 100 {
		ids, next, err := takeAll(t, f, at)
		for _, id := range ids {
			seen[id] = true
		}
		if at = next; err == nil {
			break
		}
		if connectors.KindOf(err) != connectors.Quota {
			t.Fatal(err)
		}
		clock = connectors.Until(err)
	}
	if len(seen) != 90 {
		t.Fatalf("took %d of 90 events", len(seen))
	}
	if window := 90 * s.perDay; s.billed > 2*window {
		t.Errorf("a first pass read %d bytes of a window of %d", s.billed, window)
	}
	t.Logf("a first pass read %.2f times the window", float64(s.billed)/float64(90*s.perDay))
}

// Tables that are as large as they were are not read again with each pass: an export that comes once a day is paid for once. What changed them is
// found, and so is what came in between and was not counted yet; once a day what is rewritten is read in any case.
func TestTablesThatDidNotChangeAreNotReadAgain(t *testing.T) {
	s := newStandIn(t)
	clock := testNow.Truncate(24 * time.Hour).Add(time.Hour)
	o := s.settings()
	o.Back, o.Reread = 48*time.Hour, 72*time.Hour
	f := s.feed(t, o, connectors.Host{Now: func() time.Time { return clock }})
	_, at, err := takeAll(t, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := s.billed
	pass := func() (ids []string) {
		clock = clock.Add(time.Hour)
		if ids, at, err = takeAll(t, f, at); err != nil {
			t.Fatal(err)
		}
		return ids
	}
	pass() // the first of one day's tables alone
	before := s.billed
	for range 10 {
		pass()
	}
	if s.billed != before {
		t.Errorf("ten passes over tables that did not change read %d bytes", s.billed-before)
	}
	s.add(clock.Add(-5*time.Hour), connectors.Event{ID: "late", Time: clock, Kind: "page_view", AnonymousID: "a"}) // was in the buffer until now
	if ids := pass(); !slices.Equal(ids, []string{"late"}) {
		t.Errorf("took %v", ids)
	}
	before = s.billed
	for range 24 {
		pass()
	}
	if days := (s.billed - before) / s.perDay; days < 4 || days > 8 {
		t.Errorf("a day without anything new read %d days' tables (%d at first)", days, first/s.perDay)
	}
}

func TestTheDaysBytesAreABound(t *testing.T) {
	s := newStandIn(t) // a day's rows are 1 GiB, a week's 7
	clock := testNow
	for d := range 20 {
		s.add(testNow.Add(-time.Duration(d)*24*time.Hour-time.Hour), connectors.Event{ID: fmt.Sprint("e", d), Time: testNow, Kind: "page_view", AnonymousID: "a"})
	}
	o := s.settings()
	o.Back, o.DailyBytes = 20*24*time.Hour, 5e9 // less than a week: it goes by days
	f := s.feed(t, o, connectors.Host{Now: func() time.Time { return clock }, Ledger: ledger{}})
	var seen []string
	var at connectors.Cursor
	days := 0
	for ; days < 30; days++ {
		before := s.billed
		var ids []string
		var err error
		ids, at, err = takeAll(t, f, at)
		seen = append(seen, ids...)
		if read := s.billed - before; read > 5e9 {
			t.Fatalf("read %d bytes on one day", read)
		}
		if err == nil {
			break
		}
		if connectors.KindOf(err) != connectors.Quota || !strings.Contains(err.Error(), "daily_bytes") {
			t.Fatal(err)
		}
		until := connectors.Until(err)
		if want := clock.Truncate(24 * time.Hour).Add(24 * time.Hour); !until.Equal(want) {
			t.Fatalf("goes on %v, want %v", until, want)
		}
		clock = until
	}
	slices.Sort(seen)
	if n := len(slices.Compact(seen)); n != 20 || days < 4 || days > 7 {
		t.Errorf("took %d of 20 events in %d days", n, days+1)
	}
	if used := f.Report().Used; !strings.HasSuffix(used, " GB of 5.0 GB") {
		t.Errorf("used %q", used)
	}
	o.DailyBytes = 1e9
	s.perDay = 3e9
	f = s.feed(t, o, connectors.Host{Now: func() time.Time { return clock }, Ledger: ledger{}})
	if _, err := f.Take(t.Context(), nil); connectors.KindOf(err) != connectors.Config || !strings.Contains(err.Error(), "daily_bytes") {
		t.Errorf("a day that no day allows: %v", err)
	}
}

// A kill behind the query and before its answer is stored pays once; an answer that is no longer kept is asked for again with the next poll.
func TestAQueryIsPaidOnce(t *testing.T) {
	s := newStandIn(t)
	s.running = 3
	for i := range 30 {
		s.add(testNow.Add(-time.Hour), connectors.Event{ID: fmt.Sprint("e", i), Time: testNow, Kind: "page_view", AnonymousID: "a"})
	}
	o := s.settings()
	o.Back = 24 * time.Hour
	f := s.feed(t, o, connectors.Host{Now: func() time.Time { return testNow }})
	var page connectors.Page[connectors.Event]
	for range 3 { // the cursor of the first two is lost
		var err error
		if page, err = f.Take(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if s.billed/s.perDay != 2 || len(s.byID) != 1 {
		t.Errorf("billed %d bytes by %d jobs, want %d by one", s.billed, len(s.byID), 2*s.perDay)
	}
	page, err := f.Take(t.Context(), page.Next)
	if err != nil || len(page.Items) == 0 || !page.More {
		t.Fatal(page, err)
	}
	s.lost = true
	page, err = f.Take(t.Context(), page.Next)
	if err != nil || page.More || len(page.Items) > 0 {
		t.Fatalf("an answer that was lost: %v, %v; want a page that waits for the next poll", page, err)
	}
	s.lost, s.byID = false, map[string]string{}
	if ids, _, err := takeAll(t, f, page.Next); err != nil || len(ids) != 30 {
		t.Errorf("took %d of 30 events: %v", len(ids), err)
	}
}

func TestWhatBigQueryRefusesIsToldByKind(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		reason  string
		message string
		kind    connectors.Kind
		fix     string
	}{
		"a role is missing": {403, "accessDenied", "Access Denied: Project shop: User does not have bigquery.jobs.create permission", connectors.Auth, "BigQuery Job User"},
		"no such table":     {404, "notFound", "Not found: Table shop:site.events", connectors.Config, ""},
		"wrong query":       {400, "invalidQuery", "Unrecognized name: loaded at [1:30]", connectors.Config, ""},
		"the admin's quota": {403, "quotaExceeded", "Custom quota exceeded: Your usage exceeded the custom quota for QueryUsagePerDay", connectors.Quota, ""},
		"billed bytes":      {400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed", connectors.Quota, ""},
		"an old project":    {403, "billingNotEnabled", "Billing has not been enabled for this project", connectors.Config, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t)
			s.refuse = func(w http.ResponseWriter) bool { refuse(w, c.status, c.reason, c.message); return true }
			_, err := s.feed(t, s.settings(), connectors.Host{}).Take(t.Context(), nil)
			if connectors.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.message) || !strings.Contains(fmt.Sprint(err), c.fix) {
				t.Errorf("got %v of kind %v, want %v with the vendor's words and %q", err, connectors.KindOf(err), c.kind, c.fix)
			}
		})
	}
}

func TestDoctorTellsWhatADayReads(t *testing.T) {
	s := newStandIn(t)
	now := func() time.Time { return testNow }
	found := s.feed(t, s.settings(), connectors.Host{Now: now, Poll: time.Hour}).Probe(t.Context())
	if len(found) != 1 || found[0].Severity != connectors.OK || !strings.Contains(found[0].Message, "24 passes a day read at most 25.8 GB; the first pass 97.7 GB for 90 days") || s.billed != 0 {
		t.Errorf("found %+v, billed %d", found, s.billed)
	}
	o := s.settings()
	o.DailyBytes = 20e9
	if found = s.feed(t, o, connectors.Host{Now: now, Poll: time.Hour}).Probe(t.Context()); len(found) != 1 || found[0].Code != "warehouse.cost" || found[0].Severity != connectors.Warning {
		t.Errorf("a day that is dearer than allowed: %+v", found)
	}
	o.Events = "SELECT * FROM nowhere WHERE x > :from"
	if found = s.feed(t, o, connectors.Host{}).Probe(t.Context()); len(found) != 1 || found[0].Severity != connectors.Failure || !strings.Contains(found[0].Message, "nowhere") {
		t.Errorf("found %+v", found)
	}
}

func TestTheGA4PresetAsksForItsDatasetsTables(t *testing.T) {
	s := newStandIn(t)
	o := s.settings()
	o.Events, o.Preset, o.Schema, o.Back = "", "ga4", "analytics_1", 24*time.Hour
	f := s.feed(t, o, connectors.Host{Now: func() time.Time { return testNow }})
	if _, _, err := takeAll(t, f, nil); err != nil {
		t.Fatal(err)
	}
	q := s.asked[0]["query"].(string)
	if !strings.Contains(q, "FROM `analytics_1.events_*`") || strings.Count(q, "@from") != 2 || f.windows.reread != 72*time.Hour {
		t.Errorf("asked\n%s\nreread %v", q, f.windows.reread)
	}
	for _, column := range []string{"event_id", "time", "kind", "user_id", "anonymous_id", "session_id", "url", "page_title", "referrer", "form", "consent", "properties"} {
		if !strings.Contains(q, " AS "+column) && !strings.Contains(q, "\n  "+column+",") {
			t.Errorf("the preset has no column %s", column)
		}
	}
}
