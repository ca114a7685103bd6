package state

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// HeldOut says whether nothing is written of the person now.
func (p *Person) HeldOut() bool { return p.Flags&FlagHeldOut != 0 }

// domainHoldout keeps the draw apart from other uses of the install secret.
const domainHoldout = 'h'

// DrawHoldout is the number in [0, 1) that a person draws: whoever draws less than the share is held out. It is an HMAC of their key under the
// install secret, so that nobody can foresee or choose it and a smaller share holds a part of the same people.
func (db *DB) DrawHoldout(id PersonID) float64 {
	sum := db.mac(domainHoldout, id.Key())
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}

// draw keeps which arm somebody drew, unless they were written, or merged with somebody who was, meanwhile.
func (p *Person) draw(a *Arm) bool {
	if a == nil || !p.Arm.Since.IsZero() || len(p.Shown) > 0 {
		return false
	}
	if p.Arm = *a; a.Held {
		p.Flags |= FlagHeldOut
	}
	return true
}

// joinArms is what two who turned out to be one are to the comparison: held out only if both are, and compared only if they did not draw
// differently and neither was shown outside it.
func (p *Person) joinArms(o *Person) {
	outside := func(x *Person) bool { return x.Arm.Since.IsZero() && len(x.Shown) > 0 }
	a, b := p.Arm, o.Arm
	switch {
	case a.Since.IsZero() && b.Since.IsZero():
	case a.Mixed || b.Mixed || outside(p) || outside(o) || !a.Since.IsZero() && !b.Since.IsZero() && a.Held != b.Held:
		p.Arm = Arm{Since: cmp.Or(a.Since, b.Since), Mixed: true}
	case a.Since.IsZero() || !b.Since.IsZero() && b.Since.Before(a.Since):
		p.Arm = b
	}
	if p.HeldOut() && !o.HeldOut() {
		p.Flags &^= FlagHeldOut
		p.Shown, p.Tier, p.Standing = nil, 0, Standing{} // no CRM shows it
	}
}

// LetGo has those of up to n people behind after come again whom a share would hold out no more, and says how many they were and the last of the n,
// 0 at the end. Their lot writes them.
func (db *DB) LetGo(share float64, after PersonID, n int, now time.Time) (queued int, last PersonID, err error) {
	err = db.update(func(tx *txn) error {
		queued, last = 0, 0
		ids, err := tx.People(after+1, n)
		if err != nil {
			return err
		}
		for _, id := range ids {
			last = id
			_, core, err := tx.personRecord(id)
			if err != nil || len(core) < 2 || PersonFlags(core[1])&FlagHeldOut == 0 || db.DrawHoldout(id) < share {
				continue // one that cannot be read the lot that meets it tells
			}
			if err := tx.Enqueue(id, Backfill, ReasonConfig, now); err != nil {
				return err
			}
			queued++
		}
		return nil
	})
	return queued, last, err
}

// FirstShown is when each of up to n people behind after was first shown in a CRM, or would have been; of those who never were nothing. last is the
// last of the n, 0 at the end.
func (db *DB) FirstShown(after PersonID, n int) (first []time.Time, last PersonID, err error) {
	err = db.view(func(tx *txn) error {
		first, last = nil, 0
		ids, err := tx.People(after+1, n)
		if err != nil {
			return err
		}
		for _, id := range ids {
			last = id
			if points := tx.History(id); len(points) > 0 {
				first = append(first, points[0].At)
			}
		}
		return nil
	})
	return first, last, err
}

// Compared is somebody who is compared, with their records and the scores that a CRM showed, or would have shown, since they drew.
type Compared struct {
	Person   PersonID
	Arm      Arm
	HeldOut  bool // still
	Contacts []connectors.Ref
	History  []HistoryPoint
}

// ComparedFrom are those of up to n people behind after who drew an arm, the mixed among them. last is the last of the n, 0 at the end. People who
// cannot be read are left out: the lot that meets them tells.
func (db *DB) ComparedFrom(after PersonID, n int) (people []Compared, last PersonID, err error) {
	err = db.view(func(tx *txn) error {
		people, last = nil, 0
		ids, err := tx.People(after+1, n)
		if err != nil {
			return err
		}
		for _, id := range ids {
			last = id
			p, ok, err := tx.Person(id)
			if err != nil || !ok || p.Arm.Since.IsZero() {
				continue
			}
			history := slices.DeleteFunc(tx.History(id), func(h HistoryPoint) bool { return h.At.Before(p.Arm.Since) })
			people = append(people, Compared{id, p.Arm, p.HeldOut(), p.Contacts, history})
		}
		return nil
	})
	return people, last, err
}
