// Package transport is the one HTTP client behind every connector. A connector says what a request is and what an answer
// means; transport does the rest, the same way for all vendors.
//
// Terms. A call is what a connector asks for, with [Client.Do]; an attempt is one HTTP request made for it. The [Budget] is
// shared by all calls of a connector: windows of so many requests per so much time, and a daily allowance with a reserve. A
// hold keeps every worker of a connector waiting after the vendor answered "too many requests", until it ends or is released. A [Grant] is a bearer
// token with the host it is for.
//
// Promises:
//   - Every error is a *connectors.Error whose kind is set, without secrets, e-mail addresses or query strings.
//   - Only calls declared idempotent are repeated, and any call that the vendor refused before doing anything (429, 401).
//   - A wait is capped: what the vendor wants to last longer becomes a Quota error that states the time.
//   - A token is sent to the grant's own host only; redirects to another host, and of anything but GET, are refused.
//   - An answer that is cut, reset, too slow, not what was asked for or an HTML page is Transient, never a panic; none larger
//     than the cap is held in memory.
//   - A stale token is renewed once for all workers, and each call is replayed at most once for it.
//
// Waiting is measured by the process's monotonic clock, so that a wall clock that jumps neither stalls nor hurries anything;
// Options.Now is the wall clock that days and Until are told by. Everything works inside testing/synctest bubbles with a
// RoundTripper that uses no sockets.
package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/intentd/intentd/connectors"
)

// Options of a Client. Defaults stand in parentheses.
type Options struct {
	Name     string   // of the connector, for errors
	Base     *url.URL // where relative paths lead, unless the grant names its own host
	HTTP     http.RoundTripper
	Tokens   *Tokens   // nil: no authorization
	Budget   *Budget   // nil: no limits
	Redactor *Redactor // what must not appear in errors; the grants' tokens are added to it
	// Classify says what an answer means. attempt counts from 1. (ByStatus)
	Classify func(r *Response, attempt int) Outcome
	// Learn reads the vendor's limit headers. (nothing is learned)
	Learn func(h http.Header) Observed
	// Refuse, where set, is asked before each call and ends it with what it returns: the account is not to be touched.
	Refuse func(r *Request) *connectors.Error
	// Prepare may add headers to every attempt; it must not keep the request.
	Prepare func(r *http.Request)

	UserAgent string           // ("intentd")
	Timeout   time.Duration    // of one attempt, body included (60 s)
	Tries     int              // attempts per call (5)
	FirstWait time.Duration    // before the second attempt, doubled each time, jittered (500 ms)
	MaxWait   time.Duration    // longest wait within a call; longer ones become Quota (1 min)
	MaxBytes  int64            // of an answer, decompressed (64 MiB)
	InFlight  int              // attempts under way at once (no bound)
	Now       func() time.Time // wall clock (time.Now)
	Rand      func() float64   // in [0,1), for jitter (math/rand/v2)
	Logger    *slog.Logger     // debug lines of attempts (silent)
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	o     Options
	slots chan struct{} // a token for each attempt under way; nil: no bound

	calls, retries, limited, sent, received atomic.Int64
	skew                                    atomic.Int64 // vendor's clock − ours in nanoseconds, by the last Date header
	skewAt                                  atomic.Int64 // when that was by our clock, Unix nanoseconds; 0: never
	lastError                               atomic.Pointer[string]
}

// New is a client for o.
func New(o Options) *Client {
	if o.HTTP == nil {
		o.HTTP = NewRoundTripper()
	}
	if o.Classify == nil {
		o.Classify = func(r *Response, _ int) Outcome { return ByStatus(r) }
	}
	if o.UserAgent == "" {
		o.UserAgent = "intentd"
	}
	setDefault(&o.Timeout, time.Minute)
	setDefault(&o.Tries, 5)
	setDefault(&o.FirstWait, 500*time.Millisecond)
	setDefault(&o.MaxWait, time.Minute)
	setDefault(&o.MaxBytes, 64<<20)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Redactor == nil {
		o.Redactor = NewRedactor()
	}
	c := &Client{o: o}
	if o.InFlight > 0 {
		c.slots = make(chan struct{}, o.InFlight)
	}
	return c
}

func setDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// NewRoundTripper is a connection pool sized for one vendor host: what a Client has that is given none. Compression is left to the Client,
// which caps what an answer may unfold to.
func NewRoundTripper() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 32
	t.DisableCompression = true
	return t
}

// Request is one call.
type Request struct {
	Op     string // what is being done and for whom, for errors: "write 100 contacts"
	Method string
	Path   string // below the base, or a reference the vendor gave ("/services/…?q"); it never leaves the host
	Query  url.Values
	Body   []byte
	Type   string // of the body ("application/json")
	Header http.Header
	// Idempotent declares that doing it twice is as good as once.
	Idempotent bool
	// Bucket names the window of the budget the call counts in; "" is the main one.
	Bucket string
	// Anonymous calls carry no token and count in no window: the token endpoint.
	Anonymous bool
	// Secret says that the path is a secret, as a signed address is: no log tells it.
	Secret bool
	// Answers are statuses that the caller reads itself: they come back without an error, unless they are web pages.
	Answers []int
	// Base replaces the client's base.
	Base *url.URL
	// Decode reads a good answer. An error it returns makes the answer an unreadable one, which is retried as a cut one is; it
	// must start afresh each time. The body is only valid until it returns.
	Decode func(*Response) error
	// Stream reads a good answer as it comes, whatever its size, in Decode's stead and under the same terms.
	Stream func(io.Reader) error
}

// Response is an answer, read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte    // empty after Do if the request had a Decode that succeeded
	Date   time.Time // by the Date header; zero if absent
}

// Do makes the call r. The response is not nil whenever the vendor answered, also beside an error.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	if ctx.Err() != nil {
		return nil, c.interrupted(r, ctx.Err())
	}
	if c.o.Refuse != nil {
		if e := c.o.Refuse(&r); e != nil {
			return nil, c.note(e)
		}
	}
	k := &call{c: c, r: &r}
	req, failure := k.request(ctx)
	if failure != nil {
		return nil, c.note(failure)
	}
	client := retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: k, CheckRedirect: k.redirect},
		RetryMax:     c.o.Tries, // one more than the tries: the replay after a renewed token is not one of them
		RetryWaitMin: c.o.FirstWait,
		RetryWaitMax: c.o.MaxWait,
		CheckRetry:   k.check,
		Backoff:      k.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := client.Do(req)
	if resp != nil {
		resp.Body.Close()
	}
	switch {
	case ctx.Err() != nil && (err != nil || k.failure != nil):
		return k.answer, c.interrupted(r, ctx.Err())
	case k.failure != nil:
		return k.answer, c.note(k.failure)
	case err != nil:
		return k.answer, c.note(k.fail(connectors.Transient, "", plainCause(err)))
	}
	return k.answer, nil
}

// Release ends every wait that a limit or a refused credential of before imposes: the next call asks the vendor.
func (c *Client) Release() {
	if c.o.Budget != nil {
		c.o.Budget.Release()
	}
	if c.o.Tokens != nil {
		c.o.Tokens.Release()
	}
}

// Redact is s as it may be shown.
func (c *Client) Redact(s string) string { return c.o.Redactor.Clean(s) }

// ServerNow is the present by the vendor's clock, as far as its Date headers told it, and by ours until then. known says which.
func (c *Client) ServerNow() (t time.Time, known bool) {
	s := c.skew.Load()
	if s == 0 {
		return c.o.Now(), false
	}
	return c.o.Now().Add(time.Duration(s)), true
}

// Report is the client's present condition.
func (c *Client) Report() connectors.Report {
	r := connectors.Report{Calls: c.calls.Load(), Retries: c.retries.Load(), RateLimited: c.limited.Load(),
		BytesSent: c.sent.Load(), BytesReceived: c.received.Load(), DailyLimit: -1, DailyRemaining: -1}
	if p := c.lastError.Load(); p != nil {
		r.LastError = *p
	}
	if at := c.skewAt.Load(); at != 0 {
		r.Skew, r.SkewAt = -time.Duration(c.skew.Load()), time.Unix(0, at)
	}
	if c.o.Budget != nil {
		c.o.Budget.report(&r)
	}
	return r
}

// Err is an error of this connector, redacted.
func (c *Client) Err(kind connectors.Kind, op, code, message string) *connectors.Error {
	return &connectors.Error{Kind: kind, Op: c.o.Name + ": " + op, Code: c.Redact(code), Message: c.Redact(message)}
}

func (c *Client) interrupted(r Request, cause error) *connectors.Error {
	e := c.Err(connectors.Transient, r.Op, "", "")
	e.Err = cause
	return e
}

// note remembers err for Report.
func (c *Client) note(err *connectors.Error) error {
	s := err.Error()
	c.lastError.Store(&s)
	return err
}

// plainCause is err without the URL that net/http puts before it: URLs hold what was asked for.
func plainCause(err error) string {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return "no answer in time"
	}
	return err.Error()
}

// ParseBase reads the base URL of an API. It must be https, except on a loopback address, and hold neither user, query nor
// fragment.
func ParseBase(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		return nil, errors.New("not a URL")
	}
	switch {
	case u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("not an http or https URL")
	case u.User != nil:
		return nil, errors.New("holds a user or password: credentials have settings of their own")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, errors.New("holds a query or fragment")
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		return nil, fmt.Errorf("%s is not a loopback address: use https, or the token would travel in the clear", u.Hostname())
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

// Loopback says whether host, a name or an address, is this machine.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
