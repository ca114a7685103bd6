package connectors

import (
	"testing"
	"time"
)

func TestSpansAreSaidAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		10 * time.Second: "10 seconds", time.Minute: "1 minute", 90 * time.Minute: "90 minutes", time.Hour: "1 hour", 7 * 24 * time.Hour: "7 days", 1500 * time.Millisecond: "1.5s", 0: "0s",
	} {
		if got := Span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
