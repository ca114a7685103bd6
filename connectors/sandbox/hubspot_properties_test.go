package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

func TestProperties(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	base := "/crm/properties/2026-09/contacts"
	p.want(201, p.ask("POST", base+"/groups", `{"name":"intent","label":"Intent","displayOrder":-1}`))
	p.want(409, p.ask("POST", base+"/groups", `{"name":"intent","label":"Intent"}`))
	tier := `{"name":"tier","label":"Tier","type":"enumeration","fieldType":"select","groupName":"intent","options":[{"label":"High","value":"high","hidden":false,"displayOrder":0}]}`
	r := p.want(201, p.ask("POST", base, tier))
	if at(r.json, "options", 0, "value") != "high" || at(r.json, "modificationMetadata", "archivable") != true || at(r.json, "hubspotDefined") != nil {
		t.Errorf("created: %s", r.body)
	}
	if r := p.want(409, p.ask("POST", base, tier)); at(r.json, "category") != "OBJECT_ALREADY_EXISTS" {
		t.Errorf("again: %s", r.body)
	}
	id := p.CreateContact(map[string]string{"tier": "high"})
	p.want(400, p.ask("PATCH", dated+"/"+id, `{"properties":{"tier":"High"}}`))
	r = p.want(200, p.ask("PATCH", base+"/tier", `{"options":[{"label":"Low","value":"low","hidden":false,"displayOrder":0}]}`))
	if len(at(r.json, "options").([]any)) != 1 || at(r.json, "options", 0, "value") != "low" || at(r.json, "label") != "Tier" {
		t.Errorf("PATCH replaces the whole list of options: %s", r.body)
	}
	p.want(400, p.ask("PATCH", dated+"/"+id, `{"properties":{"tier":"high"}}`))
	p.want(204, p.ask("DELETE", base+"/tier", nil))
	p.want(404, p.ask("GET", base+"/tier", nil))
	p.want(404, p.ask("DELETE", base+"/tier", nil))
	p.want(200, p.ask("GET", base+"/tier?archived=true", nil))
	if r := p.want(400, p.ask("PATCH", dated+"/"+id, `{"properties":{"tier":"low"}}`)); at(r.json, "errors", 0, "code") != "PROPERTY_DOESNT_EXIST" {
		t.Errorf("an archived property takes values: %s", r.body)
	}
	if r := p.want(200, p.ask("GET", dated+"/"+id+"?properties=tier", nil)); strings.Contains(r.body, "tier") {
		t.Errorf("an archived property is read: %s", r.body)
	}
	p.want(201, p.ask("POST", base, tier)) // restores
	if r := p.want(200, p.ask("GET", dated+"/"+id+"?properties=tier", nil)); at(r.json, "properties", "tier") != "high" {
		t.Errorf("a restored property has lost its values: %s", r.body)
	}
	p.want(400, p.ask("DELETE", base+"/email", nil))
	p.want(400, p.ask("PATCH", base+"/email", `{"label":"x"}`))
	p.want(400, p.ask("DELETE", base+"/groups/intent", nil))
	if r := p.want(200, p.ask("GET", base+"/email", nil)); at(r.json, "hubspotDefined") != true {
		t.Errorf("email: %s", r.body)
	}

	for promise, body := range map[string]string{
		"a missing label":            `{"name":"a","type":"string","fieldType":"text","groupName":"intent"}`,
		"a mismatched pair":          `{"name":"a","label":"A","type":"number","fieldType":"text","groupName":"intent"}`,
		"an unknown type":            `{"name":"a","label":"A","type":"float","fieldType":"number","groupName":"intent"}`,
		"datetime as its own field":  `{"name":"a","label":"A","type":"datetime","fieldType":"datetime","groupName":"intent"}`,
		"an unknown group":           `{"name":"a","label":"A","type":"string","fieldType":"text","groupName":"nope"}`,
		"an upper-case name":         `{"name":"Abc","label":"A","type":"string","fieldType":"text","groupName":"intent"}`,
		"HubSpot's prefix":           `{"name":"hs_abc","label":"A","type":"string","fieldType":"text","groupName":"intent"}`,
		"an option without hidden":   `{"name":"a","label":"A","type":"enumeration","fieldType":"select","groupName":"intent","options":[{"label":"X","value":"x","displayOrder":0}]}`,
		"an option without an order": `{"name":"a","label":"A","type":"enumeration","fieldType":"select","groupName":"intent","options":[{"label":"X","value":"x","hidden":false}]}`,
		"options given twice":        `{"name":"a","label":"A","type":"enumeration","fieldType":"select","groupName":"intent","options":[{"label":"X","value":"x","hidden":false,"displayOrder":0},{"label":"Y","value":"x","hidden":false,"displayOrder":0}]}`,
	} {
		if a := p.ask("POST", base, body); a.status != 400 {
			t.Errorf("%s: %d %s", promise, a.status, a.body)
		}
	}
	for _, c := range []struct {
		path string
		want int
	}{{base, 200}, {"/crm/v3/properties/contacts", 201}} {
		name := fmt.Sprintf("batch_%d", c.want)
		good := `{"name":"` + name + `","label":"B","type":"datetime","fieldType":"date","groupName":"intent"}`
		p.want(c.want, p.ask("POST", c.path+"/batch/create", `{"inputs":[`+good+`]}`))
		r := p.want(207, p.ask("POST", c.path+"/batch/create", `{"inputs":[`+good+`,`+strings.Replace(good, name, name+"b", 1)+`]}`))
		if at(r.json, "errors", 0, "category") != "OBJECT_ALREADY_EXISTS" || at(r.json, "results", 0, "name") != name+"b" {
			t.Errorf("batch create: %s", r.body)
		}
	}
}

func TestCustomPropertiesAreLimited(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	for i := range maxCustom {
		if err := p.Define("contacts", fmt.Sprintf("p%d", i), "string", "text"); err != nil {
			t.Fatal(err)
		}
	}
	p.want(400, p.ask("POST", "/crm/v3/properties/contacts", `{"name":"one_more","label":"A","type":"string","fieldType":"text","groupName":"contactinformation"}`))
	id := p.CreateContact(map[string]string{"p999": "far", "city": "Ulm"})
	if r := p.want(200, p.ask("GET", dated+"/"+id+"?properties=p999,city", nil)); at(r.json, "properties", "p999") != "far" {
		t.Errorf("a property of a high number: %s", r.body)
	}
}

func TestValuesTakeTheirCanonicalForm(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	for _, d := range [][3]string{{"when", "datetime", "date"}, {"day", "date", "date"}, {"yes", "bool", "booleancheckbox"}} {
		if err := p.Define("contacts", d[0], d[1], d[2]); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Define("contacts", "many", "enumeration", "checkbox", "a", "b"); err != nil {
		t.Fatal(err)
	}
	id := p.CreateContact(nil)
	for _, c := range []struct{ name, sent, want string }{ // want "" is a refusal
		{"when", "1763626620000", "2025-11-20T08:17:00Z"},
		{"when", "2026-11-20T09:17:00.5+01:00", "2026-11-20T08:17:00.500Z"},
		{"when", "20 Nov", ""},
		{"day", "2026-11-20", "2026-11-20"},
		{"day", "1763596800000", "2025-11-20"},
		{"day", "1763626620000", ""},
		{"yes", "true", "true"},
		{"yes", "yes", ""},
		{"many", "a;b", "a;b"},
		{"many", "a;c", ""},
		{"email", "Ada@B.Co", "ada@b.co"},
		{"email", "ada", ""},
		{"company", strings.Repeat("é", maxText), strings.Repeat("é", maxText)},
		{"company", strings.Repeat("é", maxText+1), ""},
		{"company", "tab\tquote\" \\ \u2028 \U0001F600 \x01", "tab\tquote\" \\ \u2028 \U0001F600 \x01"},
	} {
		a := p.ask("PATCH", dated+"/"+id, map[string]any{"properties": map[string]string{c.name: c.sent}})
		if c.want == "" {
			p.want(400, a)
			continue
		}
		p.want(200, a)
		if got := at(a.json, "properties", c.name); got != c.want {
			t.Errorf("%s %.40q became %.40q, want %.40q", c.name, c.sent, got, c.want)
		}
	}
	r := p.want(200, p.ask("PATCH", dated+"/"+id, `{"properties":{"company":""}}`))
	if at(r.json, "properties", "company") != nil {
		t.Errorf("an empty string clears: %s", r.body)
	}
}

func TestGroups(t *testing.T) {
	p := newPortal(t, HubSpotOptions{})
	base := "/crm/v3/properties/contacts/groups"
	p.want(400, p.ask("POST", base, `{"name":"intent"}`))
	p.want(400, p.ask("POST", base, `{"name":"In Tent","label":"x"}`))
	p.want(201, p.ask("POST", base, `{"name":"intent","label":"Intent","displayOrder":4}`))
	if r := p.want(200, p.ask("GET", base+"/intent", nil)); r.body != `{"name":"intent","label":"Intent","displayOrder":4,"archived":false}` {
		t.Errorf("made: %s", r.body)
	}
	if r := p.want(200, p.ask("GET", base, nil)); len(r.json["results"].([]any)) != len(contactGroups)+1 {
		t.Errorf("list: %s", r.body)
	}
	p.want(204, p.ask("DELETE", base+"/intent", nil))
	p.want(404, p.ask("GET", base+"/intent", nil))
	p.want(400, p.ask("DELETE", base+"/contactinformation", nil))
	p.want(201, p.ask("POST", base, `{"name":"intent","label":"Intent"}`))
}

func TestBatchesOfProperties(t *testing.T) {
	p := newPortal(t, HubSpotOptions{})
	base := "/crm/properties/2026-09/contacts"
	if err := p.Define("contacts", "mine", "string", "text"); err != nil {
		t.Fatal(err)
	}
	r := p.want(207, p.ask("POST", base+"/batch/read", `{"archived":false,"inputs":[{"name":"mine"},{"name":"nope"}]}`))
	if at(r.json, "results", 0, "name") != "mine" || at(r.json, "errors", 0, "context", "name", 0) != "nope" {
		t.Errorf("read: %s", r.body)
	}
	p.want(204, p.ask("DELETE", base+"/mine", nil))
	p.want(404, p.ask("POST", base+"/batch/update", `{"inputs":[{"name":"email"}]}`))
	p.want(200, p.ask("POST", base+"/batch/read", `{"archived":true,"inputs":[{"name":"mine"}]}`))
}
