// Package statetest holds the promises of package state's use cases as a suite of tests, to be kept over every engine that may come.
package statetest

import (
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Engine is what a state is tested over.
type Engine struct {
	// Open gives an empty state with default options, and sees to it that it is closed in the end.
	Open func(t *testing.T) *state.DB
	// Reopen opens again what is closed, as a restart does.
	Reopen func(t *testing.T, closed *state.DB) *state.DB
}

// Run checks that states behave over an engine as package state promises.
func Run(t *testing.T, e Engine) {
	for _, group := range [][]promise{lots, deliveries, alerts, asked, ranking, batches, upkeep} {
		for _, p := range group {
			t.Run(p.name, func(t *testing.T) { p.test(&suite{T: t, e: e, db: e.Open(t)}) })
		}
	}
}

type promise struct {
	name string
	test func(s *suite)
}

// suite is a test with the state it is about; what goes wrong in passing ends the test.
type suite struct {
	*testing.T
	e  Engine
	db *state.DB
}

// must ends the test if a use case failed.
func must[T any](s *suite) func(v T, err error) T {
	s.Helper()
	return func(v T, err error) T {
		s.Helper()
		if err != nil {
			s.Fatal(err)
		}
		return v
	}
}

// verify ends most tests: the indexes and counts are right.
func (s *suite) verify() {
	s.Helper()
	if err := s.db.Verify(); err != nil {
		s.Error(err)
	}
}

// reopen closes the state and opens it again, as a restart does.
func (s *suite) reopen() {
	s.Helper()
	if err := s.db.Close(); err != nil {
		s.Fatal(err)
	}
	s.db = s.e.Reopen(s.T, s.db)
}

// record is one of a CRM with an address of its own.
func record(id string) connectors.Contact {
	return connectors.Contact{Ref: connectors.Ref{CRM: "hubspot", Object: "contacts", ID: id}, Emails: []string{"person" + id + "@x.example"}, Modified: now}
}

// take takes in a page of records.
func (s *suite) take(lane state.Lane, records ...connectors.Contact) state.Taken {
	s.Helper()
	return must[state.Taken](s)(s.db.TakeRecords(state.RecordPage{Feed: "poll/hubspot", Records: records, Lane: lane, Rules: rules, Now: now}))
}

// person enters somebody with one record, who is not in the queue.
func (s *suite) person(id string) (state.PersonID, connectors.Ref) {
	s.Helper()
	c := record(id)
	s.take(state.Live, c)
	who := must[state.PersonID](s)(s.db.Find(state.Lookup{Refs: []connectors.Ref{c.Ref}}, rules))
	s.settle(state.Settlement{Entry: s.queued(who)})
	return who, c.Ref
}

// settle stages a lot in which nobody may fail.
func (s *suite) settle(list ...state.Settlement) {
	s.Helper()
	done := must[state.LotStaged](s)(s.db.StageLot(state.Lot{Settlements: list, Rules: rules, Now: now, Config: 7}))
	if len(done.Failed) > 0 {
		s.Fatalf("%+v", done)
	}
}

// stage has a patch wait for the CRM.
func (s *suite) stage(id state.PersonID, ref connectors.Ref, headline string) *state.Pending {
	s.Helper()
	next := &state.Person{Contacts: []connectors.Ref{ref}, Events: 5, Shown: []byte("shown"), Tier: 4, Due: after(time.Hour)}
	p := &state.Pending{Person: id, Patch: connectors.Patch{Ref: ref, Fields: map[string]string{connectors.FieldHeadline: headline, connectors.FieldScore: "64.4"}},
		Staged: now, Bulk: true, Inputs: 9, Score: 640, Trend: 4, Reason: "tier", Next: next, Receipt: []byte(`{"a":1}`)}
	s.settle(state.Settlement{Entry: state.Entry{Person: id}, Outcome: state.Stage, Next: next, Patches: []*state.Pending{p}})
	return p
}

// queued is a person's entry in the queue; a zero one, if there is none.
func (s *suite) queued(id state.PersonID) state.Entry {
	s.Helper()
	e, _, err := s.db.Queued(id)
	if err != nil {
		s.Fatal(err)
	}
	return e
}

func (s *suite) kept(id state.PersonID) state.Kept {
	s.Helper()
	k, _, err := s.db.Kept(id)
	if err != nil {
		s.Fatal(err)
	}
	return k
}

func (s *suite) claim(at time.Time, n int) []state.Entry {
	s.Helper()
	return must[[]state.Entry](s)(s.db.Claim(at, n))
}

// now is when the tests play: any time will do.
var now = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return now.Add(d) }
