package app

import (
	"errors"
	"os"
	"path/filepath"
)

// Scratch opens an app over an empty state of its own, for a look where there is none yet or the real one cannot be opened. Nothing is left
// of it after done.
func Scratch(o Options) (a *App, done func() error, err error) {
	dir, err := os.MkdirTemp("", "intentd-look-")
	if err != nil {
		return nil, nil, err
	}
	own := *o.Config
	own.State.Path = filepath.Join(dir, "intentd.db")
	own.Clickstream.Dir = filepath.Join(dir, "events")
	o.Config = &own
	if a, err = Open(o); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return a, func() error { return errors.Join(a.Close(), os.RemoveAll(dir)) }, nil
}
