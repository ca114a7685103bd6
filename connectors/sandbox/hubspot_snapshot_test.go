package sandbox

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
	"testing"
)

func TestSnapshotBringsBackTheSamePortal(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true, PortalID: 77})
	Populate(p.HubSpot, 300, 1)
	if err := p.Define("contacts", "tier", "enumeration", "select", "high", "low"); err != nil {
		t.Fatal(err)
	}
	all := p.ContactIDs()
	p.ask("POST", dated+"/batch/update", inputs(update(all[0], map[string]string{"tier": "high"}), update(all[1], map[string]string{"tier": "low"})))
	if _, err := p.Merge(all[2], all[3]); err != nil {
		t.Fatal(err)
	}
	p.Archive(all[4])
	p.Erase(all[5])
	p.AddOccurrence(all[6], Occurrence{ID: "e", Type: "t", Time: p.clock.t})
	p.AddRule(Rule{"city", "Ulm", "company"})
	var first bytes.Buffer
	if err := p.Snapshot(&first); err != nil {
		t.Fatal(err)
	}
	raw := first.Bytes()
	h, err := LoadHubSpot(bytes.NewReader(raw), p.o)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(h.Content(), p.Content(), maps.Equal) {
		t.Error("contents differ")
	}
	q := &portal{h, t, p.clock, &http.Client{Transport: h.Transport()}, p.token}
	for _, c := range [][2]string{
		{"POST " + dated + "/search", `{"sorts":[{"propertyName":"lastmodifieddate","direction":"DESCENDING"}],"limit":200}`},
		{"POST " + dated + "/batch/read", `{"inputs":[{"id":"` + all[0] + `"},{"id":"` + all[2] + `"},{"id":"` + all[5] + `"}],"propertiesWithHistory":["tier"]}`},
		{"GET " + dated + "?archived=true", ""},
		{"GET /crm/v3/properties/contacts", ""},
		{"POST /crm/v3/objects/deals/search", `{}`},
		{"POST " + dated + "/batch/update", `{"inputs":[{"id":"` + all[7] + `","properties":{"city":"Ulm","company":""}}]}`},
		{"POST " + v3, `{"properties":{"email":"new@b.co"}}`},
	} {
		method, path, _ := strings.Cut(c[0], " ")
		var body any
		if c[1] != "" {
			body = c[1]
		}
		if x, y := p.ask(method, path, body), q.ask(method, path, body); x.body != y.body {
			t.Errorf("%s differs:\n%s\n%s", c[0], x.body, y.body)
		}
	}
	if !maps.EqualFunc(p.Patches(), q.Patches(), func(a, b PatchCount) bool { return a.Writes == b.Writes && maps.Equal(a.Properties, b.Properties) }) {
		t.Error("counts of patches differ")
	}
	if _, err := LoadHubSpot(bytes.NewReader(raw[:len(raw)/2]), p.o); err == nil {
		t.Error("a snapshot that breaks off was loaded")
	}
}

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
			if d := a.contacts.byName[name]; d.typ == "datetime" {
				if ms, ok := parseTime(v); !ok || ms > now.UnixMilli() {
					t.Errorf("%s of %s is %s, in the future", name, id, v)
				}
			}
		}
	}
	if quiet < 200 || quiet > 500 || forms < 100 || forms > 400 || len(content) != 1000 {
		t.Errorf("%d contacts, %d quiet, %d with forms", len(content), quiet, forms)
	}
	r := a.want(200, a.ask("POST", "/crm/v3/objects/deals/search", `{"filters":[{"propertyName":"hs_is_closed","operator":"EQ","value":"true"}]}`))
	if n := at(r.json, "total").(float64); n < 10 {
		t.Errorf("%v closed deals", n)
	}
	Populate(a.HubSpot, 10, 9)
	if n := len(a.ContactIDs()); n != 1010 {
		t.Errorf("%d contacts after a second helping", n)
	}
}
