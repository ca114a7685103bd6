package sandbox

import "testing"

// TestStrictPortalsTakeWhatTheSpecificationHas: each request is sent once as the published specification has it, and once as HubSpot
// takes it all the same.
func TestStrictPortalsTakeWhatTheSpecificationHas(t *testing.T) {
	for _, c := range []struct{ promise, method, path, body, loose string }{
		{"sorts are names", "POST", dated + "/search", `{"sorts":["-hs_object_id"]}`, `{"sorts":[{"propertyName":"hs_object_id","direction":"DESCENDING"}]}`},
		{"a batch read says of which properties it wants the history", "POST", dated + "/batch/read", `{"inputs":[{"id":"1"}],"properties":["city"],"propertiesWithHistory":[]}`, `{"inputs":[{"id":"1"}],"properties":["city"]}`},
		{"and which it wants", "POST", dated + "/batch/read", `{"inputs":[{"id":"1"}],"properties":[],"propertiesWithHistory":[]}`, `{"inputs":[{"id":"1"}],"propertiesWithHistory":[]}`},
		{"properties come one by one", "GET", dated + "?properties=city&properties=email", "", "?properties=city,email"},
		{"of one record, too", "GET", dated + "/1?properties=city&propertiesWithHistory=city", "", "/1?propertiesWithHistory=city,email"},
		{"deals are searched by their type on v3", "POST", "/crm/v3/objects/0-3/search", `{}`, "/crm/v3/objects/deals/search"},
		{"and by their name on the dated paths", "POST", "/crm/objects/2026-09/deals/search", `{}`, ""},
	} {
		for _, strict := range []bool{false, true} {
			p := newPortal(t, HubSpotOptions{Strict: strict, Unlimited: true})
			p.CreateContact(nil)
			var body any
			if c.body != "" {
				body = c.body
			}
			p.want(200, p.ask(c.method, c.path, body))
			path := c.path
			switch {
			case c.loose == "":
				continue
			case c.body == "":
				path = dated + c.loose
			case c.loose[0] == '/':
				path = c.loose
			default:
				body = c.loose
			}
			if a := p.ask(c.method, path, body); (a.status >= 400) != strict {
				t.Errorf("%s: strict %t, %s answers %d %s", c.promise, strict, path, a.status, a.body)
			}
		}
	}
}
