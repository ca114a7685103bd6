package salesforce

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
	"github.com/intentd/intentd/connectors/sandbox"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func keyPEM(pkcs8 bool) string {
	b := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(testKey())}
	if pkcs8 {
		der, err := x509.MarshalPKCS8PrivateKey(testKey())
		if err != nil {
			panic(err)
		}
		b = &pem.Block{Type: "PRIVATE KEY", Bytes: der}
	}
	return string(pem.EncodeToMemory(b))
}

func jwtOptions(o *sandbox.Salesforce) Options {
	return Options{Auth: Auth{ClientID: "sandbox-client", Username: "integration@sandbox.example", Key: keyPEM(false)}, HTTP: o.Transport()}
}

// A JWT is signed by the app's key, for the audience of the org's kind whatever host it goes to, and the API is then spoken to at
// the instance that the token names.
func TestJWT(t *testing.T) {
	for _, c := range []struct {
		name, login string
		test, pkcs8 bool
		host, kind  string
	}{
		{name: "production", host: "login.salesforce.com"},
		{name: "production at its My Domain", login: "https://example.my.salesforce.com", host: "example.my.salesforce.com", pkcs8: true},
		{name: "sandbox", login: "https://test.salesforce.com", test: true, host: "test.salesforce.com"},
		{name: "sandbox at its My Domain", login: "https://example--dev.sandbox.my.salesforce.com", test: true, host: "example--dev.sandbox.my.salesforce.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sandbox.NewSalesforce(sandbox.SalesforceOptions{PublicKey: &testKey().PublicKey, Test: c.test})
			o := jwtOptions(s)
			o.LoginURL, o.Auth.Key = c.login, keyPEM(c.pkcs8)
			f := &fake{next: s.Transport()}
			o.HTTP = f
			cl, err := New(o)
			must(t, err)
			info, err := cl.Account(t.Context())
			must(t, err)
			if info.ID != s.OrgID() || len(info.ID) != 18 || info.ServerTime.IsZero() {
				t.Errorf("%+v, want the org %s", info, s.OrgID())
			}
			if got := f.request[0].host; got != c.host {
				t.Errorf("the token came from %s, want %s", got, c.host)
			}
			instance := c.host // a My Domain is the org's own
			if c.login == "" || c.login == sandboxLogin {
				instance = "sandbox.my.salesforce.com"
			}
			if got := f.request[1].host; got != instance {
				t.Errorf("the API was spoken to at %s, want %s", got, instance)
			}
		})
	}
}

// Whatever the token endpoint refuses is Auth, with a fix, and no error tells a credential.
func TestRefusedSignIn(t *testing.T) {
	s := sandbox.NewSalesforce(sandbox.SalesforceOptions{})
	for _, c := range []struct {
		description, fix string
	}{
		{"user hasn't approved this consumer", "pre-authorized"},
		{"expired access/refresh token", "new refresh_token"},
		{"inactive user", "activate"},
		{"request not supported on this domain", "instance_url"},
		{"no client credentials user enabled", "run-as"},
		{"something else", "check"},
	} {
		o := jwtOptions(s)
		o.HTTP = &fake{answer: func(r seen) reply {
			return reply{status: 400, body: fmt.Sprintf(`{"error":"invalid_grant","error_description":%q}`, c.description+" "+r.body)}
		}}
		cl, err := New(o)
		must(t, err)
		_, err = cl.Account(t.Context())
		e := asError(t, err)
		if e.Kind != connectors.Auth || e.Code != "invalid_grant" || !strings.Contains(e.Message, c.description) || !strings.Contains(e.Fix, c.fix) {
			t.Errorf("%s: %v (%s), fix %q", c.description, err, e.Kind, e.Fix)
		}
		if strings.Contains(err.Error(), "eyJ") {
			t.Errorf("the error tells the assertion: %v", err)
		}
	}
}

// What cannot work is refused before any request, with a fix, and without the secret in the words.
func TestRefusedOptions(t *testing.T) {
	good := jwtOptions(sandbox.NewSalesforce(sandbox.SalesforceOptions{}))
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"no client":                   func(o *Options) { o.Auth.ClientID = "" },
		"no user":                     func(o *Options) { o.Auth.Username = "" },
		"no key":                      func(o *Options) { o.Auth.Key = " " },
		"a key that is none":          func(o *Options) { o.Auth.Key = "very-secret-key" },
		"a key of rubbish":            func(o *Options) { o.Auth.Key = "-----BEGIN X-----\nc2VjcmV0\n-----END X-----" },
		"a flow that is none":         func(o *Options) { o.Auth.Flow = "password" },
		"no secret":                   func(o *Options) { o.Auth.Flow = ClientCredentials },
		"client credentials at login": func(o *Options) { o.Auth.Flow, o.Auth.ClientSecret = ClientCredentials, "very-secret" },
		"no refresh token":            func(o *Options) { o.Auth.Flow = RefreshToken },
		"plain http":                  func(o *Options) { o.InstanceURL = "http://example.my.salesforce.com" },
		"a version that is none":      func(o *Options) { o.APIVersion = "v67" },
		"an object that is none":      func(o *Options) { o.Objects = []string{"Account"} },
		"a share of nothing":          func(o *Options) { o.DailyShare = 1.5 },
		"too many calls at once":      func(o *Options) { o.CallsInFlight = 26 },
		"an unknown field":            func(o *Options) { o.Fields = map[string]string{"mood": "Mood__c"} },
		"a field name that is none":   func(o *Options) { o.Fields = map[string]string{"score": "Score'; --"} },
		"an input that is none":       func(o *Options) { o.Inputs = []string{"Account.Name"} },
		"a name with a slash":         func(o *Options) { o.Name = "a/b" },
	} {
		o := good
		change(&o)
		_, err := New(o)
		if connectors.KindOf(err) != connectors.Config || asError(t, err).Fix == "" || strings.Contains(fmt.Sprint(err), "secret-") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// kept is a host's store of refresh tokens.
type kept struct {
	mu     sync.Mutex
	tokens map[string]string
	broken bool
}

func (k *kept) Load(name string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tokens[name], nil
}

func (k *kept) Save(name, token string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken {
		return errors.New("disk full")
	}
	k.tokens[name] = token
	return nil
}

// A rotated refresh token is kept at once: a restarted daemon goes on with it. One that could not be saved is saved with the next
// token, and one of another authorization does not stand in the way of a new one.
func TestRotationIsKept(t *testing.T) {
	s := sandbox.NewSalesforce(sandbox.SalesforceOptions{RefreshToken: "first-refresh-token", RotateRefresh: true})
	store := &kept{tokens: map[string]string{}}
	connect := func(token string) *Client {
		c, err := New(Options{Auth: Auth{Flow: RefreshToken, ClientID: "sandbox-client", ClientSecret: "sandbox-secret", RefreshToken: token}, Tokens: store, HTTP: s.Transport()})
		must(t, err)
		return c
	}
	c := connect("first-refresh-token")
	for range 3 {
		if _, err := c.Account(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.ExpireSessions()
	}
	c = connect("first-refresh-token") // restarted
	if _, err := c.Account(t.Context()); err != nil {
		t.Fatalf("after a restart: %v", err)
	}
	store.broken = true
	s.ExpireSessions()
	if _, err := c.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	store.broken = false
	s.ExpireSessions()
	if _, err := c.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(store.tokens) != 1 {
		t.Errorf("%d tokens are kept", len(store.tokens))
	}
	for _, token := range store.tokens {
		if token != s.RefreshToken() {
			t.Error("what is kept is not the token that is good now")
		}
	}
	if _, err := connect("another-authorization").Account(t.Context()); connectors.KindOf(err) != connectors.Auth {
		t.Errorf("a token that is not good: %v", err)
	}
	if _, err := connect(s.RefreshToken()).Account(t.Context()); err != nil {
		t.Errorf("a new authorization: %v", err)
	}
}

// When a session ends, one refresh serves all workers, and each call is replayed once.
func TestOneRefreshForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 3)
		c, f := p.watched(t, nil)
		if _, err := c.Read(t.Context(), refs); err != nil {
			t.Fatal(err)
		}
		p.ExpireSessions()
		before := f.count("oauth2/token")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := c.Read(t.Context(), refs); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := f.count("oauth2/token") - before; n != 1 {
			t.Errorf("%d tokens were fetched, want 1", n)
		}
	})
}

// A session that is not for the API is not refreshed: that would go on for ever.
func TestNotForTheAPI(t *testing.T) {
	p := newOrg(t, Lead)
	refs := p.Create(t, 1)
	c, f := p.watched(t, nil)
	p.Faults().Add(sandbox.Fault{Path: "/composite/sobjects", Status: http.StatusUnauthorized, Body: sandbox.NotForREST, Times: -1})
	_, err := c.Read(t.Context(), refs)
	if connectors.KindOf(err) != connectors.Auth || asError(t, err).Fix == "" {
		t.Errorf("%v", err)
	}
	if n := f.count("oauth2/token"); n != 1 {
		t.Errorf("%d tokens were fetched, want 1", n)
	}
}

// A clock that is wrong does not spoil assertions once Salesforce has told the time.
func TestAssertionByTheirClock(t *testing.T) {
	s := sandbox.NewSalesforce(sandbox.SalesforceOptions{PublicKey: &testKey().PublicKey})
	o := jwtOptions(s)
	o.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	c, err := New(o)
	must(t, err)
	if _, err := c.Account(t.Context()); connectors.KindOf(err) != connectors.Auth {
		t.Fatalf("an assertion of an hour ago: %v", err)
	}

	fetch, _ := c.grants(transport.NewRedactor())
	if _, err := fetch(t.Context()); err != nil {
		t.Errorf("after an answer: %v", err)
	}
}
