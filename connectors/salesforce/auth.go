package salesforce

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// The hosts that give tokens to every production and every sandbox org. Each is also the audience of a JWT, whatever host it is
// posted to.
const (
	productionLogin = "https://login.salesforce.com"
	sandboxLogin    = "https://test.salesforce.com"
)

// jwtLife is how far ahead an assertion expires: Salesforce takes at most three minutes, and clocks differ.
const jwtLife = 150 * time.Second

// identity is whose token we hold.
type identity struct{ org, user string }

// form makes the body of a token request.
type form func(ctx context.Context) (url.Values, *connectors.Error)

// grants fetches access tokens. They tell no end: an answer 401 does.
func (c *Client) grants(r *transport.Redactor) (func(context.Context) (transport.Grant, error), *connectors.Error) {
	a := c.o.Auth
	missing := func(names string) *connectors.Error {
		return crmkit.ConfigError(c.o.Name, "the credentials are incomplete", "set auth."+names)
	}
	if a.ClientID == "" {
		return nil, missing("client_id")
	}
	host := c.login
	switch a.Flow {
	case "", JWT:
		if a.Username == "" || strings.TrimSpace(a.Key) == "" {
			return nil, missing("username and key_file")
		}
		key, err := transport.ParseRSAKey(a.Key)
		if err != nil {
			return nil, crmkit.ConfigError(c.o.Name, "auth.key: "+err.Error(), "give the RSA private key of the app's certificate as PEM")
		}
		return c.fetch(host, func(context.Context) (url.Values, *connectors.Error) {
			assertion, err := c.assertion(key)
			if err != nil {
				return nil, c.err(connectors.Config, "sign in", "the key cannot sign")
			}
			r.AddToken(assertion)
			return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}, nil
		}, nil), nil
	case ClientCredentials:
		if a.ClientSecret == "" {
			return nil, missing("client_secret")
		}
		if c.o.InstanceURL != "" {
			host, _ = transport.ParseBase(c.o.InstanceURL)
		} else if loginHost(host) {
			return nil, crmkit.ConfigError(c.o.Name, "client credentials are taken by the org's own host only", "set instance_url to the org's My Domain, such as https://example.my.salesforce.com")
		}
		return c.fetch(host, func(context.Context) (url.Values, *connectors.Error) {
			return url.Values{"grant_type": {"client_credentials"}, "client_id": {a.ClientID}, "client_secret": {a.ClientSecret}}, nil
		}, nil), nil
	case RefreshToken:
		if a.RefreshToken == "" {
			return nil, missing("refresh_token")
		}
		k := &keeper{c: c, redactor: r, configured: a.RefreshToken}
		return c.fetch(host, func(context.Context) (url.Values, *connectors.Error) {
			token, e := k.token()
			if e != nil {
				return nil, e
			}
			v := url.Values{"grant_type": {"refresh_token"}, "client_id": {a.ClientID}, "refresh_token": {token}}
			if a.ClientSecret != "" {
				v.Set("client_secret", a.ClientSecret)
			}
			return v, nil
		}, k.rotated), nil
	}
	return nil, crmkit.ConfigError(c.o.Name, "auth.flow is neither jwt, client_credentials nor refresh_token", "set auth.flow to jwt")
}

func loginHost(u *url.URL) bool {
	s := u.String()
	return s == productionLogin || s == sandboxLogin
}

// fetch posts what body makes to a host's token endpoint. rotated takes a new refresh token.
func (c *Client) fetch(host *url.URL, body form, rotated func(string)) func(context.Context) (transport.Grant, error) {
	const op = "sign in"
	type answer struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		InstanceURL  string `json:"instance_url"`
		ID           string `json:"id"`
	}
	return func(ctx context.Context) (transport.Grant, error) {
		values, e := body(ctx)
		if e != nil {
			return transport.Grant{}, e
		}
		v, resp, err := transport.Do[answer](ctx, c.http, transport.Request{Op: op, Method: http.MethodPost, Path: "/services/oauth2/token", Base: host,
			Body: []byte(values.Encode()), Type: "application/x-www-form-urlencoded",
			// A refresh token that rotates is spent by the first try, whose answer may be lost.
			Idempotent: rotated == nil, Anonymous: true})
		if err != nil {
			if resp != nil && resp.Status >= 400 && resp.Status < 500 && resp.Status != http.StatusTooManyRequests && !resp.HTML() {
				refused := *err.(*connectors.Error)
				refused.Kind, refused.Fix = connectors.Auth, signInFix(parseFailure(resp.Body))
				return transport.Grant{}, &refused
			}
			return transport.Grant{}, err
		}
		if v.AccessToken == "" {
			return transport.Grant{}, c.err(connectors.Auth, op, "the answer holds no access token")
		}
		if v.RefreshToken != "" && rotated != nil {
			rotated(v.RefreshToken)
		}
		g := transport.Grant{Token: v.AccessToken}
		if c.o.InstanceURL == "" && v.InstanceURL != "" {
			if g.Base, err = transport.ParseBase(v.InstanceURL); err != nil {
				return transport.Grant{}, c.err(connectors.Config, op, "instance_url of the answer: %v", err)
			}
		}
		c.org.Store(g.Base)
		if id := parseIdentity(v.ID); id != nil {
			c.who.Store(id)
		}
		return g, nil
	}
}

// parseIdentity reads https://login.salesforce.com/id/<org>/<user>.
func parseIdentity(s string) *identity {
	u, err := url.Parse(s)
	if err != nil {
		return nil
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 3 || parts[len(parts)-3] != "id" {
		return nil
	}
	org, ok := normalID(parts[len(parts)-2])
	user, ok2 := normalID(parts[len(parts)-1])
	if !ok || !ok2 {
		return nil
	}
	return &identity{org, user}
}

// signInFix is what the admin can do about a refusal of the token endpoint.
func signInFix(f failure) string {
	switch d := f.Description; {
	case strings.Contains(d, "hasn't approved"):
		return "in the app's policies set permitted users to \"admin approved users are pre-authorized\" and assign the app to the integration user by profile or permission set"
	case strings.Contains(d, "audience"):
		return "set login_url to " + productionLogin + ", or to " + sandboxLogin + " for a sandbox org"
	case strings.Contains(d, "not supported on this domain"):
		return "set instance_url to the org's My Domain"
	case strings.Contains(d, "inactive user"), strings.Contains(d, "user is locked"):
		return "activate the integration user"
	case strings.Contains(d, "expired access/refresh token"):
		return "authorize the app again and set the new refresh_token"
	case strings.Contains(d, "no client credentials user"):
		return "in the app's policies enable the client credentials flow and set a run-as user"
	}
	return "check client_id, the user name, and the secret or the certificate of the app"
}

// assertion is a signed JWT for the present by Salesforce's clock.
func (c *Client) assertion(key *rsa.PrivateKey) (string, error) {
	now, _ := c.http.ServerNow()
	return transport.SignJWT(key, struct {
		Iss string `json:"iss"`
		Sub string `json:"sub"`
		Aud string `json:"aud"`
		Exp int64  `json:"exp"`
	}{c.o.Auth.ClientID, c.o.Auth.Username, audience(c.login), now.Add(jwtLife).Unix()})
}

// audience is the login host of the org's kind, also where the assertion goes to its My Domain (example--dev.sandbox.my.salesforce.com).
func audience(login *url.URL) string {
	host := strings.ToLower(login.Hostname())
	if host == "test.salesforce.com" || strings.Contains(host, ".sandbox.") {
		return sandboxLogin
	}
	return productionLogin
}

// keeper knows the refresh token that is good now. One that Salesforce rotated away is dead, so that the new one is saved at once,
// and again with the next token if that failed. It is used by one fetch at a time.
type keeper struct {
	c          *Client
	redactor   *transport.Redactor
	configured string
	current    string
	unsaved    bool
}

// slot is the name a rotated token is kept under: with another configured token it starts afresh.
func (k *keeper) slot() string {
	sum := sha256.Sum256([]byte(k.configured))
	return k.c.o.Name + "-" + hex.EncodeToString(sum[:6])
}

func (k *keeper) token() (string, *connectors.Error) {
	if k.current == "" {
		k.current = k.configured
		if store := k.c.o.Tokens; store != nil {
			saved, err := store.Load(k.slot())
			if err != nil {
				k.current = ""
				e := k.c.err(connectors.Transient, "sign in", "the stored refresh token cannot be loaded: %v", err)
				e.Err = err
				return "", e
			}
			if saved != "" {
				k.current = saved
				k.redactor.AddToken(saved)
			}
		}
	}
	k.save()
	return k.current, nil
}

func (k *keeper) rotated(token string) {
	k.redactor.AddToken(token)
	if token != k.current {
		k.current, k.unsaved = token, true
		k.save()
	}
}

func (k *keeper) save() {
	if !k.unsaved || k.c.o.Tokens == nil {
		return
	}
	if err := k.c.o.Tokens.Save(k.slot(), k.current); err != nil {
		k.c.o.Logger.Error("the rotated refresh token could not be saved: a restart would have to be authorized anew", "connector", k.c.o.Name, "error", k.c.http.Redact(err.Error()))
		return
	}
	k.unsaved = false
}
