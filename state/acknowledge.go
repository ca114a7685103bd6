package state

import (
	"errors"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
)

// Answer is what a CRM said of one patch.
type Answer struct {
	Ref      connectors.Ref
	Seq      uint64 // of the patch; 0: of the one that the job named Token carries
	Token    string
	Stored   map[string]string // as connectors.Result has it
	Modified time.Time
	Err      error // nil: taken. Rejected and Gone are final; others are not to come here
}

// Acknowledged counts what Acknowledge did.
type Acknowledged struct {
	Written    int
	Rejected   int
	Gone       int
	Superseded int // a newer patch of the record stands, which will commit the person
	Damaged    int
}

// Acknowledge makes true what a CRM answered, record by record: hashes, receipt, history and the person's next record for what it
// took; a dead letter, tried again at its time, for what it refused. A record that is gone has its person looked at. It returns once that is on disk.
func (db *DB) Acknowledge(answers []Answer, config uint64, day string, now time.Time) (Acknowledged, error) {
	return updateOf(db, func(tx *txn) (sum Acknowledged, err error) {
		for i := range answers {
			a, before := &answers[i], sum
			err := tx.Attempt(func() error { return tx.acknowledge(a, config, now, &sum) })
			if errors.Is(err, ErrRecord) {
				sum = before
				sum.Damaged++
				err = tx.dropDamagedOf(a.Ref)
			}
			if err != nil {
				return sum, err
			}
		}
		if sum.Written == 0 {
			return sum, nil
		}
		return sum, tx.AddUsage(day, Usage{Written: int64(sum.Written)})
	})
}

// delivered takes the patch that an answer is about out of the journal, its fields given to sent (see decodePatch). newest is false if it is
// not the record's patch any more.
func (tx *txn) delivered(a *Answer, sent func(number int, name string, value []byte)) (p *Pending, u unsent, newest bool, err error) {
	var buf [64]byte
	var jb [16]byte
	key, ok, err := tx.refKey(buf[:0], a.Ref, false)
	if !ok || err != nil {
		return nil, u, false, err
	}
	if u, ok, err = tx.unsentOf(key); !ok || err != nil {
		return nil, u, false, err
	}
	if u.seq != a.Seq && (a.Seq != 0 || u.way != InJob || u.token != a.Token) {
		return nil, u, false, nil
	}
	if p, err = tx.pending(u, tx.get(bJournal, journalKey(jb[:0], key, u.seq)), sent); err != nil {
		return nil, u, false, err
	}
	return p, u, true, tx.dropUnsent(key, u.seq)
}

func (tx *txn) acknowledge(a *Answer, config uint64, now time.Time, sum *Acknowledged) error {
	var room [32]ownHash
	own := room[:0] // what our fields hold now: what the CRM told, else what was sent
	var sent func(number int, name string, value []byte)
	if a.Err == nil { // a letter says what was sent
		sent = func(number int, name string, value []byte) {
			sum := xxhash.Sum64(value)
			if stored, told := a.Stored[name]; told {
				sum = xxhash.Sum64String(stored)
			}
			if number >= 0 {
				own = append(own, ownHash{number, fieldHash(number, sum)})
			}
		}
	}
	p, u, newest, err := tx.delivered(a, sent)
	if err != nil {
		return err
	}
	if !newest {
		// What is known of the record is what the newer patch will say; that this one may have arrived stands in its Maybe.
		sum.Superseded++
		return nil
	}
	if u.then != 0 {
		if err := tx.Enqueue(u.person, u.lane, u.then, now); err != nil {
			return err
		}
	}
	switch {
	case a.Err == nil:
		sum.Written++
		return tx.taken(a, p, own, now)
	case connectors.KindOf(a.Err) == connectors.Gone:
		sum.Gone++
		return tx.gone(a, p, config, now)
	}
	sum.Rejected++
	return tx.refused(a, p, config, now)
}

// ownHash is the FieldHash of what an own field holds.
type ownHash struct {
	number int
	hash   uint32
}

// taken commits what the CRM took: what its own fields now hold, and the person's result.
func (tx *txn) taken(a *Answer, p *Pending, own []ownHash, now time.Time) error {
	rec, ok, err := tx.Contact(a.Ref)
	if err != nil {
		return err
	}
	if ok {
		for _, f := range own {
			rec.Own.Wrote(f.number, f.hash)
		}
		rec.WroteAt, rec.Scored = now, p.Inputs
		if a.Modified.After(rec.Modified) {
			rec.Modified = a.Modified
		}
		if err := tx.PutContact(a.Ref, &rec); err != nil {
			return err
		}
		if err := tx.DropDead(p.Person, a.Ref); err != nil {
			return err
		}
	}
	before, ok, err := tx.Person(p.Person)
	if err != nil || !ok {
		return err // forgotten meanwhile
	}
	if p.Next != nil {
		if err := tx.putResult(p.Person, &before, p.Next); err != nil {
			return err
		}
		if err := tx.alertChange(p, &before, now); err != nil {
			return err
		}
		if p.Score >= 0 && string(before.Shown) != string(p.Next.Shown) {
			if err := tx.addHistoryOnChange(p.Person, HistoryPoint{At: now, Score: p.Score, Tier: uint8(max(p.Next.Tier, 1) - 1), Trend: p.Trend, Reason: p.Reason}); err != nil {
				return err
			}
		}
	}
	if p.Receipt != nil {
		return tx.PutReceipt(p.Person, p.Staged, p.Receipt)
	}
	return nil
}

// refused keeps a dead letter of a patch that the CRM will not take and has its person come again when its time has come. The person's
// result stands, but for what the CRM shows: nothing was acknowledged.
func (tx *txn) refused(a *Answer, p *Pending, config uint64, now time.Time) error {
	d := p.letter(a.Err, config, now)
	if err := tx.retryLetter(d, connectors.Passing(a.Err), now); err != nil {
		return err
	}
	person, ok, err := tx.Person(p.Person)
	if err != nil || !ok || p.Next == nil {
		return err
	}
	next := *p.Next
	next.Shown, next.Tier, next.Standing = person.Shown, person.Tier, person.Standing
	return tx.putResult(p.Person, &person, &next)
}

// gone has the person of a record that could not be written any more looked at: merged, archived or erased, the strongly consistent read
// tells. A record that reads live all the same is written again after growing pauses only.
func (tx *txn) gone(a *Answer, p *Pending, config uint64, now time.Time) error {
	d := p.letter(a.Err, config, now)
	if d.Code == "" {
		d.Code = "gone"
	}
	if err := tx.retryLetter(d, true, now); err != nil {
		return err
	}
	if d.Attempts > 1 {
		return nil // it was looked at, and reads live: the letter's time must do
	}
	return tx.Enqueue(p.Person, Live, ReasonMerge, now)
}

// letter is the dead letter of a patch that was not taken.
func (p *Pending) letter(err error, config uint64, now time.Time) *Dead {
	d := &Dead{Person: p.Person, Ref: p.Patch.Ref, Op: "write", Message: err.Error(), At: now, First: now, Attempts: 1,
		Inputs: p.Inputs, Config: config, Wanted: PatchHash(p.Patch.Fields), Modified: p.Read}
	if p.Next != nil {
		d.Config = p.Next.Scoring // the one it was made under
	}
	var e *connectors.Error
	if errors.As(err, &e) {
		d.Code, d.Op = e.Code, e.Op
		if e.Message != "" {
			d.Message = e.Message
		}
	}
	return d
}
