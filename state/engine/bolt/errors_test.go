package bolt

import (
	"errors"
	"os"
	"testing"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/intentd/intentd/state/engine"
)

func TestErrorsOfTheSystemBecomeSentences(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind error
	}{
		{&os.PathError{Op: "open", Path: "x", Err: os.ErrPermission}, engine.ErrReadOnly},
		{errors.New("file resize error: truncate x: no space left on device"), engine.ErrFull}, // bbolt hides the cause
		{berrors.ErrTimeout, engine.ErrLocked}, {berrors.ErrChecksum, engine.ErrDamaged}, {berrors.ErrInvalid, engine.ErrDamaged}, {berrors.ErrDatabaseNotOpen, engine.ErrClosed}, {berrors.ErrDatabaseReadOnly, engine.ErrReadOnly},
	} {
		if err := explain("/no/such/file", c.err); !errors.Is(err, c.kind) {
			t.Errorf("%v became %v, want %v", c.err, err, c.kind)
		}
	}
	if explain("x", nil) != nil {
		t.Error("an error out of nothing")
	}
}
