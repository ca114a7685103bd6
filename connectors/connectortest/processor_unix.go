//go:build unix

package connectortest

import (
	"syscall"
	"time"
)

// ProcessorTime is what this process has used of the processors, user and system.
func ProcessorTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
