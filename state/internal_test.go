package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/boltpages"
	"github.com/intentd/intentd/state/engine"
)

func openTest(t testing.TB, o Options) *DB {
	t.Helper()
	o.NoSync = true
	db, err := Open(filepath.Join(t.TempDir(), "state.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func mustUpdate(t testing.TB, db *DB, fn func(tx *txn) error) {
	t.Helper()
	if err := db.update(fn); err != nil {
		t.Fatal(err)
	}
}

// Invariant 10: older state opens, newer state is refused in one sentence.
func TestInvariant10OlderStateOpensNewerIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	// Version 0: a file whose making was cut short after its first bucket, and one with a secret that must survive.
	for _, secret := range [][]byte{nil, bytes.Repeat([]byte{7}, 32)} {
		_ = os.Remove(path)
		b, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Update(func(tx *bbolt.Tx) error {
			meta, err := tx.CreateBucket([]byte(buckets[bMeta].Name))
			if err == nil && secret != nil {
				err = meta.Put(secretKey, secret)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{ReadOnly: true}); !errors.Is(err, ErrReadOnly) {
			t.Errorf("migrated without being allowed to write: %v", err)
		}
		db, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(db.secret) != 32 || secret != nil && !bytes.Equal(db.secret, secret) {
			t.Errorf("secret %x", db.secret)
		}
		mustUpdate(t, db, func(tx *txn) error { return tx.PutPerson(1, &Person{Verdict: "interested"}) })
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// A later version with two steps more, one of which has three parts and fails at its second at first.
	var ran, told []string
	broken := true
	later := append(slices.Clone(migrations),
		migration{"add a fact", func(tx engine.Tx, _ []byte) ([]byte, error) {
			ran = append(ran, "add")
			return nil, tx.Put(bSettings, []byte("added"), []byte("1"))
		}},
		migration{"rewrite people", func(tx engine.Tx, from []byte) ([]byte, error) {
			ran = append(ran, "rewrite "+string(from))
			if err := tx.Put(bSettings, []byte("rewritten"), append(tx.Get(bSettings, []byte("rewritten")), 'x')); err != nil {
				return nil, err
			}
			switch {
			case from == nil:
				return []byte("b"), nil
			case broken:
				return nil, errors.New("no luck")
			case string(from) == "b":
				return []byte("c"), nil
			}
			return nil, nil
		}})
	if _, err := Open(path, Options{migrations: later}); err == nil || !strings.Contains(err.Error(), "rewrite people") {
		t.Fatalf("a failing migration: %v", err)
	}
	broken = false
	db, err := Open(path, Options{migrations: later, Progress: func(line string) { told = append(told, line) }}) // goes on where it failed
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ran, []string{"add", "rewrite ", "rewrite b", "rewrite b", "rewrite c"}) || len(told) != 2 || !strings.Contains(told[0], "rewrite people") {
		t.Errorf("ran %v, told %q", ran, told)
	}
	if kept, err := Open(path+".before", Options{}); err != nil {
		t.Errorf("the older file was not kept: %v", err)
	} else {
		if p, ok, err := kept.Person(1); !ok || err != nil || p.Verdict != "interested" {
			t.Errorf("it was kept with %+v, %v", p, err)
		}
		_ = kept.Close()
	}
	if err := db.view(func(tx *txn) error {
		if p, ok, err := tx.Person(1); !ok || p.Verdict != "interested" || string(tx.Setting("rewritten")) != "xxx" || tx.get(bMeta, partKey) != nil {
			t.Errorf("%+v %v %v", p, ok, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".before"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still kept after a clean stop: %v", err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, Options{})
	if !errors.Is(err, ErrNewer) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want ErrNewer in one sentence", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Error("the newer file was changed")
	}
}

// The whole of it runs in a bubble: timers are the bubble's, and nothing that Open or an update started is left after Close.
func TestRunsInABubble(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // twice: no bubble's channel may get into another
		synctest.Test(t, func(t *testing.T) {
			db, err := Open(filepath.Join(dir, "state.db"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			committed := make(chan time.Time, 1)
			db.updateLater(func(tx *txn) error {
				select {
				case committed <- time.Now():
				default:
				}
				return tx.PutAnswer(1, 1, []byte("answer"))
			})
			// Invariant 2: an answer is kept within 100 ms.
			if at := <-committed; at.Sub(start) > 100*time.Millisecond {
				t.Errorf("taken after %v", at.Sub(start))
			}
			for range 10 {
				go func() {
					_ = db.update(func(tx *txn) error { return tx.Enqueue(1, Live, ReasonNew, time.Now()) })
				}()
			}
			<-db.Wake()
			synctest.Wait()
			mustUpdate(t, db, func(tx *txn) error { return tx.PutReceipt(1, time.Now(), []byte(`{"a":1}`)) })
			if err := db.view(func(tx *txn) error { _, _, err := tx.Receipt(1); return err }); err != nil {
				t.Error(err)
			}
			if err := db.Compact(); err != nil {
				t.Error(err)
			}
			db.updateLater(func(tx *txn) error { return tx.SetSetting("closed", []byte{1}) })
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		})
	}
	db, err := Open(filepath.Join(dir, "state.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_ = db.view(func(tx *txn) error {
		if v, ok := tx.Answer(1, 1); !ok || string(v) != "answer" || tx.Setting("closed") == nil {
			t.Error("lost")
		}
		return nil
	})
}

// A commit that fails gives its error to every caller, changes nothing in memory either, and what was left for later is
// tried again.
func TestFailedCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		db, err := Open(path, Options{NoSync: true, maxBytes: 4 << 20})
		if err != nil {
			t.Fatal(err)
		}
		mustUpdate(t, db, func(tx *txn) error { return tx.Enqueue(1, Live, ReasonNew, time.Now()) })
		entries, err := db.Claim(time.Now(), 1)
		if err != nil || len(entries) != 1 {
			t.Fatal(entries, err)
		}
		huge := func(tx *txn) error { return tx.PutJob("huge", make([]byte, 8<<20)) }
		db.updateLater(func(tx *txn) error { return tx.SetSetting("later", []byte("1")) })
		err = db.update(func(tx *txn) error {
			if _, err := tx.Done(entries[0]); err != nil {
				return err
			}
			if err := tx.PutContact(connectors.Ref{CRM: "new", Object: "name", ID: "1"}, &Contact{}); err != nil {
				return err
			}
			return huge(tx)
		})
		if !errors.Is(err, ErrFull) {
			t.Errorf("got %v, want ErrFull", err)
		}
		if s := db.Stats(); s.Queue[Live] != 1 || s.Contacts != 0 || s.Claimed != 1 {
			t.Errorf("%+v", s)
		}
		if _, ok := db.names.lookup([]byte("new\x00name")); ok {
			t.Error("a name of the failed commit stayed")
		}
		time.Sleep(2 * time.Second)
		_ = db.view(func(tx *txn) error {
			if tx.Setting("later") == nil {
				t.Error("what was left for later was not tried again")
			}
			return nil
		})
		db.Unclaim(entries...)
		if again, err := db.Claim(time.Now(), 1); err != nil || !slices.Equal(again, entries) {
			t.Errorf("%v %v", again, err)
		}
		if err := db.Verify(); err != nil {
			t.Error(err)
		}
		db.updateLater(huge)
		if err := db.Flush(); !errors.Is(err, ErrFull) {
			t.Errorf("Flush: %v", err)
		}
		if err := db.Close(); !errors.Is(err, ErrFull) {
			t.Errorf("Close: %v", err)
		}
	})
}

// After a disk error nothing more is written: a later fsync could succeed without what was lost. Reading goes on, and a restart
// finds what was acknowledged.
func TestDiskErrorStopsWriting(t *testing.T) {
	var fault error
	db := openTest(t, Options{beforeCommit: func() error { return fault }})
	mustUpdate(t, db, func(tx *txn) error { return tx.SetSetting("a", []byte("1")) })
	set := func(v string) error {
		return db.update(func(tx *txn) error { return tx.SetSetting("a", []byte(v)) })
	}
	fault = errors.New("passing")
	if err := set("2"); !errors.Is(err, fault) {
		t.Errorf("%v", err)
	}
	fault = nil
	if err := set("3"); err != nil {
		t.Errorf("after a passing error: %v", err)
	}
	fault = &os.PathError{Op: "fdatasync", Path: db.Path(), Err: syscall.EIO}
	if err := set("4"); !errors.Is(err, syscall.EIO) {
		t.Errorf("%v", err)
	}
	fault = nil
	if err := set("5"); !errors.Is(err, ErrBroken) || strings.Contains(err.Error(), "\n") {
		t.Errorf("after a disk error: %v", err)
	}
	if err := db.view(func(tx *txn) error {
		if string(tx.Setting("a")) != "3" {
			t.Errorf("%s", tx.Setting("a"))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := db.Close(); !errors.Is(err, ErrBroken) {
		t.Errorf("Close: %v", err)
	}
	again, err := Open(db.Path(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.update(func(tx *txn) error { return tx.SetSetting("a", []byte("6")) }); err != nil {
		t.Error(err)
	}
}

func TestOptionsBoundReceiptsAndCaches(t *testing.T) {
	db := openTest(t, Options{ReceiptsPerPerson: 1, CacheEntries: 10})
	for i := range 30 {
		mustUpdate(t, db, func(tx *txn) error {
			if err := tx.PutReceipt(1, time.Unix(int64(i), 0), fmt.Append(nil, i)); err != nil {
				return err
			}
			if err := tx.PutCache("other", []byte("k"), []byte("v"), time.Unix(1, 0)); err != nil {
				return err
			}
			return tx.PutCache("c", fmt.Append(nil, i), fmt.Append(nil, i), time.Unix(int64(1000+i), 0))
		})
	}
	_ = db.view(func(tx *txn) error {
		if all, err := tx.Receipts(1, 9); err != nil || len(all) != 1 || string(all[0].JSON) != "29" {
			t.Errorf("%v %v", all, err)
		}
		for i := range 30 {
			if _, ok := tx.Cached("c", fmt.Append(nil, i), time.Unix(0, 0)); ok != (i >= 20) {
				t.Errorf("%d: %v, want the ten youngest", i, ok)
			}
		}
		if _, ok := tx.Cached("other", []byte("k"), time.Unix(0, 0)); !ok {
			t.Error("another cache was cut")
		}
		return nil
	})
	if err := db.Verify(); err != nil {
		t.Error(err)
	}
}

// A cell index does as a sorted set does.
func TestCellIndexIsASortedSet(t *testing.T) {
	db := openTest(t, Options{})
	x := cellIndex{bucket: bSeen, key: 4, width: 6}
	rnd := rand.New(rand.NewPCG(3, 4))
	want := map[string]string{}
	for round := range 60 {
		mustUpdate(t, db, func(tx *txn) error {
			for range 200 {
				e := make([]byte, 6)
				binary.BigEndian.PutUint32(e, uint32(rnd.IntN(4000)))
				if round%3 == 0 { // ascending, as times are
					binary.BigEndian.PutUint32(e, uint32(5000+round*200+rnd.IntN(200)))
				}
				e[4], e[5] = byte(rnd.Uint32()), byte(round)
				_, had := want[string(e[:4])]
				if remove := rnd.IntN(2) == 0 && round%7 != 1 || round%7 == 6; remove {
					gone, err := x.drop(tx, e[:4])
					if err != nil || gone != had {
						t.Fatalf("drop: %v %v, had %v", gone, err, had)
					}
					delete(want, string(e[:4]))
					continue
				}
				added, err := x.put(tx, e)
				if err != nil || added == had {
					t.Fatalf("put: %v %v, had %v", added, err, had)
				}
				want[string(e[:4])] = string(e[4:])
			}
			if round%7 == 6 { // empty whole pages within the transaction
				for i := range uint32(2000) {
					key := binary.BigEndian.AppendUint32(nil, i)
					if _, err := x.drop(tx, key); err != nil {
						t.Fatal(err)
					}
					delete(want, string(key))
				}
			}
			for range 50 {
				key := binary.BigEndian.AppendUint32(nil, uint32(rnd.IntN(20000)))
				got := x.get(tx, key)
				if v, had := want[string(key)]; had != (got != nil) || had && string(got[4:]) != v {
					t.Fatalf("get %x: %x, want %x", key, got, v)
				}
			}
			return nil
		})
		from := binary.BigEndian.AppendUint32(nil, uint32(rnd.IntN(9000)))
		var keys []string
		for k := range want {
			if k >= string(from) {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		var got []string
		_ = db.view(func(tx *txn) error {
			x.scan(tx, from, func(e []byte) bool {
				got = append(got, string(e[:4]))
				return true
			})
			return nil
		})
		if !slices.Equal(got, keys) {
			t.Fatalf("round %d: %d entries, want %d", round, len(got), len(keys))
		}
	}
}

func TestTimesAreKept(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Unix(epoch, 0), time.Unix(epoch-1, 0), time.UnixMilli(epoch*1000 - 1), time.Date(2026, 11, 21, 9, 30, 0, 123e6, time.UTC),
		time.Date(1970, 1, 1, 0, 0, 0, 1e6, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)} {
		r := reader{b: appendTime(nil, at)}
		if got := r.time(); !got.Equal(at) || got.IsZero() != at.IsZero() || r.bad || len(r.b) > 0 {
			t.Errorf("%v came back as %v", at, got)
		}
		for _, near := range []time.Time{{}, time.Unix(epoch, 5e6), at.Add(time.Hour)} {
			r := reader{b: appendTimeNear(nil, at, near)}
			if got := r.timeNear(near); !got.Equal(at) || got.IsZero() != at.IsZero() || r.bad || len(r.b) > 0 {
				t.Errorf("%v near %v came back as %v", at, near, got)
			}
		}
	}
}

func FuzzRefKey(f *testing.F) {
	for _, id := range []string{"", "0", "1", "007", "18446744073709551615", "9999999999999999999", "0035e00000B1xYzAAJ", "0035e00000b1xyzAAJ", "a\x00b", "ü"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		r := reader{b: appendID(nil, id)}
		if got := r.id(); got != id || r.bad {
			t.Errorf("%q came back as %q", id, got)
		}
	})
}

// Whatever bytes a record consists of, reading it gives an error or a record, never a panic or absurd amounts of memory.
func FuzzDecode(f *testing.F) {
	db := openTest(f, Options{})
	var seeds [][]byte
	mustUpdate(f, db, func(tx *txn) error {
		ref := connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "101"}
		p := Person{Contacts: []connectors.Ref{ref}, Events: 1, Extraction: 2, Scoring: 3, Features: []byte("f"), Shown: []byte("s"), Sources: []SourceCount{{"site", 2}}, Verdict: "v", Due: time.Unix(1e9, 0)}
		core, err := tx.appendPerson(nil, &p)
		if err != nil {
			return err
		}
		pending, err := tx.appendPending(nil, &Pending{Patch: connectors.Patch{Ref: ref, Fields: map[string]string{"score": "1", "x": "y"}}, Next: &p, Receipt: []byte("{}")}, []uint32{1})
		if err != nil {
			return err
		}
		dead := appendDead(nil, &Dead{Code: "c", At: time.Unix(1e9, 0)})
		contact := appendContact(nil, &Contact{Person: 1, Inputs: 2, Scored: 3, Own: OwnFields{{Wrote: 1}, {Wrote: 2, Held: true}, {Wrote: 3}}, Modified: time.Unix(1e9, 0)})
		u := unsent{seq: 1, person: 2, token: "t"}
		seeds = [][]byte{core, pending, dead, contact, u.encode(nil), appendEntry(nil, &Entry{Gen: 1}), (&counts{people: 1}).encode(), seal([]byte("{}"))}
		return tx.PutPerson(1, &p)
	})
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = db.view(func(tx *txn) error {
			_, _, _ = split(b)
			_, _ = tx.decodePerson(b)
			_, _ = tx.decodePending(b, nil)
			_, _ = tx.decodeDead(b, b)
			_, _ = decodeContact(b)
			_, _ = decodeUnsent(b)
			_, _ = decodeEntry(queueKey{}, b)
			_, _ = tx.ref(b)
			_, _ = unseal(b)
			_, _ = new(counts).decode(b)
			return nil
		})
		boltpages.Check(bytes.NewReader(b), 4096, func(string, ...any) bool { return true })
	})
}

// A damaged person among the answers of a batch costs that person: the others are committed, and the daemon goes on.
func TestOneDamagedRowCostsOneRow(t *testing.T) {
	db := openTest(t, Options{})
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	var answers []Answer
	ref := func(i int) connectors.Ref {
		return connectors.Ref{CRM: "crm", Object: "contacts", ID: fmt.Sprint(i)}
	}
	mustUpdate(t, db, func(tx *txn) error {
		for i := 1; i <= 9; i++ {
			id, err := tx.NewPerson()
			if err != nil {
				return err
			}
			p := Person{Contacts: []connectors.Ref{ref(i)}, Due: at}
			pd := &Pending{Person: id, Patch: connectors.Patch{Ref: ref(i), Fields: map[string]string{"score": "1.0"}}, Staged: at, Next: &p, Score: -1}
			if err := errors.Join(tx.PutPerson(id, &p), tx.PutContact(ref(i), &Contact{Person: id}), tx.Stage(pd)); err != nil {
				return err
			}
			answers = append(answers, Answer{Ref: ref(i), Seq: pd.Seq})
		}
		return nil
	})
	damage := func(in bucketID, key, value []byte) {
		t.Helper()
		if err := db.e.Update(func(tx engine.Tx) error { return tx.Put(in, key, value) }); err != nil {
			t.Fatal(err)
		}
	}
	damage(bPeople, personKey(nil, 3), []byte{0, 1, 2, 3, 4, 0xff})
	var key []byte
	_ = db.view(func(tx *txn) (err error) { key, _, err = tx.refKey(nil, ref(5), false); return err })
	damage(bContacts, key, []byte{0xff})
	damage(bJournal, journalKey(nil, key[:1], 7), []byte{0xff, 0xff})

	// Due: the damaged one does not keep the others from the queue.
	if n, err := db.EnqueueDue(at.Add(time.Hour), 100); err != nil || n != 9 {
		t.Fatalf("due: %d, %v", n, err)
	}
	// The journal: what cannot be read goes, is counted, and its person is a dead letter.
	rows, _, damagedRows, err := db.Rows("crm", "contacts", 0, 100)
	if err != nil || len(rows) != 8 || damagedRows != 1 {
		t.Fatalf("rows: %d, %d damaged, %v", len(rows), damagedRows, err)
	}
	sum, err := db.Acknowledge(answers, 1, "2026-11-21", at)
	if err != nil {
		t.Fatalf("one damaged record fails all: %v", err)
	}
	if sum.Written != 6 || sum.Damaged != 2 || sum.Superseded != 1 {
		t.Errorf("%+v, want 6 written, 2 damaged, and the one that the journal lost", sum)
	}
	if n := db.JournalDepth(); n != 0 {
		t.Errorf("%d patches left in the journal", n)
	}
	if n := db.DeadCount(); n != 3 {
		t.Errorf("%d dead letters, want one for each damaged row", n)
	}
}

// Files of before tiers and held fields were counted are counted when opened.
func TestInvariant10CountsOfAnOlderFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	ref := connectors.Ref{CRM: "crm", Object: "contacts", ID: "1"}
	mustUpdate(t, db, func(tx *txn) error {
		id, err := tx.NewPerson()
		if err != nil {
			return err
		}
		return errors.Join(tx.PutPerson(id, &Person{Contacts: []connectors.Ref{ref}, Shown: []byte{1, 1 | 3<<1, 0}}), tx.PutContact(ref, &Contact{Person: id, Own: OwnFields{{Held: true}, {Held: true}}}))
	})
	mustUpdate(t, db, func(tx *txn) error {
		var old []byte
		old = binary.AppendUvarint(old, countsBefore)
		for _, v := range tx.w.counts.fields()[:countsBefore] {
			old = binary.AppendVarint(old, *v)
		}
		v := bytes.Clone(tx.get(bPeople, personKey(nil, 1)))
		v[2] &= flagBits // no tier was stored
		return errors.Join(tx.put(bPeople, personKey(nil, 1), v), tx.put(bMeta, countsKey, old))
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(path, Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if s := db.Stats(); s.Tiers[4] != 1 || s.Held != 1 || s.People != 1 {
		t.Errorf("%+v", s)
	}
	if err := db.view(func(tx *txn) error {
		p, _, err := tx.Person(1)
		if p.Tier != 4 {
			t.Errorf("tier %d, want the one that Shown tells", p.Tier)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Verify(); err != nil {
		t.Error(err)
	}
}

// A sweep's comparison shares its commit with a call that fails: what it missed is asked for all the same.
func TestWhatASweepMissedIsAskedForWhateverANeighbourDoes(t *testing.T) {
	db := openTest(t, Options{})
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	page := RecordPage{Feed: "poll", Lane: Live, Rules: &IdentityRules{}, Now: at}
	for i := range 30 {
		page.Records = append(page.Records, connectors.Contact{Ref: connectors.Ref{CRM: "crm", Object: "contacts", ID: fmt.Sprint(100 + i)}})
	}
	if _, err := db.TakeRecords(page); err != nil {
		t.Fatal(err)
	}
	sweep, err := db.BeginSweep("crm", at.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	hold, holding := make(chan struct{}), make(chan struct{})
	go func() {
		_ = db.update(func(*txn) error { close(holding); <-hold; return nil })
	}()
	<-holding
	bad := make(chan error, 1)
	missed := make(chan int, 1)
	go func() {
		_, n, _ := db.CompareSwept(sweep, []string{"contacts"}, 100, at)
		missed <- n
	}()
	go func() {
		bad <- db.update(func(tx *txn) error {
			return errors.Join(tx.SetSetting("x", []byte("y")), errors.New("a neighbour fails after it wrote"))
		})
	}()
	for waiting := 0; waiting < 2; runtime.Gosched() { // both wait for the commit under way
		db.group.mu.Lock()
		waiting = len(db.group.calls)
		db.group.mu.Unlock()
	}
	close(hold)
	if n, err := <-missed, <-bad; n != 30 || err == nil {
		t.Errorf("30 records were missed by the sweep, %d people are asked for", n)
	}
}
