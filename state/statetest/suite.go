// Package statetest holds the promises of package state as a suite of tests, to be kept by every engine that may come.
package statetest

import (
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Run checks that what open returns behaves as package state promises. Each call of open gives an empty state with default
// options, on a path that can be opened again, and sees to it that the state is closed in the end.
func Run(t *testing.T, open func(t *testing.T) *state.DB) {
	for _, group := range [][]promise{facts, people, queues, journals, deliveries, lots, documents, transactions, upkeep} {
		for _, p := range group {
			t.Run(p.name, func(t *testing.T) { p.test(&suite{t, open(t)}) })
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
	db *state.DB
}

func (s *suite) update(fn func(tx *state.Tx) error) {
	s.Helper()
	if err := s.db.Update(fn); err != nil {
		s.Fatal(err)
	}
}

func (s *suite) view(fn func(tx *state.Tx) error) {
	s.Helper()
	if err := s.db.View(fn); err != nil {
		s.Fatal(err)
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
	db, err := state.Open(s.db.Path(), state.Options{})
	if err != nil {
		s.Fatal(err)
	}
	s.db = db
	s.Cleanup(func() { _ = db.Close() })
}

// person enters somebody with one contact and returns both.
func (s *suite) person(id string) (p state.PersonID, ref connectors.Ref) {
	s.Helper()
	ref = connectors.Ref{CRM: "hubspot", Object: "contacts", ID: id}
	s.update(func(tx *state.Tx) (err error) {
		if p, err = tx.NewPerson(); err != nil {
			return err
		}
		if err := tx.PutPerson(p, &state.Person{Contacts: []connectors.Ref{ref}}); err != nil {
			return err
		}
		return tx.PutContact(ref, &state.Contact{Person: p, Inputs: 1})
	})
	return p, ref
}

// now is when the tests play: any time will do.
var now = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return now.Add(d) }
