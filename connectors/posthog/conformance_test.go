package posthog

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestPostHogIsASource(t *testing.T) {
	connectortest.Source(t, func(t *testing.T) connectortest.SourceHarness {
		s := newStandIn(t)
		intake := testNow.Add(-time.Hour)
		paged := func(o *Config) { o.MaxRows = 100 } // the suite's people fill a dozen pages
		return connectortest.SourceHarness{
			Source: s.source(paged), Now: testNow,
			Reopen: func(t *testing.T) connectors.Source { return s.source(paged) },
			Add: func(t *testing.T, events ...connectors.Event) {
				intake = intake.Add(time.Second)
				for _, e := range events {
					s.ingest(intake, sent(e))
				}
			},
		}
	})
}

// sent is an event of the suite as PostHog's clients send it: visitors have a random distinct id, and one who becomes known is joined to who they
// are.
func sent(e connectors.Event) wire {
	p := map[string]any{"$current_url": e.URL, "title": e.PageTitle, "$lib": "web", "$device_id": e.AnonymousID}
	w := wire{UUID: e.ID, Event: e.Kind, Timestamp: e.Time, Properties: p}
	if e.Kind == connectors.KindPageView {
		w.Event = "$pageview"
	}
	if e.Email == "" && e.UserID == "" {
		p["distinct_id"], p["$is_identified"], p["$process_person_profile"] = e.AnonymousID, false, false
		return w
	}
	p["distinct_id"], p["$is_identified"] = "of "+e.Email+e.UserID, true
	if e.UserID != "" {
		p["distinct_id"] = e.UserID
	}
	if e.Email != "" {
		w.Set = map[string]any{"email": e.Email}
	}
	if e.AnonymousID != "" {
		p["$anon_distinct_id"] = e.AnonymousID
	}
	return w
}

// testdata/queries.sql are all queries in all their forms, for PostHog's own parser to read (.ci/vendor-clients/hogql.mjs). -update-queries writes it
// anew.
var updateQueries = flag.Bool("update-queries", false, "write testdata/queries.sql anew")

func TestTheQueriesThatPostHogsParserReadsAreThoseThatAreSent(t *testing.T) {
	s := newStandIn(t)
	src := s.source(func(o *Config) { o.PhoneProperty, o.ConsentProperty = "phone", "consent state" })
	w := connectors.Window{From: testNow.Add(-time.Hour), To: testNow}
	for range 2 {
		for _, p := range []connectors.Person{ann, {UserIDs: []string{"42"}}} {
			if err := src.about([]connectors.Person{p}, w).run(t.Context(), func(connectors.Event) bool { return true }); err != nil {
				t.Fatal(err)
			}
		}
		src.noBots.Store(true)
	}
	src.Probe(t.Context())
	if _, err := src.Active(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	lines := []string{"-- What intentd asks of PostHog, a query a line. Made by connectors/posthog's tests.", src.activeQuery(true)}
	for _, q := range s.queries {
		if !slices.Contains(lines, q.Query.Query) {
			lines = append(lines, q.Query.Query)
		}
	}
	got := strings.Join(lines, "\n") + "\n"
	const file = "testdata/queries.sql"
	if *updateQueries {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != got {
		t.Errorf("%s is not what is sent (%v): run with -update-queries if this is meant", file, err)
	}
}
