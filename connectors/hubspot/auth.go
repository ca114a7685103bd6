package hubspot

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// credentials are the tokens of the client and what must not show up in its errors.
func (c *Client) credentials() (*transport.Tokens, *transport.Redactor, *connectors.Error) {
	token := strings.TrimSpace(c.o.Token)
	switch {
	case token != "" && c.o.OAuth != nil:
		return nil, nil, transport.ConfigError(c.o.Name, "both a token and OAuth credentials are given", "give one of them")
	case token != "":
		if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, nil, transport.ConfigError(c.o.Name, "the token holds characters that no token has", "copy the token again, on one line")
		}
		return transport.StaticToken(token), transport.NewRedactor(token), nil
	case c.o.OAuth == nil:
		return nil, nil, transport.ConfigError(c.o.Name, "no token is given", "create a service key or private app in HubSpot and set token_file")
	}
	a := *c.o.OAuth
	if a.ClientID == "" || a.ClientSecret == "" || a.RefreshToken == "" {
		return nil, nil, transport.ConfigError(c.o.Name, "the OAuth credentials are incomplete", "set client_id, client_secret and refresh_token")
	}
	r := transport.NewRedactor(a.ClientSecret, a.RefreshToken)
	return transport.NewTokens(c.grants(a.RefreshToken, r), c.o.Now), r, nil
}

// grants fetches access tokens, which last 30 minutes. The refresh token changes when HubSpot says so; the one configured
// stays valid, for HubSpot does not end it by rotation.
func (c *Client) grants(refresh string, r *transport.Redactor) func(context.Context) (transport.Grant, error) {
	return func(ctx context.Context) (transport.Grant, error) {
		form := url.Values{"grant_type": {"refresh_token"}, "client_id": {c.o.OAuth.ClientID},
			"client_secret": {c.o.OAuth.ClientSecret}, "refresh_token": {refresh}}
		type answer struct {
			AccessToken  string  `json:"access_token"`
			RefreshToken string  `json:"refresh_token"`
			ExpiresIn    float64 `json:"expires_in"` // seconds
		}
		v, resp, err := transport.Do[answer](ctx, c.http, transport.Request{Op: "fetch an access token", Method: http.MethodPost, Path: c.paths.token(),
			Body: []byte(form.Encode()), Type: "application/x-www-form-urlencoded", Idempotent: true, Anonymous: true})
		if err != nil {
			if resp != nil && resp.Status >= 400 && resp.Status < 500 && resp.Status != http.StatusTooManyRequests && !resp.HTML() {
				e := *err.(*connectors.Error)
				e.Kind, e.Fix = connectors.Auth, "check client_id and client_secret, and install the app again for a new refresh_token"
				return transport.Grant{}, &e
			}
			return transport.Grant{}, err
		}
		if v.AccessToken == "" {
			return transport.Grant{}, c.err(connectors.Auth, "fetch an access token", "the answer holds no access token")
		}
		if v.RefreshToken != "" {
			refresh = v.RefreshToken
			r.AddToken(refresh)
		}
		g := transport.Grant{Token: v.AccessToken}
		if v.ExpiresIn > 0 && v.ExpiresIn < 1e8 {
			g.Expires = c.o.Now().Add(time.Duration(v.ExpiresIn * float64(time.Second)))
		}
		return g, nil
	}
}
