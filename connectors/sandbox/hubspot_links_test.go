package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDealsAndAssociations(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	p.CreateContacts(600, func(int) map[string]string { return nil })
	contacts := p.ContactIDs()
	won := p.CreateDeal(map[string]string{"dealname": "Won", "dealstage": "closedwon", "closedate": "2026-10-01T00:00:00Z", "createdate": "2026-09-01T00:00:00Z"}, contacts...)
	lost := p.CreateDeal(map[string]string{"dealname": "Lost", "dealstage": "closedlost", "closedate": "2026-10-02T00:00:00Z"}, contacts[0])
	open := p.CreateDeal(map[string]string{"dealname": "Open", "dealstage": "contractsent"})
	r := p.want(200, p.ask("POST", "/crm/objects/2026-09/deals/search", `{"filterGroups":[{"filters":[{"propertyName":"hs_is_closed","operator":"EQ","value":"true"},{"propertyName":"closedate","operator":"GTE","value":"1790812800000"}]}],"sorts":["hs_object_id"],"properties":["hs_is_closed_won","closedate"]}`))
	if !slices.Equal(ids(r), []string{won, lost}) || at(r.json, "results", 0, "properties", "hs_is_closed_won") != "true" || at(r.json, "results", 1, "properties", "hs_is_closed_won") != "false" || at(r.json, "results", 0, "createdAt") != "2026-09-01T00:00:00Z" {
		t.Errorf("closed deals: %s", r.body)
	}
	if _, there := r.json["results"].([]any)[0].(map[string]any)["properties"].(map[string]any)["hs_lastmodifieddate"]; !there {
		t.Errorf("a deal's modification time is hs_lastmodifieddate: %s", r.body)
	}
	for _, base := range []string{"/crm/v4/associations", "/crm/associations/2026-03"} {
		r := p.want(207, p.ask("POST", base+"/deals/contacts/batch/read", inputs(map[string]string{"id": won}, map[string]string{"id": open})))
		got := []string{}
		next := at(r.json, "results", 0, "paging", "next", "after")
		for _, to := range at(r.json, "results", 0, "to").([]any) {
			got = append(got, fmt.Sprintf("%.0f", at(to, "toObjectId")))
		}
		if len(got) != linkPage || next == nil || at(r.json, "results", 0, "to", 0, "associationTypes", 0, "typeId") != 3.0 {
			t.Fatalf("first page has %d, next %v", len(got), next)
		}
		if at(r.json, "errors", 0, "subCategory") != "crm.associations.NO_ASSOCIATIONS_FOUND" || at(r.json, "errors", 0, "context", "fromObjectId", 0) != open {
			t.Errorf("no associations: %v", r.json["errors"])
		}
		r = p.want(200, p.ask("POST", base+"/deals/contacts/batch/read", inputs(map[string]string{"id": won, "after": next.(string)})))
		for _, to := range at(r.json, "results", 0, "to").([]any) {
			got = append(got, fmt.Sprintf("%.0f", at(to, "toObjectId")))
		}
		if !slices.Equal(got, contacts) {
			t.Errorf("the pages hold %d of %d contacts", len(got), len(contacts))
		}
	}
	r = p.want(200, p.ask("GET", "/crm/v4/objects/contacts/"+contacts[0]+"/associations/deals", nil))
	if len(r.json["results"].([]any)) != 2 {
		t.Errorf("deals of a contact: %s", r.body)
	}
	if props, _ := p.Contact(contacts[0]); props["num_associated_deals"] != "2" {
		t.Errorf("num_associated_deals is %q", props["num_associated_deals"])
	}
	if err := p.UpdateDeal(open, map[string]string{"dealstage": "closedwon"}, "7"); err != nil {
		t.Fatal(err)
	}
	if d := p.deals.properties(p.deals.byID[open]); d["hs_is_closed_won"] != "true" || d["hs_is_closed"] != "true" {
		t.Errorf("a won deal: %v", d)
	}
	made := p.want(201, p.ask("POST", "/crm/v3/objects/deals", `{"properties":{"dealname":"New","createdate":"2026-01-02T00:00:00Z"},"associations":[{"to":{"id":"`+contacts[1]+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":3}]}]}`))
	if at(made.json, "createdAt") != "2026-01-02T00:00:00Z" || at(made.json, "properties", "dealname") != "New" {
		t.Errorf("created deal: %s", made.body)
	}
}

func TestEventOccurrencesAreEnterpriseOnly(t *testing.T) {
	for _, path := range []string{"/events/event-occurrences/2026-03", "/events/v3/events/"} {
		p := newPortal(t, HubSpotOptions{})
		p.want(403, p.ask("GET", path+"?objectType=contact&eventType=e_visited_page", nil))

		p = newPortal(t, HubSpotOptions{Tier: "enterprise"})
		id := p.CreateContact(map[string]string{"email": "a@b.co"})
		other := p.CreateContact(nil)
		for i := range 5 {
			p.AddOccurrence(id, Occurrence{ID: fmt.Sprint("e", i), Type: "e_visited_page", Time: p.clock.t.Add(time.Duration(i) * time.Minute), Properties: map[string]string{"hs_url": "https://x"}})
		}
		p.AddOccurrence(id, Occurrence{Type: "e_other", Time: p.clock.t})
		base := path + "?objectType=contact&eventType=e_visited_page"
		r := p.want(200, p.ask("GET", base+"&limit=2", nil))
		if !slices.Equal(ids(r), []string{"e4", "e3"}) || at(r.json, "results", 0, "objectId") != id || at(r.json, "results", 0, "properties", "hs_url") != "https://x" {
			t.Fatalf("first page: %s", r.body)
		}
		next := at(r.json, "paging", "next", "after").(string)
		r = p.want(200, p.ask("GET", base+"&limit=3&after="+next, nil))
		if !slices.Equal(ids(r), []string{"e2", "e1", "e0"}) || r.json["paging"] != nil {
			t.Errorf("last page: %s", r.body)
		}
		since, until := p.clock.t.Add(2*time.Minute).Format(time.RFC3339Nano), p.clock.t.Add(4*time.Minute).Format(time.RFC3339Nano)
		r = p.want(200, p.ask("GET", base+"&occurredAfter="+since+"&occurredBefore="+until, nil))
		if !slices.Equal(ids(r), []string{"e3"}) {
			t.Errorf("occurredAfter and occurredBefore: %s", r.body)
		}
		into, err := p.Merge(id, other)
		if err != nil {
			t.Fatal(err)
		}
		if r = p.want(200, p.ask("GET", base, nil)); at(r.json, "results", 0, "objectId") != into {
			t.Errorf("events of a merged contact: %s", r.body)
		}
		p.want(400, p.ask("GET", path+"?objectType=contact", nil))
		p.want(400, p.ask("GET", base+"&objectId="+id, nil)) // a shape that the sandbox does not tell
		if r := p.want(200, p.ask("GET", strings.TrimSuffix(path, "/")+"/event-types", nil)); r.body != `{"eventTypes":["e_other","e_visited_page"]}` {
			t.Errorf("types: %s", r.body)
		}
	}
}
