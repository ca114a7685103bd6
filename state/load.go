package state

import (
	"time"

	"github.com/intentd/intentd/connectors"
)

// Loaded is what is kept of a claimed person.
type Loaded struct {
	Entry  Entry
	Known  bool // false: forgotten or joined to another since
	Person Person
	// VerdictAt is since when Person.Verdict stands, as far as anybody can tell; zero without one. Releases before this one kept it, too.
	VerdictAt time.Time
	Links     []Link
	Records   []LoadedRecord // in the order of Person.Contacts, those the state does not know left out
	Letters   []Dead
	Err       error // something of it cannot be read
}

// LoadedRecord is what is kept of one CRM record.
type LoadedRecord struct {
	Ref     connectors.Ref
	Contact Contact
	Pending *Pending // nil: no patch is on its way
}

// LoadLot reads everything kept of claimed people, of one moment. Of one of whom something cannot be read the error says what; it
// concerns nobody else.
func (db *DB) LoadLot(entries []Entry) (lot []Loaded, err error) {
	lot = make([]Loaded, len(entries))
	err = db.view(func(tx *txn) error {
		for i, e := range entries {
			lot[i] = Loaded{Entry: e}
			if err := tx.load(&lot[i]); err != nil {
				lot[i].Err = err
			}
		}
		return nil
	})
	return lot, err
}

func (tx *txn) load(l *Loaded) (err error) {
	id := l.Entry.Person
	if l.Person, l.Known, err = tx.Person(id); err != nil || !l.Known {
		return err
	}
	l.VerdictAt = tx.verdictAt(id, l.Person.Verdict)
	if l.Links, err = tx.Links(id); err != nil {
		return err
	}
	for _, ref := range l.Person.Contacts {
		rec, ok, err := tx.Contact(ref)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		pending, err := tx.Pending(ref)
		if err != nil {
			return err
		}
		l.Records = append(l.Records, LoadedRecord{ref, rec, pending})
	}
	if tx.HasDead() {
		l.Letters, err = tx.DeadOf(id)
	}
	return err
}

// Kept is everything that is kept of a person, of one moment.
type Kept struct {
	Person    Person
	Records   []LoadedRecord
	Links     []Link
	Receipts  []StoredReceipt // newest first
	History   []HistoryPoint
	Snapshots []Snapshot // oldest first
	Verdicts  []VerdictAt
	Letters   []Dead
}

// Kept is everything that is kept of a person; false if there is no such person.
func (db *DB) Kept(id PersonID) (k Kept, ok bool, err error) {
	err = db.view(func(tx *txn) error {
		l := Loaded{Entry: Entry{Person: id}}
		if err := tx.load(&l); err != nil || !l.Known {
			return err
		}
		ok, k = true, Kept{Person: l.Person, Records: l.Records, Links: l.Links, Letters: l.Letters, History: tx.History(id), Verdicts: tx.Verdicts(id)}
		if k.Snapshots, err = tx.Snapshots(id); err != nil {
			return err
		}
		k.Receipts, err = tx.Receipts(id, 100) // more than are ever kept
		return err
	})
	return k, ok, err
}
