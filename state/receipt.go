package state

import (
	"encoding/binary"
	"slices"
	"time"
)

// Receipts lie under their person by descending sequence, so that the first is the newest whatever the clock did. An index of
// second and person finds those that are too old.

var receiptAges = cellIndex{bucket: bReceiptAge, key: 8, width: 8}

// StoredReceipt is one receipt of a person.
type StoredReceipt struct {
	At   time.Time
	JSON []byte // the receipt as it was before it was sealed
}

func receiptKey(b []byte, id PersonID, seq uint64) []byte {
	return appendUint48(personKey(b, id), 1<<48-1-seq)
}

// PutReceipt stores a person's newest receipt, plain or sealed, and drops those beyond Options.ReceiptsPerPerson. What is in it is
// the caller's; only it must not begin with the byte 1, which marks a sealed one.
func (tx *txn) PutReceipt(id PersonID, at time.Time, receipt []byte) error {
	if err := checkPerson(id); err != nil {
		return err
	}
	seq, err := tx.sequence(bReceipts)
	if err != nil {
		return err
	}
	if !isSealed(receipt) {
		receipt = seal(receipt)
	}
	var tb [binary.MaxVarintLen64]byte
	head := appendTime(tb[:0], at)
	v := tx.alloc(len(head) + len(receipt))
	copy(v[copy(v, head):], receipt)
	var buf [16]byte
	prefix := personKey(buf[:0], id)
	if keys := tx.keysWith(bReceipts, prefix, -1); len(keys) >= tx.db.o.ReceiptsPerPerson {
		if err := tx.dropReceiptKeys(id, keys[tx.db.o.ReceiptsPerPerson-1:]); err != nil {
			return err
		}
	}
	tx.w.counts.receipts++
	if err := tx.put(bReceipts, receiptKey(buf[:0], id, seq), v); err != nil {
		return err
	}
	_, err = receiptAges.put(tx, dueEntry(buf[:0], at, id))
	return err
}

// dropReceiptKeys deletes receipts of a person, and their ages unless another one shares the second.
func (tx *txn) dropReceiptKeys(id PersonID, keys [][]byte) error {
	var ages []time.Time
	for _, k := range keys {
		r := reader{b: tx.get(bReceipts, k)}
		ages = append(ages, r.time())
		if r.bad {
			return damaged("receipt")
		}
		if err := tx.del(bReceipts, k); err != nil {
			return err
		}
		tx.w.counts.receipts--
	}
	left := map[uint32]bool{}
	if err := tx.eachReceipt(id, -1, func(at time.Time, _ []byte) error {
		left[seconds(at)] = true
		return nil
	}); err != nil {
		return err
	}
	var buf [8]byte
	for _, at := range ages {
		if left[seconds(at)] {
			continue
		}
		if _, err := receiptAges.drop(tx, dueEntry(buf[:0], at, id)); err != nil {
			return err
		}
	}
	return nil
}

func (tx *txn) dropReceipts(id PersonID) error {
	var buf [4]byte
	keys := tx.keysWith(bReceipts, personKey(buf[:0], id), -1)
	if len(keys) == 0 {
		return nil
	}
	return tx.dropReceiptKeys(id, keys)
}

func (tx *txn) eachReceipt(id PersonID, n int, visit func(at time.Time, sealed []byte) error) error {
	var buf [4]byte
	prefix := personKey(buf[:0], id)
	c := tx.scan(bReceipts, prefix, nil, max(n, 0))
	for k, v := c.Next(); k != nil && n != 0; k, v = c.Next() {
		n--
		r := reader{b: v}
		at := r.time()
		if r.bad {
			return damaged("receipt")
		}
		if err := visit(at, r.b); err != nil {
			return err
		}
	}
	return nil
}

// Receipt is the person's newest receipt, as it was before it was sealed, and its time; nil if there is none.
func (tx *txn) Receipt(id PersonID) (plain []byte, at time.Time, err error) {
	err = tx.eachReceipt(id, 1, func(t time.Time, sealed []byte) error {
		at = t
		plain, err = unseal(sealed)
		return err
	})
	return plain, at, err
}

// Receipts is up to n of the person's receipts, the newest first.
func (tx *txn) Receipts(id PersonID, n int) ([]StoredReceipt, error) {
	var out []StoredReceipt
	err := tx.eachReceipt(id, max(n, 0), func(at time.Time, sealed []byte) error {
		plain, err := unseal(sealed)
		out = append(out, StoredReceipt{at, plain})
		return err
	})
	return out, err
}

// PurgeReceipts deletes receipts from before a time, those of up to n people at once, and says how many it was: 0 means that none
// are left.
func (tx *txn) PurgeReceipts(before time.Time, n int) (purged int, err error) {
	limit := seconds(before)
	var aged [][]byte
	receiptAges.scan(tx, make([]byte, receiptAges.key), func(entry []byte) bool {
		if len(aged) == n || binary.BigEndian.Uint32(entry) >= limit {
			return false
		}
		aged = append(aged, slices.Clone(entry))
		return true
	})
	for _, entry := range aged {
		var old [][]byte
		for _, k := range tx.keysWith(bReceipts, entry[4:], -1) {
			r := reader{b: tx.get(bReceipts, k)}
			if at := r.time(); !r.bad && seconds(at) < limit {
				old = append(old, k)
			}
		}
		if err := tx.dropReceiptKeys(PersonID(binary.BigEndian.Uint32(entry[4:])), old); err != nil {
			return purged, err
		}
		purged += len(old)
	}
	return purged, nil
}

// LastReceipt is a person's newest receipt; nil if there is none.
func (db *DB) LastReceipt(id PersonID) (plain []byte, err error) {
	err = db.view(func(tx *txn) (err error) { plain, _, err = tx.Receipt(id); return err })
	return plain, err
}

// LastReceipts are people's newest receipts, in their order; nil for who has none, or one that cannot be read.
func (db *DB) LastReceipts(ids []PersonID) ([][]byte, error) {
	return viewOf(db, func(tx *txn) ([][]byte, error) {
		out := make([][]byte, len(ids))
		for i, id := range ids {
			out[i], _, _ = tx.Receipt(id)
		}
		return out, nil
	})
}

// ReceiptAsOf is the newest of a person's receipts of a moment and before; nil if there is none.
func (db *DB) ReceiptAsOf(id PersonID, at time.Time) (plain []byte, err error) {
	err = db.view(func(tx *txn) error {
		plain = nil
		return tx.eachReceipt(id, -1, func(t time.Time, sealed []byte) (err error) {
			if plain == nil && !t.After(at) {
				plain, err = unseal(sealed)
			}
			return err
		})
	})
	return plain, err
}

// PurgeReceipts removes up to n receipts from before a time and says how many.
func (db *DB) PurgeReceipts(before time.Time, n int) (int, error) {
	return updateOf(db, func(tx *txn) (int, error) { return tx.PurgeReceipts(before, n) })
}
