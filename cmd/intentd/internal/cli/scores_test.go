package cli

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/operate"
)

// Promise: scores prints each change that a CRM took, from what to what and why, as JSON lines or CSV, of the time that is asked for alone.
func TestScores(t *testing.T) {
	w := newWorld(t)
	w.do(t, Done, "provision", "--apply")
	w.do(t, Done, "once")
	var c operate.ScoreChange
	line := w.do(t, Done, "scores", "--since", "1h")
	if err := json.Unmarshal([]byte(line), &c); err != nil || strings.Count(line, "\n") != 1 {
		t.Fatalf("%v\n%s", err, line)
	}
	if c.CRM != "hubspot" || c.Object != "contacts" || c.ID == "" || c.ScoreFrom != nil || c.Score != 64.5 || c.TierFrom.String() != "unknown" || c.Tier.String() != "high" || c.Trend.String() != "new" || c.Reason != "first" {
		t.Errorf("%+v", c)
	}
	rows, err := csv.NewReader(strings.NewReader(w.do(t, Done, "scores", "--since", "1d", "--format", "csv"))).ReadAll()
	if err != nil || len(rows) != 2 || rows[0][6] != "score" || rows[1][6] != "64.5" || rows[1][5] != "" || rows[1][11] != "first" {
		t.Errorf("%q, %v", rows, err)
	}
	if out := w.do(t, Done, "scores", "--since", "2020-01-01", "--until", c.At.Format(time.RFC3339)); out != "" {
		t.Errorf("before the change: %s", out)
	}
	for _, args := range [][]string{{"scores"}, {"scores", "--since", "soon"}, {"scores", "--since", "1d", "--format", "xml"}} {
		w.do(t, Misused, args...)
	}
}
