package sandbox

import (
	"runtime"
	"syscall"
	"time"
)

// thisThread is RUSAGE_THREAD of getrusage(2).
const thisThread = 1

// stopwatch measures the processor time of the thread it was started on. The goroutine stays on that thread until stop.
type stopwatch struct{ start time.Duration }

func startStopwatch() stopwatch {
	runtime.LockOSThread()
	return stopwatch{threadTime()}
}

func (s stopwatch) stop() time.Duration {
	d := threadTime() - s.start
	runtime.UnlockOSThread()
	return d
}

func threadTime() time.Duration {
	var use syscall.Rusage
	if syscall.Getrusage(thisThread, &use) != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
