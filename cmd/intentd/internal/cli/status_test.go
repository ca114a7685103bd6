package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/batch"
)

// Promise: status tells of jobs at the model's vendor what is under way, since when, and what was given up; and nothing where there are none.
func TestStatusTellsOfJobs(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for want, b := range map[string]batch.Status{
		"": {},
		"a job is being gathered; 3 people wait for it":                                                  {Waiting: 3},
		"2 jobs of 900 prompts under way, the oldest since 2026-11-20T12:00:00Z; 1 person wait for them": {Jobs: 2, Prompts: 900, Waiting: 1, Oldest: at},
		"1 job given up since start, the last at 2026-11-20T12:00:00Z: job x is not over":                {GivenUp: 1, LastGivenUp: at, Why: "job x is not over", Error: "job x is not over"},
		"jobs fail: HTTP 503": {Error: "HTTP 503"},
	} {
		var out strings.Builder
		jobsText(&out, b)
		if got := strings.TrimSpace(out.String()); got != want {
			t.Errorf("%+v:\n%s\nwant\n%s", b, got, want)
		}
	}
}

// Status says what journeys left out, and nothing where they left nothing out.
func TestStatusTellsWhatIsLeftOut(t *testing.T) {
	var out strings.Builder
	st := app.Status{}
	statusText(&out, st)
	if strings.Contains(out.String(), "left out") {
		t.Errorf("nothing is left out:\n%s", out.String())
	}
	out.Reset()
	st.Filtered.Bots, st.Filtered.NoConsent = 12, 3
	statusText(&out, st)
	if !strings.Contains(out.String(), "left out   events, at each look since start: 12 by bots, 3 without consent; explain says whose\n") {
		t.Error(out.String())
	}
}
