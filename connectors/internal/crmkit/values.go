package crmkit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Values translates values, by how the vendor writes points in time.
type Values func(s string) (time.Time, bool)

// ToWire is a canonical value as vendors take it: numbers without an exponent, times in UTC, "" to clear.
func ToWire(t connectors.FieldType, v string) (string, error) {
	if v == "" {
		return "", nil
	}
	switch t {
	case connectors.TypeNumber:
		n, ok := number(v)
		if !ok {
			return "", fmt.Errorf("%q is not a number", v)
		}
		return strconv.FormatFloat(n, 'f', -1, 64), nil
	case connectors.TypeDate:
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return "", fmt.Errorf("%q is not a date", v)
		}
	case connectors.TypeDateTime:
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return "", fmt.Errorf("%q is not a time", v)
		}
		return at.UTC().Format(time.RFC3339Nano), nil
	}
	return v, nil
}

// FromWire is a vendor's value in canonical form. What cannot be read is kept as it stands: somebody put it there.
func (as Values) FromWire(t connectors.FieldType, v string) string {
	switch t {
	case connectors.TypeNumber:
		if n, ok := number(strings.TrimSpace(v)); ok {
			s := strconv.FormatFloat(n, 'f', 1, 64)
			if s == "-0.0" {
				s = "0.0"
			}
			return s
		}
	case connectors.TypeDate:
		if at, ok := as(v); ok {
			return at.UTC().Format(time.DateOnly)
		}
	case connectors.TypeDateTime:
		if at, ok := as(v); ok {
			return at.UTC().Format(time.RFC3339Nano)
		}
	case connectors.TypeText, connectors.TypeLongText:
		return strings.ReplaceAll(v, "\r\n", "\n") // what web pages make of a line break
	}
	return v
}

func number(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}
