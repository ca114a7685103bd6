package state

import (
	"slices"

	"github.com/intentd/intentd/connectors"
)

// PutDeal keeps a document about a closed deal, for learning.
func (tx *txn) PutDeal(ref connectors.Ref, v []byte) error {
	var buf [64]byte
	key, _, err := tx.refKey(buf[:0], ref, true)
	if err != nil {
		return err
	}
	return tx.put(bDeals, key, slices.Clone(v))
}

// DropDeal forgets a deal.
func (tx *txn) DropDeal(ref connectors.Ref) error {
	var buf [64]byte
	key, ok, err := tx.refKey(buf[:0], ref, false)
	if !ok || err != nil {
		return err
	}
	return tx.del(bDeals, key)
}

// Deals is up to n deals of an object after a key, "" for the first. next is the key to go on after, "" at the end.
func (tx *txn) Deals(crm, object, after string, n int) (deals map[connectors.Ref][]byte, next string, err error) {
	deals = map[connectors.Ref][]byte{}
	err = tx.walkRefs(bDeals, crm, object, after, n, func(ref connectors.Ref, v []byte) error {
		deals[ref] = slices.Clone(v)
		return nil
	}, &next)
	return deals, next, err
}
