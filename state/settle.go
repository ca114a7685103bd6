package state

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// What becomes of the people of a lot. Each is settled alone: one whose settlement fails is set aside, and the others of the lot stand.

// Outcome is what becomes of a claim.
type Outcome uint8

const (
	Finish   Outcome = iota // nothing is left to do
	Return                  // it comes back: Lane, At, Why
	Await                   // one of Refs has a patch on its way: it comes back when that is dealt with
	Follow                  // the record Old lives on in Into
	Join                    // the person is Other, too
	Split                   // the records Refs are somebody else's
	Park                    // no record is live: nothing more is due, and nothing is written
	Erase                   // the CRM has erased every record: the person is forgotten
	Commit                  // Next is the person's result, with nothing to write
	Stage                   // Next is the person's result once the CRM took Patches
	SetAside                // Failure keeps the person from being worked on
)

// Settlement is what a lot made of one claimed person.
type Settlement struct {
	Entry   Entry
	Outcome Outcome

	// What was noticed, kept whatever the outcome.
	Records    []RecordChange
	Verdict    *string          // the rep's, where it was read anew
	Seen       []SeenInputs     // what the present result rests on
	Identities *Identified      // what identifies the person; nil: as the state has it
	Stale      bool             // a source did not answer: the last score stays, marked
	Letters    []connectors.Ref // dead letters that are none any more; a zero one is the person's own
	Retry      time.Time        // when the first of the dead letters that stay is tried; zero: none

	Lane Lane
	At   time.Time // of Return; of Commit and Stage, when what is owed is tried, zero: nothing is
	Why  Reason

	Refs      []connectors.Ref     // of Await, Split, Park and Erase
	Old, Into connectors.Ref       // of Follow
	Contacts  []connectors.Contact // the records as read: of Follow that of Old, of Split and Erase all
	Other     PersonID             // of Join

	Next    *Person
	Receipt []byte     // of Commit; nil: none
	Patches []*Pending // of Stage
	Failure error      // of SetAside
}

// RecordChange is what was noticed of one record: what differs between Was and Is is stored.
type RecordChange struct {
	Ref     connectors.Ref
	Was, Is Contact
}

// SeenInputs are the inputs of a record that a result rests on.
type SeenInputs struct {
	Ref    connectors.Ref
	Inputs uint64
}

// Lot are the settlements of people who went through together, under one config.
type Lot struct {
	Settlements []Settlement
	Rules       *IdentityRules
	Now         time.Time
	Config      uint64            // hash of the scoring config
	Settings    map[string][]byte // what receipts refer to, by key: kept once
}

// Staged is what staging a lot did.
type Staged struct {
	Failed []FailedPerson // set aside, because their settlement could not be stored
	PutOff int            // people who are not forgotten today: see erasuresADay
}

// FailedPerson is somebody whose settlement could not be stored.
type FailedPerson struct {
	Person PersonID
	Err    error
}

// StageLot settles a lot in one transaction. A person whose settlement cannot be stored costs nobody else theirs: they become a dead
// letter and come again after a pause.
func (db *DB) StageLot(lot Lot) (staged Staged, err error) {
	err = db.update(func(tx *txn) error {
		staged = Staged{}
		for key, v := range lot.Settings {
			if len(tx.Setting(key)) > 0 {
				continue
			}
			if err := tx.SetSetting(key, v); err != nil {
				return err
			}
		}
		g := tx.registry(lot.Rules, lot.Now)
		for i := range lot.Settlements {
			s := &lot.Settlements[i]
			putOff := false
			err := tx.Row(func() (err error) { putOff, err = g.settle(s, lot.Config); return err })
			if err != nil {
				staged.Failed = append(staged.Failed, FailedPerson{s.Entry.Person, err})
				err = tx.setAside(s.Entry, err, lot.Config, lot.Now)
			}
			if err != nil {
				return err
			}
			if putOff {
				staged.PutOff++
			}
		}
		return nil
	})
	return staged, err
}

// SetAside makes a dead letter of somebody whom no lot gets through with; it goes when one does.
func (db *DB) SetAside(e Entry, why error, config uint64, now time.Time) error {
	return db.update(func(tx *txn) error { return tx.setAside(e, why, config, now) })
}

func (tx *txn) setAside(e Entry, why error, config uint64, now time.Time) error {
	d := &Dead{Person: e.Person, Op: "work out", Message: why.Error(), At: now, First: now, Attempts: 1, Config: config}
	err := tx.Row(func() error { return tx.PutDead(d) })
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
	if putOff, err = g.conclude(s, &person); err != nil || s.Retry.IsZero() {
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
	for i := range s.Records {
		if err := tx.changeRecord(id, &s.Records[i]); err != nil {
			return err
		}
	}
	changed := false
	if s.Verdict != nil && person.Verdict != *s.Verdict {
		person.Verdict, changed = *s.Verdict, true
		if err := tx.PutVerdict(id, *s.Verdict, g.now); err != nil {
			return err
		}
	}
	if s.Stale && person.Flags&FlagStale == 0 {
		person.Flags, changed = person.Flags|FlagStale, true
	}
	if changed {
		if err := tx.PutPerson(id, person); err != nil {
			return err
		}
	}
	for _, seen := range s.Seen {
		rec, ok, err := tx.Contact(seen.Ref)
		if err != nil {
			return err
		}
		if !ok || rec.Person != id || rec.Seen == seen.Inputs {
			continue
		}
		rec.Seen = seen.Inputs
		if err := tx.PutContact(seen.Ref, &rec); err != nil {
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

// conclude does what the outcome says.
func (g *registry) conclude(s *Settlement, person *Person) (putOff bool, err error) {
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
		err = g.follow(s)
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
	return false, err
}

// follow moves a merged or converted record to the one it lives on in, and asks for the person again.
func (g *registry) follow(s *Settlement) error {
	tx := g.tx
	oldRec, ok, err := tx.Contact(s.Old)
	if err != nil {
		return err
	}
	if !ok {
		_, err := tx.Done(s.Entry)
		return err
	}
	rec, known, err := tx.Contact(s.Into)
	if err != nil {
		return err
	}
	if known {
		rec, err = g.absorbRef(s.Old, oldRec, s.Into, rec)
	} else {
		rec, err = g.replaceRef(s.Old, s.Into, oldRec)
	}
	if err != nil {
		return err
	}
	for i := range s.Contacts {
		if err := g.keepAddresses(rec.Person, &s.Contacts[i]); err != nil {
			return err
		}
	}
	return g.lookAgain(s.Entry, rec.Person, Live)
}

// lookAgain has whom a claimed person now belongs to looked at: the same one soon, another one in the place of the claim.
func (g *registry) lookAgain(e Entry, id PersonID, lane Lane) error {
	if id == e.Person {
		return g.tx.Release(e, lane, e.soon(g.now), ReasonMerge)
	}
	if _, err := g.tx.Done(e); err != nil {
		return err
	}
	return g.tx.Enqueue(id, lane, ReasonMerge, g.now)
}

// join makes one person of two who have records with one address.
func (g *registry) join(s *Settlement, person *Person) error {
	winner, loser := s.Entry.Person, s.Other
	rival, ok, err := g.tx.Person(s.Other)
	if err != nil {
		return err
	}
	if ok && (len(rival.Shown) > 0) != (len(person.Shown) > 0) {
		if len(rival.Shown) > 0 {
			winner, loser = loser, winner
		}
	} else if s.Other < s.Entry.Person {
		winner, loser = loser, winner
	}
	keep, err := g.joinPersons(winner, loser)
	if err != nil {
		return err
	}
	return g.lookAgain(s.Entry, keep, s.Entry.Lane)
}

// split gives records that belong to somebody else a person of their own; both are asked for again.
func (g *registry) split(s *Settlement, person *Person) error {
	tx, e := g.tx, s.Entry
	id, err := tx.NewPerson()
	if err != nil {
		return err
	}
	// Score and verdict stay with the first record; who splits off begins from what they did themselves. That their records show
	// the other one's score is known, so that it is replaced, or taken back from somebody who did nothing.
	other := Person{}
	for _, ref := range s.Refs {
		rec, ok, err := tx.Contact(ref)
		if err != nil {
			return err
		}
		if !ok || rec.Person != e.Person {
			continue // merged elsewhere meanwhile
		}
		person.Contacts = slices.DeleteFunc(person.Contacts, func(have connectors.Ref) bool { return have == ref })
		other.Contacts = append(other.Contacts, ref)
		if !rec.WroteAt.IsZero() {
			other.Shown, other.Tier = person.Shown, person.Tier
		}
		rec.Person, rec.Seen, rec.Checked = id, 0, false // its patch goes, but may have arrived
		if err := tx.PutContact(ref, &rec); err != nil {
			return err
		}
		if err := tx.DropPending(ref); err != nil {
			return err
		}
	}
	if len(other.Contacts) > 0 {
		person.Events = 0
		if err := tx.PutPerson(e.Person, person); err != nil {
			return err
		}
		if err := tx.PutPerson(id, &other); err != nil {
			return err
		}
		if err := g.partIdentities(s, other.Contacts, id); err != nil {
			return err
		}
		if err := tx.Enqueue(id, e.Lane, ReasonMerge, g.now); err != nil {
			return err
		}
	}
	return tx.Release(e, e.Lane, e.soon(g.now), ReasonMerge)
}

// partIdentities gives what records have that leave a person to their new one; what staying records have, too, and joins none, is nobody's.
func (g *registry) partIdentities(s *Settlement, moved []connectors.Ref, id PersonID) error {
	var staying, leaving []identity.ID
	for i := range s.Contacts {
		c := &s.Contacts[i]
		if slices.Contains(moved, c.Ref) {
			leaving = append(leaving, g.rules.RecordIDs(c)...)
		} else {
			staying = append(staying, g.rules.RecordIDs(c)...)
		}
	}
	from := s.Entry.Person
	for _, what := range leaving {
		var err error
		if slices.Contains(staying, what) {
			err = g.disown(what, moved[0].CRM, from, id)
		} else {
			err = g.take(id, what, from)
		}
		if err != nil {
			return err
		}
	}
	links, err := g.tx.Links(from)
	if err != nil {
		return err
	}
	of := func(o Link) bool { // said by a record that leaves
		return slices.ContainsFunc(moved, func(ref connectors.Ref) bool {
			return o.Reason == identity.FromRecord(ref.String()) || g.rules.FromProperty(o) && strings.HasSuffix(o.Reason, " "+ref.String())
		})
	}
	if kept := slices.DeleteFunc(slices.Clone(links), of); len(kept) != len(links) {
		return g.tx.PutLinks(from, kept)
	}
	return nil
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

// eraseGone begins the forgetting of a person whom the CRM itself has erased, unless there were too many of those today.
func (g *registry) eraseGone(s *Settlement) (putOff bool, err error) {
	tx := g.tx
	if ok, err := tx.mayErase(g.now); err != nil {
		return false, err
	} else if !ok {
		return true, tx.Release(s.Entry, Retry, g.now.Add(24*time.Hour), ReasonMerge)
	}
	if _, err := tx.Done(s.Entry); err != nil {
		return false, err
	}
	job := &Erasure{Person: s.Entry.Person, KeepCRM: true, Started: g.now, Refs: s.Refs, Done: map[string]bool{"crm": true}}
	job.Who.Key = job.Person.Key()
	for i := range s.Contacts {
		addNew(&job.Who.Emails, s.Contacts[i].Emails...)
	}
	links, err := tx.Links(job.Person)
	if err != nil {
		return false, err
	}
	g.rules.AddLinks(&job.Who, links)
	return false, tx.putErasure(job)
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
	if err := tx.conclude(id, person, s.Next); err != nil {
		return err
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

// RetryLane is where an entry that must come again goes. Who came by the backfill stays there: a first sync's people must neither overtake
// others nor get the model's texts out of order.
func (e Entry) RetryLane() Lane {
	if e.Lane == Backfill {
		return Backfill
	}
	return Retry
}

// soon is when somebody whose records were moved is looked at again: at once, unless that does not come to an end.
func (e Entry) soon(now time.Time) time.Time {
	if e.Attempts < 5 {
		return now
	}
	return now.Add(Backoff(e.Attempts - 5))
}

// Backoff is the wait before attempt n+1: 30 s, doubling, at most 6 h.
func Backoff(attempts uint8) time.Duration {
	return min(30*time.Second<<min(attempts, 10), 6*time.Hour)
}
