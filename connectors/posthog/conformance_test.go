package posthog

import (
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
