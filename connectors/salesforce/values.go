package salesforce

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// values translates values.
var values = crmkit.Values(parseTime)

// toWire is a canonical value as the API takes it: a JSON number without an exponent, a string, or null to clear.
func toWire(t connectors.FieldType, v string) (any, error) {
	wire, err := crmkit.ToWire(t, v)
	switch {
	case err != nil || wire == "":
		return nil, err
	case t == connectors.TypeNumber:
		return json.Number(wire), nil
	}
	return wire, nil
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
