package collector

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Collector answers trackers. It is safe for concurrent use.
type Collector struct {
	name    string
	address string
	keys    map[[sha256.Size]byte]bool // hash of a write key: whether it is trusted
	origins []string
	now     func() time.Time
	log     *slog.Logger

	shares shares
	taking taking

	requests, refused, received atomic.Int64
	failing                     failing
}

var (
	_ connectors.Receiver = (*Collector)(nil)
	_ connectors.Reporter = (*Collector)(nil)
	_ connectors.Prober   = (*Collector)(nil)
)

// New makes a collector. It listens nowhere: the host does.
func New(o Config, h connectors.Host) *Collector {
	c := &Collector{name: h.Name, address: o.Listen, keys: map[[sha256.Size]byte]bool{}, origins: o.Origins, now: h.Now, log: h.Logger}
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for _, k := range o.WriteKeys {
		c.keys[sha256.Sum256([]byte(k.Key.Reveal()))] = k.Trusted
	}
	c.shares.perVisitor = o.PerVisitor
	return c
}

// Address implements connectors.Receiver.
func (c *Collector) Address() string { return c.address }

// Report tells of requests since the start.
func (c *Collector) Report() connectors.Report {
	return connectors.Report{
		Calls: c.requests.Load(), RateLimited: c.refused.Load(), BytesReceived: c.received.Load(), DailyLimit: -1, DailyRemaining: -1,
		LastError: c.failing.last(),
	}
}

// Probe says whether what is sent is kept.
func (c *Collector) Probe(context.Context) []connectors.Finding {
	if why := c.failing.last(); why != "" {
		return []connectors.Finding{{Code: "collector.not_kept", Severity: connectors.Failure,
			Message: "source " + c.name + ": events cannot be kept, and clients are asked to send them again: " + why, Fix: "mend what the error says; free some space where the disk is full"}}
	}
	r := c.Report()
	if r.RateLimited > 0 && r.RateLimited*100 >= r.Calls {
		return []connectors.Finding{{Code: "collector.busy", Severity: connectors.Warning,
			Message: fmt.Sprintf("source %s: %d of %d requests since the start were asked to come again", c.name, r.RateLimited, r.Calls), Fix: "give intentd more processors or a faster disk"}}
	}
	return []connectors.Finding{{Code: "collector.ok", Severity: connectors.OK, Message: fmt.Sprintf("source %s: listens at %s, %d requests since the start", c.name, c.address, r.Calls)}}
}

// calls are the kinds of calls by the last part of a path: whole as all clients know them, and by the letter that browsers use.
var calls = map[string]string{
	"track": "track", "identify": "identify", "page": "page", "screen": "screen", "group": "group", "alias": "alias", "batch": batch, "import": batch,
	"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias", "b": batch,
}

// batch stands for a request with calls of several kinds.
const batch = ""

// Handler implements connectors.Receiver. The paths are those of Segment's clients, RudderStack's (with their beacons) and Jitsu's.
func (c *Collector) Handler(inbox connectors.Inbox) http.Handler {
	take := func(w http.ResponseWriter, r *http.Request) { c.take(w, r, inbox) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /intentd.js", serveScript)
	for _, path := range []string{"/v1/{call}", "/beacon/v1/{call}", "/api/s/{call}", "/api/s/s2s/{call}"} {
		mux.HandleFunc("POST "+path, take)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !c.mayAsk(w, r) {
			refuse(w, http.StatusForbidden, "this page may not send here")
			return
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// mayAsk says whether the page that a browser asks for may send, and tells the browser.
func (c *Collector) mayAsk(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	allow := "*"
	if len(c.origins) > 0 {
		w.Header().Add("Vary", "Origin")
		if allow = origin; !slices.Contains(c.origins, origin) {
			return false
		}
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", allow)
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		h.Set("Access-Control-Max-Age", "86400")
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	return true
}

// take answers one request with calls.
func (c *Collector) take(w http.ResponseWriter, r *http.Request, inbox connectors.Inbox) {
	c.requests.Add(1)
	kind, known := calls[r.PathValue("call")]
	if !known {
		refuse(w, http.StatusNotFound, "there is no call of that name")
		return
	}
	leave, ok := c.taking.enter()
	if !ok {
		c.later(w)
		return
	}
	defer leave()
	body, err := readBody(w, r)
	c.received.Add(int64(len(body)))
	if err != nil {
		c.refuse(w, inbox, err)
		return
	}
	leave, ok = c.taking.hold(len(body))
	if !ok {
		c.later(w)
		return
	}
	defer leave()
	sent, err := c.read(body, kind)
	if err != nil {
		c.refuse(w, inbox, err)
		return
	}
	trusted, ok := c.trusted(r, sent.writeKey)
	if !ok {
		c.refuse(w, inbox, &refusal{http.StatusUnauthorized, "write key not known"})
		return
	}
	events, counts := c.events(r, sent, kind, trusted)
	if counts.Unread() > 0 && len(events) == 0 {
		inbox.Count(counts)
		refuse(w, http.StatusBadRequest, "nothing of it could be read: "+connectors.Commonest(counts.Unreadable, 1)[0])
		return
	}
	inbox.Count(counts)
	if len(events) > 0 {
		if err := inbox.Put(events); err != nil {
			c.fail(w, err)
			return
		}
		c.failing.over()
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(success) // a client that has gone sends again
}

var success = []byte(`{"success":true}`)

// trusted says whether a request's write key is trusted; ok is false if it is not known. Where it stands depends on the client: the user of
// basic authorization, a header, the address of a beacon, the body.
func (c *Collector) trusted(r *http.Request, inBody string) (trusted, ok bool) {
	basic, _, _ := r.BasicAuth()
	for _, key := range []string{basic, r.Header.Get("X-Write-Key"), r.URL.Query().Get("writeKey"), inBody} {
		if key == "" {
			continue
		}
		if trusted, ok = c.keys[sha256.Sum256([]byte(key))]; ok {
			return trusted, true
		}
	}
	return false, false
}

// refusal is why a request is not taken, and will not be if it comes again.
type refusal struct {
	status int
	reason string
}

func (e *refusal) Error() string { return e.reason }

func (c *Collector) refuse(w http.ResponseWriter, inbox connectors.Inbox, err error) {
	var no *refusal
	if !errors.As(err, &no) {
		no = &refusal{http.StatusBadRequest, reasonBroken}
	}
	counts := connectors.Intake{Read: 1}
	c.unreadable(&counts, no.reason)
	inbox.Count(counts)
	refuse(w, no.status, no.reason)
}

func (c *Collector) unreadable(i *connectors.Intake, reason string) {
	i.CountUnreadable(connectors.Unreadable{Where: c.address, Reason: reason, Time: c.now()})
}

func refuse(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"success": false, "message": reason})
}

// later asks a client to send again: more is under way than memory allows.
func (c *Collector) later(w http.ResponseWriter) {
	c.refused.Add(1)
	w.Header().Set("Retry-After", "1")
	refuse(w, http.StatusTooManyRequests, "too much is under way: send again")
}

// fail asks a client to send again: the store did not keep what it sent.
func (c *Collector) fail(w http.ResponseWriter, err error) {
	if c.failing.note(err, c.now()) {
		c.log.Error("events could not be kept: clients are asked to send them again", "source", c.name, "error", err)
	}
	w.Header().Set("Retry-After", "10")
	refuse(w, http.StatusServiceUnavailable, "could not be kept: send again")
}

// failing is the store's last failure, until it keeps something again.
type failing struct {
	mu   sync.Mutex
	text string
	said time.Time
}

// note keeps a failure, and says whether it is worth a line in the log: one a minute.
func (f *failing) note(err error, now time.Time) (say bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	say = f.text == "" || now.Sub(f.said) >= time.Minute
	if say {
		f.said = now
	}
	f.text = err.Error()
	return say
}

func (f *failing) over() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = ""
}

func (f *failing) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text
}

// addressOf is where a request comes from. A web server of the own network that passes it on is believed about that.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(forwarded) - 1; i >= 0; i-- {
		ip, err := netip.ParseAddr(host)
		if err != nil || !connectors.PrivateAddress(ip) {
			break
		}
		if next := strings.TrimSpace(forwarded[i]); next != "" {
			host = next
		}
	}
	return host
}
