package posthog

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

// recorded are the events that PostHog's own clients sent to a recorder: testdata/README.md.
func recorded(t *testing.T) []wire {
	t.Helper()
	b, err := os.ReadFile("testdata/wire.json")
	if err != nil {
		t.Fatal(err)
	}
	var events []wire
	if err := json.Unmarshal(b, &events); err != nil {
		t.Fatal(err)
	}
	first := events[0].Timestamp
	for i := range events {
		events[i].Timestamp = testNow.Add(-time.Hour + events[i].Timestamp.Sub(first))
	}
	return events
}

var ann = connectors.Person{Key: "ann", Emails: []string{"ann@example.com"}}

func TestWhatPostHogsClientsSendIsUnderstood(t *testing.T) {
	s := newStandIn(t)
	s.ingest(testNow.Add(-time.Minute), recorded(t)...)
	var got []string
	for _, e := range connectortest.Journeys(t, s.source(nil), month, ann) {
		if e.Person != "ann" || e.Session == "" && e.UserAgent != "" || e.Received.IsZero() {
			t.Errorf("%s: person %q, session %q, received %v", e.Kind, e.Person, e.Session, e.Received)
		}
		got = append(got, fmt.Sprintf("%s %q %q %s user=%s anonymous=%t email=%s %v", e.Kind, e.PageTitle, e.ElementText, e.ElementID, e.UserID, e.AnonymousID != "", e.Email, e.Properties))
	}
	want := []string{
		`page_view "Prices – all plans" ""  user= anonymous=true email= map[]`,
		`click "" "See \"all\" plans; now" see user= anonymous=true email= map[href:/demo?x=1]`,
		`click "" "Close"  user= anonymous=true email= map[]`,
		`identify "" ""  user=user-42 anonymous=true email=Ann@Example.com map[]`,
		`form_start "" "name"  user=user-42 anonymous=false email=Ann@Example.com map[form:contact-sales]`,
		`form_submit "" "" ask user=user-42 anonymous=false email=Ann@Example.com map[form:contact-sales]`,
		`Demo requested "" ""  user=user-42 anonymous=false email=Ann@Example.com map[campaign:spring nested:{"a":1} plan:pro seats:25 utm_campaign:spring utm_source:mail]`,
		`dwell "" ""  user=user-42 anonymous=false email=Ann@Example.com map[]`,
		`identify "" ""  user=user-42 anonymous=false email=ann@example.com map[]`,
		`trial started "" ""  user=user-42 anonymous=false email=ann@example.com map[plan:pro]`,
		`identify "" ""  user=user-42 anonymous=true email=ann@example.com map[]`,
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhoBecameKnownIsToldWithEveryIdentifier(t *testing.T) {
	s := newStandIn(t)
	s.ingest(testNow.Add(-time.Minute), recorded(t)...)
	page, err := s.source(nil).Active(t.Context(), nil)
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("got %v, %v, want one person", page.Items, err)
	}
	p := page.Items[0]
	visitor := recorded(t)[0].Properties["$device_id"].(string)
	if !slices.Equal(p.UserIDs, []string{"user-42"}) || !slices.Equal(p.AnonymousIDs, []string{visitor, "old-42"}) || !slices.Contains(p.Emails, "ann@example.com") {
		t.Errorf("got %+v, want the user's id, the visitor's, the former one and the address", p)
	}
}

// PostHog answers the same query as before for hours unless it is told not to, which would hide whoever came in meanwhile.
func TestNoCachedAnswerIsTaken(t *testing.T) {
	s := newStandIn(t)
	src := s.source(nil)
	view := func(id string) wire {
		return sent(connectors.Event{ID: id, Kind: connectors.KindPageView, Time: testNow.Add(-time.Hour), Email: "ann@example.com", URL: "https://www.example.com/" + id})
	}
	s.ingest(testNow.Add(-time.Hour), view("1"))
	if n := len(connectortest.Journeys(t, src, month, ann)); n != 1 {
		t.Fatalf("%d events", n)
	}
	s.ingest(testNow.Add(-time.Hour), view("2"))
	if n := len(connectortest.Journeys(t, src, month, ann)); n != 2 {
		t.Errorf("%d events, want 2: an answer of before was taken", n)
	}
}

func TestRateLimitsAreKept(t *testing.T) {
	throttled := func(headers map[string]string) *http.Response {
		return refused(&http.Request{}, 429, "throttled_error", "throttled", "Request was throttled.", headers)
	}
	for name, c := range map[string]struct {
		fail  func(n int, q string) *http.Response
		kind  connectors.Kind
		takes time.Duration
		until time.Duration
	}{
		"a moment, without saying how long": {func(n int, _ string) *http.Response {
			if n < 3 {
				return throttled(nil)
			}
			return nil
		}, 0, 2 * time.Second, 0},
		"half a minute, as it says": {func(n int, _ string) *http.Response {
			if n < 2 {
				return throttled(map[string]string{"Retry-After": "30"})
			}
			return nil
		}, 0, 30 * time.Second, 0},
		"the hour is used up": {func(int, string) *http.Response { return throttled(map[string]string{"Retry-After": "1800"}) }, connectors.Quota, 0, 30 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStandIn(t)
				s.now, s.fail = time.Now, c.fail
				start := time.Now()
				_, err := s.source(nil).Active(t.Context(), nil)
				if connectors.KindOf(err) != c.kind || time.Since(start) != c.takes {
					t.Errorf("got %v after %s, want kind %v after %s", err, time.Since(start), c.kind, c.takes)
				}
				if c.until > 0 && !connectors.Until(err).Equal(start.Add(c.until)) {
					t.Errorf("until %v, want in %s", connectors.Until(err), c.until)
				}
			})
		})
	}
}

func TestNoMoreIsAskedInAnHourThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStandIn(t)
		s.now = time.Now
		src := s.source(func(o *Config) { o.QueriesPerHour = 10 })
		var err error
		for n := 0; err == nil && n < 100; n++ {
			_, err = src.Active(t.Context(), nil)
		}
		if s.calls != 10 || connectors.KindOf(err) != connectors.Quota || !connectors.Until(err).Equal(time.Now().Add(time.Hour)) {
			t.Errorf("%d calls, then %v; want 10, then a Quota error for an hour", s.calls, err)
		}
	})
}

func crowd(n, each int) (people []connectors.Person, events []wire) {
	for i := range n {
		email := fmt.Sprintf("p%04d@example.com", i)
		people = append(people, connectors.Person{Key: email, Emails: []string{email}})
		for k := range each {
			events = append(events, sent(connectors.Event{ID: fmt.Sprintf("%04d-%02d", i, k), Kind: connectors.KindPageView, Time: testNow.Add(-time.Duration(k) * time.Hour), Email: email, URL: fmt.Sprintf("https://www.example.com/%d", k)}))
		}
	}
	return people, events
}

// Ties at the border of a page, and pages that end within them, lose nothing.
func TestAJourneyOfManyPagesIsWhole(t *testing.T) {
	s := newStandIn(t)
	who, events := crowd(50, 20)
	s.ingest(testNow, events...)
	src := s.source(func(o *Config) { o.MaxRows = 333 })
	got := map[string]int{}
	for _, e := range connectortest.Journeys(t, src, month, who...) {
		got[e.Person]++
	}
	for _, p := range who {
		if got[p.Key] != 20 {
			t.Fatalf("%s: %d events, want 20", p.Key, got[p.Key])
		}
	}
	if s.calls != 4 {
		t.Errorf("%d calls for 1000 events in pages of 333, want 4", s.calls)
	}
}

// PostHog takes in by many hands: an event can show a little after others that were taken in later.
func TestWhatShowsLateIsTold(t *testing.T) {
	s := newStandIn(t)
	src := s.source(nil)
	view := func(id, email string) wire {
		return sent(connectors.Event{ID: id, Kind: connectors.KindPageView, Time: testNow.Add(-time.Hour), Email: email, URL: "https://www.example.com/" + id})
	}
	poll := func(from connectors.Cursor) (told []string, next connectors.Cursor) {
		page, err := src.Active(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Items {
			told = append(told, p.Emails...)
		}
		return told, page.Next
	}
	s.ingest(testNow.Add(-time.Minute), view("1", "ann@example.com"))
	_, next := poll(nil)
	s.ingest(testNow.Add(-6*time.Minute), view("2", "bob@example.com"))
	told, next := poll(next)
	if !slices.Equal(told, []string{"bob@example.com"}) {
		t.Errorf("told %q, want bob, whose event showed five minutes late, and nobody again", told)
	}
	if told, _ = poll(next); len(told) > 0 {
		t.Errorf("told again: %q", told)
	}
}

// A query that is too much for PostHog (it ends them after 10 seconds for some projects) is asked about fewer people, and about less time.
func TestWhatIsTooMuchIsAskedInParts(t *testing.T) {
	for _, status := range []int{504, 512, 513} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := newStandIn(t)
			who, events := crowd(40, 20)
			s.ingest(testNow.Add(-80*day), events...)
			s.fail = func(_ int, query string) *http.Response {
				q := s.queries[len(s.queries)-1].Query.Values
				if ids, _ := q["ids"].([]any); len(ids) > 10 || ids == nil && q["until"] == nil && q["since"].(float64) < float64(testNow.Add(-30*day).UnixMilli()) {
					return refused(&http.Request{}, status, "server_error", "error", "Query has hit the max execution time before completing.", nil)
				}
				return nil
			}
			src := s.source(nil)
			if got := connectortest.Journeys(t, src, month, who...); len(got) != 800 {
				t.Errorf("%d events, want 800", len(got))
			}
			told, from := 0, connectors.Cursor(nil)
			for more := true; more; {
				page, err := src.Active(t.Context(), from)
				if err != nil {
					t.Fatal(err)
				}
				told, from, more = told+len(page.Items), page.Next, page.More
			}
			if told != 40 {
				t.Errorf("%d people were told, want 40", told)
			}
		})
	}
	s := newStandIn(t)
	s.fail = func(int, string) *http.Response {
		return refused(&http.Request{}, 504, "server_error", "error", "Query has hit the max execution time before completing.", nil)
	}
	var last error
	for _, err := range s.source(nil).Journeys(t.Context(), []connectors.Person{ann}, month) {
		last = err
	}
	if connectors.KindOf(last) != connectors.Rejected {
		t.Errorf("one person who is too much: got %v, want it to concern that person alone", last)
	}
}

// A failure in the middle says that what came before is incomplete for everyone, and leaves no position.
func TestAnAnswerThatIsCutIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStandIn(t)
		s.now = func() time.Time { return testNow }
		who, events := crowd(3, 20)
		s.ingest(testNow, events...)
		whole := s.source(nil)
		s.fail = func(int, string) *http.Response {
			body := `{"results":[["event",["1795132800000","1","$pageview","1795132800000"`
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}
		}
		var last error
		for _, err := range whole.Journeys(t.Context(), who, month) {
			last = err
		}
		if connectors.KindOf(last) != connectors.Transient || last == nil {
			t.Errorf("Journeys: got %v, want a Transient error", last)
		}
		if page, err := whole.Active(t.Context(), nil); err == nil || page.Next != nil {
			t.Errorf("Active: got %v and a position %q, want an error and none", err, page.Next)
		}
		s.fail = nil
		if n := len(connectortest.Journeys(t, whole, month, who...)); n != 60 {
			t.Errorf("afterwards %d events, want 60", n)
		}
	})
}

func TestAVersionThatDoesNotTellBotsIsAskedWithout(t *testing.T) {
	s := newStandIn(t)
	e := sent(connectors.Event{ID: "1", Kind: connectors.KindPageView, Time: testNow.Add(-time.Hour), Email: "ann@example.com", URL: "https://www.example.com/1"})
	e.Properties["$raw_user_agent"] = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
	s.ingest(testNow, e)
	if got := connectortest.Journeys(t, s.source(nil), month, ann); len(got) != 1 || got[0].Properties[connectors.PropBot] != "true" {
		t.Errorf("got %+v, want the event marked as a crawler's", got)
	}
	s.noBots = true
	src := s.source(nil)
	if n := len(connectortest.Journeys(t, src, month, ann)) + len(connectortest.Journeys(t, src, month, ann)); n != 2 || s.calls != 4 {
		t.Errorf("%d events in %d calls, want 2 in 4: one of them in vain", n, s.calls)
	}
}

// Somebody who is two people in the CRM gets nothing of the other's, and what is nobody's is counted.
func TestWhatIsNobodysIsCounted(t *testing.T) {
	s := newStandIn(t)
	s.ingest(testNow, recorded(t)...)
	src := s.source(nil)
	bob := connectors.Person{Key: "bob", UserIDs: []string{"user-42"}}
	for _, e := range connectortest.Journeys(t, src, month, ann, bob) {
		if e.Email == "" && e.Person != "bob" && e.UserID != "" {
			t.Errorf("%+v went to %q", e, e.Person)
		}
	}
	in, err := src.Intake()
	if err != nil || in.LeftOut[asked.LeftOutNobodys] != 3 || in.Events != 8 {
		t.Errorf("counted %+v, %v; want 8 events told and 3 of the anonymous past left out", in, err)
	}
}

func TestConsentAndTheLike(t *testing.T) {
	s := newStandIn(t)
	e := sent(connectors.Event{ID: "1", Kind: "Consent given", Time: testNow.Add(-time.Hour), Email: "ann@example.com"})
	e.Properties["consent state"], e.Properties["note"] = true, `a "quoted" \ note`
	s.ingest(testNow, e)
	got := connectortest.Journeys(t, s.source(func(o *Config) { o.ConsentProperty, o.PhoneProperty = "consent state", "phone" }), month, ann)
	if len(got) != 1 || got[0].Consent != "granted" || got[0].Properties["note"] != `a "quoted" \ note` {
		t.Errorf("got %+v, want consent granted and the note as it was", got)
	}
}

func TestDoctorTellsCausePlaceAndFix(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		fail   func(int, string) *http.Response
		events bool
		want   []string
	}{
		"all is well": {nil, nil, true, []string{"ok posthog.cost: about 288 calls a day", "ok posthog.ok: project 7 answers; 8 of its 11 events"}},
		"a wrong key": {func(o *Config) { o.Token = connectors.NewSecret("phx_somethingelse") }, nil, true,
			[]string{"failure posthog.token: PostHog cannot be asked: app: count events: authentication_failed: Personal API key found in request Authorization header is invalid. — make a new personal API key"}},
		"a key without the scope": {nil, func(int, string) *http.Response {
			return refused(&http.Request{}, 403, "authentication_error", "permission_denied", "API key missing required scope 'query:read'", nil)
		}, true, []string{"failure posthog.scope_missing: PostHog cannot be asked: app: count events: scope_missing: API key missing required scope 'query:read' — give the key the scope query:read"}},
		"another project": {func(o *Config) { o.ProjectID = "8" }, nil, true, []string{"failure posthog.project: PostHog cannot be asked: app: count events: project: Project not found. — write the project's ID as project_id"}},
		"no events":       {nil, nil, false, []string{"ok posthog.cost", "warning posthog.no_events: project 7 has no event of the last 7 days"}},
		"no addresses":    {func(o *Config) { o.EmailProperty = "mail" }, nil, true, []string{"posthog.cost", "warning posthog.no_addresses"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t)
			s.countsOf = "email"
			if c.events {
				s.ingest(testNow, recorded(t)...)
			}
			s.fail = c.fail
			src := s.source(c.change)
			s.countsOf = src.o.EmailProperty
			got := connectortest.Findings(src.Probe(t.Context()))
			lines := strings.Split(got, "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("got\n%s", got)
			}
			for i, w := range c.want {
				if !strings.Contains(lines[i], w) {
					t.Errorf("got %s\nwant %s", lines[i], w)
				}
			}
			if strings.Contains(got, "phx_") {
				t.Error("the key is shown")
			}
		})
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"where events are sent": {func(o *Config) { o.BaseURL = "https://eu.i.posthog.com" }, "sources[0].base_url: is where events are sent, which answers no queries — write https://eu.posthog.com"},
		"a project's key":       {func(o *Config) { o.Token = connectors.NewSecret("phc_x") }, "can only send events"},
		"a name as project":     {func(o *Config) { o.ProjectID = "shop" }, `"shop" is no number`},
		"a property that ends":  {func(o *Config) { o.EmailProperty = "email`) OR 1" }, "is no name of a property"},
		"too many rows":         {func(o *Config) { o.MaxRows = 100_000 }, "is not between 100 and 50000"},
		"nothing":               {func(o *Config) { *o = *Type.Settings().(*Config) }, "base_url: missing"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Type.Settings().(*Config)
			o.BaseURL, o.ProjectID, o.Token = "https://eu.posthog.com", testProject, connectors.NewSecret(testToken)
			c.change(o)
			var problems []connectors.Problem
			o.Check(connectors.NewCheck("sources[0]", &problems))
			var all []string
			for _, p := range problems {
				all = append(all, p.String())
			}
			if !strings.Contains(strings.Join(all, "\n"), c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
}

// Calls per 1,000 people, as lots of 100 (HubSpot) and 200 (Salesforce) go through.
func TestCallsPerThousandPeople(t *testing.T) {
	who, events := crowd(1000, 3)
	s := newStandIn(t)
	s.ingest(testNow.Add(-time.Hour), events...)
	for _, lot := range []int{100, 200, 1000} {
		src := s.source(nil)
		s.calls = 0
		n := 0
		for some := range slices.Chunk(who, lot) {
			n += len(connectortest.Journeys(t, src, month, some...))
		}
		t.Logf("1,000 people in lots of %d: %d calls for %d events", lot, s.calls, n)
		if n != 3000 || s.calls > 1000/lot+1 {
			t.Errorf("lots of %d: %d calls for %d events, want at most %d for 3000", lot, s.calls, n, 1000/lot+1)
		}
	}
	s.calls = 0
	page, err := s.source(nil).Active(t.Context(), nil)
	if err != nil || len(page.Items) != 1000 || page.More || s.calls != 1 {
		t.Errorf("who was active: %d people, more %t, %d calls, %v; want 1000 in one", len(page.Items), page.More, s.calls, err)
	}
	t.Logf("1,000 people who were active: %d call", s.calls)
}

func TestASequenceIsLeftWithoutAnError(t *testing.T) {
	s := newStandIn(t)
	who, events := crowd(5, 20)
	s.ingest(testNow, events...)
	for _, err := range s.source(nil).Journeys(t.Context(), who, month) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if s.calls != 1 {
		t.Errorf("%d calls, want 1: leaving is no failure to try again after", s.calls)
	}
}

// What is explained is what is asked, and neither the position nor the counts move.
func TestItIsExplainedHowPeopleAreAskedAbout(t *testing.T) {
	s := newStandIn(t)
	s.ingest(testNow.Add(-time.Minute), recorded(t)...)
	src := s.source(nil)
	x, err := src.Explain(t.Context(), connectors.ExplainQuery{Person: &ann, Window: month, Rows: 5})
	if err != nil || len(x.Asked) != 1 {
		t.Fatal(x, err)
	}
	q := x.Asked[0]
	if q.Query != s.queries[0].Query.Query || q.Read != 11 || len(q.Rows) != 5 || q.Failed != "" || !slices.Contains(q.Parameters, connectors.Parameter{Name: "emails", Value: "ann@example.com"}) {
		t.Errorf("got %+v", q)
	}
	if x, err = src.Explain(t.Context(), connectors.ExplainQuery{Rows: 5}); err != nil || x.Asked[0].Read != 1 || x.Asked[0].Query != s.queries[1].Query.Query {
		t.Errorf("who was active: %+v, %v", x, err)
	}
	stranger := connectors.Person{Key: "x", Phones: []string{"+4930"}}
	if x, err = src.Explain(t.Context(), connectors.ExplainQuery{Person: &stranger, Window: month}); err != nil || x.Asked[0].Failed == "" || s.calls != 2 {
		t.Errorf("of somebody it cannot know: %+v, %v after %d calls", x, err, s.calls)
	}
	s.fail = func(int, string) *http.Response {
		return refused(&http.Request{}, 403, "authentication_error", "permission_denied", "API key missing required scope 'query:read'", nil)
	}
	if x, err = src.Explain(t.Context(), connectors.ExplainQuery{Person: &ann, Window: month}); err != nil || !strings.Contains(x.Asked[0].Failed, "query:read") {
		t.Errorf("what PostHog refused: %+v, %v", x, err)
	}
	if in, _ := src.Intake(); in.Read != 0 {
		t.Errorf("the counts moved: %+v", in)
	}
}
