package state

// Kept is everything that is kept of a person, of one moment.
type Kept struct {
	Person   Person
	Records  []LoadedRecord
	Links    []Link
	Receipts []StoredReceipt // newest first
	History  []HistoryPoint
	Verdicts []VerdictAt
	Letters  []Dead
}

// Kept is everything that is kept of a person; false if there is no such person.
func (db *DB) Kept(id PersonID) (k Kept, ok bool, err error) {
	err = db.view(func(tx *txn) error {
		l := Loaded{Entry: Entry{Person: id}}
		if err := tx.load(&l); err != nil || !l.Known {
			return err
		}
		ok, k = true, Kept{Person: l.Person, Records: l.Records, Links: l.Links, Letters: l.Letters, History: tx.History(id), Verdicts: tx.Verdicts(id)}
		k.Receipts, err = tx.Receipts(id, 100) // more than are ever kept
		return err
	})
	return k, ok, err
}
