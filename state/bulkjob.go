package state

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// CarryByJob gives up to n patches of an object that may wait for a bulk job to the job named token, and returns them: the token is on disk
// before anything is uploaded. Patches staged before oldest and those of the records in but, which go by calls, are left out.
func (db *DB) CarryByJob(crm, object, token string, oldest time.Time, n int, but map[connectors.Ref]bool) ([]connectors.Patch, error) {
	return updateOf(db, func(tx *txn) (patches []connectors.Patch, err error) {
		var keys [][]byte
		if err := tx.journalRows(crm, object, 0, func(_ uint64, _, v []byte) bool {
			row, u, err := tx.rowOf(v)
			if err != nil || !u.bulk || u.way != Waiting || row.Staged.Before(oldest) || but[row.Ref] {
				return true
			}
			p, _, _, err := tx.decodePatch(&reader{b: v}, nil)
			if err != nil {
				return true
			}
			keys, patches = append(keys, slices.Clone(rowKey(v))), append(patches, p)
			return len(keys) < n
		}); err != nil {
			return nil, err
		}
		return patches, tx.changeUnsent(keys, func(u *unsent) { u.way, u.token = InJob, token })
	})
}

// changeUnsent changes what leads to journalled patches.
func (tx *txn) changeUnsent(keys [][]byte, change func(*unsent)) error {
	for _, key := range keys {
		u, _, err := tx.unsentOf(key)
		if err != nil {
			return err
		}
		change(&u)
		if err := tx.putUnsent(key, &u); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseJob has the patches that a bulk job still carries wait again, to be sent by calls, and returns how many there were.
func (db *DB) ReleaseJob(crm, object, token string) (int, error) {
	return updateOf(db, func(tx *txn) (int, error) {
		var keys [][]byte
		if err := tx.journalRows(crm, object, 0, func(_ uint64, _, v []byte) bool {
			if _, u, err := tx.rowOf(v); err == nil && u.token == token && u.way == InJob {
				keys = append(keys, slices.Clone(rowKey(v)))
			}
			return true
		}); err != nil {
			return 0, err
		}
		return len(keys), tx.changeUnsent(keys, func(u *unsent) { u.way, u.token, u.bulk = Waiting, "", false })
	})
}
