package collector

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
)

const (
	siteKey   = "of-the-site"
	serverKey = "of-the-server-0123456789"
)

var present = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// setup is a collector over a store of its own.
type setup struct {
	*Collector
	http.Handler
	store *clickstream.Store
	inbox *clickstream.Inbox
	later atomic.Int64 // than present, in nanoseconds; the store's background reads the clock, too
}

func newSetup(t testing.TB, change func(*Config)) *setup {
	t.Helper()
	s := &setup{}
	o := Type.Settings().(*Config)
	o.WriteKeys = []WriteKey{{Key: connectors.NewSecret(siteKey)}, {Key: connectors.NewSecret(serverKey), Trusted: true}}
	if change != nil {
		change(o)
	}
	var problems []connectors.Problem
	o.Check(connectors.NewCheck("", &problems))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	clock := func() time.Time { return present.Add(time.Duration(s.later.Load())) }
	var err error
	if s.store, err = clickstream.Open(t.TempDir(), clickstream.Options{Now: clock, NoSync: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	s.Collector = New(*o, connectors.Host{Name: "web", Now: clock})
	s.inbox = s.store.Inbox("web", s.Collector)
	s.Handler = s.Collector.Handler(s.inbox)
	return s
}

// post sends a body to a path by a key, as servers' clients do.
func (s *setup) post(path, key, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.SetBasicAuth(key, "")
	return s.do(r)
}

func (s *setup) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// journey is what the store tells of somebody.
func (s *setup) journey(t testing.TB, p connectors.Person) (out []connectors.Event) {
	t.Helper()
	p.Key = "p"
	for e, err := range s.inbox.Journeys(t.Context(), []connectors.Person{p}, connectors.Window{From: present.AddDate(-1, 0, 0), To: present.AddDate(1, 0, 0)}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func (s *setup) intake(t testing.TB) connectors.Intake {
	t.Helper()
	i, err := s.inbox.Intake()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func wantCode(t testing.TB, w *httptest.ResponseRecorder, code int) {
	t.Helper()
	if w.Code != code {
		t.Fatalf("answered %d, want %d: %s", w.Code, code, w.Body)
	}
}

var ann = connectors.Person{Emails: []string{"ann@example.com"}}

// Promise: what a server says of who somebody is, is so at once: events and the visitor's past are theirs.
func TestAServerIsBelieved(t *testing.T) {
	s := newSetup(t, nil)
	wantCode(t, s.post("/v1/page", siteKey, `{"messageId":"m1","anonymousId":"v1","context":{"page":{"url":"https://www.example.com/pricing","title":"Prices"},"consent":{"categoryPreferences":{"analytics":true}}}}`), 200)
	if got := s.journey(t, ann); len(got) > 0 {
		t.Fatalf("nobody knows the visitor, and yet: %+v", got)
	}
	wantCode(t, s.post("/v1/batch", serverKey, `{"batch":[
		{"type":"identify","messageId":"m2","userId":"42","anonymousId":"v1","traits":{"email":"Ann@Example.com"}},
		{"type":"track","messageId":"m3","userId":"42","event":"Demo Requested","properties":{"form":"Demo","seats":12}}]}`), 200)
	got := s.journey(t, ann)
	if len(got) != 3 {
		t.Fatalf("%d events, want the page, the identify and the request: %+v", len(got), got)
	}
	for _, e := range got {
		switch e.ID {
		case "m1":
			if e.URL != "https://www.example.com/pricing" || e.PageTitle != "Prices" || e.Consent != "granted" || e.Kind != connectors.KindPageView {
				t.Errorf("the page reads as %+v", e)
			}
		case "m3":
			if kind, _ := connectors.EventKind(e.Kind); kind != connectors.KindDemoRequest || e.Properties["seats"] != "12" {
				t.Errorf("the request reads as %+v", e)
			}
		}
	}
	page, err := s.inbox.Active(t.Context(), nil)
	if err != nil || len(page.Items) != 1 || page.Items[0].Emails[0] != "ann@example.com" {
		t.Errorf("who was active: %+v, %v", page.Items, err)
	}
}

// Promise: what a browser says of who it is identifies nobody, whatever form it has.
func TestABrowserIsNotBelieved(t *testing.T) {
	s := newSetup(t, nil)
	for i, body := range []string{
		`{"type":"identify","anonymousId":"v1","userId":"42","traits":{"email":"ann@example.com","phone":"+493012345678"}}`,
		`{"type":"identify","anonymousId":"v1","userId":"ann@example.com"}`,
		`{"type":"track","event":"Demo Requested","anonymousId":"ann@example.com"}`,
		`{"type":"track","event":"Demo Requested","userId":"ann@example.com"}`,
		`{"type":"alias","userId":"ann@example.com","previousId":"v1"}`,
		`{"type":"page","anonymousId":"v1","context":{"traits":{"email":"ann@example.com"}}}`,
	} {
		wantCode(t, s.post("/v1/batch", siteKey, fmt.Sprintf(`{"batch":[%s]}`, strings.Replace(body, "{", fmt.Sprintf(`{"messageId":"m%d",`, i), 1))), 200)
	}
	for _, p := range []connectors.Person{ann, {UserIDs: []string{"42"}}, {Phones: []string{"+493012345678"}}} {
		if got := s.journey(t, p); len(got) > 0 {
			t.Errorf("%+v got %+v", p, got)
		}
	}
	if i := s.intake(t); i.Events != 4 || i.LeftOut[connectors.LeftOutNobody] != 2 {
		t.Errorf("four events are kept for the visitor, two have none: %+v", i)
	}
}

// Promise: the paths and places for keys of the clients that people use.
func TestClients(t *testing.T) {
	const page = `"messageId":"m","anonymousId":"v1","context":{"page":{"url":"https://www.example.com/"}}`
	for _, of := range []struct{ name, path, header, value, body string }{
		{"Segment's browser", "/v1/p", "Content-Type", "text/plain", `{"type":"page",` + page + `,"writeKey":"of-the-site"}`},
		{"Segment's browser, batching", "/v1/b", "Content-Type", "text/plain", `{"writeKey":"of-the-site","batch":[{"type":"page",` + page + `}]}`},
		{"Segment's servers", "/v1/batch", "Authorization", "Basic b2YtdGhlLXNpdGU6", `{"batch":[{"type":"page",` + page + `}]}`},
		{"RudderStack's browser", "/v1/page", "Authorization", "Basic b2YtdGhlLXNpdGU6", `{"type":"page",` + page + `}`},
		{"RudderStack's beacon", "/beacon/v1/batch?writeKey=of-the-site", "Content-Type", "text/plain", `{"batch":[{"type":"page",` + page + `}]}`},
		{"Jitsu's browser", "/api/s/page", "X-Write-Key", "of-the-site", `{"type":"page",` + page + `,"writeKey":"of-the-site:***"}`},
		{"Jitsu's servers", "/api/s/s2s/page", "X-Write-Key", "of-the-site", `{"type":"page",` + page + `}`},
	} {
		t.Run(of.name, func(t *testing.T) {
			s := newSetup(t, nil)
			r := httptest.NewRequest(http.MethodPost, of.path, strings.NewReader(of.body))
			r.Header.Set(of.header, of.value)
			wantCode(t, s.do(r), 200)
			if i := s.intake(t); i.Events != 1 || i.Read != 1 {
				t.Errorf("%+v", i)
			}
		})
	}
}

// Promise: whatever is not taken is answered with a reason, and counted by it.
func TestWhatIsRefused(t *testing.T) {
	s := newSetup(t, nil)
	long := `{"type":"track","event":"` + strings.Repeat("x", maxCall) + `","anonymousId":"v1"}`
	large := `{"batch":[` + strings.Repeat(`{"type":"page","anonymousId":"v1"},`, maxBody/30) + `{}]}`
	for _, of := range []struct {
		path, key, body string
		code            int
		reason          string
	}{
		{"/v1/track", "wrong", `{"event":"E","anonymousId":"v1"}`, 401, "write key not known"},
		{"/v1/batch", siteKey, large, 413, reasonLarge},
		{"/v1/batch", siteKey, `{"batch":`, 400, reasonBroken},
		{"/v1/batch", siteKey, `{"type":"track"}`, 400, reasonBroken},
		{"/v1/batch", siteKey, `{"batch":[` + long + `]}`, 400, reasonLong},
		{"/v1/batch", siteKey, `{"batch":[{"type":"dance","anonymousId":"v1"}]}`, 400, reasonCall},
		{"/v1/track", siteKey, `{"anonymousId":"v1"}`, 400, reasonNoName},
	} {
		before := s.intake(t).Unreadable[of.reason]
		wantCode(t, s.post(of.path, of.key, of.body), of.code)
		if after := s.intake(t).Unreadable[of.reason]; after != before+1 {
			t.Errorf("%s: counted %d times more", of.reason, after-before)
		}
	}
	wantCode(t, s.post("/v1/dance", siteKey, `{}`), 404)
	if i := s.intake(t); i.Events != 0 || i.Read != 7 {
		t.Errorf("%+v", i)
	}
	// One bad call keeps none of its batch from being taken.
	wantCode(t, s.post("/v1/batch", siteKey, `{"batch":[{"type":"dance"},{"type":"page","anonymousId":"v1"}]}`), 200)
	if i := s.intake(t); i.Events != 1 || i.Read != 9 || i.Unread() != 8 {
		t.Errorf("%+v", i)
	}
	// The counts outlive the process.
	dir := t.TempDir()
	store, err := clickstream.Open(dir, clickstream.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	store.Inbox("web", s.Collector).Count(connectors.Intake{Read: 1, Unreadable: map[string]int64{reasonBroken: 1}})
	store.Close()
	if store, err = clickstream.Open(dir, clickstream.Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if i, err := store.Intake("web"); err != nil || i.Unread() != 1 {
		t.Errorf("%+v, %v", i, err)
	}
}

// Promise: packed bodies are read, and their bound holds for what they unpack to.
func TestGzip(t *testing.T) {
	s := newSetup(t, nil)
	send := func(body string) *httptest.ResponseRecorder {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, body)
		z.Close()
		r := httptest.NewRequest(http.MethodPost, "/v1/batch", &b)
		r.Header.Set("Content-Encoding", "gzip")
		r.SetBasicAuth(siteKey, "")
		return s.do(r)
	}
	wantCode(t, send(`{"batch":[{"type":"page","anonymousId":"v1"}]}`), 200)
	wantCode(t, send(strings.Repeat(" ", 50*maxBody)), 413)
	r := httptest.NewRequest(http.MethodPost, "/v1/batch", strings.NewReader("no gzip"))
	r.Header.Set("Content-Encoding", "gzip")
	wantCode(t, s.do(r), 400)
	if i := s.intake(t); i.Events != 1 || i.Unreadable[reasonLarge] != 1 || i.Unreadable[reasonGzip] != 1 {
		t.Errorf("%+v", i)
	}
}

// Promise: a client's clock is corrected by when it says that it sent, and nothing lies in the future.
func TestSkew(t *testing.T) {
	s := newSetup(t, nil)
	for _, of := range []struct {
		name, times, around string
		want                time.Duration // after arrival
	}{
		{"right", `"timestamp":"2026-11-20T11:59:50Z"`, `"sentAt":"2026-11-20T12:00:00Z"`, -10 * time.Second},
		{"an hour ahead", `"timestamp":"2026-11-20T12:59:50Z"`, `"sentAt":"2026-11-20T13:00:00Z"`, -10 * time.Second},
		{"a year behind", `"originalTimestamp":"2025-11-20T11:59:00Z","sentAt":"2025-11-20T12:00:00Z"`, `"sentAt":"2026-01-01T00:00:00Z"`, -time.Minute},
		{"not told when sent", `"timestamp":"2026-11-20T11:00:00Z"`, ``, -time.Hour},
		{"sent before it happened", `"timestamp":"2026-11-20T12:00:05Z"`, `"sentAt":"2026-11-20T12:00:00Z"`, 0},
		{"ahead, not told when sent", `"timestamp":"2026-11-21T12:00:00Z"`, ``, 0},
		{"no time", ``, ``, 0},
		{"nonsense", `"timestamp":"yesterday"`, `"sentAt":7`, 0},
	} {
		user := strings.ReplaceAll(of.name, " ", "-")
		members := func(s string) string {
			if s != "" {
				s = "," + s
			}
			return s
		}
		wantCode(t, s.post("/v1/batch", serverKey, fmt.Sprintf(`{"batch":[{"type":"track","event":"E","userId":"%s"%s}]%s}`, user, members(of.times), members(of.around))), 200)
		got := s.journey(t, connectors.Person{UserIDs: []string{user}})
		if len(got) != 1 || !got[0].Time.Equal(present.Add(of.want)) || !got[0].Received.Equal(present) {
			t.Errorf("%s: %+v", of.name, got)
		}
	}
}

// Promise: a call that is sent again counts once, with a messageId and without.
func TestSentAgain(t *testing.T) {
	s := newSetup(t, nil)
	for range 3 {
		wantCode(t, s.post("/v1/track", serverKey, `{"event":"E","userId":"42","messageId":"m1","timestamp":"2026-11-20T11:00:00Z"}`), 200)
		wantCode(t, s.post("/v1/track", serverKey, `{"event":"E","userId":"42","timestamp":"2026-11-20T11:00:00Z"}`), 200)
	}
	if got := s.journey(t, connectors.Person{UserIDs: []string{"42"}}); len(got) != 2 {
		t.Errorf("%d events, want 2: %+v", len(got), got)
	}
	if i := s.intake(t); i.LeftOut[connectors.LeftOutRepeated] != 4 {
		t.Errorf("%+v", i)
	}
}

// Promise: one visitor, and one address, fills the store by a bounded share, which is told; servers have none.
func TestShares(t *testing.T) {
	s := newSetup(t, func(o *Config) { o.PerVisitor = 10 })
	send := func(visitor, address string, n int) {
		for i := range n {
			r := httptest.NewRequest(http.MethodPost, "/v1/page", strings.NewReader(fmt.Sprintf(`{"anonymousId":"%s","messageId":"%s%d%s"}`, visitor, visitor, i, address)))
			r.RemoteAddr = address + ":1"
			r.SetBasicAuth(siteKey, "")
			wantCode(t, s.do(r), 200)
		}
	}
	send("v1", "198.51.100.1", 15)
	if i := s.intake(t); i.Events != 10 || i.LeftOut[leftOutShare] != 5 {
		t.Errorf("%+v", i)
	}
	for v := range 20 {
		send(fmt.Sprint("w", v), "198.51.100.2", 6)
	}
	if i := s.intake(t); i.Events != 10+100 || i.LeftOut[leftOutShare] != 5+20 {
		t.Errorf("%+v", i)
	}
	s.later.Add(int64(time.Hour))
	send("v1", "198.51.100.1", 1)
	if i := s.intake(t); i.Events != 111 {
		t.Errorf("%+v", i)
	}
	for i := range 15 {
		wantCode(t, s.post("/v1/page", serverKey, fmt.Sprintf(`{"anonymousId":"v9","messageId":"s%d"}`, i)), 200)
	}
	if i := s.intake(t); i.Events != 126 {
		t.Errorf("%+v", i)
	}
}

// Promise: own staff is known by the address of the browser, which a web server of the own network passes on, and nobody else can.
func TestAddress(t *testing.T) {
	for _, of := range []struct{ remote, forwarded, want string }{
		{"198.51.100.1:5", "", "198.51.100.1"},
		{"198.51.100.1:5", "203.0.113.9", "198.51.100.1"},
		{"127.0.0.1:5", "203.0.113.9", "203.0.113.9"},
		{"127.0.0.1:5", "192.0.2.7, 203.0.113.9, 10.0.0.3", "203.0.113.9"},
		{"[::1]:5", "2001:db8::1", "2001:db8::1"},
		{"10.0.0.2:5", "", "10.0.0.2"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = of.remote
		if of.forwarded != "" {
			r.Header.Set("X-Forwarded-For", of.forwarded)
		}
		if got := addressOf(r); got != of.want {
			t.Errorf("%+v: %s", of, got)
		}
	}
}

// stuck is an inbox that does not come back before it is let go.
type stuck struct {
	connectors.Inbox
	entered chan struct{}
	go_     chan struct{}
	err     error
}

func (s *stuck) Put([]connectors.Event) error {
	s.entered <- struct{}{}
	<-s.go_
	return s.err
}
func (s *stuck) Count(connectors.Intake) {}

// Promise: more than memory allows is answered with 429 and Retry-After at once, and taken when there is room again.
func TestBackPressure(t *testing.T) {
	s := newSetup(t, nil)
	in := &stuck{entered: make(chan struct{}, 100), go_: make(chan struct{})}
	s.Handler = s.Collector.Handler(in)
	body := `{"batch":[{"type":"page","anonymousId":"v1"}]` + strings.Repeat(" ", maxBody-100) + `}`
	var wg sync.WaitGroup
	n := maxHeld / len(body)
	for range n {
		wg.Go(func() { wantCode(t, s.post("/v1/batch", serverKey, body), 200) })
	}
	for range n {
		<-in.entered
	}
	w := s.post("/v1/batch", serverKey, body)
	if w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d %v", w.Code, w.Header())
	}
	if r := s.Report(); r.RateLimited != 1 || r.Calls != int64(n)+1 {
		t.Errorf("%+v", r)
	}
	if f := s.Probe(t.Context()); f[0].Code != "collector.busy" {
		t.Errorf("%+v", f)
	}
	close(in.go_)
	wg.Wait()
	wantCode(t, s.post("/v1/batch", serverKey, body), 200)
}

// Promise: what the store did not keep is asked for again, and the trouble shows.
func TestStoreFails(t *testing.T) {
	s := newSetup(t, nil)
	in := &stuck{entered: make(chan struct{}, 100), go_: make(chan struct{}), err: errors.New("disk full")}
	close(in.go_)
	s.Handler = s.Collector.Handler(in)
	w := s.post("/v1/page", siteKey, `{"anonymousId":"v1"}`)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("answered %d %v %s", w.Code, w.Header(), w.Body)
	}
	if s.Report().LastError != "disk full" || s.Probe(t.Context())[0].Code != "collector.not_kept" {
		t.Errorf("%+v", s.Report())
	}
	in.err = nil
	wantCode(t, s.post("/v1/page", siteKey, `{"anonymousId":"v1"}`), 200)
	if s.Report().LastError != "" {
		t.Errorf("%+v", s.Report())
	}
}

// Promise: a browser may send from every page, or from those that are named.
func TestOrigins(t *testing.T) {
	ask := func(s *setup, method, origin string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/v1/page", strings.NewReader(`{"anonymousId":"v1","writeKey":"of-the-site"}`))
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Headers", "content-type")
		return s.do(r)
	}
	every := newSetup(t, nil)
	w := ask(every, http.MethodOptions, "https://elsewhere.example")
	wantCode(t, w, 204)
	if h := w.Header(); h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Headers") != "content-type" {
		t.Errorf("%v", h)
	}
	wantCode(t, ask(every, http.MethodPost, "https://elsewhere.example"), 200)
	some := newSetup(t, func(o *Config) { o.Origins = []string{"https://www.example.com"} })
	w = ask(some, http.MethodPost, "https://www.example.com")
	wantCode(t, w, 200)
	if w.Header().Get("Access-Control-Allow-Origin") != "https://www.example.com" || w.Header().Get("Vary") != "Origin" {
		t.Errorf("%v", w.Header())
	}
	wantCode(t, ask(some, http.MethodPost, "https://elsewhere.example"), 403)
	if i := some.intake(t); i.Events != 1 {
		t.Errorf("%+v", i)
	}
}
