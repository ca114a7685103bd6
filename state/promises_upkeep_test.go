package state

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/intentd/intentd/connectors"
)

// churn writes and reads until stop is closed, and returns how many people it has entered.
func (s *suite) churn(stop <-chan struct{}) (entered int) {
	for {
		select {
		case <-stop:
			return entered
		default:
		}
		if err := s.db.update(func(tx *txn) error {
			id, err := tx.NewPerson()
			if err != nil {
				return err
			}
			ref := connectors.Ref{CRM: "hubspot", Object: "contacts", ID: fmt.Sprint(id)}
			if err := tx.PutPerson(id, &Person{Contacts: []connectors.Ref{ref}, Due: after(0)}); err != nil {
				return err
			}
			if err := tx.PutContact(ref, &Contact{Person: id}); err != nil {
				return err
			}
			return tx.Enqueue(id, Live, ReasonNew, now)
		}); err != nil {
			s.Error(err)
			return entered
		}
		entered++
		if _, err := s.db.Claim(now, 1); err != nil {
			s.Error(err)
		}
	}
}

// whileChurning does something while eight others write and read, and checks that nothing of theirs was lost.
func (s *suite) whileChurning(do func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 8 {
		wg.Go(func() {
			n := s.churn(stop)
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	do()
	close(stop)
	wg.Wait()
	if got := s.db.Stats(); got.People != total || got.Contacts != total || got.Queue[Live] != total {
		s.Errorf("%d people entered, there are %+v", total, got)
	}
	s.verify()
	s.reopen()
	s.verify()
	if got := s.db.Stats().People; got != total {
		s.Errorf("%d people entered, after opening again %d", total, got)
	}
}

var upkeep = []promise{
	{"compaction under load loses nothing and gives room back", func(s *suite) {
		s.update(func(tx *txn) error {
			for i := range 300 {
				if err := tx.PutJob(fmt.Sprint(i), bytes.Repeat([]byte("x"), 10_000)); err != nil {
					return err
				}
			}
			return nil
		})
		s.update(func(tx *txn) error {
			for i := range 300 {
				if err := tx.DropJob(fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		})
		before := s.db.Stats().FileBytes
		s.whileChurning(func() {
			for range 3 {
				if err := s.db.Compact(); err != nil {
					s.Error(err)
				}
			}
		})
		if err := s.db.Compact(); err != nil {
			s.Fatal(err)
		}
		if now := s.db.Stats().FileBytes; now > before/2 {
			s.Errorf("%d bytes before, %d after", before, now)
		}
	}},
	{"a backup taken under load is a whole state of its own", func(s *suite) {
		dir := s.TempDir()
		var files []string
		s.whileChurning(func() {
			for i := range 3 {
				path := filepath.Join(dir, fmt.Sprint(i))
				files = append(files, path)
				if err := s.db.BackupFile(path); err != nil {
					s.Error(err)
				}
			}
		})
		last := -1
		for _, path := range files {
			info, err := os.Stat(path)
			if err != nil {
				s.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				s.Errorf("mode %v", info.Mode())
			}
			b, err := Open(path, Options{})
			if err != nil {
				s.Fatal(err)
			}
			if err := b.Verify(); err != nil {
				s.Error(err)
			}
			if n := b.Stats().People; n < last {
				s.Errorf("%d people, %d in an earlier backup", n, last)
			} else {
				last = n
			}
			if err := b.Close(); err != nil {
				s.Error(err)
			}
		}
		if err := s.db.BackupFile(files[0]); err == nil {
			s.Error("overwrote a backup")
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != len(files) {
			s.Errorf("%v %v: something was left behind", left, err)
		}
		var buf bytes.Buffer
		if n, err := s.db.Backup(&buf); err != nil || n != int64(buf.Len()) || n == 0 {
			s.Errorf("%d %d %v", n, buf.Len(), err)
		}
	}},
	{"sizes and stats tell what is there", func(s *suite) {
		id, _ := s.person("1")
		s.update(func(tx *txn) error { return tx.PutReceipt(id, now, []byte("{}")) })
		sizes, err := s.db.Sizes()
		if err != nil || sizes["people"].Pairs != 1 || sizes["people"].Used == 0 || sizes["receipts"].Pairs != 1 {
			s.Errorf("%+v %v", sizes, err)
		}
		if st := s.db.Stats(); st.FileBytes == 0 || st.People != 1 || st.Contacts != 1 || st.Receipts != 1 || st.Path != s.db.Path() {
			s.Errorf("%+v", st)
		}
	}},
}
