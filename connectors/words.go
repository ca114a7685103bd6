package connectors

import (
	"fmt"
	"time"
)

// Counted is a number of things in words: 1 file, 2 files.
func Counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Span is a duration in words, by the largest unit that it is a whole number of: 7 days, 90 minutes, 10 seconds.
func Span(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if d > 0 && d%unit.of == 0 {
			return Counted(int(d/unit.of), unit.name)
		}
	}
	return d.String()
}
