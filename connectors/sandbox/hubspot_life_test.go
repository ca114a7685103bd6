package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// holds says whether any contact, its past or its events hold a text.
func (p *portal) holds(text string) bool {
	for _, r := range p.contacts.recs {
		for _, state := range append(r.before, r) {
			if strings.Contains(fmt.Sprint(state.cells, state.history, p.occurrences), text) {
				return true
			}
		}
	}
	return p.emails[text] != nil
}

func TestMergedIDs(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	a := p.CreateContact(map[string]string{"email": "a@b.co", "firstname": "Ada", "hs_analytics_num_page_views": "3"})
	b := p.CreateContact(map[string]string{"email": "b@b.co", "city": "Ulm", "hs_analytics_num_page_views": "4"})
	other := p.CreateContact(nil)
	deal := p.CreateDeal(map[string]string{"dealname": "D", "dealstage": "closedwon"}, b)
	p.clock.advance(time.Minute)
	id, err := p.Merge(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if id == a || id == b {
		t.Fatalf("the merge kept id %s", id)
	}
	props, _ := p.Contact(id)
	ms := fmt.Sprint(p.clock.t.UnixMilli())
	for name, want := range map[string]string{
		"email": "a@b.co", "hs_additional_emails": "b@b.co", "firstname": "Ada", "city": "Ulm", "hs_analytics_num_page_views": "7",
		"hs_merged_object_ids": a + ";" + b, "hs_calculated_merged_vids": a + ":" + ms + ";" + b + ":" + ms,
	} {
		if props[name] != want {
			t.Errorf("%s is %q, want %q", name, props[name], want)
		}
	}
	for _, path := range []string{dated, v3} {
		r := p.want(200, p.ask("POST", path+"/batch/update", inputs(update(a, map[string]string{"city": "Bonn"}), update(other, map[string]string{"city": "Bonn"}))))
		if !slices.Equal(ids(r), []string{other}) || r.json["errors"] != nil {
			t.Errorf("batch update of a merged id must leave it out without a word: %s", r.body)
		}
		r = p.want(200, p.ask("POST", path+"/batch/read", inputs(map[string]string{"id": b}, map[string]string{"id": id})))
		if !slices.Equal(ids(r), []string{id}) {
			t.Errorf("batch read: %s", r.body)
		}
	}
	r := p.want(200, p.ask("PATCH", dated+"/"+b, `{"properties":{"city":"Jena"}}`))
	if at(r.json, "id") != id || at(r.json, "properties", "city") != "Jena" {
		t.Errorf("a single PATCH of a merged id must reach the new record: %s", r.body)
	}
	if r := p.want(200, p.ask("GET", dated+"/"+a, nil)); at(r.json, "id") != id {
		t.Errorf("GET of a merged id: %s", r.body)
	}
	if r := p.want(200, p.ask("POST", dated+"/search", `{"filterGroups":[{"filters":[{"propertyName":"hs_object_id","operator":"IN","values":["`+a+`","`+id+`"]}]}]}`)); !slices.Equal(ids(r), []string{id}) {
		t.Errorf("search: %s", r.body)
	}
	links := p.want(200, p.ask("POST", "/crm/v4/associations/deals/contacts/batch/read", inputs(map[string]string{"id": deal})))
	if got := fmt.Sprintf("%.0f", at(links.json, "results", 0, "to", 0, "toObjectId")); got != id {
		t.Errorf("the deal leads to %s, want %s", got, id)
	}
	again, err := p.Merge(other, a) // by an id that was merged away
	if err != nil {
		t.Fatal(err)
	}
	if props, _ := p.Contact(again); props["hs_merged_object_ids"] != a+";"+b+";"+other+";"+id {
		t.Errorf("merged ids %q", props["hs_merged_object_ids"])
	}
	if got, ok := p.ContactByEmail("b@b.co"); !ok || got != again {
		t.Errorf("the loser's address leads to %q", got)
	}
}

func TestArchiveErase(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	a, b := p.CreateContact(map[string]string{"email": "a@b.co", "city": "Ulm"}), p.CreateContact(map[string]string{"email": "b@b.co"})
	for _, id := range []string{a, b} {
		if err := p.Archive(id); err != nil {
			t.Fatal(err)
		}
	}
	if r := p.want(200, p.ask("POST", dated+"/search", `{}`)); at(r.json, "total") != 0.0 {
		t.Errorf("archived records appear in search: %s", r.body)
	}
	p.want(404, p.ask("GET", dated+"/"+a, nil))
	p.want(207, p.ask("POST", dated+"/batch/read", inputs(map[string]string{"id": a})))
	p.want(207, p.ask("POST", dated+"/batch/update", inputs(update(a, map[string]string{"city": "Bonn"}))))
	r := p.want(200, p.ask("GET", dated+"?archived=true&properties=city&limit=1", nil))
	if !slices.Equal(ids(r), []string{a}) || at(r.json, "results", 0, "archived") != true || at(r.json, "results", 0, "archivedAt") == nil || at(r.json, "paging", "next", "after") != b {
		t.Errorf("list of archived: %s", r.body)
	}
	if r := p.want(200, p.ask("POST", dated+"/batch/read?archived=true", inputs(map[string]string{"id": a}))); !slices.Equal(ids(r), []string{a}) {
		t.Errorf("batch read of archived: %s", r.body)
	}
	p.clock.advance(90 * 24 * time.Hour)
	if r := p.want(200, p.ask("GET", dated+"?archived=true", nil)); len(ids(r)) != 0 {
		t.Errorf("a record is listed as archived after 90 days: %s", r.body)
	}
	if err := p.Erase(a); err != nil {
		t.Fatal(err)
	}
	p.want(404, p.ask("GET", dated+"/"+a, nil))
	p.want(404, p.ask("GET", dated+"/"+a+"?archived=true", nil))
	if r := p.want(207, p.ask("POST", dated+"/batch/read?archived=true", inputs(map[string]string{"id": a}))); at(r.json, "errors", 0, "category") != "OBJECT_NOT_FOUND" {
		t.Errorf("erased: %s", r.body)
	}
	if p.holds("a@b.co") {
		t.Error("something of an erased contact remains")
	}
	if id := p.CreateContact(map[string]string{"email": "a@b.co"}); id == a {
		t.Error("an erased id came back")
	}
}

func TestAnErasedContactLeavesNothingOfThoseMergedIntoIt(t *testing.T) {
	p := newPortal(t, HubSpotOptions{})
	a, b := p.CreateContact(map[string]string{"email": "first@b.co"}), p.CreateContact(map[string]string{"email": "second@b.co", "city": "Ulm"})
	deal := p.CreateDeal(nil, a)
	p.AddOccurrence(b, Occurrence{Type: "t", Time: p.clock.t, Properties: map[string]string{"hs_url": "https://secret.example"}})
	id, err := p.Merge(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Erase(id); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"first@", "second@", "Ulm", "secret"} {
		if p.holds(word) {
			t.Errorf("%q remains", word)
		}
	}
	for _, old := range []string{a, b, id} {
		p.want(404, p.ask("GET", dated+"/"+old, nil))
	}
	p.want(207, p.ask("POST", "/crm/associations/2026-03/deals/contacts/batch/read", inputs(map[string]string{"id": deal})))
}

func TestHTTPFormsOfTheRecycleBin(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	a, b, c := p.CreateContact(map[string]string{"email": "a@b.co"}), p.CreateContact(nil), p.CreateContact(map[string]string{"email": "c@b.co"})
	p.want(204, p.ask("DELETE", dated+"/"+a, nil))
	p.want(404, p.ask("GET", dated+"/"+a, nil))
	p.want(204, p.ask("DELETE", v3+"/77", nil))                                                 // deleting what is not there succeeds
	p.want(400, p.ask("POST", v3+"/gdpr-delete", `{"objectId":"c@b.co","idProperty":"email"}`)) // the sandbox does not find by it
	p.want(204, p.ask("POST", v3+"/gdpr-delete", `{"objectId":"`+c+`"}`))
	p.want(404, p.ask("POST", v3+"/gdpr-delete", `{"objectId":"`+c+`"}`))
	p.want(204, p.ask("POST", v3+"/gdpr-delete", `{"objectId":"`+a+`"}`)) // an archived one, too
	if _, err := p.Merge(a, b); err == nil {
		t.Error("an erased contact was merged")
	}
	p.want(400, p.ask("POST", v3+"/merge", `{"primaryObjectId":"`+b+`","objectIdToMerge":"`+b+`"}`))
	if got := p.ContactIDs(); !slices.Equal(got, []string{b}) {
		t.Errorf("live are %v", got)
	}
}
