package hubspot

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
)

func TestAnswersHaveTheirKind(t *testing.T) {
	scopes := `{"status":"error","message":"This app hasn't been granted all required scopes","category":"MISSING_SCOPES","errors":[{"message":"One or more","context":{"requiredGranularScopes":["crm.objects.contacts.read"]}}]}`
	for _, c := range []struct {
		name     string
		reply    reply
		kind     connectors.Kind
		requests int
		took     time.Duration // at least
		says     string        // in message, code or fix
	}{
		{name: "401", reply: reply{status: 401, body: `{"category":"INVALID_AUTHENTICATION","message":"no"}`}, kind: connectors.Auth, requests: 1, says: "check the token"},
		{name: "403 names the scope", reply: reply{status: 403, body: scopes}, kind: connectors.Auth, requests: 1, says: "these scopes: crm.objects.contacts.read"},
		{name: "414", reply: reply{status: 414, body: "<html>", headers: map[string]string{"Content-Type": "text/html"}}, kind: connectors.Config, requests: 1},
		{name: "423 waits two seconds", reply: reply{status: 423}, kind: connectors.Transient, requests: 5, took: 8 * time.Second},
		{name: "423 with a longer wait", reply: reply{status: 423, headers: map[string]string{"Retry-After": "9"}}, kind: connectors.Transient, requests: 5, took: 36 * time.Second},
		{name: "477", reply: reply{status: 477, headers: map[string]string{"Retry-After": "36000"}}, kind: connectors.Quota, requests: 1, says: "data centre"},
		{name: "500", reply: reply{status: 500}, kind: connectors.Transient, requests: 5},
		{name: "502", reply: reply{status: 502}, kind: connectors.Transient, requests: 5},
		{name: "504", reply: reply{status: 504}, kind: connectors.Transient, requests: 5},
		{name: "521", reply: reply{status: 521}, kind: connectors.Transient, requests: 5},
		{name: "523", reply: reply{status: 523}, kind: connectors.Transient, requests: 5},
		{name: "524", reply: reply{status: 524}, kind: connectors.Transient, requests: 5},
		{name: "530", reply: reply{status: 530, body: "error code: 1016", headers: map[string]string{"Content-Type": "text/plain"}}, kind: connectors.Auth, requests: 1, says: "token"},
		{name: "SECONDLY", reply: reply{status: 429, body: `{"errorType":"RATE_LIMIT","policyName":"SECONDLY"}`}, kind: connectors.RateLimited, requests: 5, took: 10 * time.Second, says: "SECONDLY"},
		{name: "TEN_SECONDLY_ROLLING", reply: reply{status: 429, body: `{"policyName":"TEN_SECONDLY_ROLLING"}`}, kind: connectors.RateLimited, requests: 5, took: 100 * time.Second},
		{name: "a 429 without a word", reply: reply{status: 429}, kind: connectors.RateLimited, requests: 5, took: 10 * time.Second},
		{name: "a 404 that is no record", reply: reply{status: 404, body: `{}`}, kind: connectors.Config, requests: 1, says: "api_version"},
		{name: "a list that is none", reply: ok(`{}`), kind: connectors.Transient, requests: 5},
		{name: "a record without an id", reply: ok(`{"results":[{"properties":{}}]}`), kind: connectors.Transient, requests: 5},
		{name: "a list in place of an object", reply: ok(`[]`), kind: connectors.Transient, requests: 5},
		{name: "a web page", reply: ok("<!DOCTYPE html><title>Maintenance</title>"), kind: connectors.Transient, requests: 5},
		{name: "400", reply: reply{status: 400, body: `{"message":"There was a problem"}`}, kind: connectors.Rejected, requests: 1, says: "There was a problem"},
		{name: "an error body of odd types", reply: reply{status: 400, body: `{"message":"m","status":7,"errors":[{"context":{"ids":"9","n":{"x":1}},"subCategory":{"a":1}}],"subCategory":3}`}, kind: connectors.Rejected, requests: 1, says: "m"},
		{name: "an error body cut off", reply: reply{status: 400, body: `{"message":"m`}, kind: connectors.Rejected, requests: 1, says: "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cl, f := connect(t, func(seen) reply { return c.reply })
				start := time.Now()
				_, err := cl.Sweep(t.Context(), nil)
				e, _ := err.(*connectors.Error)
				if e == nil || e.Kind != c.kind {
					t.Fatalf("%v of kind %s, want %s", err, connectors.KindOf(err), c.kind)
				}
				if len(f.request) != c.requests || time.Since(start) < c.took {
					t.Errorf("%d requests in %s, want %d in %s", len(f.request), time.Since(start), c.requests, c.took)
				}
				if !strings.Contains(e.Message+e.Code+e.Fix, c.says) {
					t.Errorf("%+v does not say %q", e, c.says)
				}
			})
		})
	}
}

func TestADailyLimitLastsUntilTheAccountsMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := connect(t, func(s seen) reply {
			if strings.HasPrefix(s.path, "/account-info/2026-09/details") {
				return ok(`{"portalId":146000001,"accountType":"STANDARD","timeZone":"America/New_York"}`)
			}
			return reply{status: 429, body: `{"message":"You have reached your daily limit.","policyName":"DAILY"}`, headers: map[string]string{"Retry-After": "3"}}
		})
		info, err := c.Account(t.Context())
		if err != nil || info.ID != "146000001" || info.Location.String() != "America/New_York" {
			t.Fatalf("%+v, %v", info, err)
		}
		_, err = c.Sweep(t.Context(), nil)
		want := time.Date(2000, 1, 1, 0, 0, 0, 0, info.Location) // it is 19:00 of 31 December there
		if connectors.KindOf(err) != connectors.Quota || !connectors.Until(err).Equal(want) {
			t.Errorf("%v, want Quota until %s", err, want)
		}
		c.Count(t.Context())
		if len(f.request) != 2 {
			t.Errorf("%d requests", len(f.request))
		}
		if b := c.Report().BlockedUntil; !b.Equal(want) {
			t.Errorf("reported as blocked until %s", b)
		}
	})
}

func TestLearnReadsWhatIsThere(t *testing.T) {
	h := http.Header{}
	if o := learn(h); o.Max != -1 || o.Remaining != -1 || o.DayMax != -1 || o.DayRemaining != -1 || o.Per != 0 {
		t.Errorf("no headers teach %+v", o)
	}
	for k, v := range map[string]string{"Max": "190", "Remaining": "189", "Interval-Milliseconds": "10000", "Daily": " 625000 ", "Daily-Remaining": "x"} {
		h.Set("X-HubSpot-RateLimit-"+k, v)
	}
	if o := learn(h); o.Max != 190 || o.Remaining != 189 || o.Per != 10*time.Second || o.DayMax != 625000 || o.DayRemaining != -1 {
		t.Errorf("headers teach %+v", o)
	}
}

func FuzzFailure(f *testing.F) {
	f.Add([]byte(`{"message":"Property values were not valid: [{\"error\":\"X\",\"name\":\"x\"}]","errors":[{"context":{"ids":["1"]}}]}`))
	f.Add([]byte(`{"errors":[{"errors":[{}]}],"subCategory":"x","context":{"ids":1}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := parseFailure(b)
		x.code()
		x.message()
		x.all("ids")
		x.rejection()
		if len(b) > 0 && !json.Valid(b) && (x.Category != "" || len(x.Errors) > 0) {
			t.Errorf("read %+v of what is no JSON", x)
		}
	})
}
