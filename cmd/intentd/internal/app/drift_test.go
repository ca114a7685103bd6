package app

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline"
)

// Promise: a share of high that left its own past is told in status and metrics.
func TestDriftIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		a := p.open(t)
		a.work(t.Context())
		defer stopped(t, a)
		if got := scrape(t, a, "intentd_high_share_drifted"); got != "none" {
			t.Errorf("without a past it is told: %s", got)
		}
		var shares []pipeline.Share
		for day := range 29 {
			shares = append(shares, pipeline.Share{Day: fmt.Sprint(1000 + day), High: 50, Scored: 1000})
		}
		for high, want := range map[int]string{50: "0", 150: "1"} {
			shares[28].High = high
			v, _ := json.Marshal(shares)
			if err := a.db.SetSetting("shares", v); err != nil {
				t.Fatal(err)
			}
			if got := scrape(t, a, "intentd_high_share_drifted"); got != want {
				t.Errorf("%d of 1000 high after 50: drifted %s", high, got)
			}
			st, err := StatusOf.Do(t.Context(), a, Nothing{})
			if err != nil || st.Drift == nil || st.Drift.Drifted != (want == "1") || st.Drift.Median != 0.05 {
				t.Errorf("status %+v, %v", st.Drift, err)
			}
		}
	})
}
