package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"

	berrors "go.etcd.io/bbolt/errors"
)

// The ways in which state fails as a whole. Each error that wraps one of them is one sentence that names the file.
var (
	ErrLocked   = errors.New("in use by another process")
	ErrNewer    = errors.New("written by a newer version of intentd")
	ErrDamaged  = errors.New("damaged")
	ErrReadOnly = errors.New("read-only")
	ErrFull     = errors.New("no space left")
	ErrBroken   = errors.New("a write failed")
	ErrClosed   = errors.New("state is closed")
)

// ErrRecord says which kind of ErrDamaged concerns one record: the file and everybody else's records stand.
var ErrRecord = errors.New("one record is damaged")

// Failed says whether err is the state's as a whole: nothing may be written to a CRM any more. A damaged record is not.
func Failed(err error) bool {
	if errors.Is(err, ErrRecord) {
		return false
	}
	for _, e := range []error{ErrFull, ErrReadOnly, ErrDamaged, ErrBroken, ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// failure is a sentence for people around a sentinel and a cause for errors.Is.
type failure struct {
	text  string
	kind  error
	cause error
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

// fail is an error of kind with the sentence that format makes.
func fail(kind, cause error, format string, args ...any) error {
	return &failure{text: fmt.Sprintf(format, args...), kind: kind, cause: cause}
}

// damaged is a record that does not decode. It says where, never what.
func damaged(what string) error {
	return fail(ErrDamaged, ErrRecord, "state: a %s record is damaged; restore the latest backup", what)
}

// explain turns what bbolt and the system say about the file at path into one sentence.
func explain(path string, err error) error {
	var done *failure
	if err == nil || errors.As(err, &done) {
		return err
	}
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fail(ErrLocked, err, "state file %s is in use by %s; stop it or use its control socket", path, holder(path))
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return ErrClosed
	case errors.Is(err, berrors.ErrDatabaseReadOnly), errors.Is(err, berrors.ErrTxNotWritable):
		return fail(ErrReadOnly, err, "state file %s was opened read-only and cannot be changed", path)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fail(ErrDamaged, err, "state file %s is damaged or no state file (%v); restore the latest backup", path, err)
	case full(err):
		return fail(ErrFull, err, "state file %s cannot grow (%v); free some space, nothing was lost", path, err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fail(ErrReadOnly, err, "state file %s cannot be opened for writing (%v); check owner and mode of the file and its directory", path, bare(err))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("state file %s or its directory does not exist: %w", path, err)
	}
	return fmt.Errorf("state file %s: %w", path, err)
}

// full says whether err came of missing space. bbolt flattens the cause of a failed truncate into text, hence the last test.
func full(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, berrors.ErrMaxSizeReached} {
		if errors.Is(err, e) || strings.Contains(err.Error(), e.Error()) {
			return true
		}
	}
	return false
}

// bare drops operation and path that *fs.PathError would repeat.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// holder tells who has the file locked, as far as the kernel says: "intentd (pid 4711)", else "another process".
// Reading the lock table needs no side file that could be left behind or lie.
func holder(path string) string {
	const unknown = "another process"
	info, err := os.Stat(path)
	if err != nil {
		return unknown
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return unknown
	}
	table, err := os.ReadFile("/proc/locks")
	if err != nil {
		return unknown
	}
	for line := range strings.Lines(string(table)) {
		// "1: FLOCK  ADVISORY  WRITE 4711 fe:00:9978100 0 EOF"
		f := strings.Fields(line)
		if len(f) < 6 || f[1] != "FLOCK" {
			continue
		}
		dev := strings.Split(f[5], ":")
		if len(dev) != 3 || dev[2] != fmt.Sprint(sys.Ino) {
			continue
		}
		pid := f[4]
		comm, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil { // a process of another namespace, which has no name here
			return unknown
		}
		return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(comm)), pid)
	}
	return unknown
}

// asError turns a recovered panic into an error if the file is to blame: a page fault in the mapping, or an assertion
// of bbolt. Other panics are bugs of the caller's function and are not for us to swallow: ok is false.
func asError(path string, p any) (err error, ok bool) {
	if fault, is := p.(interface{ Addr() uintptr }); is {
		return fail(ErrDamaged, nil, "state file %s is damaged: it ends early or cannot be read (fault at %#x); restore the latest backup", path, fault.Addr()), true
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
			return fail(ErrDamaged, nil, "state file %s is damaged (%v); restore the latest backup", path, p), true
		default:
			return nil, false
		}
		if !more {
			return nil, false
		}
	}
}
