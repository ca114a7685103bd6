package umami

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/internal/asked"
)

var month = connectors.Window{From: testNow.AddDate(0, 0, -30), To: testNow.Add(time.Hour)}

func read(t *testing.T, s *Source, people ...connectors.Person) []connectors.Event {
	t.Helper()
	return connectortest.Journeys(t, s, month, people...)
}

// active reads to the end who was active.
func active(t *testing.T, s *Source, from connectors.Cursor) (told []string, next connectors.Cursor) {
	t.Helper()
	people, next := connectortest.Drain(t, s, from)
	for _, who := range people {
		told = append(told, strings.Join(slices.Concat(who.Emails, who.UserIDs), " "))
	}
	return told, next
}

func view(who, url string, ago time.Duration) payload {
	return payload{ID: who, Hostname: "www.example.com", URL: url, Title: "Page " + url, Timestamp: testNow.Add(-ago).UnixMilli()}
}

var ann = connectors.Person{Key: "ann", Emails: []string{"ann@example.com"}}

// testdata/wire.json is what Umami's own client sent to a recorder: testdata/README.md.
func TestWhatUmamisClientSendsIsUnderstood(t *testing.T) {
	b, err := os.ReadFile("testdata/wire.json")
	if err != nil {
		t.Fatal(err)
	}
	var sent []struct {
		Body struct {
			Type    string  `json:"type"`
			Payload payload `json:"payload"`
		} `json:"body"`
	}
	if err := json.Unmarshal(b, &sent); err != nil {
		t.Fatal(err)
	}
	s := newStandIn(t)
	for i, one := range sent {
		if one.Body.Type == "event" {
			p := one.Body.Payload
			p.ID, p.Timestamp = "Ann@example.com", testNow.Add(time.Duration(i-10)*time.Minute).UnixMilli() // the tracker puts its id to each, the server the time
			s.send(p, "")
		}
	}
	var got []string
	for _, e := range read(t, s.source(nil), ann) {
		if e.Person != "ann" || e.Email != "Ann@example.com" || e.Session != "" {
			t.Errorf("%+v", e)
		}
		got = append(got, fmt.Sprintf("%s %q %q from %q %v", e.Kind, e.URL, e.PageTitle, e.Referrer, e.Properties))
	}
	want := []string{
		`form-submit "https://www.example.com/contact" "Contact" from "" map[form:contact-sales]`,
		`Demo requested "" "" from "" map[plan:pro seats:25]`,
		`page_view "https://www.example.com/prices?plan=pro&utm_source=mail" "Prices – all plans" from "https://www.google.com/" map[]`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Whose a session is, is asked for once; who is not active is not told again.
func TestEverySessionIsAskedAboutOnce(t *testing.T) {
	s := newStandIn(t)
	for i := range 250 { // some pages of them
		s.send(view(fmt.Sprintf("p%03d@example.com", i), "/1", time.Duration(i)*time.Minute), "")
	}
	s.send(view("", "/anonymous", time.Minute), "")
	src := s.source(nil)
	told, next := active(t, src, nil)
	if len(told) != 250 || s.calls["session"] != 250 {
		t.Errorf("%d people told, %d sessions asked about, want 250 of each", len(told), s.calls["session"])
	}
	if told, next = active(t, src, next); len(told) > 0 {
		t.Errorf("%d were told again", len(told))
	}
	s.now = testNow.Add(5 * time.Minute)
	p := view("p007@example.com", "/2", 0)
	p.Timestamp = s.now.Add(-time.Minute).UnixMilli()
	s.send(p, "")
	if told, _ = active(t, src, next); !slices.Equal(told, []string{"p007@example.com"}) || s.calls["session"] != 250 {
		t.Errorf("told %q, %d sessions asked about", told, s.calls["session"])
	}
}

// Umami on ClickHouse lists sessions by whole hours: a poll within one misses none of it.
func TestAnHourIsReadWhole(t *testing.T) {
	s := newStandIn(t)
	s.clickhouse = true
	src := s.source(func(o *Config) { o.Lookback = time.Minute })
	s.now = testNow.Add(20 * time.Minute)
	s.send(view("ann@example.com", "/1", -10*time.Minute), "")
	_, next := active(t, src, nil)
	s.now = testNow.Add(25 * time.Minute)
	s.send(view("bob@example.com", "/1", -22*time.Minute), "")
	if told, _ := active(t, src, next); !slices.Equal(told, []string{"bob@example.com"}) {
		t.Errorf("told %q, want bob", told)
	}
}

func TestATokenThatEndsIsRenewed(t *testing.T) {
	s := newStandIn(t)
	src := s.source(nil)
	s.send(view("ann@example.com", "/1", time.Hour), "")
	_ = read(t, src, ann)
	s.token = "of another start of Umami's"
	if n := len(read(t, src, ann)); n != 1 || s.logins != 2 {
		t.Errorf("%d events after %d sign-ins, want 1 after 2", n, s.logins)
	}
}

func TestTheServiceTakesAKey(t *testing.T) {
	s := newStandIn(t)
	s.cloud = true
	s.send(view("ann@example.com", "/1", time.Hour), "")
	if n := len(read(t, s.source(nil), ann)); n != 1 || s.logins != 0 {
		t.Errorf("%d events, %d sign-ins", n, s.logins)
	}
}

// A version that does not know the filter would answer with everybody's events.
func TestAVersionThatDoesNotFilterIsNotAsked(t *testing.T) {
	s := newStandIn(t)
	s.old = true
	s.send(view("ann@example.com", "/1", time.Hour), "")
	src := s.source(nil)
	_, err := src.Active(t.Context(), nil)
	var last error
	for _, err := range src.Journeys(t.Context(), []connectors.Person{ann}, month) {
		last = err
	}
	if connectors.KindOf(err) != connectors.Config || connectors.KindOf(last) != connectors.Config || s.calls["events"] > 0 {
		t.Errorf("got %v and %v, %d calls for events; want Config errors and none", err, last, s.calls["events"])
	}
}

func TestPropertiesThatCannotBeListedAreCounted(t *testing.T) {
	s := newStandIn(t)
	s.noData = true
	p := view("ann@example.com", "/1", time.Hour)
	p.Name, p.Data = "Demo requested", map[string]any{"plan": "pro"}
	s.send(p, "")
	src := s.source(nil)
	if got := read(t, src, ann); len(got) != 1 || got[0].Kind != "Demo requested" {
		t.Errorf("got %+v", got)
	}
	if in, _ := src.Intake(); connectors.Total(in.LeftOut) != 1 {
		t.Errorf("counted %+v", in)
	}
}

// Any id is found as it is, and finds nobody else.
func TestIdsKeepTheirMeaningInFilters(t *testing.T) {
	s := newStandIn(t)
	ids := []string{"ann+crm@example.com", "a,b", "a.b", "a|b", `c:\d`, "(x)", "größe@example.com", "50%", "eq.x", "[a-z]", "user 42"}
	var everybody []connectors.Person
	for i, id := range ids {
		s.send(view(id, fmt.Sprintf("/%d", i), time.Duration(i+1)*time.Hour), "")
		p := connectors.Person{Key: id, UserIDs: []string{id}}
		if strings.Contains(id, "@") {
			p = connectors.Person{Key: id, Emails: []string{id}}
		}
		everybody = append(everybody, p)
	}
	src := s.source(nil)
	for i, p := range everybody {
		if got := read(t, src, p); len(got) != 1 || !strings.HasSuffix(got[0].URL, fmt.Sprintf("/%d", i)) {
			t.Errorf("%q: got %+v", p.Key, got)
		}
	}
	if got := read(t, src, everybody...); len(got) != len(ids) {
		t.Errorf("together %d events, want %d", len(got), len(ids))
	}
}

func TestRateLimitsAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		headers map[string]string
		kind    connectors.Kind
		takes   time.Duration
	}{
		"without saying how long": {nil, 0, time.Second},
		"fifteen seconds":         {map[string]string{"Retry-After": "15"}, 0, 15 * time.Second},
		"an hour":                 {map[string]string{"Retry-After": "3600"}, connectors.Quota, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStandIn(t)
				s.cloud = true
				s.fail = func(*http.Request) *http.Response {
					if s.calls["all"] == 1 {
						return connectortest.Answer(&http.Request{}, 429, c.headers, "")
					}
					return nil
				}
				start := time.Now()
				if _, err := s.source(nil).Active(t.Context(), nil); connectors.KindOf(err) != c.kind || time.Since(start) != c.takes {
					t.Errorf("got %v after %s", err, time.Since(start))
				}
			})
		})
	}
}

// Umami's service allows 50 calls in 15 seconds.
func TestNoMoreIsAskedThanTheServiceAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStandIn(t)
		s.cloud = true
		for i := range 90 {
			s.send(view(fmt.Sprintf("p%03d@example.com", i), "/1", time.Duration(i)*time.Minute), "")
		}
		var stamps []time.Time
		s.fail = func(*http.Request) *http.Response { stamps = append(stamps, time.Now()); return nil }
		if _, err := s.source(func(o *Config) { o.CallsPerSecond = 3 }).Active(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for i := range stamps {
			if k := i + 50; k < len(stamps) && stamps[k].Sub(stamps[i]) < 15*time.Second {
				t.Fatalf("more than 50 calls in %s", stamps[k].Sub(stamps[i]))
			}
		}
		if len(stamps) != 92 {
			t.Errorf("%d calls, want 1 to see what it filters by, 1 for the list and 90 for sessions", len(stamps))
		}
	})
}

func TestAnAnswerThatIsCutIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStandIn(t)
		s.send(view("ann@example.com", "/1", time.Hour), "")
		src := s.source(nil)
		_ = read(t, src, ann)
		s.fail = func(*http.Request) *http.Response {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"data":[{"id":"1","crea`)), ContentLength: -1}
		}
		if p, err := src.Active(t.Context(), nil); connectors.KindOf(err) != connectors.Transient || p.Next != nil {
			t.Errorf("Active: %v, position %q", err, p.Next)
		}
		var last error
		for _, err := range src.Journeys(t.Context(), []connectors.Person{ann}, month) {
			last = err
		}
		if connectors.KindOf(last) != connectors.Transient {
			t.Errorf("Journeys: %v", last)
		}
	})
}

func TestWhatIsNobodysIsCounted(t *testing.T) {
	s := newStandIn(t)
	s.send(view("ann@example.com", "/1", time.Hour), "")
	src := s.source(nil)
	twin := connectors.Person{Key: "twin", Emails: ann.Emails}
	if n := len(read(t, src, ann, twin)); n != 0 {
		t.Errorf("%d events of somebody who is two", n)
	}
	if in, _ := src.Intake(); in.LeftOut[asked.LeftOutNobodys] != 1 {
		t.Errorf("counted %+v", in)
	}
}

func TestDoctorTellsCausePlaceAndFix(t *testing.T) {
	const other = "5f0c1f5e-0000-4000-8000-000000000002"
	for name, c := range map[string]struct {
		change func(*Config)
		who    string
		old    bool
		want   []string
	}{
		"all is well":      {nil, "ann@example.com", false, []string{"ok umami.cost: about 288 calls a day", "ok umami.ok: website " + testSite + " answers; 1 sessions of the last 7 days"}},
		"nobody":           {nil, "", false, []string{"umami.cost", "warning umami.no_users"}},
		"a wrong password": {func(o *Config) { o.Password = connectors.NewSecret("wrongwrong") }, "ann@example.com", false, []string{"failure umami.credentials: Umami cannot be asked: web: see whether it filters by distinct id: sign in: refused: Unauthorized — see whether the user"}},
		"another website":  {func(o *Config) { o.WebsiteID = other }, "ann@example.com", false, []string{"failure umami.website: Umami cannot be asked: web: see whether it filters by distinct id: refused: Unauthorized — see whether the user (or API key) may view the website"}},
		"an old version":   {nil, "ann@example.com", true, []string{"failure umami.version: Umami cannot be asked: web: filter by distinct id: too_old: this version of Umami does not filter by distinct id, and would answer with everybody's events — update Umami"}},
		"no Umami":         {func(o *Config) { o.BaseURL = "https://stats.example.com" }, "ann@example.com", false, []string{"failure umami.unreachable"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStandIn(t)
				s.old = c.old
				s.send(view(c.who, "/1", time.Hour), "")
				got := connectortest.Findings(s.source(c.change).Probe(t.Context()))
				lines := strings.Split(got, "\n")
				if len(lines) != len(c.want) {
					t.Fatalf("got %q", lines)
				}
				for i, w := range c.want {
					if !strings.Contains(lines[i], w) {
						t.Errorf("got %s\nwant %s", lines[i], w)
					}
				}
				if strings.Contains(got, "hunter2") || strings.Contains(got, "wrongwrong") {
					t.Error("the password is shown")
				}
			})
		})
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no key":          {func(o *Config) { o.BaseURL = "" }, "sources[0].api_key: the API key of Umami's service is missing"},
		"a key at home":   {func(o *Config) { o.APIKey = connectors.NewSecret(testKey) }, "which knows none"},
		"no password":     {func(o *Config) { o.Password = connectors.Secret{} }, "the password of that user is missing"},
		"a website":       {func(o *Config) { o.WebsiteID = "www.example.com" }, "is no website's ID"},
		"no secure way":   {func(o *Config) { o.BaseURL = "http://stats.example.com" }, "would send the secret unencrypted"},
		"calls in excess": {func(o *Config) { o.CallsPerSecond = 1000 }, "is not between"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Type.Settings().(*Config)
			o.BaseURL, o.WebsiteID, o.Username, o.Password = "https://stats.example.com", testSite, "reader", connectors.NewSecret("hunter2hunter2")
			c.change(o)
			var problems []connectors.Problem
			o.Check(connectors.NewCheck("sources[0]", &problems))
			if got := fmt.Sprint(problems); !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %q", got, c.want)
			}
		})
	}
}

// Calls per 1,000 people, as lots of 100 (HubSpot) and 200 (Salesforce) go through: first by a process that has met nobody, then by one that has.
func TestCallsPerThousandPeople(t *testing.T) {
	s := newStandIn(t)
	var who []connectors.Person
	for i := range 1000 {
		email := fmt.Sprintf("person%04d@example.com", i)
		for k := range 3 {
			s.send(view(email, "/1", time.Duration(k)*day+time.Duration(i)*time.Second), "")
		}
		who = append(who, connectors.Person{Key: email, Emails: []string{email}})
	}
	for lot, most := range map[int]int{100: 10, 200: 5} {
		src := s.source(nil)
		for _, round := range []struct {
			name string
			most int
		}{{"met for the first time", 1001 + most}, {"met before", most}} {
			s.calls = map[string]int{}
			n := 0
			for some := range slices.Chunk(who, lot) {
				n += len(read(t, src, some...))
			}
			t.Logf("1,000 people %s, in lots of %d: %d calls for %d events", round.name, lot, s.calls["all"], n)
			if n != 3000 || s.calls["all"] > round.most {
				t.Errorf("%s, lots of %d: %d calls for %d events, want at most %d", round.name, lot, s.calls["all"], n, round.most)
			}
		}
	}
}
