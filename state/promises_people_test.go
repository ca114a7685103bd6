package state

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// whole is a person with everything set.
func whole(refs ...connectors.Ref) Person {
	return Person{Contacts: refs, Events: 1, Extraction: 2, Scoring: 3, Features: []byte("features"), Shown: []byte("shown"), Tier: 3,
		Sources: []SourceCount{{Source: "site", Events: 20}, {Source: "app", Events: 1}}, Flags: FlagStale | FlagDegraded, Verdict: "interested", Due: after(time.Hour)}
}

var people = []promise{
	{"a person comes back as put", func(s *suite) {
		id, ref := s.person("1")
		other := connectors.Ref{CRM: "salesforce", Object: "Lead", ID: "00Q5e00000B1xYzEAJ"}
		for _, p := range []Person{whole(ref, other), {}, {Due: now}, {Verdict: "not_now", Flags: FlagRulesText}, {Contacts: []connectors.Ref{other}, Extraction: 1 << 63}} {
			s.update(func(tx *txn) error { return tx.PutPerson(id, &p) })
			s.view(func(tx *txn) error {
				got, ok, err := tx.Person(id)
				if err != nil || !ok || !reflect.DeepEqual(got, p) {
					s.Errorf("got %+v %v %v, want %+v", got, ok, err, p)
				}
				return nil
			})
		}
		s.reopen()
		s.view(func(tx *txn) error {
			if _, ok, err := tx.Person(id + 1); ok || err != nil {
				s.Errorf("somebody nobody put: %v %v", ok, err)
			}
			return nil
		})
		s.verify()
	}},
	{"numbers of people are never given twice", func(s *suite) {
		a, _ := s.person("1")
		s.update(func(tx *txn) error { return tx.DeletePerson(a) })
		s.reopen()
		b, _ := s.person("2")
		if a == 0 || b <= a {
			s.Errorf("%d after %d", b, a)
		}
	}},
	{"people are walked in order, each once", func(s *suite) {
		var want []PersonID
		for i := range 30 {
			id, _ := s.person(fmt.Sprint(i + 1))
			want = append(want, id)
		}
		var got []PersonID
		for from := PersonID(0); ; {
			var ids []PersonID
			s.view(func(tx *txn) (err error) { ids, err = tx.People(from, 7); return err })
			if len(ids) == 0 {
				break
			}
			got, from = append(got, ids...), ids[len(ids)-1]+1
		}
		if !slices.Equal(got, want) {
			s.Errorf("got %v, want %v", got, want)
		}
	}},
	{"a contact comes back as put", func(s *suite) {
		ref := connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "101"}
		full := Contact{Person: 9, Inputs: 5, Scored: 4, WroteAt: after(1500 * time.Millisecond), Modified: after(-time.Millisecond), Paused: true, Checked: true}
		for i := range 16 {
			full.Own.Wrote(i, FieldHash(i, "x"))
		}
		full.Own[15].Held = true
		wide := full.Clone()
		wide.Own[3].Wrote = 1<<32 - 1
		many := Contact{Person: 9} // more fields than a machine word has bits
		for i := range 200 {
			many.Own.Set(i, OwnField{Wrote: FieldHash(i, "x"), Held: i%3 == 1})
		}
		for _, c := range []Contact{full, wide, many, {Own: OwnFields{70: {Held: true}}}, {}, {Person: 1, Inputs: 7, Scored: 7}, {Person: 1, Scored: 7}, {Person: 1, Modified: now}, {Person: 1, WroteAt: now}} {
			s.update(func(tx *txn) error { return tx.PutContact(ref, &c) })
			s.view(func(tx *txn) error {
				if got, ok, err := tx.Contact(ref); err != nil || !ok || !reflect.DeepEqual(got, c) {
					s.Errorf("got %+v %v %v, want %+v", got, ok, err, c)
				}
				return nil
			})
		}
		if n := s.db.Stats().Contacts; n != 1 {
			s.Errorf("%d contacts", n)
		}
		s.update(func(tx *txn) error {
			if err := tx.DeleteContact(ref); err != nil {
				return err
			}
			return tx.DeleteContact(ref)
		})
		s.view(func(tx *txn) error {
			if _, ok, err := tx.Contact(ref); ok || err != nil {
				s.Errorf("still there: %v", err)
			}
			return nil
		})
		s.verify()
	}},
	{"contacts of an object are walked, each once, whatever their ids", func(s *suite) {
		want := map[connectors.Ref]bool{}
		for i, id := range []string{"1", "10", "9", "255", "256", "18446744073709551615", "99999999999999999999", "007", "0", "", "-1", "a/b", "0035e00000B1xYzAAJ", "0035e00000B1xYzAAK",
			"0035e00000B1xYz", "üñ", "00Q5e00000B1xYzEAJ", "1234567890123456789"} {
			ref := connectors.Ref{CRM: "crm", Object: "contacts", ID: id}
			want[ref] = true
			s.update(func(tx *txn) error {
				if err := tx.PutContact(connectors.Ref{CRM: "crm", Object: "companies", ID: id}, &Contact{}); err != nil {
					return err
				}
				return tx.PutContact(ref, &Contact{Inputs: uint64(i)})
			})
		}
		got := map[connectors.Ref]bool{}
		for after := ""; ; {
			var refs []connectors.Ref
			s.view(func(tx *txn) (err error) {
				refs, after, err = tx.Contacts("crm", "contacts", after, 4)
				return err
			})
			for _, ref := range refs {
				if got[ref] {
					s.Errorf("%v twice", ref)
				}
				got[ref] = true
			}
			if after == "" {
				break
			}
		}
		if !reflect.DeepEqual(got, want) {
			s.Errorf("got %v, want %v", got, want)
		}
	}},
	{"an identity leads to the person who has it last", func(s *suite) {
		a, _ := s.person("1")
		b, _ := s.person("2")
		who := func(value string) (id PersonID) {
			s.view(func(tx *txn) error { id, _ = tx.Identify(LinkEmail, value); return nil })
			return id
		}
		s.update(func(tx *txn) error {
			if err := tx.SetIdentity(LinkEmail, "x@example.com", a); err != nil {
				return err
			}
			return tx.SetIdentity(LinkUserID, "x@example.com", b)
		})
		if who("x@example.com") != a || who("y@example.com") != 0 {
			s.Error("does not lead to the first")
		}
		s.update(func(tx *txn) error { return tx.SetIdentity(LinkEmail, "x@example.com", b) })
		s.reopen()
		if who("x@example.com") != b {
			s.Error("does not lead to the second")
		}
		s.update(func(tx *txn) error { return tx.DeletePerson(a) }) // takes nothing of b with it
		if who("x@example.com") != b {
			s.Error("went with somebody else")
		}
		s.update(func(tx *txn) error { return tx.DropIdentity(LinkEmail, "x@example.com") })
		if who("x@example.com") != 0 {
			s.Error("leads on")
		}
		s.verify()
	}},
	{"links identify, until they are gone and nothing else says so", func(s *suite) {
		a, _ := s.person("1")
		link := func(value string) Link {
			return Link{Kind: LinkEmail, Value: value, Source: "site", Reason: "same form", At: now}
		}
		s.update(func(tx *txn) error {
			if err := tx.SetIdentity(LinkEmail, "crm@example.com", a); err != nil {
				return err
			}
			return tx.PutLinks(a, []Link{link("crm@example.com"), link("old@example.com")})
		})
		s.view(func(tx *txn) error {
			if links, err := tx.Links(a); err != nil || !slices.Equal(links, []Link{link("crm@example.com"), link("old@example.com")}) {
				s.Errorf("%v %v", links, err)
			}
			return nil
		})
		s.update(func(tx *txn) error { return tx.PutLinks(a, []Link{link("new@example.com")}) })
		s.view(func(tx *txn) error {
			for value, want := range map[string]PersonID{"crm@example.com": a, "old@example.com": 0, "new@example.com": a} {
				if got, _ := tx.Identify(LinkEmail, value); got != want {
					s.Errorf("%s leads to %d, want %d", value, got, want)
				}
			}
			return nil
		})
		s.update(func(tx *txn) error { return tx.PutLinks(a, nil) })
		s.verify()
	}},
	{"what two people hold is nobody's, until they turn out to be one", func(s *suite) {
		a, _ := s.person("1")
		b, _ := s.person("2")
		c, _ := s.person("3")
		mine := Link{Kind: LinkUserID, Value: "42", Source: "app", Reason: "seen together", At: now}
		nobodys := Link{Kind: LinkUserID, Value: "42", Source: "app", Reason: "two", At: now, Nobodys: true}
		holder := func() (h Holder, ok bool) {
			s.view(func(tx *txn) error { h, ok = tx.Holder(LinkUserID, "42"); return nil })
			return h, ok
		}
		s.update(func(tx *txn) error { return tx.PutLinks(a, []Link{mine}) })
		if h, ok := holder(); !ok || h != (Holder{Person: a}) {
			s.Errorf("held by one: %+v %v", h, ok)
		}
		s.update(func(tx *txn) error {
			if err := tx.PutLinks(a, []Link{nobodys}); err != nil {
				return err
			}
			if err := tx.PutLinks(b, []Link{nobodys}); err != nil {
				return err
			}
			if err := tx.PutLinks(c, []Link{mine}); err != nil { // comes too late
				return err
			}
			return tx.SetIdentity(LinkUserID, "42", c)
		})
		s.reopen()
		if h, ok := holder(); !ok || h != (Holder{Nobodys: true}) {
			s.Errorf("held by two: %+v %v", h, ok)
		}
		s.view(func(tx *txn) error {
			if links, err := tx.Links(b); err != nil || !slices.Equal(links, []Link{nobodys}) {
				s.Errorf("%v %v", links, err)
			}
			return nil
		})
		s.verify()
		s.update(func(tx *txn) error {
			if err := tx.PutLinks(c, nil); err != nil {
				return err
			}
			if err := tx.FreeIdentity(LinkUserID, "42"); err != nil {
				return err
			}
			return tx.PutLinks(a, []Link{mine})
		})
		if h, ok := holder(); !ok || h != (Holder{Person: a}) {
			s.Errorf("held by one again: %+v %v", h, ok)
		}
		s.verify()
	}},
	{"what a record had leads to its person until another record has it", func(s *suite) {
		a, _ := s.person("1")
		b, _ := s.person("2")
		holder := func(value string) (h Holder) {
			s.view(func(tx *txn) error { h, _ = tx.Holder(LinkEmail, value); return nil })
			return h
		}
		s.update(func(tx *txn) error {
			for _, v := range []string{"old@example.com", "new@example.com"} {
				if err := tx.SetIdentity(LinkEmail, v, a); err != nil {
					return err
				}
			}
			return tx.KeepIdentities(a, []Identifier{{Kind: LinkEmail, Value: "new@example.com"}})
		})
		if h := holder("old@example.com"); h != (Holder{Person: a}) {
			s.Errorf("a former value: %+v", h)
		}
		if h := holder("new@example.com"); h != (Holder{Person: a, Record: true}) {
			s.Errorf("a present value: %+v", h)
		}
		s.update(func(tx *txn) error {
			return tx.PutLinks(b, []Link{{Kind: LinkEmail, Value: "new@example.com"}})
		})
		if h := holder("new@example.com"); h.Person != a {
			s.Error("a link took away what another one's record has")
		}
		s.update(func(tx *txn) error { return tx.SetIdentity(LinkEmail, "old@example.com", b) })
		if h := holder("old@example.com"); h != (Holder{Person: b, Record: true}) {
			s.Errorf("another record has it: %+v", h)
		}
		s.verify()
	}},
	{"identities move with a merge", func(s *suite) {
		a, _ := s.person("1")
		b, _ := s.person("2")
		s.update(func(tx *txn) error {
			for i := range 20 {
				if err := tx.SetIdentity(LinkEmail, fmt.Sprint(i), a); err != nil {
					return err
				}
			}
			return tx.PutLinks(a, []Link{{Kind: LinkUserID, Value: "u"}})
		})
		s.update(func(tx *txn) error {
			if err := tx.MoveIdentities(a, b); err != nil {
				return err
			}
			return tx.DeletePerson(a)
		})
		s.view(func(tx *txn) error {
			for i := range 20 {
				if id, _ := tx.Identify(LinkEmail, fmt.Sprint(i)); id != b {
					s.Errorf("%d leads to %d", i, id)
				}
			}
			if id, _ := tx.Identify(LinkUserID, "u"); id != b {
				s.Errorf("link leads to %d", id)
			}
			return nil
		})
		s.verify()
		s.update(func(tx *txn) error { return tx.DeletePerson(b) })
		if n := s.db.Stats().Identities; n != 0 {
			s.Errorf("%d identities left", n)
		}
	}},
	{"the due index follows the person", func(s *suite) {
		due := func(at time.Time) (ids []PersonID) {
			s.view(func(tx *txn) (err error) { ids, err = tx.DueBefore(at, 100); return err })
			return ids
		}
		var ids []PersonID
		for i := range 10 {
			id, ref := s.person(fmt.Sprint(i + 1))
			ids = append(ids, id)
			s.update(func(tx *txn) error {
				return tx.PutPerson(id, &Person{Contacts: []connectors.Ref{ref}, Due: after(time.Duration(10-i) * time.Hour)})
			})
		}
		if got := due(after(3 * time.Hour)); !slices.Equal(got, []PersonID{ids[9], ids[8], ids[7]}) {
			s.Errorf("%v, want the longest overdue first", got)
		}
		if got := due(after(time.Hour - time.Second)); len(got) != 0 {
			s.Errorf("%v too early", got)
		}
		s.update(func(tx *txn) error {
			if err := tx.PutPerson(ids[9], &Person{}); err != nil {
				return err
			}
			if err := tx.PutPerson(ids[8], &Person{Due: after(30 * time.Hour)}); err != nil {
				return err
			}
			return tx.Enqueue(ids[7], Due, ReasonDue, now)
		})
		if got := due(after(5 * time.Hour)); !slices.Equal(got, []PersonID{ids[6], ids[5]}) {
			s.Errorf("%v: neither the cleared, nor the moved, nor the queued", got)
		}
		s.reopen()
		if n := s.db.DueCount(); n != 9 {
			s.Errorf("%d have a due time", n)
		}
		s.verify()
	}},
	// Forgetting somebody leaves nothing of them, and everything of the others.
	{"a deleted person is gone with all that was theirs", func(s *suite) {
		fill := func(id PersonID, ref connectors.Ref, mark string) {
			s.update(func(tx *txn) error {
				p := whole(ref)
				p.Verdict, p.Features = mark+" verdict", []byte(mark+" features")
				other := connectors.Ref{CRM: "crm", Object: "Lead", ID: mark + " lead"}
				for _, err := range []error{
					tx.PutPerson(id, &p),
					tx.SetIdentity(LinkEmail, mark+"@example.com", id),
					tx.PutLinks(id, []Link{{Kind: LinkUserID, Value: mark + " user"}}),
					tx.Enqueue(id, Live, ReasonAsked, now),
					tx.Stage(&Pending{Person: id, Patch: connectors.Patch{Ref: ref, Fields: map[string]string{"headline": mark + " headline"}}}),
					tx.Stage(&Pending{Person: id, Patch: connectors.Patch{Ref: other, Fields: map[string]string{"headline": mark + " headline"}}}), // not among their contacts
					tx.PutDead(&Dead{Person: id, Ref: ref, Message: mark + " message"}),
					tx.PutDead(&Dead{Person: id, Message: mark + " message"}),
					tx.PutReceipt(id, now, []byte(`"`+mark+` receipt"`)),
					tx.PutReceipt(id, after(time.Hour), []byte(`"`+mark+` receipt"`)),
					tx.PutAnswer(id, 1, []byte(mark+" answer")),
					tx.AddHistory(id, HistoryPoint{At: now, Score: 644}),
					tx.PutVerdict(id, VerdictAt{Verdict: mark + " verdict", At: now}),
					tx.AddSnapshot(id, now, []byte(mark+" snapshot")),
				} {
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		a, refA := s.person("101")
		b, refB := s.person("102")
		fill(a, refA, "alpha")
		fill(b, refB, "beta")
		s.update(func(tx *txn) error { // a contact in a's list that is b's by now
			p, _, err := tx.Person(a)
			if err != nil {
				return err
			}
			p.Contacts = append(p.Contacts, refB)
			return tx.PutPerson(a, &p)
		})
		if _, err := s.db.Claim(now, 1); err != nil {
			s.Fatal(err)
		}
		s.update(func(tx *txn) error { return tx.DeletePerson(a) })
		left := func(tx *txn, id PersonID, ref connectors.Ref, mark string) (n int) {
			count := func(there bool) {
				if there {
					n++
				}
			}
			_, ok, _ := tx.Person(id)
			count(ok)
			c, ok, _ := tx.Contact(ref)
			count(ok && c.Person == id)
			_, ok = tx.Identify(LinkEmail, mark+"@example.com")
			count(ok)
			_, ok = tx.Identify(LinkUserID, mark+" user")
			count(ok)
			links, _ := tx.Links(id)
			count(len(links) == 1)
			_, ok = tx.Queued(id)
			count(ok)
			for _, object := range []string{"hubspot/contacts", "crm/Lead"} {
				kind, _ := connectors.ParseRef(object + "/x")
				all, _, _, _ := s.db.Rows(kind.CRM, kind.Object, 0, 100)
				count(slices.ContainsFunc(all, func(r Row) bool { return r.Person == id }))
			}
			dead, _ := tx.DeadOf(id)
			count(len(dead) == 2)
			receipts, _ := tx.Receipts(id, 9)
			count(len(receipts) == 2)
			_, ok = tx.Answer(id, 1)
			count(ok)
			count(len(tx.History(id)) == 1)
			count(len(tx.Verdicts(id)) == 1)
			snapshots, _ := tx.Snapshots(id)
			count(len(snapshots) == 1)
			due, _ := tx.DueBefore(after(2*time.Hour), 9)
			count(slices.Contains(due, id) || id == b) // b is queued
			return n
		}
		s.view(func(tx *txn) error {
			if n := left(tx, a, refA, "alpha"); n != 0 {
				s.Errorf("%d things are left", n)
			}
			if n := left(tx, b, refB, "beta"); n != 15 {
				s.Errorf("%d of 15 things of somebody else are left", n)
			}
			return nil
		})
		if st := s.db.Stats(); st.People != 1 || st.Contacts != 1 || st.Identities != 2 || st.Due != 1 || st.Journal != 2 || st.Dead != 2 || st.Receipts != 2 || st.Queue[Live] != 1 {
			s.Errorf("%+v", st)
		}
		s.verify()
		// Compacted, their bytes are gone from the file, too.
		if err := s.db.Compact(); err != nil {
			s.Fatal(err)
		}
		raw, err := os.ReadFile(s.db.Path())
		if err != nil {
			s.Fatal(err)
		}
		if bytes.Contains(raw, []byte("alpha")) || !bytes.Contains(raw, []byte("beta features")) {
			s.Error("the file still holds bytes of the deleted, or none of the others")
		}
		if bytes.Contains(raw, []byte("beta@example.com")) {
			s.Error("an e-mail address stands in the file")
		}
		s.update(func(tx *txn) error { return tx.DeletePerson(a) }) // again is no error
	}},
}
