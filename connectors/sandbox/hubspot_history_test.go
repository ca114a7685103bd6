package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHistoryTellsWhoAndWhen(t *testing.T) {
	p := newPortal(t, HubSpotOptions{History: 3})
	id := p.CreateContact(map[string]string{"city": "Ulm", "hs_analytics_num_page_views": "1"})
	step := func() { p.clock.advance(time.Hour) }
	step()
	if err := p.UpdateContact(id, map[string]string{"city": "Bonn", "hs_analytics_num_page_views": "2"}, "4711"); err != nil {
		t.Fatal(err)
	}
	step()
	p.want(200, p.ask("PATCH", v3+"/"+id, `{"properties":{"city":"Kiel"}}`))
	step()
	p.want(200, p.ask("PATCH", v3+"/"+id, `{"properties":{"city":"Kiel"}}`)) // the same value makes no version
	if err := p.UpdateContact(id, map[string]string{"hs_analytics_num_page_views": "5"}, ""); err != nil {
		t.Fatal(err)
	}
	r := p.want(200, p.ask("POST", dated+"/batch/read", map[string]any{
		"inputs": []any{map[string]string{"id": id}}, "propertiesWithHistory": []string{"city", "hs_analytics_num_page_views", "jobtitle", "nope"},
	}))
	got, _ := json.Marshal(at(r.json, "results", 0, "propertiesWithHistory"))
	want := `{"city":[` +
		`{"sourceId":"1001","sourceLabel":"Sandbox app","sourceType":"INTEGRATION","timestamp":"2026-11-20T10:17:00.250Z","value":"Kiel"},` +
		`{"sourceId":"userId:4711","sourceType":"CRM_UI","timestamp":"2026-11-20T09:17:00.250Z","updatedByUserId":4711,"value":"Bonn"},` +
		`{"sourceType":"IMPORT","timestamp":"2026-11-20T08:17:00.250Z","value":"Ulm"}],` +
		`"hs_analytics_num_page_views":[` +
		`{"sourceType":"ANALYTICS","timestamp":"2026-11-20T11:17:00.250Z","value":"5"},` +
		`{"sourceId":"userId:4711","sourceType":"CRM_UI","timestamp":"2026-11-20T09:17:00.250Z","updatedByUserId":4711,"value":"2"},` +
		`{"sourceType":"IMPORT","timestamp":"2026-11-20T08:17:00.250Z","value":"1"}],"jobtitle":[]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if at(r.json, "results", 0, "updatedAt") != "2026-11-20T11:17:00.250Z" {
		t.Errorf("updatedAt %v: any write moves it", at(r.json, "results", 0, "updatedAt"))
	}
	many := make([]any, 51)
	for i := range many {
		many[i] = map[string]string{"id": fmt.Sprint(i)}
	}
	p.want(400, p.ask("POST", dated+"/batch/read", map[string]any{"inputs": many, "propertiesWithHistory": []string{"city"}}))
	p.want(207, p.ask("POST", dated+"/batch/read", map[string]any{"inputs": many}))
}

func TestHistoryKeepsTheNewestVersions(t *testing.T) {
	p := newPortal(t, HubSpotOptions{History: 4, Unlimited: true})
	id := p.CreateContact(map[string]string{"city": "v0", "jobtitle": "steady"})
	long := strings.Repeat("x", 300)
	for i := 1; i <= 100; i++ {
		p.clock.advance(time.Minute)
		if err := p.UpdateContact(id, map[string]string{"city": fmt.Sprintf("v%d", i), "company": fmt.Sprint(long, i)}, ""); err != nil {
			t.Fatal(err)
		}
	}
	r := p.want(200, p.ask("GET", dated+"/"+id+"?propertiesWithHistory=city,jobtitle", nil))
	var got []string
	for _, v := range at(r.json, "propertiesWithHistory", "city").([]any) {
		got = append(got, at(v, "value").(string))
	}
	if want := []string{"v100", "v99", "v98", "v97"}; !slices.Equal(got, want) {
		t.Errorf("versions %v, want %v", got, want)
	}
	if at(r.json, "propertiesWithHistory", "jobtitle", 0, "value") != "steady" {
		t.Errorf("what never changed lost its version: %s", r.body)
	}
	if n := len(p.contacts.recs[0].history); n != 8 {
		t.Errorf("%d versions are kept, want 8", n)
	}
}
