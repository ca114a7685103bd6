package hubspot

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// toWire is a canonical value as HubSpot takes it: always a string, numbers without an exponent, "" to clear.
func toWire(t connectors.FieldType, v string) (string, error) {
	if v == "" {
		return "", nil
	}
	switch t {
	case connectors.TypeNumber:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return "", fmt.Errorf("%q is not a number", v)
		}
		return strconv.FormatFloat(n, 'f', -1, 64), nil
	case connectors.TypeDate:
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return "", fmt.Errorf("%q is not a date", v)
		}
	case connectors.TypeDateTime:
		t, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return "", fmt.Errorf("%q is not a time", v)
		}
		return t.UTC().Format(time.RFC3339Nano), nil
	}
	return v, nil
}

// fromWire is a value of HubSpot in canonical form. What cannot be read is kept as it stands: somebody put it there.
func fromWire(t connectors.FieldType, v string) string {
	switch t {
	case connectors.TypeNumber:
		if n, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
			s := strconv.FormatFloat(n, 'f', 1, 64)
			if s == "-0.0" {
				s = "0.0"
			}
			return s
		}
	case connectors.TypeDate:
		if at, ok := parseTime(v); ok {
			return at.UTC().Format(time.DateOnly)
		}
	case connectors.TypeDateTime:
		if at, ok := parseTime(v); ok {
			return at.UTC().Format(time.RFC3339Nano)
		}
	}
	return v
}

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
