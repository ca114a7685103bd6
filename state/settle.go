package state

import (
	"errors"
	"time"

	"github.com/intentd/intentd/connectors"
)

// StageLot settles a lot in one transaction. A person whose settlement cannot be stored costs nobody else theirs: they become a dead
// letter and come again after a pause.
func (db *DB) StageLot(lot Lot) (LotStaged, error) {
	return updateOf(db, func(tx *txn) (staged LotStaged, err error) {
		for key, v := range lot.Settings {
			if len(tx.Setting(key)) > 0 {
				continue
			}
			if err := tx.SetSetting(key, v); err != nil {
				return staged, err
			}
		}
		g := tx.registry(lot.Rules, lot.Now)
		for i := range lot.Settlements {
			s := &lot.Settlements[i]
			putOff := false
			err := tx.Attempt(func() (err error) { putOff, err = g.settle(s, lot.Config); return err })
			if err != nil {
				staged.Failed = append(staged.Failed, FailedPerson{s.Entry.Person, err})
				err = tx.setAside(s.Entry, err, lot.Config, lot.Now)
			}
			if err != nil {
				return staged, err
			}
			if putOff {
				staged.PutOff++
			}
		}
		return staged, nil
	})
}

// SetAside makes a dead letter of somebody whom no lot gets through with; it goes when one does.
func (db *DB) SetAside(e Entry, why error, config uint64, now time.Time) error {
	return db.update(func(tx *txn) error { return tx.setAside(e, why, config, now) })
}

func (tx *txn) setAside(e Entry, why error, config uint64, now time.Time) error {
	d := &Dead{Person: e.Person, Op: "work out", Message: why.Error(), At: now, First: now, Attempts: 1, Config: config}
	err := tx.Attempt(func() error { return tx.PutDead(d) })
	if errors.Is(err, ErrRecord) { // the letter of before cannot be read
		if err = tx.DropDead(e.Person, connectors.Ref{}); err == nil {
			err = tx.PutDead(d)
		}
	}
	if err != nil {
		return err
	}
	return tx.Release(e, e.RetryLane(), now.Add(max(10*time.Minute, Backoff(e.Attempts))), ReasonRetry)
}

// settle applies one settlement. putOff says that the person is to be forgotten, but not today.
func (g *registry) settle(s *Settlement, config uint64) (putOff bool, err error) {
	tx, id := g.tx, s.Entry.Person
	if s.Outcome == SetAside {
		return false, tx.setAside(s.Entry, s.Failure, config, g.now)
	}
	for _, ref := range s.Letters {
		if err := tx.DropDead(id, ref); err != nil {
			return false, err
		}
	}
	person, alive, err := tx.Person(id)
	if err != nil {
		return false, err
	}
	if !alive { // forgotten or joined to somebody else while the lot was under way
		_, err := tx.Done(s.Entry)
		return false, err
	}
	if err := g.notice(s, &person); err != nil {
		return false, err
	}
	if putOff, err = g.applyOutcome(s, &person); err != nil || s.Retry.IsZero() {
		return putOff, err
	}
	if _, alive, err := tx.Person(id); err != nil || !alive {
		return putOff, err
	}
	return putOff, tx.EnqueueAt(id, Retry, ReasonLetter, s.Retry)
}

// notice keeps what was noticed of the records and of the person.
func (g *registry) notice(s *Settlement, person *Person) error {
	tx, id := g.tx, s.Entry.Person
	if !s.Withdrawn.IsZero() {
		if err := tx.eraseUntil(id, s.Withdrawn); err != nil {
			return err
		}
	}
	for i := range s.Records {
		if err := tx.changeRecord(id, &s.Records[i]); err != nil {
			return err
		}
	}
	changed := false
	if v := s.Verdict; v != nil {
		if err := tx.changeVerdict(id, *v, person.Verdict); err != nil {
			return err
		}
		changed, person.Verdict = person.Verdict != v.Verdict, v.Verdict
	}
	if person.draw(s.Drawn) {
		changed = true
	}
	if s.LetGo && person.HeldOut() {
		person.Flags, changed = person.Flags&^FlagHeldOut, true
	}
	if s.Stale && person.Flags&FlagStale == 0 {
		person.Flags, changed = person.Flags|FlagStale, true
	}
	if changed {
		if err := tx.PutPerson(id, person); err != nil {
			return err
		}
	}
	for _, scored := range s.Scored {
		rec, ok, err := tx.Contact(scored.Ref)
		if err != nil {
			return err
		}
		if !ok || rec.Person != id || rec.Scored == scored.Inputs {
			continue
		}
		rec.Scored = scored.Inputs
		if err := tx.PutContact(scored.Ref, &rec); err != nil {
			return err
		}
	}
	if s.Identities == nil {
		return nil
	}
	return g.identify(id, s.Identities)
}

// changeRecord adds what was noticed of a record to what is stored now: a poll or an acknowledgement may have moved that meanwhile.
func (tx *txn) changeRecord(id PersonID, r *RecordChange) error {
	have, ok, err := tx.Contact(r.Ref)
	if err != nil || !ok || have.Person != id {
		return err
	}
	have.Own.change(r.Was.Own, r.Is.Own)
	have.Paused, have.Missing, have.Checked = r.Is.Paused, r.Is.Missing, r.Is.Checked
	return tx.PutContact(r.Ref, &have)
}

// applyOutcome does what the outcome says.
func (g *registry) applyOutcome(s *Settlement, person *Person) (putOff bool, err error) {
	tx, e := g.tx, s.Entry
	switch s.Outcome {
	case Finish:
		_, err = tx.Done(e)
	case Return:
		err = tx.Release(e, s.Lane, s.At, s.Why)
	case Await:
		var waits bool
		if waits, err = tx.AfterDelivery(e, s.Refs); err == nil && !waits {
			err = tx.Release(e, e.Lane, g.now, 0) // answered meanwhile
		}
	case Follow:
		err = g.moveToSurvivor(s)
	case Join:
		err = g.join(s, person)
	case Split:
		err = g.split(s, person)
	case Park:
		err = g.park(s, person)
	case Erase:
		return g.eraseGone(s)
	case Commit:
		err = g.commit(s, person)
	case Stage:
		err = g.stage(s)
	}
	if err == nil && s.Snapshot != nil {
		err = tx.AddSnapshot(e.Person, g.now, s.Snapshot)
	}
	return false, err
}

// park lays a person aside none of whose records is live.
func (g *registry) park(s *Settlement, person *Person) error {
	if !person.Due.IsZero() {
		person.Due = time.Time{}
		if err := g.tx.PutPerson(s.Entry.Person, person); err != nil {
			return err
		}
	}
	for _, ref := range s.Refs {
		if err := g.tx.DropPending(ref); err != nil {
			return err
		}
	}
	_, err := g.tx.Done(s.Entry)
	return err
}

// commit makes a result the person's for which there is nothing to write: there is no acknowledgement to wait for.
func (g *registry) commit(s *Settlement, person *Person) error {
	tx, id := g.tx, s.Entry.Person
	for _, ref := range s.Refs { // patches that are void: what they were made of is worked out
		p, err := tx.Pending(ref)
		if err != nil {
			return err
		}
		if p == nil || p.Way != Void {
			continue
		}
		if err := tx.DropPending(ref); err != nil {
			return err
		}
	}
	if s.Next == nil {
		return tx.settleAfter(s.Entry, person.Flags, s.At)
	}
	if err := tx.putResult(id, person, s.Next); err != nil {
		return err
	}
	if person.HeldOut() && s.Score >= 0 && string(person.Shown) != string(s.Next.Shown) {
		if err := tx.addHistoryOnChange(id, HistoryPoint{At: g.now, Score: s.Score, Tier: uint8(max(s.Next.Tier, 1) - 1)}); err != nil {
			return err
		}
	}
	if s.Receipt != nil {
		if err := tx.PutReceipt(id, g.now, s.Receipt); err != nil {
			return err
		}
	}
	return tx.settleAfter(s.Entry, s.Next.Flags, s.At)
}

// stage journals patches: the result is the person's once they are acknowledged (invariants 2 and 3).
func (g *registry) stage(s *Settlement) error {
	for _, p := range s.Patches {
		if err := g.tx.Stage(p); err != nil {
			return err
		}
	}
	return g.tx.settleAfter(s.Entry, s.Next.Flags, s.At)
}

// settleAfter takes the finished entry out of the queue, or puts it where what is still owed is done: degraded texts are retried, and so is
// who was worked out without one of their records or sources; rules texts of a first sync make place for the model's.
func (tx *txn) settleAfter(e Entry, flags PersonFlags, owed time.Time) error {
	switch {
	case owed.IsZero():
	case flags&(FlagDegraded|FlagRulesText) == FlagRulesText:
		if ok, err := tx.Done(e); err != nil || !ok {
			return err
		}
		return tx.EnqueueAt(e.Person, Backfill, ReasonText, owed)
	default:
		return tx.Release(e, e.RetryLane(), owed, ReasonRetry)
	}
	_, err := tx.Done(e)
	return err
}
