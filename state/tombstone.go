package state

import (
	"time"

	"github.com/intentd/intentd/connectors"
)

// Tombstones: that somebody was forgotten, kept so that a later sweep or source does not bring them back. Keyed hashes only, of
// other domains than identities, so that the two cannot be matched.

const (
	buriedValue = 0x80 // plus the kind
	buriedRef   = 0xff
)

// Bury remembers that the person behind a value was forgotten.
func (tx *txn) Bury(kind LinkKind, value string, at time.Time) error {
	return tx.bury(buriedValue|byte(kind), value, at)
}

// Buried says whether the person behind a value was forgotten.
func (tx *txn) Buried(kind LinkKind, value string) bool {
	return tx.buried(buriedValue|byte(kind), value)
}

// BuryRef is Bury for a CRM record.
func (tx *txn) BuryRef(ref connectors.Ref, at time.Time) error {
	return tx.bury(buriedRef, refText(ref), at)
}

// BuriedRef says whether a CRM record belonged to somebody who was forgotten.
func (tx *txn) BuriedRef(ref connectors.Ref) bool { return tx.buried(buriedRef, refText(ref)) }

func refText(ref connectors.Ref) string { return ref.CRM + "\x00" + ref.Object + "\x00" + ref.ID }

func (tx *txn) bury(domain byte, what string, at time.Time) error {
	hash := tx.db.mac(domain, what)
	return tx.put(bTombstones, hash[:], appendTime(nil, at))
}

func (tx *txn) buried(domain byte, what string) bool {
	hash := tx.db.mac(domain, what)
	return tx.get(bTombstones, hash[:]) != nil
}
