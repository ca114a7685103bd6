package sandbox

import (
	"fmt"
	"net/http"
	"time"
)

// Limits of an org. Calls that are refused do not count.
const (
	slowCall  = 20 * time.Second // from when on a call counts as long
	slowCalls = 25               // long calls under way at a time
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

// arrival is a request under way.
type arrival struct {
	at     time.Time
	locks  []string
	denied map[string]bool // ids that another write holds
}

// begin notes a request, and what a write of several records locks while it lasts.
func (s *Salesforce) begin(q *request) time.Duration {
	a := &arrival{at: s.o.Now()}
	s.arrivals[q] = a
	if s.o.WriteTime <= 0 || q.method != http.MethodPatch || !isCollections(q.path) {
		return 0
	}
	s.lockRows(q, a)
	return s.o.WriteTime
}

func (s *Salesforce) end(q *request) {
	if a := s.arrivals[q]; a != nil {
		for _, id := range a.locks {
			if s.holds[id] == q {
				delete(s.holds, id)
			}
		}
	}
	delete(s.arrivals, q)
}

// admit checks the limits and counts a call.
func (s *Salesforce) admit(q *request, now time.Time) (reply, bool) {
	slow := 0
	for other, a := range s.arrivals {
		if other != q && now.Sub(a.at) >= slowCall {
			slow++
		}
	}
	policy := dailyPolicy
	switch {
	case s.usage.used(now) >= s.usage.max:
	case slow >= slowCalls && !s.o.Unlimited:
		policy = concurrentPolicy
	default:
		s.usage.allow(now)
		return reply{}, true
	}
	s.tally.RateLimited[policy]++
	return reply{status: s.throttle(), body: s.refusal(s.throttle(), policy)}, false
}

func (s *Salesforce) throttle() int { return http.StatusForbidden }

// refusal is the body of an injected status or of a limit.
func (s *Salesforce) refusal(status int, policy string) []byte {
	e := orgFailure{status: status}
	switch {
	case policy == concurrentPolicy:
		e.code, e.message = "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
	case policy != "":
		e.code, e.message = "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."
	case status == http.StatusUnauthorized:
		e = *sessionEnded
	case status == http.StatusForbidden:
		e.code, e.message = "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."
	case status == http.StatusServiceUnavailable:
		e.code, e.message = "SERVER_UNAVAILABLE", "We're currently experiencing high request volume. Please wait and try your request again."
	case status == http.StatusBadRequest:
		e.code, e.message = "QUERY_TIMEOUT", "Your query request was running for too long."
	case status >= 500:
		e.code, e.message = "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345 (-1234567890)"
	default:
		e.code, e.message = "UNKNOWN_EXCEPTION", http.StatusText(status)
	}
	return e.body()
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
