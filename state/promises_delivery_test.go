package state

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// staged makes n people with a record and a patch each.
func (s *suite) staged(n int) (ids []PersonID, patches []*Pending) {
	s.Helper()
	for i := range n {
		id, ref := s.person(fmt.Sprint(i + 1))
		ids = append(ids, id)
		patches = append(patches, s.stage(&Pending{Person: id, Patch: patch(ref, "x"), Staged: now, Bulk: true, Inputs: 9, Score: 640,
			Next: &Person{Contacts: []connectors.Ref{ref}, Shown: []byte("shown"), Tier: 4}, Receipt: []byte(`{"a":1}`)}))
	}
	return ids, patches
}

func (s *suite) queued(id PersonID) (e Entry, ok bool) {
	s.view(func(tx *txn) error { e, ok = tx.Queued(id); return nil })
	return e, ok
}

func (s *suite) letters(id PersonID) (d []Dead) {
	s.view(func(tx *txn) (err error) { d, err = tx.DeadOf(id); return err })
	return d
}

var refusedOnce = &connectors.Error{Kind: connectors.Rejected, Op: "crm: write", Code: "RULE", Message: "a rule says no"}

var deliveries = []promise{
	// Invariant 3.
	{"what a CRM took becomes true with its answer, not before", func(s *suite) {
		ids, patches := s.staged(1)
		ref := patches[0].Patch.Ref
		check := func(written bool) {
			s.view(func(tx *txn) error {
				p, _, err := tx.Person(ids[0])
				c, _, _ := tx.Contact(ref)
				r, _, _ := tx.Receipt(ids[0])
				if got := len(p.Shown) > 0; got != written || (c.WroteAt.IsZero()) == written || (r != nil) != written || (len(tx.History(ids[0])) == 1) != written || (c.Scored == 9) != written {
					s.Errorf("written %v: %+v %+v", written, p, c)
				}
				return err
			})
			if n := s.db.Stats().Tiers[4]; (n == 1) != written {
				s.Errorf("written %v: %d people of the tier", written, n)
			}
		}
		check(false)
		s.answer(ref, patches[0].Seq, nil)
		check(true)
		s.verify()
	}},
	{"a refused patch leaves a letter and comes again after growing pauses, until it is taken", func(s *suite) {
		ids, patches := s.staged(1)
		ref, seq := patches[0].Patch.Ref, patches[0].Seq
		var last time.Duration
		for i := range 6 {
			if sum := s.answer(ref, seq, refusedOnce); sum.Rejected != 1 {
				s.Fatalf("%+v", sum)
			}
			d := s.letters(ids[0])
			if len(d) != 1 || d[0].Attempts != i+1 || d[0].Code != "RULE" || d[0].Wanted != PatchHash(patches[0].Patch.Fields) {
				s.Fatalf("%+v", d)
			}
			pause := d[0].Next.Sub(now)
			if pause < last || pause > 24*time.Hour {
				s.Errorf("pause %s after %s", pause, last)
			}
			last = pause
			if e, ok := s.queued(ids[0]); !ok || e.Reason&ReasonLetter == 0 || len(s.claim(d[0].Next.Add(-time.Second), 9)) > 0 {
				s.Errorf("it does not come again at its time: %+v", e)
			}
			s.update(func(tx *txn) error { _, err := tx.Done(s.claim(d[0].Next, 1)[0]); return err })
			p := *patches[0]
			seq = s.stage(&p).Seq
		}
		if last != 24*time.Hour {
			s.Errorf("the last pause is %s, want a day", last)
		}
		if s.answer(ref, seq, nil); len(s.letters(ids[0])) != 0 {
			s.Error("the letter outlives the patch that was taken")
		}
		s.verify()
	}},
	{"a record that cannot be written has its person looked at once, then after pauses", func(s *suite) {
		ids, patches := s.staged(1)
		gone := &connectors.Error{Kind: connectors.Gone, Op: "write"}
		s.answer(patches[0].Patch.Ref, patches[0].Seq, gone)
		if len(s.claim(now, 9)) != 1 {
			s.Error("nobody looks what became of the record")
		}
		s.update(func(tx *txn) error { e, _ := tx.Queued(ids[0]); _, err := tx.Done(e); return err })
		p := *patches[0]
		s.stage(&p)
		s.answer(p.Patch.Ref, p.Seq, gone)
		if len(s.claim(now, 9)) != 0 {
			s.Error("it is looked at again at once")
		}
	}},
	// One bad row costs one row.
	{"answers share a commit, and a row that fails costs that row", func(s *suite) {
		_, patches := s.staged(20)
		answers := make([]Answer, 0, 20)
		for i, p := range patches {
			a := Answer{Ref: p.Patch.Ref, Seq: p.Seq}
			if i%5 == 0 {
				a.Err = refusedOnce
			}
			answers = append(answers, a)
		}
		answers = append(answers, Answer{Ref: connectors.Ref{CRM: "who", Object: "knows", ID: "1"}, Seq: 3})
		sum, err := s.db.Acknowledge(answers, 1, "2026-11-21", now)
		if err != nil || sum != (Acknowledged{Written: 16, Rejected: 4, Superseded: 1}) {
			s.Errorf("%+v %v", sum, err)
		}
		if n := s.db.JournalDepth(); n != 0 {
			s.Errorf("%d patches left", n)
		}
		s.verify()
	}},
	{"only patches that still stand are sent", func(s *suite) {
		_, patches := s.staged(3)
		rows := s.rows("hubspot", "contacts")
		p := *patches[0]
		s.stage(&p) // superseded
		s.update(func(tx *txn) error { return tx.Void(patches[1].Patch.Ref, ReasonFields, now) })
		got, sendable, err := s.db.Patches(rows)
		if err != nil || !slices.Equal(sendable, []bool{false, false, true}) || got[2].Fields[connectors.FieldHeadline] != "x" {
			s.Errorf("%v %v %v", got, sendable, err)
		}
		if e, ok := s.queued(patches[1].Person); !ok || e.Lane != Live {
			s.Error("nobody works on a person whose patch is void")
		}
		if n := len(s.rows("hubspot", "contacts")); n != 2 {
			s.Errorf("%d rows on their way, want 2", n)
		}
		s.reopen()
		if pd := s.pending(patches[1].Patch.Ref); pd == nil || pd.Way != Void {
			s.Errorf("%+v", pd)
		}
	}},
	// Invariant 2: a bulk job's token is on disk before anything is uploaded.
	{"a job carries patches until it has told of them", func(s *suite) {
		_, patches := s.staged(5)
		live := s.stage(&Pending{Person: 77, Patch: patch(connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "900"}, "x"), Staged: now, Score: -1})
		got, err := s.db.CarryByJob("hubspot", "contacts", "job-1", now.Add(-time.Hour), 4, nil)
		if err != nil || len(got) != 4 {
			s.Fatal(len(got), err)
		}
		s.reopen()
		carried := 0
		for _, r := range s.rows("hubspot", "contacts") {
			if r.Token == "job-1" {
				carried++
			}
		}
		if carried != 4 || s.pending(live.Patch.Ref).Way != Waiting {
			s.Errorf("%d carried", carried)
		}
		sum, err := s.db.Acknowledge([]Answer{{Ref: got[0].Ref, Token: "job-1"}, {Ref: got[1].Ref, Token: "another"}}, 1, "d", now)
		if err != nil || sum != (Acknowledged{Written: 1, Superseded: 1}) {
			s.Errorf("%+v %v", sum, err)
		}
		if n, err := s.db.ReleaseJob("hubspot", "contacts", "job-1"); err != nil || n != 3 {
			s.Errorf("%d released, %v", n, err)
		}
		for _, r := range s.rows("hubspot", "contacts") {
			if r.Token != "" || r.Bulk && r.Ref != patches[4].Patch.Ref {
				s.Errorf("%+v: released patches go by calls", r)
			}
		}
		s.verify()
	}},
	{"work that joins while a patch is on its way is done after the answer", func(s *suite) {
		ids, patches := s.staged(1)
		s.update(func(tx *txn) error { return tx.Enqueue(ids[0], Due, ReasonDue, now) })
		e := s.claim(now, 1)[0]
		s.update(func(tx *txn) error {
			ok, err := tx.AfterDelivery(e, []connectors.Ref{patches[0].Patch.Ref})
			if !ok {
				s.Error("the patch is not on its way")
			}
			return err
		})
		if _, ok := s.queued(ids[0]); ok {
			s.Error("still queued")
		}
		s.reopen()
		s.answer(patches[0].Patch.Ref, patches[0].Seq, nil)
		if got := s.claim(now, 9); len(got) != 1 || got[0].Lane != Due || got[0].Reason != ReasonDue {
			s.Errorf("%+v", got)
		}
		s.update(func(tx *txn) error {
			ok, err := tx.AfterDelivery(Entry{Person: ids[0]}, []connectors.Ref{patches[0].Patch.Ref})
			if ok {
				s.Error("nothing is on its way any more")
			}
			return err
		})
	}},
	{"a release voids what waits, page by page, and leaves jobs alone", func(s *suite) {
		_, patches := s.staged(7)
		if _, err := s.db.CarryByJob("hubspot", "contacts", "job", now.Add(-time.Hour), 2, nil); err != nil {
			s.Fatal(err)
		}
		pages := 0
		for after, more := uint64(0), true; more; pages++ {
			next, err := s.db.VoidWaiting("hubspot", "contacts", after, 2, now)
			if err != nil {
				s.Fatal(err)
			}
			after, more = next, next != 0
		}
		void := 0
		for _, p := range patches {
			if s.pending(p.Patch.Ref).Way == Void {
				void++
			}
		}
		if void != 5 || pages != 3 || s.db.LaneDepth(Live) != 5 {
			s.Errorf("%d void in %d pages, %d queued", void, pages, s.db.LaneDepth(Live))
		}
	}},
	{"delayed entries of a reason can be let go at once", func(s *suite) {
		s.update(func(tx *txn) error {
			for i := range PersonID(4) {
				why := ReasonRetry
				if i%2 == 0 {
					why |= ReasonWaits
				}
				if err := tx.EnqueueAt(i+1, Retry, why, after(9*time.Hour)); err != nil {
					return err
				}
			}
			return nil
		})
		if n, err := s.db.Hurry(ReasonWaits); n != 2 || err != nil {
			s.Errorf("%d %v", n, err)
		}
		if got := s.claim(now, 9); len(got) != 2 || got[0].Reason&ReasonWaits != 0 {
			s.Errorf("%+v", got)
		}
	}},
	// No function of a caller's runs twice: what it did outside holds.
	{"a call runs once, whatever becomes of its neighbours", func(s *suite) {
		hold, holding := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = s.db.update(func(*txn) error { close(holding); <-hold; return nil })
		})
		<-holding
		runs := make([]int, 30)
		for i := range runs {
			wg.Go(func() {
				_ = s.db.update(func(tx *txn) error {
					runs[i]++
					if err := tx.SetSetting(fmt.Sprint(i), []byte{1}); err != nil {
						return err
					}
					if i%3 == 0 {
						return errTest
					}
					return nil
				})
			})
		}
		close(hold)
		wg.Wait()
		for i, n := range runs {
			if n != 1 {
				s.Errorf("call %d ran %d times", i, n)
			}
		}
		s.view(func(tx *txn) error {
			for i := range runs {
				if there := tx.Setting(fmt.Sprint(i)) != nil; there == (i%3 == 0) {
					s.Errorf("%d: %v", i, there)
				}
			}
			return nil
		})
	}},
	{"a row that fails takes back all it did, and no more", func(s *suite) {
		id, ref := s.person("1")
		s.update(func(tx *txn) error {
			if err := tx.SetSetting("kept", []byte("1")); err != nil {
				return err
			}
			err := tx.Attempt(func() error {
				for _, err := range []error{
					tx.SetSetting("kept", []byte("2")), tx.SetSetting("new", []byte("3")), tx.DeletePerson(id), tx.Enqueue(9, Live, 1, now),
					tx.Stage(&Pending{Person: id, Patch: patch(ref, "x")}), tx.PutContact(connectors.Ref{CRM: "unheard of", Object: "o", ID: "1"}, &Contact{Own: OwnFields{{Held: true}}}),
				} {
					if err != nil {
						s.Error(err)
					}
				}
				return errTest
			})
			if !errors.Is(err, errTest) {
				s.Error(err)
			}
			return tx.Attempt(func() error { return tx.SetSetting("after", []byte("4")) })
		})
		s.reopen()
		s.view(func(tx *txn) error {
			if _, ok, _ := tx.Person(id); !ok || string(tx.Setting("kept")) != "1" || tx.Setting("new") != nil || tx.Setting("after") == nil {
				s.Error("not as it was before the row")
			}
			return nil
		})
		if st := s.db.Stats(); st.People != 1 || st.Contacts != 1 || st.Journal != 0 || st.Held != 0 || st.Queue != [Lanes]int{} {
			s.Errorf("%+v", st)
		}
		s.verify()
	}},
}
