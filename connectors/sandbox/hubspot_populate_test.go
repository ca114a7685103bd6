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
	Populate(a.HubSpot, 10, 9)
	if n := len(a.ContactIDs()); n != 1010 {
		t.Errorf("%d contacts after a second helping", n)
	}
}
