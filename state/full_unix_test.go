//go:build unix

package state

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFullDiskFailsTheUpdateOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a child process")
	}
	path := filepath.Join(t.TempDir(), "state.db")
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), "STATE_FULL_CHILD="+path)
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "all well") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// fullChild limits the size of its files and writes until the state can grow no more.
func fullChild(path string) {
	check := func(what string, ok bool, args ...any) {
		if !ok {
			fmt.Println(append([]any{what}, args...)...)
			os.Exit(1)
		}
	}
	db, err := Open(path, Options{})
	check("open", err == nil, err)
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	check("limit", syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit) == nil)
	limit.Cur = 3 << 20
	check("limit", syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit) == nil)
	put := func(n int) error {
		return db.update(func(tx *txn) error {
			id, err := tx.NewPerson()
			if err != nil {
				return err
			}
			return tx.PutPerson(id, &Person{Events: uint64(n), Features: make([]byte, 20_000)})
		})
	}
	n := 0
	for ; n < 1000; n++ {
		if err = put(n); err != nil {
			break
		}
	}
	check("never full", err != nil)
	check("wrong error", errors.Is(err, ErrFull), err)
	check("not one sentence", !strings.Contains(err.Error(), "\n"), err)
	check("still full", errors.Is(put(n), ErrFull))
	check("count", db.Stats().People == n, db.Stats().People, n)
	// It is usable: reading, and writing once there is room again.
	check("verify", db.Verify() == nil, db.Verify())
	limit.Cur = limit.Max
	check("limit", syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit) == nil)
	check("put", put(n) == nil)
	check("verify", db.Verify() == nil, db.Verify())
	check("close", db.Close() == nil)
	db, err = Open(path, Options{})
	check("open again", err == nil, err)
	check("count", db.Stats().People == n+1, db.Stats().People, n+1)
	check("close", db.Close() == nil)
	fmt.Println("all well")
}
