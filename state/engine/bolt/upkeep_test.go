package bolt

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/state/engine"
)

// Before a migration the disk is asked for room, the older file is put aside whole, and one that is there already stays.
func TestTheOlderFileIsKeptIfThereIsRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	e, err := Open(path, Options{Buckets: engine.Buckets{{Name: "a"}}, LockTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	put := func(v string) {
		t.Helper()
		if err := e.Update(func(tx engine.Tx) error {
			return errors.Join(tx.Make(0), tx.Put(0, []byte("k"), []byte(v)))
		}); err != nil {
			t.Fatal(err)
		}
	}
	put("old")
	real := diskRoom
	diskRoom = func(string) (int64, bool) { return 1 << 20, true }
	err = e.Keep()
	diskRoom = real
	if !errors.Is(err, engine.ErrFull) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
		t.Errorf("on a full disk: %v", err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := e.Keep(); err != nil {
		t.Fatal(err)
	}
	put("half migrated")
	if err := e.Keep(); err != nil { // after a kill
		t.Fatal(err)
	}
	kept, err := Open(path+keptSuffix, Options{Buckets: e.o.Buckets, LockTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.View(func(tx engine.Tx) error {
		if v := tx.Get(0, []byte("k")); string(v) != "old" {
			t.Errorf("kept %q", v)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	_ = kept.Close()
	if err := e.DropKept(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + keptSuffix); err == nil {
		t.Error("still there")
	}
}
