package amplitude

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// Promise: what every feed promises.
func TestFeed(t *testing.T) {
	connectortest.Feed(t, func(t *testing.T) connectortest.FeedHarness {
		p := newProject(t)
		o := settings()
		o.Reread, o.Back = 0, 4*day
		return connectortest.FeedHarness{
			Feed: p.feed(t, o, 20), Now: today, Page: 20,
			Add: func(t *testing.T, events ...connectors.Event) {
				for _, e := range events {
					p.upload(map[string]any{"event_type": e.Kind, "$insert_id": e.ID, "device_id": "d-" + e.ID, "event_time": e.Time.Format(timeForm), "session_id": -1,
						"event_properties": map[string]any{"[Amplitude] Page URL": e.URL, "[Amplitude] Page Title": e.PageTitle}, "user_properties": map[string]any{"email": e.Email}})
				}
				p.Later(4 * time.Hour)
			},
			Reopen: func(t *testing.T) connectors.Feed { return p.feed(t, o, 20) },
			Fail:   func(n int) { p.fail = n },
		}
	})
}

// drain takes until there is no more.
func drain(t *testing.T, f *Feed, from connectors.Cursor) (paths []string, next connectors.Cursor) {
	t.Helper()
	for range 1000 {
		page, err := f.Take(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Items {
			paths = append(paths, strings.TrimPrefix(e.URL, "https://one.example"))
		}
		if from = page.Next; !page.More {
			slices.Sort(paths)
			return paths, from
		}
	}
	t.Fatal("it does not come to an end")
	return nil, nil
}

// Promise: an hour is read once it is closed, not before and not twice; one that was loaded late is found by the next day's reading.
func TestHours(t *testing.T) {
	p := newProject(t)
	o := settings()
	o.Back = 2 * day
	f := p.feed(t, o, 0)
	p.view(1)
	got, at := drain(t, f, nil)
	if len(got) > 0 {
		t.Errorf("%q was told before its hour was over", got)
	}
	p.Later(2 * time.Hour)
	p.view(2)
	if got, at = drain(t, f, at); len(got) > 0 {
		t.Errorf("%q was told before it was ready", got)
	}
	p.Later(2 * time.Hour)
	if got, at = drain(t, f, at); !slices.Equal(got, []string{"/1"}) {
		t.Errorf("got %q", got)
	}
	before := len(p.asked)
	if got, at = drain(t, f, at); len(got) > 0 || len(p.asked) != before {
		t.Errorf("within the same hour: %q, %v", got, p.asked[before:])
	}
	p.Later(time.Hour)
	p.view(3)
	p.late[p.Now().Format(hourForm)] = true
	p.Later(4 * time.Hour)
	if got, at = drain(t, f, at); !slices.Equal(got, []string{"/2"}) {
		t.Errorf("got %q", got)
	}
	clear(p.late)
	p.Later(time.Hour)
	if got, at = drain(t, f, at); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	p.Later(20 * time.Hour)
	if got, _ = drain(t, f, at); !slices.Contains(got, "/3") {
		t.Errorf("what was loaded late is lost: %q", got)
	}
}

// Promise: a range that is too large or takes too long is asked for by halves, until one hour is too large by itself.
func TestRangesAreHalved(t *testing.T) {
	p := newProject(t)
	o := settings()
	o.Back, o.Reread = 3*day, 0
	p.Later(-2 * day)
	for n := range 40 {
		p.view(n)
		p.Later(time.Hour)
	}
	p.Later(8 * time.Hour)
	p.most = 3
	timedOut := 0
	p.refuse = func(r *http.Request) (int, string, http.Header) {
		if timedOut == 0 && r.URL.Query().Get("start") != r.URL.Query().Get("end") {
			timedOut++
			return 504, "<html>gateway timeout</html>", http.Header{"Content-Type": {"text/html"}}
		}
		return 0, "", nil
	}
	f := p.feed(t, o, 0)
	if got, _ := drain(t, f, nil); len(got) != 40 || timedOut != 1 {
		t.Errorf("%d events, %d time-outs", len(got), timedOut)
	}
	p.most = 0
	p.refuse = func(*http.Request) (int, string, http.Header) {
		return 400, "Requested data is too large, export less data.", nil
	}
	if _, err := p.feed(t, o, 0).Take(t.Context(), nil); connectors.KindOf(err) != connectors.Config || !strings.Contains(err.Error(), "S3") {
		t.Errorf("%v", err)
	}
}

// Promise: a quiet project costs few calls.
func TestQuietProjectCostsFewCalls(t *testing.T) {
	p := newProject(t)
	_, at := drain(t, p.feed(t, settings(), 0), nil)
	if n := len(p.asked); n > 20 {
		t.Errorf("%d calls for 90 days without events", n)
	}
	f := p.feed(t, settings(), 0)
	before := len(p.asked)
	for range 24 {
		p.Later(time.Hour)
		_, at = drain(t, f, at)
	}
	if n := len(p.asked) - before; n > 26 {
		t.Errorf("%d calls a day", n)
	}
}

// Promise: a damaged file costs no other one and is counted once; an answer that is no whole zip is asked for again.
func TestDamagedAnswers(t *testing.T) {
	p := newProject(t)
	o := settings()
	o.Back, o.Reread = day, 0
	for n := range 20 {
		p.view(n)
	}
	p.Later(4 * time.Hour)
	p.spoil = func(name string, packed []byte) []byte {
		if strings.Contains(name, "#1") {
			return packed[:20]
		}
		return packed
	}
	var got []string
	var at connectors.Cursor
	for more := true; more; { // every page by another process
		page, err := p.feed(t, o, 4).Take(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Items {
			got = append(got, e.URL)
		}
		at, more = page.Next, page.More
	}
	in, _ := p.feed(t, o, 0).Intake(at)
	if len(got) != 13 || in.Unreadable[reasonDamaged] != 1 || !strings.Contains(in.Examples[0].Where, "#1") {
		t.Errorf("%d events, %+v", len(got), in)
	}
	p.spoil = nil
	p.refuse = func(*http.Request) (int, string, http.Header) { return 200, "PK\x03\x04 cut", nil }
	if _, err := p.feed(t, o, 0).Take(t.Context(), nil); connectors.KindOf(err) != connectors.Transient {
		t.Errorf("%v (%v)", err, connectors.KindOf(err))
	}
}

// Promise: what Amplitude's own client sends is read as it was meant.
func TestClientsEvents(t *testing.T) {
	b, err := os.ReadFile("testdata/export.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	p := newProject(t)
	for line := range strings.Lines(string(b)) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		p.upload(e)
	}
	p.Later(4 * time.Hour)
	o := settings()
	o.Back = day
	f := p.feed(t, o, 0)
	var got []string
	for page := (connectors.Page[connectors.Event]{More: true}); page.More; {
		if page, err = f.Take(t.Context(), page.Next); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Items {
			kind, _ := connectors.EventKind(e.Kind)
			got = append(got, fmt.Sprintf("%s %s %s/%s/%s %s %s", e.Time.Format("15:04:05"), kind, e.Email, e.UserID, e.AnonymousID, e.URL, e.Properties[connectors.PropForm]))
			if e.ID == "" || e.Source != "app" || e.Received.IsZero() {
				t.Errorf("%+v", e)
			}
		}
	}
	want := []string{"10:00:00 demo_request /u-17/d-17  demo", "10:00:01 page_view //d-18 https://www.one.example/pricing?plan=pro ", "10:00:02 identify ada@one.example/u-17/d-17  "}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Promise: a limit is waited out within the call where it is short, and stops the source until then where it is long or untold.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProject(t)
		o := settings()
		o.Back, o.Reread = day, 0
		p.view(1)
		p.Later(4 * time.Hour)
		f := p.feed(t, o, 0)
		refused := 0
		p.refuse = func(*http.Request) (int, string, http.Header) {
			if refused++; refused == 1 {
				return 429, "Too many requests", http.Header{"Retry-After": {"20"}}
			}
			return 0, "", nil
		}
		began := time.Now()
		if got, _ := drain(t, f, nil); !slices.Equal(got, []string{"/1"}) || time.Since(began) < 20*time.Second {
			t.Errorf("%q after %s", got, time.Since(began))
		}
		p.refuse = func(*http.Request) (int, string, http.Header) { return 429, "Too many requests", nil }
		_, err := p.feed(t, o, 0).Take(t.Context(), nil)
		if until := connectors.Until(err); connectors.KindOf(err) != connectors.Quota || until.Sub(p.Now()) != limitWait {
			t.Errorf("%v (%v)", err, connectors.KindOf(err))
		}
	})
}

func TestProbe(t *testing.T) {
	p := newProject(t)
	f := p.feed(t, settings(), 0)
	if found := f.Probe(t.Context()); found[0].Code != "amplitude.empty" {
		t.Errorf("%+v", found)
	}
	p.Later(-3 * time.Hour)
	p.view(1)
	p.Later(3 * time.Hour)
	if found := f.Probe(t.Context()); found[0].Code != "amplitude.ok" || !strings.Contains(found[0].Message, "26 calls a day") {
		t.Errorf("%+v", found)
	}
	o := settings()
	o.SecretKey = connectors.NewSecret("another-secret")
	f = p.feed(t, o, 0)
	found := f.Probe(t.Context())
	if found[0].Code != "amplitude.export" || !strings.Contains(found[0].Message, "Incorrect API Key") || !strings.Contains(found[0].Fix, "secret_key") || strings.Contains(found[0].Message, "another-secret") {
		t.Errorf("%+v", found)
	}
	if _, err := f.Take(t.Context(), nil); connectors.KindOf(err) != connectors.Auth || f.Report().LastError == "" {
		t.Errorf("%v", err)
	}
}

// Promise: nothing of an export is left on disk.
func TestNothingIsLeftOnDisk(t *testing.T) {
	p := newProject(t)
	o := settings()
	o.Back, o.Reread = 4*time.Hour, 0
	p.view(1)
	p.view(2)
	p.Later(4 * time.Hour)
	f := p.feed(t, o, 1)
	var at connectors.Cursor
	for f.answer.Answer == nil {
		page, err := f.Take(t.Context(), at)
		if err != nil || !page.More {
			t.Fatal(err)
		}
		at = page.Next
	}
	if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// Promise: each mistake in the configuration is told at its key with what to do.
func TestCheck(t *testing.T) {
	for key, spoil := range map[string]func(o *Config){
		"api_key": func(o *Config) { o.APIKey = "" }, "secret_key": func(o *Config) { o.SecretKey = connectors.Secret{} }, "region": func(o *Config) { o.Region = "in" },
		"base_url": func(o *Config) { o.BaseURL = "amplitude.com" }, "back": func(o *Config) { o.Back = 400 * day }, "settle": func(o *Config) { o.Settle = time.Hour },
		"reread": func(o *Config) { o.Reread = -1 }, "temp_dir": func(o *Config) { o.TempDir = "/nowhere/at/all" },
	} {
		o := settings()
		spoil(o)
		connectortest.OneProblem(t, o, key)
	}
}

// Promise: what autocapture records in a browser is read as it was meant.
func TestAutocapture(t *testing.T) {
	b, err := os.ReadFile("testdata/autocapture.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	f := newProject(t).feed(t, settings(), 0)
	var got []string
	for line := range strings.Lines(string(b)) {
		var e connectors.Event
		reason := f.lines.Event(line, &e)
		kind, known := connectors.EventKind(e.Kind)
		got = append(got, fmt.Sprintf("%s %v %s %q %s %s/%s%s", kind, known, strings.TrimPrefix(e.URL, "https://www.one.example"), e.PageTitle+e.ElementText, e.Properties[connectors.PropForm], e.UserID, e.AnonymousID[:4], reason))
	}
	want := []string{
		`visit true /pricing?plan=pro "Prices – größe"  /817b`,
		`identify true  ""  /817b`,
		`page_view true /pricing?plan=pro "Prices – größe"  /817b`,
		`tracker true /pricing?plan=pro "Prices – größe"  /817b`,
		`click true /pricing?plan=pro "Prices – größeAsk for a demo"  u-17/817b`,
		`click true /pricing?plan=pro "Prices – größeAsk for a demo"  /817b`,
		`form_start true /pricing?plan=pro "Prices – größe"  /817b`,
		`form_start true /pricing?plan=pro "Prices – größe" Contact sales /817b`,
		`form_submit true /pricing?plan=pro "Prices – größe" Contact sales /817b`,
		`click true /pricing?plan=pro "Prices – größeThe price guide"  /817b`,
		`download true /pricing?plan=pro "Prices – größe"  /817b`,
		`identify true  ""  u-17/817b`,
		`plan_compared false /pricing?plan=pro "Prices – größe"  u-17/817b`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
