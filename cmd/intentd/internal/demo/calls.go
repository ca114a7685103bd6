package demo

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/intentd/intentd/connectors"
)

// callsAtOnce is how many calls one request carries; a collector takes 500 KB.
const callsAtOnce = 250

// Batches are the events as trackers send them to a collector: bodies of POST /v1/batch, oldest first.
func (p Population) Batches() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for events := range slices.Chunk(p.Events, callsAtOnce) {
			calls := make([]map[string]any, len(events))
			for i := range events {
				calls[i] = call(&events[i])
			}
			body, err := json.Marshal(map[string]any{"batch": calls})
			if err != nil {
				err = fmt.Errorf("demo: write calls: %w", err)
			}
			if !yield(body, err) || err != nil {
				return
			}
		}
	}
}

// call is an event as a call of the Segment specification.
func call(e *connectors.Event) map[string]any {
	properties := map[string]any{"element_text": e.ElementText, "element_id": e.ElementID}
	for k, v := range e.Properties {
		properties[k] = v
	}
	context := map[string]any{
		"page": map[string]any{"url": e.URL, "title": e.PageTitle, "referrer": e.Referrer}, "traits": map[string]any{"email": e.Email, "phone": e.Phone},
		"userAgent": e.UserAgent, "ip": e.IP, "sessionId": e.Session,
	}
	if e.Consent != "" {
		context["consent"] = map[string]any{"categoryPreferences": map[string]any{"analytics": e.Consent == "granted"}}
	}
	c := map[string]any{"type": "track", "event": e.Kind, "messageId": e.ID, "timestamp": e.Time, "userId": e.UserID, "anonymousId": e.AnonymousID, "properties": properties, "context": context}
	if e.Kind == connectors.KindPageView {
		c["type"] = "page"
	}
	return c
}
