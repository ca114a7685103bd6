package state

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
)

var errTest = errors.New("a reason of the caller's own")

var transactions = []promise{
	{"an update that fails changes nothing", func(s *suite) {
		id, ref := s.person("1")
		err := s.db.update(func(tx *txn) error {
			for _, err := range []error{
				tx.DeletePerson(id), tx.SetSetting("a", []byte("b")), tx.Enqueue(9, Live, 1, now), tx.Stage(&Pending{Patch: patch(ref, "x")}),
				tx.PutContact(connectors.Ref{CRM: "unheard of", Object: "o", ID: "1"}, &Contact{}), tx.PutCache("c", []byte("k"), nil, now),
			} {
				if err != nil {
					s.Error(err)
				}
			}
			return errTest
		})
		if !errors.Is(err, errTest) {
			s.Errorf("%v", err)
		}
		st := s.db.Stats()
		if st.People != 1 || st.Contacts != 1 || st.Queue != [Lanes]int{} || st.Journal != 0 {
			s.Errorf("%+v", st)
		}
		s.verify()
	}},
	{"of many at once, those that fail are left out and told so, the others are kept", func(s *suite) {
		const n = 200
		var wg sync.WaitGroup
		var wrong atomic.Int64
		for i := range n {
			wg.Go(func() {
				err := s.db.update(func(tx *txn) error {
					if i%10 == 3 { // fails without having written
						return fmt.Errorf("%d: %w", i, errTest)
					}
					if err := tx.SetSetting(fmt.Sprint(i), []byte{1}); err != nil {
						return err
					}
					id, err := tx.NewPerson()
					if err != nil {
						return err
					}
					if err := tx.PutPerson(id, &Person{}); err != nil {
						return err
					}
					if i%10 == 7 { // fails after it
						return fmt.Errorf("%d: %w", i, errTest)
					}
					return nil
				})
				fails := i%10 == 3 || i%10 == 7
				if fails != errors.Is(err, errTest) || !fails && err != nil || fails && err.Error() != fmt.Sprintf("%d: %v", i, errTest) {
					wrong.Add(1)
				}
			})
		}
		wg.Wait()
		if wrong.Load() > 0 {
			s.Errorf("%d callers got a wrong error", wrong.Load())
		}
		s.reopen()
		s.view(func(tx *txn) error {
			for i := range n {
				if there := tx.Setting(fmt.Sprint(i)) != nil; there == (i%10 == 3 || i%10 == 7) {
					s.Errorf("%d: %v", i, there)
				}
			}
			return nil
		})
		if p := s.db.Stats().People; p != n*8/10 {
			s.Errorf("%d people", p)
		}
		s.verify()
	}},
	{"concurrent updates see one another's effects, none is lost", func(s *suite) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 25 {
					err := s.db.update(func(tx *txn) error {
						v := append(tx.Setting("list"), 1)
						return tx.SetSetting("list", v)
					})
					if err != nil {
						s.Error(err)
					}
				}
			})
		}
		wg.Wait()
		s.view(func(tx *txn) error {
			if n := len(tx.Setting("list")); n != 200 {
				s.Errorf("%d of 200", n)
			}
			return nil
		})
		if st := s.db.Stats(); st.Calls != 200 || st.Commits > st.Calls {
			s.Errorf("%+v", st)
		}
	}},
	{"a panic goes to its own caller, the others are kept", func(s *suite) {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				defer func() {
					if p := recover(); (p != nil) != (i%5 == 0) {
						s.Errorf("%d: %v", i, p)
					}
				}()
				if err := s.db.update(func(tx *txn) error {
					if err := tx.SetSetting(fmt.Sprint(i), []byte{1}); err != nil {
						return err
					}
					if i%5 == 0 {
						panic("a bug of the caller's")
					}
					return nil
				}); err != nil {
					s.Error(err)
				}
			})
		}
		wg.Wait()
		s.view(func(tx *txn) error {
			for i := range 20 {
				if there := tx.Setting(fmt.Sprint(i)) != nil; there != (i%5 != 0) {
					s.Errorf("%d: %v", i, there)
				}
			}
			return nil
		})
	}},
	{"a view cannot write", func(s *suite) {
		id, ref := s.person("1")
		other, _ := s.person("2")
		s.update(func(tx *txn) error { // so that each of the writes would change something
			for _, err := range []error{tx.PutContact(ref, &Contact{Person: id}), tx.SetIdentity(LinkEmail, "a", id), tx.Enqueue(id, Live, ReasonNew, now), tx.Stage(&Pending{Person: id, Patch: patch(ref, "x")}),
				tx.PutDead(&Dead{Person: id, Ref: ref, At: now}), tx.PutReceipt(id, after(-time.Hour), []byte("{}")), tx.PutCache("c", []byte("k"), nil, after(-time.Hour)), tx.PutJob("j", nil)} {
				if err != nil {
					return err
				}
			}
			return nil
		})
		held, _ := s.queued(id)
		s.view(func(tx *txn) error {
			_, newErr := tx.NewPerson()
			_, doneErr := tx.Done(held)
			_, purgeErr := tx.PurgeReceipts(now, 1)
			_, cacheErr := tx.PurgeCache("c", now, 1)
			for i, err := range []error{newErr, doneErr, purgeErr, cacheErr, tx.PutPerson(id, &Person{}), tx.DeletePerson(id), tx.PutContact(ref, &Contact{}), tx.DeleteContact(ref),
				tx.SetIdentity(LinkEmail, "a", other), tx.DropIdentity(LinkEmail, "a"), tx.PutLinks(id, []Link{{Value: "a"}}), tx.Enqueue(id, 0, 0, now), tx.Release(held, 0, now, 0),
				tx.Stage(&Pending{Patch: patch(ref, "x")}), tx.DropPending(ref), tx.Void(ref, 1, now), tx.PutDead(&Dead{Person: id}), tx.DropDead(id, ref), tx.PutReceipt(id, now, []byte("{}")),
				tx.PutCache("c", nil, nil, now), tx.PutAnswer(id, 1, nil), tx.AddHistory(id, HistoryPoint{}), tx.PutVerdict(id, VerdictAt{Verdict: "", At: now}), tx.AddUsage("d", Usage{}), tx.Bury(1, "a", now), tx.BuryRef(ref, now),
				tx.PutRun(Run{Name: "a"}), tx.MarkMet("s", []connectors.Ref{ref}), tx.PutJob("j", nil), tx.DropJob("j"), tx.SetSetting("a", []byte{1}), tx.SetCursor("a", []byte{1}), tx.Bind("c", "1"),
				tx.PutDeal(ref, nil), tx.putLearned(&Learned{}), tx.MoveIdentities(id, other)} {
				if err == nil {
					s.Errorf("write %d went through", i)
				}
			}
			return nil
		})
		s.verify()
	}},
	{"what is read stays as it was read", func(s *suite) {
		id, ref := s.person("1")
		p := whole(ref)
		s.update(func(tx *txn) error {
			for _, err := range []error{tx.PutPerson(id, &p), tx.SetSetting("a", []byte("setting")), tx.PutReceipt(id, now, []byte(`{"a":1}`)), tx.PutCache("c", []byte("k"), []byte("cached"), after(time.Hour))} {
				if err != nil {
					return err
				}
			}
			return nil
		})
		var setting, cached, receipt []byte
		var got Person
		s.view(func(tx *txn) (err error) {
			setting = tx.Setting("a")
			cached, _ = tx.Cached("c", []byte("k"), now)
			receipt, _, _ = tx.Receipt(id)
			got, _, err = tx.Person(id)
			return err
		})
		for _, b := range [][]byte{setting, cached, receipt, got.Features, got.Shown} {
			for i := range b {
				b[i] ^= 0xff // would fault, or change the state, if it pointed into the file
			}
		}
		s.view(func(tx *txn) error {
			again, _, err := tx.Person(id)
			if err != nil || !bytes.Equal(again.Features, p.Features) || string(tx.Setting("a")) != "setting" {
				s.Errorf("changed from outside: %v", err)
			}
			return nil
		})
	}},
	{"later is on disk after a flush", func(s *suite) {
		for i := range 10 {
			s.db.updateLater(func(tx *txn) error { return tx.SetSetting(fmt.Sprint(i), []byte{1}) })
		}
		if err := s.db.Flush(); err != nil {
			s.Fatal(err)
		}
		s.db.updateLater(func(tx *txn) error { return tx.SetSetting("last", []byte{1}) })
		s.reopen() // closing flushes, too
		s.view(func(tx *txn) error {
			for i := range 10 {
				if tx.Setting(fmt.Sprint(i)) == nil {
					s.Errorf("%d is lost", i)
				}
			}
			if tx.Setting("last") == nil {
				s.Error("what Close should have flushed is lost")
			}
			return nil
		})
	}},
	{"an error of later is counted and concerns no caller", func(s *suite) {
		s.db.updateLater(func(tx *txn) error {
			_ = tx.SetSetting("a", []byte{1})
			return errTest
		})
		s.db.updateLater(func(tx *txn) error { return tx.SetSetting("b", []byte{1}) })
		if err := s.db.update(func(tx *txn) error { return tx.SetSetting("c", []byte{1}) }); err != nil {
			s.Errorf("somebody else got it: %v", err)
		}
		if err := s.db.Flush(); err != nil {
			s.Errorf("the flush got it: %v", err)
		}
		for range 100 {
			s.db.updateLater(func(*txn) error { return errTest })
		}
		if err := s.db.Flush(); err != nil {
			s.Errorf("the flush got it: %v", err)
		}
		if st := s.db.Stats(); st.LaterFailed != 101 || st.LaterError != errTest.Error() {
			s.Errorf("%d counted, the last as %q; want 101 of %q, told once", st.LaterFailed, st.LaterError, errTest)
		}
		s.view(func(tx *txn) error {
			if tx.Setting("a") != nil || tx.Setting("b") == nil || tx.Setting("c") == nil {
				s.Error("kept the wrong ones")
			}
			return nil
		})
	}},
	{"what is closed says so", func(s *suite) {
		path := s.db.Path()
		if err := s.db.Close(); err != nil {
			s.Fatal(err)
		}
		_, claimErr := s.db.Claim(now, 1)
		_, backupErr := s.db.Backup(&bytes.Buffer{})
		for i, err := range []error{
			s.db.update(func(*txn) error { return nil }), s.db.view(func(*txn) error { return nil }), s.db.Flush(), s.db.Compact(), s.db.Verify(), claimErr, backupErr,
			s.db.BackupFile(filepath.Join(s.TempDir(), "b")),
		} {
			if !errors.Is(err, ErrClosed) {
				s.Errorf("%d: %v", i, err)
			}
		}
		s.db.updateLater(func(*txn) error { s.Error("ran"); return nil })
		s.db.Unclaim(Entry{Person: 1})
		s.db.QueueDepth()
		s.db.NextReady(now)
		if err := s.db.Close(); err != nil {
			s.Errorf("closing again: %v", err)
		}
		if s.db.Stats().Path != path {
			s.Error("path")
		}
	}},
}
