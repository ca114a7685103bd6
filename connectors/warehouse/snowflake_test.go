package warehouse

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// flake behaves like Snowflake's SQL API as it is documented: a statement is submitted under an id and runs once however often it is sent, answers
// 202 while it runs, and is fetched by partitions of its own size, gzipped, of which the first alone tells the columns. Every value is a text:
// times are seconds since 1970, those of a zone with an offset behind them. It does not read SQL: it holds rows by the time they came in.
type flake struct {
	t   *testing.T
	url string
	now func() time.Time
	key *rsa.PublicKey

	mu        sync.Mutex
	rows      []map[string]string
	answers   map[string][]map[string]string // by handle
	begun     map[string]time.Time
	byID      map[string]string // requestId → handle
	running   int               // answers 202 until there are rows
	took      time.Duration     // of every query
	ran       int               // queries that kept the warehouse awake
	shown     int               // SHOW WAREHOUSES
	cancelled []string
	asked     []snowflakeAsk
	refused   int // calls that are refused for now
	refuse    func(w http.ResponseWriter, r *http.Request) bool
	suspend   string
	size      string
	tokens    map[string]bool
}

func newFlake(t *testing.T, now func() time.Time) *flake {
	block, _ := pem.Decode([]byte(serviceKey()))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	f := &flake{t: t, now: now, key: &key.(*rsa.PrivateKey).PublicKey, answers: map[string][]map[string]string{}, begun: map[string]time.Time{}, byID: map[string]string{},
		took: 2 * time.Second, suspend: "60", size: "X-Small", tokens: map[string]bool{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *flake) settings() *Config {
	o := Type.Settings().(*Config)
	o.Dialect, o.Account, o.User, o.Warehouse, o.URL, o.Key = "snowflake", "acme-prod.eu-central-1", "reader", "load_wh", connectors.NewSecret(f.url), connectors.NewSecret(serviceKey())
	o.Events = "SELECT * FROM shop.site.events WHERE loaded >= :from AND loaded < :to"
	return o
}

func (f *flake) feed(t *testing.T, o *Config, h connectors.Host) *Feed {
	t.Helper()
	connectortest.NoProblem(t, o)
	h.Name, h.Now = "flake", f.now
	feed, err := o.openFeed(h)
	if err != nil {
		t.Fatal(err)
	}
	return feed
}

// signedIn checks the token as Snowflake does: who signed it, with which key, and that it lives no longer than an hour.
func (f *flake) signedIn(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, ".")
	if !ok || len(parts) != 3 || r.Header.Get("X-Snowflake-Authorization-Token-Type") != "KEYPAIR_JWT" {
		return false
	}
	var claims struct {
		Iss, Sub string
		Iat, Exp int64
	}
	raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
	sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	public, _ := x509.MarshalPKIXPublicKey(f.key)
	print := sha256.Sum256(public)
	if json.Unmarshal(raw, &claims) != nil || rsa.VerifyPKCS1v15(f.key, crypto.SHA256, sum[:], sig) != nil {
		return false
	}
	now := f.now().Unix()
	f.tokens[token] = true
	return claims.Sub == "ACME-PROD.READER" && claims.Iss == "ACME-PROD.READER.SHA256:"+base64.StdEncoding.EncodeToString(print[:]) &&
		claims.Exp-claims.Iat <= 3600 && claims.Exp > now && claims.Iat <= now
}

func (f *flake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Date", f.now().UTC().Format(http.TimeFormat))
	if !f.signedIn(r) {
		f.fail(w, 401, "390144", "", "JWT token is invalid. [d4f0]")
		return
	}
	if f.refuse != nil && f.refuse(w, r) {
		return
	}
	if f.refused > 0 {
		f.refused--
		f.fail(w, 403, "390422", "", "Incoming request with IP/Token is not allowed to access Snowflake.")
		return
	}
	handle := strings.TrimPrefix(r.URL.Path, "/api/v2/statements/")
	switch {
	case r.Method == "POST" && r.URL.Path == "/api/v2/statements":
		f.submit(w, r)
	case r.Method == "POST" && strings.HasSuffix(handle, "/cancel"):
		f.cancelled = append(f.cancelled, strings.TrimSuffix(handle, "/cancel"))
		reply(w, 200, map[string]any{"code": "000604", "message": "successfully canceled."})
	case r.Method == "GET":
		f.result(w, r, handle)
	default:
		f.fail(w, 405, "391902", "", "Method not allowed")
	}
}

func (f *flake) fail(w http.ResponseWriter, status int, code, state, message string) {
	reply(w, status, map[string]any{"code": code, "sqlState": state, "message": message, "statementHandle": "01b0-0"})
}

var requestID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func (f *flake) submit(w http.ResponseWriter, r *http.Request) {
	var q snowflakeAsk
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		f.t.Error(err)
	}
	v := r.URL.Query()
	if !requestID.MatchString(v.Get("requestId")) || v.Get("retry") != "true" || v.Get("async") != "true" || q.Parameters["timezone"] != "UTC" || q.Timeout < 1 {
		f.t.Errorf("submitted with %v: %+v", v, q)
	}
	handle, again := f.byID[v.Get("requestId")]
	switch {
	case again:
	case strings.HasPrefix(q.Statement, "SHOW WAREHOUSES LIKE 'load_wh'"):
		f.shown++
		handle = fmt.Sprintf("show-%d", f.shown)
		f.begun[handle] = f.now()
		f.answers[handle] = []map[string]string{{"name": "LOADXWH", "size": "4X-Large", "auto_suspend": "600"}, {"name": "LOAD_WH", "size": f.size, "auto_suspend": f.suspend}}
	case strings.Contains(q.Statement, "nowhere"):
		f.fail(w, 422, "002003", "42S02", "SQL compilation error:\nObject 'NOWHERE' does not exist or not authorized.")
		return
	case strings.Count(q.Statement, "?") != len(q.Bindings) || q.Warehouse != "load_wh":
		f.fail(w, 422, "002049", "42601", "SQL compilation error: error line 1: Bind variable ? not set.")
		return
	default:
		f.asked = append(f.asked, q)
		f.ran++
		handle = fmt.Sprintf("01b0-%d", f.ran)
		f.begun[handle] = f.now().Add(-f.took)
		from, to := f.bound(q, "1"), f.bound(q, "2")
		rows := []map[string]string{}
		for _, row := range f.rows {
			if in, _ := time.Parse(time.RFC3339Nano, row["in"]); !in.Before(from) && in.Before(to) {
				rows = append(rows, row)
			}
		}
		f.answers[handle] = rows
	}
	f.byID[v.Get("requestId")] = handle
	f.accepted(w, handle)
}

func (f *flake) bound(q snowflakeAsk, place string) time.Time {
	b := q.Bindings[place]
	at, err := time.Parse("2006-01-02 15:04:05.000000", b.Value)
	if err != nil || b.Type != "TEXT" {
		f.t.Errorf("bound %+v: %v", b, err)
	}
	return at
}

func (f *flake) accepted(w http.ResponseWriter, handle string) {
	reply(w, 202, map[string]any{"code": "333334", "message": "Asynchronous execution in progress. Use provided query id to perform query monitoring and management.",
		"statementHandle": handle, "statementStatusUrl": "/api/v2/statements/" + handle})
}

var flakeColumns = [][2]string{{"EVENT_ID", "text"}, {"TIME", "timestamp_tz"}, {"KIND", "text"}, {"EMAIL", "text"}, {"USER_ID", "text"}, {"ANONYMOUS_ID", "text"}, {"URL", "text"},
	{"PAGE_TITLE", "text"}, {"PROPERTIES", "object"}}

const flakePartition = 7

func (f *flake) result(w http.ResponseWriter, r *http.Request, handle string) {
	rows, kept := f.answers[handle]
	if !kept {
		f.fail(w, 404, "000709", "02000", "Statement "+handle+" not found")
		return
	}
	columns := flakeColumns
	if strings.HasPrefix(handle, "show") {
		columns = [][2]string{{"name", "text"}, {"size", "text"}, {"auto_suspend", "fixed"}}
	} else if f.running > 0 {
		f.running--
		f.accepted(w, handle)
		return
	}
	part, _ := strconv.Atoi(r.URL.Query().Get("partition"))
	data := [][]any{}
	for _, row := range rows[min(part*flakePartition, len(rows)):min((part+1)*flakePartition, len(rows))] {
		var cells []any
		for _, c := range columns {
			v := any(row[strings.ToLower(c[0])])
			if v == "" {
				v = nil
			}
			cells = append(cells, v)
		}
		data = append(data, cells)
	}
	answer := map[string]any{"data": data}
	if part == 0 {
		var types, parts []any
		for _, c := range columns {
			types = append(types, map[string]any{"name": c[0], "type": c[1], "nullable": true})
		}
		for n := 0; n == 0 || n*flakePartition < len(rows); n++ {
			parts = append(parts, map[string]any{"rowCount": min(flakePartition, len(rows)-n*flakePartition), "uncompressedSize": 1000})
		}
		answer = map[string]any{"code": "090001", "sqlState": "00000", "message": "Statement executed successfully.", "statementHandle": handle, "createdOn": f.begun[handle].UnixMilli(),
			"resultSetMetaData": map[string]any{"numRows": len(rows), "format": "jsonv2", "rowType": types, "partitionInfo": parts}, "data": data}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_ = json.NewEncoder(z).Encode(answer)
	_ = z.Close()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(packed.Bytes())
}

func (f *flake) add(in time.Time, events ...connectors.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		props := ""
		if len(e.Properties) > 0 {
			b, _ := json.Marshal(e.Properties)
			props = string(b)
		}
		at := fmt.Sprintf("%d.%09d 1500", e.Time.Unix(), e.Time.Nanosecond()) // an hour ahead of UTC: 1440 and its minutes
		f.rows = append(f.rows, map[string]string{"event_id": e.ID, "time": at, "kind": e.Kind, "email": e.Email, "user_id": e.UserID,
			"anonymous_id": e.AnonymousID, "url": e.URL, "page_title": e.PageTitle, "properties": props, "in": in.Format(time.RFC3339Nano)})
	}
}

func TestSnowflakeIsAFeed(t *testing.T) {
	connectortest.Feed(t, func(t *testing.T) connectortest.FeedHarness {
		clock := testNow
		f := newFlake(t, func() time.Time { return clock })
		open := func(t *testing.T) connectors.Feed {
			o := f.settings()
			o.DailyCredits = 1e4
			return f.feed(t, o, connectors.Host{})
		}
		return connectortest.FeedHarness{
			Feed: open(t), Now: testNow, Reopen: open, Page: 100, Lookback: true,
			Add: func(t *testing.T, events ...connectors.Event) {
				f.add(clock, events...)
				clock = clock.Add(time.Minute)
			},
			Fail: func(n int) { f.mu.Lock(); f.refused = n; f.mu.Unlock() },
		}
	})
}

// views are n page views, each of an id of its own, that came in an hour before.
func views(n int) (out []connectors.Event) {
	for i := range n {
		out = append(out, connectors.Event{ID: fmt.Sprint("e", i), Time: testNow.Add(-2 * time.Hour), Kind: "page_view", AnonymousID: "a"})
	}
	return out
}

// A crash behind the query and before its answer is stored runs nothing twice; partitions are read by another process that never saw the first;
// an answer that is kept no more is asked for again under another id, with the next poll.
func TestSnowflakeRunsAQueryOnce(t *testing.T) {
	f := newFlake(t, func() time.Time { return testNow })
	f.running = 2
	f.add(testNow.Add(-time.Hour), views(30)...)
	o := f.settings()
	o.Back = 24 * time.Hour
	feed := f.feed(t, o, connectors.Host{})
	var page connectors.Page[connectors.Event]
	for range 3 {
		var err error
		if page, err = feed.Take(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if f.ran != 1 {
		t.Errorf("ran %d queries, want 1", f.ran)
	}
	page, err := feed.Take(t.Context(), page.Next)
	if err != nil || len(page.Items) != flakePartition || !page.More {
		t.Fatal(page, err)
	}
	if at := page.Items[0].Time; !at.Equal(testNow.Add(-2 * time.Hour)) {
		t.Errorf("a time with an offset is read as %v", at)
	}
	ids, _, err := takeAll(t, f.feed(t, o, connectors.Host{}), page.Next)
	if err != nil || len(ids) != 30-flakePartition {
		t.Errorf("another process took %d of the other rows: %v", len(ids), err)
	}
	f.answers = map[string][]map[string]string{}
	if page, err = f.feed(t, o, connectors.Host{}).Take(t.Context(), page.Next); err != nil || page.More || len(page.Items) > 0 {
		t.Fatalf("an answer that was lost: %v, %v; want a page that waits for the next poll", page, err)
	}
	if ids, _, err := takeAll(t, feed, page.Next); err != nil || len(ids) != 30 || f.ran != 2 {
		t.Errorf("took %d of 30 events by %d queries: %v", len(ids), f.ran, err)
	}
}

// A query that takes too long is cancelled by Snowflake: a week is asked for by days then, and a day that takes too long is told, and tried again
// with a later poll.
func TestASlowWindowIsAskedForByDays(t *testing.T) {
	clock := testNow
	f := newFlake(t, func() time.Time { return clock })
	f.add(testNow.Add(-30*time.Hour), views(1)...)
	slow := true
	f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		if !slow || r.Method != "GET" || strings.Contains(r.URL.Path, "show") {
			return false
		}
		f.fail(w, 422, "000630", "57014", "Statement reached its statement or warehouse timeout of 60 second(s) and was canceled.")
		return true
	}
	o := f.settings()
	o.Back = 72 * time.Hour
	feed := f.feed(t, o, connectors.Host{})
	_, at, err := takeAll(t, feed, nil)
	if connectors.KindOf(err) != connectors.Transient || !strings.Contains(fmt.Sprint(err), "timeout") || f.ran != 2 {
		t.Fatalf("%v after %d queries, want a week, then a day", err, f.ran)
	}
	if q := f.asked[1]; f.bound(q, "2").Sub(f.bound(q, "1")) > 24*time.Hour {
		t.Errorf("the second window is %v to %v", q.Bindings["1"], q.Bindings["2"])
	}
	slow = false
	if _, _, err := takeAll(t, feed, at); err == nil || f.ran != 2 {
		t.Errorf("asked again at once: %v", err)
	}
	clock = clock.Add(time.Hour)
	if ids, _, err := takeAll(t, feed, at); err != nil || !slices.Equal(ids, []string{"e0"}) {
		t.Errorf("the next poll took %v: %v", ids, err)
	}
}

// What keeps the warehouse awake is booked, at least a minute each time and its sleep behind it, and bounded: at the bound the feed stops until the
// day turns, and no query may run longer than the day's credits last.
func TestTheDaysCreditsAreABound(t *testing.T) {
	clock := testNow
	f := newFlake(t, func() time.Time { return clock })
	o := f.settings()
	o.Back, o.DailyCredits = 24*time.Hour, 0.1 // 360 seconds of an X-Small
	book := ledger{}
	feed := f.feed(t, o, connectors.Host{Ledger: book})
	var at connectors.Cursor
	var err error
	passes := 0
	for ; passes < 24; passes++ {
		if _, at, err = takeAll(t, feed, at); err != nil {
			break
		}
		clock = clock.Add(10 * time.Minute)
	}
	// 2 seconds and a sleep of 60 each: five fit.
	if until := clock.Truncate(24 * time.Hour).Add(24 * time.Hour); connectors.KindOf(err) != connectors.Quota || !connectors.Until(err).Equal(until) || passes != 5 || f.ran != 5 {
		t.Errorf("after %d passes and %d queries: %v", passes, f.ran, err)
	}
	if got := book["flake credits"+testNow.Format("2006-01-02")]; got != 5*17222 {
		t.Errorf("booked %d millionths, want 62 seconds five times", got)
	}
	if used := feed.Report().Used; used != "0.09 credits of 0.10 credits" {
		t.Errorf("used %q", used)
	}
	if q := f.asked[4]; q.Timeout > 360-4*62-60 {
		t.Errorf("the last query may run for %d seconds", q.Timeout)
	}
	clock = connectors.Until(err)
	if _, _, err = takeAll(t, feed, at); err != nil {
		t.Errorf("the next day: %v", err)
	}
	// A restart counts on, and two queries within one sleep cost it once.
	clock = clock.Add(10 * time.Second)
	feed = f.feed(t, o, connectors.Host{Ledger: book})
	before := book["flake credits"+clock.Format("2006-01-02")]
	if _, at, err = takeAll(t, feed, at); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(10 * time.Second)
	if _, _, err = takeAll(t, feed, at); err != nil {
		t.Fatal(err)
	}
	if got := book["flake credits"+clock.Format("2006-01-02")] - before; got > 20278 {
		t.Errorf("two queries ten seconds apart cost %d millionths", got)
	}
	o.DailyCredits, f.size = 0.1, "4X-Large"
	if _, err := f.feed(t, o, connectors.Host{Ledger: ledger{}}).Take(t.Context(), nil); connectors.KindOf(err) != connectors.Config || !strings.Contains(err.Error(), "daily_credits") {
		t.Errorf("a warehouse that no day allows: %v", err)
	}
}

// A token lives for an hour: a daemon signs in anew before that, and once where Snowflake refuses one earlier.
func TestATokenOfSnowflakeIsRenewed(t *testing.T) {
	clock := testNow
	f := newFlake(t, func() time.Time { return clock })
	feed := f.feed(t, f.settings(), connectors.Host{})
	_, at, err := takeAll(t, feed, nil)
	if err != nil || len(f.tokens) != 1 {
		t.Fatal(err, len(f.tokens))
	}
	clock = clock.Add(59 * time.Minute)
	if _, at, err = takeAll(t, feed, at); err != nil || len(f.tokens) != 2 {
		t.Errorf("after an hour: %v, %d tokens", err, len(f.tokens))
	}
	once := true
	f.refuse = func(w http.ResponseWriter, _ *http.Request) bool {
		if !once {
			return false
		}
		once = false
		f.fail(w, 401, "390144", "", "JWT token is invalid.")
		return true
	}
	clock = clock.Add(2 * time.Second)
	if _, _, err = takeAll(t, feed, at); err != nil || len(f.tokens) != 3 {
		t.Errorf("after a refusal: %v, %d tokens", err, len(f.tokens))
	}
}

func TestWhatSnowflakeRefusesIsToldByKind(t *testing.T) {
	for name, c := range map[string]struct {
		status                     int
		code, state, message, says string
		kind                       connectors.Kind
	}{
		"a wrong key":         {401, "390144", "", "JWT token is invalid. [d4f0]", "RSA_PUBLIC_KEY", connectors.Auth},
		"no rights":           {422, "003001", "42501", "SQL access control error:\nInsufficient privileges to operate on schema 'SITE'", "grant the role USAGE", connectors.Auth},
		"no such table":       {422, "002003", "42S02", "SQL compilation error:\nObject 'EVENTS' does not exist or not authorized.", "database and schema", connectors.Config},
		"wrong query":         {422, "000904", "42000", "SQL compilation error: error line 1 at position 7\ninvalid identifier 'LOADED'", "invalid identifier", connectors.Config},
		"no warehouse":        {422, "000606", "57P03", "No active warehouse selected in the current session.", "write warehouse", connectors.Config},
		"a resource monitor":  {422, "090073", "57014", "Warehouse 'LOAD_WH' cannot be resumed because resource monitor 'M' has exceeded its quota.", "resource monitor", connectors.Quota},
		"an address":          {403, "390422", "", "Incoming request with IP/Token 203.0.113.7 is not allowed to access Snowflake.", "not allowed", connectors.Auth},
		"a time-out":          {408, "000630", "57014", "Statement reached its statement or warehouse timeout of 60 second(s) and was canceled.", "timeout", connectors.Transient},
		"a request it cannot": {400, "391908", "", "Invalid JSON", "Invalid JSON", connectors.Config},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlake(t, func() time.Time { return testNow })
			f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, "show") {
					return false
				}
				f.fail(w, c.status, c.code, c.state, c.message)
				return true
			}
			feed := f.feed(t, f.settings(), connectors.Host{})
			_, err := feed.Take(t.Context(), nil)
			if connectors.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %v of kind %v, want %v with %q", err, connectors.KindOf(err), c.kind, c.says)
			}
			if strings.Contains(fmt.Sprint(err), "PRIVATE KEY") {
				t.Errorf("the error holds the key: %v", err)
			}
		})
	}
}

// Answers of the moment are waited out: 429 with a time, 503 without one, a gateway's page.
func TestSnowflakeIsAskedAgainWhenItIsBusy(t *testing.T) {
	f := newFlake(t, func() time.Time { return testNow })
	var told []int
	busy := []int{429, 503, 504}
	f.refuse = func(w http.ResponseWriter, _ *http.Request) bool {
		if len(busy) == 0 {
			return false
		}
		status := busy[0]
		busy = busy[1:]
		told = append(told, status)
		if status == 429 {
			w.Header().Set("Retry-After", "0")
		}
		if status == 504 {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(504)
			return true
		}
		f.fail(w, status, "390505", "", "Too many requests")
		return true
	}
	f.add(testNow.Add(-time.Hour), views(1)...)
	o := f.settings()
	o.Back = 24 * time.Hour
	if ids, _, err := takeAll(t, f.feed(t, o, connectors.Host{}), nil); err != nil || len(ids) != 1 || len(told) != 3 {
		t.Errorf("took %v: %v, after %v", ids, err, told)
	}
}

func TestDoctorTellsWhatADayOfSnowflakeCosts(t *testing.T) {
	f := newFlake(t, func() time.Time { return testNow })
	found := f.feed(t, f.settings(), connectors.Host{Poll: time.Hour}).Probe(t.Context())
	if len(found) != 1 || found[0].Severity != connectors.OK || !strings.Contains(found[0].Message, "24 passes a day keep load_wh (X-Small) awake for 0.4 hours: 0.40 credits a day") {
		t.Errorf("found %+v", found)
	}
	f.suspend = "600"
	o := f.settings()
	o.DailyCredits = 2
	found = f.feed(t, o, connectors.Host{Poll: 5 * time.Minute}).Probe(t.Context())
	if len(found) != 1 || found[0].Severity != connectors.Warning || !strings.Contains(found[0].Message, "awake for 24.0 hours: 24.00 credits a day") {
		t.Errorf("a poll that keeps the warehouse awake: %+v", found)
	}
	o.Events = "SELECT * FROM nowhere WHERE x > :from"
	if found = f.feed(t, o, connectors.Host{}).Probe(t.Context()); len(found) != 1 || found[0].Severity != connectors.Failure || !strings.Contains(found[0].Message, "NOWHERE") {
		t.Errorf("found %+v", found)
	}
}

// With mode: ask lists go as JSON, every place has a value of its own, and a query whose answer nobody waits for any more is cancelled.
func TestSnowflakeIsAskedAboutPeople(t *testing.T) {
	f := newFlake(t, func() time.Time { return testNow })
	o := f.settings()
	o.Active = "SELECT 1 WHERE a > :since AND i > :since_id ORDER BY 1 LIMIT :limit"
	o.Journeys = "SELECT 1 WHERE at >= :from AND at < :to AND (ARRAY_CONTAINS(LOWER(email)::VARIANT, :emails) OR ARRAY_CONTAINS(u::VARIANT, :user_ids) OR at = :from)"
	o.Mode = modeAsk
	s, err := o.open(connectors.Host{Name: "flake", Now: f.now})
	if err != nil {
		t.Fatal(err)
	}
	f.add(testNow.Add(-time.Hour), connectors.Event{ID: "1", Time: testNow.Add(-time.Hour), Kind: "page_view", Email: "ann@example.com"})
	ann := connectors.Person{Key: "p1", Emails: []string{`An"n@example.com`}}
	w := connectors.Window{From: testNow.Add(-48 * time.Hour), To: testNow}
	n := 0
	for range 2 { // the same question twice is asked twice: its answer may have changed
		for _, err := range s.Journeys(t.Context(), []connectors.Person{ann}, w) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	q := f.asked[0]
	if n != 2 || f.ran != 2 || !strings.Contains(q.Statement, "ARRAY_CONTAINS(LOWER(email)::VARIANT, PARSE_JSON(?)::ARRAY)") || q.Bindings["3"].Value != `["an\"n@example.com"]` || q.Bindings["4"].Value != "[]" || len(q.Bindings) != 5 {
		t.Errorf("%d events by %d queries, asked %+v", n, f.ran, q)
	}
}

func TestSnowflakesSettingsAreChecked(t *testing.T) {
	f := newFlake(t, func() time.Time { return testNow })
	for name, c := range map[string]struct {
		change func(*Config)
		at     string
	}{
		"no account":       {func(o *Config) { o.Account = "" }, "account"},
		"a URL as account": {func(o *Config) { o.Account = "https://acme.snowflakecomputing.com" }, "account"},
		"no user":          {func(o *Config) { o.User = "" }, "user"},
		"no warehouse":     {func(o *Config) { o.Warehouse = "" }, "warehouse"},
		"no key":           {func(o *Config) { o.Key = connectors.Secret{} }, "key"},
		"a key with password": {func(o *Config) {
			o.Key = connectors.NewSecret("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
		}, "key"},
		"a query that deletes": {func(o *Config) { o.Events = "DELETE FROM events WHERE loaded < :from AND loaded > :to" }, "events"},
		"no credits":           {func(o *Config) { o.DailyCredits = 0 }, "daily_credits"},
		"a preset of nowhere":  {func(o *Config) { o.Preset, o.Events = "snowplow", "" }, "schema"},
	} {
		o := f.settings()
		c.change(o)
		var problems []connectors.Problem
		o.Check(connectors.NewCheck("sources[0]", &problems))
		if !slices.ContainsFunc(problems, func(p connectors.Problem) bool { return p.Path == "sources[0]."+c.at && !p.Warning }) {
			t.Errorf("%s: %v", name, problems)
		}
	}
	o := f.settings()
	if o.mode() != modeTake || o.PollBy() != "@every 1h" {
		t.Errorf("taken %s, polled %s", o.mode(), o.PollBy())
	}
}
