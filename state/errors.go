package state

import (
	"errors"

	"github.com/intentd/intentd/state/engine"
)

// The ways in which state fails as a whole. Each error that wraps one of them is one sentence that names the file.
var (
	ErrLocked   = engine.ErrLocked
	ErrNewer    = errors.New("written by a newer version of intentd")
	ErrDamaged  = engine.ErrDamaged
	ErrReadOnly = engine.ErrReadOnly
	ErrFull     = engine.ErrFull
	ErrBroken   = engine.ErrBroken
	ErrClosed   = engine.ErrClosed
	ErrFenced   = engine.ErrFenced
)

// ErrRecord says which kind of ErrDamaged concerns one record: the file and everybody else's records stand.
var ErrRecord = errors.New("one record is damaged")

// Failed says whether err is the state's as a whole: nothing may be written to a CRM any more. A damaged record is not.
func Failed(err error) bool {
	if errors.Is(err, ErrRecord) {
		return false
	}
	for _, e := range []error{ErrFull, ErrReadOnly, ErrDamaged, ErrBroken, ErrClosed, ErrFenced} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// fail is an error of kind with the sentence that format makes.
func fail(kind, cause error, format string, args ...any) error {
	return engine.Fail(kind, cause, format, args...)
}

// damaged is a record that does not decode. It says where, never what.
func damaged(what string) error {
	return fail(ErrDamaged, ErrRecord, "state: a %s record is damaged; restore the latest backup", what)
}
