package sandbox

import (
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
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

// ExpireSessions ends all access tokens.
func (s *Salesforce) ExpireSessions() {
	defer s.lock()()
	s.endSessions(func(*orgSession) bool { return true })
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

// endSessions ends those sessions, and with them their query locators.
func (s *Salesforce) endSessions(over func(session *orgSession) bool) {
	maps.DeleteFunc(s.sessions, func(_ string, session *orgSession) bool { return over(session) })
	s.cursors = slices.DeleteFunc(s.cursors, func(c *orgCursor) bool { return s.sessions[c.session] == nil })
}

// deny refuses a call for a token when there is cause, in the form that such calls are refused in.
func deny(when bool, code, description string) {
	if when {
		panic(&orgFault{code: code, message: description, oauth: true})
	}
}

const jwtGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// grant answers POST /services/oauth2/token.
func (s *Salesforce) grant(c *orgCall, _ *orgObject) reply {
	form, now := c.form(), c.now
	kind := form.Get("grant_type")
	app, secret := form.Get("client_id") == s.o.ClientID, form.Get("client_secret")
	given := form.Get("refresh_token")
	answer := map[string]string{}
	switch {
	case !c.isKind("application/x-www-form-urlencoded"):
		kind = ""
	case kind == jwtGrant:
		s.checkJWT(form.Get("assertion"), now)
	case kind == "client_credentials":
		deny(isLoginHost(c.base), "invalid_grant", "request not supported on this domain")
		deny(!app, "invalid_client_id", "client identifier invalid")
		deny(secret != s.o.ClientSecret, "invalid_client", "invalid client credentials")
	case kind == "refresh_token":
		deny(!app, "invalid_client_id", "client identifier invalid")
		deny(secret != "" && secret != s.o.ClientSecret, "invalid_client", "invalid client credentials")
		deny(given == "" || given != s.refresh, "invalid_grant", "expired access/refresh token")
		if s.o.RotateRefresh {
			s.endSessions(func(session *orgSession) bool { return session.refresh == given })
			s.refresh = "5Aep861" + s.secret(44)
			answer["refresh_token"] = s.refresh
		}
	default: // user name and password among them
		kind = ""
	}
	deny(kind == "", "unsupported_grant_type", "grant type not supported")
	deny(s.locked, "invalid_grant", "inactive user")
	s.endSessions(func(session *orgSession) bool { return !now.Before(session.ends) })
	token := theOrg[:15] + "!" + s.secret(96)
	s.sessions[token] = &orgSession{now.Add(s.o.SessionTTL), s.refresh}
	maps.Copy(answer, map[string]string{
		"access_token": token, "scope": "api refresh_token", "instance_url": s.instance(c.request), "token_type": "Bearer",
		"id": c.base + "/id/" + theOrg + "/" + s.me,
	})
	if kind != jwtGrant {
		answer["issued_at"] = strconv.FormatInt(now.UnixMilli(), 10)
		answer["signature"] = base64.StdEncoding.EncodeToString([]byte(s.secret(32)))
	}
	return jsonReply(http.StatusOK, answer)
}

func isLoginHost(base string) bool { return base == productionLogin || base == testLogin }

// checkJWT refuses an assertion that is not taken.
func (s *Salesforce) checkJWT(assertion string, now time.Time) {
	var head struct{ Alg string }
	var claims struct {
		Iss, Sub, Aud string
		Exp           float64
	}
	part := func(raw string, into any) bool {
		b, err := base64.RawURLEncoding.DecodeString(raw)
		return err == nil && json.Unmarshal(b, into) == nil
	}
	parts := strings.Split(assertion, ".")
	deny(len(parts) != 3 || !part(parts[0], &head) || !part(parts[1], &claims) || head.Alg != "RS256", "invalid_grant", "invalid assertion")
	deny(claims.Iss != s.o.ClientID, "invalid_client_id", "client identifier invalid")
	if s.o.PublicKey != nil {
		signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		deny(rsa.VerifyPKCS1v15(s.o.PublicKey, crypto.SHA256, sum[:], signature) != nil, "invalid_grant", "invalid assertion")
	}
	want := productionLogin
	if s.o.Test {
		want = testLogin
	}
	left := time.Unix(int64(claims.Exp), 0).Sub(now)
	deny(claims.Aud != want, "invalid_grant", "audience is invalid")
	deny(left < -jwtSkew, "invalid_grant", "expired authorization code")
	deny(left > jwtLife+jwtSkew, "invalid_grant", "invalid assertion")
	deny(claims.Sub != s.o.Username, "invalid_grant", "user hasn't approved this consumer")
}

// authorize finds the session of a call.
func (s *Salesforce) authorize(c *orgCall) (token string, ok bool) {
	scheme, token, _ := strings.Cut(c.header.Get("Authorization"), " ")
	session := s.sessions[token]
	return token, session != nil && c.now.Before(session.ends) && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "OAuth"))
}

// revoke answers POST /services/oauth2/revoke.
func (s *Salesforce) revoke(c *orgCall, _ *orgObject) reply {
	session := s.sessions[cmp.Or(c.form().Get("token"), c.params().Get("token"))]
	deny(session == nil, "unsupported_token_type", "this token type is not supported")
	s.endSessions(func(x *orgSession) bool { return x == session })
	return reply{status: http.StatusOK, body: []byte{}}
}

// identity answers the id URL of a token and userinfo.
func (s *Salesforce) identity(c *orgCall, _ *orgObject) reply {
	if _, ok := s.authorize(c); !ok {
		return textReply(http.StatusForbidden, "text/html", "Bad_OAuth_Token")
	}
	instance := s.instance(c.request)
	return jsonReply(http.StatusOK, map[string]any{
		"id": instance + "/id/" + theOrg + "/" + s.me, "asserted_user": true, "user_id": s.me, "organization_id": theOrg,
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
