package alert

import (
	"errors"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Promise: quiet hours go over midnight, and the daily time is by the clock on the wall, on days of 23 and 25 hours, too.
func TestHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	daily := Clock(8 * 60)
	h := Hours{Location: berlin, Begin: 20 * 60, End: 8 * 60, Daily: &daily}
	for at, want := range map[string]bool{"2026-11-21T18:59:59Z": false, "2026-11-21T19:00:00Z": true, "2026-11-22T06:59:59Z": true, "2026-11-22T07:00:00Z": false} {
		if m, _ := time.Parse(time.RFC3339, at); h.Quiet(m) != want {
			t.Errorf("quiet at %s: %v", at, !want)
		}
	}
	if none := (Hours{}); none.Quiet(time.Now()) || !none.From(time.Unix(7, 0)).Equal(time.Unix(7, 0)) {
		t.Error("without hours it is told as it comes")
	}
	for at, want := range map[string]string{
		"2026-11-21T06:59:00Z": "2026-11-21T07:00:00Z", "2026-11-21T07:00:00Z": "2026-11-22T07:00:00Z", // no moment is before itself
		"2026-03-28T12:00:00Z": "2026-03-29T06:00:00Z", "2026-10-24T12:00:00Z": "2026-10-25T07:00:00Z",
	} {
		m, _ := time.Parse(time.RFC3339, at)
		if got := h.From(m); got.UTC().Format(time.RFC3339) != want {
			t.Errorf("from %s: %s, want %s", at, got.UTC(), want)
		}
	}
}

// Promise: pauses grow, a time that the vendor named is waited for, what is refused is a dead letter at once and what is passing after an
// hour, and after three days nobody tries any more.
func TestFailedAlertsWaitLonger(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	a := []state.Alert{{}}
	busy := &connectors.Error{Kind: connectors.Quota, Until: now.Add(10 * time.Minute), Message: "busy"}
	if failed(a, busy, now); a[0].Dead || !a[0].Next.Equal(now.Add(10*time.Minute)) || a[0].Attempts != 1 || a[0].Message == "" {
		t.Errorf("%+v", a[0])
	}
	var last time.Duration
	at := now
	for range 5 {
		at = a[0].Next
		failed(a, errors.New("no route"), at)
		if pause := a[0].Next.Sub(at); pause < last {
			t.Errorf("a pause of %s after one of %s", pause, last)
		} else {
			last = pause
		}
	}
	if !a[0].Dead {
		t.Errorf("no dead letter after %s", at.Sub(now))
	}
	if failed(a, errors.New("no route"), now.Add(80*time.Hour)); !a[0].Next.IsZero() {
		t.Errorf("%+v", a[0])
	}
	b := []state.Alert{{}}
	if failed(b, connectors.Errorf(connectors.Config, "send", "gone"), now); !b[0].Dead || !b[0].Next.Equal(now.Add(15*time.Minute)) {
		t.Errorf("%+v", b[0])
	}
}
