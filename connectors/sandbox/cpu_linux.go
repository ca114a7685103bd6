package sandbox

import (
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// clockThreadCPU is CLOCK_THREAD_CPUTIME_ID of clock_gettime(2).
const clockThreadCPU = 3

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
	var ts syscall.Timespec
	if _, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPU, uintptr(unsafe.Pointer(&ts)), 0); e != 0 {
		return 0
	}
	return time.Duration(ts.Nano())
}
