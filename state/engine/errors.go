package engine

import (
	"errors"
	"fmt"
)

// The ways in which an engine fails as a whole. Each error that wraps one of them is one sentence that says where.
var (
	ErrLocked   = errors.New("in use by another process")
	ErrDamaged  = errors.New("damaged")
	ErrReadOnly = errors.New("read-only")
	ErrFull     = errors.New("no space left")
	ErrBroken   = errors.New("a write failed")
	ErrClosed   = errors.New("state is closed")
	ErrFenced   = errors.New("another process has taken over") // of engines that several machines share
)

// Failure is a sentence for people around a kind and a cause for errors.Is.
type Failure struct {
	text  string
	kind  error
	cause error
}

func (f *Failure) Error() string { return f.text }

func (f *Failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

// Fail is an error of kind with the sentence that format makes.
func Fail(kind, cause error, format string, args ...any) error {
	return &Failure{text: fmt.Sprintf(format, args...), kind: kind, cause: cause}
}
