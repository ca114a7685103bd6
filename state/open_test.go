package state

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func open(t testing.TB) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "state.db"), Options{NoSync: true})
}

func openAt(t testing.TB, path string, o Options) *DB {
	t.Helper()
	db, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// fillSome puts a few hundred people in, so that the file has branches and leaves of every kind.
func fillSome(t testing.TB, db *DB, n int) {
	t.Helper()
	l := &load{db: db, start: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), people: n, lot: 50, workers: 2}
	l.discover(t)
	l.work(t)
}

// oneSentence checks what people get to read: the file's name, and no second line.
func oneSentence(t *testing.T, err error, path string) {
	t.Helper()
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) {
		t.Errorf("not one sentence about %s: %v", path, err)
	}
}

func TestLockedFileIsToldInOneSentence(t *testing.T) {
	db := open(t)
	_, err := Open(db.Path(), Options{LockTimeout: time.Millisecond})
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("got %v, want ErrLocked", err)
	}
	oneSentence(t, err, db.Path())
}

func TestNewFileIsForItsOwnerOnly(t *testing.T) {
	db := open(t)
	mode := func() fs.FileMode {
		info, err := os.Stat(db.Path())
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if mode() != 0o600 {
		t.Errorf("mode %o", mode())
	}
	if err := db.Compact(); err != nil {
		t.Fatal(err)
	}
	if mode() != 0o600 {
		t.Errorf("mode %o after compaction", mode())
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(db.Path(), 0o644); err != nil {
		t.Fatal(err)
	}
	openAt(t, db.Path(), Options{})
	if mode() != 0o600 {
		t.Errorf("mode %o after opening a file that others could read", mode())
	}
}

func TestMissingDirectoryAndDirectoryInPlaceOfFile(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "no", "state.db")
	_, err := Open(missing, Options{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	oneSentence(t, err, missing)
	_, err = Open(dir, Options{})
	oneSentence(t, err, dir)
	_, err = Open(filepath.Join(dir, "none.db"), Options{ReadOnly: true})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read-only opening of nothing: %v", err)
	}
}

func TestFileThatCannotBeWrittenIsReadOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	db := openAt(t, path, Options{NoSync: true})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		t.Skip("root may write anything")
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, Options{})
	if !errors.Is(err, ErrReadOnly) {
		t.Errorf("got %v, want ErrReadOnly", err)
	}
	oneSentence(t, err, path)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	if _, err = Open(filepath.Join(dir, "other.db"), Options{}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("got %v, want ErrReadOnly", err)
	}
}

func TestReadOnlyReadsAndRefusesToWrite(t *testing.T) {
	db := open(t)
	if err := db.update(func(tx *txn) error { return tx.SetSetting("a", []byte("b")) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	a := openAt(t, db.Path(), Options{ReadOnly: true})
	b := openAt(t, db.Path(), Options{ReadOnly: true}) // shared
	for _, db := range []*DB{a, b} {
		var v []byte
		if err := db.view(func(tx *txn) error { v = tx.Setting("a"); return nil }); err != nil || string(v) != "b" {
			t.Errorf("%q, %v", v, err)
		}
		if err := db.update(func(tx *txn) error { return nil }); !errors.Is(err, ErrReadOnly) {
			t.Errorf("Update: %v", err)
		}
		if err := db.Compact(); !errors.Is(err, ErrReadOnly) {
			t.Errorf("Compact: %v", err)
		}
		if err := db.Verify(); err != nil {
			t.Error(err)
		}
	}
}

// Whatever happens to the file, opening and reading it never panics, and says what is wrong.
func TestDamagedFileIsToldNeverPanics(t *testing.T) {
	db := open(t)
	fillSome(t, db, 300)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(db.Path())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.db")
	// use opens and reads everything; it reports whether something was found.
	use := func(t *testing.T, content []byte) (err error) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(path, Options{NoSync: true})
		if err != nil {
			return err
		}
		defer db.Close()
		if err := db.Verify(); err != nil {
			return err
		}
		return db.update(func(tx *txn) error {
			ids, err := tx.People(0, 1000)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := tx.DeletePerson(id); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := use(t, bytes.Clone(good)); err != nil {
		t.Fatalf("the undamaged file: %v", err)
	}
	for name, content := range map[string][]byte{
		"no state file":     []byte(strings.Repeat("this is a text\n", 1000)),
		"short":             []byte("short"),
		"cut to a page":     good[:4096],
		"cut in the middle": good[:len(good)/8],
		"headers zeroed":    append(make([]byte, 8192), good[8192:]...),
		"body zeroed":       append(bytes.Clone(good[:8192]), make([]byte, len(good)-8192)...),
	} {
		t.Run(name, func(t *testing.T) {
			err := use(t, content)
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("got %v, want ErrDamaged", err)
			}
		})
	}
	t.Run("other bbolt file", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "other.db")
		b, err := bbolt.Open(other, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err }); err != nil {
			t.Fatal(err)
		}
		b.Close()
		if _, err := Open(other, Options{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("got %v, want ErrDamaged", err)
		}
	})
	rnd := rand.New(rand.NewPCG(1, 2))
	found := 0
	rounds := 60
	for range rounds {
		bad := bytes.Clone(good)
		page := (2 + rnd.IntN(len(bad)/4096-2)) * 4096
		for range 1 + rnd.IntN(8) { // page headers matter most
			bad[page+rnd.IntN(64)] ^= byte(1 + rnd.IntN(255))
		}
		if err := use(t, bad); err != nil {
			found++
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("got %v, want ErrDamaged", err)
			}
		}
	}
	t.Logf("%d of %d files with a scratched page were found out (free pages do not matter)", found, rounds)
	if found == 0 {
		t.Error("no damage was ever noticed")
	}
}

// A process that waited for the lock while the file was swapped away must not end up with the old one.
func TestCompactionLeavesNobodyWithTheOldFile(t *testing.T) {
	db := open(t)
	fillSome(t, db, 200)
	opened := make(chan *DB)
	go func() {
		other, err := Open(db.Path(), Options{LockTimeout: 20 * time.Second})
		if err != nil {
			t.Error(err)
		}
		opened <- other
	}()
	for range 20 {
		if err := db.Compact(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.update(func(tx *txn) error { return tx.SetSetting("last", []byte("word")) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	other := <-opened
	defer other.Close()
	_ = other.view(func(tx *txn) error {
		if string(tx.Setting("last")) != "word" {
			t.Error("opened a file that was swapped away")
		}
		return nil
	})
}

func TestLeftoverOfAKilledCompactionIsRemoved(t *testing.T) {
	db := open(t)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	leftover := db.Path() + ".compact"
	if err := os.WriteFile(leftover, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	openAt(t, db.Path(), Options{})
	if _, err := os.Stat(leftover); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}
