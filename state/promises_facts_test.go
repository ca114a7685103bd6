package state

import (
	"bytes"
	"time"

	"github.com/intentd/intentd/connectors"
)

var facts = []promise{
	{"the secret is made once and stays", func(s *suite) {
		read := func() []byte { return s.db.Secret() }
		first := read()
		if len(first) != 32 || bytes.Equal(first, make([]byte, 32)) {
			s.Fatalf("%d bytes", len(first))
		}
		first[0]++ // a copy
		second := read()
		s.reopen()
		if third := read(); bytes.Equal(first, second) || !bytes.Equal(second, third) {
			s.Error("the secret changed")
		}
	}},
	// Invariant 4: state belongs to one portal or org.
	{"a CRM is bound to one account", func(s *suite) {
		s.update(func(tx *txn) error {
			if _, ok := tx.Binding("hubspot"); ok {
				s.Error("bound before anybody did")
			}
			if err := tx.Bind("hubspot", "1"); err != nil {
				return err
			}
			return tx.Bind("hubspot", "1")
		})
		if err := s.db.update(func(tx *txn) error { return tx.Bind("hubspot", "2") }); err == nil {
			s.Error("bound to a second account")
		}
		s.reopen()
		s.view(func(tx *txn) error {
			if account, ok := tx.Binding("hubspot"); account != "1" || !ok {
				s.Errorf("%q %v", account, ok)
			}
			return nil
		})
	}},
	{"settings and cursors stay until removed", func(s *suite) {
		s.update(func(tx *txn) error {
			if tx.Setting("a") != nil || tx.Cursor("a") != nil {
				s.Error("there before it was set")
			}
			if err := tx.SetSetting("a", []byte("1")); err != nil {
				return err
			}
			if err := tx.SetSetting("empty", []byte{}); err != nil {
				return err
			}
			return tx.SetCursor("a", connectors.Cursor("2"))
		})
		s.reopen()
		s.update(func(tx *txn) error {
			if string(tx.Setting("a")) != "1" || string(tx.Cursor("a")) != "2" || tx.Setting("empty") == nil {
				s.Error("lost")
			}
			if err := tx.SetSetting("a", nil); err != nil {
				return err
			}
			if err := tx.SetCursor("a", nil); err != nil {
				return err
			}
			if tx.Setting("a") != nil || tx.Cursor("a") != nil {
				s.Error("there after it was removed")
			}
			return nil
		})
	}},
	{"usage adds up by day", func(s *suite) {
		u := Usage{Model: map[string]connectors.Usage{"stage1": {Calls: 1, In: 10, MicroUSD: 5}}, Calls: map[string]int64{"hubspot": 2}, Written: 3, People: 4, Degraded: 1}
		s.update(func(tx *txn) error {
			for _, day := range []string{"2026-11-20", "2026-11-21", "2026-11-21"} {
				if err := tx.AddUsage(day, u); err != nil {
					return err
				}
			}
			return tx.AddUsage("2026-11-21", Usage{Model: map[string]connectors.Usage{"stage2": {Calls: 7}}})
		})
		s.reopen()
		s.view(func(tx *txn) error {
			got, err := tx.Usage("2026-11-21")
			if err != nil || got.Model["stage1"] != (connectors.Usage{Calls: 2, In: 20, MicroUSD: 10}) || got.Model["stage2"].Calls != 7 || got.Calls["hubspot"] != 4 ||
				got.Written != 6 || got.People != 8 || got.Degraded != 2 {
				s.Errorf("%+v %v", got, err)
			}
			if none, err := tx.Usage("2026-11-19"); err != nil || none.Written != 0 {
				s.Errorf("%+v %v", none, err)
			}
			if days := tx.UsageDays(1); len(days) != 1 || days[0].Day != "2026-11-21" || days[0].Written != 6 {
				s.Errorf("%+v", days)
			}
			if days := tx.UsageDays(9); len(days) != 2 || days[1].Day != "2026-11-20" {
				s.Errorf("%+v", days)
			}
			return nil
		})
	}},
	{"runs are kept one a name", func(s *suite) {
		s.update(func(tx *txn) error {
			for _, r := range []Run{{Name: "sweep", Items: 1}, {Name: "learn"}, {Name: "sweep", Last: now, Good: now, Error: "no", Duration: time.Second, Items: 2}} {
				if err := tx.PutRun(r); err != nil {
					return err
				}
			}
			return nil
		})
		s.view(func(tx *txn) error {
			runs, err := tx.Runs()
			if err != nil || len(runs) != 2 || runs[1] != (Run{Name: "sweep", Last: now, Good: now, Error: "no", Duration: time.Second, Items: 2}) {
				s.Errorf("%+v %v", runs, err)
			}
			return nil
		})
	}},
	{"jobs stay until dropped", func(s *suite) {
		s.update(func(tx *txn) error { return tx.PutJob("forget", []byte("{}")) })
		s.reopen()
		s.update(func(tx *txn) error {
			jobs, err := tx.Jobs()
			if err != nil || len(jobs) != 1 || string(jobs["forget"]) != "{}" {
				s.Errorf("%v %v", jobs, err)
			}
			return tx.DropJob("forget")
		})
		s.view(func(tx *txn) error {
			if jobs, err := tx.Jobs(); err != nil || len(jobs) != 0 {
				s.Errorf("%v %v", jobs, err)
			}
			return nil
		})
	}},
	{"a sweep remembers whom it has met", func(s *suite) {
		refs := make([]connectors.Ref, 25)
		for i := range refs {
			refs[i] = connectors.Ref{CRM: "hubspot", Object: "contacts", ID: string(rune('a' + i))}
		}
		s.update(func(tx *txn) error {
			if err := tx.MarkMet("one", refs[:20]); err != nil {
				return err
			}
			return tx.MarkMet("two", refs[:5])
		})
		s.update(func(tx *txn) error {
			for i, ref := range refs {
				if tx.Met("one", ref) != (i < 20) || tx.Met("two", ref) != (i < 5) || tx.Met("three", ref) {
					s.Errorf("%d: %v %v", i, tx.Met("one", ref), tx.Met("two", ref))
				}
			}
			calls := 0
			for more := true; more; calls++ {
				var err error
				if more, err = tx.DropMet("one", 8); err != nil {
					return err
				}
			}
			if calls != 3 || tx.Met("one", refs[0]) || !tx.Met("two", refs[0]) {
				s.Errorf("after %d calls: %v %v", calls, tx.Met("one", refs[0]), tx.Met("two", refs[0]))
			}
			return nil
		})
	}},
	{"the buried are known again by value, and by nothing else", func(s *suite) {
		ref := connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "1"}
		s.update(func(tx *txn) error {
			if err := tx.Bury(LinkEmail, "a@example.com", now); err != nil {
				return err
			}
			return tx.BuryRef(ref, now)
		})
		s.reopen()
		s.view(func(tx *txn) error {
			if !tx.Buried(LinkEmail, "a@example.com") || tx.Buried(LinkUserID, "a@example.com") || tx.Buried(LinkEmail, "b@example.com") {
				s.Error("values")
			}
			if !tx.BuriedRef(ref) || tx.BuriedRef(connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "2"}) {
				s.Error("refs")
			}
			return nil
		})
	}},
}
