package mixpanel

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// project stands in for Mixpanel: dates only, lines in no promised order, repeats, answers that are broken off with a note, profiles in pages of
// a session, and limits.
type project struct {
	t *testing.T

	*connectortest.Clock
	mu       sync.Mutex
	events   []map[string]any // as the export tells them; "in" is when they came in
	people   []map[string]any
	pageSize int
	fail     int // requests that are refused next, in a way that no attempt follows
	refuse   func(r *http.Request) (status int, body string, header http.Header)
	brokeOff int // answers that are broken off
	shuffled bool
	sessions map[string]bool
	exports  []string // days that were asked for
	queries  int
	calls    []time.Time
}

var today = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func newProject(t *testing.T) *project {
	return &project{t: t, Clock: connectortest.NewClock(today), pageSize: 2, sessions: map[string]bool{}}
}

// add has an event come in now. Every third one is told twice.
func (p *project) add(event string, at time.Time, properties map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	properties["time"] = at.UnixMilli()
	properties["mp_processing_time_ms"] = p.Now().UnixMilli()
	e := map[string]any{"event": event, "properties": properties}
	p.events = append(p.events, e)
	if len(p.events)%3 == 0 {
		p.events = append(p.events, e)
	}
}

func (p *project) view(n int, at time.Time) {
	p.add("$mp_web_page_view", at, map[string]any{"distinct_id": "u-17", "$user_id": "u-17", "$insert_id": fmt.Sprint("i", n), "$current_url": fmt.Sprint("https://one.example/", n)})
}

func (p *project) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Date", p.Now().Format(http.TimeFormat))
	p.calls = append(p.calls, time.Now())
	user, password, _ := r.BasicAuth()
	if user != "intentd.1.mp-service-account" || password != "service-secret" || r.URL.Query().Get("project_id") != "42" {
		connectortest.Reply(w, 401, `{"error": "Invalid service account credentials", "status": "error"}`, nil)
		return
	}
	if p.fail > 0 {
		p.fail--
		connectortest.Reply(w, 403, `{"error": "not now", "status": "error"}`, nil)
		return
	}
	if p.refuse != nil {
		if status, body, header := p.refuse(r); status != 0 {
			connectortest.Reply(w, status, body, header)
			return
		}
	}
	switch r.URL.Host + r.URL.Path {
	case "data-eu.mixpanel.com/api/2.0/export":
		p.export(w, r)
	case "eu.mixpanel.com/api/query/engage":
		p.engage(w, r)
	default:
		p.t.Errorf("asked at %s", r.URL)
		connectortest.Reply(w, 404, "not found", nil)
	}
}

func (p *project) export(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, to := q.Get("from_date"), q.Get("to_date")
	p.exports = append(p.exports, from+"/"+to)
	if to > p.Now().Format(time.DateOnly) {
		connectortest.Reply(w, 400, `{"error": "to_date cannot be later than today"}`, nil)
		return
	}
	if q.Get("time_in_ms") != "true" {
		p.t.Error("times were asked for in seconds")
	}
	var lines []string
	for _, e := range p.events {
		at := time.UnixMilli(e["properties"].(map[string]any)["time"].(int64)).UTC().Format(time.DateOnly)
		if at >= from && at <= to {
			b, _ := json.Marshal(e)
			lines = append(lines, string(b)+"\n")
		}
	}
	if p.shuffled {
		slices.Reverse(lines)
	}
	w.Header().Set("Content-Type", "text/plain")
	if p.brokeOff > 0 {
		p.brokeOff--
		fmt.Fprint(w, strings.Join(lines[:len(lines)/2], "")+"terminated early\n")
		return
	}
	fmt.Fprint(w, strings.Join(lines, ""))
}

func (p *project) engage(w http.ResponseWriter, r *http.Request) {
	p.queries++
	_ = r.ParseForm()
	if r.PostForm.Get("where") != `defined(properties["$email"])` {
		p.t.Errorf("profiles by %q", r.PostForm.Get("where"))
	}
	session, page := r.PostForm.Get("session_id"), 0
	if session == "" {
		session = fmt.Sprint("s", len(p.sessions)+1)
		p.sessions[session] = true
	} else if page, _ = strconv.Atoi(r.PostForm.Get("page")); !p.sessions[session] {
		connectortest.Reply(w, 400, `{"error": "session expired", "status": "error"}`, nil)
		return
	}
	from := min(page*p.pageSize, len(p.people))
	b, _ := json.Marshal(map[string]any{"status": "ok", "page": page, "page_size": p.pageSize, "session_id": session, "total": len(p.people), "results": p.people[from:min(from+p.pageSize, len(p.people))]})
	connectortest.Reply(w, 200, string(b), nil)
}

// person has a profile that was seen last at a time.
func (p *project) person(id any, email string, seen time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	properties := map[string]any{"$email": email}
	if !seen.IsZero() {
		properties["$last_seen"] = seen.Format("2006-01-02T15:04:05")
	}
	p.people = append(p.people, map[string]any{"$distinct_id": id, "$properties": properties})
}

// settings are those of a source that reads from the stand-in.
func settings() *Config {
	o := Type.Settings().(*Config)
	o.ProjectID, o.Username, o.Secret, o.Region = "42", "intentd.1.mp-service-account", connectors.NewSecret("service-secret"), "eu"
	return o
}

func (p *project) feed(t *testing.T, o *Config, page int) *Feed {
	t.Helper()
	connectortest.NoProblem(t, o)
	o.TempDir = t.TempDir()
	f, err := o.open(connectors.Host{Name: "product", HTTP: connectortest.Wire(p.serve), Now: p.Now, Poll: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	f.most = cmp.Or(page, f.most)
	f.pace.SetLimit(1e6) // the tests have no time to wait
	return f
}
