package sandbox

import (
	"fmt"
	"net/http"
	"time"
)

// Policies, for [Fault.Policy] and [Counters.RateLimited].
const (
	dailyPolicy      = "DAILY"
	concurrentPolicy = "CONCURRENT"
)

// Calls is how many API calls the last 24 hours have seen.
func (s *Salesforce) Calls() int {
	defer s.lock()()
	return s.usage.used(s.o.Now())
}

// UseUp counts n API calls of somebody else's.
func (s *Salesforce) UseUp(n int) {
	defer s.lock()()
	for range n {
		s.usage.allow(s.o.Now())
	}
}

// admit refuses a call beyond the day's limit, and counts any other.
func (s *Salesforce) admit(now time.Time) {
	if _, ok := s.usage.allow(now); !ok {
		s.tally.RateLimited[dailyPolicy]++
		panic(limitExceeded(dailyPolicy))
	}
}

func limitExceeded(policy string) *orgFault {
	what := "TotalRequests"
	if policy == concurrentPolicy {
		what = "ConcurrentRequests (Concurrent API Requests)"
	}
	return &orgFault{status: http.StatusForbidden, code: "REQUEST_LIMIT_EXCEEDED", message: what + " Limit exceeded."}
}

// refusal is an injected status or that of a limit.
func (s *Salesforce) refusal(status int, policy string) reply {
	e := orgFault{status: status, code: "UNKNOWN_EXCEPTION", message: http.StatusText(status)}
	switch {
	case policy != "":
		e = *limitExceeded(policy)
	case status == http.StatusUnauthorized:
		e = *sessionEnded
	case status == http.StatusForbidden:
		e.code, e.message = "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."
	case status == http.StatusServiceUnavailable:
		e.code, e.message = "SERVER_UNAVAILABLE", "We're currently experiencing high request volume. Please wait and try your request again."
	case status == http.StatusBadRequest:
		e.code, e.message = "QUERY_TIMEOUT", "Your query request was running for too long."
	case status >= 500:
		e.message = "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345 (-1234567890)"
	}
	return reply{status: e.status, body: e.body()}
}

// limitInfo is the header that every answer of the REST API carries.
func (s *Salesforce) limitInfo(now time.Time) string {
	return fmt.Sprintf("api-usage=%d/%d", s.usage.used(now), s.usage.max)
}

// limits answers GET /limits.
func (s *Salesforce) limits(c *orgCall, _ *orgObject) reply {
	type limit struct{ Max, Remaining int }
	return jsonReply(http.StatusOK, map[string]limit{
		"DailyApiRequests": {s.usage.max, s.usage.max - s.usage.used(c.now)}, "DailyBulkApiBatches": {15000, max(15000-len(s.jobs), 0)},
		"DailyBulkV2QueryJobs": {10000, 10000}, "DataStorageMB": {10240, 10000},
	})
}
