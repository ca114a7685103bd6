package statetest

import (
	"errors"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// entered has the CRM take a change of a person's tier that two channels are to tell.
func (s *suite) entered(id state.PersonID, ref connectors.Ref) {
	s.Helper()
	next := &state.Person{Contacts: []connectors.Ref{ref}, Shown: []byte("shown"), Tier: 4}
	p := &state.Pending{Person: id, Patch: connectors.Patch{Ref: ref, Fields: map[string]string{connectors.FieldScore: "64.4"}}, Staged: now, Score: 644, Next: next,
		Alerts: []string{"mail", "sales"}}
	s.settle(state.Settlement{Entry: state.Entry{Person: id}, Outcome: state.Stage, Next: next, Patches: []*state.Pending{p}})
	s.answer(ref, p.Seq, nil)
}

// waiting are the alerts that were not told.
func (s *suite) waiting() []state.Alert {
	s.Helper()
	out, next, err := s.db.Alerts("", 9)
	if err != nil || next != "" {
		s.Fatal(next, err)
	}
	return out
}

// What channels are to tell of changes of tier.
var alerts = []promise{
	{"a change of tier is journalled with its commit, once for each channel", func(s *suite) {
		id, ref := s.person("1")
		s.entered(id, ref)
		s.entered(id, ref) // the tier is the same: no change
		s.reopen()
		got := s.waiting()
		if len(got) != 2 || got[0].Channel != "mail" || got[1].Channel != "sales" || got[0].Person != id || got[0].Ref != ref || got[0].Score != 644 || got[0].Tier != 4 || got[0].At.IsZero() {
			s.Fatalf("%+v", got)
		}
		if first, next, err := s.db.Alerts("", 1); err != nil || len(first) != 1 || next == "" {
			s.Errorf("%+v %q %v", first, next, err)
		} else if second, next, err := s.db.Alerts(next, 1); err != nil || len(second) != 1 || second[0].Channel != "sales" || next != "" {
			s.Errorf("%+v %q %v", second, next, err)
		}
		s.verify()
	}},
	{"who was held out and is let go is told of once, though the tier is the same", func(s *suite) {
		id, ref := s.person("1")
		s.entered(id, ref)
		if err := s.db.SettleAlerts(s.waiting(), nil); err != nil {
			s.Fatal(err)
		}
		next := &state.Person{Contacts: []connectors.Ref{ref}, Shown: []byte("written"), Tier: 4}
		for range 2 {
			p := &state.Pending{Person: id, Patch: connectors.Patch{Ref: ref, Fields: map[string]string{connectors.FieldScore: "64.4"}}, Staged: now, Next: next, Alerts: []string{"sales"}, Entered: true}
			s.settle(state.Settlement{Entry: state.Entry{Person: id}, Outcome: state.Stage, Next: next, Patches: []*state.Pending{p}})
			s.answer(ref, p.Seq, nil)
		}
		if got := s.waiting(); len(got) != 1 || got[0].Channel != "sales" {
			s.Errorf("%+v", got)
		}
	}},
	{"a patch that the CRM refuses alerts nobody", func(s *suite) {
		id, ref := s.person("1")
		next := &state.Person{Contacts: []connectors.Ref{ref}, Shown: []byte("shown"), Tier: 4}
		p := &state.Pending{Person: id, Patch: connectors.Patch{Ref: ref, Fields: map[string]string{connectors.FieldScore: "64.4"}}, Staged: now, Next: next, Alerts: []string{"mail"}}
		s.settle(state.Settlement{Entry: state.Entry{Person: id}, Outcome: state.Stage, Next: next, Patches: []*state.Pending{p}})
		s.answer(ref, p.Seq, refusedOnce)
		if got := s.waiting(); len(got) > 0 {
			s.Errorf("%+v", got)
		}
	}},
	{"told alerts go, failed ones are kept, and who was forgotten meanwhile stays forgotten", func(s *suite) {
		id, ref := s.person("1")
		s.entered(id, ref)
		got := s.waiting()
		got[1].Attempts, got[1].Dead, got[1].Message, got[1].First, got[1].Next = 3, true, "no_service", now, after(time.Hour)
		if err := s.db.SettleAlerts(got[:1], got[1:]); err != nil {
			s.Fatal(err)
		}
		if left := s.waiting(); len(left) != 1 || left[0] != got[1] || len(s.kept(id).Alerts) != 1 {
			s.Errorf("%+v", left)
		}
		job := &state.Erasure{Person: id, Started: now, Done: map[string]bool{}}
		_, err := s.db.BeginErasure(job, rules)
		if err := errors.Join(err, s.db.EraseState(job), s.db.SettleAlerts(nil, got)); err != nil {
			s.Fatal(err)
		}
		if left := s.waiting(); len(left) > 0 {
			s.Errorf("%+v", left)
		}
		s.verify()
	}},
	{"who withdraws consent is told of no more", func(s *suite) {
		id, ref := s.person("1")
		s.entered(id, ref)
		s.settle(state.Settlement{Entry: state.Entry{Person: id}, Withdrawn: after(time.Hour)})
		if left := s.waiting(); len(left) > 0 {
			s.Errorf("%+v", left)
		}
	}},
	{"alerts follow who is joined, and the record that splits off", func(s *suite) {
		id, ref := s.person("1")
		other, _ := s.person("2")
		s.entered(id, ref)
		s.settle(state.Settlement{Entry: s.asked(id), Outcome: state.Join, Other: other})
		got := s.waiting()
		if len(got) != 2 || got[0].Person == 0 {
			s.Fatalf("%+v", got)
		}
		now := got[0].Person
		if k, ok, err := s.db.Kept(now); err != nil || !ok || len(k.Records) != 2 {
			s.Fatalf("%+v %v %v", k, ok, err)
		}
		s.settle(state.Settlement{Entry: s.asked(now), Outcome: state.Split, Refs: []connectors.Ref{ref}, Contacts: []connectors.Contact{record("1"), record("2")}})
		of := must[state.PersonID](s)(s.db.Find(state.Lookup{Refs: []connectors.Ref{ref}}, rules))
		if got = s.waiting(); len(got) != 2 || of == now || got[0].Person != of || got[1].Person != of {
			s.Errorf("%+v: the record is %d's", got, of)
		}
		s.verify()
	}},
}

// asked is the entry of a person who is queued and claimed.
func (s *suite) asked(id state.PersonID) state.Entry {
	s.Helper()
	if err := s.db.Ask(id, now); err != nil {
		s.Fatal(err)
	}
	for _, e := range s.claim(now, 9) {
		if e.Person == id {
			return e
		}
	}
	s.Fatal("not claimable")
	return state.Entry{}
}
