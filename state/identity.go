package state

import (
	"encoding/binary"
	"slices"
)

// An identity is stored as a 12-byte keyed hash of its value, without the value. Its entry holds the person and why it is there:
// set because a record of theirs has it, or as a link (of what a source saw, or of what a record had); it goes when neither is true
// any more. So that a person's identities can be found without their values, each person's record holds a mark, the first four bytes
// of the hash, for each. An entry without a person is nobody's: more than one holds the value.

var identityIndex = cellIndex{bucket: bIdentities, key: hashLen, width: hashLen + 4}

const (
	bySet  = 1 << 30
	byLink = 1 << 31
)

func (tx *txn) identityHash(kind LinkKind, value string) [hashLen]byte {
	return tx.db.mac(byte(kind), value)
}

func parseIdentity(entry []byte) (id PersonID, why uint32) {
	v := binary.BigEndian.Uint32(entry[hashLen:])
	return PersonID(v & maxPerson), v &^ maxPerson
}

func (tx *txn) identity(hash []byte) (id PersonID, why uint32, ok bool) {
	entry := identityIndex.get(tx, hash)
	if entry == nil {
		return 0, 0, false
	}
	id, why = parseIdentity(entry)
	return id, why, true
}

// Identify is the person that a value leads to. Values are compared as they are: bring them into one form first.
func (tx *txn) Identify(kind LinkKind, value string) (PersonID, bool) {
	h, _ := tx.Holder(kind, value)
	return h.Person, h.Person != 0
}

// Holder is whom a value leads to, and by what.
type Holder struct {
	Person  PersonID
	Record  bool // a record of the person has it, as far as known
	Nobodys bool // more than one person holds it: it leads to nobody
}

// Holder tells whom a value leads to; false if it was never seen.
func (tx *txn) Holder(kind LinkKind, value string) (Holder, bool) {
	hash := tx.identityHash(kind, value)
	id, why, ok := tx.identity(hash[:])
	return Holder{Person: id, Record: why&bySet != 0 && id != 0, Nobodys: ok && id == 0}, ok
}

// SetIdentity has value lead to a person whose record has it, and no longer to whomever it led to before. A value that is nobody's
// stays so.
func (tx *txn) SetIdentity(kind LinkKind, value string, id PersonID) error {
	return tx.claimIdentity(kind, value, id, bySet)
}

// DropIdentity ends what SetIdentity did. A value that is also a link of the person still leads to them.
func (tx *txn) DropIdentity(kind LinkKind, value string) error {
	hash := tx.identityHash(kind, value)
	return tx.disclaim(hash[:], bySet)
}

func (tx *txn) claimIdentity(kind LinkKind, value string, id PersonID, why uint32) error {
	if err := checkPerson(id); err != nil {
		return err
	}
	hash := tx.identityHash(kind, value)
	was, had, exists := tx.identity(hash[:])
	switch {
	case exists && (was == 0 || was == id && had&why != 0):
		return nil
	case exists && was != id && why == byLink && had&bySet != 0:
		return nil // what another one's record has no link takes away
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

// disown has value lead to nobody, whatever comes.
func (tx *txn) disown(kind LinkKind, value string) error {
	hash := tx.identityHash(kind, value)
	was, _, exists := tx.identity(hash[:])
	if exists && was == 0 {
		return nil
	}
	if exists {
		if err := tx.unmark(was, hash[:markLen]); err != nil {
			return err
		}
	}
	added, err := identityIndex.put(tx, binary.BigEndian.AppendUint32(hash[:hashLen:hashLen], byLink))
	if added {
		tx.w.counts.identities++
	}
	return err
}

// FreeIdentity ends that a value is nobody's: those who held it turned out to be one person.
func (tx *txn) FreeIdentity(kind LinkKind, value string) error {
	hash := tx.identityHash(kind, value)
	if was, _, exists := tx.identity(hash[:]); !exists || was != 0 {
		return nil
	}
	tx.w.counts.identities--
	_, err := identityIndex.drop(tx, hash[:])
	return err
}

// Identifier is an identifier as it is looked for.
type Identifier struct {
	Kind  LinkKind
	Value string
}

// KeepIdentities says which values the records of a person have now. What they had before still leads to the person, until the record
// of another one has it.
func (tx *txn) KeepIdentities(id PersonID, now []Identifier) error {
	marks, _, err := tx.personRecord(id)
	if err != nil {
		return err
	}
	present := make(map[[hashLen]byte]bool, len(now))
	for _, v := range now {
		present[tx.identityHash(v.Kind, v.Value)] = true
	}
	for _, entry := range tx.identitiesOf(id, slices.Clone(marks)) {
		hash := entry[:hashLen:hashLen]
		if _, why := parseIdentity(entry); why&bySet == 0 || present[[hashLen]byte(hash)] {
			continue
		}
		if _, err := identityIndex.put(tx, binary.BigEndian.AppendUint32(hash, uint32(id)|byLink)); err != nil {
			return err
		}
	}
	return nil
}

// disclaim takes away one reason of an entry, and the entry with its last.
func (tx *txn) disclaim(hash []byte, why uint32) error {
	id, had, exists := tx.identity(hash)
	if !exists || id == 0 || had&why == 0 {
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
func (tx *txn) unmark(id PersonID, mark []byte) error {
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

// identitiesOf finds the entries that marks stand for. Other people's entries may begin like a mark: theirs are left out.
func (tx *txn) identitiesOf(id PersonID, marks []byte) (entries [][]byte) {
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
				entries = append(entries, slices.Clone(entry))
			}
			return true
		})
	}
	return entries
}

// dropIdentities removes the entries that marks stand for.
func (tx *txn) dropIdentities(id PersonID, marks []byte) error {
	for _, entry := range tx.identitiesOf(id, marks) {
		gone, err := identityIndex.drop(tx, entry[:hashLen])
		if err != nil {
			return err
		}
		if gone {
			tx.w.counts.identities--
		}
	}
	return nil
}

// linkNobodys marks the kind of a stored link that is Nobodys.
const linkNobodys = 0x80

// Links are a person's identifiers beyond the CRM's.
func (tx *txn) Links(id PersonID) ([]Link, error) {
	var buf [4]byte
	v := tx.get(bLinks, personKey(buf[:0], id))
	if v == nil {
		return nil, nil
	}
	r := reader{b: v}
	links := make([]Link, 0, r.count())
	for range cap(links) {
		kind := r.byte()
		l := Link{Kind: LinkKind(kind &^ linkNobodys), Nobodys: kind&linkNobodys != 0, Value: r.string()}
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

// PutLinks replaces a person's links. Their values lead to the person from now on, unless they are nobody's or another one's record has
// them; those that are Nobodys lead to nobody, whoever had them; and those of links that are gone no longer lead to the person, unless
// SetIdentity said so.
func (tx *txn) PutLinks(id PersonID, links []Link) error {
	if err := checkPerson(id); err != nil {
		return err
	}
	old, err := tx.Links(id)
	if err != nil {
		return err
	}
	kept := make(map[Identifier]bool, len(links))
	for _, l := range links {
		kept[Identifier{l.Kind, l.Value}] = !l.Nobodys
	}
	for _, l := range old {
		if kept[Identifier{l.Kind, l.Value}] {
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
		kind := byte(l.Kind)
		if l.Nobodys {
			kind |= linkNobodys
			err = tx.disown(l.Kind, l.Value)
		} else {
			err = tx.claimIdentity(l.Kind, l.Value, id, byLink)
		}
		if err != nil {
			return err
		}
		source, _, err := tx.nameID(l.Source, true)
		if err != nil {
			return err
		}
		v = appendString(append(v, kind), l.Value)
		v = binary.AppendUvarint(v, uint64(source))
		v = appendTime(appendString(v, l.Reason), l.At)
	}
	return tx.put(bLinks, personKey(buf[:0], id), v)
}

// Links are a person's identifiers beyond the CRM's.
func (db *DB) Links(id PersonID) ([]Link, error) {
	return viewOf(db, func(tx *txn) ([]Link, error) { return tx.Links(id) })
}

// MoveIdentities has every value that leads to one person lead to another: two people turned out to be one. Links themselves
// stay where they are; move them with PutLinks.
func (tx *txn) MoveIdentities(from, to PersonID) error {
	if err := checkPerson(from); err != nil {
		return err
	}
	if err := checkPerson(to); err != nil {
		return err
	}
	if from == to {
		return nil
	}
	marks, core, err := tx.personRecord(from)
	if err != nil {
		return err
	}
	marks, core = slices.Clone(marks), slices.Clone(core)
	var moved []byte
	for i := 0; i < len(marks); i += markLen {
		mark := marks[i : i+markLen]
		var entries [][]byte
		identityIndex.scan(tx, mark, func(entry []byte) bool {
			if !hasPrefix(entry, mark) {
				return false
			}
			if who, _ := parseIdentity(entry); who == from {
				entries = append(entries, slices.Clone(entry))
			}
			return true
		})
		for _, entry := range entries {
			_, why := parseIdentity(entry)
			binary.BigEndian.PutUint32(entry[hashLen:], uint32(to)|why)
			if _, err := identityIndex.put(tx, entry); err != nil {
				return err
			}
			moved = append(moved, entry[:markLen]...)
		}
	}
	if err := tx.putRecord(from, nil, core); err != nil {
		return err
	}
	theirs, toCore, err := tx.personRecord(to)
	if err != nil {
		return err
	}
	return tx.putRecord(to, append(slices.Clone(theirs), moved...), slices.Clone(toCore))
}
