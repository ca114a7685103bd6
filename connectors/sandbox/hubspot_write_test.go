package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestBatchUpdateFailsAsAWholeOnOneBadValue(t *testing.T) {
	p := newPortal(t, HubSpotOptions{})
	p.CreateContact(nil)
	p.CreateContact(nil)
	if err := p.Define("contacts", "intent_score", "number", "number"); err != nil {
		t.Fatal(err)
	}
	for value, good := range map[string]bool{
		"64.4": true, "-3": true, "0": true, "": true,
		"1.4e-14": false, "1E5": false, "1,000": false, "NaN": false, " 5": false, "+5": false, "1.": false, ".5": false, "007x": false,
	} {
		a := p.ask("POST", dated+"/batch/update", inputs(update("1", map[string]string{"city": "Kiel" + value}), update("51", map[string]string{"intent_score": value})))
		if good {
			p.want(200, a)
			continue
		}
		p.want(400, a)
		if at(a.json, "errors", 0, "code") != "INVALID_INTEGER" || !strings.Contains(a.body, value+" was not a valid number") {
			t.Errorf("%q: %s", value, a.body)
		}
		if props, _ := p.Contact("1"); props["city"] == "Kiel"+value {
			t.Errorf("%q: the good row was written although the batch failed", value)
		}
	}
}

func TestBatchUpdateRefusals(t *testing.T) {
	p := newPortal(t, HubSpotOptions{})
	p.CreateContact(map[string]string{"email": "a@b.co"})
	p.CreateContact(map[string]string{"email": "b@b.co"})
	many := make([]any, 101)
	for i := range many {
		many[i] = update(fmt.Sprint(i), map[string]string{})
	}
	for promise, body := range map[string]any{
		"ids given twice":                inputs(update("1", map[string]string{}), update("1", map[string]string{})),
		"more than 100 inputs":           inputs(many...),
		"no inputs":                      inputs(),
		"e-mail as idProperty":           inputs(map[string]any{"id": "a@b.co", "idProperty": "email", "properties": map[string]string{}}),
		"a number in place of a string":  `{"inputs":[{"id":"1","properties":{"city":5}}]}`,
		"an id that is a number":         `{"inputs":[{"id":1,"properties":{"city":"5"}}]}`,
		"null in place of a string":      `{"inputs":[{"id":"1","properties":{"city":null}}]}`,
		"no properties":                  `{"inputs":[{"id":"1"}]}`,
		"a read-only property":           inputs(update("1", map[string]string{"lastmodifieddate": "1"})),
		"broken JSON":                    `{"inputs":[{"id":"1","properties":{"city":"Ulm"}}]`,
		"JSON with more behind it":       `{"inputs":[{"id":"1","properties":{"city":"Ulm"}}]} x`,
		"an address that is none":        inputs(update("1", map[string]string{"email": "nobody"})),
		"a time that is none":            inputs(update("1", map[string]string{"createdate": "yesterday"})),
		"an address twice in a creation": nil,
	} {
		path := dated + "/batch/update"
		if body == nil {
			path, body = dated+"/batch/create", `{"inputs":[{"properties":{"email":"c@b.co"}},{"properties":{"email":"c@b.co"}}]}`
		}
		if a := p.ask("POST", path, body); a.status != 400 || at(a.json, "category") != "VALIDATION_ERROR" {
			t.Errorf("%s: %d %s", promise, a.status, a.body)
		}
	}
	p.want(409, p.ask("POST", dated+"/batch/update", inputs(update("51", map[string]string{"email": "a@b.co"}))))
	if c := p.Counters(); c.Patches != 0 {
		t.Errorf("%d patches were applied", c.Patches)
	}
}

func TestPartialFailureIs207AndFoldsInto200On202609(t *testing.T) {
	body := inputs(update("1", map[string]string{"city": "Ulm"}), update("999", map[string]string{"city": "Ulm"}))
	for _, c := range []struct {
		fold       bool
		path       string
		wantStatus int
	}{{false, dated, 207}, {false, v3, 207}, {true, dated, 200}, {true, v3, 207}, {true, "/crm/objects/2026-03/contacts", 207}} {
		p := newPortal(t, HubSpotOptions{FoldErrors: c.fold})
		p.CreateContact(nil)
		a := p.want(c.wantStatus, p.ask("POST", c.path+"/batch/update", body))
		if !slices.Equal(ids(a), []string{"1"}) || at(a.json, "numErrors") != 1.0 || at(a.json, "errors", 0, "context", "ids", 0) != "999" {
			t.Errorf("fold %v on %s: %s", c.fold, c.path, a.body)
		}
	}
}

func TestValidationRulesHoldOn202609Alone(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	p.AddRule(Rule{When: "lifecyclestage", Is: "customer", Require: "company"})
	id := p.CreateContact(map[string]string{"lifecyclestage": "customer"})
	body := inputs(update(id, map[string]string{"city": "Ulm"}))
	r := p.want(400, p.ask("POST", dated+"/batch/update", body))
	if at(r.json, "errors", 0, "code") != "MISSING_CONDITIONAL_REQUIRED_PROPERTY" || at(r.json, "errors", 0, "context", "propertyName", 0) != "company" {
		t.Errorf("got %s", r.body)
	}
	p.want(200, p.ask("POST", v3+"/batch/update", body))
	p.want(200, p.ask("POST", "/crm/objects/2026-03/contacts/batch/update", body))
	p.want(200, p.ask("POST", dated+"/batch/update", inputs(update(id, map[string]string{"company": "X"}))))
	p.want(200, p.ask("POST", dated+"/batch/update", body))
}

func TestCountersTellWhatWasWritten(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	a, b := p.CreateContact(nil), p.CreateContact(nil)
	p.ask("POST", dated+"/batch/update", inputs(update(a, map[string]string{"city": "Ulm"}), update(b, map[string]string{"city": "Ulm", "company": "X"}), update("7", map[string]string{"city": "Ulm"})))
	p.ask("PATCH", v3+"/"+b, `{"properties":{"city":"Kiel"}}`)
	c := p.Counters()
	if c.Patches != 3 || c.Patched != 2 || c.Routes["POST contacts/batch/update"][207] != 1 || c.Calls("PATCH contacts/{id}") != 1 || c.Requests != 2 {
		t.Errorf("counters %+v", c)
	}
	if got := p.Writes(); !maps.Equal(got, map[string]int{a: 1, b: 2}) {
		t.Errorf("writes %v", got)
	}
	want := map[string]map[string]string{a: {"city": "Ulm"}, b: {"city": "Kiel"}}
	if content := p.Content("city"); !maps.EqualFunc(content, want, maps.Equal) {
		t.Errorf("content %v", content)
	}
}
