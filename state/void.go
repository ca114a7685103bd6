package state

import (
	"errors"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Discard takes out of the journal patches that are too old to be true, or not wanted any more, and has their people worked on anew.
// One that may have arrived has the record's history asked whose its values are.
func (db *DB) Discard(rows []Row, now time.Time) error {
	return db.update(func(tx *txn) error {
		for i := range rows {
			err := tx.Attempt(func() error { return tx.discard(&rows[i], now) })
			if errors.Is(err, ErrRecord) {
				err = tx.dropDamagedOf(rows[i].Ref)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *txn) discard(row *Row, now time.Time) error {
	p, _, newest, err := tx.delivered(&Answer{Ref: row.Ref, Seq: row.Seq, Token: row.Token}, func(int, string, []byte) {})
	if err != nil || !newest {
		return err
	}
	rec, ok, err := tx.Contact(row.Ref)
	if err != nil {
		return err
	}
	if ok {
		rec.Checked = false
		if err := tx.PutContact(row.Ref, &rec); err != nil {
			return err
		}
	}
	return tx.Enqueue(p.Person, Live, ReasonAsked, now)
}

// VoidWaiting has up to n patches of an object, after a sequence number, not be sent any more and their people worked on anew. What a bulk job
// carries is with the CRM already. next is the number to go on after, 0 at the end.
func (db *DB) VoidWaiting(crm, object string, after uint64, n int, now time.Time) (next uint64, err error) {
	return updateOf(db, func(tx *txn) (next uint64, err error) {
		var refs []connectors.Ref
		if err := tx.journalRows(crm, object, after, func(seq uint64, _, v []byte) bool {
			if row, u, err := tx.rowOf(v); err == nil && u.way == Waiting {
				refs, next = append(refs, row.Ref), seq
			}
			return len(refs) < n
		}); err != nil {
			return 0, err
		}
		if len(refs) < n {
			next = 0
		}
		for _, ref := range refs {
			if err := tx.Attempt(func() error { return tx.Void(ref, ReasonAsked, now) }); err != nil && !errors.Is(err, ErrRecord) {
				return 0, err
			}
		}
		return next, nil
	})
}

// Void has the patch of a record, if one waits, not be sent any more, and its person worked on: what it was made of is no longer so.
func (tx *txn) Void(ref connectors.Ref, why Reason, now time.Time) error {
	var buf [64]byte
	key, ok, err := tx.refKey(buf[:0], ref, false)
	if !ok || err != nil {
		return err
	}
	u, ok, err := tx.unsentOf(key)
	if !ok || err != nil || u.way != Waiting {
		return err
	}
	u.way = Void
	if err := tx.putUnsent(key, &u); err != nil {
		return err
	}
	return tx.Enqueue(u.person, Live, why|u.then, now)
}

// AfterDelivery ends a claim of somebody one of whose patches is on its way: they are worked on once that is dealt with. It is false, and nothing
// is done, if none of the records has a patch on its way any more.
func (tx *txn) AfterDelivery(e Entry, refs []connectors.Ref) (bool, error) {
	var buf [64]byte
	for _, ref := range refs {
		key, ok, err := tx.refKey(buf[:0], ref, false)
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		u, ok, err := tx.unsentOf(key)
		if err != nil {
			return false, err
		}
		if !ok || u.way == Void {
			continue
		}
		if u.then == 0 || e.Lane < u.lane {
			u.lane = e.Lane
		}
		u.then |= e.Reason
		if err := tx.putUnsent(key, &u); err != nil {
			return false, err
		}
		_, err = tx.Done(e)
		return true, err
	}
	return false, nil
}
