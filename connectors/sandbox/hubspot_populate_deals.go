package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// populateDeal adds a deal of a contact that agrees with what they did: it was created some days after something of it, and the more they had done by then the likelier it was won.
// Who had done nothing has one, too: it came about without a trace.
func (h *HubSpot) populateDeal(rng *rand.Rand, r *record, did []doing, now time.Time) {
	closed := ago(rng, now, 300*24*time.Hour)
	created := closed.Add(-time.Duration(10+rng.IntN(80)) * 24 * time.Hour)
	lag, cycle := time.Duration(2+rng.IntN(9))*24*time.Hour, time.Duration(7+rng.IntN(50))*24*time.Hour
	before := 0
	for _, d := range did {
		if at := d.at.Add(lag); at.Before(now.Add(-21 * 24 * time.Hour)) {
			before++
			created, closed = at, at.Add(min(cycle, now.Sub(at)-time.Hour))
		}
	}
	stages := []string{"closedwon", "closedlost", "closedlost", "contractsent"}
	if before >= 3 {
		stages = []string{"closedwon", "closedwon", "closedlost", "contractsent"}
	}
	deal := h.seed(h.deals, map[string]string{
		"dealname": fmt.Sprintf("Subscription %d", len(h.deals.recs)+1), "amount": strconv.Itoa(1000 * (1 + rng.IntN(60))), "pipeline": "default",
		"createdate": stamp(created), "closedate": stamp(closed), "hs_lastmodifieddate": stamp(closed), "dealstage": pick(rng, stages),
	})
	deal.links = []*record{r}
	r.set(h.contacts.byName["num_associated_deals"].number, "1")
}
