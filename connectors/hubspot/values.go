package hubspot

import (
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// values translates values: HubSpot's are strings, in canonical form but for times.
var values = crmkit.Values(parseTime)

// parseTime reads the forms in which HubSpot gives points in time: ISO 8601 with or without fractions, milliseconds of the
// Unix epoch, or a date, which stands for its midnight in UTC.
func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) < len(time.DateOnly) {
		if len(s) < 9 { // a year, a count: no point in time of this century in milliseconds
			return time.Time{}, false
		}
	}
	if len(s) > 4 && s[4] == '-' {
		layout := time.RFC3339
		switch {
		case len(s) == len(time.DateOnly):
			layout = time.DateOnly
		case strings.HasSuffix(s, "+0000"):
			s = strings.TrimSuffix(s, "+0000") + "Z"
		}
		t, err := time.Parse(layout, s)
		return t.UTC(), err == nil
	}
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms <= 0 || ms > 253402300799999 { // the last millisecond of the year 9999
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}
