package hubspot

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// credentials are the tokens of the client and what must not show up in its errors.
func (c *Client) credentials() (*transport.Tokens, *transport.Redactor, *connectors.Error) {
	token := strings.TrimSpace(c.o.Token)
	switch {
	case token != "" && c.o.OAuth != nil:
		return nil, nil, crmkit.ConfigError(c.o.Name, "both a token and OAuth credentials are given", "give one of them")
	case token != "":
		if !wellFormed(token) {
			return nil, nil, crmkit.ConfigError(c.o.Name, "the token holds characters that no token has", "copy the token again, on one line")
		}
		r := transport.NewRedactor(token)
		if c.o.TokenFile == "" {
			return transport.StaticToken(token), r, nil
		}
		return transport.ReplaceableToken(token, c.rotated(token, r)), r, nil
	case c.o.OAuth == nil:
		return nil, nil, crmkit.ConfigError(c.o.Name, "no token is given", "create a service key in HubSpot (Development → Keys → Service keys) and set token_file")
	}
	a := *c.o.OAuth
	if a.ClientID == "" || a.ClientSecret == "" || a.RefreshToken == "" {
		return nil, nil, crmkit.ConfigError(c.o.Name, "the OAuth credentials are incomplete", "set client_id, client_secret and refresh_token")
	}
	r := transport.NewRedactor(a.ClientSecret, a.RefreshToken)
	return transport.NewTokens(c.grants(a.RefreshToken, r), c.o.Now), r, nil
}

// rotated reads the token's file again after a refusal. A new token is used only for the portal that the refused one was for:
// record ids mean others in another one.
func (c *Client) rotated(token string, r *transport.Redactor) func(context.Context) (transport.Grant, error) {
	return func(ctx context.Context) (transport.Grant, error) {
		const op = "read the rotated token"
		b, err := os.ReadFile(c.o.TokenFile)
		if err != nil {
			e := c.err(connectors.Auth, op, "HubSpot refuses the token, and its file cannot be read again")
			e.Fix = "put the new token into token_file"
			return transport.Grant{}, e
		}
		found := strings.TrimSpace(string(b))
		if found == token || !wellFormed(found) {
			return transport.Grant{}, transport.ErrSameToken // also while somebody is writing the file
		}
		r.AddToken(found)
		info, _, err := c.account(ctx, found)
		if err != nil {
			return transport.Grant{}, err
		}
		if known := c.portal.Load(); known != nil && *known != info.ID {
			e := c.err(connectors.Config, op, "the new token belongs to portal %s, the one before to portal %s: nothing was read or written with it", info.ID, *known)
			e.Code, e.Fix = "other_account", "put a token of portal "+*known+" into token_file, or start with another state.path for portal "+info.ID
			return transport.Grant{}, e
		}
		token = found
		return transport.Grant{Token: found}, nil
	}
}

// wellFormed says whether a header can carry the token.
func wellFormed(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// tokenAnswer is what the token endpoint gives.
type tokenAnswer struct {
	AccessToken  string  `json:"access_token"`
	RefreshToken string  `json:"refresh_token"`
	ExpiresIn    float64 `json:"expires_in"` // seconds
}

// grant is the access token in the answer to a call made about now.
func (a tokenAnswer) grant(now time.Time) transport.Grant {
	g := transport.Grant{Token: a.AccessToken}
	if a.ExpiresIn > 0 && a.ExpiresIn < 1e8 {
		g.Expires = now.Add(time.Duration(a.ExpiresIn * float64(time.Second)))
	}
	return g
}

// fetchToken asks the token endpoint. A refusal is of kind Auth, with the fix.
func (c *Client) fetchToken(ctx context.Context, with *transport.Client, op, fix string, form url.Values) (*tokenAnswer, error) {
	v, resp, err := transport.Do[tokenAnswer](ctx, with, transport.Request{Op: op, Method: http.MethodPost, Path: c.paths.token(),
		Body: []byte(form.Encode()), Type: "application/x-www-form-urlencoded", Idempotent: true, Anonymous: true})
	if err != nil {
		if resp != nil && resp.Status >= 400 && resp.Status < 500 && resp.Status != http.StatusTooManyRequests && !resp.HTML() {
			e := *err.(*connectors.Error)
			e.Kind, e.Fix = connectors.Auth, fix
			var said struct {
				Status string `json:"status"` // BAD_CLIENT_ID and the like, in a body of the endpoint's own form
			}
			if json.Unmarshal(resp.Body, &said) == nil && e.Code == "" {
				e.Code = c.http.Redact(said.Status)
			}
			return nil, &e
		}
		return nil, err
	}
	if v.AccessToken == "" {
		return nil, c.err(connectors.Auth, op, "the answer holds no access token")
	}
	return v, nil
}

// grants fetches access tokens, which last 30 minutes. The refresh token changes when HubSpot says so; the one configured
// stays valid, for HubSpot does not end it by rotation.
func (c *Client) grants(refresh string, r *transport.Redactor) func(context.Context) (transport.Grant, error) {
	return func(ctx context.Context) (transport.Grant, error) {
		v, err := c.fetchToken(ctx, c.http, "fetch an access token", "check client_id and client_secret, and install the app again for a new refresh_token", url.Values{
			"grant_type": {"refresh_token"}, "client_id": {c.o.OAuth.ClientID}, "client_secret": {c.o.OAuth.ClientSecret}, "refresh_token": {refresh},
		})
		if err != nil {
			return transport.Grant{}, err
		}
		if v.RefreshToken != "" {
			refresh = v.RefreshToken
			r.AddToken(refresh)
		}
		return v.grant(c.o.Now()), nil
	}
}
