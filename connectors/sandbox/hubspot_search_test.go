package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestSearchLimits(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	p.CreateContacts(3, func(int) map[string]string { return nil })
	filter := `{"propertyName":"city","operator":"HAS_PROPERTY"}`
	group := func(n int) string {
		return `{"filters":[` + strings.TrimSuffix(strings.Repeat(filter+",", n), ",") + `]}`
	}
	groups := func(n ...int) string {
		var s []string
		for _, k := range n {
			s = append(s, group(k))
		}
		return `{"filterGroups":[` + strings.Join(s, ",") + `]}`
	}
	padded := func(n int) string {
		return `{"properties":["` + strings.Repeat("é", n-len([]rune(`{"properties":[""]}`))) + `"]}`
	}
	for promise, c := range map[string]struct {
		body string
		want int
	}{
		"a page of 200":               {`{"limit":200}`, 200},
		"a page of 201":               {`{"limit":201}`, 400},
		"a negative limit":            {`{"limit":-1}`, 400},
		"the last page of 10,000":     {`{"limit":200,"after":"9800"}`, 200},
		"a page past 10,000":          {`{"limit":200,"after":"10000"}`, 400},
		"a page over the 10,000 edge": {`{"limit":200,"after":"9900"}`, 400},
		"after that is no number":     {`{"after":"x"}`, 400},
		"six filters a group":         {groups(6), 200},
		"seven filters a group":       {groups(7), 400},
		"18 filters":                  {groups(6, 6, 6), 200},
		"19 filters":                  {groups(6, 6, 6, 1), 400},
		"five groups":                 {groups(1, 1, 1, 1, 1), 200},
		"six groups":                  {groups(1, 1, 1, 1, 1, 1), 400},
		"two sorts":                   {`{"sorts":["hs_object_id","email"]}`, 400},
		"a sort by another property":  {`{"sorts":["city"]}`, 400},
		"a sort downwards":            {`{"sorts":["-hs_object_id"]}`, 400},
		"filters outside of groups":   {`{"filters":[` + filter + `]}`, 400},
		"3,000 characters":            {padded(3000), 200},
		"3,001 characters":            {padded(3001), 400},
		"an unknown property":         {`{"filterGroups":[{"filters":[{"propertyName":"nope","operator":"EQ","value":"1"}]}]}`, 400},
		"an unknown operator":         {`{"filterGroups":[{"filters":[{"propertyName":"city","operator":"LIKE","value":"1"}]}]}`, 400},
		"no value":                    {`{"filterGroups":[{"filters":[{"propertyName":"city","operator":"EQ"}]}]}`, 400},
		"a search for words":          {`{"query":"north"}`, 200},
		"a value that is a number":    {`{"filterGroups":[{"filters":[{"propertyName":"lastmodifieddate","operator":"GTE","value":5}]}]}`, 400},
		"a time that is none":         {`{"filterGroups":[{"filters":[{"propertyName":"lastmodifieddate","operator":"GTE","value":"soon"}]}]}`, 400},
		"BETWEEN":                     {`{"filterGroups":[{"filters":[{"propertyName":"lastmodifieddate","operator":"BETWEEN","value":"5","highValue":"6"}]}]}`, 400},
		"IN without values":           {`{"filterGroups":[{"filters":[{"propertyName":"city","operator":"IN","value":"5"}]}]}`, 400},
		"unknown asked-for property":  {`{"properties":["nope"]}`, 200},
		"no JSON":                     {`nope`, 400},
	} {
		if a := p.ask("POST", dated+"/search", c.body); a.status != c.want {
			t.Errorf("%s: %d, want %d: %s", promise, a.status, c.want, a.body)
		}
	}
}

func TestSearchOperators(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	people := []map[string]string{
		{"email": "ada@north.example", "city": "Ulm", "hs_email_open": "3", "lifecyclestage": "lead", "hs_email_last_open_date": "2026-01-01T00:00:00Z", "jobtitle": "Head of Sales"},
		{"email": "ben@south.example", "city": "ulm", "hs_email_open": "12", "lifecyclestage": "customer", "hs_email_last_open_date": "2026-02-01T00:00:00Z", "jobtitle": "Sales, North"},
		{"email": "cem@north.example", "city": "Neu-Ulm", "lifecyclestage": "lead"},
		{},
	}
	var made []string
	for _, x := range people {
		made = append(made, p.CreateContact(x))
	}
	id := func(n ...int) (out []string) {
		for _, i := range n {
			out = append(out, made[i])
		}
		return out
	}
	for _, c := range []struct {
		filter string
		want   []string
	}{
		{`"city","operator":"EQ","value":"ULM"`, id(0, 1)},
		{`"city","operator":"NEQ","value":"Ulm"`, id(2, 3)},
		{`"city","operator":"IN","values":["ulm"]`, id(0, 1)},
		{`"city","operator":"NOT_IN","values":["ulm","neu-ulm"]`, id(3)},
		{`"city","operator":"HAS_PROPERTY"`, id(0, 1, 2)},
		{`"email","operator":"EQ","value":"ADA@north.example"`, id(0)},
		{`"email","operator":"IN","values":["cem@north.example","ada@north.example","x@y.example"]`, id(0, 2)},
		{`"hs_email_open","operator":"GT","value":"3"`, id(1)},
		{`"hs_email_open","operator":"GTE","value":"3"`, id(0, 1)},
		{`"hs_email_open","operator":"LT","value":"12"`, id(0)},
		{`"hs_email_open","operator":"EQ","value":"3.0"`, id(0)},
		{`"hs_email_open","operator":"NEQ","value":"3"`, id(1, 2, 3)},
		{`"hs_email_open","operator":"IN","values":["12","13"]`, id(1)},
		{`"lifecyclestage","operator":"EQ","value":"lead"`, id(0, 2)},
		{`"lifecyclestage","operator":"EQ","value":"LEAD"`, nil},
		{`"hs_email_last_open_date","operator":"LT","value":"2026-01-15"`, id(0)},
		{`"hs_email_last_open_date","operator":"GTE","value":"1769904000000"`, id(1)},
		{`"hs_object_id","operator":"EQ","value":"` + made[2] + `"`, id(2)},
		{`"hs_object_id","operator":"GT","value":"` + made[1] + `"`, id(2, 3)},
		{`"hs_object_id","operator":"IN","values":["` + made[3] + `","` + made[0] + `","5"]`, id(0, 3)},
		{`"hs_object_id","operator":"NEQ","value":"` + made[2] + `"`, id(0, 1, 3)},
		{`"createdate","operator":"GTE","value":"2026-11-20T08:17:00.250Z"`, id(0, 1, 2, 3)},
		{`"createdate","operator":"GT","value":"2026-11-20T08:17:00.250Z"`, nil},
	} {
		r := p.want(200, p.ask("POST", dated+"/search", `{"filterGroups":[{"filters":[{"propertyName":`+c.filter+`}]}]}`))
		if !slices.Equal(ids(r), c.want) || at(r.json, "total") != float64(len(c.want)) {
			t.Errorf("%s: %v, want %v", c.filter, ids(r), c.want)
		}
	}
	r := p.want(200, p.ask("POST", dated+"/search", `{"filterGroups":[{"filters":[{"propertyName":"city","operator":"EQ","value":"ulm"},{"propertyName":"lifecyclestage","operator":"EQ","value":"customer"}]},{"filters":[{"propertyName":"email","operator":"EQ","value":"cem@north.example"}]}],"sorts":["hs_object_id"]}`))
	if !slices.Equal(ids(r), id(1, 2)) {
		t.Errorf("groups are alternatives of conjunctions: %v", ids(r))
	}
}

// TestWindowWalkByIDMeetsEveryRecordOfABulkJob walks as the contract proves right, past 10,000 records of one time.
func TestWindowWalkByIDMeetsEveryRecordOfABulkJob(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	const n = 12_345
	p.CreateContacts(n+500, func(i int) map[string]string { return nil })
	all := p.ContactIDs()
	p.clock.advance(time.Hour)
	if err := p.UpdateMany(all[500:], map[string]string{"city": "Ulm"}, ""); err != nil {
		t.Fatal(err)
	}
	ms := strconv.FormatInt(p.clock.t.UnixMilli(), 10)
	var got []string
	last := "0"
	for {
		slice := 0
		for after := "0"; ; {
			r := p.want(200, p.ask("POST", dated+"/search", fmt.Sprintf(`{"filterGroups":[{"filters":[
				{"propertyName":"lastmodifieddate","operator":"GTE","value":%q},{"propertyName":"lastmodifieddate","operator":"LTE","value":%q},{"propertyName":"hs_object_id","operator":"GTE","value":%q}]}],
				"sorts":["hs_object_id"],"properties":["email"],"limit":200,"after":%q}`, ms, ms, last, after)))
			if total := int(at(r.json, "total").(float64)); total != n-len(got)+slice {
				t.Fatalf("total %d after %d, want %d", total, len(got), n-len(got)+slice)
			}
			found := ids(r)
			got = append(got, found...)
			slice += len(found)
			next, ok := at(r.json, "paging", "next", "after").(string)
			if !ok {
				if slice < maxResults && len(got) != n {
					t.Fatalf("the walk ended after %d", len(got))
				}
				break
			}
			if next == "10000" {
				break
			}
			after = next
		}
		if len(got) >= n || slice == 0 {
			break
		}
		id, _ := strconv.ParseInt(got[len(got)-1], 10, 64)
		last = strconv.FormatInt(id+1, 10)
	}
	if !slices.Equal(got, all[500:]) {
		t.Errorf("walked over %d of %d", len(got), n)
	}
	r := p.want(200, p.ask("POST", dated+"/search", `{"limit":200,"after":"9800"}`))
	if at(r.json, "paging", "next", "after") != "10000" || at(r.json, "total") != float64(n+500) {
		t.Errorf("total and the next page are told past the cap: %v %v", at(r.json, "total"), at(r.json, "paging"))
	}
}

func TestSearchLagsBehindWrites(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true, SearchLag: 10 * time.Second})
	id := p.CreateContact(map[string]string{"email": "old@b.example", "city": "Ulm"})
	find := func(filter string) answer {
		return p.want(200, p.ask("POST", dated+"/search", `{"properties":["city","email"],"filterGroups":[{"filters":[{"propertyName":`+filter+`}]}]}`))
	}
	const byOld, byNew = `"email","operator":"EQ","value":"old@b.example"`, `"email","operator":"EQ","value":"new@b.example"`
	if n := len(ids(find(byOld))); n != 0 {
		t.Error("a new record is found at once")
	}
	p.want(200, p.ask("GET", dated+"/"+id, nil)) // other reads do not lag
	p.clock.advance(10 * time.Second)
	if n := len(ids(find(byOld))); n != 1 {
		t.Error("a new record is not found after the lag")
	}
	wrote := p.clock.t
	p.want(200, p.ask("PATCH", dated+"/"+id, `{"properties":{"city":"Bonn","email":"new@b.example"}}`))
	p.clock.advance(5 * time.Second)
	p.want(200, p.ask("PATCH", dated+"/"+id, `{"properties":{"city":"Kiel"}}`))
	since := `"lastmodifieddate","operator":"GTE","value":"` + strconv.FormatInt(wrote.UnixMilli(), 10) + `"`
	r := find(byOld)
	if len(ids(find(since))) != 0 || len(ids(r)) != 1 || at(r.json, "results", 0, "properties", "city") != "Ulm" || len(ids(find(byNew))) != 0 {
		t.Errorf("search must show the record as it was: %s", r.body)
	}
	p.clock.advance(5 * time.Second)
	r = find(since)
	if at(r.json, "results", 0, "properties", "city") != "Bonn" || at(r.json, "results", 0, "updatedAt") != instant(wrote.UnixMilli()) {
		t.Errorf("search must show the first write now: %s", r.body)
	}
	if len(ids(find(byOld))) != 0 || len(ids(find(byNew))) != 1 {
		t.Error("search must find the new address and not the old one")
	}
	if err := p.Archive(id); err != nil {
		t.Fatal(err)
	}
	p.clock.advance(5 * time.Second)
	if r = find(since); at(r.json, "results", 0, "properties", "city") != "Kiel" {
		t.Errorf("search must still show an archived record, with the second write: %s", r.body)
	}
	p.clock.advance(5 * time.Second)
	if n := len(ids(find(since))); n != 0 {
		t.Error("search shows an archived record after the lag")
	}
	if len(p.contacts.recs[0].before) != 0 {
		t.Error("search holds on to old states")
	}
}

func FuzzSearchBody(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"filterGroups":[{"filters":[{"propertyName":"lastmodifieddate","operator":"GTE","value":"1763000000000"}]}],"sorts":["hs_object_id"],"properties":["email"],"limit":200,"after":"0"}`,
		`{"filterGroups":[{"filters":[{"propertyName":"hs_object_id","operator":"GT","value":"9e18"}]}],"sorts":["-lastmodifieddate"],"after":"3"}`,
		`{"filterGroups":[{"filters":[{"propertyName":"email","operator":"NEQ","value":"a"}]}],"query":"n"}`,
		`{"filterGroups":[{"filters":[{"propertyName":"hs_object_id","operator":"IN","values":["1","51"]},{"propertyName":"email","operator":"IN","values":["x"]}]},{"filters":[]}]}`,
		`{"sorts":[{"propertyName":"city","direction":"DESCENDING"}],"limit":3,"after":"2"}`,
	} {
		f.Add([]byte(s))
	}
	p := newPortal(f, HubSpotOptions{Unlimited: true, SearchLag: time.Second})
	Populate(p.HubSpot, 200, 3)
	p.clock.advance(time.Minute)
	ids := p.ContactIDs()
	p.Merge(ids[0], ids[1])
	p.UpdateContact(ids[2], map[string]string{"email": "fuzz@b.example"}, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		q := &request{method: http.MethodPost, path: dated + "/search", body: body, header: http.Header{"Authorization": {"Bearer pat-na1-sandbox"}, "Content-Type": {"application/json"}}}
		p.mu.Lock()
		rep := p.answer(q)
		p.mu.Unlock()
		if rep.status != 200 && rep.status != 400 && rep.status != 415 {
			t.Fatalf("status %d", rep.status)
		}
		if !json.Valid(rep.body) || !utf8.Valid(rep.body) {
			t.Fatalf("broken answer %q", rep.body)
		}
		if rep.status != 200 {
			return
		}
		var page struct {
			Total   int
			Results []struct{ ID string }
			Paging  *struct{ Next struct{ After string } }
		}
		if err := json.Unmarshal(rep.body, &page); err != nil {
			t.Fatal(err)
		}
		if len(page.Results) > maxSearchPage || len(page.Results) > page.Total {
			t.Fatalf("%d results of %d", len(page.Results), page.Total)
		}
	})
}
