package state

import (
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// The promises of what use cases are made of, transaction by transaction. Those of the use cases themselves are in package statetest.
func TestPromises(t *testing.T) {
	for _, group := range [][]promise{facts, people, queues, journals, deliveries, documents, transactions, upkeep} {
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
	db *DB
}

func (s *suite) update(fn func(tx *txn) error) {
	s.Helper()
	if err := s.db.update(fn); err != nil {
		s.Fatal(err)
	}
}

func (s *suite) view(fn func(tx *txn) error) {
	s.Helper()
	if err := s.db.view(fn); err != nil {
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
	db, err := Open(s.db.Path(), Options{NoSync: true})
	if err != nil {
		s.Fatal(err)
	}
	s.db = db
	s.Cleanup(func() { _ = db.Close() })
}

// person enters somebody with one contact and returns both.
func (s *suite) person(id string) (p PersonID, ref connectors.Ref) {
	s.Helper()
	ref = connectors.Ref{CRM: "hubspot", Object: "contacts", ID: id}
	s.update(func(tx *txn) (err error) {
		if p, err = tx.NewPerson(); err != nil {
			return err
		}
		if err := tx.PutPerson(p, &Person{Contacts: []connectors.Ref{ref}}); err != nil {
			return err
		}
		return tx.PutContact(ref, &Contact{Person: p, Inputs: 1})
	})
	return p, ref
}

// now is when the tests play: any time will do.
var now = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return now.Add(d) }
