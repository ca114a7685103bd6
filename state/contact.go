package state

import (
	"encoding/binary"

	"github.com/intentd/intentd/connectors"
)

const (
	contactInputs  = 1 << iota // Inputs is set
	contactScored              // Scored is set and differs from Inputs
	contactSettled             // Scored equals Inputs
	contactWide                // hashes of values have four bytes, not three
	contactHeld
	contactPaused
	contactChecked
	contactMissing
)

func appendContact(b []byte, c *Contact) []byte {
	var set byte
	flag := func(on bool, bit byte) {
		if on {
			set |= bit
		}
	}
	flag(c.Inputs != 0, contactInputs)
	flag(c.Scored != 0 && c.Scored != c.Inputs, contactScored)
	flag(c.Scored != 0 && c.Scored == c.Inputs, contactSettled)
	flag(c.Own.wide(), contactWide)
	flag(c.Own.Held(), contactHeld)
	flag(c.Paused, contactPaused)
	flag(c.Checked, contactChecked)
	flag(!c.Missing.IsZero(), contactMissing)
	b = append(b, set)
	b = binary.AppendUvarint(b, uint64(c.Person))
	if set&contactInputs != 0 {
		b = binary.BigEndian.AppendUint64(b, c.Inputs)
	}
	if set&contactScored != 0 {
		b = binary.BigEndian.AppendUint64(b, c.Scored)
	}
	b = c.Own.appendWrote(b, set&contactWide != 0)
	if set&contactHeld != 0 {
		b = c.Own.appendHeld(b)
	}
	if set&contactMissing != 0 {
		b = appendTime(b, c.Missing)
	}
	b = appendTime(b, c.Modified)
	return appendTimeNear(b, c.WroteAt, c.Modified)
}

func decodeContact(v []byte) (c Contact, err error) {
	r := reader{b: v}
	set := r.byte()
	c.Person = PersonID(r.uvarint())
	if set&contactInputs != 0 {
		c.Inputs = r.uint64()
	}
	if set&contactScored != 0 {
		c.Scored = r.uint64()
	}
	if set&contactSettled != 0 {
		c.Scored = c.Inputs
	}
	c.Own.readWrote(&r, set&contactWide != 0)
	if set&contactHeld != 0 {
		c.Own.readHeld(&r)
	}
	if set&contactMissing != 0 {
		c.Missing = r.time()
	}
	c.Modified = r.time()
	c.WroteAt = r.timeNear(c.Modified)
	c.Paused = set&contactPaused != 0
	c.Checked = set&contactChecked != 0
	if r.bad || len(r.b) > 0 {
		return Contact{}, damaged("contact")
	}
	return c, nil
}

// heldOf is 1 for a stored contact of which a person holds a field, else 0.
func heldOf(v []byte) int64 {
	if len(v) > 0 && v[0]&contactHeld != 0 {
		return 1
	}
	return 0
}

// Contact is what is known of a CRM record. Times come back in whole milliseconds.
func (tx *txn) Contact(ref connectors.Ref) (Contact, bool, error) {
	var buf [64]byte
	key, ok, err := tx.refKey(buf[:0], ref, false)
	if !ok || err != nil {
		return Contact{}, false, err
	}
	v := tx.get(bContacts, key)
	if v == nil {
		return Contact{}, false, nil
	}
	c, err := decodeContact(v)
	return c, err == nil, err
}

// PutContact stores what is known of a CRM record.
func (tx *txn) PutContact(ref connectors.Ref, c *Contact) error {
	var buf [64]byte
	key, _, err := tx.refKey(buf[:0], ref, true)
	if err != nil {
		return err
	}
	old := tx.get(bContacts, key)
	if old == nil {
		tx.w.counts.contacts++
	}
	tx.w.counts.held -= heldOf(old)
	if c.Own.Held() {
		tx.w.counts.held++
	}
	var vb [160]byte
	return tx.put(bContacts, key, tx.keep(appendContact(vb[:0], c)))
}

// DeleteContact forgets a CRM record. The person stays.
func (tx *txn) DeleteContact(ref connectors.Ref) error {
	var buf [64]byte
	key, ok, err := tx.refKey(buf[:0], ref, false)
	if !ok || err != nil {
		return err
	}
	old := tx.get(bContacts, key)
	if old == nil {
		return nil
	}
	tx.w.counts.contacts--
	tx.w.counts.held -= heldOf(old)
	return tx.del(bContacts, key)
}

// Contacts lists up to n records of an object after a key, "" for the first, in an order of the store's own. next is the key to
// go on after, "" at the end.
func (tx *txn) Contacts(crm, object string, after string, n int) (refs []connectors.Ref, next string, err error) {
	err = tx.walkRefs(bContacts, crm, object, after, n, func(ref connectors.Ref, _ []byte) error {
		refs = append(refs, ref)
		return nil
	}, &next)
	return refs, next, err
}

// walkRefs visits up to n pairs of a bucket whose keys are those of an object's records.
func (tx *txn) walkRefs(id bucketID, crm, object, after string, n int, visit func(ref connectors.Ref, v []byte) error, next *string) error {
	kind, ok, err := tx.kindOf(crm, object, false)
	if !ok || err != nil {
		return err
	}
	var buf [8]byte
	prefix := appendKind(buf[:0], kind)
	var from []byte
	if after != "" {
		from = append([]byte(after), 0) // the least key behind it
	}
	c := tx.scan(id, prefix, from, max(n, 0)+1)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		if n--; n < 0 {
			return nil
		}
		ref, err := tx.ref(k)
		if err != nil {
			return err
		}
		if err := visit(ref, v); err != nil {
			return err
		}
		*next = string(k)
	}
	*next = ""
	return nil
}
