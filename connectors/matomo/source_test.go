package matomo

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
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

const browser = "00000000000000aa"

func page(url string) map[string]any {
	return map[string]any{"type": "action", "url": "https://www.example.com" + url, "pageTitle": "Page " + url, "timeSpent": 12}
}

func read(t *testing.T, s *Source, people ...connectors.Person) []connectors.Event {
	t.Helper()
	return connectortest.Journeys(t, s, month, people...)
}

// active reads to the end who was active.
func active(t *testing.T, s *Source, from connectors.Cursor) (told []string, next connectors.Cursor) {
	t.Helper()
	people, next := connectortest.Drain(t, s, from)
	for _, who := range people {
		told = append(told, strings.Join(slices.Concat(who.Emails, who.UserIDs, who.AnonymousIDs), " "))
	}
	return told, next
}

var ann = connectors.Person{Key: "ann", Emails: []string{"ann@example.com"}}

func TestWhatVisitsTellIsUnderstood(t *testing.T) {
	s := newStandIn(t)
	at := testNow.Add(-time.Hour)
	track := func(a map[string]any) {
		at = at.Add(time.Minute)
		s.track(browser, "Ann@example.com", at, a)
	}
	track(page("/prices?utm_campaign=spring&copy=1"))
	track(map[string]any{"type": "outlink", "url": "https://partner.example/x"})
	track(map[string]any{"type": "download", "url": "https://www.example.com/sheet.pdf"})
	track(map[string]any{"type": "search", "url": "https://www.example.com/s", "siteSearchKeyword": "crm"})
	track(map[string]any{"type": "event", "url": "https://www.example.com/contact", "eventCategory": "Form", "eventAction": "submit", "eventName": "Contact &amp; sales", "eventValue": "3"})
	track(map[string]any{"type": "event", "url": "https://www.example.com/x", "eventCategory": "Widget", "eventAction": "Gizmo turned", "eventName": "left"})
	track(map[string]any{"type": "goal", "pageId": nil, "goalName": "Demo requested", "goalId": "2", "goalPageId": 5, "url": "https://www.example.com/demo"})
	track(map[string]any{"type": "ecommerceOrder", "pageId": nil, "orderId": "o-1", "revenue": 99.5})
	track(map[string]any{"type": "media", "url": "https://www.example.com/v"})
	s.visits[0].actionsByNumber = true
	var got []string
	ids := map[string]bool{}
	for _, e := range read(t, s.source(nil), ann) {
		if e.Person != "ann" || e.Session != "1" || e.Email != "Ann@example.com" || ids[e.ID] {
			t.Errorf("%+v", e)
		}
		ids[e.ID] = true
		got = append(got, fmt.Sprintf("%s %s %v", e.Kind, strings.TrimPrefix(e.URL, "https://www.example.com"), e.Properties))
	}
	want := []string{
		"page_view /prices?utm_campaign=spring&copy=1 map[seconds:12]", "click  map[href:https://partner.example/x]", "download /sheet.pdf map[]", "search /s map[query:crm]",
		"form_submit /contact map[action:submit category:Form form:Contact & sales name:Contact & sales value:3]", "Gizmo turned /x map[action:Gizmo turned category:Widget name:left]",
		"demo_request /demo map[goal:Demo requested]", "purchase  map[order:o-1 revenue:99.5]", "media /v map[]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A visit grows while it lasts: it is told again, and its actions keep their ids.
func TestAVisitThatGrowsIsToldAgain(t *testing.T) {
	s := newStandIn(t)
	src := s.source(nil)
	s.track(browser, "ann@example.com", testNow.Add(-20*time.Minute), page("/1"))
	_, next := active(t, src, nil)
	before := read(t, src, ann)
	if told, n := active(t, src, next); len(told) > 0 {
		t.Errorf("nothing happened, and %q were told", told)
	} else {
		next = n
	}
	s.track(browser, "ann@example.com", testNow.Add(-5*time.Minute), page("/2"))
	if told, _ := active(t, src, next); !slices.Equal(told, []string{"ann@example.com " + browser}) {
		t.Errorf("told %q, want ann", told)
	}
	after := read(t, src, ann)
	if len(s.visits) != 1 || len(after) != 2 || after[0].ID != before[0].ID {
		t.Errorf("%d visits, before %v, after %v", len(s.visits), before, after)
	}
}

// Visits whose last actions fall into one second are more than an answer holds.
func TestARunOfEqualKeysIsReadWhole(t *testing.T) {
	s := newStandIn(t)
	var want []string
	for i := range 95 {
		user := fmt.Sprintf("p%02d@example.com", i)
		s.track(fmt.Sprintf("%016x", i), user, testNow.Add(-time.Hour), page("/1"))
		want = append(want, user+fmt.Sprintf(" %016x", i))
	}
	s.track(browser, "late@example.com", testNow.Add(-time.Minute), page("/2"))
	want = append(want, "late@example.com "+browser)
	told, _ := active(t, s.source(func(o *Config) { o.VisitsPerCall = 10 }), nil)
	slices.Sort(told)
	slices.Sort(want)
	if !slices.Equal(told, want) {
		t.Errorf("told %d, want %d", len(told), len(want))
	}
}

// Logs are imported, and a tracker may say when something happened: a new visit with an old time.
func TestWhatIsRecordedLateIsFound(t *testing.T) {
	s := newStandIn(t)
	src := s.source(func(o *Config) { o.VisitsPerCall = 10 })
	s.track(browser, "ann@example.com", testNow.Add(-time.Minute), page("/1"))
	_, next := active(t, src, nil)
	for i := range 35 {
		s.track(fmt.Sprintf("%016x", i+1000), fmt.Sprintf("p%02d@example.com", i), testNow.Add(-time.Duration(i)*day), page("/old"))
	}
	told, next := active(t, src, next)
	if len(told) != 35 {
		t.Errorf("%d people were told, want 35", len(told))
	}
	if told, _ = active(t, src, next); len(told) > 0 {
		t.Errorf("told again: %q", told)
	}
}

// Any value is found as it is, and finds nobody else, however often Matomo decodes it.
func TestValuesKeepTheirMeaningInSegments(t *testing.T) {
	s := newStandIn(t)
	values := []string{"ann+crm@example.com", "a b", "50%", "x,userId!=", "y;visitId>0", `q"u'o`, "größe@example.com", "%2Bplus", "a&b=c", "plain-42", "<tag>"}
	for i, v := range values {
		s.track(fmt.Sprintf("%016x", i), v, testNow.Add(-time.Duration(i+1)*time.Hour), page(fmt.Sprintf("/%d", i)))
	}
	src := s.source(nil)
	var everybody []connectors.Person
	for i, v := range values {
		p := connectors.Person{Key: v, UserIDs: []string{v}}
		if strings.Contains(v, "@") {
			p = connectors.Person{Key: v, Emails: []string{v}}
		}
		everybody = append(everybody, p)
		if got := read(t, src, p); len(got) != 1 || got[0].URL != fmt.Sprintf("https://www.example.com/%d", i) {
			t.Errorf("%q: got %d events", v, len(got))
		}
	}
	if got := read(t, src, everybody...); len(got) != len(values) {
		t.Errorf("together %d events, want %d", len(got), len(values))
	}
	if s.calls != len(values)+1 {
		t.Errorf("%d calls", s.calls)
	}
}

func TestNoSegmentIsLongerThanMatomoReads(t *testing.T) {
	s := newStandIn(t)
	var who []connectors.Person
	for i := range 1000 {
		email := fmt.Sprintf("somebody.with.a.name.%04d@subsidiary.example.com", i)
		s.track(fmt.Sprintf("%016x", i), email, testNow.Add(-time.Duration(i)*time.Minute), page("/1"))
		who = append(who, connectors.Person{Key: email, Emails: []string{email}, AnonymousIDs: []string{fmt.Sprintf("%016x", i), "no id of Matomo's"}})
	}
	got := map[string]bool{}
	for _, e := range read(t, s.source(nil), who...) {
		got[e.Person] = true
	}
	if len(got) != 1000 {
		t.Errorf("%d people have journeys, want 1000", len(got))
	}
	for _, f := range s.forms {
		if len(f.Get("segment")) > 8192 {
			t.Errorf("a segment of %d bytes", len(f.Get("segment")))
		}
	}
}

// What a user did whom the site named is theirs alone; a browser's other visits belong to whom the host says they do.
func TestABrowserThatTwoShareIsNeverMixed(t *testing.T) {
	s := newStandIn(t)
	s.track(browser, "ann@example.com", testNow.Add(-3*time.Hour), page("/ann"))
	s.track(browser, "bob@example.com", testNow.Add(-2*time.Hour), page("/bob"))
	s.track(browser, "", testNow.Add(-time.Hour), page("/nobody"))
	src := s.source(nil)
	who := ann
	who.AnonymousIDs = []string{browser}
	var got []string
	for _, e := range read(t, src, who) {
		got = append(got, strings.TrimPrefix(e.URL, "https://www.example.com"))
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, []string{"/ann", "/nobody"}) {
		t.Errorf("got %q, want ann's visit and the one of nobody", got)
	}
	if in, _ := src.Intake(); in.LeftOut[asked.LeftOutNobodys] != 1 {
		t.Errorf("counted %+v, want bob's action as left out", in)
	}
}

func TestWhatMatomoCutsOffIsCounted(t *testing.T) {
	s := newStandIn(t)
	s.track(browser, "ann@example.com", testNow.Add(-time.Hour), page("/1")).truncated = 480
	broken := page("/2")
	s.track(browser, "ann@example.com", testNow.Add(-time.Hour), broken)
	broken["timestamp"] = "soon"
	src := s.source(nil)
	if n := len(read(t, src, ann)); n != 1 {
		t.Errorf("%d events", n)
	}
	in, _ := src.Intake()
	if in.LeftOut[leftOutTruncated] != 480 || in.Unread() != 1 || in.Events != 1 {
		t.Errorf("counted %+v", in)
	}
}

func TestErrorsComeWithStatus200(t *testing.T) {
	for message, kind := range map[string]connectors.Kind{
		"Unable to authenticate with the provided token. It is either invalid, expired or is required to be sent as a POST parameter.": connectors.Auth,
		"You can't access this resource as it requires 'view' access for the website id = 1.":                                          connectors.Config,
		"An unexpected website was found in the request: website id was set to '99' .":                                                 connectors.Config,
		"Visits log is deactivated in website settings. A user with at least admin access can enable this feature.":                    connectors.Config,
		"Segment 'userId' is not a supported segment.":                                                                                 connectors.Config,
		"The query was aborted because it exceeded the max execution time.":                                                            connectors.Rejected,
		"Something else": connectors.Config,
	} {
		s := newStandIn(t)
		s.fail = func(int, url.Values) *http.Response { return failed(&http.Request{}, message) }
		p, err := s.source(nil).Active(t.Context(), nil)
		if connectors.KindOf(err) != kind || p.Next != nil || s.calls != 1 {
			t.Errorf("%s: got %v of kind %v after %d calls, want %v after 1", message, err, connectors.KindOf(err), s.calls, kind)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStandIn(t)
		s.fail = func(n int, _ url.Values) *http.Response {
			if n < 3 {
				return failed(&http.Request{}, "SQLSTATE[HY000] [2002] Connection refused")
			}
			return nil
		}
		if _, err := s.source(nil).Active(t.Context(), nil); err != nil || s.calls != 3 {
			t.Errorf("the database was away for a moment: %v after %d calls, want it to be tried again", err, s.calls)
		}
	})
}

func TestRateLimitsAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		headers map[string]string
		kind    connectors.Kind
		takes   time.Duration
	}{
		"without saying how long": {nil, 0, time.Second},
		"half a minute":           {map[string]string{"Retry-After": "30"}, 0, 30 * time.Second},
		"an hour":                 {map[string]string{"Retry-After": "3600"}, connectors.Quota, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStandIn(t)
				s.fail = func(n int, _ url.Values) *http.Response {
					if n == 1 {
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

func TestAnAnswerThatIsCutIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStandIn(t)
		s.track(browser, "ann@example.com", testNow.Add(-time.Hour), page("/1"))
		src := s.source(nil)
		s.fail = func(n int, _ url.Values) *http.Response {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`[{"idVisit":1,"lastAc`)), ContentLength: -1}
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

func TestTheTokenIsNeverShown(t *testing.T) {
	s := newStandIn(t)
	s.fail = func(int, url.Values) *http.Response {
		return failed(&http.Request{}, "Unable to authenticate with the provided token "+testToken)
	}
	src := s.source(nil)
	_, err := src.Active(t.Context(), nil)
	if shown := fmt.Sprint(err, src.Report().LastError, connectortest.Findings(src.Probe(t.Context()))); strings.Contains(shown, testToken) {
		t.Error(shown)
	}
}

func TestDoctorTellsCausePlaceAndFix(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		user   string
		fail   string
		want   []string
	}{
		"all is well":   {nil, "ann@example.com", "", []string{"ok matomo.cost: about 576 calls a day", "ok matomo.ok: website 1 answers, and user ids are addresses"}},
		"ids":           {nil, "42", "", []string{"matomo.cost", "ok matomo.ok: website 1 answers; user ids are no addresses"}},
		"no users":      {nil, "", "", []string{"matomo.cost", "warning matomo.no_users"}},
		"a wrong token": {func(o *Config) { o.Token = connectors.NewSecret("wrongwrongwrong") }, "ann@example.com", "", []string{"failure matomo.token: Matomo cannot be asked: stats: look for a visit: token: Unable to authenticate"}},
		"another site":  {func(o *Config) { o.SiteID = "2" }, "ann@example.com", "", []string{"failure matomo.site: Matomo cannot be asked: stats: look for a visit: site: You can't access this resource as it requires 'view' access for the website id = 2. — write the website's ID as site_id"}},
		"no log":        {nil, "ann@example.com", "Visits log is deactivated in website settings.", []string{"failure matomo.visits_log"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t)
			s.track(browser, c.user, testNow.Add(-time.Hour), page("/1"))
			if c.fail != "" {
				s.fail = func(int, url.Values) *http.Response { return failed(&http.Request{}, c.fail) }
			}
			lines := strings.Split(connectortest.Findings(s.source(c.change).Probe(t.Context())), "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("got %q", lines)
			}
			for i, w := range c.want {
				if !strings.Contains(lines[i], w) {
					t.Errorf("got %s\nwant %s", lines[i], w)
				}
			}
		})
	}
}

// Calls per 1,000 people, as lots of 100 (HubSpot) and 200 (Salesforce) go through.
func TestCallsPerThousandPeople(t *testing.T) {
	s := newStandIn(t)
	var who []connectors.Person
	for i := range 1000 {
		email := fmt.Sprintf("person%04d@example.com", i)
		for k := range 3 {
			s.track(fmt.Sprintf("%016x", i), email, testNow.Add(-time.Duration(k)*day-time.Duration(i)*time.Second), page("/1"))
		}
		who = append(who, connectors.Person{Key: email, Emails: []string{email}, AnonymousIDs: []string{fmt.Sprintf("%016x", i)}})
	}
	for lot, most := range map[int]int{100: 10, 200: 10} {
		src := s.source(nil)
		s.calls = 0
		got := map[string]bool{}
		for some := range slices.Chunk(who, lot) {
			for _, e := range read(t, src, some...) {
				got[e.Person+e.ID] = true
			}
		}
		t.Logf("1,000 people with an address and a visitor id, in lots of %d: %d calls for %d events", lot, s.calls, len(got))
		if len(got) != 3000 || s.calls > most {
			t.Errorf("lots of %d: %d calls, want at most %d, and %d events", lot, s.calls, most, len(got))
		}
	}
}
