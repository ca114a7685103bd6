package hubspot

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

func TestValuesAreCanonical(t *testing.T) {
	for _, c := range []struct {
		typ      connectors.FieldType
		in, want string
	}{
		{connectors.TypeNumber, "64.4", "64.4"}, {connectors.TypeNumber, "64.40", "64.4"}, {connectors.TypeNumber, "64", "64.0"},
		{connectors.TypeNumber, "6.44E1", "64.4"}, {connectors.TypeNumber, " 64.4 ", "64.4"}, {connectors.TypeNumber, "-0.0", "0.0"},
		{connectors.TypeNumber, "sixty", "sixty"}, {connectors.TypeNumber, "NaN", "NaN"},
		{connectors.TypeDateTime, "2026-11-19T08:17:00Z", "2026-11-19T08:17:00Z"}, {connectors.TypeDateTime, "2026-11-19T08:17:00.000Z", "2026-11-19T08:17:00Z"},
		{connectors.TypeDateTime, "2026-11-19T09:17:00+01:00", "2026-11-19T08:17:00Z"}, {connectors.TypeDateTime, "1795076220000", "2026-11-19T08:17:00Z"},
		{connectors.TypeDateTime, "soon", "soon"},
		{connectors.TypeDate, "2026-12-01", "2026-12-01"}, {connectors.TypeDate, "1796083200000", "2026-12-01"}, {connectors.TypeDate, "2026-12-01T00:00:00Z", "2026-12-01"},
		{connectors.TypeEnum, "high", "high"}, {connectors.TypeText, "1.50", "1.50"}, {connectors.TypeLongText, "a\nb ", "a\nb "},
	} {
		if got := values.FromWire(c.typ, c.in); got != c.want {
			t.Errorf("%s %q is read as %q, want %q", c.typ, c.in, got, c.want)
		}
		if again := values.FromWire(c.typ, values.FromWire(c.typ, c.in)); again != c.want {
			t.Errorf("%s %q read twice is %q", c.typ, c.in, again)
		}
	}
}

func TestParseTime(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 17, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"2026-11-20T08:17:00Z": at, "2026-11-20T08:17:00.000Z": at, "2026-11-20T08:17:00.000+0000": at, "2026-11-20T10:17:00+02:00": at,
		"1795162620000": at, "2026-11-20": at.Truncate(24 * time.Hour), " 1795162620000 ": at,
		"": {}, "0": {}, "7": {}, "2026": {}, "-1795162620000": {}, "99999999999999999": {}, "2026-13-01": {}, "yesterday": {}, "2026-11-20T08:17": {},
	} {
		got, ok := parseTime(in)
		if ok != !want.IsZero() || ok && !got.Equal(want) {
			t.Errorf("%q is %s, %v", in, got, ok)
		}
	}
}

func TestAContactAsRead(t *testing.T) {
	c, _ := connect(t, nil, func(o *Options) {
		o.Inputs = []string{"Custom_Input", "intent_tier"}
		o.Fields = map[string]string{connectors.FieldScore: "lead_heat"}
	})
	answer, err := decodePage([]byte(`{"results":[{"id":"151","properties":{
		"email":" Ann@Example.com ","hs_additional_emails":"B@example.com; ann@example.com;;c@example.com","phone":"+49 1","mobilephone":"+49 2",
		"firstname":"Änn","lastname":null,"jobtitle":"Buyer","company":"Example","lifecyclestage":"customer","hs_lead_status":"OPEN","hubspot_owner_id":"77",
		"createdate":"2025-01-02T03:04:05.678Z","hs_merged_object_ids":"9;151","hs_calculated_merged_vids":"9:1795162620000;10:1795162620000;bad:1",
		"hs_analytics_num_page_views":"3","custom_input":"x","intent_tier":"high","lead_heat":"64.40","intent_score":"1","intent_verdict":"not_now",
		"never_asked_for":"secret","hs_email_open":""},"createdAt":"2025-01-01T00:00:00Z","updatedAt":"2026-11-20T08:17:00.123Z"}]}`))
	must(t, err)
	got := c.contact(&answer.Results[0])
	want := connectors.Contact{
		Ref: ref("151"), Emails: []string{"ann@example.com", "b@example.com", "c@example.com"}, Phones: []string{"+49 1", "+49 2"},
		Profile: connectors.Profile{FirstName: "Änn", JobTitle: "Buyer", Company: "Example", Lifecycle: "customer", LeadStatus: "OPEN"},
		Fields:  map[string]string{"hs_analytics_num_page_views": "3", "custom_input": "x"},
		Ours:    map[string]string{"tier": "high", "score": "64.4", "verdict": "not_now"},
		Owner:   "77", Created: time.Date(2025, 1, 2, 3, 4, 5, 678e6, time.UTC), Modified: time.Date(2026, 11, 20, 8, 17, 0, 123e6, time.UTC),
		Absorbed: []connectors.Ref{ref("9"), ref("10")},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read as\n%+v, want\n%+v", got, want)
	}
}

func TestRecordIDsAreNumbers(t *testing.T) {
	for id, ok := range map[string]bool{"1": true, "151000000051": true, "": false, "01": false, "-1": false, "+1": false, "1e3": false, " 1": false, "x": false, "99999999999999999999": false} {
		if _, got := recordID(id); got != ok {
			t.Errorf("%q: %v", id, got)
		}
	}
	nine, _ := recordID("9")
	ten, _ := recordID("10")
	if nine >= ten {
		t.Error("9 is not before 10")
	}
}

// FuzzProperties holds the quick reader of flat objects to encoding/json.
func FuzzProperties(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `{"a":"b","c":null}`, `{"a":"\u00e9\n\"","\u0062":"x\\"}`, `{"a":{"b":["]}"]},"c":1.5,"d":true}`, ` { "a" : "b" } `, "{\"a\":\"\xff\"}", `{"a":"\ud83d\ude00"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := map[string]string{}
		transport.EachProperty(string(b), func(name, v string) { got[name] = v }) // must not panic on anything
		var want map[string]json.RawMessage
		if json.Unmarshal(b, &want) != nil {
			return
		}
		for name, raw := range want {
			v, ok := got[name]
			var text string
			switch raw[0] {
			case '{', '[':
				continue
			case '"':
				must(t, json.Unmarshal(raw, &text))
			case 'n':
			default:
				text = string(raw)
			}
			if !ok || v != text {
				t.Errorf("%s: read as %q, %v, want %q", name, v, ok, text)
			}
		}
	})
}

// FuzzPage holds the quick reader of pages to encoding/json: what is JSON is read alike, and a page that broke off is never
// taken for a whole one.
func FuzzPage(f *testing.F) {
	for _, s := range []string{
		`{"results":[],"total":0}`, `{"status":"COMPLETE","results":[{"id":"1","properties":{"a":"b"},"createdAt":"x","archived":true}],"paging":{"next":{"after":"200"}}}`,
		`{"total":3,"results":[{"id":7,"properties":null},{"propertiesWithHistory":{"a":[{"value":"1","updatedByUserId":4}]},"id":"2"}],"errors":[{"context":{"ids":["1"]}}]}`, `{"results":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodePage(b)
		if err == nil {
			for i := range got.Results {
				got.Results[i].versions()
			}
			for cut := range b {
				if len(bytes.TrimSpace(b[cut:])) > 0 {
					if _, err := decodePage(b[:cut]); err == nil && len(bytes.TrimSpace(b[:cut])) > 0 && !json.Valid(b[:cut]) && json.Valid(b) {
						t.Fatalf("%q is taken for whole", b[:cut])
					}
				}
			}
		}
		var want struct {
			Results []struct {
				ID       string
				Archived bool
			}
			Paging paging
		}
		if !json.Valid(b) || json.Unmarshal(b, &want) != nil || bytes.Contains(b, []byte("esult")) && bytes.Count(bytes.ToLower(b), []byte("results")) > 1 {
			return
		}
		if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) && bytes.Contains(b, []byte(`"results":[`)) && (err != nil || len(got.Results) != len(want.Results)) {
			t.Errorf("%q: read as %+v, %v", b, got, err)
		}
	})
}
