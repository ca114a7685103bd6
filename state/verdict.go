package state

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// VerdictAt is one change of what a rep says of a person.
type VerdictAt struct {
	Verdict string // "": it was taken back
	At      time.Time
	Judged  []byte // the score it was about, as the caller encoded it; nil: none is known
}

// maxVerdicts is how many changes of a person's verdict are kept: reps change their minds a few times, a rule gone wild without end.
const maxVerdicts = 16

// PutVerdict adds a rep's verdict on a person. One of the same millisecond is replaced; beyond 16 the oldest goes.
//
// What was judged follows the verdict behind a zero byte: verdicts of earlier releases have neither.
func (tx *txn) PutVerdict(id PersonID, v VerdictAt) error {
	if err := checkPerson(id); err != nil {
		return err
	}
	var buf [16]byte
	prefix := personKey(buf[:0], id)
	keys := tx.keysWith(bVerdicts, prefix, -1)
	value := []byte(v.Verdict)
	if len(v.Judged) > 0 {
		value = append(append(value, 0), v.Judged...)
	}
	key := appendUint48(slices.Clone(prefix), millis(v.At))
	if i, there := slices.BinarySearchFunc(keys, key, bytes.Compare); !there && len(keys) >= maxVerdicts {
		if i == 0 {
			return nil // older than all that is kept
		}
		if err := tx.del(bVerdicts, keys[0]); err != nil {
			return err
		}
	}
	return tx.put(bVerdicts, key, value)
}

// changeVerdict adds the present verdict on a person, unless it is the last one again. The last one stays the last, whatever the clocks say.
func (tx *txn) changeVerdict(id PersonID, v VerdictAt, before string) error {
	if said := tx.Verdicts(id); len(said) > 0 {
		last := said[len(said)-1]
		if last.Verdict == v.Verdict && before == v.Verdict {
			return nil
		}
		if !v.At.After(last.At) {
			v.At = last.At.Add(time.Millisecond)
		}
	}
	return tx.PutVerdict(id, v)
}

// moveVerdicts gives one person's verdicts to another. Of two that came in one millisecond both are kept.
func (tx *txn) moveVerdicts(from, to PersonID) error {
	mine := tx.Verdicts(to)
	for _, v := range tx.Verdicts(from) {
		for slices.ContainsFunc(mine, func(have VerdictAt) bool { return have.At.Equal(v.At) }) {
			v.At = v.At.Add(time.Millisecond)
		}
		if err := tx.PutVerdict(to, v); err != nil {
			return err
		}
		mine = append(mine, v)
	}
	return nil
}

// eraseVerdicts erases verdicts up to a moment.
func (tx *txn) eraseVerdicts(id PersonID, until time.Time) error {
	var buf [4]byte
	for _, key := range tx.keysWith(bVerdicts, personKey(buf[:0], id), -1) {
		if len(key) == verdictKey && uint48(key[4:]) > millis(until) {
			break
		}
		if err := tx.del(bVerdicts, key); err != nil {
			return err
		}
	}
	return nil
}

// verdictAt is since when a person has a verdict; zero if they have none, or nothing tells.
func (tx *txn) verdictAt(id PersonID, verdict string) time.Time {
	if verdict == "" {
		return time.Time{}
	}
	for _, v := range slices.Backward(tx.Verdicts(id)) {
		if v.Verdict == verdict {
			return v.At
		}
	}
	return time.Time{}
}

// verdictKey is the length of the key of a verdict: person and time.
const verdictKey = 10

// Verdicts are the reps' verdicts on a person, the oldest first.
func (tx *txn) Verdicts(id PersonID) []VerdictAt {
	var buf [4]byte
	var out []VerdictAt
	c := tx.scan(bVerdicts, personKey(buf[:0], id), nil, 0)
	for k, v := c.Next(); len(k) == verdictKey; k, v = c.Next() {
		out = append(out, verdictOf(k, v))
	}
	return out
}

func verdictOf(k, v []byte) VerdictAt {
	verdict, judged, _ := bytes.Cut(v, []byte{0})
	out := VerdictAt{Verdict: string(verdict), At: time.UnixMilli(int64(uint48(k[4:]))).UTC()}
	if len(judged) > 0 {
		out.Judged = slices.Clone(judged)
	}
	return out
}

// VerdictsOn are the reps' verdicts on one person, the oldest first.
type VerdictsOn struct {
	Person   PersonID
	Verdicts []VerdictAt
}

// VerdictsFrom are about n verdicts, those of whole people, from the person id on, in ascending order. next is whom to go on from, 0 at the end.
func (db *DB) VerdictsFrom(id PersonID, n int) (people []VerdictsOn, next PersonID, err error) {
	err = db.view(func(tx *txn) error {
		people, next = nil, 0
		var buf [4]byte
		tx.walk(bVerdicts, nil, personKey(buf[:0], id), n+maxVerdicts, func(k, v []byte) bool {
			if len(k) != verdictKey {
				return true
			}
			who := PersonID(binary.BigEndian.Uint32(k))
			if last := len(people) - 1; last < 0 || people[last].Person != who {
				if n <= 0 {
					next = who
					return false
				}
				people = append(people, VerdictsOn{Person: who})
			}
			on := &people[len(people)-1]
			on.Verdicts = append(on.Verdicts, verdictOf(k, v))
			n--
			return true
		})
		return nil
	})
	return people, next, err
}
