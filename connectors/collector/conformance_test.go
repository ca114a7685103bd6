package collector

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// Together with the store a collector is a source of what servers sent it.
func TestSourceConformance(t *testing.T) {
	connectortest.Source(t, func(t *testing.T) connectortest.SourceHarness {
		s := newSetup(t, nil)
		return connectortest.SourceHarness{
			Source: s.inbox, Now: present, Precision: time.Millisecond,
			Add: func(t *testing.T, events ...connectors.Event) {
				for len(events) > 0 {
					n := min(len(events), 500)
					var calls []map[string]any
					for _, e := range events[:n] {
						calls = append(calls, call(e))
					}
					events = events[n:]
					body, err := json.Marshal(map[string]any{"batch": calls})
					if err != nil {
						t.Fatal(err)
					}
					wantCode(t, s.post("/v1/batch", serverKey, string(body)), 200)
				}
			},
		}
	})
}

// call is an event as a server's client sends it.
func call(e connectors.Event) map[string]any {
	c := map[string]any{"messageId": e.ID, "timestamp": e.Time, "userId": e.UserID, "anonymousId": e.AnonymousID, "context": map[string]any{
		"page": map[string]any{"url": e.URL, "title": e.PageTitle, "referrer": e.Referrer}, "traits": map[string]any{"email": e.Email, "phone": e.Phone},
		"userAgent": e.UserAgent, "sessionId": e.Session,
	}}
	properties := map[string]any{"element_text": e.ElementText, "element_id": e.ElementID}
	for k, v := range e.Properties {
		properties[k] = v
	}
	c["properties"] = properties
	if e.Kind == connectors.KindPageView {
		c["type"] = "page"
	} else {
		c["type"], c["event"] = "track", e.Kind
	}
	return c
}
