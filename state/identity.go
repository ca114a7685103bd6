package state

import (
	"encoding/binary"
	"slices"
)

// An identity is stored as a 12-byte keyed hash of its value, without the value. Its entry holds the person and why it is there:
// set for itself, or as a link; it goes when neither is true any more. So that a person's identities can be found without
// their values, each person's record holds a mark, the first four bytes of the hash, for each.

var identityIndex = cellIndex{bucket: bIdentities, key: hashLen, width: hashLen + 4}

const (
	markLen = 4

	bySet  = 1 << 30
	byLink = 1 << 31
)

func (tx *Tx) identityHash(kind LinkKind, value string) [hashLen]byte {
	return tx.db.mac(byte(kind), value)
}

func parseIdentity(entry []byte) (id PersonID, why uint32) {
	v := binary.BigEndian.Uint32(entry[hashLen:])
	return PersonID(v & maxPerson), v &^ maxPerson
}

func (tx *Tx) identity(hash []byte) (id PersonID, why uint32, ok bool) {
	entry := identityIndex.get(tx, hash)
	if entry == nil {
		return 0, 0, false
	}
	id, why = parseIdentity(entry)
	return id, why, true
}

// Identify is the person that a value leads to. Values are compared as they are: bring them into one form first.
func (tx *Tx) Identify(kind LinkKind, value string) (PersonID, bool) {
	hash := tx.identityHash(kind, value)
	id, _, ok := tx.identity(hash[:])
	return id, ok
}

// SetIdentity has value lead to a person, and no longer to whomever it led to before.
func (tx *Tx) SetIdentity(kind LinkKind, value string, id PersonID) error {
	return tx.claimIdentity(kind, value, id, bySet)
}

// DropIdentity ends what SetIdentity did. A value that is also a link of the person still leads to them.
func (tx *Tx) DropIdentity(kind LinkKind, value string) error {
	hash := tx.identityHash(kind, value)
	return tx.disclaim(hash[:], bySet)
}

func (tx *Tx) claimIdentity(kind LinkKind, value string, id PersonID, why uint32) error {
	if err := checkPerson(id); err != nil {
		return err
	}
	if tx.w == nil {
		return errInView
	}
	hash := tx.identityHash(kind, value)
	was, had, exists := tx.identity(hash[:])
	switch {
	case exists && was == id && had&why != 0:
		return nil
	case exists && was == id:
		why |= had
	case exists:
		if err := tx.unmark(was, hash[:markLen]); err != nil {
			return err
		}
		fallthrough
	default:
		marks, core, err := tx.personRecord(id)
		if err != nil {
			return err
		}
		if err := tx.putRecord(id, append(slices.Clone(marks), hash[:markLen]...), core); err != nil {
			return err
		}
	}
	added, err := identityIndex.put(tx, binary.BigEndian.AppendUint32(hash[:hashLen:hashLen], uint32(id)|why))
	if added {
		tx.w.counts.identities++
	}
	return err
}

// disclaim takes away one reason of an entry, and the entry with its last.
func (tx *Tx) disclaim(hash []byte, why uint32) error {
	if tx.w == nil {
		return errInView
	}
	id, had, exists := tx.identity(hash)
	if !exists || had&why == 0 {
		return nil
	}
	if left := had &^ why; left != 0 {
		_, err := identityIndex.put(tx, binary.BigEndian.AppendUint32(slices.Clone(hash), uint32(id)|left))
		return err
	}
	if err := tx.unmark(id, hash[:markLen]); err != nil {
		return err
	}
	tx.w.counts.identities--
	_, err := identityIndex.drop(tx, hash)
	return err
}

// unmark takes one mark from a person's record.
func (tx *Tx) unmark(id PersonID, mark []byte) error {
	marks, core, err := tx.personRecord(id)
	if err != nil {
		return err
	}
	for i := 0; i < len(marks); i += markLen {
		if string(marks[i:i+markLen]) == string(mark) {
			return tx.putRecord(id, slices.Delete(slices.Clone(marks), i, i+markLen), core)
		}
	}
	return nil
}

// identitiesOf finds the hashes that marks stand for. Other people's entries may begin like a mark: theirs are left out.
func (tx *Tx) identitiesOf(id PersonID, marks []byte) (hashes [][]byte) {
	for i := 0; i < len(marks); i += markLen {
		mark := marks[i : i+markLen]
		if i > 0 && string(mark) == string(marks[i-markLen:i]) {
			continue // two that begin alike were found together
		}
		identityIndex.scan(tx, mark, func(entry []byte) bool {
			if !hasPrefix(entry, mark) {
				return false
			}
			if who, _ := parseIdentity(entry); who == id {
				hashes = append(hashes, slices.Clone(entry[:hashLen]))
			}
			return true
		})
	}
	return hashes
}

// dropIdentities removes the entries that marks stand for.
func (tx *Tx) dropIdentities(id PersonID, marks []byte) error {
	for _, hash := range tx.identitiesOf(id, marks) {
		gone, err := identityIndex.drop(tx, hash)
		if err != nil {
			return err
		}
		if gone {
			tx.w.counts.identities--
		}
	}
	return nil
}

// Links are a person's identifiers beyond the CRM's.
func (tx *Tx) Links(id PersonID) ([]Link, error) {
	var buf [4]byte
	v := tx.get(bLinks, personKey(buf[:0], id))
	if v == nil {
		return nil, nil
	}
	r := reader{b: v}
	links := make([]Link, 0, r.count())
	for range cap(links) {
		l := Link{Kind: LinkKind(r.byte()), Value: r.string()}
		source, err := tx.nameOf(uint32(r.uvarint()))
		if err != nil {
			return nil, err
		}
		l.Source, l.Reason, l.At = source, r.string(), r.time()
		links = append(links, l)
	}
	if r.bad {
		return nil, damaged("links")
	}
	return links, nil
}

// PutLinks replaces a person's links. Their values lead to the person from now on, and those of links that are gone no longer
// do, unless SetIdentity said so.
func (tx *Tx) PutLinks(id PersonID, links []Link) error {
	if err := checkPerson(id); err != nil {
		return err
	}
	if tx.w == nil {
		return errInView
	}
	old, err := tx.Links(id)
	if err != nil {
		return err
	}
	type value struct {
		kind  LinkKind
		value string
	}
	kept := make(map[value]bool, len(links))
	for _, l := range links {
		kept[value{l.Kind, l.Value}] = true
	}
	for _, l := range old {
		if kept[value{l.Kind, l.Value}] {
			continue
		}
		hash := tx.identityHash(l.Kind, l.Value)
		if who, _, ok := tx.identity(hash[:]); ok && who == id {
			if err := tx.disclaim(hash[:], byLink); err != nil {
				return err
			}
		}
	}
	var buf [4]byte
	if len(links) == 0 {
		if len(old) == 0 {
			return nil
		}
		return tx.del(bLinks, personKey(buf[:0], id))
	}
	v := binary.AppendUvarint(nil, uint64(len(links)))
	for _, l := range links {
		if err := tx.claimIdentity(l.Kind, l.Value, id, byLink); err != nil {
			return err
		}
		source, _, err := tx.nameID(l.Source, true)
		if err != nil {
			return err
		}
		v = appendString(append(v, byte(l.Kind)), l.Value)
		v = binary.AppendUvarint(v, uint64(source))
		v = appendTime(appendString(v, l.Reason), l.At)
	}
	return tx.put(bLinks, personKey(buf[:0], id), v)
}
