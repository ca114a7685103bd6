package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// What older files say of own fields, a number of bits and the hashes of those that are set, reads as before and is written as before:
// more fields than 16 need no other form.
func TestOwnFieldsKeepTheirStoredForm(t *testing.T) {
	old := []byte{contactHeld}
	old = binary.AppendUvarint(old, 1) // person
	old = binary.AppendUvarint(old, 1|1<<9|1<<15)
	old = append(old, 0, 0, 1, 0, 0, 2, 0, 0, 3)
	old = append(binary.AppendUvarint(old, 1<<15), 0, 0, 0) // held, and no times
	c, err := decodeContact(old)
	if err != nil || c.Own.At(0).Wrote != 1 || c.Own.At(9).Wrote != 2 || c.Own.At(15) != (OwnField{3, true}) || c.Own.At(1) != (OwnField{}) {
		t.Fatalf("%+v, %v", c, err)
	}
	if again := appendContact(nil, &c); !bytes.Equal(again, old) {
		t.Errorf("written as % x, was % x", again, old)
	}
}

// A set of any number of fields, one put between others later, is journalled, acknowledged and held field by field.
func TestMoreOwnFieldsThanSixteen(t *testing.T) {
	set := connectors.PersonFields()
	for n := 15; n < 90; n++ {
		set.Fields = slices.Insert(slices.Clone(set.Fields), 3, connectors.Field{Number: n, Name: fmt.Sprint("q_", n), Type: connectors.TypeText})
	}
	db := openTest(t, Options{Fields: set})
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	ref := connectors.Ref{CRM: "crm", Object: "contacts", ID: "1"}
	values := map[string]string{}
	for _, f := range set.Fields {
		if !f.RepEdits {
			values[f.Name] = "value of " + f.Name
		}
	}
	p := Pending{Patch: connectors.Patch{Ref: ref, Fields: values}, Staged: at, Score: -1}
	mustUpdate(t, db, func(tx *txn) (err error) {
		if p.Person, err = tx.NewPerson(); err != nil {
			return err
		}
		return errors.Join(tx.PutPerson(p.Person, &Person{Contacts: []connectors.Ref{ref}}), tx.PutContact(ref, &Contact{Person: p.Person}), tx.Stage(&p))
	})
	mustUpdate(t, db, func(tx *txn) error {
		got, err := tx.Pending(ref)
		if err != nil || !maps.Equal(got.Patch.Fields, values) {
			t.Errorf("journalled %v, %v", got, err)
		}
		if err := tx.acknowledge(&Answer{Ref: ref, Seq: p.Seq}, 0, at, new(Acknowledged)); err != nil {
			return err
		}
		rec, _, err := tx.Contact(ref)
		if err != nil {
			return err
		}
		for _, f := range set.Fields {
			if want := values[f.Name]; want != "" && rec.Own.At(f.Number).Wrote != FieldHash(f.Number, want) {
				t.Errorf("%s is not known to be written", f.Name)
			}
		}
		for _, n := range []int{3, 40, 89} {
			rec.Own.Set(n, OwnField{Wrote: rec.Own.At(n).Wrote, Held: true})
		}
		return tx.PutContact(ref, &rec)
	})
	want := []string{"q_89", "q_40", connectors.FieldHeadline} // in the order of the set
	held, err := db.HeldFields(p.Person)
	if err != nil || len(held) != 1 || !slices.Equal(held[0].Names, want) {
		t.Errorf("held %+v, %v; want %v", held, err, want)
	}
}

// A number says of what kind it is wherever it is kept; what is kept of people takes nobody else.
func TestANumberKnowsItsKind(t *testing.T) {
	company := PersonID(1<<30 | 7)
	if PersonID(maxPerson).Subject() != connectors.PersonSubject || company.Subject() == connectors.PersonSubject {
		t.Error("a person and a company are of one kind")
	}
	if id := PersonID(binary.BigEndian.Uint32(dueEntry(nil, time.Unix(1e9, 0), company)[4:])); id.Subject() != company.Subject() {
		t.Errorf("the due entry of %d says %d", company, id)
	}
	if k, ok := parseQueueKey(queueKey{person: company}.append(nil)); !ok || k.person.Subject() != company.Subject() {
		t.Errorf("the queue entry of %d says %d", company, k.person)
	}
	if checkPerson(company) == nil || checkPerson(maxPerson) != nil || checkPerson(1<<32|1) == nil {
		t.Error("somebody else is taken for a person")
	}
}
