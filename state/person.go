package state

import (
	"encoding/binary"
	"time"

	"github.com/intentd/intentd/connectors"
)

// NewPerson is a number that no person has had. The person exists from PutPerson on.
func (tx *txn) NewPerson() (PersonID, error) {
	n, err := tx.sequence(bPeople)
	if err != nil {
		return 0, err
	}
	return PersonID(n), checkPerson(PersonID(n))
}

// A person's record begins with the marks of the identities that lead to them (see identity.go): a count and four bytes
// each. The core follows; it is missing until PutPerson.

// markLen is how many bytes of an identity's hash a mark is.
const markLen = 4

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
func (tx *txn) putRecord(id PersonID, marks, core []byte) error {
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
	personArm
	personStanding
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

func (tx *txn) appendPerson(b []byte, p *Person) ([]byte, error) {
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
	if !p.Arm.Since.IsZero() {
		set |= personArm
	}
	if p.Standing != (Standing{}) {
		set |= personStanding
	}
	b = append(b, set, byte(p.Flags)&flagBits|byte(p.tier())<<tierShift)
	if set&personDue != 0 { // first, so that a change of it is found without the rest
		b = binary.BigEndian.AppendUint32(b, seconds(p.Due))
	}
	if set&personStanding != 0 {
		b = appendStanding(b, p.Standing)
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
	if set&personArm != 0 {
		b = p.Arm.append(b)
	}
	return b, nil
}

const (
	armHeld = 1 << iota
	armMixed
)

func (a Arm) append(b []byte) []byte {
	var marks byte
	if a.Held {
		marks |= armHeld
	}
	if a.Mixed {
		marks |= armMixed
	}
	return append(binary.BigEndian.AppendUint32(b, seconds(a.Since.Truncate(time.Second))), marks) // as history does: what comes of the draw is not before it
}

func (r *reader) arm() Arm {
	at, marks := r.uint32(), r.byte()
	return Arm{Since: time.Unix(int64(at), 0).UTC(), Held: marks&armHeld != 0, Mixed: marks&armMixed != 0}
}

// appendRef stores a ref inside a record: its key, led by its length.
func (tx *txn) appendRef(b []byte, ref connectors.Ref) ([]byte, error) {
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

func (tx *txn) decodePerson(core []byte) (p Person, err error) {
	p.Due = dueOf(core)
	r := reader{b: core}
	set := r.byte()
	marks := r.byte()
	p.Flags = PersonFlags(marks & flagBits)
	if set&personDue != 0 {
		r.take(4)
	}
	if set&personStanding != 0 {
		if b := r.take(standingBytes); b != nil {
			p.Standing.Score = binary.BigEndian.Uint16(b)
			p.Standing.setMarks(b[2:])
		}
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
	if set&personStanding == 0 {
		p.Standing = standingOf(p.Shown)
	}
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
	if set&personArm != 0 {
		p.Arm = r.arm()
	}
	if r.bad || len(r.b) > 0 {
		return Person{}, damaged("person")
	}
	return p, nil
}

// rankedOf is the place that follows from a core record. Records of before standings were kept have theirs in Shown.
func rankedOf(core []byte) (r ranked, err error) {
	if len(core) == 0 {
		return r, nil
	}
	c := reader{b: core}
	set, marks := c.byte(), c.byte()
	if PersonFlags(marks)&FlagHeldOut != 0 {
		return r, nil // no CRM shows them
	}
	if set&personDue != 0 {
		c.take(4)
	}
	if set&personStanding != 0 {
		b := c.take(standingBytes)
		if c.bad {
			return r, damaged("person")
		}
		r.tier, r.Score = Tier(min(marks>>tierShift, Tiers-1)), binary.BigEndian.Uint16(b)
		r.setMarks(b[2:])
		return r, nil
	}
	if set&personEvents != 0 {
		c.take(8)
	}
	for range 2 { // shared hashes
		if c.uvarint() == 1 {
			c.take(8)
		}
	}
	for range c.count() { // contacts
		c.view()
	}
	c.view() // features
	shown := c.view()
	if c.bad {
		return r, damaged("person")
	}
	r.tier, r.Standing = min(tierOf(marks, shown), Tiers-1), standingOf(shown)
	return r, nil
}

// storedTier reads no more of a core than the tier, unless it is of before tiers were stored.
func (tx *txn) storedTier(core []byte) (Tier, error) {
	if len(core) < 2 {
		return 0, damaged("person")
	}
	if t := core[1] >> tierShift; t > 0 {
		return Tier(min(t, Tiers-1)), nil
	}
	p, err := tx.decodePerson(core)
	return p.Tier, err
}

func (tx *txn) personRecord(id PersonID) (marks, core []byte, err error) {
	var buf [4]byte
	return split(tx.get(bPeople, personKey(buf[:0], id)))
}

// Person is the record of a person. The due time comes back in whole seconds.
func (tx *txn) Person(id PersonID) (Person, bool, error) {
	_, core, err := tx.personRecord(id)
	if err != nil || len(core) == 0 {
		return Person{}, false, err
	}
	p, err := tx.decodePerson(core)
	return p, err == nil, err
}

// PutPerson stores the record of a person and keeps due index and ranking in step. The due time is rounded up to the second.
func (tx *txn) PutPerson(id PersonID, p *Person) error {
	if err := checkPerson(id); err != nil {
		return err
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
		*tx.w.counts.of(PersonFlags(old[1]), was)--
	}
	*tx.w.counts.of(p.Flags, p.tier())++
	if err := tx.setDue(id, dueOf(old), p.Due); err != nil {
		return err
	}
	was, err := rankedOf(old)
	if err != nil {
		return err
	}
	is, err := rankedOf(core)
	if err != nil {
		return err
	}
	if err := tx.setRank(id, was, is); err != nil {
		return err
	}
	return tx.putRecord(id, marks, core)
}

// People is up to n people in the order of their numbers, from (and with) one on: to go on, ask from the last plus one.
func (tx *txn) People(from PersonID, n int) ([]PersonID, error) {
	if from > maxPerson {
		return nil, nil
	}
	var ids []PersonID
	var err error
	var buf [4]byte
	tx.walk(bPeople, nil, personKey(buf[:0], from), max(n, 1), func(k, v []byte) bool {
		if len(ids) >= n {
			return false
		}
		var core []byte
		if _, core, err = split(v); err == nil && len(k) != 4 {
			err = damaged("person")
		}
		if err == nil && len(core) > 0 {
			ids = append(ids, PersonID(binary.BigEndian.Uint32(k)))
		}
		return err == nil && len(ids) < n
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// Person is a person's core record; false if there is none.
func (db *DB) Person(id PersonID) (p Person, ok bool, err error) {
	err = db.view(func(tx *txn) (err error) { p, ok, err = tx.Person(id); return err })
	return p, ok, err
}

// People are up to n people from id on, in ascending order.
func (db *DB) People(from PersonID, n int) ([]PersonID, error) {
	return viewOf(db, func(tx *txn) ([]PersonID, error) { return tx.People(from, n) })
}

// PeopleFrom are up to n people from id on, with their core records. Those that cannot be read are left out: the lot that meets them tells.
// next is whom to go on from, 0 at the end.
func (db *DB) PeopleFrom(from PersonID, n int) (whose []PersonID, people []Person, next PersonID, err error) {
	err = db.view(func(tx *txn) error {
		whose, people, next = nil, nil, 0
		ids, err := tx.People(from, n)
		if err != nil {
			return err
		}
		for _, id := range ids {
			next = id + 1
			if p, ok, err := tx.Person(id); err == nil && ok {
				whose, people = append(whose, id), append(people, p)
			}
		}
		return nil
	})
	return whose, people, next, err
}

// putResult makes a result the person's. Records may have changed hands, a verdict come in, and a merge ended that they are held out, since it
// was worked out.
func (tx *txn) putResult(id PersonID, have, next *Person) error {
	merged := *next
	merged.Contacts, merged.Verdict, merged.Arm = have.Contacts, have.Verdict, have.Arm
	merged.Flags = next.Flags&^FlagHeldOut | have.Flags&FlagHeldOut
	return tx.PutPerson(id, &merged)
}
