package connectortest

import (
	"net/http"

	"github.com/intentd/intentd/connectors/sandbox"
)

// Fault is f as a sandbox lets it happen, for harnesses that work on one. The harness adds which requests f.On are; throttled is
// the vendor's policy that a few seconds' wait satisfies.
func (f Failure) Fault(throttled string) sandbox.Fault {
	fault := sandbox.Fault{Times: f.Times}
	switch f.Kind {
	case Unavailable:
		fault.Status = http.StatusServiceUnavailable
	case WebPage:
		fault.HTML, fault.Status = true, http.StatusOK
	case Broken:
		fault.Reset = true
	case Cut:
		fault.Cut = 20
	case LostAnswer:
		fault.Reset, fault.After = true, true
	case Throttled:
		fault.Policy = throttled
	case DayUsedUp:
		fault.Policy = "DAILY"
	}
	return fault
}

// Refused is how many requests a sandbox refused because of its limits.
func Refused(c sandbox.Counters) int64 {
	var n int64
	for _, k := range c.RateLimited {
		n += k
	}
	return n
}
