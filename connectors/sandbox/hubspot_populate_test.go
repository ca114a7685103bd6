package sandbox

import (
	"maps"
	"strings"
	"testing"
)

func TestPopulateIsBelievableAndRepeatable(t *testing.T) {
	a, b := newPortal(t, HubSpotOptions{Unlimited: true}), newPortal(t, HubSpotOptions{Unlimited: true})
	Populate(a.HubSpot, 1000, 9)
	Populate(b.HubSpot, 1000, 9)
	content := a.Content()
	if !maps.EqualFunc(content, b.Content(), maps.Equal) {
		t.Error("the same seed gave another portal")
	}
	now := a.clock.t
	quiet, forms := 0, 0
	for id, props := range content {
		if props["hs_analytics_num_page_views"] == "" {
			quiet++
		}
		if props["num_conversion_events"] != "" {
			forms++
		}
		if !strings.HasSuffix(props["email"], ".example") {
			t.Errorf("%s has a real-looking address %q", id, props["email"])
		}
		for name, v := range props {
			if d := a.contacts.byName[name]; d.Type == "datetime" {
				if ms, ok := parseTime(v); !ok || ms > now.UnixMilli() {
					t.Errorf("%s of %s is %s, in the future", name, id, v)
				}
			}
		}
	}
	if quiet < 200 || quiet > 500 || forms < 100 || forms > 400 || len(content) != 1000 {
		t.Errorf("%d contacts, %d quiet, %d with forms", len(content), quiet, forms)
	}
	r := a.want(200, a.ask("POST", "/crm/v3/objects/deals/search", `{"filterGroups":[{"filters":[{"propertyName":"hs_is_closed","operator":"EQ","value":"true"}]}]}`))
	if n := at(r.json, "total").(float64); n < 10 {
		t.Errorf("%v closed deals", n)
	}
	after := 0
	for _, d := range a.deals.recs {
		p, contact := a.deals.properties(d), a.contacts.properties(d.links[0])
		created, _ := parseTime(p["createdate"])
		closed, _ := parseTime(p["closedate"])
		if closed <= created || closed > now.UnixMilli() {
			t.Errorf("a deal is closed before it is created, or to come: %v", p)
		}
		if seen, ok := parseTime(contact["hs_analytics_first_timestamp"]); ok && seen < created {
			after++
		}
	}
	if after < 10 {
		t.Errorf("%d of %d deals came after somebody's visit", after, len(a.deals.recs))
	}
	Populate(a.HubSpot, 10, 9)
	if n := len(a.ContactIDs()); n != 1010 {
		t.Errorf("%d contacts after a second helping", n)
	}
}

// Promise: what the counters of a populated portal tell, its feeds tell, too.
func TestPopulatedFeeds(t *testing.T) {
	h := NewHubSpot(HubSpotOptions{})
	Populate(h, 200, 7)
	sent, clicked := 0, 0
	for _, id := range h.ContactIDs() {
		props, _ := h.Contact(id)
		if props["recent_conversion_date"] != "" {
			sent++
		}
		if props["hs_email_last_click_date"] != "" {
			clicked++
		}
	}
	clicks := 0
	for _, e := range h.mailings {
		if e.Type == "CLICK" {
			clicks++
		}
	}
	if sent == 0 || len(h.submissions) != sent || len(h.forms) == 0 || clicks != clicked || clicked == 0 {
		t.Errorf("%d of %d submissions in %d forms, %d of %d clicks", len(h.submissions), sent, len(h.forms), clicks, clicked)
	}
}
