package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/intentd/intentd/connectors"
)

// call is one call on its way: the RoundTripper of its own attempts, their retry policy and their backoff.
type call struct {
	c        *Client
	r        *Request
	url      *url.URL
	grant    Grant
	renewed  bool
	attempts int

	// What the last attempt came to.
	answer  *Response
	outcome Outcome
	failure *connectors.Error
}

func (k *call) fail(kind connectors.Kind, code, message string) *connectors.Error {
	return k.c.Err(kind, k.r.Op, code, message)
}

// request resolves the path, fetches the first grant and forms the request.
func (k *call) request(ctx context.Context) (*retryablehttp.Request, *connectors.Error) {
	if !k.r.Anonymous && k.c.o.Tokens != nil {
		g, err := k.c.o.Tokens.get(ctx)
		if err != nil {
			return nil, k.grantError(ctx, err)
		}
		k.use(g)
	}
	base := k.c.o.Base
	if k.grant.Base != nil {
		base = k.grant.Base
	}
	if k.r.Base != nil {
		base = k.r.Base
	}
	u, err := resolve(base, k.r.Path, k.r.Query)
	if err != nil {
		return nil, k.fail(connectors.Transient, "", err.Error())
	}
	k.url = u
	var payload any
	if k.r.Body != nil {
		payload = k.r.Body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, k.r.Method, u.String(), payload)
	if err != nil {
		return nil, k.fail(connectors.Config, "", "cannot form the request")
	}
	for name, values := range k.r.Header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", k.c.o.UserAgent)
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	req.Header.Set("Accept-Encoding", "gzip")
	if k.r.Body != nil {
		t := k.r.Type
		if t == "" {
			t = "application/json"
		}
		req.Header.Set("Content-Type", t)
	}
	return req, nil
}

// Basic is an Options.Prepare for APIs that want a user name and password (RFC 7617).
func Basic(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

// resolve leads a path, which may be a reference that a vendor gave, to a URL on base's host.
func resolve(base *url.URL, path string, query url.Values) (*url.URL, error) {
	ref, err := url.Parse(path)
	if err != nil {
		return nil, errors.New("unreadable path")
	}
	if ref.Host != "" || ref.Scheme != "" || ref.Opaque != "" {
		if !sameHost(ref, base) {
			return nil, fmt.Errorf("the path leads to another host")
		}
		ref = &url.URL{Path: ref.Path, RawPath: ref.RawPath, RawQuery: ref.RawQuery}
	} else {
		ref.Path = base.Path + "/" + strings.TrimLeft(ref.Path, "/")
		if ref.RawPath != "" {
			ref.RawPath = base.Path + "/" + strings.TrimLeft(ref.RawPath, "/")
		}
	}
	u := *base
	u.Path, u.RawPath, u.RawQuery = ref.Path, ref.RawPath, ref.RawQuery
	if len(query) > 0 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += query.Encode()
	}
	return &u, nil
}

func sameHost(a, b *url.URL) bool { return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) }

func (k *call) use(g Grant) {
	k.grant = g
	k.c.o.Redactor.AddToken(g.Token)
}

func (k *call) grantError(ctx context.Context, err error) *connectors.Error {
	var e *connectors.Error
	if errors.As(err, &e) {
		wrapped := *e
		wrapped.Op = k.c.o.Name + ": " + k.r.Op + ": " + strings.TrimPrefix(e.Op, k.c.o.Name+": ")
		return &wrapped
	}
	if ctx.Err() != nil {
		return k.c.interrupted(*k.r, ctx.Err())
	}
	return k.fail(connectors.Transient, "", err.Error())
}

// RoundTrip makes one attempt: it waits for the budget, sends, reads the answer to its end and judges it. http.Client calls
// it again for a redirect that k.redirect let pass.
func (k *call) RoundTrip(req *http.Request) (*http.Response, error) {
	k.answer, k.outcome, k.failure = nil, Outcome{}, nil
	ctx := req.Context()
	if b := k.c.o.Budget; b != nil && !k.r.Anonymous {
		if err := b.acquire(ctx, k.r.Bucket); err != nil {
			closeBody(req)
			return nil, k.budgetError(ctx, err)
		}
		defer func() { b.Done(k.r.Bucket, k.answer != nil && k.answer.Status == http.StatusTooManyRequests) }()
	}
	if slots := k.c.slots; slots != nil {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			closeBody(req)
			k.failure = k.c.interrupted(*k.r, ctx.Err())
			return nil, ctx.Err()
		}
	}
	attempt, cancel := context.WithTimeout(ctx, k.c.o.Timeout)
	defer cancel()
	out := req.Clone(attempt)
	if k.grant.Token != "" && sameHost(req.URL, k.url) {
		out.Header.Set("Authorization", "Bearer "+k.grant.Token)
	}
	if k.c.o.Prepare != nil {
		k.c.o.Prepare(out)
	}
	k.c.calls.Add(1)
	k.c.sent.Add(max(req.ContentLength, 0))
	if k.attempts++; k.attempts > 1 {
		k.c.retries.Add(1)
	}
	resp, err := k.c.o.HTTP.RoundTrip(out)
	if err != nil {
		return nil, k.broken(ctx, attempt, err)
	}
	defer resp.Body.Close()
	b := bodies.Get().(*body)
	defer b.release()
	var n int64
	if k.r.Stream != nil && resp.StatusCode/100 == 2 && !htmlType(resp.Header) {
		b.buf.Reset()
		n, err = b.stream(resp, k.r.Stream)
	} else {
		n, err = b.read(resp, k.c.o.MaxBytes)
	}
	k.c.received.Add(n)
	if err != nil {
		return nil, k.broken(ctx, attempt, err)
	}
	k.judge(req, resp, b.bytes())
	resp.Body = http.NoBody
	return resp, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// broken judges an attempt that brought no whole answer.
func (k *call) broken(ctx, attempt context.Context, err error) error {
	if ctx.Err() != nil {
		k.failure = k.c.interrupted(*k.r, ctx.Err())
		return err
	}
	message := plainCause(err)
	if attempt.Err() != nil {
		message = fmt.Sprintf("no answer within %s", connectors.Span(k.c.o.Timeout))
	}
	k.failure = k.fail(connectors.Transient, "", message)
	k.failure.Err = recognisable(err)
	k.outcome = Outcome{Kind: connectors.Transient, Retry: !errors.Is(err, errTooLarge)}
	return err
}

// recognisable is what of a cause may stay in the error chain: sentinels, never texts of others.
func recognisable(err error) error {
	for _, known := range []error{io.ErrUnexpectedEOF, io.EOF, errTooLarge, errEncoding} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}

// judge says what the answer means, lets the budget learn from it and decodes it.
func (k *call) judge(req *http.Request, resp *http.Response, body []byte) {
	a := &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	k.answer = a
	if d, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.Date = d
		now := k.c.o.Now()
		skew := int64(d.Sub(now))
		if skew == 0 {
			skew = 1
		}
		k.c.skew.Store(skew)
		k.c.skewAt.Store(now.UnixNano())
	}
	if b := k.c.o.Budget; b != nil && k.c.o.Learn != nil {
		b.Learn(k.c.o.Learn(resp.Header))
	}
	if redirected(resp) {
		// http.Client asks redirect about it; what is not followed is an answer nobody can read.
		a.Body = nil
		k.failure = k.fail(connectors.Config, "", fmt.Sprintf("the server answered %d, a redirect without a target", resp.StatusCode))
		return
	}
	o := k.c.o.Classify(a, k.attempts)
	asked := slices.Contains(k.r.Answers, a.Status) && !a.HTML()
	if asked {
		o = Outcome{}
	}
	if o.Kind == 0 && !asked && k.r.Decode != nil {
		if err := k.r.Decode(a); err != nil {
			o = unreadable(a)
			k.c.o.Logger.Debug("unreadable answer", "connector", k.c.o.Name, "op", k.r.Op, "why", k.c.Redact(err.Error()))
		} else {
			body = nil
		}
	}
	a.Body = bytes.Clone(body)
	path := req.URL.Path
	if k.r.Secret {
		path = ""
	}
	k.c.o.Logger.Debug("attempt", "connector", k.c.o.Name, "op", k.r.Op, "method", req.Method, "path", path,
		"status", a.Status, "attempt", k.attempts)
	if o.Kind == connectors.RateLimited || a.Status == http.StatusTooManyRequests {
		k.c.limited.Add(1)
	}
	if o.Kind == 0 {
		return
	}
	now := k.c.o.Now()
	if o.Until.IsZero() && o.After > 0 {
		o.Until = now.Add(o.After)
	}
	if o.After > k.c.o.MaxWait && (o.Kind == connectors.RateLimited || o.Kind == connectors.Transient) {
		o.Kind = connectors.Quota
	}
	if o.Kind == connectors.Quota {
		o.Retry, o.Refused = false, false
	}
	k.outcome = o
	k.failure = k.fail(o.Kind, o.Code, o.Message)
	k.failure.Fix = o.Fix
	if o.Kind == connectors.RateLimited || o.Kind == connectors.Quota {
		k.failure.Until = o.Until
	}
	if b := k.c.o.Budget; b != nil && !k.r.Anonymous && (o.Kind == connectors.RateLimited || o.Kind == connectors.Quota) {
		bucket := k.r.Bucket
		if o.All || o.Kind == connectors.Quota {
			bucket = everyBucket
		}
		b.hold(bucket, o.Until.Sub(now), k.failure)
	}
}

func redirected(resp *http.Response) bool {
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// redirect lets only GETs follow redirects, only a few, and only on their own host.
func (k *call) redirect(req *http.Request, via []*http.Request) error {
	var why string
	switch {
	case !sameHost(req.URL, k.url):
		why = "the server redirects to another host (" + req.URL.Host + "), which intentd does not follow with a token in hand"
	case via[0].Method != http.MethodGet:
		why = "the server redirects a " + via[0].Method
	case len(via) > 3:
		why = "the server redirects in circles"
	default:
		return nil
	}
	k.failure = k.fail(connectors.Config, "", why)
	k.failure.Fix = "set the base URL to the address of the API itself"
	return errors.New("redirect refused")
}

// check decides, after an attempt, whether there is another. It is retryablehttp's CheckRetry.
func (k *call) check(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if k.failure == nil && err == nil {
		return false, nil
	}
	if ctx.Err() != nil {
		return false, nil
	}
	o := k.outcome
	if o.Renew && !k.renewed && k.c.o.Tokens != nil && !k.r.Anonymous && k.c.o.Tokens.renewable() {
		k.renewed = true
		g, err := k.c.o.Tokens.renew(ctx, k.grant)
		if errors.Is(err, ErrSameToken) {
			return false, nil // the vendor's own refusal stands
		}
		if err != nil {
			k.failure = k.grantError(ctx, err)
			return false, nil
		}
		k.use(g)
		k.outcome = Outcome{Kind: o.Kind, Renew: true} // the replay does not wait
		return true, nil
	}
	tries := k.attempts
	if k.renewed {
		tries--
	}
	return (o.Refused || o.Retry && k.r.Idempotent) && tries < k.c.o.Tries, nil
}

// backoff is how long to wait before the next attempt. It is retryablehttp's Backoff.
func (k *call) backoff(first, longest time.Duration, attempt int, _ *http.Response) time.Duration {
	o := k.outcome
	if o.Renew {
		return 0
	}
	if o.Kind == connectors.RateLimited && k.c.o.Budget != nil && !k.r.Anonymous {
		return 0 // the budget holds every worker, this one too
	}
	wait := min(first<<min(attempt, 16), longest)
	wait = wait/2 + time.Duration(k.c.o.Rand()*float64(wait/2))
	return min(max(wait, o.After), longest)
}

func (k *call) budgetError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		k.failure = k.c.interrupted(*k.r, ctx.Err())
		return err
	}
	k.failure = k.fail(connectors.Transient, "", err.Error())
	var e *connectors.Error
	if errors.As(err, &e) {
		copied := *e
		copied.Op = k.c.o.Name + ": " + k.r.Op
		k.failure = &copied
	}
	return err
}
