package sandbox

import (
	"errors"
	"fmt"
)

// What people and the vendor do with a CRM, from Go.

// ErrNotFound is told of an id that names no live record.
var ErrNotFound = errors.New("sandbox: no such record")

// problem is why something cannot be done that somebody wants from Go.
type problem struct{ error }

func problemIf(when bool, format string, args ...any) {
	if when {
		panic(&problem{fmt.Errorf("sandbox: "+format, args...)})
	}
}

// found is a record that there must be.
func found(r *record, object, id string) *record {
	missingIf(r == nil, object, id)
	return r
}

func missingIf(when bool, object, id string) {
	if when {
		panic(&problem{fmt.Errorf("%w: %s %s", ErrNotFound, object, id)})
	}
}

// try does what somebody wants from Go. A problem ends it, before anything has changed, and comes back as the error.
func (d *desk) try(do func()) error {
	defer d.lock()()
	if p := caught[problem](do); p != nil {
		return p.error
	}
	return nil
}
