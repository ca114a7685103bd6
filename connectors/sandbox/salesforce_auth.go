package sandbox

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// orgSession is what an access token stands for.
type orgSession struct {
	ends    time.Time
	refresh string // the refresh token that it was made with
}

// NotForREST is the body of the 401 that a new access token does not mend: for faults with Status 401.
const NotForREST = `[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]`

// loginHosts are the audiences of JWTs; they hold whatever host the assertion is posted to.
const (
	productionLogin = "https://login.salesforce.com"
	testLogin       = "https://test.salesforce.com"
)

// jwtLife is how far ahead an assertion may expire, jwtSkew what clocks may differ by.
const (
	jwtLife = 3 * time.Minute
	jwtSkew = 30 * time.Second
)

// ExpireSessions ends all access tokens, and with them their query locators.
func (s *Salesforce) ExpireSessions() {
	defer s.lock()()
	for token := range s.sessions {
		s.endSession(token)
	}
}

// Freeze ends the integration user's sessions and lets it have no new ones.
func (s *Salesforce) Freeze() {
	s.ExpireSessions()
	defer s.lock()()
	s.locked = true
}

// RefreshToken is the refresh token that would be taken now.
func (s *Salesforce) RefreshToken() string {
	defer s.lock()()
	return s.refresh
}

func (s *Salesforce) endSession(token string) {
	delete(s.sessions, token)
	s.cursors = slices.DeleteFunc(s.cursors, func(c *orgCursor) bool { return c.session == token })
}

// denied is the token endpoint's way to say no.
func denied(code, description string) reply {
	return jsonReply(http.StatusBadRequest, map[string]string{"error": code, "error_description": description})
}

// grant answers POST /services/oauth2/token.
func (s *Salesforce) grant(q *request) reply {
	if q.method != http.MethodPost {
		return denied("unsupported_grant_type", "grant type not supported")
	}
	form, err := url.ParseQuery(string(q.body))
	if err != nil || !q.isKind("application/x-www-form-urlencoded") {
		return denied("unsupported_grant_type", "grant type not supported")
	}
	clientID, secret := form.Get("client_id"), form.Get("client_secret")
	now := s.o.Now()
	refresh := ""
	switch form.Get("grant_type") {
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		if code, description := s.refuseJWT(form.Get("assertion"), now); code != "" {
			return denied(code, description)
		}
	case "client_credentials":
		switch {
		case isLoginHost(q.base):
			return denied("invalid_grant", "request not supported on this domain")
		case clientID != s.o.ClientID:
			return denied("invalid_client_id", "client identifier invalid")
		case secret != s.o.ClientSecret:
			return denied("invalid_client", "invalid client credentials")
		}
	case "refresh_token":
		given := form.Get("refresh_token")
		switch {
		case clientID != s.o.ClientID:
			return denied("invalid_client_id", "client identifier invalid")
		case secret != "" && secret != s.o.ClientSecret:
			return denied("invalid_client", "invalid client credentials")
		case given == "" || given != s.refresh:
			return denied("invalid_grant", "expired access/refresh token")
		}
		if s.o.RotateRefresh {
			for token, session := range s.sessions {
				if session.refresh == given {
					s.endSession(token)
				}
			}
			s.refresh = "5Aep861" + s.secret(44)
			refresh = s.refresh
		}
	default: // user name and password among them
		return denied("unsupported_grant_type", "grant type not supported")
	}
	if s.locked {
		return denied("invalid_grant", "inactive user")
	}
	for token, session := range s.sessions {
		if !now.Before(session.ends) {
			s.endSession(token)
		}
	}
	token := s.o.OrgID[:15] + "!" + s.secret(96)
	s.sessions[token] = &orgSession{now.Add(s.o.SessionTTL), s.refresh}
	instance := s.instance(q)
	answer := map[string]string{
		"access_token": token, "scope": "api refresh_token", "instance_url": instance, "token_type": "Bearer",
		"id": q.base + "/id/" + s.o.OrgID + "/" + s.me,
	}
	if refresh != "" {
		answer["refresh_token"] = refresh
	}
	if form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		answer["issued_at"] = strconv.FormatInt(now.UnixMilli(), 10)
		answer["signature"] = base64.StdEncoding.EncodeToString([]byte(s.secret(32)))
	}
	return jsonReply(http.StatusOK, answer)
}

func isLoginHost(base string) bool { return base == productionLogin || base == testLogin }

// refuseJWT says why an assertion is not taken, nothing if it is.
func (s *Salesforce) refuseJWT(assertion string, now time.Time) (code, description string) {
	bad := func(why string) (string, string) { return "invalid_grant", why }
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return bad("invalid assertion")
	}
	var head struct{ Alg string }
	var claims struct {
		Iss, Sub, Aud string
		Exp           json.Number
	}
	decode := func(part string, into any) bool {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		return err == nil && json.Unmarshal(raw, into) == nil
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decode(parts[0], &head) || !decode(parts[1], &claims) || head.Alg != "RS256" {
		return bad("invalid assertion")
	}
	if claims.Iss != s.o.ClientID {
		return "invalid_client_id", "client identifier invalid"
	}
	if s.o.PublicKey != nil {
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		if rsa.VerifyPKCS1v15(s.o.PublicKey, crypto.SHA256, sum[:], signature) != nil {
			return bad("invalid assertion")
		}
	}
	want := productionLogin
	if s.o.Test {
		want = testLogin
	}
	if claims.Aud != want {
		return bad("audience is invalid")
	}
	exp, err := claims.Exp.Float64()
	if err != nil {
		return bad("invalid assertion")
	}
	switch left := time.Unix(int64(exp), 0).Sub(now); {
	case left < -jwtSkew:
		return bad("expired authorization code")
	case left > jwtLife+jwtSkew:
		return bad("invalid assertion")
	}
	if claims.Sub != s.o.Username {
		return bad("user hasn't approved this consumer")
	}
	return "", ""
}

// secret is n characters that the number of secrets before decides.
func (s *Salesforce) secret(n int) string {
	b := make([]byte, 0, n+sha256.Size*2)
	for len(b) < n {
		s.serial++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", s.o.OrgID, s.serial))
		for _, c := range sum {
			b = append(b, idDigits[int(c)%62])
		}
	}
	return string(b[:n])
}

// authorize finds the session of a request.
func (s *Salesforce) authorize(q *request, now time.Time) (token string, ok bool) {
	scheme, token, _ := strings.Cut(q.header.Get("Authorization"), " ")
	session := s.sessions[token]
	if session == nil || !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "OAuth") {
		return "", false
	}
	if !now.Before(session.ends) {
		s.endSession(token)
		return "", false
	}
	return token, true
}

// revoke answers POST /services/oauth2/revoke.
func (s *Salesforce) revoke(q *request) reply {
	form, _ := url.ParseQuery(string(q.body))
	token := form.Get("token")
	if token == "" {
		token = q.params().Get("token")
	}
	if _, ok := s.sessions[token]; !ok {
		return denied("unsupported_token_type", "this token type is not supported")
	}
	s.endSession(token)
	return reply{status: http.StatusOK, body: []byte{}}
}

// identity answers the id URL of a token and userinfo.
func (s *Salesforce) identity(q *request) reply {
	instance := s.instance(q)
	return jsonReply(http.StatusOK, map[string]any{
		"id": instance + "/id/" + s.o.OrgID + "/" + s.me, "asserted_user": true, "user_id": s.me, "organization_id": s.o.OrgID,
		"username": s.o.Username, "email": s.o.Username, "display_name": "Integration", "active": !s.locked, "user_type": "STANDARD", "language": "en_US", "locale": "en_US",
		"urls": map[string]string{"rest": instance + "/services/data/v{version}/", "sobjects": instance + "/services/data/v{version}/sobjects/", "query": instance + "/services/data/v{version}/query/"},
	})
}

// instance is the org's own host.
func (s *Salesforce) instance(q *request) string {
	switch {
	case s.o.InstanceURL != "":
		return s.o.InstanceURL
	case isLoginHost(q.base) || q.base == "":
		return "https://sandbox.my.salesforce.com"
	}
	return q.base
}
