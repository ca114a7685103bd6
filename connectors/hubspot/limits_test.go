package hubspot

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

type book map[string]int64

func (b book) DailyCalls(connector, day string) int64 { return b[connector+" "+day] }

func (b book) AddCalls(connector, day string, n int64) { b[connector+" "+day] += n }

func (b book) ExhaustedUntil(string) time.Time { return time.Time{} }

func (b book) SetExhausted(string, time.Time) {}

func TestTheDailyReserveIsLeftToOthersOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := book{}
		headers := map[string]string{"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": "203"}
		n := 0
		answer := func(seen) reply {
			n++
			return reply{200, `{"results":[]}`, headers}
		}
		o := func(o *Options) { o.Ledger, o.Name = b, "crm" }
		c, _ := connect(t, answer, o)
		for range 4 {
			if _, err := c.Sweep(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		headers["X-HubSpot-RateLimit-Daily-Remaining"] = "200"
		_, err := c.Sweep(t.Context(), nil)
		must(t, err)
		if _, err = c.Sweep(t.Context(), nil); connectors.KindOf(err) != connectors.Quota || n != 5 {
			t.Errorf("%v after %d requests", err, n)
		}
		if b["crm 2000-01-01"] != 5 {
			t.Errorf("the ledger holds %v", b)
		}
		if r := c.Report(); r.DailyLimit != 1000 || r.DailyRemaining != 200 || r.BlockedUntil.IsZero() {
			t.Errorf("%+v", r)
		}
		// After a restart only the ledger knows, until an answer's headers tell.
		b["crm 2000-01-01"] = 200_000 // of the 250,000 that the least plan grants
		c, _ = connect(t, answer, o)
		if _, err := c.Changes(t.Context(), walk{Feed: Contacts, Since: 1}.cursor()); connectors.KindOf(err) != connectors.Quota || n != 5 {
			t.Errorf("%v after %d requests", err, n)
		}
	})
}

func TestSearchesKeepTheirOwnPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sandbox.NewHubSpot(sandbox.HubSpotOptions{})
		c, err := New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport(), SearchesPerSecond: 2})
		must(t, err)
		start := time.Now()
		for range 7 {
			if _, err := c.Count(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("7 searches at 2 a second took %s", d)
		}
		for range 50 {
			if _, err := c.Sweep(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Error("searches hold back other requests")
		}
	})
}

// A day that is used up holds every call until midnight, unless an admin says that the cause is gone.
func TestReleaseEndsTheWaitForMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spent := true
		c, f := connect(t, func(s seen) reply {
			if spent {
				return reply{status: 429, body: `{"status":"error","errorType":"RATE_LIMIT","policyName":"DAILY","message":"You have reached your daily limit."}`,
					headers: map[string]string{"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": "0"}}
			}
			return batch(s.inputs()...)
		})
		for range 3 {
			if _, err := c.Write(t.Context(), scores(3)); connectors.KindOf(err) != connectors.Quota || len(f.request) != 1 {
				t.Errorf("%v after %d requests", err, len(f.request))
			}
		}
		c.Release()
		if _, err := c.Write(t.Context(), scores(3)); connectors.KindOf(err) != connectors.Quota || len(f.request) != 2 {
			t.Errorf("still spent: %v after %d requests", err, len(f.request))
		}
		spent = false
		c.Release()
		if results, err := c.Write(t.Context(), scores(3)); err != nil || results[0].Err != nil {
			t.Errorf("after the limit was raised: %v", err)
		}
	})
}
