package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

var unauthenticated = &failure{
	status:   http.StatusUnauthorized,
	Message:  "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
	Category: "INVALID_AUTHENTICATION",
}

func missingScopes(scopes ...string) *failure {
	return &failure{
		status:   http.StatusForbidden,
		Message:  "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.",
		Category: "MISSING_SCOPES",
		Errors:   []detail{{Message: "One or more of the following scopes are required.", Context: map[string][]string{"requiredGranularScopes": scopes}}},
		Links:    map[string]string{"scopes": "https://developers.hubspot.com/scopes"},
	}
}

// authorize refuses a call without a token that is taken, or beyond its scopes.
func (h *HubSpot) authorize(c call) {
	token, _ := strings.CutPrefix(c.header.Get("Authorization"), "Bearer ")
	end, ok := h.tokens[token]
	switch {
	case h.o.OAuth == nil:
		ok = token == h.o.Token
	case ok && !c.now.Before(end):
		panic(&failure{
			status: http.StatusUnauthorized, Category: "EXPIRED_AUTHENTICATION",
			Message: fmt.Sprintf("The OAuth token used to make this call expired %d second(s) ago.", int(c.now.Sub(end).Seconds())),
			Context: map[string][]string{"expire time": {end.UTC().Format(time.RFC3339)}},
		})
	}
	stopIf(!ok, unauthenticated)
	if need := h.scope(c); need != "" && h.o.Scopes != nil && !slices.Contains(h.o.Scopes, need) {
		panic(missingScopes(need))
	}
}

// malformed says that a bearer token holds what no token does: as seen by others, it does not reach HubSpot proper.
func (q *request) malformed() bool {
	token, _ := strings.CutPrefix(q.header.Get("Authorization"), "Bearer ")
	return strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'(),;:<>@[\]{}?`, r) })
}

// scope is the one a call needs, "" if none.
func (h *HubSpot) scope(c call) string {
	switch c.api {
	case "forms", "submissions":
		return "forms"
	case "email-events", "email-campaigns":
		return "content"
	case "owners":
		return "crm.objects.owners.read"
	}
	family := map[string]string{"objects": "crm.objects.", "properties": "crm.schemas.", "associations": "crm.objects.", "events": "crm.objects."}[c.api]
	if family == "" {
		return ""
	}
	object, right := h.contacts, ".write"
	if h.object(c.rest.at(1)) != nil {
		object = h.object(c.rest.at(1))
	}
	if c.method == http.MethodGet || c.api == "associations" || c.rest.at(2) == "search" || c.rest.at(2) == "batch" && c.rest.at(3) == "read" {
		right = ".read"
	}
	return family + object.plural + right
}

// token answers the token endpoint.
func (h *HubSpot) token(c call, _ *hubObject) reply {
	stopIf(!c.isKind("application/x-www-form-urlencoded"), wrongMedia)
	badIf := func(when bool, status, message string) {
		stopIf(when, &failure{status: http.StatusBadRequest, Status: status, Message: message})
	}
	form, client := c.form(), h.o.OAuth
	if form.Get("grant_type") == "client_credentials" {
		badIf(h.app == nil || form.Get("client_id") != h.app.ClientID, "BAD_CLIENT_ID", "missing or invalid client id")
		badIf(form.Get("client_secret") != h.app.ClientSecret, "BAD_CLIENT_SECRET", "missing or invalid client secret")
		return h.appToken(c, form.Get("scope"))
	}
	badIf(form.Get("grant_type") != "refresh_token", "BAD_GRANT_TYPE", "missing or unknown grant type")
	badIf(client == nil || form.Get("client_id") != client.ClientID, "BAD_CLIENT_ID", "missing or invalid client id")
	badIf(form.Get("client_secret") != client.ClientSecret, "BAD_CLIENT_SECRET", "missing or invalid client secret")
	badIf(form.Get("refresh_token") != client.RefreshToken, "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
	token := "C" + h.secret(320)
	h.tokens[token] = c.now.Add(client.TTL)
	return jsonReply(http.StatusOK, map[string]any{
		"token_type": "bearer", "refresh_token": client.RefreshToken, "access_token": token, "hub_id": h.o.PortalID, "expires_in": int(client.TTL.Seconds()),
	})
}

// SetScopes gives the token other scopes; none: none.
func (h *HubSpot) SetScopes(scopes ...string) {
	defer h.lock()()
	h.o.Scopes = append([]string{}, scopes...)
}

// ExpireTokens ends all access tokens given so far, as if their time were over.
func (h *HubSpot) ExpireTokens() {
	defer h.lock()()
	now := h.o.Now()
	for t := range h.tokens {
		h.tokens[t] = now
	}
}
