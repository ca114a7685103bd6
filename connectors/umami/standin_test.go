package umami

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
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

const (
	testSite = "5f0c1f5e-0000-4000-8000-000000000001"
	testKey  = "api_0123456789abcdef"
)

var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// standIn behaves as Umami 3.1 does, on either of its databases: on ClickHouse sessions are summed up by the hour and times have no zone. Events come in
// as its clients send them (POST /api/send).
type standIn struct {
	t          *testing.T
	now        time.Time
	clickhouse bool
	old        bool // a version that does not know the filter by distinct id
	noData     bool // … nor the list of event data
	cloud      bool

	mu       sync.Mutex
	sessions map[string]string // id → distinct id
	events   []*stored
	n        int
	calls    map[string]int // by what is asked for
	logins   int
	token    string
	fail     func(r *http.Request) *http.Response // nil goes on
}

type stored struct {
	id, session, host, path, query, refHost, refPath, title, name string
	at                                                            time.Time
	kind                                                          int
	data                                                          map[string]any
}

func newStandIn(t *testing.T) *standIn {
	return &standIn{t: t, now: testNow, sessions: map[string]string{}, calls: map[string]int{}}
}

// payload is what Umami's clients send of an event.
type payload struct {
	ID        string         `json:"id,omitempty"` // who somebody is
	Hostname  string         `json:"hostname"`
	URL       string         `json:"url"`
	Title     string         `json:"title"`
	Referrer  string         `json:"referrer"`
	Name      string         `json:"name"`
	Data      map[string]any `json:"data"`
	Timestamp int64          `json:"timestamp,omitempty"`
}

// send takes an event in. Of somebody identified there is one session for ever, of anybody else one a day.
func (s *standIn) send(p payload, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	session := fmt.Sprintf("00000000-0000-5000-8000-%012x", fnv(p.ID+"/"))
	s.sessions[session] = p.ID
	u, _ := url.Parse(p.URL)
	ref, _ := url.Parse(p.Referrer)
	e := &stored{id: id, session: session, host: p.Hostname, path: u.Path, query: u.RawQuery, refHost: ref.Host, refPath: ref.Path, title: p.Title, name: p.Name, at: time.UnixMilli(p.Timestamp).UTC(), kind: 1, data: p.Data}
	if id == "" {
		e.id = fmt.Sprintf("%08d-0000-4000-8000-000000000000", s.n)
	}
	if p.Name != "" {
		e.kind = 2
	}
	s.events = append(s.events, e)
}

func fnv(v string) (h uint32) {
	h = 2166136261
	for i := range len(v) {
		h = (h ^ uint32(v[i])) * 16777619
	}
	return h
}

func reply(r *http.Request, status int, v any) *http.Response {
	b, _ := json.Marshal(v)
	return connectortest.Answer(r, status, nil, string(b))
}

func refusal(r *http.Request, status int, code, message string) *http.Response {
	return reply(r, status, map[string]any{"error": map[string]any{"message": message, "code": code, "status": status}})
}

// RoundTrip implements http.RoundTripper.
func (s *standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := connectortest.TakeBody(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path, host := r.URL.Path, "stats.example.com"
	prefix := "/umami/api"
	if s.cloud {
		prefix, host = "/v1", "api.umami.is"
	}
	path, ok := strings.CutPrefix(path, prefix)
	if !ok || r.URL.Host != host {
		return connectortest.Answer(r, 404, map[string]string{"Content-Type": "text/html"}, "<html>404</html>"), nil
	}
	if path == "/auth/login" {
		return s.login(r, body), nil
	}
	kind := path[strings.LastIndexByte(path, '/')+1:]
	if strings.Contains(path, "/sessions/") {
		kind = "session"
	}
	s.calls[kind]++
	s.calls["all"]++
	if s.fail != nil {
		if a := s.fail(r); a != nil {
			a.Request = r
			return a, nil
		}
	}
	if s.cloud && r.Header.Get("x-umami-api-key") != testKey || !s.cloud && (s.token == "" || r.Header.Get("Authorization") != "Bearer "+s.token) {
		return refusal(r, 401, "unauthorized", "Unauthorized"), nil
	}
	if path == "/me" {
		return reply(r, 200, map[string]any{"user": map[string]any{"username": "reader"}}), nil
	}
	path, ok = strings.CutPrefix(path, "/websites/"+testSite)
	if !ok {
		return refusal(r, 401, "unauthorized", "Unauthorized"), nil
	}
	if id, one := strings.CutPrefix(path, "/sessions/"); one {
		return reply(r, 200, map[string]any{"id": id, "distinctId": s.sessions[id]}), nil
	}
	return s.list(r, path), nil
}

func (s *standIn) login(r *http.Request, body string) *http.Response {
	var who struct{ Username, Password string }
	_ = json.Unmarshal([]byte(body), &who)
	if who.Username != "reader" || who.Password != "hunter2hunter2" {
		return refusal(r, 401, "incorrect-username-password", "Unauthorized")
	}
	s.logins++
	s.token = fmt.Sprintf("token-%d", s.logins)
	return reply(r, 200, map[string]any{"token": s.token, "user": map[string]any{"username": "reader"}})
}

func (s *standIn) list(r *http.Request, path string) *http.Response {
	q := r.URL.Query()
	number := func(name string, byDefault int64) int64 {
		if n, err := strconv.ParseInt(q.Get(name), 10, 64); err == nil {
			return n
		}
		return byDefault
	}
	from, to := time.UnixMilli(number("startAt", 0)), time.UnixMilli(number("endAt", 0))
	if from.UnixMilli() == 0 || to.UnixMilli() == 0 {
		return refusal(r, 400, "bad-request", "Bad request")
	}
	var filter *regexp.Regexp
	if v, ok := strings.CutPrefix(q.Get("distinctId"), "re."); ok && !s.old {
		filter = regexp.MustCompile("(?i)" + v)
	}
	var found []*stored
	for _, e := range s.events {
		at := e.at
		if s.clickhouse && path == "/sessions" { // as they are summed up
			at = at.Truncate(time.Hour)
		}
		if !at.Before(from) && !at.After(to) && (filter == nil || filter.MatchString(s.sessions[e.session])) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b *stored) int { return b.at.Compare(a.at) })
	var rows []any
	switch path {
	case "/sessions":
		seen := map[string]bool{}
		for _, e := range found {
			if !seen[e.session+e.host] { // one row for each host
				seen[e.session+e.host] = true
				rows = append(rows, map[string]any{"id": e.session, "websiteId": testSite, "hostname": e.host, "lastAt": s.time(e.at), "createdAt": s.time(e.at)})
			}
		}
	case "/events":
		for _, e := range found {
			rows = append(rows, map[string]any{"id": e.id, "sessionId": e.session, "createdAt": s.time(e.at), "hostname": e.host, "urlPath": e.path, "urlQuery": e.query, "referrerDomain": e.refHost, "referrerPath": e.refPath,
				"referrerQuery": nil, "pageTitle": e.title, "eventType": e.kind, "eventName": e.name, "hasData": s.truth(len(e.data) > 0)})
		}
	case "/event-data":
		if s.noData {
			return refusal(r, 404, "not-found", "Not found")
		}
		for _, e := range found {
			if len(e.data) == 0 {
				continue
			}
			var properties []any
			for k, v := range e.data {
				p := map[string]any{"dataKey": k, "stringValue": nil, "numberValue": nil, "dateValue": nil}
				if n, ok := v.(float64); ok {
					p["numberValue"] = n
				} else {
					p["stringValue"] = v
				}
				properties = append(properties, p)
			}
			rows = append(rows, map[string]any{"eventId": e.id, "eventName": e.name, "eventProperties": properties})
		}
	default:
		return refusal(r, 404, "not-found", "Not found")
	}
	page, size := int(number("page", 1)), int(number("pageSize", 20))
	count := len(rows)
	rows = rows[min((page-1)*size, count):]
	rows = rows[:min(size, len(rows))]
	if rows == nil {
		rows = []any{}
	}
	var told any = count
	if s.clickhouse {
		told = strconv.Itoa(count)
	}
	return reply(r, 200, map[string]any{"data": rows, "count": told, "page": page, "pageSize": size})
}

func (s *standIn) time(t time.Time) string {
	if s.clickhouse {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}

func (s *standIn) truth(v bool) any {
	if s.clickhouse {
		if v {
			return 1
		}
		return 0
	}
	return v
}

func (s *standIn) source(change func(*Config)) *Source {
	s.t.Helper()
	o := Type.Settings().(*Config)
	o.WebsiteID, o.CallsPerSecond = testSite, 100
	if s.cloud {
		o.APIKey = connectors.NewSecret(testKey)
	} else {
		o.BaseURL, o.Username, o.Password = "https://stats.example.com/umami", "reader", connectors.NewSecret("hunter2hunter2")
	}
	if change != nil {
		change(o)
	}
	connectortest.NoProblem(s.t, o)
	src, err := o.open(connectors.Host{Name: "web", Poll: 5 * time.Minute, HTTP: s, Now: func() time.Time { return s.now }})
	if err != nil {
		s.t.Fatal(err)
	}
	return src
}
