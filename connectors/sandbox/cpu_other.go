//go:build !linux

package sandbox

import "time"

// stopwatch measures wall time where the processor time of a thread is not told.
type stopwatch struct{ start time.Time }

func startStopwatch() stopwatch { return stopwatch{time.Now()} }

func (s stopwatch) stop() time.Duration { return time.Since(s.start) }
