package matomo

import (
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

func TestMatomoIsASource(t *testing.T) {
	connectortest.Source(t, func(t *testing.T) connectortest.SourceHarness {
		s := newStandIn(t)
		return connectortest.SourceHarness{
			Source: s.source(nil), Now: testNow, Precision: time.Second,
			NoLinks: true, // a visit says one user and one browser; what joins several visits, the host says
			Reopen:  func(t *testing.T) connectors.Source { return s.source(nil) },
			Add: func(t *testing.T, events ...connectors.Event) {
				for _, e := range events {
					action := map[string]any{"type": "action", "url": e.URL, "pageTitle": sanitised(e.PageTitle)}
					if e.Kind != connectors.KindPageView {
						action["type"], action["eventCategory"], action["eventAction"] = "event", "Contact", e.Kind
					}
					user := e.Email
					if e.UserID != "" {
						user = e.UserID
					}
					s.track("00000000000000aa", user, e.Time, action)
				}
			},
		}
	})
}
