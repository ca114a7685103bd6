package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Populate adds n believable contacts with summaries of what they did, and a closed deal for about every twentieth of them.
// Most have done little, some nothing, a few much and of late. Equal seeds under an equal clock give equal portals. The
// people are made up and their addresses lie under .example, which no mail reaches.
func Populate(h *HubSpot, n int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0x5eed))
	now := h.o.Now().UTC().Truncate(time.Second)
	h.mu.Lock()
	start := len(h.contacts.recs)
	h.mu.Unlock()
	var withDeals []int
	told := make([][]happening, n)
	h.CreateContacts(n, func(i int) map[string]string {
		props := person(rng, now, start+i)
		told[i] = happenings(props)
		switch props["lifecyclestage"] {
		case "customer", "opportunity", "salesqualifiedlead":
			if rng.IntN(4) == 0 {
				props["num_associated_deals"] = "1"
				withDeals = append(withDeals, start+i)
			}
		}
		return props
	})
	defer h.lock()()
	for i, list := range told {
		id := h.contacts.recs[start+i].id
		for _, e := range list {
			if err := h.edit(h.contacts, []string{id}, e.props, "", e.at.UnixMilli()); err != nil {
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
		link(deal, h.contacts.recs[i])
	}
}

// person makes the properties of one contact.
func person(rng *rand.Rand, now time.Time, i int) map[string]string {
	first, last := pick(rng, firstNames), pick(rng, lastNames)
	place, trade := pick(rng, places), pick(rng, trades)
	domain := strings.ToLower(place + "-" + trade + ".example")
	created := ago(rng, now, 2*365*24*time.Hour)
	p := map[string]string{
		"firstname": first, "lastname": last, "email": fmt.Sprintf("%s.%s.%d@%s", strings.ToLower(first), strings.ToLower(last), i, domain),
		"company": place + " " + trade, "jobtitle": pick(rng, titles), "lifecyclestage": pick(rng, stagesOf),
		"hs_lead_status": pick(rng, leadStatus), "hs_analytics_source": pick(rng, sourcesOf), "createdate": stamp(created),
	}
	if rng.IntN(2) == 0 {
		p["phone"] = fmt.Sprintf("+49 30 5550%04d", rng.IntN(10000))
	}
	if rng.IntN(3) > 0 {
		p["hubspot_owner_id"] = strconv.Itoa(70000001 + rng.IntN(8))
	}
	latest := created
	seen := func(t time.Time) string {
		if t.After(latest) {
			latest = t
		}
		return stamp(t)
	}
	// How much someone does is skewed: a third nothing, most a few pages, some very many.
	if warmth := rng.Float64(); warmth > 0.33 {
		visits := 1 + int(20*(warmth-0.33)*(warmth-0.33)*rng.Float64())
		pages := visits + rng.IntN(4*visits+1)
		from := between(rng, created, now)
		lastSeen := between(rng, from, now)
		p["hs_analytics_num_visits"], p["hs_analytics_num_page_views"] = strconv.Itoa(visits), strconv.Itoa(pages)
		p["hs_analytics_first_timestamp"], p["hs_analytics_last_timestamp"] = seen(from), seen(lastSeen)
		p["hs_analytics_last_visit_timestamp"] = seen(lastSeen.Add(-time.Duration(rng.IntN(600)) * time.Second))
		p["hs_analytics_first_url"] = "https://www.vendor.example" + pick(rng, pagesSeen)
		p["hs_analytics_last_url"] = "https://www.vendor.example" + pick(rng, pagesSeen)
		if warmth > 0.55 {
			delivered := 1 + rng.IntN(30)
			opened := rng.IntN(delivered + 1)
			p["hs_email_delivered"], p["hs_email_open"] = strconv.Itoa(delivered), strconv.Itoa(opened)
			if opened > 0 {
				p["hs_email_last_open_date"] = seen(between(rng, from, now))
				if clicks := rng.IntN(opened + 1); clicks > 0 {
					p["hs_email_click"], p["hs_email_last_click_date"] = strconv.Itoa(clicks), seen(between(rng, from, now))
				}
			}
		}
		if warmth > 0.75 {
			forms := 1 + rng.IntN(3)
			sent := between(rng, from, now)
			p["num_conversion_events"], p["num_unique_conversion_events"] = strconv.Itoa(forms), strconv.Itoa(forms)
			p["first_conversion_date"], p["recent_conversion_date"] = seen(between(rng, from, sent)), seen(sent)
			p["recent_conversion_event_name"] = "Website: " + pick(rng, formsSent)
			p["first_conversion_event_name"] = "Website: " + pick(rng, formsSent)
		}
		if warmth > 0.9 {
			p["num_notes"], p["notes_last_contacted"] = strconv.Itoa(1+rng.IntN(9)), seen(between(rng, from, now))
			p["hs_sales_email_last_opened"] = seen(between(rng, from, now))
			if rng.IntN(3) == 0 {
				p["hs_sales_email_last_replied"] = seen(between(rng, from, now))
			}
			if rng.IntN(6) == 0 {
				p["engagements_last_meeting_booked"] = seen(between(rng, from, now))
			}
		}
	}
	p["lastmodifieddate"] = stamp(latest)
	return p
}

// happening is what HubSpot set when somebody did something: its history carries that time.
type happening struct {
	at    time.Time
	props map[string]string
}

// happenings takes the summaries of what somebody did out of p and dates each group by its own last time, oldest first.
func happenings(p map[string]string) []happening {
	groups := []struct{ date, prefixes string }{
		{"hs_analytics_last_timestamp", "hs_analytics_num_ hs_analytics_first_ hs_analytics_last_"},
		{"hs_email_last_open_date", "hs_email_open hs_email_last_open_date"},
		{"hs_email_last_click_date", "hs_email_click hs_email_last_click_date"},
		{"recent_conversion_date", "num_conversion_events num_unique_conversion_events first_conversion_ recent_conversion_"},
		{"hs_sales_email_last_opened", "hs_sales_email_last_opened"},
		{"hs_sales_email_last_replied", "hs_sales_email_last_replied"},
		{"engagements_last_meeting_booked", "engagements_last_meeting_booked"},
	}
	var out []happening
	for _, g := range groups {
		at, err := time.Parse(time.RFC3339, p[g.date])
		if err != nil {
			continue
		}
		e := happening{at, map[string]string{}}
		for _, prefix := range strings.Fields(g.prefixes) {
			for name, v := range p {
				if strings.HasPrefix(name, prefix) {
					e.props[name] = v
				}
			}
		}
		for name := range e.props {
			delete(p, name)
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b happening) int { return a.at.Compare(b.at) })
	return out
}

func stamp(t time.Time) string { return instant(t.UnixMilli()) }
