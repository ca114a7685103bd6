package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRateLimitBodyIsAsDocumented(t *testing.T) {
	p := newPortal(t, HubSpotOptions{})
	for range 5 {
		a := p.want(200, p.ask("POST", dated+"/search", `{}`))
		for k := range a.header {
			if strings.HasPrefix(k, "X-Hubspot-Ratelimit") {
				t.Errorf("a search carries %s", k)
			}
		}
	}
	first := p.want(429, p.ask("POST", dated+"/search", `{}`))
	want := `{"status":"error","message":"You have reached your secondly limit.","errorType":"RATE_LIMIT","correlationId":"…","policyName":"SECONDLY"}`
	if scrub(first.body) != want {
		t.Errorf("got %s\nwant %s", scrub(first.body), want)
	}
	second := p.want(429, p.ask("POST", v3+"/search", `{}`))
	if first.header.Get("Retry-After") != "" || second.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q and %q, want it on every second 429 alone", first.header.Get("Retry-After"), second.header.Get("Retry-After"))
	}
	p.clock.advance(time.Second)
	p.want(200, p.ask("POST", dated+"/search", `{}`))
}

func TestBurstAndDailyLimits(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Tier: "starter", TimeZone: "America/New_York"})
	get := func() answer { return p.ask("GET", "/account-info/v3/details", nil) }
	a := p.want(200, get())
	for name, want := range map[string]string{"Max": "100", "Remaining": "99", "Interval-Milliseconds": "10000", "Daily": "250000", "Daily-Remaining": "249999"} {
		if got := a.header.Get("X-HubSpot-RateLimit-" + name); got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
	for range 99 {
		p.want(200, get())
	}
	if a := p.want(429, get()); at(a.json, "policyName") != "TEN_SECONDLY_ROLLING" {
		t.Errorf("policy %v", at(a.json, "policyName"))
	}
	p.clock.advance(10 * time.Second)
	p.want(200, get())
	p.day.used = p.day.max
	a = p.want(429, get())
	if at(a.json, "policyName") != "DAILY" || a.header.Get("Retry-After") != "" || a.header.Get("X-HubSpot-RateLimit-Daily-Remaining") != "0" {
		t.Errorf("daily 429: %s %v", a.body, a.header)
	}
	p.clock.t = time.Date(2026, 11, 21, 4, 59, 59, 0, time.UTC) // a second before midnight in New York
	p.want(429, get())
	p.clock.advance(time.Second)
	p.want(200, get())
	if c := p.Counters(); c.RateLimited["DAILY"] != 2 || c.RateLimited["TEN_SECONDLY_ROLLING"] != 1 || c.Routes["GET account-info/details"][429] != 3 {
		t.Errorf("counted %+v", c)
	}
}

func TestAuthorization(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Token: "pat-eu1-right", Scopes: []string{"crm.objects.contacts.read"}})
	get := func() answer { return p.ask("GET", dated, nil) }
	if a := p.want(401, get()); at(a.json, "category") != "INVALID_AUTHENTICATION" {
		t.Errorf("wrong token: %s", a.body)
	}
	p.token = "pat eu1"
	p.want(530, get())
	p.token = "pat-eu1-right"
	p.want(200, get())
	p.want(200, p.ask("POST", dated+"/search", `{}`))
	p.want(207, p.ask("POST", dated+"/batch/read", inputs(map[string]string{"id": "1"})))
	for _, c := range []struct{ method, path, scope string }{
		{"POST", dated + "/batch/update", "crm.objects.contacts.write"},
		{"GET", "/crm/v3/properties/contacts", "crm.schemas.contacts.read"},
		{"POST", "/crm/properties/2026-09/contacts", "crm.schemas.contacts.write"},
		{"POST", "/crm/objects/2026-09/deals/search", "crm.objects.deals.read"},
		{"POST", "/crm/associations/2026-03/deals/contacts/batch/read", "crm.objects.deals.read"},
	} {
		a := p.want(403, p.ask(c.method, c.path, `{}`))
		if at(a.json, "category") != "MISSING_SCOPES" || at(a.json, "errors", 0, "context", "requiredGranularScopes", 0) != c.scope {
			t.Errorf("%s %s: %s", c.method, c.path, a.body)
		}
	}
}

func TestOAuthTokensExpire(t *testing.T) {
	p := newPortal(t, HubSpotOptions{OAuth: &OAuthClient{ClientID: "c", ClientSecret: "s", RefreshToken: "r"}})
	fetch := func(path, form string) answer {
		q, _ := http.NewRequest("POST", "https://x"+path, strings.NewReader(form))
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return p.send(q)
	}
	const good = "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r"
	p.want(401, p.ask("GET", dated, nil))
	for status, form := range map[string]string{
		"BAD_REFRESH_TOKEN": strings.Replace(good, "token=r", "token=x", 1), "BAD_CLIENT_SECRET": strings.Replace(good, "secret=s", "secret=x", 1),
		"BAD_CLIENT_ID": strings.Replace(good, "id=c", "id=x", 1), "BAD_GRANT_TYPE": "",
	} {
		if a := p.want(400, fetch("/oauth/2026-03/token", form)); at(a.json, "status") != status {
			t.Errorf("%s: %s", status, a.body)
		}
	}
	for _, path := range []string{"/oauth/v1/token", "/oauth/2026-03/token"} {
		a := p.want(200, fetch(path, good))
		p.token = at(a.json, "access_token").(string)
		if len(p.token) <= 300 || at(a.json, "expires_in") != 1800.0 {
			t.Errorf("%d characters, expires_in %v", len(p.token), at(a.json, "expires_in"))
		}
		r := p.want(200, p.ask("GET", dated, nil))
		if r.header.Get("X-HubSpot-RateLimit-Max") != "110" || r.header.Values("X-HubSpot-RateLimit-Daily") != nil || r.header.Values("X-HubSpot-RateLimit-Daily-Remaining") != nil {
			t.Errorf("headers under OAuth: %v", r.header)
		}
		p.clock.advance(30*time.Minute - 1)
		p.want(200, p.ask("GET", dated, nil))
		p.clock.advance(1)
		if a := p.want(401, p.ask("GET", dated, nil)); at(a.json, "category") != "EXPIRED_AUTHENTICATION" {
			t.Errorf("expired: %s", a.body)
		}
	}
}

func TestExpireTokensEndsThemAtOnce(t *testing.T) {
	p := newPortal(t, HubSpotOptions{OAuth: &OAuthClient{ClientID: "c", ClientSecret: "s", RefreshToken: "r", TTL: time.Hour}})
	q, _ := http.NewRequest("POST", "https://x/oauth/v1/token", strings.NewReader("grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r"))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p.token = at(p.want(200, p.send(q)).json, "access_token").(string)
	p.want(200, p.ask("GET", dated, nil))
	p.ExpireTokens()
	p.want(401, p.ask("GET", dated, nil))
}
