package mixpanel

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

// Promise: what every feed promises, as far as an export by dates can keep it: what happened within the days that are read again is told
// whenever it comes in.
func TestFeed(t *testing.T) {
	connectortest.Feed(t, func(t *testing.T) connectortest.FeedHarness {
		p := newProject(t)
		o := settings()
		o.Reread, o.Profiles = 30*day, false
		open := func(t *testing.T) *Feed {
			f := p.feed(t, o, 20)
			f.deep = 0
			return f
		}
		return connectortest.FeedHarness{
			Feed: open(t), Now: today, Page: 20, Lookback: true, Precision: time.Millisecond,
			Add: func(t *testing.T, events ...connectors.Event) {
				p.Later(time.Minute)
				for _, e := range events {
					p.add(e.Kind, e.Time, map[string]any{"distinct_id": "u-" + e.ID, "$user_id": "u-" + e.ID, "$insert_id": e.ID, "$email": e.Email, "$current_url": e.URL, "current_page_title": e.PageTitle})
				}
			},
			Reopen: func(t *testing.T) connectors.Feed { return open(t) },
			Fail:   func(n int) { p.fail = n },
		}
	})
}

// drain takes until there is no more.
func drain(t *testing.T, f *Feed, from connectors.Cursor) (events []connectors.Event, next connectors.Cursor) {
	t.Helper()
	for range 1000 {
		page, err := f.Take(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, page.Items...)
		if from = page.Next; !page.More {
			return events, from
		}
	}
	t.Fatal("it does not come to an end")
	return nil, nil
}

func paths(events []connectors.Event) (out []string) {
	for _, e := range events {
		out = append(out, strings.TrimPrefix(e.URL, "https://one.example"))
	}
	slices.Sort(out)
	return out
}

// Promise: the last days are read again, what was told of them is not told again, and repeats of the export have one id.
func TestDaysAreReadAgain(t *testing.T) {
	p := newProject(t)
	o := settings()
	o.Profiles = false
	f := p.feed(t, o, 0)
	p.view(1, today.Add(-60*day))
	p.view(2, today.Add(-3*day))
	p.view(3, today.Add(-time.Hour)) // told twice
	p.Later(slack + time.Hour)
	events, at := drain(t, f, nil)
	if got := paths(events); !slices.Equal(got, []string{"/1", "/2", "/3", "/3"}) || events[2].ID != events[3].ID {
		t.Fatalf("got %q", got)
	}
	if n := len(p.exports); n > 9 {
		t.Errorf("%d calls for 90 quiet days: %v", n, p.exports)
	}

	p.Later(5 * time.Hour)
	p.view(4, today.Add(-2*day)) // late
	p.view(5, today.Add(11*time.Hour))
	p.Later(slack + time.Hour)
	events, at = drain(t, f, at)
	if got := slices.Compact(paths(events)); !slices.Equal(got, []string{"/5"}) {
		t.Errorf("a shallow pass told %q", got)
	}
	p.Later(13 * time.Hour)
	events, at = drain(t, f, at)
	if got := paths(events); !slices.Contains(got, "/4") || slices.Contains(got, "/2") || slices.Contains(got, "/1") {
		t.Errorf("a deep pass told %q", got)
	}
	in, err := f.Intake(at)
	if err != nil || in.LeftOut[connectors.LeftOutRepeated] < 2 || in.Read != in.LeftOut[connectors.LeftOutRepeated]+9 {
		t.Errorf("%+v, %v", in, err)
	}

	p.Later(9 * day) // nobody polled
	p.view(6, today.Add(5*day))
	if events, _ = drain(t, f, at); !slices.Contains(paths(events), "/6") {
		t.Errorf("after an outage %q", paths(events))
	}
}

// Promise: one event is one by name, person, time and $insert_id together.
func TestIdentity(t *testing.T) {
	f := newProject(t).feed(t, settings(), 0)
	id := func(name, who string, at int, insert string) string {
		var e connectors.Event
		if why := f.event(fmt.Sprintf(`{"event":%q,"properties":{"distinct_id":%q,"time":%d,"$insert_id":%q}}`, name, who, at, insert), &e); why != "" {
			t.Fatal(why)
		}
		return e.ID
	}
	same := id("A", "u1", 1764000000123, "i")
	if id("A", "u1", 1764000000123, "i") != same {
		t.Error("the id is not stable")
	}
	for _, other := range []string{id("B", "u1", 1764000000123, "i"), id("A", "u2", 1764000000123, "i"), id("A", "u1", 1764000000124, "i"), id("A", "u1", 1764000000123, "j")} {
		if other == same {
			t.Error("two events have one id")
		}
	}
}

// Promise: an answer that was broken off is not taken for a whole one, and one whose lines come in another order after a restart loses nothing.
func TestBrokenOffAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProject(t)
		o := settings()
		o.Profiles, o.Back = false, day
		for n := range 9 {
			p.view(n, today.Add(-time.Duration(n)*time.Minute))
		}
		p.brokeOff = 2
		events, _ := drain(t, p.feed(t, o, 0), nil)
		if got := slices.Compact(paths(events)); len(got) != 9 {
			t.Errorf("after two answers that were broken off: %q", got)
		}
		p.brokeOff = 100
		if _, err := p.feed(t, o, 0).Take(t.Context(), nil); connectors.KindOf(err) != connectors.Transient {
			t.Errorf("%v", err)
		}
		p.brokeOff = 0

		page, err := p.feed(t, o, 4).Take(t.Context(), nil)
		for err == nil && len(page.Items) == 0 && page.More {
			page, err = p.feed(t, o, 4).Take(t.Context(), page.Next)
		}
		if err != nil || len(page.Items) != 4 || !page.More {
			t.Fatalf("%d events, %v", len(page.Items), err)
		}
		p.shuffled = true
		rest, _ := drain(t, p.feed(t, o, 4), page.Next)
		if got := slices.Compact(paths(append(page.Items, rest...))); len(got) != 9 {
			t.Errorf("in another order: %q", got)
		}
	})
}

// Promise: profiles tell whose address it is, once a day, those seen since the last time; a list that is not kept any more begins anew.
func TestProfiles(t *testing.T) {
	p := newProject(t)
	f := p.feed(t, settings(), 0)
	p.person("u-1", "ada@one.example", today.Add(-40*day))
	p.person(7, "bob@two.example", today.Add(-day))
	p.person("$device:d-3", "eve@three.example", time.Time{})
	p.person("u-4", "no address", today)
	p.person("u-5", "dan@five.example", today)
	events, at := drain(t, f, nil)
	got := func() (out []string) {
		for _, e := range events {
			out = append(out, fmt.Sprintf("%s %s/%s/%s %s", e.Kind, e.Email, e.UserID, e.AnonymousID, e.Time.Format(time.DateOnly)))
		}
		return out
	}
	want := []string{"$identify ada@one.example/u-1/ 2026-10-20", "$identify bob@two.example/7/ 2026-11-28", "$identify eve@three.example//d-3 2026-11-29", "$identify dan@five.example/u-5/ 2026-11-29"}
	if !slices.Equal(got(), want) {
		t.Errorf("got %q, want %q", got(), want)
	}
	if in, _ := f.Intake(at); in.LeftOut[leftOutProfile] != 1 {
		t.Errorf("%v", in.LeftOut)
	}
	asked := p.queries
	p.Later(time.Hour)
	if events, at = drain(t, f, at); len(events) > 0 || p.queries != asked {
		t.Errorf("profiles were read twice in an hour: %q", got())
	}
	p.Later(day)
	p.person("u-6", "fay@six.example", p.Now())
	page, err := f.Take(t.Context(), at) // events, then the first profiles
	for err == nil && page.More && p.queries == asked {
		page, err = f.Take(t.Context(), page.Next)
	}
	if err != nil {
		t.Fatal(err)
	}
	clear(p.sessions)
	p.Later(time.Hour)
	again, at := drain(t, f, page.Next)
	more, _ := drain(t, f, at)
	events = slices.Concat(page.Items, again, more)
	if all := strings.Join(got(), "; "); !strings.Contains(all, "fay@six.example") || strings.Contains(all, "ada@one.example") {
		t.Errorf("the next day: %s", all)
	}
}

// Promise: a long list of profiles does not hold up events, nor use up the hour's queries.
func TestManyProfiles(t *testing.T) {
	p := newProject(t)
	f := p.feed(t, settings(), 0)
	for n := range 100 {
		p.person(fmt.Sprint("u", n), fmt.Sprintf("p%d@one.example", n), today)
	}
	events, at := drain(t, f, nil)
	if len(events) != 60 || p.queries != profilePages {
		t.Fatalf("%d profiles by %d queries", len(events), p.queries)
	}
	p.Later(time.Hour)
	p.view(1, p.Now())
	events, _ = drain(t, f, at)
	if got := paths(events); !slices.Contains(got, "/1") || len(events) != 41 {
		t.Errorf("%d events and profiles", len(events))
	}
}

// Promise: an hour of queries that is used up holds up profiles alone.
func TestUsedUpQueriesHoldUpNoEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProject(t)
		f := p.feed(t, settings(), 0)
		for n := range 300 {
			p.person(fmt.Sprint("u", n), fmt.Sprintf("p%d@one.example", n), today)
		}
		var at connectors.Cursor
		for n := range 4 { // in one hour
			p.Later(10 * time.Minute)
			time.Sleep(10 * time.Minute)
			p.view(n, p.Now())
			events, next := drain(t, f, at)
			if got := paths(events); !slices.Contains(got, fmt.Sprint("/", n)) {
				t.Fatalf("poll %d told %d events and profiles, and not what is new", n, len(got))
			}
			at = next
		}
		if p.queries != 60 {
			t.Errorf("%d queries in an hour", p.queries)
		}
	})
}

// Promise: what Mixpanel's own client sends is read as it was meant.
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
		e["properties"].(map[string]any)["time"] = int64(e["properties"].(map[string]any)["time"].(float64))
		p.events = append(p.events, e)
	}
	o := settings()
	o.Profiles = false
	events, _ := drain(t, p.feed(t, o, 0), nil)
	var got []string
	for _, e := range events {
		kind, _ := connectors.EventKind(e.Kind)
		got = append(got, fmt.Sprintf("%s %s %s/%s %s", e.Time.Format("15:04:05"), kind, e.UserID, e.AnonymousID, e.URL))
	}
	want := []string{"10:00:00 demo_request u-17/d-17 ", "10:00:01 plan_compared u-17/ ", "10:00:02 page_view /d-18 https://www.one.example/pricing?plan=pro", "10:00:03 identify u-17/d-17 "}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Promise: the clock of a project made before 2023 is that of its own zone, in dates and in times.
func TestTimezone(t *testing.T) {
	p := newProject(t)
	p.Clock = connectortest.NewClock(time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)) // still the 28th there
	o := settings()
	o.Profiles, o.Timezone, o.Back = false, "US/Pacific", day
	p.view(1, time.Date(2026, 11, 28, 18, 30, 0, 0, time.UTC))
	events, _ := drain(t, p.feed(t, o, 0), nil)
	if len(events) != 1 || !events[0].Time.Equal(time.Date(2026, 11, 29, 2, 30, 0, 0, time.UTC)) {
		t.Errorf("%+v", events)
	}
	if last := p.exports[len(p.exports)-1]; !strings.HasSuffix(last, "/2026-11-28") {
		t.Errorf("asked for %s", p.exports)
	}
}

// Promise: a limit is waited out within the call where it is short, and stops the source until then where it is long or untold. 60 calls in an
// hour and 3 in a second are not exceeded.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProject(t)
		o := settings()
		o.Profiles, o.Back = false, day
		f := p.feed(t, o, 0)
		f.pace.SetLimit(callsPerSecond)
		refused := 0
		p.refuse = func(*http.Request) (int, string, http.Header) {
			if refused++; refused == 1 {
				return 429, `{"error": "Query rate limit exceeded"}`, http.Header{"Retry-After": {"20"}}
			}
			return 0, "", nil
		}
		began := time.Now()
		if _, _ = drain(t, f, nil); time.Since(began) < 20*time.Second {
			t.Errorf("waited %s", time.Since(began))
		}
		p.refuse = func(*http.Request) (int, string, http.Header) {
			return 429, `{"error": "Query rate limit exceeded"}`, nil
		}
		_, err := p.feed(t, o, 0).Take(t.Context(), nil)
		if until := connectors.Until(err); connectors.KindOf(err) != connectors.Quota || until.Sub(p.Now()) != limitWait {
			t.Errorf("%v (%v)", err, connectors.KindOf(err))
		}
		p.refuse = nil
		p.calls = nil
		var at connectors.Cursor
		waited := 0
		for len(p.calls) < 70 {
			p.Later(time.Second)
			page, err := f.Take(t.Context(), at)
			if connectors.KindOf(err) == connectors.Quota { // as the host does
				waited++
				wait := connectors.Until(err).Sub(p.Now())
				p.Later(wait)
				time.Sleep(wait)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			at = page.Next
		}
		if waited == 0 {
			t.Error("the hour's calls did not run out")
		}
		for i := range p.calls {
			if i >= 3 && p.calls[i].Sub(p.calls[i-3]) < time.Second-50*time.Millisecond {
				t.Fatalf("calls %d to %d are %s apart", i-3, i, p.calls[i].Sub(p.calls[i-3]))
			}
			if i >= 60 && p.calls[i].Sub(p.calls[i-60]) < time.Hour {
				t.Fatalf("61 calls in %s", p.calls[i].Sub(p.calls[i-60]))
			}
		}
	})
}

// Promise: each refusal is of the kind that stops or repeats, says what to do, and holds no secret.
func TestRefusals(t *testing.T) {
	for status, c := range map[int]struct {
		kind connectors.Kind
		fix  string
	}{
		400: {connectors.Config, "timezone"}, 401: {connectors.Auth, "service account"}, 402: {connectors.Config, "plan"}, 403: {connectors.Auth, "service account"}, 404: {connectors.Config, "region"},
	} {
		p := newProject(t)
		f := p.feed(t, settings(), 0)
		p.refuse = func(*http.Request) (int, string, http.Header) {
			return status, `{"error": "no, service-secret", "status": "error"}`, nil
		}
		_, err := f.Take(t.Context(), nil)
		if connectors.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.fix) || strings.Contains(err.Error(), "service-secret") {
			t.Errorf("%d: %v (%v)", status, err, connectors.KindOf(err))
		}
		found := f.Probe(t.Context())
		if len(found) != 1 || found[0].Code != "mixpanel.export" || !strings.Contains(found[0].Fix, c.fix) || f.Report().LastError == "" {
			t.Errorf("%d: %+v", status, found)
		}
	}
}

func TestProbe(t *testing.T) {
	p := newProject(t)
	f := p.feed(t, settings(), 0)
	if found := f.Probe(t.Context()); found[0].Code != "mixpanel.empty" {
		t.Errorf("%+v", found)
	}
	p.view(1, today.Add(-day))
	if found := f.Probe(t.Context()); found[0].Code != "mixpanel.ok" || !strings.Contains(found[0].Message, "27 calls a day") {
		t.Errorf("%+v", found)
	}
	p.refuse = func(r *http.Request) (int, string, http.Header) {
		if strings.HasSuffix(r.URL.Path, "/engage") {
			return 403, `{"error": "no"}`, nil
		}
		return 0, "", nil
	}
	if found := f.Probe(t.Context()); found[0].Code != "mixpanel.profiles" || !strings.Contains(found[0].Fix, "profiles: false") {
		t.Errorf("%+v", found)
	}
}

// Promise: nothing of an export is left on disk.
func TestNothingIsLeftOnDisk(t *testing.T) {
	p := newProject(t)
	o := settings()
	o.Profiles = false
	f := p.feed(t, o, 1)
	p.view(1, today.Add(-90*day))
	p.view(2, today.Add(-90*day))
	if page, err := f.Take(t.Context(), nil); err != nil || !page.More || len(page.Items) != 1 {
		t.Fatalf("%d events, %v", len(page.Items), err)
	}
	if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// Promise: each mistake in the configuration is told at its key with what to do.
func TestCheck(t *testing.T) {
	for key, spoil := range map[string]func(o *Config){
		"project_id": func(o *Config) { o.ProjectID = "" }, "username": func(o *Config) { o.Username = "" }, "secret": func(o *Config) { o.Secret = connectors.Secret{} },
		"region": func(o *Config) { o.Region = "EU" }, "base_url": func(o *Config) { o.BaseURL = "http://data.example.com" }, "timezone": func(o *Config) { o.Timezone = "Pacific" },
		"back": func(o *Config) { o.Back = 0 }, "reread": func(o *Config) { o.Reread = 31 * day }, "temp_dir": func(o *Config) { o.TempDir = "/nowhere/at/all" },
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
		reason := f.event(line, &e)
		kind, known := connectors.EventKind(e.Kind)
		got = append(got, fmt.Sprintf("%s %v %s %q %s %s/%s%s", kind, known, strings.TrimPrefix(e.URL, "https://www.one.example"), e.PageTitle+e.ElementText, e.Properties[connectors.PropForm], e.UserID, e.AnonymousID[:4], reason))
	}
	want := []string{
		`page_view true /pricing?plan=pro "Prices – größe"  /e19e`,
		`click true /pricing?plan=pro "Ask for a demo"  /e19e`,
		`form_start true /pricing?plan=pro ""  /e19e`,
		`form_submit true /pricing?plan=pro "" Contact sales /e19e`,
		`click true /pricing?plan=pro "The price guide"  /e19e`,
		`scroll true /pricing?plan=pro ""  /e19e`,
		`identify true /pricing?plan=pro ""  u-17/e19e`,
		`plan_compared false /pricing?plan=pro ""  u-17/e19e`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
