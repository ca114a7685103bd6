package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/intentd/intentd/connectors/disk"
	"github.com/intentd/intentd/state/engine"
)

// guard runs fn and turns what bbolt does on a damaged file into ErrDamaged. Any other panic is a bug of whoever wrote fn, and goes on.
func (e *Engine) guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			var ok bool
			if err, ok = asError(e.path, p); !ok {
				panic(p)
			}
		}
	}()
	return fn()
}

// guardAll is guard for where only this package and bbolt run.
func (e *Engine) guardAll(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = ofPanic(e.path, p)
		}
	}()
	return fn()
}

func ofPanic(path string, p any) error {
	if err, ok := asError(path, p); ok {
		return err
	}
	return engine.Fail(engine.ErrDamaged, nil, "state file %s is damaged (%v); restore the latest backup", path, p)
}

// explain turns what bbolt and the system say about the file at path into one sentence.
func explain(path string, err error) error {
	var done *engine.Failure
	if err == nil || errors.As(err, &done) {
		return err
	}
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return engine.Fail(engine.ErrLocked, err, "state file %s is in use by another process; stop it or use its control socket", path)
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return engine.ErrClosed
	case errors.Is(err, berrors.ErrDatabaseReadOnly), errors.Is(err, berrors.ErrTxNotWritable):
		return engine.Fail(engine.ErrReadOnly, err, "state file %s was opened read-only and cannot be changed", path)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return engine.Fail(engine.ErrDamaged, err, "state file %s is damaged or no state file (%v); restore the latest backup", path, err)
	case disk.IsFull(err), errors.Is(err, berrors.ErrMaxSizeReached), strings.Contains(err.Error(), berrors.ErrMaxSizeReached.Error()):
		return engine.Fail(engine.ErrFull, err, "state file %s cannot grow (%v); free some space, nothing was lost", path, err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return engine.Fail(engine.ErrReadOnly, err, "state file %s cannot be opened for writing (%v); check owner and mode of the file and its directory", path, bare(err))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("state file %s or its directory does not exist: %w", path, err)
	}
	return fmt.Errorf("state file %s: %w", path, err)
}

// bare drops operation and path that *fs.PathError would repeat.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// asError turns a recovered panic into an error if the file is to blame: a page fault in the mapping, or an assertion
// of bbolt. Other panics are bugs of the caller's function and are not for us to swallow: ok is false.
func asError(path string, p any) (err error, ok bool) {
	if fault, is := p.(interface{ Addr() uintptr }); is {
		return engine.Fail(engine.ErrDamaged, nil, "state file %s is damaged: it ends early or cannot be read (fault at %#x); restore the latest backup", path, fault.Addr()), true
	}
	if name, is := p.(missingBucket); is {
		return engine.Fail(engine.ErrDamaged, nil, "state file %s is damaged (no bucket %s); restore the latest backup", path, string(name)), true
	}
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	panicking := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case !panicking || strings.HasPrefix(f.Function, "runtime."):
		case strings.HasPrefix(f.Function, "go.etcd.io/bbolt"):
			return engine.Fail(engine.ErrDamaged, nil, "state file %s is damaged (%v); restore the latest backup", path, p), true
		default:
			return nil, false
		}
		if !more {
			return nil, false
		}
	}
}
