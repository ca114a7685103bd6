package state

import (
	"encoding/binary"
	"time"

	"github.com/intentd/intentd/connectors"
)

// maxHistory is how many points a person's history keeps.
const maxHistory = 64

// AddHistory adds a point to a person's history, in the order of time. Beyond 64 the oldest goes.
func (tx *txn) AddHistory(id PersonID, p HistoryPoint) error {
	if err := checkPerson(id); err != nil {
		return err
	}
	var buf [4]byte
	key := personKey(buf[:0], id)
	old := tx.get(bHistory, key)
	p.At = p.At.Truncate(time.Second)
	n, second, at := 0, len(old), len(old) // points, where the second begins, where p belongs
	for r := (reader{b: old}); len(r.b) > 0; n++ {
		begins := len(old) - len(r.b)
		if n == 1 {
			second = begins
		}
		if q, _ := r.point(); at == len(old) && q.At.After(p.At) {
			at = begins
		}
		if r.bad {
			return damaged("history")
		}
	}
	from := 0
	if n >= maxHistory {
		if at == 0 {
			return nil // older than all that is kept
		}
		from = second
	}
	var pb [24]byte
	point, err := tx.appendPoint(pb[:0], &p)
	if err != nil {
		return err
	}
	v := tx.alloc(len(old) - from + len(point))
	rest := v[copy(v, old[from:at]):]
	copy(rest[copy(rest, point):], old[at:])
	return tx.put(bHistory, key, v)
}

// The byte of a point's tier holds, above it, the trend, and whether the number of the reason's name follows.
const (
	pointTier   = 3
	pointTrend  = 2 // bits to the left
	pointReason = 1 << 5
)

func (tx *txn) appendPoint(b []byte, p *HistoryPoint) ([]byte, error) {
	b = binary.AppendVarint(appendTime(b, p.At), int64(p.Score))
	marks := p.Tier&pointTier | p.Trend&7<<pointTrend
	if p.Reason == "" {
		return append(b, marks), nil
	}
	name, _, err := tx.nameID(p.Reason, true)
	return binary.AppendUvarint(append(b, marks|pointReason), uint64(name)), err
}

// point is the next one, but for its reason, of which it gives the name's number; 0: none.
func (r *reader) point() (p HistoryPoint, reason uint32) {
	p = HistoryPoint{At: r.time(), Score: int32(r.varint())}
	marks := r.byte()
	p.Tier, p.Trend = marks&pointTier, marks>>pointTrend&7
	if marks&pointReason != 0 {
		reason = uint32(r.uvarint())
	}
	return p, reason
}

// History is a person's written scores, the oldest first, with times in whole seconds.
func (tx *txn) History(id PersonID) []HistoryPoint {
	var buf [4]byte
	return tx.points(tx.get(bHistory, personKey(buf[:0], id)))
}

func (tx *txn) points(v []byte) (out []HistoryPoint) {
	for r := (reader{b: v}); len(r.b) > 0; {
		p, reason := r.point()
		if r.bad {
			break
		}
		if reason != 0 {
			p.Reason, _ = tx.nameOf(reason) // one that cannot be read costs no point
		}
		out = append(out, p)
	}
	return out
}

// PersonHistory is how a person's written score changed.
type PersonHistory struct {
	Person   PersonID
	Contacts []connectors.Ref // their records
	Points   []HistoryPoint   // the oldest first
}

// HistoriesFrom are the histories of up to n people from one on, in ascending order of people; next is whom to go on from, 0 at the end. Of somebody whose record cannot be
// read the records are left out.
func (db *DB) HistoriesFrom(from PersonID, n int) (people []PersonHistory, next PersonID, err error) {
	err = db.view(func(tx *txn) error {
		people, next = nil, 0
		var values [][]byte
		var buf [4]byte
		c := tx.scan(bHistory, nil, personKey(buf[:0], from), n)
		for k, v := c.Next(); len(k) == 4; k, v = c.Next() {
			people = append(people, PersonHistory{Person: PersonID(binary.BigEndian.Uint32(k))})
			values = append(values, v)
		}
		for i := range people {
			people[i].Points = tx.points(values[i])
			if p, ok, err := tx.Person(people[i].Person); err == nil && ok {
				people[i].Contacts = p.Contacts
			}
		}
		if len(people) == n && n > 0 {
			next = people[n-1].Person + 1
		}
		return nil
	})
	return people, next, err
}

// addHistoryOnChange adds a point unless it is the last one again.
func (tx *txn) addHistoryOnChange(id PersonID, p HistoryPoint) error {
	points := tx.History(id)
	if n := len(points); n > 0 && points[n-1].Score == p.Score && points[n-1].Tier == p.Tier && points[n-1].Trend == p.Trend {
		return nil
	}
	return tx.AddHistory(id, p)
}
