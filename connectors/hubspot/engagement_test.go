package hubspot

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/internal/transport"
	"github.com/intentd/intentd/connectors/sandbox"
)

func events(t *testing.T, s connectors.Source, people []connectors.Person, w connectors.Window) map[string]connectors.Event {
	t.Helper()
	all := map[string]connectors.Event{}
	for e, err := range s.Journeys(t.Context(), people, w) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := all[e.ID]; twice {
			t.Errorf("%s is told twice", e.ID)
		}
		all[e.ID] = e
	}
	return all
}

func person(key string, ids ...string) connectors.Person {
	p := connectors.Person{Key: key}
	for _, id := range ids {
		p.Refs = append(p.Refs, ref(id))
	}
	return p
}

// story is events in order, one a line.
func story(all map[string]connectors.Event) string {
	list := slices.SortedFunc(maps.Values(all), func(a, b connectors.Event) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	var lines []string
	for _, e := range list {
		line := e.Time.UTC().Format("01-02 15:04") + " " + e.Kind
		for _, s := range []string{e.Properties[connectors.PropCount], e.Properties[connectors.PropForm], e.URL, e.PageTitle} {
			if s != "" {
				line += " " + s
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// week is a contact's first week: what HubSpot's trackers and the team did, from 2 January 2000.
func week(t *testing.T, h *sandbox.HubSpot) (id string, all connectors.Window) {
	id = h.CreateContact(map[string]string{"email": "p@example.com"})
	set := func(pairs ...string) {
		t.Helper()
		time.Sleep(24 * time.Hour)
		props := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			v := pairs[i+1]
			if d, ago := strings.CutPrefix(v, "ago:"); ago {
				span, err := time.ParseDuration(d)
				must(t, err)
				v = time.Now().Add(-span).UTC().Format(time.RFC3339)
			}
			props[pairs[i]] = v
		}
		must(t, h.UpdateContact(id, props, ""))
	}
	set("hs_analytics_num_page_views", "3", "hs_analytics_num_visits", "1", "hs_analytics_last_timestamp", "ago:30m", "hs_analytics_last_url", "https://example.com/pricing")
	set("hs_email_delivered", "1", "hs_email_open", "1", "hs_email_last_open_date", "ago:1h")
	set("hs_email_open", "2", "hs_email_click", "1", "hs_email_last_click_date", "ago:2h", "hs_email_last_open_date", "ago:2h")
	set("hs_analytics_num_page_views", "5", "hs_analytics_num_visits", "2", "hs_analytics_last_timestamp", "ago:5m", "hs_analytics_last_url", "https://example.com/docs")
	set("num_conversion_events", "1", "recent_conversion_date", "ago:1m", "first_conversion_date", "ago:1m", "recent_conversion_event_name", "Contact us: Book a demo")
	set("notes_last_contacted", "ago:1h", "num_notes", "4", "hs_sales_email_last_opened", "ago:3h")
	set("hs_sales_email_last_replied", "ago:10m", "engagements_last_meeting_booked", "ago:-72h")
	time.Sleep(time.Hour)
	return id, connectors.Window{From: time.Now().AddDate(0, 0, -30), To: time.Now()}
}

func TestSummaryPropertiesBecomeDatedEventsOfTheProspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sandbox.NewHubSpot(sandbox.HubSpotOptions{})
		id, all := week(t, h)
		c, err := New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport()})
		must(t, err)
		s := c.Engagement(EngagementOptions{})
		got := events(t, s, []connectors.Person{person("7", id)}, all)
		want := `01-01 23:30 page_view 3 https://example.com/pricing
01-02 23:00 email_open 1
01-03 22:00 email_click 1
01-03 22:00 email_open 1
01-04 23:55 page_view 2 https://example.com/docs
01-05 23:59 form_submit Contact us: Book a demo
01-06 21:00 email_open
01-07 23:50 email_reply
01-08 00:00 meeting`
		if story(got) != want {
			t.Errorf("told\n%s\nwant\n%s", story(got), want)
		}
		for _, e := range got {
			if e.Person != "7" || e.Source != "hubspot-engagement" {
				t.Errorf("%+v", e)
			}
		}
		// Read again later, after more happened, the same events have the same ids.
		time.Sleep(24 * time.Hour)
		must(t, h.UpdateContact(id, map[string]string{"hs_email_open": "3"}, ""))
		again := events(t, c.Engagement(EngagementOptions{}), []connectors.Person{person("7", id)}, connectors.Window{From: all.From, To: time.Now().Add(time.Hour)})
		if len(again) != len(got)+1 {
			t.Errorf("%d events become %d", len(got), len(again))
		}
		for key := range got {
			if _, there := again[key]; !there {
				t.Errorf("%s is told no more", key)
			}
		}
		// A narrower window tells a part.
		part := events(t, s, []connectors.Person{person("7", id)}, connectors.Window{From: time.Date(2000, 1, 3, 0, 0, 0, 0, time.UTC), To: time.Date(2000, 1, 5, 0, 0, 0, 0, time.UTC)})
		if len(part) != 3 {
			t.Errorf("the window holds\n%s", story(part))
		}
	})
}

func TestJourneysCostOneRequestPerFiftyAndNoneForTheIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sandbox.NewHubSpot(sandbox.HubSpotOptions{})
		var people []connectors.Person
		var refs []connectors.Ref
		for i := range 220 {
			props := map[string]string{"email": fmt.Sprintf("p%d@example.com", i), "hs_analytics_num_page_views": "0"}
			if i >= 100 {
				props["hs_analytics_num_page_views"], props["hs_analytics_last_timestamp"] = "2", time.Now().UTC().Format(time.RFC3339)
			}
			id := h.CreateContact(props)
			refs = append(refs, ref(id))
			people = append(people, person(id, id))
		}
		c, err := New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport()})
		must(t, err)
		s := c.Engagement(EngagementOptions{})
		w := connectors.Window{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}
		count := func() int64 {
			before := h.Counters().Requests
			if got := events(t, s, people, w); len(got) != 120 {
				t.Errorf("%d events", len(got))
			}
			return h.Counters().Requests - before
		}
		if n := count(); n != 5 {
			t.Errorf("%d requests for 220 strangers", n)
		}
		if _, err := c.Read(t.Context(), refs); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 3 {
			t.Errorf("%d requests for 120 people with traces among 220 just read", n)
		}
		time.Sleep(10 * time.Minute)
		if n := count(); n != 5 {
			t.Errorf("%d requests after the memory of the read has faded", n)
		}
		if n, err := s.Active(t.Context(), nil); err != nil || len(n.Items) != 0 || n.More || n.Next == nil {
			t.Errorf("Active tells %+v, %v", n, err)
		}
	})
}

// Summary properties and, taken into a real event store, single page views: both are told, the counted views as summaries that yield.
func TestOccurrencesAreToldBesideSummariesWhereTheAccountHasThem(t *testing.T) {
	for _, tier := range []string{"enterprise", "professional"} {
		synctest.Test(t, func(t *testing.T) {
			h := sandbox.NewHubSpot(sandbox.HubSpotOptions{Tier: tier})
			id, all := week(t, h)
			for i, page := range []string{"/", "/pricing", "/pricing"} {
				h.AddOccurrence(id, sandbox.Occurrence{ID: fmt.Sprint("e", i), Type: "e_visited_page", Time: time.Date(2000, 1, 1, 23, i, 0, 0, time.UTC),
					Properties: map[string]string{"hs_url": "https://example.com" + page, "hs_title": "A page", "hs_userAgent": "agent"}})
			}
			h.AddOccurrence(id, sandbox.Occurrence{ID: "sent", Type: "e_sent_something", Time: time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)})
			c, err := New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport()})
			must(t, err)
			store, err := clickstream.Open(t.TempDir(), clickstream.Options{NoSync: true})
			must(t, err)
			defer store.Close()
			const name = "hubspot-engagement"
			fed := store.Fed(name, c.Events(EventsOptions{}))
			s := c.Engagement(EngagementOptions{Occurrences: fed})
			_, err = fed.Take(t.Context())
			must(t, err)
			before := h.Counters().Calls("GET events")
			got := events(t, s, []connectors.Person{person("7", id)}, all)
			views, summaries := 0, 0
			for _, e := range got {
				switch {
				case e.Source != name:
					t.Errorf("%s is told by %q", e.ID, e.Source)
				case e.Properties[connectors.PropSummary] == "true":
					summaries++
				case e.Kind == connectors.KindPageView && strings.HasPrefix(e.URL, "https://example.com/") && e.PageTitle == "A page":
					views++
				default:
					t.Errorf("told %+v", e)
				}
			}
			if want := map[string]int{"enterprise": 3}[tier]; views != want || summaries == 0 {
				t.Errorf("%s: %d page views and %d summaries", tier, views, summaries)
			}
			if n := h.Counters().Calls("GET events") - before; n > 0 {
				t.Errorf("%s: %d calls for a person's occurrences", tier, n)
			}
			active, err := s.Active(t.Context(), walk{Feed: engagementFeed}.cursor())
			must(t, err)
			if tier == "enterprise" && (len(active.Items) != 1 || !slices.Equal(active.Items[0].Refs, []connectors.Ref{ref(id)})) {
				t.Errorf("active: %+v", active.Items)
			}
			gone, err := s.(connectors.Forgetter).Forget(t.Context(), person("7", id))
			must(t, err)
			if left := events(t, s, []connectors.Person{person("7", id)}, all); gone != views || len(left) != summaries {
				t.Errorf("%s: %d of %d forgotten, %d left", tier, gone, views, len(left))
			}
			if found := connectortest.Findings(c.Probe(t.Context())); strings.Contains(found, findEvents) != (tier != "enterprise") {
				t.Errorf("%s: findings\n%s", tier, found)
			}
			if c.Report().LastError != "" {
				t.Errorf("%s: %s", tier, c.Report().LastError)
			}
		})
	}
}

func TestJourneysStopsWhenTheReaderDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sandbox.NewHubSpot(sandbox.HubSpotOptions{})
		var people []connectors.Person
		for i := range 500 {
			id := h.CreateContact(map[string]string{"email": fmt.Sprintf("p%d@example.com", i), "recent_conversion_date": "2000-01-01"})
			people = append(people, person(id, id))
		}
		c, err := New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport()})
		must(t, err)
		w := connectors.Window{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}
		for _, err := range c.Engagement(EngagementOptions{}).Journeys(t.Context(), people, w) {
			must(t, err)
			break
		}
		// An error ends the sequence.
		h.Faults().Add(sandbox.Fault{Path: "/batch/read", Status: 403, Skip: 3, Times: -1})
		var last error
		for _, err := range c.Engagement(EngagementOptions{}).Journeys(t.Context(), people, w) {
			if last != nil {
				t.Error("the sequence goes on after an error")
			}
			last = err
		}
		if connectors.KindOf(last) != connectors.Auth {
			t.Errorf("it ended with %v", last)
		}
	})
}

func TestHistoryIsReadWithCare(t *testing.T) {
	at := func(day int) string { return time.Date(2026, 11, day, 12, 0, 0, 0, time.UTC).Format(time.RFC3339) }
	v := func(value string, day int, source string) version {
		return version{Value: value, Timestamp: at(day), SourceType: source}
	}
	long := make([]version, fullHistory)
	for i := range long {
		long[i] = v(fmt.Sprint(100+i), i+1, "ANALYTICS")
	}
	w := connectors.Window{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		name string
		r    record
		want string
	}{
		{"nothing", record{}, ""},
		{"a summary without history proves one occurrence", record{Properties: (`{"hs_analytics_num_page_views":"40","hs_analytics_last_timestamp":"` + at(3) + `","hs_analytics_last_url":"https://example.com/"}`)},
			"11-03 12:00 page_view https://example.com/"},
		{"a counter that falls and rises", record{History: wirePast(map[string][]version{"hs_email_click": {v("3", 3, ""), v("1", 2, ""), v("2", 1, "")}})},
			"11-01 12:00 email_click 2\n11-03 12:00 email_click 2"},
		{"a history that lost its beginning", record{History: wirePast(map[string][]version{"hs_email_click": long[:]})},
			"11-01 12:00 email_click 1"},
		{"a merge's sum without a time", record{History: wirePast(map[string][]version{"hs_email_click": {v("7", 2, "MERGE_OBJECTS"), v("1", 1, "")}})},
			"11-01 12:00 email_click 1"},
		{"a merge's sum with a time", record{History: wirePast(map[string][]version{"hs_email_click": {v("7", 5, "MERGE_OBJECTS")}, "hs_email_last_click_date": {v(at(2), 5, "MERGE_OBJECTS")}})},
			"11-02 12:00 email_click 7"},
		{"a visit of which no page is known", record{History: wirePast(map[string][]version{"hs_analytics_num_visits": {v("1", 4, "")}})},
			"11-04 12:00 visit 1"},
		{"nonsense", record{Properties: (`{"hs_email_click":"many","recent_conversion_date":"soon"}`), History: wirePast(map[string][]version{
			"hs_email_open": {v("x", 1, ""), {Value: "1", Timestamp: "?"}, v("-1", 2, ""), v("1e99", 3, "")}, "recent_conversion_date": {v("", 1, ""), v("x", 2, "")}})}, ""},
	} {
		c.r.ID = "1"
		got := map[string]connectors.Event{}
		for _, e := range journey(&c.r, w) {
			got[e.ID] = e
		}
		if s := story(got); s != c.want && !(c.name == "a history that lost its beginning" && strings.HasPrefix(s, c.want+"\n")) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, s, c.want)
		}
	}
}

// wirePast is a history as it goes over the wire.
func wirePast(versions map[string][]version) string {
	wire := map[string][]map[string]string{}
	for name, list := range versions {
		for _, v := range list {
			wire[name] = append(wire[name], map[string]string{"value": v.Value, "timestamp": v.Timestamp, "sourceType": v.SourceType})
		}
	}
	return string(transport.Encode(wire))
}
