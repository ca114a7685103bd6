package hubspot

import (
	"fmt"
	"testing"
	"time"
)

// Promise: of a property's past nothing is told but what its versions prove: not from before a full history's oldest version, and nothing where the last version is not what it says now.
func TestHistoryOfAProperty(t *testing.T) {
	r := &record{ID: "1", CreatedAt: "2026-01-01T00:00:00Z"}
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	version1 := func(n int, value string) version {
		return version{Value: value, Timestamp: day(n).Format(time.RFC3339)}
	}
	many := []version{}
	for n := 5 + fullHistory; n > 5; n-- {
		many = append(many, version1(n, fmt.Sprint(n)))
	}
	for _, c := range []struct {
		what     string
		versions []version
		now      string
		at       time.Time
		want     string
	}{
		{"never set", nil, "", day(5), "empty"},
		{"set later", []version{version1(9, "retail")}, "retail", day(5), "empty"},
		{"set before", []version{version1(9, ""), version1(3, "retail")}, "", day(5), "retail"},
		{"before it was made", nil, "", day(1).Add(-time.Hour), "untold"},
		{"without a history", nil, "retail", day(5), "untold"},
		{"a history of something else", []version{version1(3, "banking")}, "retail", day(5), "untold"},
		{"a time that cannot be read", []version{{Value: "retail", Timestamp: "yesterday"}}, "retail", day(5), "untold"},
		{"a history that lost its beginning", many, many[0].Value, day(5), "untold"},
		{"the rest of it", many, many[0].Value, day(7), "7"},
	} {
		got := "untold"
		if h, ok := historyOf(r, c.versions, c.now); ok {
			if v, told := h.At(c.at); told {
				if got = v; v == "" {
					got = "empty"
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}
