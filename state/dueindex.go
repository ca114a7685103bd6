package state

import (
	"encoding/binary"
	"time"
)

// dueIndex holds second, person.
var dueIndex = cellIndex{bucket: bDue, key: 8, width: 8}

func dueEntry(b []byte, due time.Time, id PersonID) []byte {
	return personKey(binary.BigEndian.AppendUint32(b, seconds(due)), id)
}

// setDue moves a person's entry from one time to another; a zero time is no entry.
func (tx *txn) setDue(id PersonID, from, to time.Time) error {
	var a, b [8]byte
	old, fresh := dueEntry(a[:0], from, id), dueEntry(b[:0], to, id)
	if from.IsZero() == to.IsZero() && (from.IsZero() || string(old) == string(fresh)) {
		return nil
	}
	if !from.IsZero() {
		gone, err := dueIndex.drop(tx, old)
		if err != nil {
			return err
		}
		if gone {
			tx.w.counts.due--
		}
	}
	if !to.IsZero() {
		added, err := dueIndex.put(tx, fresh)
		if err != nil {
			return err
		}
		if added {
			tx.w.counts.due++
		}
	}
	return nil
}
