package state

import (
	"bytes"
	"encoding/binary"
)

// RankQuery asks for a part of the ranking. Zero values ask for everybody.
type RankQuery struct {
	Tier           Tier
	Trend, Stage   uint8
	Product, Owner uint8  // marks: who has the same one by chance comes along
	After          []byte // RankPage.Next of the part before
	N              int
}

// RankPage is a part of the ranking. Next is where the next begins; nil at the end.
type RankPage struct {
	People []RankedPerson
	Next   []byte
}

// RankedPerson is a person and where they stand.
type RankedPerson struct {
	ID     PersonID
	Tier   Tier
	Person Person
}

// rankLook is how many places one question looks at, most of them of people it does not ask for; who asks goes on from Next.
const rankLook = 20_000

// Ranked is a part of the ranking: up to N people, fewer where those asked for are rare. Whose record cannot be read is left out: the lot that
// meets them tells.
func (db *DB) Ranked(q RankQuery) (RankPage, error) {
	return viewOf(db, func(tx *txn) (page RankPage, err error) {
		from := make([]byte, rankIndex.key)
		if q.Tier > 0 {
			binary.BigEndian.PutUint16(from, ranked{tier: q.Tier, Standing: Standing{Score: 1<<scoreBits - 1}}.place())
		}
		if len(q.After) == rankIndex.key && bytes.Compare(q.After, from) >= 0 {
			from = q.After
		}
		cells := scanCells
		if q.Trend|q.Stage|q.Product|q.Owner > 0 {
			cells = 512 // most of what is looked at is passed over
		}
		looked, more := 0, false
		rankIndex.scanBy(tx, from, cells, func(entry []byte) bool {
			r, id := parseRank(entry)
			if q.Tier > 0 && r.tier != q.Tier {
				return false
			}
			if string(entry[:rankIndex.key]) == string(q.After) {
				return true
			}
			if more = looked == rankLook || len(page.People) == q.N; more {
				return false
			}
			looked++
			page.Next = append(page.Next[:0], entry[:rankIndex.key]...)
			if q.wants(r) {
				page.People = append(page.People, RankedPerson{ID: id, Tier: r.tier})
			}
			return true
		})
		if !more {
			page.Next = nil
		}
		found := page.People
		page.People = nil
		for _, p := range found {
			var ok bool
			if p.Person, ok, err = tx.Person(p.ID); ok && err == nil {
				page.People = append(page.People, p)
			}
		}
		return page, nil
	})
}

func (q *RankQuery) wants(r ranked) bool {
	fits := func(want, is uint8) bool { return want == 0 || want == is }
	return fits(q.Trend, r.Trend) && fits(q.Stage, r.Stage) && fits(q.Product, r.Product) && fits(q.Owner, r.Owner)
}

// ScoreCounts are how many people there are of each tier, evidence and score, in one read.
func (db *DB) ScoreCounts() ([]ScoreCount, error) {
	return viewOf(db, (*txn).scoreCounts)
}

// EvidenceChange is what a person's evidence is found to be by now.
type EvidenceChange struct {
	ID  PersonID
	Was Standing // of when it was looked at: who was worked out since is left alone
	Is  uint8
}

// NoteEvidence keeps what evidence has become by time alone.
func (db *DB) NoteEvidence(changes []EvidenceChange) error {
	return db.update(func(tx *txn) error {
		for _, c := range changes {
			p, ok, err := tx.Person(c.ID)
			if err != nil || !ok || p.Standing != c.Was {
				continue // what cannot be read is told by the lot that meets it
			}
			p.Standing.Evidence = c.Is
			if err := tx.PutPerson(c.ID, &p); err != nil {
				return err
			}
		}
		return nil
	})
}
