package gemini

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/genai"

	"github.com/intentd/intentd/connectors"
)

// gate is what every request passes: it waits out limits that the vendor stated to anybody, keeps the configured rate, bounds an
// attempt's time and size, and counts. It also moves the wait that Gemini states in an error's body to the header where HTTP keeps it.
type gate struct {
	o       *Options
	limiter *rate.Limiter

	mu      sync.Mutex
	until   time.Time         // no request before: a limit per minute
	stopped *connectors.Error // Quota, Auth, Config: no request before stopped.Until or stoppedUntil
	resume  time.Time
	counts  connectors.Report

	refusals     int    // prompts refused in a row
	unusable     int    // answers in a row that could not be used, for one reason …
	unusableCode string // … this
}

func newGate(o *Options) *gate {
	return &gate{o: o, limiter: newLimiter(o.RPM), counts: connectors.Report{DailyLimit: -1, DailyRemaining: -1}}
}

// answerLimit bounds an answer in bytes: the longest one asked for is under 100 KB.
const answerLimit = 8 << 20

// stopFor is how long a wrong key or an unknown model stops calls before one is tried again: somebody may have mended it at the
// vendor's.
const stopFor = time.Minute

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
		return nil, late(err)
	}
	data, err := readAll(resp.Body, answerLimit)
	_ = resp.Body.Close()
	g.count(func(r *connectors.Report) { r.BytesReceived += int64(len(data)) })
	if err != nil {
		return nil, late(err)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		var body struct {
			Error genai.APIError `json:"error"`
		}
		_ = json.Unmarshal(data, &body) // a proxy's page has no delay
		delay := retryDelay(body.Error.Details, resp.Header)
		if resp.StatusCode == http.StatusTooManyRequests {
			g.count(func(r *connectors.Report) { r.RateLimited++ })
			if delay <= 0 {
				delay = defaultDelay
			}
			if perDay(body.Error.Details) {
				delay = max(delay, pacificMidnight(g.o.Now()).Sub(g.o.Now()))
			} else if delay <= g.o.MaxWait {
				g.hold(delay)
			}
		}
		if delay > 0 {
			resp.Header.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(delay.Seconds())), 10))
		}
	}
	return resp, nil
}

// defaultDelay is waited after a 429 that states none: limits are counted per minute.
const defaultDelay = 15 * time.Second

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
	var token *tokenError
	if errors.As(err, &token) {
		return false, nil
	}
	retry := err != nil
	if resp != nil {
		switch resp.StatusCode {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			retry = headerDelay(resp.Header) <= g.o.MaxWait
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
		wait = max(wait, headerDelay(resp.Header))
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
	}
	return e
}

// answered ends a row of failures.
func (g *gate) answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counts.Failing, g.counts.FailingSince = 0, time.Time{}
	g.refusals, g.unusable, g.unusableCode = 0, 0, ""
}

const (
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
	if g.stopped != nil && (g.stopped.Kind == connectors.Auth || g.stopped.Kind == connectors.Config) {
		g.stopped = nil
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

// headerDelay reads Retry-After in seconds, the only form the gate writes and the vendor sends.
func headerDelay(h http.Header) time.Duration {
	s, err := strconv.ParseInt(strings.TrimSpace(h.Get("Retry-After")), 10, 64)
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(min(s, 1e8)) * time.Second
}

// retryDelay is the wait that an error states: RetryInfo.retryDelay ("34.5s") in its details, or the header.
func retryDelay(details []map[string]any, h http.Header) time.Duration {
	delay := headerDelay(h)
	for _, d := range details {
		if t, _ := d["@type"].(string); !strings.HasSuffix(t, "google.rpc.RetryInfo") {
			continue
		}
		s, _ := d["retryDelay"].(string)
		if v, err := time.ParseDuration(s); err == nil && v > delay {
			delay = v
		}
	}
	return delay
}

// perDay says whether a quota that was exceeded is counted by the day: QuotaFailure names it in quotaId
// ("GenerateRequestsPerDayPerProjectPerModel-FreeTier").
func perDay(details []map[string]any) bool {
	for _, d := range details {
		if t, _ := d["@type"].(string); !strings.HasSuffix(t, "google.rpc.QuotaFailure") {
			continue
		}
		violations, _ := d["violations"].([]any)
		for _, v := range violations {
			m, _ := v.(map[string]any)
			for _, key := range []string{"quotaId", "quotaMetric", "subject"} {
				s, _ := m[key].(string)
				s = strings.ToLower(s)
				if strings.Contains(s, "perday") || strings.Contains(s, "per_day") || strings.Contains(s, "daily") {
					return true
				}
			}
		}
	}
	return false
}

// pacificMidnight is when the vendor's daily quotas begin anew. Without zone data it is taken at the later of the two offsets.
func pacificMidnight(now time.Time) time.Time {
	loc, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		loc = time.FixedZone("Pacific", -8*3600)
	}
	y, m, d := now.In(loc).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, loc)
}

// classify gives an error of the SDK its kind.
func (m *Model) classify(op string, err error) *connectors.Error {
	e := &connectors.Error{Kind: connectors.Transient, Op: op}
	if connectors.Interrupted(err) {
		e.Err = context.Canceled
		if errors.Is(err, context.DeadlineExceeded) {
			e.Err = context.DeadlineExceeded
		}
		return e
	}
	var token *tokenError
	if errors.As(err, &token) {
		e.Kind, e.Code, e.Message = connectors.Auth, "token", m.clean(token.Error())
		e.Fix = "check model.vertex.credentials_file and the account's rights"
		return e
	}
	var api genai.APIError // a value, not a pointer
	if !errors.As(err, &api) {
		e.Code, e.Message = "unreachable", m.clean(err.Error())
		return e
	}
	e.Code, e.Message = word(api.Status), m.clean(api.Message)
	if api.Status == "" || e.Code == "unknown reason" {
		e.Code = strconv.Itoa(api.Code)
	}
	now := m.o.Now()
	switch {
	case reasonIs(api.Details, "API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED", "ACCESS_TOKEN_EXPIRED"),
		api.Code == http.StatusUnauthorized:
		e.Kind, e.Fix = connectors.Auth, "put a valid key of the Gemini API into model.api_key_file"
	case reasonIs(api.Details, "SERVICE_DISABLED", "BILLING_DISABLED"):
		e.Kind, e.Fix = connectors.Config, "enable the API and billing in the Google Cloud project of the key"
	case api.Code == http.StatusForbidden:
		e.Kind, e.Fix = connectors.Auth, "give the key or account the right to call the model"
	case api.Code == http.StatusNotFound:
		e.Kind, e.Fix = connectors.Config, "set model.name to a model that this key can use"
	case api.Code == http.StatusTooManyRequests:
		delay := retryDelay(api.Details, nil)
		if delay <= 0 {
			delay = defaultDelay
		}
		e.Kind, e.Until = connectors.RateLimited, now.Add(delay)
		if perDay(api.Details) {
			e.Kind, e.Until = connectors.Quota, pacificMidnight(now)
			e.Fix = "raise the daily quota of the project or wait until " + e.Until.Format(time.RFC3339)
		} else if delay > time.Hour {
			e.Kind = connectors.Quota
		}
	case api.Code == http.StatusRequestEntityTooLarge, api.Code == http.StatusBadRequest:
		// Something in this prompt, such as a picture that the vendor cannot read. That it concerns every prompt is asked when it looks so.
		e.Kind = connectors.Rejected
	case api.Code >= 300 && api.Code < 400, api.Code == http.StatusMethodNotAllowed:
		e.Kind, e.Fix = connectors.Config, fixSettings
	}
	return e
}

const fixSettings = "check model.name, model.thinking, model.temperature and model.base_url"

func reasonIs(details []map[string]any, reasons ...string) bool {
	for _, d := range details {
		r, _ := d["reason"].(string)
		for _, want := range reasons {
			if r == want {
				return true
			}
		}
	}
	return false
}

// clean makes a foreign message fit to be shown: without the key, without line breaks, at most 300 bytes.
func (m *Model) clean(s string) string {
	if m.o.APIKey != "" {
		s = strings.ReplaceAll(s, m.o.APIKey, "[key]")
	}
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
