package state

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// The crash test runs this binary again as a child that writes until it is killed. Each of the child's writers keeps a
// counter and prints a number once Update has returned for it; whatever was printed must be in the file afterwards, and every
// step wholly or not at all.

const crashWriters = 8

func crashSetting(w int) string { return fmt.Sprintf("writer %d", w) }

// crashStep does step n of writer w: a cursor and the work it covers, in one transaction.
func crashStep(tx *txn, w int, n uint64) error {
	if err := tx.SetSetting(crashSetting(w), binary.BigEndian.AppendUint64(nil, n)); err != nil {
		return err
	}
	id, err := tx.NewPerson()
	if err != nil {
		return err
	}
	ref := connectors.Ref{CRM: "crm", Object: fmt.Sprint("w", w), ID: fmt.Sprint(n)}
	if err := tx.PutPerson(id, &Person{Contacts: []connectors.Ref{ref}, Features: make([]byte, 100), Due: time.Unix(int64(n)*1000, 0)}); err != nil {
		return err
	}
	if err := tx.PutContact(ref, &Contact{Person: id, Inputs: n}); err != nil {
		return err
	}
	if err := tx.SetIdentity(LinkEmail, fmt.Sprintf("%d-%d@example.com", w, n), id); err != nil {
		return err
	}
	if err := tx.Stage(&Pending{Person: id, Patch: connectors.Patch{Ref: ref, Fields: map[string]string{"score": fmt.Sprint(n)}}, Receipt: []byte(`{"n":1}`)}); err != nil {
		return err
	}
	return tx.Enqueue(id, Live, ReasonNew, time.Unix(int64(n), 0))
}

func crashChild(path string) {
	db, err := Open(path, Options{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	for w := range crashWriters {
		go func() {
			var n uint64
			_ = db.view(func(tx *txn) error {
				if v := tx.Setting(crashSetting(w)); v != nil {
					n = binary.BigEndian.Uint64(v)
				}
				return nil
			})
			for {
				n++
				if err := db.update(func(tx *txn) error { return crashStep(tx, w, n) }); err != nil {
					say("error %v", err)
					return
				}
				say("%d %d", w, n)
			}
		}()
	}
	go func() { // the file is swapped now and then while all that goes on
		for {
			time.Sleep(40 * time.Millisecond)
			if err := db.Compact(); err != nil {
				say("error %v", err)
			}
		}
	}()
	select {}
}

// Invariants 1 and 2, and the first promise of the package: kill -9 anywhere loses nothing that was acknowledged and leaves nothing
// half done.
func TestKilledInMidWriteLosesNothingAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("runs child processes")
	}
	path := filepath.Join(t.TempDir(), "state.db")
	acked := [crashWriters]uint64{}
	for round := range 6 {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), "STATE_CRASH_CHILD="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		heard, killed := 0, false // by count: a slow machine kills later, not emptier
		for lines.Scan() {
			if rest, bad := strings.CutPrefix(lines.Text(), "error "); bad {
				t.Error(rest)
			}
			if w, n, ok := strings.Cut(lines.Text(), " "); ok {
				i, err1 := strconv.Atoi(w)
				v, err2 := strconv.ParseUint(n, 10, 64)
				if err1 == nil && err2 == nil { // the last line may be cut
					acked[i] = max(acked[i], v)
					heard++
				}
			}
			if !killed && heard >= 18+round*5 {
				killed = true
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait()
		checkAcked(t, path, acked)
	}
	var total uint64
	for _, n := range acked {
		total += n
	}
	if total < 100 {
		t.Fatalf("only %d updates were acknowledged in all: the test tests nothing", total)
	}
	t.Logf("%d acknowledged updates over 6 kills", total)
}

func checkAcked(t *testing.T, path string, acked [crashWriters]uint64) {
	t.Helper()
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Verify(); err != nil {
		t.Fatal(err)
	}
	if missing := missingSteps(db, acked); len(missing) > 0 {
		t.Fatalf("acknowledged, but not in the file: %v", missing)
	}
}

// missingSteps compares the file with what should be in it, step by step.
func missingSteps(db *DB, acked [crashWriters]uint64) (missing []string) {
	_ = db.view(func(tx *txn) error {
		for w, want := range acked {
			var have uint64
			if v := tx.Setting(crashSetting(w)); v != nil {
				have = binary.BigEndian.Uint64(v)
			}
			if have < want {
				missing = append(missing, fmt.Sprintf("writer %d: %d of %d", w, have, want))
			}
			for n := uint64(1); n <= have; n++ {
				ref := connectors.Ref{CRM: "crm", Object: fmt.Sprint("w", w), ID: fmt.Sprint(n)}
				c, ok, err := tx.Contact(ref)
				p, _ := tx.Pending(ref)
				_, known, _ := tx.Person(c.Person)
				_, queued := tx.Queued(c.Person)
				who, _ := tx.Identify(LinkEmail, fmt.Sprintf("%d-%d@example.com", w, n))
				if err != nil || !ok || c.Inputs != n || p == nil || !known || !queued || who != c.Person {
					missing = append(missing, fmt.Sprintf("writer %d: step %d in part", w, n))
				}
			}
		}
		return nil
	})
	return missing
}

// The check above can fail: a file that lacks a step is told from one that has it.
func TestCrashCheckSeesALostUpdate(t *testing.T) {
	db := open(t)
	for n := uint64(1); n <= 3; n++ {
		if err := db.update(func(tx *txn) error { return crashStep(tx, 0, n) }); err != nil {
			t.Fatal(err)
		}
	}
	if missing := missingSteps(db, [crashWriters]uint64{3}); len(missing) > 0 {
		t.Fatal(missing)
	}
	if len(missingSteps(db, [crashWriters]uint64{4})) == 0 {
		t.Fatal("a lost update went unnoticed")
	}
	if err := db.update(func(tx *txn) error { return tx.DropPending(connectors.Ref{CRM: "crm", Object: "w0", ID: "2"}) }); err != nil {
		t.Fatal(err)
	}
	if len(missingSteps(db, [crashWriters]uint64{3})) == 0 {
		t.Fatal("half a step went unnoticed")
	}
}
