package salesforce

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// toWire is a canonical value as the API takes it: a JSON number without an exponent, a string, or null to clear.
func toWire(t connectors.FieldType, v string) (any, error) {
	if v == "" {
		return nil, nil
	}
	switch t {
	case connectors.TypeNumber:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, fmt.Errorf("%q is not a number", v)
		}
		return json.Number(strconv.FormatFloat(n, 'f', -1, 64)), nil
	case connectors.TypeDate:
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return nil, fmt.Errorf("%q is not a date", v)
		}
	case connectors.TypeDateTime:
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return nil, fmt.Errorf("%q is not a time", v)
		}
		return at.UTC().Format(time.RFC3339), nil
	}
	return v, nil
}

// fromWire is a value of Salesforce in canonical form. What cannot be read is kept as it stands: somebody put it there.
func fromWire(t connectors.FieldType, v string) string {
	switch t {
	case connectors.TypeNumber:
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			s := strconv.FormatFloat(n, 'f', 1, 64)
			if s == "-0.0" {
				s = "0.0"
			}
			return s
		}
	case connectors.TypeDate:
		if at, ok := parseTime(v); ok {
			return at.Format(time.DateOnly)
		}
	case connectors.TypeDateTime:
		if at, ok := parseTime(v); ok {
			return at.Format(time.RFC3339)
		}
	case connectors.TypeText, connectors.TypeLongText:
		return strings.ReplaceAll(v, "\r\n", "\n") // what the pages of Salesforce make of a line break
	}
	return v
}

// parseTime reads the forms in which Salesforce gives points in time, 2026-11-20T08:17:00.000+0000 above all, or a date, which
// stands for its midnight in UTC.
func parseTime(s string) (time.Time, bool) {
	layout := "2006-01-02T15:04:05Z0700"
	switch {
	case len(s) == len(time.DateOnly):
		layout = time.DateOnly
	case strings.HasSuffix(s, "Z") || len(s) > 6 && s[len(s)-3] == ':':
		layout = time.RFC3339
	}
	t, err := time.Parse(layout, s)
	return t.UTC(), err == nil
}
