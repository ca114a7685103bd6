package state

import (
	"github.com/intentd/intentd/connectors"
)

// MarkSeen notes which records a sweep has met.
func (tx *txn) MarkSeen(sweep string, refs []connectors.Ref) error {
	name, _, err := tx.nameID("sweep\x00"+sweep, true)
	if err != nil {
		return err
	}
	var buf [64]byte
	for _, ref := range refs {
		key, _, err := tx.refKey(appendKind(buf[:0], name), ref, true)
		if err != nil {
			return err
		}
		if err := tx.put(bSeen, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// Seen says whether a sweep has met a record.
func (tx *txn) Seen(sweep string, ref connectors.Ref) bool {
	name, ok, err := tx.nameID("sweep\x00"+sweep, false)
	if !ok || err != nil {
		return false
	}
	var buf [64]byte
	key, ok, err := tx.refKey(appendKind(buf[:0], name), ref, false)
	return ok && err == nil && tx.get(bSeen, key) != nil
}

// DropSeen forgets up to n records of what a sweep has met; more says that some are left.
func (tx *txn) DropSeen(sweep string, n int) (more bool, err error) {
	name, ok, err := tx.nameID("sweep\x00"+sweep, false)
	if !ok || err != nil {
		return false, err
	}
	var buf [8]byte
	dropped, err := tx.dropPrefix(bSeen, appendKind(buf[:0], name), n)
	return dropped == n && n > 0, err
}
