package pipeline

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

func fieldIndex(name string) int {
	for i, f := range connectors.Fields {
		if f.Name == name {
			return i
		}
	}
	return -1
}

// missingFor is how long a record must stay unknown to its CRM before it counts as erased: one strange answer must not
// forget anybody.
const missingFor = 24 * time.Hour

// followStates acts on records that are not simply live: merged ones are followed, archived ones paused, erased ones
// forgotten; and notices what humans did to our fields.
func (l *lot) followStates() {
	for _, s := range l.open() {
		live := 0
		var unread error
		for _, r := range s.recs {
			if !r.read {
				unread = r.err
				continue
			}
			c := &r.contact
			switch c.State {
			case connectors.Live:
				live++
				if r.state.Paused || !r.state.Missing.IsZero() {
					r.state.Paused, r.state.Missing, r.dirty = false, time.Time{}, true
				}
				l.noticeHands(s, r)
			case connectors.Merged:
				if !c.Into.IsZero() && c.Into != r.ref {
					s.settled = l.follow(s, r)
				} else if !r.state.Paused {
					r.state.Paused, r.dirty = true, true
				}
			case connectors.Archived, connectors.Deleted:
				if !r.state.Paused {
					r.state.Paused, r.dirty = true, true
				}
			case connectors.Erased:
				if r.state.Missing.IsZero() {
					r.state.Missing, r.state.Paused, r.dirty = l.now, true, true
				}
			}
			if s.settled != nil {
				break
			}
		}
		switch {
		case s.settled != nil:
		case live == 0 && unread != nil:
			s.settled = l.later(s, unread) // whether anybody is to be parked that record decides
		case live == 0:
			s.settled = l.park(s)
		default:
			if off := l.split(s); len(off) > 0 {
				s.settled = l.splitOff(s, off)
			}
		}
	}
}

// follow moves a merged or converted record to the one it lives on in, and asks for the person again.
func (l *lot) follow(s *subject, r *record) func(tx *state.Tx) error {
	old, into, e := r.ref, r.contact.Into, s.entry
	now := l.now
	return func(tx *state.Tx) error {
		oldRec, ok, err := tx.Contact(old)
		if err != nil {
			return err
		}
		if !ok {
			_, err := tx.Done(e)
			return err
		}
		rec, known, err := tx.Contact(into)
		if err != nil {
			return err
		}
		if known {
			rec, err = l.p.absorbRef(tx, old, oldRec, into, rec)
		} else {
			rec, err = l.p.replaceRef(tx, old, into, oldRec)
		}
		if err != nil {
			return err
		}
		if err := l.keepAddresses(tx, rec.Person, &r.contact); err != nil {
			return err
		}
		if rec.Person == e.Person {
			return tx.Release(e, state.Live, soonAgain(e, now), state.ReasonMerge)
		}
		if _, err := tx.Done(e); err != nil {
			return err
		}
		return tx.Enqueue(rec.Person, state.Live, state.ReasonMerge, now)
	}
}

// soonAgain is when somebody whose records were moved is looked at again: at once, unless that does not come to an end.
func soonAgain(e state.Entry, now time.Time) time.Time {
	if e.Attempts < 5 {
		return now
	}
	return now.Add(backoff(e.Attempts - 5))
}

// park lays a person aside all of whose records are archived or gone. Gone for a day means erased: everything goes.
func (l *lot) park(s *subject) func(tx *state.Tx) error {
	erased := true
	var since time.Time
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Erased {
			erased = false
			continue
		}
		if r.state.Missing.After(since) {
			since = r.state.Missing
		}
	}
	for _, r := range s.recs {
		if r.pending != nil {
			r.state.Checked, r.dirty = false, true // its patch goes, but may have arrived
		}
	}
	people := l.p.db.Stats().People // not asked within the transaction: that could wait for itself
	return func(tx *state.Tx) error {
		if err := saveRecords(tx, s, l.now); err != nil {
			return err
		}
		switch {
		case erased && l.now.Sub(since) >= missingFor:
			if ok, err := l.p.mayErase(tx, people); err != nil {
				return err
			} else if !ok {
				return tx.Release(s.entry, state.Retry, l.now.Add(missingFor), state.ReasonMerge)
			}
			if _, err := tx.Done(s.entry); err != nil {
				return err
			}
			return l.p.planErasure(tx, s.id, s.recs)
		case erased:
			return tx.Release(s.entry, state.Retry, since.Add(missingFor), state.ReasonMerge)
		}
		person, ok, err := tx.Person(s.id)
		if err != nil {
			return err
		}
		if ok && !person.Due.IsZero() {
			person.Due = time.Time{}
			if err := tx.PutPerson(s.id, &person); err != nil {
				return err
			}
		}
		for _, r := range s.recs {
			if err := tx.DropPending(r.ref); err != nil {
				return err
			}
		}
		_, err = tx.Done(s.entry)
		return err
	}
}

// noticeHands reads the rep's verdict, and notices which of our fields were emptied: those are ours again, whoever held them (invariant
// 4). Who changed the others was asked when the record was read.
func (l *lot) noticeHands(s *subject, r *record) {
	for i, f := range connectors.Fields {
		if r.crm.Fields[f.Name] == "" {
			continue
		}
		value := r.contact.Ours[f.Name]
		bit := uint16(1) << i
		if f.RepEdits {
			h := uint32(0)
			if value != "" {
				h = state.FieldHash(i, value)
			}
			if r.state.Wrote[i] != h {
				r.state.Wrote[i], r.dirty = h, true
				if value != "" || len(s.recs) == 1 {
					s.person.Verdict, s.verdict = value, true
				}
			}
			continue
		}
		wroteSomething := r.state.Wrote[i] != 0 && r.state.Wrote[i] != state.FieldHash(i, "")
		if value == "" && (r.state.Held&bit != 0 || wroteSomething && !r.maybeOurs(i, "")) {
			r.state.Held &^= bit
			r.state.Wrote[i] = 0
			r.refill |= bit
			r.dirty = true
		}
	}
}

// maybeOurs says whether a value may have been left by a patch of ours that was never acknowledged.
func (r *record) maybeOurs(i int, value string) bool { return mayBeOf(r.pending, i, value) }

// mayBeOf says whether a patch that was not acknowledged, or one it replaced, may have left a value in own field i.
func mayBeOf(pd *state.Pending, i int, value string) bool {
	if pd == nil {
		return false
	}
	if v, ok := pd.Patch.Fields[connectors.Fields[i].Name]; ok && v == value {
		return true
	}
	return slices.Contains(pd.Maybe, state.FieldHash(i, value))
}

// saveRecords writes back what the lot noticed of the records, and the rep's verdict. It adds to what is stored now: a poll or an
// acknowledgement may have moved that meanwhile.
func saveRecords(tx *state.Tx, s *subject, now time.Time) error {
	for _, r := range s.recs {
		if !r.dirty {
			continue
		}
		have, ok, err := tx.Contact(r.ref)
		if err != nil {
			return err
		}
		if !ok || have.Person != s.id {
			continue
		}
		for i, h := range r.state.Wrote {
			if h != r.was.Wrote[i] {
				have.Wrote[i] = h
			}
		}
		have.Held = have.Held&^(r.was.Held&^r.state.Held) | r.state.Held&^r.was.Held
		have.Paused, have.Missing, have.Checked = r.state.Paused, r.state.Missing, r.state.Checked
		if err := tx.PutContact(r.ref, &have); err != nil {
			return err
		}
	}
	if !s.verdict {
		return nil
	}
	person, ok, err := tx.Person(s.id)
	if err != nil || !ok || person.Verdict == s.person.Verdict {
		return err
	}
	person.Verdict = s.person.Verdict
	if err := tx.PutVerdict(s.id, person.Verdict, now); err != nil {
		return err
	}
	return tx.PutPerson(s.id, &person)
}

// behind says whether the record missed what the person's other records were last given: it could not be read then, or its CRM
// refused the patch.
func (r *record) behind(shown score.Shown) bool {
	return r.read && r.contact.State == connectors.Live && shown.Known && !r.state.WroteAt.IsZero() && r.state.WroteAt.Before(shown.Written)
}
