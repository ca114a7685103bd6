package connectors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what the pipeline does about an error. It decides; message texts never do.
type Kind uint8

const (
	Transient   Kind = iota + 1 // retry with backoff and jitter, this call only
	RateLimited                 // every worker of the connector waits (Error.Until)
	Quota                       // the connector stops until Error.Until
	Auth                        // the connector stops and shows up in health, log and metrics
	Config                      // the same, for what the admin must set right
	Rejected                    // this record only: dead letter with the vendor's own message
	Gone                        // the record is merged, archived or erased: Error.State, Error.Into; Live: not as it was read any more, read it again
)

func (k Kind) String() string {
	switch k {
	case Transient:
		return "transient"
	case RateLimited:
		return "rate_limited"
	case Quota:
		return "quota"
	case Auth:
		return "auth"
	case Config:
		return "config"
	case Rejected:
		return "rejected"
	case Gone:
		return "gone"
	}
	return "unknown"
}

// Error is how every connector fails.
type Error struct {
	Kind    Kind
	Op      string    // what was being done and for whom: "hubspot: write 100 contacts"
	Code    string    // the vendor's own code, e.g. PROPERTY_DOESNT_EXIST
	Message string    // the vendor's own message, redacted and cut
	Fix     string    // what the admin can do, "" if nothing
	Until   time.Time // RateLimited, Quota: when to go on; Transient: nothing is tried before
	State   State     // Gone: what became of the record
	Into    Ref       // Gone, State Merged: where it lives on
	// Passing says of a refused record that what stood in its way goes away by itself (a lock, a full storage, a limit of the
	// moment): it is tried again soon, where a lasting refusal waits longer and longer. It is no part of the message.
	Passing bool
	Err     error // the cause
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	add := func(s string) {
		if s == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(s)
	}
	add(e.Code)
	add(e.Message)
	if e.Message == "" && e.Err != nil {
		add(e.Err.Error())
	}
	if !e.Until.IsZero() {
		add("until " + e.Until.UTC().Format(time.RFC3339))
	}
	if b.Len() == 0 {
		b.WriteString(e.Kind.String())
	}
	if e.Fix != "" {
		b.WriteString(" — " + e.Fix)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of err: that of the *Error in its chain, otherwise Transient. A nil error has kind 0. A cancelled or
// expired context is Transient: nothing was wrong with the record.
func KindOf(err error) Kind {
	if err == nil {
		return 0
	}
	var e *Error
	if errors.As(err, &e) && e.Kind != 0 {
		return e.Kind
	}
	return Transient
}

// Passing says whether err is a refusal that goes away by itself: see Error.Passing.
func Passing(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Passing
}

// Until is the time err says to wait for, zero if none.
func Until(err error) time.Time {
	var e *Error
	if errors.As(err, &e) {
		return e.Until
	}
	return time.Time{}
}

// Told is err for a finding, which has a place of its own for the fix: otherwise where the error tells none.
func Told(err error, otherwise string) (message, fix string) {
	var e *Error
	if !errors.As(err, &e) || e.Fix == "" {
		return err.Error(), otherwise
	}
	bare := *e
	bare.Fix = ""
	return bare.Error(), e.Fix
}

// Stops says whether err stops the whole connector (Quota, Auth, Config) rather than a call or a record.
func Stops(err error) bool {
	switch KindOf(err) {
	case Quota, Auth, Config:
		return true
	}
	return false
}

// Interrupted says whether err came of a context that ended.
func Interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Errorf is an *Error of kind k for op, with a formatted message.
func Errorf(k Kind, op, format string, args ...any) *Error {
	return &Error{Kind: k, Op: op, Message: fmt.Sprintf(format, args...)}
}
