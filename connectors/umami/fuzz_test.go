package umami

import (
	"encoding/json"
	"testing"
)

// Whatever an answer holds, its events are read or refused.
func FuzzEvents(f *testing.F) {
	f.Add(`[{"id":"1","sessionId":"s","createdAt":"2026-11-20T10:00:00.000Z","hostname":"www.example.com","urlPath":"/a","urlQuery":"b=c","eventType":1,"hasData":true}]`)
	f.Add(`[{"id":"1","createdAt":"2026-11-20 10:00:00","eventType":"2","eventName":"form-submit","hasData":0},null,{"eventType":{}}]`)
	f.Fuzz(func(t *testing.T, answer string) {
		var got []told
		_ = json.Unmarshal([]byte(answer), &got)
		for i := range got {
			if e, err := got[i].event("web"); err == nil && (e.Time.IsZero() || e.ID == "" || e.Kind == "") {
				t.Errorf("%+v", e)
			}
		}
	})
}
