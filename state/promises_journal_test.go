package state

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

func patch(ref connectors.Ref, headline string) connectors.Patch {
	return connectors.Patch{Ref: ref, Group: "account 1", Fields: map[string]string{connectors.FieldHeadline: headline, connectors.FieldScore: "64.4", "something new": ""}}
}

func (s *suite) stage(p *Pending) *Pending {
	s.Helper()
	s.update(func(tx *txn) error { return tx.Stage(p) })
	return p
}

func (s *suite) pending(ref connectors.Ref) (p *Pending) {
	s.Helper()
	s.view(func(tx *txn) (err error) { p, err = tx.Pending(ref); return err })
	return p
}

// answer has the CRM answer for the patch with sequence number seq.
func (s *suite) answer(ref connectors.Ref, seq uint64, err error) Acknowledged {
	s.Helper()
	sum, failed := s.db.Acknowledge([]Answer{{Ref: ref, Seq: seq, Err: err}}, 1, "2026-11-21", now)
	if failed != nil {
		s.Fatal(failed)
	}
	return sum
}

// rows are all patches of an object on their way.
func (s *suite) rows(crm, object string) []Row {
	s.Helper()
	rows, next, damaged, err := s.db.Rows(crm, object, 0, 1000)
	if err != nil || next != 0 || damaged != 0 {
		s.Fatal(next, damaged, err)
	}
	return rows
}

func headlineIndex() int {
	return slices.IndexFunc(connectors.PersonFields().Fields, func(f connectors.Field) bool { return f.Name == connectors.FieldHeadline })
}

var journals = []promise{
	// Invariant 2: after a crash the same patch is sent again.
	{"a staged patch comes back as it was, after a restart, too", func(s *suite) {
		ref := connectors.Ref{CRM: "salesforce", Object: "Contact", ID: "0035e00000B1xYzAAJ"}
		next := whole(ref)
		for _, p := range []Pending{
			{Person: 7, Patch: patch(ref, "one"), Staged: now, Bulk: true, Alone: true, Maybe: []uint32{1, 1 << 31}, Inputs: 5, Read: after(time.Hour), Next: &next, Receipt: []byte(`{"a":"receipt"}`), Score: 644},
			{Person: 7, Patch: connectors.Patch{Ref: ref}, Staged: now, Score: -1},
			{Person: 7, Patch: patch(ref, ""), Staged: now, Next: &Person{}, Score: 0, Way: InJob, Token: "job"},
		} {
			s.update(func(tx *txn) error { return tx.DropPending(ref) })
			s.stage(&p)
			if p.Seq == 0 {
				s.Error("no Seq")
			}
			s.reopen()
			if got := s.pending(ref); !reflect.DeepEqual(got, &p) {
				s.Errorf("got %+v, want %+v", got, &p)
			}
		}
		s.verify()
	}},
	{"a receipt may be sealed beforehand", func(s *suite) {
		ref := connectors.Ref{CRM: "c", Object: "o", ID: "1"}
		json := []byte(`{"person":"1","at":"2026-11-21T09:30:00Z"}`)
		s.stage(&Pending{Person: 7, Patch: patch(ref, "x"), Receipt: s.db.SealReceipt(json)})
		p := s.pending(ref)
		s.update(func(tx *txn) error { return tx.PutReceipt(7, now, p.Receipt) })
		s.view(func(tx *txn) error {
			if got, at, err := tx.Receipt(7); err != nil || string(got) != string(json) || !at.Equal(now) {
				s.Errorf("%s %v %v", got, at, err)
			}
			return nil
		})
		if plain, err := s.db.OpenReceipt(p.Receipt); err != nil || string(plain) != string(json) {
			s.Errorf("%s %v", plain, err)
		}
	}},
	{"the newest patch of a record replaces the one before", func(s *suite) {
		ref := connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "1"}
		first := s.stage(&Pending{Person: 1, Patch: patch(ref, "one"), Score: -1})
		second := s.stage(&Pending{Person: 1, Patch: patch(ref, "two"), Score: -1})
		if second.Seq <= first.Seq || s.db.JournalDepth() != 1 {
			s.Errorf("%d after %d, depth %d", second.Seq, first.Seq, s.db.JournalDepth())
		}
		if sum := s.answer(ref, first.Seq, nil); sum != (Acknowledged{Superseded: 1}) {
			s.Errorf("the answer for the old one: %+v", sum)
		}
		if got := s.pending(ref); got == nil || got.Patch.Fields[connectors.FieldHeadline] != "two" || !slices.Contains(got.Maybe, FieldHash(headlineIndex(), "one")) {
			s.Errorf("%+v", got)
		}
		if sum := s.answer(ref, second.Seq, nil); sum.Written != 1 || s.pending(ref) != nil || s.db.JournalDepth() != 0 {
			s.Errorf("not gone: %+v", sum)
		}
		if sum := s.answer(ref, second.Seq, nil); sum.Written != 0 {
			s.Error("gone twice")
		}
		s.verify()
	}},
	// Invariant 4: what an unacknowledged patch may have left in the CRM is ours, not a human's.
	{"what may have reached the CRM is remembered through replacements", func(s *suite) {
		ref := connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "1"}
		i := headlineIndex()
		s.stage(&Pending{Patch: patch(ref, "one"), Maybe: []uint32{42}})
		for n := range 3 {
			s.stage(&Pending{Patch: patch(ref, fmt.Sprint("later ", n))})
		}
		got := s.pending(ref).Maybe
		for _, h := range []uint32{42, FieldHash(i, "one"), FieldHash(i, "later 0"), FieldHash(i, "later 1")} {
			if !slices.Contains(got, h) {
				s.Errorf("%v lacks %d", got, h)
			}
		}
		if slices.Contains(got, FieldHash(i, "later 2")) {
			s.Error("it holds what is in the patch itself")
		}
		for n := range 400 { // it does not grow without end
			p := s.stage(&Pending{Patch: patch(ref, fmt.Sprint("much later ", n))})
			if len(p.Maybe) != 0 {
				s.Error("Stage changed its argument")
			}
		}
		if got = s.pending(ref).Maybe; len(got) > 300 || !slices.Contains(got, FieldHash(i, "much later 398")) {
			s.Errorf("%d hashes", len(got))
		}
	}},
	{"an object's journal is read in order, others' apart", func(s *suite) {
		want := map[string][]uint64{}
		for i := range 30 {
			ref := connectors.Ref{CRM: "crm", Object: []string{"contacts", "leads"}[i%2], ID: fmt.Sprint(1000 - i)}
			want[ref.Object] = append(want[ref.Object], s.stage(&Pending{Person: 1, Patch: patch(ref, "x")}).Seq)
		}
		for object := range maps.Keys(want) {
			var got []uint64
			for after, more := uint64(0), true; more; more = after != 0 {
				page, next, _, err := s.db.Rows("crm", object, after, 4)
				if err != nil {
					s.Fatal(err)
				}
				for _, row := range page {
					if row.Ref.Object != object || row.Group != "account 1" || row.Person != 1 {
						s.Errorf("%+v among %s", row, object)
					}
					got = append(got, row.Seq)
				}
				after = next
			}
			if !slices.Equal(got, want[object]) {
				s.Errorf("%s: %v, want %v", object, got, want[object])
			}
		}
	}},
	{"a field's hash tells values and fields apart", func(s *suite) {
		seen := map[uint32]string{}
		for i := range 40 {
			for _, v := range []string{"", "a", "b", "64.4", "64.5"} {
				h, name := FieldHash(i, v), fmt.Sprint(i, v)
				if h == 0 || h != FieldHash(i, v) {
					s.Errorf("%s: %d", name, h)
				}
				if other, ok := seen[h]; ok {
					s.Errorf("%s and %s are the same", name, other)
				}
				seen[h] = name
			}
		}
		if h := FieldHash(0, "high"); h != hashOfHigh {
			s.Errorf("the hash is part of the file format: %#x, was %#x", h, hashOfHigh)
		}
	}},
	{"dead letters add up, one for a record and one for the person", func(s *suite) {
		ref := connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "1"}
		put := func(d Dead) { s.update(func(tx *txn) error { return tx.PutDead(&d) }) }
		put(Dead{Person: 1, Ref: ref, Code: "A", At: now, First: now, Attempts: 1, Inputs: 1, Config: 2})
		put(Dead{Person: 1, Ref: ref, Code: "B", Message: "no", Op: "write", At: after(time.Hour), First: after(time.Hour), Attempts: 2, Inputs: 3, Config: 4})
		put(Dead{Person: 1, Code: "P", At: now, Attempts: 1})
		put(Dead{Person: 2, Ref: connectors.Ref{CRM: "hubspot", Object: "contacts", ID: "2"}, Code: "C", At: now, Attempts: 1})
		s.reopen()
		s.view(func(tx *txn) error {
			got, err := tx.DeadOf(1)
			want := []Dead{{Person: 1, Code: "P", At: now, First: now, Attempts: 1},
				{Person: 1, Ref: ref, Code: "B", Message: "no", Op: "write", At: after(time.Hour), First: now, Attempts: 3, Inputs: 3, Config: 4}}
			if err != nil || !slices.Equal(got, want) {
				s.Errorf("%+v %v, want %+v", got, err, want)
			}
			var codes string
			for next, more := "", true; more; more = next != "" {
				var page []Dead
				if page, next, err = tx.DeadLetters(next, 2); err != nil {
					return err
				}
				for _, d := range page {
					codes += d.Code
				}
			}
			if codes != "PBC" {
				s.Error(codes)
			}
			return nil
		})
		if s.db.DeadCount() != 3 {
			s.Error(s.db.DeadCount())
		}
		s.update(func(tx *txn) error {
			if err := tx.DropDead(1, ref); err != nil {
				return err
			}
			return tx.DropDead(9, ref)
		})
		s.update(func(tx *txn) error { return tx.DropDead(1, connectors.Ref{}) })
		if s.db.DeadCount() != 1 {
			s.Error(s.db.DeadCount())
		}
		s.verify()
	}},
}

// hashOfHigh is FieldHash(0, "high") as it was when files of schema 1 were first written.
const hashOfHigh = 0x1614a9
