package state

import (
	"fmt"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

var documents = []promise{
	{"the newest receipts of a person are kept, whatever the clock does", func(s *suite) {
		at := func(i int) time.Time { return after(time.Duration(-i) * time.Hour) } // the clock goes back
		for i := range 6 {
			s.update(func(tx *txn) error {
				if err := tx.PutReceipt(2, at(i), []byte(`"other"`)); err != nil {
					return err
				}
				return tx.PutReceipt(1, at(i), fmt.Appendf(nil, `{"n":%d}`, i))
			})
		}
		s.reopen()
		s.view(func(tx *txn) error {
			json, t, err := tx.Receipt(1)
			if err != nil || string(json) != `{"n":5}` || !t.Equal(at(5)) {
				s.Errorf("%s %v %v", json, t, err)
			}
			all, err := tx.Receipts(1, 9)
			if err != nil || len(all) != 3 || string(all[0].JSON) != `{"n":5}` || string(all[2].JSON) != `{"n":3}` || !all[2].At.Equal(at(3)) {
				s.Errorf("%v %v", all, err)
			}
			if two, err := tx.Receipts(1, 2); err != nil || len(two) != 2 {
				s.Errorf("%v %v", two, err)
			}
			if json, _, err := tx.Receipt(3); json != nil || err != nil {
				s.Errorf("%s %v", json, err)
			}
			return nil
		})
		if n := s.db.Stats().Receipts; n != 6 {
			s.Errorf("%d receipts", n)
		}
		s.verify()
	}},
	{"old receipts are purged, a few at a time", func(s *suite) {
		s.update(func(tx *txn) error {
			for id := PersonID(1); id <= 20; id++ {
				for i := range 2 { // one at id hours, one a second part later, of the same second
					if err := tx.PutReceipt(id, after(time.Duration(id)*time.Hour+time.Duration(i)*time.Millisecond*100), []byte(`{}`)); err != nil {
						return err
					}
				}
			}
			return tx.PutReceipt(5, after(100*time.Hour), []byte(`{"new":true}`))
		})
		total, calls := 0, 0
		for {
			var n int
			s.update(func(tx *txn) (err error) {
				n, err = tx.PurgeReceipts(after(10*time.Hour+30*time.Minute), 4)
				return err
			})
			if n == 0 {
				break
			}
			total, calls = total+n, calls+1
		}
		if total != 20 || calls < 3 {
			s.Errorf("%d purged in %d calls", total, calls)
		}
		s.view(func(tx *txn) error {
			for id := PersonID(1); id <= 20; id++ {
				all, err := tx.Receipts(id, 9)
				want := 0
				if id == 5 {
					want = 1
				} else if id > 10 {
					want = 2
				}
				if err != nil || len(all) != want {
					s.Errorf("%d has %d receipts, want %d (%v)", id, len(all), want, err)
				}
			}
			return nil
		})
		s.verify()
	}},
	{"a cache forgets what has expired", func(s *suite) {
		get := func(cache, key string, at time.Time) (v []byte, ok bool) {
			s.view(func(tx *txn) error { v, ok = tx.Cached(cache, []byte(key), at); return nil })
			return v, ok
		}
		s.update(func(tx *txn) error {
			for i := range 10 {
				if err := tx.PutCache("stage1", fmt.Append(nil, i), fmt.Append(nil, "v", i), after(time.Duration(i)*time.Hour)); err != nil {
					return err
				}
			}
			return tx.PutCache("topics", []byte("3"), []byte("other"), after(time.Hour))
		})
		if v, ok := get("stage1", "3", after(3*time.Hour-time.Second)); !ok || string(v) != "v3" {
			s.Errorf("%s %v", v, ok)
		}
		if _, ok := get("stage1", "3", after(3*time.Hour)); ok {
			s.Error("expired, and still there")
		}
		if v, _ := get("topics", "3", now); string(v) != "other" {
			s.Error("caches mix")
		}
		s.update(func(tx *txn) error { // a new value has a new life
			return tx.PutCache("stage1", []byte("3"), []byte("again"), after(100*time.Hour))
		})
		purged := 0
		for {
			var n int
			s.update(func(tx *txn) (err error) { n, err = tx.PurgeCache("stage1", after(5*time.Hour), 2); return err })
			if n == 0 {
				break
			}
			purged += n
		}
		if v, _ := get("stage1", "3", now); purged != 5 || string(v) != "again" {
			s.Errorf("%d purged, then %q", purged, v)
		}
		if _, ok := get("stage1", "2", now); ok {
			s.Error("purged, and still there")
		}
		s.verify()
	}},
	{"the last answer is given to the same inputs only", func(s *suite) {
		s.update(func(tx *txn) error {
			if err := tx.PutAnswer(1, 10, []byte("old")); err != nil {
				return err
			}
			return tx.PutAnswer(1, 11, []byte("new"))
		})
		s.view(func(tx *txn) error {
			if v, ok := tx.Answer(1, 11); !ok || string(v) != "new" {
				s.Errorf("%s %v", v, ok)
			}
			if _, ok := tx.Answer(1, 10); ok {
				s.Error("an answer to other inputs")
			}
			if _, ok := tx.Answer(2, 11); ok {
				s.Error("somebody else's answer")
			}
			return nil
		})
	}},
	{"history is in order and bounded", func(s *suite) {
		s.update(func(tx *txn) error {
			for i := range 100 {
				if err := tx.AddHistory(1, HistoryPoint{At: after(time.Duration(i) * time.Hour), Score: int32(i - 1), Tier: uint8(i % 4)}); err != nil {
					return err
				}
			}
			// Those of a merged person come late and belong in between, or are too old.
			if err := tx.AddHistory(1, HistoryPoint{At: after(90*time.Hour + time.Minute), Score: 1000, Tier: 3}); err != nil {
				return err
			}
			return tx.AddHistory(1, HistoryPoint{At: now, Score: 5})
		})
		s.view(func(tx *txn) error {
			got := tx.History(1)
			if len(got) != 64 || !slices.IsSortedFunc(got, func(a, b HistoryPoint) int { return a.At.Compare(b.At) }) {
				s.Fatalf("%d points: %v", len(got), got)
			}
			if got[0] != (HistoryPoint{At: after(37 * time.Hour), Score: 36, Tier: 1}) || got[54].Score != 1000 || got[63].Score != 98 {
				s.Errorf("%v", got)
			}
			if len(tx.History(2)) != 0 {
				s.Error("somebody else's")
			}
			return nil
		})
	}},
	{"verdicts are kept with their time", func(s *suite) {
		s.update(func(tx *txn) error {
			if err := tx.PutVerdict(1, VerdictAt{Verdict: "interested", At: after(time.Hour)}); err != nil {
				return err
			}
			return tx.PutVerdict(1, VerdictAt{Verdict: "not_now", At: now})
		})
		s.view(func(tx *txn) error {
			got := tx.Verdicts(1)
			if len(got) != 2 || got[0].Verdict != "not_now" || !got[0].At.Equal(now) || got[1].Verdict != "interested" || !got[1].At.Equal(after(time.Hour)) {
				s.Errorf("%v", got)
			}
			return nil
		})
	}},
	{"deals stay until replaced", func(s *suite) {
		ref := func(i int) connectors.Ref { return connectors.Ref{CRM: "hubspot", Object: "deals", ID: fmt.Sprint(i)} }
		s.update(func(tx *txn) error {
			for i := range 5 {
				if err := tx.PutDeal(ref(i+1), fmt.Append(nil, i)); err != nil {
					return err
				}
			}
			return tx.DropDeal(ref(2))
		})
		s.reopen()
		s.view(func(tx *txn) error {
			first, next, err := tx.Deals("hubspot", "deals", "", 3)
			if err != nil || len(first) != 3 || string(first[ref(3)]) != "2" || next == "" {
				s.Errorf("%v %q %v", first, next, err)
			}
			if rest, next, err := tx.Deals("hubspot", "deals", next, 3); err != nil || len(rest) != 1 || next != "" {
				s.Errorf("%v %q %v", rest, next, err)
			}
			return nil
		})
	}},
}
