package sandbox

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// jwt signs claims as an integration does.
func jwt(t *testing.T, key *rsa.PrivateKey, alg string, claims map[string]any) string {
	t.Helper()
	part := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	body := part(map[string]string{"alg": alg, "typ": "JWT"}) + "." + part(claims)
	sum := sha256.Sum256([]byte(body))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return body + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func TestSalesforceJWT(t *testing.T) {
	g := newOrg(t, SalesforceOptions{PublicKey: &testKey().PublicKey})
	now := g.clock.now()
	good := map[string]any{"iss": "sandbox-client", "sub": "integration@sandbox.example", "aud": "https://login.salesforce.com", "exp": now.Add(2 * time.Minute).Unix()}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		promise string
		key     *rsa.PrivateKey
		alg     string
		change  map[string]any
		want    string
	}{
		{promise: "a good one is taken"},
		{"of another key", other, "", nil, "invalid_grant: invalid assertion"},
		{"of another algorithm", nil, "none", nil, "invalid_grant: invalid assertion"},
		{"for My Domain", nil, "", map[string]any{"aud": myDomain}, "invalid_grant: audience is invalid"},
		{"for a sandbox org", nil, "", map[string]any{"aud": "https://test.salesforce.com"}, "invalid_grant: audience is invalid"},
		{"without an audience", nil, "", map[string]any{"aud": nil}, "invalid_grant: audience is invalid"},
		{"that has expired", nil, "", map[string]any{"exp": now.Add(-time.Minute).Unix()}, "invalid_grant: expired authorization code"},
		{"that lasts too long", nil, "", map[string]any{"exp": now.Add(time.Hour).Unix()}, "invalid_grant: invalid assertion"},
		{"of an unknown app", nil, "", map[string]any{"iss": "nobody"}, "invalid_client_id: client identifier invalid"},
		{"for another user", nil, "", map[string]any{"sub": "a@b.example"}, "invalid_grant: user hasn't approved this consumer"},
	} {
		t.Run(c.promise, func(t *testing.T) {
			claims := maps.Clone(good)
			maps.Copy(claims, c.change)
			key, alg := testKey(), "RS256"
			if c.key != nil {
				key = c.key
			}
			if c.alg != "" {
				alg = c.alg
			}
			form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {jwt(t, key, alg, claims)}}
			for _, host := range []string{"https://login.salesforce.com", myDomain} {
				a := g.grants(host, form)
				if c.want != "" {
					if got := a.json["error"].(string) + ": " + a.json["error_description"].(string); a.status != 400 || got != c.want {
						t.Errorf("%d %s, want %s", a.status, got, c.want)
					}
					continue
				}
				g.want(200, a)
				g.token = a.json["access_token"].(string)
				g.want(200, g.ask("GET", "/limits", nil))
				if a.json["instance_url"] != myDomain || a.json["refresh_token"] != nil || a.json["expires_in"] != nil || a.json["token_type"] != "Bearer" {
					t.Errorf("got %s", a.body)
				}
				if id := a.json["id"].(string); id != host+"/id/"+g.OrgID()+"/"+g.UserID() {
					t.Errorf("id %s", id)
				}
			}
		})
	}
	for _, broken := range []string{"", "a.b", "a.b.c", "...", strings.Repeat(".", 9)} {
		if a := g.grants(myDomain, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {broken}}); a.status != 400 {
			t.Errorf("%q is taken", broken)
		}
	}
	test := newOrg(t, SalesforceOptions{Test: true})
	claims := maps.Clone(good)
	claims["aud"] = "https://test.salesforce.com"
	test.want(200, test.grants("https://test.salesforce.com", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {jwt(t, other, "RS256", claims)}}))
}

func TestSalesforceClientCredentialsAndRefresh(t *testing.T) {
	g := newOrg(t, SalesforceOptions{RefreshToken: "first", RotateRefresh: true})
	for _, c := range []struct {
		host, form, want string
	}{
		{"https://login.salesforce.com", "grant_type=client_credentials&client_id=sandbox-client&client_secret=sandbox-secret", "invalid_grant"},
		{myDomain, "grant_type=client_credentials&client_id=nobody&client_secret=sandbox-secret", "invalid_client_id"},
		{myDomain, "grant_type=client_credentials&client_id=sandbox-client&client_secret=wrong", "invalid_client"},
		{myDomain, "grant_type=password&username=a&password=b", "unsupported_grant_type"},
		{myDomain, "grant_type=refresh_token&client_id=sandbox-client&refresh_token=old", "invalid_grant"},
		{myDomain, "grant_type=refresh_token&client_id=nobody&refresh_token=first", "invalid_client_id"},
	} {
		form, _ := url.ParseQuery(c.form)
		if a := g.grants(c.host, form); a.status != 400 || a.json["error"] != c.want {
			t.Errorf("%s: %d %s, want %s", c.form, a.status, a.body, c.want)
		}
	}
	refresh := func(token string) answer {
		return g.grants(myDomain, url.Values{"grant_type": {"refresh_token"}, "client_id": {"sandbox-client"}, "refresh_token": {token}})
	}
	a := g.want(200, refresh("first"))
	second := a.json["refresh_token"].(string)
	if second == "first" || second != g.RefreshToken() {
		t.Errorf("rotated to %q", second)
	}
	g.token = a.json["access_token"].(string)
	g.want(200, g.ask("GET", "/limits", nil))
	g.want(400, refresh("first"))
	g.want(200, refresh(second))
	if a := g.want(401, g.ask("GET", "/limits", nil)); a.code() != "INVALID_SESSION_ID" {
		t.Errorf("the old session answers %s", a.body)
	}

	plain := newOrg(t, SalesforceOptions{RefreshToken: "kept"})
	for range 2 {
		if a := plain.want(200, plain.grants(myDomain, url.Values{"grant_type": {"refresh_token"}, "client_id": {"sandbox-client"}, "refresh_token": {"kept"}})); a.json["refresh_token"] != nil {
			t.Errorf("an unrotated answer tells %v", a.json["refresh_token"])
		}
	}
}

func TestSalesforceSessionsEnd(t *testing.T) {
	g := newOrg(t, SalesforceOptions{SessionTTL: 15 * time.Minute})
	ended := func(why string) {
		t.Helper()
		a := g.want(401, g.ask("GET", "/limits", nil))
		if a.body != `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]` {
			t.Errorf("%s: %s", why, a.body)
		}
		if a.header.Get("Sforce-Limit-Info") != "" {
			t.Errorf("%s: a refused call tells the limits", why)
		}
	}
	g.clock.advance(15*time.Minute - time.Second)
	g.want(200, g.ask("GET", "/limits", nil))
	g.clock.advance(time.Second)
	ended("by time")
	g.signIn()
	g.ExpireSessions()
	ended("on demand")
	g.signIn()
	g.Faults().Add(Fault{Path: "/limits", Status: 401, Body: NotForREST})
	if a := g.want(401, g.ask("GET", "/limits", nil)); !strings.Contains(a.body, "This session is not valid for use with the REST API") {
		t.Errorf("got %s", a.body)
	}
	q, _ := http.NewRequest("POST", myDomain+"/services/oauth2/revoke", strings.NewReader(url.Values{"token": {g.token}}.Encode()))
	g.want(200, g.send(q))
	ended("by revocation")
	g.signIn()
	g.Freeze()
	ended("with its user")
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"sandbox-client"}, "client_secret": {"sandbox-secret"}}
	if a := g.grants(myDomain, form); a.status != 400 || a.json["error_description"] != "inactive user" {
		t.Errorf("a frozen user signs in: %s", a.body)
	}
	g.token = ""
	ended("without a token")
	g.token = "x"
	ended("with another token")
}
