package state

import (
	"encoding/binary"
	"time"
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
		if q := r.point(); at == len(old) && q.At.After(p.At) {
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
	point := appendTime(pb[:0], p.At)
	point = append(binary.AppendVarint(point, int64(p.Score)), p.Tier)
	v := tx.alloc(len(old) - from + len(point))
	rest := v[copy(v, old[from:at]):]
	copy(rest[copy(rest, point):], old[at:])
	return tx.put(bHistory, key, v)
}

func (r *reader) point() HistoryPoint {
	return HistoryPoint{At: r.time(), Score: int32(r.varint()), Tier: r.byte()}
}

// History is a person's written scores, the oldest first, with times in whole seconds.
func (tx *txn) History(id PersonID) []HistoryPoint {
	var buf [4]byte
	r := reader{b: tx.get(bHistory, personKey(buf[:0], id))}
	var out []HistoryPoint
	for len(r.b) > 0 {
		p := r.point()
		if r.bad {
			break
		}
		out = append(out, p)
	}
	return out
}

// addHistoryOnChange adds a point unless it is the last one again.
func (tx *txn) addHistoryOnChange(id PersonID, p HistoryPoint) error {
	points := tx.History(id)
	if n := len(points); n > 0 && points[n-1].Score == p.Score && points[n-1].Tier == p.Tier {
		return nil
	}
	return tx.AddHistory(id, p)
}
