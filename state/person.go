package state

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// maxPerson is the highest person number: the 30 bits below the kind, as much as an identity entry holds.
const maxPerson = 1<<30 - 1

func checkPerson(id PersonID) error {
	if id == 0 || id > math.MaxUint32 || id.Subject() != connectors.PersonSubject {
		return fmt.Errorf("state: no person %d", id)
	}
	return nil
}

// personKey is the key of a person. A number that nobody can have leads to nobody, rather than to whom its low bits name.
func personKey(b []byte, id PersonID) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(min(id, math.MaxUint32)))
}

// NewPerson is a number that no person has had. The person exists from PutPerson on.
func (tx *Tx) NewPerson() (PersonID, error) {
	n, err := tx.sequence(bPeople)
	if err != nil {
		return 0, err
	}
	return PersonID(n), checkPerson(PersonID(n))
}

// A person's record begins with the marks of the identities that lead to them (see identity.go): a count and four bytes
// each. The core follows; it is missing until PutPerson.

// split takes a stored record apart, inside the page.
func split(v []byte) (marks, core []byte, err error) {
	if v == nil {
		return nil, nil, nil
	}
	r := reader{b: v}
	marks = r.take(r.uvarint() * markLen)
	if r.bad {
		return nil, nil, damaged("person")
	}
	return marks, r.b, nil
}

// putRecord stores marks and core; nothing of either removes the record.
func (tx *Tx) putRecord(id PersonID, marks, core []byte) error {
	var buf [4]byte
	key := personKey(buf[:0], id)
	if len(marks) == 0 && len(core) == 0 {
		return tx.del(bPeople, key)
	}
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(len(marks)/markLen))
	v := tx.alloc(n + len(marks) + len(core))
	copy(v, head[:n])
	copy(v[n:], marks)
	copy(v[n+len(marks):], core)
	return tx.put(bPeople, key, v)
}

const (
	personEvents = 1 << iota
	personDue
	personVerdict
)

// The byte of marks holds the flags and, above them, the tier.
const (
	tierShift = 5
	flagBits  = 1<<tierShift - 1
)

func (p *Person) tier() Tier { return tierOf(byte(p.Tier)<<tierShift, p.Shown) }

// tierOf is the tier of a decoded core. Records of before it was stored have it in the second byte of Shown, in the one format
// there was.
func tierOf(marks byte, shown []byte) Tier {
	if t := Tier(marks >> tierShift); t > 0 || len(shown) < 2 {
		return t
	}
	return 1 + Tier(shown[1]>>1&3)
}

func (tx *Tx) appendPerson(b []byte, p *Person) ([]byte, error) {
	var set byte
	if p.Events != 0 {
		set |= personEvents
	}
	if !p.Due.IsZero() {
		set |= personDue
	}
	if p.Verdict != "" {
		set |= personVerdict
	}
	b = append(b, set, byte(p.Flags)&flagBits|byte(p.tier())<<tierShift)
	if set&personDue != 0 { // first, so that a change of it is found without the rest
		b = binary.BigEndian.AppendUint32(b, seconds(p.Due))
	}
	if set&personEvents != 0 {
		b = binary.BigEndian.AppendUint64(b, p.Events)
	}
	var err error
	if b, err = tx.appendSharedHash(b, p.Extraction); err != nil {
		return nil, err
	}
	if b, err = tx.appendSharedHash(b, p.Scoring); err != nil {
		return nil, err
	}
	b = binary.AppendUvarint(b, uint64(len(p.Contacts)))
	for _, ref := range p.Contacts {
		if b, err = tx.appendRef(b, ref); err != nil {
			return nil, err
		}
	}
	b = appendBytes(b, p.Features)
	b = appendBytes(b, p.Shown)
	b = binary.AppendUvarint(b, uint64(len(p.Sources)))
	for _, s := range p.Sources {
		name, _, err := tx.nameID(s.Source, true)
		if err != nil {
			return nil, err
		}
		b = binary.AppendUvarint(b, uint64(name))
		b = binary.AppendUvarint(b, uint64(s.Events))
	}
	if set&personVerdict != 0 {
		b = appendString(b, p.Verdict)
	}
	return b, nil
}

// appendRef stores a ref inside a record: its key, led by its length.
func (tx *Tx) appendRef(b []byte, ref connectors.Ref) ([]byte, error) {
	var buf [64]byte
	key, _, err := tx.refKey(buf[:0], ref, true)
	if err != nil {
		return nil, err
	}
	return appendBytes(b, key), nil
}

// dueOf reads no more of a core than the due time.
func dueOf(core []byte) time.Time {
	if len(core) < 6 || core[0]&personDue == 0 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint32(core[2:])), 0).UTC()
}

func (tx *Tx) decodePerson(core []byte) (p Person, err error) {
	p.Due = dueOf(core)
	r := reader{b: core}
	set := r.byte()
	marks := r.byte()
	p.Flags = PersonFlags(marks & flagBits)
	if set&personDue != 0 {
		r.take(4)
	}
	if set&personEvents != 0 {
		p.Events = r.uint64()
	}
	if p.Extraction, err = tx.sharedHash(&r); err != nil {
		return Person{}, err
	}
	if p.Scoring, err = tx.sharedHash(&r); err != nil {
		return Person{}, err
	}
	if n := r.count(); n > 0 {
		p.Contacts = make([]connectors.Ref, 0, n)
		for range n {
			ref, err := tx.ref(r.view())
			if err != nil {
				return Person{}, err
			}
			p.Contacts = append(p.Contacts, ref)
		}
	}
	p.Features = r.bytes()
	p.Shown = r.bytes()
	p.Tier = tierOf(marks, p.Shown)
	if n := r.count(); n > 0 {
		p.Sources = make([]SourceCount, 0, n)
		for range n {
			name, err := tx.nameOf(uint32(r.uvarint()))
			if err != nil {
				return Person{}, err
			}
			p.Sources = append(p.Sources, SourceCount{name, uint32(r.uvarint())})
		}
	}
	if set&personVerdict != 0 {
		p.Verdict = r.string()
	}
	if r.bad || len(r.b) > 0 {
		return Person{}, damaged("person")
	}
	return p, nil
}

// storedTier reads no more of a core than the tier, unless it is of before tiers were stored.
func (tx *Tx) storedTier(core []byte) (Tier, error) {
	if len(core) < 2 {
		return 0, damaged("person")
	}
	if t := core[1] >> tierShift; t > 0 {
		return Tier(min(t, Tiers-1)), nil
	}
	p, err := tx.decodePerson(core)
	return p.Tier, err
}

func (tx *Tx) personRecord(id PersonID) (marks, core []byte, err error) {
	var buf [4]byte
	return split(tx.get(bPeople, personKey(buf[:0], id)))
}

// Person is the record of a person. The due time comes back in whole seconds.
func (tx *Tx) Person(id PersonID) (Person, bool, error) {
	_, core, err := tx.personRecord(id)
	if err != nil || len(core) == 0 {
		return Person{}, false, err
	}
	p, err := tx.decodePerson(core)
	return p, err == nil, err
}

// PutPerson stores the record of a person and keeps the due index in step. The due time is rounded up to the second.
func (tx *Tx) PutPerson(id PersonID, p *Person) error {
	if err := checkPerson(id); err != nil {
		return err
	}
	if tx.w == nil {
		return errInView
	}
	marks, old, err := tx.personRecord(id)
	if err != nil {
		return err
	}
	var buf [512]byte
	core, err := tx.appendPerson(buf[:0], p)
	if err != nil {
		return err
	}
	if len(old) == 0 {
		tx.w.counts.people++
	} else if was, err := tx.storedTier(old); err != nil {
		return err
	} else {
		tx.w.counts.tiers[was]--
	}
	tx.w.counts.tiers[p.tier()]++
	if err := tx.setDue(id, dueOf(old), p.Due); err != nil {
		return err
	}
	return tx.putRecord(id, marks, core)
}

// People is up to n people in the order of their numbers, from (and with) one on: to go on, ask from the last plus one.
func (tx *Tx) People(from PersonID, n int) ([]PersonID, error) {
	if from > maxPerson {
		return nil, nil
	}
	var ids []PersonID
	c := tx.bucket(bPeople).Cursor()
	var buf [4]byte
	for k, v := c.Seek(personKey(buf[:0], from)); k != nil && len(ids) < n; k, v = c.Next() {
		if len(k) != 4 {
			return nil, damaged("person")
		}
		_, core, err := split(v)
		if err != nil {
			return nil, err
		}
		if len(core) > 0 {
			ids = append(ids, PersonID(binary.BigEndian.Uint32(k)))
		}
	}
	return ids, nil
}

// DeletePerson removes everything there is about a person: record, due time, queue entry and lease, receipts, history, answer, links and
// the identities that lead to them, verdicts, dead letters, patches in the journal, and those of their contacts that are (still)
// theirs. Tombstones stay. Deleting nobody is no error.
func (tx *Tx) DeletePerson(id PersonID) error {
	if tx.w == nil {
		return errInView
	}
	if id == 0 || id > maxPerson {
		return nil
	}
	marks, core, err := tx.personRecord(id)
	if err != nil {
		return err
	}
	marks, core = slices.Clone(marks), slices.Clone(core)
	if err := tx.dropIdentities(id, marks); err != nil {
		return err
	}
	if len(core) > 0 {
		p, err := tx.decodePerson(core)
		if err != nil {
			return err
		}
		for _, ref := range p.Contacts {
			c, ok, err := tx.Contact(ref)
			if err != nil {
				return err
			}
			if ok && c.Person == id {
				if err := tx.DeleteContact(ref); err != nil {
					return err
				}
			}
		}
		if err := tx.setDue(id, p.Due, time.Time{}); err != nil {
			return err
		}
		tx.w.counts.people--
		tx.w.counts.tiers[p.Tier]--
	}
	if err := tx.putRecord(id, nil, nil); err != nil {
		return err
	}
	k, _, queued, err := tx.queued(id)
	if err != nil {
		return err
	}
	if queued {
		if err := tx.dequeue(k); err != nil {
			return err
		}
	}
	tx.w.queue.release(id)
	if err := tx.dropPendingOf(id); err != nil {
		return err
	}
	if err := tx.dropReceipts(id); err != nil {
		return err
	}
	if err := tx.dropDeadOf(id); err != nil {
		return err
	}
	var buf [4]byte
	key := personKey(buf[:0], id)
	for _, b := range []bucketID{bLinks, bAnswers, bHistory} {
		if err := tx.del(b, key); err != nil {
			return err
		}
	}
	_, err = tx.dropPrefix(bVerdicts, key, -1)
	return err
}

// dropPrefix deletes up to n pairs (all if n < 0) whose keys begin with prefix and says how many.
func (tx *Tx) dropPrefix(id bucketID, prefix []byte, n int) (int, error) {
	keys := tx.keysWith(id, prefix, n)
	for _, k := range keys {
		if err := tx.del(id, k); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// keysWith is up to n keys (all if n < 0) that begin with prefix. bbolt's cursors do not survive changes, hence the list.
func (tx *Tx) keysWith(id bucketID, prefix []byte, n int) (keys [][]byte) {
	c := tx.bucket(id).Cursor()
	for k, _ := c.Seek(prefix); k != nil && hasPrefix(k, prefix) && (n < 0 || len(keys) < n); k, _ = c.Next() {
		keys = append(keys, slices.Clone(k))
	}
	return keys
}

func hasPrefix(k, prefix []byte) bool {
	return len(k) >= len(prefix) && string(k[:len(prefix)]) == string(prefix)
}

// Person is a person's core record; false if there is none.
func (db *DB) Person(id PersonID) (p Person, ok bool, err error) {
	err = db.View(func(tx *Tx) (err error) { p, ok, err = tx.Person(id); return err })
	return p, ok, err
}

// People are up to n people from id on, in ascending order.
func (db *DB) People(from PersonID, n int) (ids []PersonID, err error) {
	err = db.View(func(tx *Tx) (err error) { ids, err = tx.People(from, n); return err })
	return ids, err
}

// PeopleFrom are the core records of up to n people from id on. Those that cannot be read are left out: the lot that meets them tells. next
// is whom to go on from, 0 at the end.
func (db *DB) PeopleFrom(from PersonID, n int) (people []Person, next PersonID, err error) {
	err = db.View(func(tx *Tx) error {
		ids, err := tx.People(from, n)
		if err != nil {
			return err
		}
		for _, id := range ids {
			next = id + 1
			if p, ok, err := tx.Person(id); err == nil && ok {
				people = append(people, p)
			}
		}
		return nil
	})
	return people, next, err
}
