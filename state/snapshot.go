package state

import (
	"encoding/binary"
	"slices"
	"time"
)

// A person's snapshots are one value, the oldest first, compressed as a whole once there are two: one tells little that the one before it did not.

// maxSnapshots is how many snapshots of a person are kept. Beyond, the one goes without which the smallest gap is left: never the first, nor the last.
const maxSnapshots = 100

// Snapshot is what a person's score rested on from At, in whole seconds, until the next one.
type Snapshot struct {
	At   time.Time `json:"at"`
	Body []byte    `json:"-"` // as the caller encoded it
}

// plainSnapshots is the first byte of a list: what is sealed begins with another.
const plainSnapshots = 0

// AddSnapshot adds a snapshot of a person, unless the last one says the same.
func (tx *txn) AddSnapshot(id PersonID, at time.Time, body []byte) error {
	if err := checkPerson(id); err != nil {
		return err
	}
	list, err := tx.Snapshots(id)
	if err != nil {
		return err
	}
	s := Snapshot{at.Truncate(time.Second), body}
	if n := len(list); n > 0 {
		last := list[n-1]
		if string(last.Body) == string(body) {
			return nil
		}
		if s.At.Before(last.At) {
			s.At = last.At // the last one stays the last, whatever the clocks say
		}
	}
	return tx.putSnapshots(id, append(list, s))
}

// putSnapshots keeps a person's snapshots, in the order of time and as many as are kept. Of those of one second the last counts.
func (tx *txn) putSnapshots(id PersonID, list []Snapshot) error {
	slices.SortStableFunc(list, func(a, b Snapshot) int { return a.At.Compare(b.At) })
	kept := list[:0]
	for i, s := range list {
		if i+1 == len(list) || !list[i+1].At.Equal(s.At) {
			kept = append(kept, s)
		}
	}
	for len(kept) > maxSnapshots {
		gap := func(without int) time.Duration { return kept[without+1].At.Sub(kept[without-1].At) }
		least := 1
		for i := range len(kept) - 2 {
			if gap(i+1) < gap(least) {
				least = i + 1
			}
		}
		kept = slices.Delete(kept, least, least+1)
	}
	var buf [4]byte
	key := personKey(buf[:0], id)
	if len(kept) == 0 {
		return tx.del(bSnapshots, key)
	}
	b := append(tx.w.scratch[:0], plainSnapshots)
	for _, s := range kept {
		b = appendBytes(appendTime(b, s.At), s.Body)
	}
	tx.w.scratch = b
	if len(kept) > 1 {
		return tx.put(bSnapshots, key, seal(b))
	}
	return tx.put(bSnapshots, key, tx.keep(b))
}

// Snapshots are those of a person, the oldest first.
func (tx *txn) Snapshots(id PersonID) ([]Snapshot, error) {
	var buf [4]byte
	return decodeSnapshots(tx.get(bSnapshots, personKey(buf[:0], id)))
}

func decodeSnapshots(v []byte) (list []Snapshot, err error) {
	if v == nil {
		return nil, nil
	}
	plain, err := unseal(v)
	if err != nil {
		return nil, err
	}
	r := reader{b: plain}
	if r.byte() != plainSnapshots {
		return nil, damaged("snapshots")
	}
	for len(r.b) > 0 {
		s := Snapshot{At: r.time(), Body: r.view()}
		if r.bad {
			return nil, damaged("snapshots")
		}
		list = append(list, s)
	}
	return list, nil
}

// SnapshotAt is the place of the one that held at a moment; -1: none is kept of then.
func SnapshotAt(list []Snapshot, at time.Time) int {
	n := len(list) - 1
	for n >= 0 && list[n].At.After(at) {
		n--
	}
	return n
}

// eraseSnapshots erases those of a person that were taken up to a moment, and says whether there were any.
func (tx *txn) eraseSnapshots(id PersonID, until time.Time) (bool, error) {
	list, err := tx.Snapshots(id)
	if err != nil {
		return false, err
	}
	kept := slices.DeleteFunc(slices.Clone(list), func(s Snapshot) bool { return !s.At.After(until) })
	if len(kept) == len(list) {
		return false, nil
	}
	return true, tx.putSnapshots(id, kept)
}

// moveSnapshots gives one person's snapshots to another, who turned out to be them. Both stand in the order of time, as in their history.
func (tx *txn) moveSnapshots(from, to PersonID) error {
	theirs, err := tx.Snapshots(from)
	if err != nil || len(theirs) == 0 {
		return err
	}
	mine, err := tx.Snapshots(to)
	if err != nil {
		return err
	}
	return tx.putSnapshots(to, append(theirs, mine...))
}

// PersonSnapshots are the snapshots of a person.
type PersonSnapshots struct {
	Person    PersonID
	Snapshots []Snapshot // the oldest first
}

// SnapshotsOf are a person's snapshots, the oldest first; none of somebody unknown.
func (db *DB) SnapshotsOf(id PersonID) ([]Snapshot, error) {
	return viewOf(db, func(tx *txn) ([]Snapshot, error) { return tx.Snapshots(id) })
}

// SnapshotsFrom are the snapshots of up to n people from one on, in ascending order of people. What cannot be read is left out: verifying the state tells.
// next is whom to go on from, 0 at the end.
func (db *DB) SnapshotsFrom(from PersonID, n int) (people []PersonSnapshots, next PersonID, err error) {
	err = db.view(func(tx *txn) error {
		people, next = nil, 0
		var buf [4]byte
		c := tx.scan(bSnapshots, nil, personKey(buf[:0], from), n)
		met := 0
		for k, v := c.Next(); len(k) == 4; k, v = c.Next() {
			id := PersonID(binary.BigEndian.Uint32(k))
			met, next = met+1, id+1
			if list, err := decodeSnapshots(v); err == nil {
				people = append(people, PersonSnapshots{id, list})
			}
		}
		if met < n {
			next = 0
		}
		return nil
	})
	return people, next, err
}

// PurgeSnapshots removes, of up to n people from one on, the snapshots that ceased to hold before a time: the last one of before tells how things stood then. It
// says how many, and whom to go on from, 0 at the end.
func (db *DB) PurgeSnapshots(before time.Time, from PersonID, n int) (purged int, next PersonID, err error) {
	people, next, err := db.SnapshotsFrom(from, n)
	if err != nil {
		return 0, 0, err
	}
	old := func(list []Snapshot) (n int) {
		for n+1 < len(list) && list[n+1].At.Before(before) {
			n++
		}
		return n
	}
	people = slices.DeleteFunc(people, func(p PersonSnapshots) bool { return old(p.Snapshots) == 0 })
	if len(people) == 0 {
		return 0, next, nil
	}
	purged, err = updateOf(db, func(tx *txn) (purged int, err error) {
		for _, p := range people {
			list, err := tx.Snapshots(p.Person) // as it is now
			if err != nil {
				return purged, err
			}
			if n := old(list); n > 0 {
				purged += n
				if err := tx.putSnapshots(p.Person, list[n:]); err != nil {
					return purged, err
				}
			}
		}
		return purged, nil
	})
	return purged, next, err
}
