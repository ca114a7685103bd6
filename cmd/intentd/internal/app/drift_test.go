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

// Promise: where high begins for owners whose capacity is exceeded is told in metrics, by no owner's name; without a capacity nothing is.
func TestCapacityIsToldInMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		a := p.open(t)
		if got := scrape(t, a, "intentd_capacity_owners_raised"); got != "none" {
			t.Errorf("without a capacity it is told: %s", got)
		}
		v := fmt.Sprintf(`{"day":%q,"owners":{"hubspot/7":{"from":701,"since":"1999-12-01T00:00:00Z"},"hubspot/8":{"from":655,"since":"1999-12-01T00:00:00Z"}}}`, time.Now().Format(time.DateOnly))
		if err := a.db.SetSetting("capacity", []byte(v)); err != nil {
			t.Fatal(err)
		}
		stopped(t, a)
		p.write(t, "scoring: {capacity: {high: 5}}\n")
		a = p.open(t)
		defer stopped(t, a)
		for series, want := range map[string]string{"intentd_capacity_owners_raised": "2", `intentd_capacity_high_from{which="lowest"}`: "65.5", `intentd_capacity_high_from{which="highest"}`: "70.1"} {
			if got := scrape(t, a, series); got != want {
				t.Errorf("%s %s, want %s", series, got, want)
			}
		}
	})
}
