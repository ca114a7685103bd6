package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Populate adds n believable contacts with summaries of what they did, and a closed deal, after some of it, for about every twentieth of them.
// Most have done little, some nothing, a few much and of late. Equal seeds under an equal clock give equal portals. The
// people are made up and their addresses lie under .example, which no mail reaches.
func Populate(h *HubSpot, n int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0x5eed))
	now := h.o.Now().UTC().Truncate(time.Second)
	defer h.lock()()
	start := len(h.contacts.recs)
	for i := range n {
		who := newSomeone(rng, now, start+i, newCompany(rng))
		props := map[string]string{
			"firstname": who.first, "lastname": who.last, "email": who.email, "phone": who.phone, "company": who.company, "jobtitle": who.title,
			"lifecyclestage": pick(rng, stagesOf), "hs_lead_status": pick(rng, leadStatus), "hs_analytics_source": pick(rng, sourcesOf),
			"createdate": stamp(who.created), "lastmodifieddate": stamp(who.created),
		}
		if rng.IntN(3) > 0 {
			props["hubspot_owner_id"] = strconv.Itoa(70000001 + rng.IntN(8))
		}
		r := h.seed(h.contacts, props)
		did := doings(rng, between(rng, who.created, now), now)
		for _, e := range did {
			h.edit(h.contacts, []string{r.id}, e.props, "", e.at.UnixMilli())
			h.populateFeeds(r.id, who.email, e)
		}
		if stage := props["lifecyclestage"]; stage != "customer" && stage != "opportunity" && stage != "salesqualifiedlead" || rng.IntN(4) > 0 {
			continue
		}
		h.populateDeal(rng, r, did, now)
	}
}

// doing is what HubSpot set when somebody did something: its history carries that time.
type doing struct {
	at    time.Time
	props map[string]string
}

// populateFeeds tells of a doing what HubSpot's feeds tell of it: the form that was sent, the mail that was opened or clicked.
func (h *HubSpot) populateFeeds(id, address string, d doing) {
	if _, name, ok := strings.Cut(d.props["recent_conversion_event_name"], ": "); ok {
		at := slices.IndexFunc(h.forms, func(f *Form) bool { return f.Name == name })
		if at < 0 {
			at = len(h.forms)
			h.forms = append(h.forms, &Form{ID: fmt.Sprintf("5a9d0000-0000-4000-a000-%012d", at+1), Name: name, Type: "hubspot"})
		}
		h.submissions = append(h.submissions, sent{h.forms[at], Submission{ID: "conversion-" + id, Time: d.at, PageURL: "https://www.vendor.example/forms", Values: map[string]string{"email": address}}})
	}
	mail := func(kind string, before time.Duration) {
		h.mailings = append(h.mailings, EmailEvent{ID: strings.ToLower(kind) + "-" + id + "-" + formatID(d.at.UnixMilli()), Type: kind, Time: d.at.Add(-before), Recipient: address, Campaign: newsletter,
			URL: map[string]string{"CLICK": "https://www.vendor.example/product"}[kind]})
	}
	switch {
	case d.props["hs_email_last_open_date"] != "":
		mail("DELIVERED", time.Hour)
		mail("OPEN", 0)
	case d.props["hs_email_last_click_date"] != "":
		mail("DELIVERED", 2*time.Hour)
		mail("CLICK", 0)
	}
	h.campaigns[newsletter] = "Monthly newsletter"
}

// newsletter is the campaign of a populated portal's mails.
const newsletter = 1_000_001

// doings are what somebody did from a time on, in its order. How much is skewed: a third did nothing, most a few pages, some
// very many.
func doings(rng *rand.Rand, from, now time.Time) (told []doing) {
	warmth := rng.Float64()
	tell := func(above float64, props func(at string) map[string]string) {
		if at := between(rng, from, now); warmth > above {
			told = append(told, doing{at, props(stamp(at))})
		}
	}
	some := func(n int) string { return strconv.Itoa(1 + rng.IntN(n)) }
	tell(0.33, func(at string) map[string]string {
		visits := 1 + int(20*(warmth-0.33)*(warmth-0.33)*rng.Float64())
		return map[string]string{
			"hs_analytics_num_visits": strconv.Itoa(visits), "hs_analytics_num_page_views": strconv.Itoa(visits + rng.IntN(4*visits+1)),
			"hs_analytics_first_timestamp": stamp(from), "hs_analytics_last_timestamp": at, "hs_analytics_last_visit_timestamp": at,
			"hs_analytics_first_url": "https://www.vendor.example" + pick(rng, pagesSeen), "hs_analytics_last_url": "https://www.vendor.example" + pick(rng, pagesSeen),
		}
	})
	tell(0.55, func(at string) map[string]string {
		return map[string]string{"hs_email_delivered": strconv.Itoa(20 + rng.IntN(10)), "hs_email_open": some(20), "hs_email_last_open_date": at}
	})
	tell(0.65, func(at string) map[string]string {
		return map[string]string{"hs_email_click": some(5), "hs_email_last_click_date": at}
	})
	tell(0.75, func(at string) map[string]string {
		return map[string]string{"num_conversion_events": some(3), "recent_conversion_date": at, "recent_conversion_event_name": "Website: " + pick(rng, formsSent)}
	})
	tell(0.9, func(at string) map[string]string {
		return map[string]string{"num_notes": some(9), "notes_last_contacted": at, "hs_sales_email_last_opened": at}
	})
	tell(0.96, func(at string) map[string]string {
		return map[string]string{"hs_sales_email_last_replied": at, "engagements_last_meeting_booked": at}
	})
	slices.SortFunc(told, func(a, b doing) int { return a.at.Compare(b.at) })
	return told
}

func stamp(t time.Time) string { return instant(t.UnixMilli()) }
