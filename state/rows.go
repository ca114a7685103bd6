package state

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// What delivery asks of the journal: which patches are on their way, and what is to be sent. One damaged row costs that row: it goes, is
// counted, and its person becomes a dead letter.

// Row is a journalled patch on its way to the CRM, without what is sent.
type Row struct {
	Ref    connectors.Ref
	Seq    uint64
	Person PersonID
	Group  string
	Staged time.Time
	Bulk   bool   // may wait for a bulk job
	Alone  bool   // was refused before: it goes in batches of its kind
	Token  string // of the bulk job that carries it; "": it waits
}

// Rows is up to n patches of an object that wait or are carried by a job, in the order they were staged, after a sequence number. next
// is the number to go on after, 0 at the end. Rows that cannot be read are removed and counted in damaged.
func (db *DB) Rows(crm, object string, after uint64, n int) (rows []Row, next uint64, damaged int, err error) {
	var bad [][]byte
	err = db.view(func(tx *txn) error {
		rows, next, bad = nil, 0, nil
		return tx.journalRows(crm, object, after, func(seq uint64, k, v []byte) bool {
			if len(rows) == n {
				next = rows[n-1].Seq
				return false
			}
			row, u, err := tx.rowOf(v)
			switch {
			case err != nil || u.seq != seq:
				bad = append(bad, slices.Clone(k))
			case u.way != Void:
				rows = append(rows, row)
			}
			return true
		})
	})
	if err != nil || len(bad) == 0 {
		return rows, next, 0, err
	}
	return rows, next, len(bad), db.update(func(tx *txn) error {
		for _, k := range bad {
			if err := tx.dropDamaged(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// rowsAtATime is how many rows of the journal are asked for at once.
const rowsAtATime = 1000

// journalRows visits an object's patches after a sequence number until visit returns false.
func (tx *txn) journalRows(crm, object string, after uint64, visit func(seq uint64, k, v []byte) bool) error {
	kind, ok, err := tx.kindOf(crm, object, false)
	if !ok || err != nil {
		return err
	}
	var buf, jb [16]byte
	prefix := appendKind(buf[:0], kind)
	tx.walk(bJournal, prefix, journalKey(jb[:0], prefix, after+1), rowsAtATime, func(k, v []byte) bool {
		if len(k) != len(prefix)+6 {
			err = damaged("journal")
			return false
		}
		return visit(uint48(k[len(prefix):]), k, v)
	})
	return err
}

// rowOf reads the head of a journalled patch, and the entry that leads to it.
func (tx *txn) rowOf(v []byte) (row Row, u unsent, err error) {
	r := reader{b: v}
	r.byte()
	row.Staged = r.time()
	key := r.view()
	row.Group = r.string()
	if r.bad {
		return row, u, damaged("journal")
	}
	if row.Ref, err = tx.ref(key); err != nil {
		return row, u, err
	}
	u, ok, err := tx.unsentOf(key)
	if err == nil && !ok {
		err = damaged("journal")
	}
	row.Seq, row.Person, row.Bulk, row.Alone, row.Token = u.seq, u.person, u.bulk, u.alone, u.token
	return row, u, err
}

// dropDamaged removes the row at a journal key, which cannot be read, with what leads to it and, as far as it can be told, makes a
// dead letter of its person.
func (tx *txn) dropDamaged(key []byte) error {
	if tx.get(bJournal, key) == nil {
		return nil
	}
	var leads []byte
	c := tx.scan(bUnsent, key[:len(key)-6], nil, 0)
	seq := uint48(key[len(key)-6:])
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		if r := (reader{b: v}); r.uvarint() == seq {
			leads = slices.Clone(k)
			break
		}
	}
	if leads != nil {
		r := reader{b: tx.get(bUnsent, leads)}
		r.uvarint()
		if id := PersonID(r.uvarint()); !r.bad && id > 0 && id <= maxPerson {
			if err := tx.putDamaged(id, tx.db.o.Now()); err != nil {
				return err
			}
		}
		if err := tx.del(bUnsent, leads); err != nil {
			return err
		}
	}
	tx.w.counts.journal--
	return tx.del(bJournal, key)
}

// putDamaged makes a dead letter of a person of whom something cannot be read.
func (tx *txn) putDamaged(id PersonID, now time.Time) error {
	return tx.PutDead(&Dead{Person: id, Op: "read the state", Code: "damaged", At: now, Attempts: 1,
		Message: "something kept of this person cannot be read any more: restore a backup, or `intentd forget` the person"})
}

// dropDamagedOf removes the patch of a record whose answer could not be taken in.
func (tx *txn) dropDamagedOf(ref connectors.Ref) error {
	var buf [64]byte
	key, ok, err := tx.refKey(buf[:0], ref, false)
	if !ok || err != nil {
		return err
	}
	r := reader{b: tx.get(bUnsent, key)}
	seq := r.uvarint()
	if r.bad {
		return tx.del(bUnsent, key)
	}
	var jb [16]byte
	return tx.dropDamaged(journalKey(jb[:0], key, seq))
}

// Patches is what rows are to send. sendable[i] is false for a row that is not to be sent any more: superseded, void, dropped or carried by
// a job meanwhile.
func (db *DB) Patches(rows []Row) (patches []connectors.Patch, sendable []bool, err error) {
	patches, sendable = make([]connectors.Patch, len(rows)), make([]bool, len(rows))
	err = db.view(func(tx *txn) error {
		clear(sendable)
		var buf [64]byte
		var jb [16]byte
		for i := range rows {
			key, ok, err := tx.refKey(buf[:0], rows[i].Ref, false)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			u, ok, err := tx.unsentOf(key)
			if err != nil || !ok || u.seq != rows[i].Seq || u.way != Waiting {
				continue // one that cannot be read is found by Rows
			}
			r := reader{b: tx.get(bJournal, journalKey(jb[:0], key, u.seq))}
			if p, _, _, err := tx.decodePatch(&r, nil); err == nil {
				patches[i], sendable[i] = p, true
			}
		}
		return nil
	})
	return patches, sendable, err
}
