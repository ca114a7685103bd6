package matomo

import (
	"encoding/json"
	"testing"

	"github.com/intentd/intentd/connectors"
)

// Whatever an answer holds, its visits are read or refused.
func FuzzVisits(f *testing.F) {
	f.Add(`[{"idVisit":"1","visitorId":"00000000000000aa","userId":"a&amp;b","lastActionTimestamp":1795132800,"actionDetails":[{"type":"event","timestamp":1795132800,"pageId":"7","eventAction":"x"}]}]`)
	f.Add(`[{"idVisit":1,"userId":false,"lastActionTimestamp":"1795132800","actionDetails":{"2":{"type":"goal","timestamp":"x"},"10":{"type":null}}},null,{}]`)
	f.Add(`[{"actionDetails":"none","truncatedActionsCount":-1}]`)
	f.Fuzz(func(t *testing.T, answer string) {
		var visits []visit
		_ = json.Unmarshal([]byte(answer), &visits)
		for i := range visits {
			visits[i].key()
			visits[i].events("stats", func(_ int, e connectors.Event, err error) bool {
				if err == nil && (e.Time.IsZero() || e.ID == "") {
					t.Errorf("%+v", e)
				}
				return true
			})
		}
	})
}
