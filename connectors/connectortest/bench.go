package connectortest

import "time"

// Stopwatch begins to measure the processor time of this process, which other processes on the machine do not lengthen.
func Stopwatch() (spent func() time.Duration) {
	start := ProcessorTime()
	return func() time.Duration { return ProcessorTime() - start }
}

// FullPatch are the fields of a patch that changes all there is to change, as long as they usually get.
func FullPatch() map[string]string {
	return map[string]string{
		"score": "64.4", "tier": "medium", "tier_since": "2026-11-19T08:17:00Z", "headline": "Compares prices of premium cards",
		"summary": "Compared plans on 19 Nov\nand asked for \"pricing\" – cools on 1 Dec", "reasons": "volume 24.0\nrecency 23.6\ntopics 16.8",
		"product": "Credit cards", "product_interest": "high", "topics": "CRM; sales enablement", "stage": "comparing", "trend": "rising",
		"cools_on": "2026-12-01", "last_signal_at": "2026-11-19T08:00:00Z", "scored_at": "2026-11-19T08:17:05Z"}
}
