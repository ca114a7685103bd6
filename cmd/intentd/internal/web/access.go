package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	linkLife    = 10 * time.Minute
	sessionLife = 12 * time.Hour
	mostLinks   = 100  // not yet opened; the oldest makes place
	mostGuests  = 1000 // sessions; the oldest makes place
	cookieName  = "intentd_page"
)

// access knows who may look: who opened a one-time link or knows the token has a session, kept in memory; whom a trusted proxy names
// needs none. Links and sessions are known by their hashes alone.
type access struct {
	key [32]byte // of form tokens

	mu       sync.Mutex
	links    map[[32]byte]time.Time // until when they work
	sessions map[[32]byte]session
}

// session is somebody's being signed in.
type session struct {
	by    string // link, token, or the name that a proxy gave
	until time.Time
}

func newAccess() *access {
	a := &access{links: map[[32]byte]time.Time{}, sessions: map[[32]byte]session{}}
	_, _ = rand.Read(a.key[:]) // never fails
	return a
}

// link makes a secret that signs in once.
func (a *access) link(now time.Time) (secret string, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	secret, until = rand.Text(), now.Add(linkLife)
	makePlace(a.links, mostLinks, now, func(until time.Time) time.Time { return until })
	a.links[sha256.Sum256([]byte(secret))] = until
	return secret, until
}

// spend takes a link's secret, which then works no more.
func (a *access) spend(secret string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	hash := sha256.Sum256([]byte(secret))
	until, ok := a.links[hash]
	delete(a.links, hash)
	return ok && now.Before(until)
}

// begin makes a session and returns its cookie's value.
func (a *access) begin(by string, now time.Time) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := rand.Text()
	makePlace(a.sessions, mostGuests, now, func(s session) time.Time { return s.until })
	a.sessions[sha256.Sum256([]byte(id))] = session{by, now.Add(sessionLife)}
	return id
}

func (a *access) end(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.sessions, sha256.Sum256([]byte(id)))
}

func (a *access) session(id string, now time.Time) (session, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.sessions[sha256.Sum256([]byte(id))]
	return s, ok && now.Before(s.until)
}

// makePlace takes out what is over, and the entry that ends first where there are still too many.
func makePlace[V any](of map[[32]byte]V, most int, now time.Time, until func(V) time.Time) {
	var first [32]byte
	var ends time.Time
	for key, v := range of {
		if !now.Before(until(v)) {
			delete(of, key)
		} else if ends.IsZero() || until(v).Before(ends) {
			first, ends = key, until(v)
		}
	}
	if len(of) >= most {
		delete(of, first)
	}
}

// guest is who asks, once they are signed in.
type guest struct {
	by     string // for the log
	cookie string // of the session, "" where a proxy vouches
	form   string // the token that their forms carry
}

// By says how they signed in.
func (g guest) By() string { return g.by }

// Leaves says that they can sign out here; whom a proxy vouches for signs out there.
func (g guest) Leaves() bool { return g.cookie != "" }

// guest tells who asks; false where nobody is signed in.
func (d *door) guest(r *http.Request) (guest, bool) {
	if name := d.vouched(r); name != "" {
		return guest{by: "proxy: " + name, form: d.access.formToken("proxy " + name)}, true
	}
	c, err := r.Cookie(d.cookie)
	if err != nil {
		return guest{}, false
	}
	s, ok := d.access.session(c.Value, d.host.Now())
	return guest{s.by, c.Value, d.access.formToken(c.Value)}, ok
}

// vouched is the name in the header that a trusted proxy sets, "" where there is none.
func (d *door) vouched(r *http.Request) string {
	trust := d.host.Config().HTTP.TrustHeader
	if trust.Name == "" || !comesFrom(r, trust.From) {
		return ""
	}
	return strings.TrimSpace(r.Header.Get(trust.Name))
}

// comesFrom says whether the connection is from one of the addresses or ranges.
func comesFrom(r *http.Request, list []string) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr := from.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(list, func(text string) bool {
		if one, err := netip.ParseAddr(text); err == nil {
			return one.Unmap() == addr
		}
		in, err := netip.ParsePrefix(text)
		return err == nil && in.Contains(addr)
	})
}

// encrypted says whether the browser speaks TLS: to us, or to the proxy that is trusted.
func (d *door) encrypted(r *http.Request) bool {
	return r.TLS != nil || comesFrom(r, d.host.Config().HTTP.TrustHeader.From) && r.Header.Get("X-Forwarded-Proto") == "https"
}

// formToken ties a form to whoever it was shown to.
func (a *access) formToken(of string) string {
	mac := hmac.New(sha256.New, a.key[:])
	mac.Write([]byte(of))
	return hex.EncodeToString(mac.Sum(nil))
}

func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// expected says whether the page goes by the name that a browser asked for. A foreign site can have its own name lead here (DNS rebinding),
// but no address, and no name of ours.
func (d *door) expected(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" {
		return true
	}
	cfg := d.host.Config().HTTP
	if own, _, err := net.SplitHostPort(cfg.Listen); err == nil && own != "" && strings.EqualFold(own, host) {
		return true
	}
	return host != "" && slices.ContainsFunc(cfg.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// signIn shows what signs in, and takes it.
func (d *door) signIn(w http.ResponseWriter, r *http.Request) {
	link := r.FormValue("link")
	if r.Method != http.MethodPost {
		d.show(w, r, http.StatusOK, "signin", signInView{Link: link, Token: !d.host.Config().HTTP.Token.IsZero(), How: d.how})
		return
	}
	now, by := d.host.Now(), ""
	switch token := d.host.Config().HTTP.Token; {
	case link != "" && d.access.spend(link, now):
		by = "link"
	case link == "" && !token.IsZero() && sameSecret(strings.TrimSpace(r.PostFormValue("token")), token.Reveal()):
		by = "token"
	default:
		d.host.Logger().Warn("somebody could not sign in to the page", "from", r.RemoteAddr)
		d.show(w, r, http.StatusUnauthorized, "signin", signInView{Refused: true, Used: link != "", Token: !token.IsZero(), How: d.how})
		return
	}
	d.host.Logger().Info("somebody signed in to the page", "by", by, "from", r.RemoteAddr)
	http.SetCookie(w, &http.Cookie{Name: d.cookie, Value: d.access.begin(by, now), Path: "/", MaxAge: int(sessionLife.Seconds()),
		HttpOnly: true, Secure: d.encrypted(r), SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// signInView is what the way in shows.
type signInView struct {
	Link          string // a one-time link's secret, to be sent by a press
	Refused, Used bool
	Token         bool   // there is one
	How           string // to get a link, as the key of a sentence
}

func (d *door) signOut(w http.ResponseWriter, r *http.Request, g guest) {
	d.access.end(g.cookie)
	http.SetCookie(w, &http.Cookie{Name: d.cookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: d.encrypted(r), SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}
