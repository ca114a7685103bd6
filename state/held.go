package state

import (
	"time"

	"github.com/intentd/intentd/connectors"
)

// HeldFields are the own fields of one record that a person holds.
type HeldFields struct {
	Ref    connectors.Ref
	Person PersonID
	Names  []string // canonical
}

// HeldFields are the held fields of a person's records, record by record.
func (db *DB) HeldFields(id PersonID) ([]HeldFields, error) {
	return viewOf(db, func(tx *txn) ([]HeldFields, error) { return tx.heldFields(id) })
}

// HeldFieldsFrom are those of up to n people from id on. next is whom to go on from, 0 at the end.
func (db *DB) HeldFieldsFrom(from PersonID, n int) (held []HeldFields, next PersonID, err error) {
	err = db.view(func(tx *txn) error {
		held, next = nil, 0
		ids, err := tx.People(from, n)
		if err != nil {
			return err
		}
		for _, id := range ids {
			theirs, err := tx.heldFields(id)
			if err != nil {
				return err
			}
			held = append(held, theirs...)
		}
		if len(ids) == n {
			next = ids[n-1] + 1
		}
		return nil
	})
	return held, next, err
}

func (tx *txn) heldFields(id PersonID) (held []HeldFields, err error) {
	person, ok, err := tx.Person(id)
	if err != nil || !ok {
		return nil, err
	}
	for _, ref := range person.Contacts {
		rec, ok, err := tx.Contact(ref)
		if err != nil {
			return nil, err
		}
		if !ok || !rec.Own.Held() {
			continue
		}
		h := HeldFields{Ref: ref, Person: id}
		for _, f := range tx.db.o.Fields.Fields {
			if rec.Own.At(f.Number).Held {
				h.Names = append(h.Names, f.Name)
			}
		}
		held = append(held, h)
	}
	return held, nil
}

// LetGo are held fields that are to be ours again, with what the CRM shows in them.
type LetGo struct {
	HeldFields
	Shown map[string]string
}

// ReleaseFields takes what the CRM shows in held fields for our own, so that the next write replaces it, and queues the people. It says
// how many records and fields there were.
func (db *DB) ReleaseFields(list []LetGo, now time.Time) (records, fields int, err error) {
	err = db.update(func(tx *txn) error {
		records, fields = 0, 0
		for _, h := range list {
			rec, ok, err := tx.Contact(h.Ref)
			if err != nil {
				return err
			}
			if !ok || rec.Person != h.Person {
				continue
			}
			n := 0
			for _, name := range h.Names {
				f, ok := tx.db.o.Fields.Named(name)
				if !ok || !rec.Own.At(f.Number).Held {
					continue
				}
				rec.Own.Set(f.Number, OwnField{Wrote: FieldHash(f.Number, h.Shown[name])})
				n++
			}
			if n == 0 {
				continue
			}
			if err := tx.PutContact(h.Ref, &rec); err != nil {
				return err
			}
			if err := tx.Enqueue(h.Person, Live, ReasonAsked, now); err != nil {
				return err
			}
			records++
			fields += n
		}
		return nil
	})
	return records, fields, err
}
