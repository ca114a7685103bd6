package crmkit

import (
	"testing"
	"time"
)

// A key is remembered for two minutes, not by a clock that was set back, and never more of them than there is room for.
func TestRecent(t *testing.T) {
	var r Recent[int]
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	r.Put(1, now)
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {time.Minute, true}, {2 * time.Minute, false}, {-time.Second, false}} {
		if r.Has(1, now.Add(c.after)) != c.want {
			t.Errorf("after %s: %v", c.after, !c.want)
		}
	}
	r.Drop(1)
	if r.Has(1, now) || r.Has(2, now) {
		t.Error("what was dropped, or never put, is remembered")
	}
	for i := range 2*recentMax + 1 {
		r.Put(i, now)
	}
	if len(r.seen) > recentMax || !r.Has(2*recentMax, now) {
		t.Errorf("%d keys", len(r.seen))
	}
}
