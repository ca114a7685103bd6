package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Populate adds n believable contacts with summaries of what they did, and a closed deal for about every twentieth of them.
// Most have done little, some nothing, a few much and of late. Equal seeds under an equal clock give equal portals. The
// people are made up and their addresses lie under .example, which no mail reaches.
func Populate(h *HubSpot, n int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0x5eed))
	now := h.o.Now().UTC().Truncate(time.Second)
	defer h.lock()()
	start := len(h.contacts.recs)
	var withDeals []int
	for i := range n {
		props, told := person(rng, now, start+i)
		if stage := props["lifecyclestage"]; (stage == "customer" || stage == "opportunity" || stage == "salesqualifiedlead") && rng.IntN(4) == 0 {
			props["num_associated_deals"] = "1"
			withDeals = append(withDeals, start+i)
		}
		r := h.seed(h.contacts, props)
		slices.SortFunc(told, func(a, b happening) int { return a.at.Compare(b.at) })
		for _, e := range told {
			if err := h.edit(h.contacts, []string{r.id}, e.props, "", e.at.UnixMilli()); err != nil {
				panic(err) // a fault of the generator alone
			}
		}
	}
	for k, i := range withDeals {
		closed := ago(rng, now, 300*24*time.Hour)
		deal := h.seed(h.deals, map[string]string{
			"dealname": fmt.Sprintf("Subscription %d", start+k+1), "amount": strconv.Itoa(1000 * (1 + rng.IntN(60))), "pipeline": "default",
			"createdate": stamp(closed.Add(-time.Duration(10+rng.IntN(80)) * 24 * time.Hour)), "closedate": stamp(closed),
			"hs_lastmodifieddate": stamp(closed), "dealstage": pick(rng, []string{"closedwon", "closedlost", "closedlost", "contractsent"}),
		})
		deal.links = []*record{h.contacts.recs[i]}
	}
}

// happening is what HubSpot set when somebody did something: its history carries that time.
type happening struct {
	at    time.Time
	props map[string]string
}

// person makes the properties of one contact, and what they did.
func person(rng *rand.Rand, now time.Time, i int) (p map[string]string, told []happening) {
	who := newSomeone(rng, now, i, newCompany(rng))
	p = map[string]string{
		"firstname": who.first, "lastname": who.last, "email": who.email, "phone": who.phone, "company": who.company, "jobtitle": who.title,
		"lifecyclestage": pick(rng, stagesOf), "hs_lead_status": pick(rng, leadStatus), "hs_analytics_source": pick(rng, sourcesOf),
		"createdate": stamp(who.created), "lastmodifieddate": stamp(who.created),
	}
	if rng.IntN(3) > 0 {
		p["hubspot_owner_id"] = strconv.Itoa(70000001 + rng.IntN(8))
	}
	// How much someone does is skewed: a third nothing, most a few pages, some very many.
	warmth := rng.Float64()
	from := between(rng, who.created, now)
	tell := func(above float64, props func(at time.Time) map[string]string) {
		if at := between(rng, from, now); warmth > above {
			told = append(told, happening{at, props(at)})
		}
	}
	tell(0.33, func(at time.Time) map[string]string {
		visits := 1 + int(20*(warmth-0.33)*(warmth-0.33)*rng.Float64())
		return map[string]string{
			"hs_analytics_num_visits": strconv.Itoa(visits), "hs_analytics_num_page_views": strconv.Itoa(visits + rng.IntN(4*visits+1)),
			"hs_analytics_first_timestamp": stamp(from), "hs_analytics_last_timestamp": stamp(at), "hs_analytics_last_visit_timestamp": stamp(at),
			"hs_analytics_first_url": "https://www.vendor.example" + pick(rng, pagesSeen), "hs_analytics_last_url": "https://www.vendor.example" + pick(rng, pagesSeen),
		}
	})
	tell(0.55, func(at time.Time) map[string]string {
		opened := 1 + rng.IntN(20)
		return map[string]string{"hs_email_delivered": strconv.Itoa(opened + rng.IntN(10)), "hs_email_open": strconv.Itoa(opened), "hs_email_last_open_date": stamp(at)}
	})
	tell(0.65, func(at time.Time) map[string]string {
		return map[string]string{"hs_email_click": strconv.Itoa(1 + rng.IntN(5)), "hs_email_last_click_date": stamp(at)}
	})
	tell(0.75, func(at time.Time) map[string]string {
		return map[string]string{"num_conversion_events": strconv.Itoa(1 + rng.IntN(3)), "recent_conversion_date": stamp(at), "recent_conversion_event_name": "Website: " + pick(rng, formsSent)}
	})
	tell(0.9, func(at time.Time) map[string]string {
		return map[string]string{"num_notes": strconv.Itoa(1 + rng.IntN(9)), "notes_last_contacted": stamp(at), "hs_sales_email_last_opened": stamp(at)}
	})
	tell(0.96, func(at time.Time) map[string]string {
		return map[string]string{"hs_sales_email_last_replied": stamp(at), "engagements_last_meeting_booked": stamp(at)}
	})
	return p, told
}

func stamp(t time.Time) string { return instant(t.UnixMilli()) }
