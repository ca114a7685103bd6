package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a clock that stands until it is moved.
type clock struct{ t time.Time }

func (c *clock) now() time.Time           { return c.t }
func (c *clock) advance(by time.Duration) { c.t = c.t.Add(by) }

// portal is a sandbox under a standing clock with a client that asks it without sockets.
type portal struct {
	*HubSpot
	t     testing.TB
	clock *clock
	http  *http.Client
	token string
}

func newPortal(t testing.TB, o HubSpotOptions) *portal {
	t.Helper()
	c := &clock{time.Date(2026, 11, 20, 8, 17, 0, 250e6, time.UTC)}
	o.Now = c.now
	h := NewHubSpot(o)
	return &portal{h, t, c, &http.Client{Transport: h.Transport()}, "pat-na1-sandbox"}
}

type answer struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// ask sends a request; body is sent as it is when a string, else as JSON.
func (p *portal) ask(method, path string, body any) answer {
	p.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			p.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	q, err := http.NewRequestWithContext(context.Background(), method, "https://api.hubapi.com"+path, r)
	if err != nil {
		p.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+p.token)
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	return p.send(q)
}

func (p *portal) send(q *http.Request) answer {
	p.t.Helper()
	res, err := p.http.Do(q)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(raw)}
	if len(raw) > 0 && raw[0] == '{' {
		if err := json.Unmarshal(raw, &a.json); err != nil {
			p.t.Fatalf("%s %s answered broken JSON: %v\n%s", q.Method, q.URL, err, raw)
		}
	}
	return a
}

func (p *portal) want(status int, a answer) answer {
	p.t.Helper()
	if a.status != status {
		p.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// at follows keys and indexes into JSON: at(j, "results", 0, "id").
func at(v any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

func ids(a answer) []string {
	var out []string
	list, _ := a.json["results"].([]any)
	for _, r := range list {
		out = append(out, at(r, "id").(string))
	}
	return out
}

const (
	dated = "/crm/objects/2026-09/contacts"
	v3    = "/crm/v3/objects/contacts"
)

// scrub takes out of a body what differs from call to call.
func scrub(body string) string {
	return regexp.MustCompile(`"correlationId":"[^"]*"`).ReplaceAllString(body, `"correlationId":"…"`)
}

func update(id string, props map[string]string) map[string]any {
	return map[string]any{"id": id, "properties": props}
}

func inputs(in ...any) map[string]any { return map[string]any{"inputs": in} }

func TestDocumentedBodies(t *testing.T) {
	p := newPortal(t, HubSpotOptions{})
	id := p.CreateContact(map[string]string{"email": "a@b.co"})
	for _, c := range []struct {
		promise, method, path, body string
		status                      int
		want                        string
	}{
		{
			"an unknown property is told as documented", "POST", dated + "/batch/update", `{"inputs":[{"id":"1","properties":{"x":"1"}}]}`, 400,
			`{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"x\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"x\"}]","correlationId":"…","errors":[{"message":"Property \"x\" does not exist","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["x"]}}],"category":"VALIDATION_ERROR"}`,
		},
		{
			"a value that is no option is told with the options", "PATCH", v3 + "/" + id, `{"properties":{"hs_analytics_source":"nope"}}`, 400,
			`{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"nope was not one of the allowed options: [ORGANIC_SEARCH, PAID_SEARCH, EMAIL_MARKETING, SOCIAL_MEDIA, REFERRALS, OTHER_CAMPAIGNS, DIRECT_TRAFFIC, OFFLINE, PAID_SOCIAL, AI_REFERRALS]\",\"error\":\"INVALID_OPTION\",\"name\":\"hs_analytics_source\"}]","correlationId":"…","errors":[{"message":"nope was not one of the allowed options: [ORGANIC_SEARCH, PAID_SEARCH, EMAIL_MARKETING, SOCIAL_MEDIA, REFERRALS, OTHER_CAMPAIGNS, DIRECT_TRAFFIC, OFFLINE, PAID_SOCIAL, AI_REFERRALS]","code":"INVALID_OPTION","context":{"propertyName":["hs_analytics_source"]}}],"category":"VALIDATION_ERROR"}`,
		},
		{
			"ids not found share one error in a 207", "POST", dated + "/batch/update", `{"inputs":[{"id":"999","properties":{}},{"id":"998","properties":{"city":"Ulm"}}]}`, 207,
			`{"status":"COMPLETE","results":[],"numErrors":1,"errors":[{"status":"error","category":"OBJECT_NOT_FOUND","message":"Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.","context":{"ids":["999","998"]}}],"startedAt":"2026-11-20T08:17:00.250Z","completedAt":"2026-11-20T08:17:00.250Z"}`,
		},
		{
			"a search page has total, results and createdAt", "POST", dated + "/search", `{"filterGroups":[{"filters":[{"propertyName":"email","operator":"EQ","value":"A@b.co"}]}],"properties":["email","jobtitle"],"limit":200,"after":"0"}`, 200,
			`{"total":1,"results":[{"id":"1","properties":{"createdate":"2026-11-20T08:17:00.250Z","email":"a@b.co","hs_object_id":"1","jobtitle":null,"lastmodifieddate":"2026-11-20T08:17:00.250Z"},"createdAt":"2026-11-20T08:17:00.250Z","updatedAt":"2026-11-20T08:17:00.250Z","archived":false}]}`,
		},
		{
			"an address another contact has is a conflict", "POST", v3, `{"properties":{"email":"a@b.co"}}`, 409,
			`{"status":"error","message":"Contact already exists. Existing ID: 1","correlationId":"…","category":"CONFLICT"}`,
		},
		{
			"an existing property is a conflict", "POST", "/crm/properties/2026-09/contacts", `{"name":"city","label":"City","type":"string","fieldType":"text","groupName":"contactinformation"}`, 409,
			`{"status":"error","message":"A property named 'city' already exists.","correlationId":"…","category":"OBJECT_ALREADY_EXISTS"}`,
		},
		{
			"an unknown property is not found", "GET", "/crm/v3/properties/contacts/nope", "", 404,
			`{"status":"error","message":"Property \"nope\" does not exist","correlationId":"…","category":"OBJECT_NOT_FOUND"}`,
		},
		{
			"associations of none are told in errors", "POST", "/crm/associations/2026-03/deals/contacts/batch/read", `{"inputs":[{"id":"9"}]}`, 207,
			`{"status":"COMPLETE","results":[],"numErrors":1,"errors":[{"status":"error","category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.NO_ASSOCIATIONS_FOUND","message":"No contact is associated with deal 9.","context":{"fromObjectId":["9"],"fromObjectType":["deal"],"toObjectType":["contact"]}}],"startedAt":"2026-11-20T08:17:00.250Z","completedAt":"2026-11-20T08:17:00.250Z"}`,
		},
		{
			"the account tells its zone", "GET", "/account-info/2026-09/details", "", 200,
			`{"accountType":"STANDARD","additionalCurrencies":[],"companyCurrency":"EUR","dataHostingLocation":"na1","portalId":146000001,"timeZone":"Europe/Berlin","uiDomain":"app.hubspot.com","utcOffset":"+01:00","utcOffsetMilliseconds":3600000}`,
		},
	} {
		t.Run(c.promise, func(t *testing.T) {
			p.clock.advance(0)
			var body any
			if c.body != "" {
				body = c.body
			}
			a := p.ask(c.method, c.path, body)
			if a.status != c.status || scrub(a.body) != c.want {
				t.Errorf("%s %s: %d\n got %s\nwant %s", c.method, c.path, a.status, scrub(a.body), c.want)
			}
			p.clock.t = time.Date(2026, 11, 20, 8, 17, 0, 250e6, time.UTC)
			p.searches = &rolling{max: searchesPerSecond, span: time.Second}
		})
	}
}

func TestListWalksAllRecordsWithoutACap(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	p.CreateContacts(450, func(i int) map[string]string { return map[string]string{"city": fmt.Sprint(i)} })
	all := p.ContactIDs()
	lengths := map[int]bool{}
	for _, id := range all {
		lengths[len(id)] = true
	}
	if len(lengths) < 5 {
		t.Errorf("ids have lengths %v, want them to grow", slices.Collect(maps.Keys(lengths)))
	}
	var got []string
	path := dated + "?limit=100&properties=city&archived=false"
	for after := ""; ; {
		r := p.want(200, p.ask("GET", path+after, nil))
		got = append(got, ids(r)...)
		next, ok := at(r.json, "paging", "next", "after").(string)
		if !ok {
			break
		}
		after = "&after=" + next
	}
	if !slices.Equal(got, all) {
		t.Errorf("listed %d of %d", len(got), len(all))
	}
	p.want(400, p.ask("GET", dated+"?limit=101", nil))
	p.want(400, p.ask("GET", dated+"?limit=51&propertiesWithHistory=city", nil))
	p.want(414, p.ask("GET", dated+"?properties="+strings.Repeat("hs_analytics_num_page_views,", 400), nil))
}

func TestUnknownPathsAndVersions(t *testing.T) {
	p := newPortal(t, HubSpotOptions{})
	for path, want := range map[string]int{
		"/crm/v3/objects/contacts": 200, "/crm/objects/2026-09/contacts": 200, "/crm/objects/2026-03/0-1": 200,
		"/crm/v4/objects/contacts": 404, "/crm/objects/2025-01/contacts": 404, "/crm/associations/2026-09/deals/contacts/batch/read": 404,
		"/events/event-occurrences/2026-09": 404, "/": 404, "/crm": 404, "/crm/v3/objects/unicorns": 400,
		"/account-info/v3/details": 200, "/account-info/2026-09/details": 200,
	} {
		if a := p.ask("GET", path, nil); a.status != want {
			t.Errorf("%s: %d, want %d: %s", path, a.status, want, a.body)
		}
	}
	q, _ := http.NewRequest("POST", "https://x"+dated+"/search", strings.NewReader("{}"))
	q.Header.Set("Authorization", "Bearer "+p.token)
	p.want(415, p.send(q))
	p.want(405, p.ask("GET", dated+"/search", nil))
}

// TestConcurrentUse is for the race detector: everything at once, and every write lands.
func TestConcurrentUse(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true, SearchLag: time.Nanosecond})
	Populate(p.HubSpot, 200, 1)
	all := p.ContactIDs()
	var wg sync.WaitGroup
	const workers, rounds = 8, 20
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				for path, body := range map[string]string{
					dated + "/batch/update": `{"inputs":[{"id":"` + all[w] + `","properties":{"city":"` + fmt.Sprint(i) + `"}}]}`,
					dated + "/search":       `{"limit":50}`,
					v3 + "/batch/read":      `{"inputs":[{"id":"` + all[w] + `"}],"propertiesWithHistory":["city"]}`,
				} {
					q, _ := http.NewRequest("POST", "https://x"+path, strings.NewReader(body))
					q.Header.Set("Authorization", "Bearer "+p.token)
					q.Header.Set("Content-Type", "application/json")
					res, err := p.http.Do(q)
					if err != nil || res.StatusCode != 200 {
						t.Errorf("%s: %v %v", path, res, err)
						return
					}
				}
				p.UpdateContact(all[100+w], map[string]string{"city": fmt.Sprint(i)}, "1")
				p.Counters()
				p.Faults().Add(Fault{Path: "/nowhere"}).Remove()
			}
		})
	}
	wg.Wait()
	if c := p.Counters(); c.Patches != workers*rounds || c.Requests != 3*workers*rounds {
		t.Errorf("%d patches, %d requests", c.Patches, c.Requests)
	}
}

func FuzzRequests(f *testing.F) {
	for _, s := range [][3]string{
		{"GET", "/crm/v3/objects/contacts//x", ""}, {"GET", dated + "?limit=1&after=x&archived=true", ""}, {"PATCH", dated + "/1", `{"properties":{"city":"Ulm","email":"a@b.co"}}`},
		{"POST", dated + "/batch/update", `{"inputs":[{"id":"1","properties":{"createdate":"1"}},{"id":"51","properties":{}}]}`},
		{"POST", dated + "/batch/create", `{"inputs":[{"properties":{"email":"x@b.co"},"associations":[{"to":{"id":"9"}}]}]}`},
		{"POST", dated + "/batch/read", `{"inputs":[{"id":"1"}],"propertiesWithHistory":["city","hs_object_id"],"idProperty":"email"}`},
		{"POST", "/crm/v3/objects/deals", `{"properties":{"dealstage":"closedwon","createdate":"2026-01-01"}}`},
		{"POST", "/crm/v3/objects/contacts/merge", `{"primaryObjectId":"1","objectIdToMerge":"51"}`}, {"POST", "/crm/v3/objects/contacts/gdpr-delete", `{"objectId":"101"}`},
		{"POST", "/crm/v4/associations/deals/contacts/batch/read", `{"inputs":[{"id":"9","after":"7"}]}`}, {"DELETE", v3 + "/1", ""},
		{"PATCH", "/crm/v3/properties/contacts/custom", `{"options":[{"label":"A","value":"a","hidden":false,"displayOrder":1}],"type":"enumeration","fieldType":"select"}`},
		{"POST", "/crm/v3/properties/contacts/groups", `{"name":"g","label":"G"}`}, {"GET", "/events/v3/events?objectType=contact&eventType=t&limit=1&sort=occurredAt", ""},
		{"GET", "/account-info/v3/details", ""}, {"GET", "/\xff\xfe", ""},
	} {
		f.Add(s[0], s[1], s[2])
	}
	p := newPortal(f, HubSpotOptions{Unlimited: true, Tier: "enterprise", SearchLag: time.Second})
	Populate(p.HubSpot, 100, 3)
	if err := p.Define("contacts", "custom", "string", "text"); err != nil {
		f.Fatal(err)
	}
	p.AddRule(Rule{"lifecyclestage", "customer", "company"})
	f.Fuzz(func(t *testing.T, method, uri, body string) {
		path, query, _ := strings.Cut(uri, "?")
		q := &request{method: method, path: path, query: query, body: []byte(body), header: http.Header{"Authorization": {"Bearer pat-na1-sandbox"}, "Content-Type": {"application/json"}}}
		p.clock.advance(time.Second)
		p.mu.Lock()
		rep := p.answer(q)
		p.route(q)
		p.mu.Unlock()
		if rep.status < 200 || rep.status > 499 {
			t.Fatalf("status %d", rep.status)
		}
		if len(rep.body) > 0 && !json.Valid(rep.body) {
			t.Fatalf("broken answer %q", rep.body)
		}
	})
}
