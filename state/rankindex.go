package state

import "encoding/binary"

// The ranking holds everybody of whom something was ever written, by tier and score, the highest first, and how many there are of each tier,
// evidence and score. It follows from the core records and moves with them, in the same commit (PutPerson, DeletePerson).

// rankIndex holds tier and score in one number, falling, and the person; then the marks.
var rankIndex = cellIndex{bucket: bRank, key: 6, width: 9}

// ranked is somebody's place in the ranking; without a tier there is none.
type ranked struct {
	tier Tier
	Standing
}

// scoreBits are the bits of a place below the tier.
const scoreBits = 13

func (r ranked) place() uint16 { return ^(uint16(r.tier)<<scoreBits | min(r.Score, 1<<scoreBits-1)) }

func (r ranked) entry(b []byte, id PersonID) []byte {
	return r.appendMarks(personKey(binary.BigEndian.AppendUint16(b, r.place()), id))
}

func parseRank(entry []byte) (r ranked, id PersonID) {
	place := ^binary.BigEndian.Uint16(entry)
	r.tier, r.Score = Tier(place>>scoreBits), place&(1<<scoreBits-1)
	r.setMarks(entry[6:])
	return r, PersonID(binary.BigEndian.Uint32(entry[2:]))
}

// setRank moves a person from one place to another.
func (tx *txn) setRank(id PersonID, was, is ranked) error {
	if was == is {
		return nil
	}
	var buf [16]byte
	if was.tier > 0 {
		if is.tier == 0 || was.place() != is.place() {
			if _, err := rankIndex.drop(tx, was.entry(buf[:0], id)[:rankIndex.key]); err != nil {
				return err
			}
		}
		if err := tx.countScore(was, -1); err != nil {
			return err
		}
	}
	if is.tier == 0 {
		return nil
	}
	if _, err := rankIndex.put(tx, is.entry(buf[:0], id)); err != nil {
		return err
	}
	return tx.countScore(is, 1)
}

// countScore adds to how many people have a tier, evidence and score.
func (tx *txn) countScore(r ranked, add int64) error {
	key := [4]byte{uint8(r.tier), r.Evidence}
	binary.BigEndian.PutUint16(key[2:], r.Score)
	var n uint64
	if v := tx.get(bScores, key[:]); v != nil {
		c := reader{b: v}
		if n = c.uvarint(); c.bad {
			return damaged("count of scores")
		}
	}
	if n += uint64(add); int64(n) <= 0 {
		return tx.del(bScores, key[:])
	}
	var buf [binary.MaxVarintLen64]byte
	return tx.put(bScores, key[:], tx.keep(buf[:binary.PutUvarint(buf[:], n)]))
}

// ScoreCount is how many people have a tier, evidence and score (in tenths).
type ScoreCount struct {
	Tier     Tier
	Evidence uint8
	Score    uint16
	People   int
}

func (tx *txn) scoreCounts() (list []ScoreCount, err error) {
	c := tx.scan(bScores, nil, nil, 0)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		r := reader{b: v}
		n := r.uvarint()
		if r.bad || len(k) != 4 {
			return nil, damaged("count of scores")
		}
		list = append(list, ScoreCount{Tier(k[0]), k[1], binary.BigEndian.Uint16(k[2:]), int(n)})
	}
	return list, nil
}
