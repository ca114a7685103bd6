package proof

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestWeigh(t *testing.T) {
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		share, people, won float64
		runs               bool
		months             float64
		says               string
	}{
		"a large portal":              {0.5, 1000, 120, true, 7.7, "3841 people must be held out, at a share of 0.5 in 7.7 months"},
		"a share that is too small":   {0.1, 1000, 120, false, 21.5, "a share of 0.25 would take 10.4"},
		"a small portal":              {0.05, 50, 5, false, 989, "half of all would take more, too"},
		"nobody wins":                 {0.05, 50, 0, false, 0, "no share can show"},
		"more win than are scored":    {0.05, 50, 80, false, 0, "no share can show"},
		"nobody is scored for a year": {0.05, 0, 3, false, 0, "no share can show"},
	} {
		w := Weigh(c.share, c.people, c.won, now)
		if w.Runs != c.runs || math.Abs(w.Months-c.months) > 0.05*c.months || !strings.Contains(w.Why, c.says) {
			t.Errorf("%s: runs %v after %.1f months: %s", name, w.Runs, w.Months, w.Why)
		}
	}
}
