package modelkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/time/rate"

	"github.com/intentd/intentd/connectors"
)

// gate is what every request passes: it waits out limits that the vendor stated to anybody, keeps the configured rate, bounds an
// attempt's time and size, and counts. It also moves the wait that a vendor states in an error's body to the header where HTTP keeps it.
type gate struct {
	o       *Options
	limiter *rate.Limiter

	mu      sync.Mutex
	until   time.Time         // no request before: a limit per minute
	stopped *connectors.Error // Quota, Auth, Config, or nobody answers: no request before resume
	resume  time.Time
	counts  connectors.Report

	broken      int       // attempts in a row that failed on the way or at the vendor's …
	brokenSince time.Time // … the first of them
	rests       int       // pauses in a row because of that

	refusals     int    // prompts refused in a row
	unusable     int    // answers in a row that could not be used, for one reason …
	unusableCode string // … this
}

func newGate(o *Options) *gate {
	return &gate{o: o, limiter: newLimiter(o.RPM), counts: connectors.Report{DailyLimit: -1, DailyRemaining: -1}}
}

// answerLimit bounds an answer in bytes: those of a job come in one, and a list of jobs may hold them, too.
const answerLimit = 64 << 20

// stopFor is how long a wrong key or an unknown model stops calls before one is tried again: somebody may have mended it at the
// vendor's.
const stopFor = time.Minute

// Client is an HTTP client with the gate and its retries. wrap, if not nil, puts something around each attempt.
func (m *Model) Client(wrap func(http.RoundTripper) http.RoundTripper) *http.Client {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var under http.RoundTripper = m.gate
	if wrap != nil {
		under = wrap(under)
	}
	retry := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: under, CheckRedirect: stay},
		RetryMax:     m.o.Retries,
		RetryWaitMin: time.Second, RetryWaitMax: m.o.MaxWait,
		CheckRetry: m.gate.again, Backoff: m.gate.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return &http.Client{Transport: &retryablehttp.RoundTripper{Client: retry}, CheckRedirect: stay}
}

// Final is an error of an attempt that is not worth another.
type Final struct{ Err error }

func (e *Final) Error() string { return e.Err.Error() }
func (e *Final) Unwrap() error { return e.Err }

// RoundTrip is one attempt.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.wait(req.Context()); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	ctx, cancel := context.WithTimeout(req.Context(), g.o.Timeout)
	defer cancel()
	g.count(func(r *connectors.Report) { r.Calls++; r.BytesSent += max(0, req.ContentLength) })
	// An attempt that took too long is the vendor's fault and is repeated; the caller's own end is told by the caller's context.
	late := func(err error) error {
		if ctx.Err() != nil && req.Context().Err() == nil {
			return fmt.Errorf("no answer within %s", g.o.Timeout)
		}
		return err
	}
	resp, err := g.o.HTTP.RoundTrip(req.WithContext(ctx))
	if err != nil {
		g.attempted(req.Context(), false)
		return nil, late(err)
	}
	data, err := readAll(resp.Body, answerLimit)
	_ = resp.Body.Close()
	g.attempted(req.Context(), err == nil && resp.StatusCode < http.StatusInternalServerError)
	g.count(func(r *connectors.Report) { r.BytesReceived += int64(len(data)) })
	if err != nil {
		return nil, late(err)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		delay := g.o.Wait(resp.StatusCode, resp.Header, data)
		if resp.StatusCode == http.StatusTooManyRequests {
			g.count(func(r *connectors.Report) { r.RateLimited++ })
			if delay <= 0 {
				delay = DefaultDelay
			}
			if delay <= g.o.MaxWait {
				g.hold(delay)
			}
		}
		if delay > 0 {
			resp.Header.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(delay.Seconds())), 10))
		}
	}
	return resp, nil
}

// DefaultDelay is waited after a 429 that states none: limits are counted per minute.
const DefaultDelay = 15 * time.Second

func (g *gate) hold(delay time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.o.Now().Add(delay); t.After(g.until) {
		g.until = t
	}
}

// wait blocks until no limit holds requests back.
func (g *gate) wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		left := g.until.Sub(g.o.Now())
		g.mu.Unlock()
		if left <= 0 {
			break
		}
		timer := time.NewTimer(min(left, g.o.MaxWait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	if g.limiter != nil {
		return g.limiter.Wait(ctx)
	}
	return nil
}

// again decides whether an attempt is repeated. The request asks for text and changes nothing, and a failed one is not billed, so any
// failure on the way may be.
func (g *gate) again(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	var final *Final
	if errors.As(err, &final) || ctx.Value(once{}) != nil {
		return false, nil
	}
	g.mu.Lock()
	down := g.down(g.o.Now())
	g.mu.Unlock()
	retry := err != nil && !down
	if resp != nil {
		switch resp.StatusCode {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			retry = HeaderDelay(resp.Header) <= g.o.MaxWait && (resp.StatusCode == http.StatusTooManyRequests || !down)
		}
	}
	return retry, nil
}

// backoff doubles from the minimum with up to as much again by chance, and never goes below what the vendor asks for.
func (g *gate) backoff(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
	g.count(func(r *connectors.Report) { r.Retries++ })
	wait := least << min(attempt, 16)
	wait += time.Duration(g.o.Jitter() * float64(wait))
	wait = min(wait, most)
	if resp != nil {
		wait = max(wait, HeaderDelay(resp.Header))
	}
	return wait
}

// refused is the error a call gets without a request while the connector is stopped.
func (g *gate) refused(op string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped == nil {
		return nil
	}
	if !g.o.Now().Before(g.resume) {
		g.stopped = nil
		return nil
	}
	e := *g.stopped
	e.Op = op
	return &e
}

// failed remembers what stops the connector and passes e on.
func (g *gate) failed(e *connectors.Error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !connectors.Interrupted(e) {
		if g.counts.Failing++; g.counts.Failing == 1 {
			g.counts.FailingSince = g.o.Now()
		}
		g.counts.LastError = e.Error()
	}
	switch e.Kind {
	case connectors.Quota:
		g.stopped, g.resume = e, e.Until
	case connectors.RateLimited: // longer than a call may wait
		g.stopped, g.resume = e, e.Until
	case connectors.Auth, connectors.Config:
		g.stopped, g.resume = e, g.o.Now().Add(stopFor)
	case connectors.Transient:
		now := g.o.Now()
		if !g.down(now) || connectors.Interrupted(e) {
			break
		}
		if now.Before(g.resume) { // a call that was under way when the rest began
			e.Until = g.resume
			break
		}
		e.Until = now.Add(min(stopFor<<g.rests, unusableStop))
		g.rests = min(g.rests+1, 8)
		g.stopped, g.resume = e, e.Until
	}
	return e
}

// attempted counts how an attempt went: ok if the vendor answered it, whatever it said.
func (g *gate) attempted(caller context.Context, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case ok:
		g.broken, g.rests = 0, 0
	case caller.Err() != nil: // it was the caller who ended it
	default:
		if g.broken++; g.broken == 1 {
			g.brokenSince = g.o.Now()
		}
	}
}

// down says that nobody has answered for a while, so that a failed attempt is not worth another.
func (g *gate) down(now time.Time) bool {
	return g.broken >= brokenInARow && now.Sub(g.brokenSince) >= brokenFor
}

// release ends every wait and stop.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until, g.stopped, g.resume = time.Time{}, nil, time.Time{}
	g.broken, g.rests = 0, 0
	g.refusals, g.unusable, g.unusableCode = 0, 0, ""
}

// answered ends a row of failures.
func (g *gate) answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counts.Failing, g.counts.FailingSince = 0, time.Time{}
	g.refusals, g.unusable, g.unusableCode = 0, 0, ""
}

// promptsAreFine says that the refusals counted so far concern their prompts alone.
func (g *gate) promptsAreFine() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusals = 0
}

const (
	// brokenInARow attempts, over brokenFor, fail on the way or at the vendor's before the model rests: stopFor at first, twice as long
	// after each further failure, unusableStop at most. People get the rules' texts at once meanwhile.
	brokenInARow = 5
	brokenFor    = 15 * time.Second
	// refusalsInARow is how many prompts are refused one after another before a prompt without anybody's text is tried: if that is
	// refused, too, it is the settings.
	refusalsInARow = 3
	// unusableInARow is how many answers in a row may be unusable for one reason: each was paid for.
	unusableInARow = 10
	// unusableStop is how long nothing is asked then, before one more is tried.
	unusableStop = 15 * time.Minute
)

// refusedPrompt counts a prompt that was refused and says whether it is time to ask whether every prompt is.
func (g *gate) refusedPrompt() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusals++
	return g.refusals >= refusalsInARow
}

// unusableAnswer counts an answer that was paid for and cannot be used. After many for one reason nothing is asked for a while.
func (g *gate) unusableAnswer(e *connectors.Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.unusableCode != e.Code {
		g.unusable, g.unusableCode = 0, e.Code
	}
	if g.unusable++; g.unusable < unusableInARow {
		return
	}
	g.stopped = &connectors.Error{Kind: connectors.Config, Op: e.Op, Code: e.Code,
		Message: fmt.Sprintf("%d answers in a row could not be used: %s. Nothing more is asked for %s, so as not to pay for it", g.unusable, e.Message, unusableStop),
		Fix:     "try another model.name, or another model.thinking"}
	g.resume = g.o.Now().Add(unusableStop)
}

// cleared lets calls through again after a good probe.
func (g *gate) cleared() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped != nil && (g.stopped.Kind == connectors.Auth || g.stopped.Kind == connectors.Config || g.stopped.Kind == connectors.Transient) {
		g.stopped, g.resume = nil, time.Time{}
	}
}

func (g *gate) count(f func(*connectors.Report)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(&g.counts)
}

func (g *gate) report() connectors.Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.counts
	now := g.o.Now()
	if g.until.After(now) {
		r.BlockedUntil = g.until
	}
	if g.stopped != nil && g.resume.After(now) && g.resume.After(r.BlockedUntil) {
		r.BlockedUntil = g.resume
	}
	return r
}

// HeaderDelay reads Retry-After in seconds, the only form the gate writes and vendors send.
func HeaderDelay(h http.Header) time.Duration {
	s, err := strconv.ParseInt(strings.TrimSpace(h.Get("Retry-After")), 10, 64)
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(min(s, 1e8)) * time.Second
}

// newLimiter spreads requests evenly over the minute, with room for a burst of a tenth of it.
func newLimiter(rpm int) *rate.Limiter {
	if rpm <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Every(time.Minute/time.Duration(rpm)), max(1, rpm/10))
}

// readAll reads at most limit bytes and fails beyond.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	return data, err
}
