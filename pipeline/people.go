package pipeline

import (
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/state"
)

// personKey is a person's key as sources and receipts see it.
func personKey(id state.PersonID) string { return "p" + strconv.FormatUint(uint64(id), 36) }

// parseKey reads what personKey writes.
func parseKey(s string) (state.PersonID, bool) {
	if len(s) < 2 || s[0] != 'p' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:], 36, 64)
	return state.PersonID(n), err == nil && n > 0
}

// hashInputs is the first of the four hashes: what a CRM says of a person, our own fields left out except the rep's verdict
// being no input to a score at all. Order of map keys does not matter; modification times do not enter.
func hashInputs(c *connectors.Contact) uint64 {
	d := xxhash.New()
	w := func(s string) {
		_, _ = d.WriteString(s)
		_, _ = d.Write([]byte{0})
	}
	w(c.State.String())
	for _, e := range c.Emails {
		w(e)
	}
	w("\x01")
	for _, ph := range c.Phones {
		w(ph)
	}
	w("\x01")
	pr := &c.Profile
	for _, s := range [...]string{pr.FirstName, pr.LastName, pr.JobTitle, pr.Company, pr.Lifecycle, pr.LeadStatus, c.Owner, c.Group} {
		w(s)
	}
	var few [24]string
	keys := few[:0]
	for k, v := range c.Fields {
		if v != "" {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		w(k)
		w(c.Fields[k])
	}
	if h := d.Sum64(); h != 0 {
		return h
	}
	return 1
}

// replaceRef puts the new id of a record in the place of its old one: a merge that made a new id, or a lead that became a
// contact. The person, with score, history and verdict, stays.
func (p *Pipeline) replaceRef(tx *state.Tx, old, now connectors.Ref, rec state.Contact) (state.Contact, error) {
	person, ok, err := tx.Person(rec.Person)
	if err != nil {
		return rec, err
	}
	if ok {
		for i, r := range person.Contacts {
			if r == old {
				person.Contacts[i] = now
			}
		}
		person.Contacts = uniqueRefs(person.Contacts)
		if err := tx.PutPerson(rec.Person, &person); err != nil {
			return rec, err
		}
	}
	if err := tx.DropPending(old); err != nil {
		return rec, err
	}
	if err := tx.DropDead(rec.Person, old); err != nil {
		return rec, err
	}
	// What the new record holds in our fields is the CRM's merge of both: nothing of it is remembered as written.
	rec.Wrote, rec.WroteAt, rec.Held, rec.Checked = [state.OwnFields]uint32{}, time.Time{}, 0, false
	rec.Paused, rec.Missing = false, time.Time{}
	if err := tx.DeleteContact(old); err != nil {
		return rec, err
	}
	if ok {
		if err := tx.SetIdentity(state.LinkRecord, old.String(), rec.Person); err != nil { // whoever still names the old record means this person
			return rec, err
		}
	}
	return rec, tx.PutContact(now, &rec)
}

// absorbRef takes a record out that lives on in another known one. If they were two persons, they become one: the one whose
// last result is newer gives score and history, both give their links.
func (p *Pipeline) absorbRef(tx *state.Tx, old connectors.Ref, oldRec state.Contact, into connectors.Ref, rec state.Contact) (state.Contact, error) {
	if err := tx.DropPending(old); err != nil {
		return rec, err
	}
	if err := tx.DropDead(oldRec.Person, old); err != nil {
		return rec, err
	}
	if err := tx.DeleteContact(old); err != nil {
		return rec, err
	}
	loser, ok, err := tx.Person(oldRec.Person)
	if err != nil {
		return rec, err
	}
	if ok {
		loser.Contacts = slices.DeleteFunc(loser.Contacts, func(r connectors.Ref) bool { return r == old })
		if err := tx.PutPerson(oldRec.Person, &loser); err != nil {
			return rec, err
		}
	}
	if err := tx.SetIdentity(state.LinkRecord, old.String(), rec.Person); err != nil { // whoever still names the old record means this person
		return rec, err
	}
	// Ask again. What the CRM took over into our fields was not written by us: its history says whose it is.
	rec.Inputs, rec.Checked = 0, false
	if oldRec.Person == rec.Person {
		return rec, tx.PutContact(into, &rec)
	}
	if err := tx.PutContact(into, &rec); err != nil {
		return rec, err
	}
	if !ok {
		return rec, nil
	}
	keep, err := p.joinPersons(tx, rec.Person, oldRec.Person)
	if err != nil {
		return rec, err
	}
	rec.Person = keep
	return rec, tx.PutContact(into, &rec)
}

// joinPersons makes one person of two and returns who remains: winner keeps its key; records, links, identities, and what
// the loser knows better (a verdict, a score where the winner has none) move over in this transaction.
func (p *Pipeline) joinPersons(tx *state.Tx, winner, loser state.PersonID) (state.PersonID, error) {
	if winner == loser {
		return winner, nil
	}
	w, okW, err := tx.Person(winner)
	if err != nil {
		return 0, err
	}
	l, okL, err := tx.Person(loser)
	if err != nil || !okL {
		return winner, err
	}
	if !okW {
		return loser, nil
	}
	for _, ref := range l.Contacts {
		rec, ok, err := tx.Contact(ref)
		if err != nil {
			return 0, err
		}
		if ok {
			rec.Person, rec.Checked = winner, false // its patch goes, but may have arrived
			if err := tx.PutContact(ref, &rec); err != nil {
				return 0, err
			}
		}
		if err := tx.DropPending(ref); err != nil { // recomputed for both together
			return 0, err
		}
	}
	w.Contacts = uniqueRefs(append(w.Contacts, l.Contacts...))
	if len(w.Shown) == 0 && len(l.Shown) > 0 {
		w.Shown, w.Tier, w.Features, w.Due = l.Shown, l.Tier, l.Features, l.Due
		if b, at, err := tx.Receipt(loser); err == nil && b != nil {
			if err := tx.PutReceipt(winner, at, b); err != nil {
				return 0, err
			}
		}
	}
	if w.Verdict == "" {
		w.Verdict = l.Verdict
	}
	w.Events, w.Scoring = 0, 0 // gather anew
	for _, h := range tx.History(loser) {
		if err := tx.AddHistory(winner, h); err != nil {
			return 0, err
		}
	}
	for _, v := range tx.Verdicts(loser) {
		if err := tx.PutVerdict(winner, v.Verdict, v.At); err != nil {
			return 0, err
		}
	}
	mine, err := tx.Links(winner)
	if err != nil {
		return 0, err
	}
	theirs, err := tx.Links(loser)
	if err != nil {
		return 0, err
	}
	if err := tx.MoveIdentities(loser, winner); err != nil {
		return 0, err
	}
	if len(theirs) > 0 {
		united, err := p.uniteLinks(tx, mine, theirs)
		if err != nil {
			return 0, err
		}
		if err := tx.PutLinks(winner, united); err != nil {
			return 0, err
		}
	}
	// The records now belong to the winner: they must not go with the loser.
	l.Contacts = nil
	if err := tx.PutPerson(loser, &l); err != nil {
		return 0, err
	}
	if err := tx.DeletePerson(loser); err != nil {
		return 0, err
	}
	if err := tx.PutPerson(winner, &w); err != nil {
		return 0, err
	}
	return winner, nil
}

// split gives records that no longer share an address with the person's first one a person of their own: two people had
// been taken for one, or an address was corrected. Converted and merged records do not come here: they share a past.
func (l *lot) split(s *subject) []*record {
	if len(s.recs) < 2 {
		return nil
	}
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Live {
			return nil // not now: one of them cannot be judged
		}
	}
	if len(s.recs[0].contact.Emails) == 0 {
		return nil
	}
	mine := l.joining(s.recs[0])
	left := slices.Clone(s.recs[1:])
	for again := true; again; {
		again = false
		for i, r := range left {
			theirs := l.joining(r)
			if len(r.contact.Emails) == 0 || slices.ContainsFunc(theirs, func(id identity.ID) bool { return slices.Contains(mine, id) }) {
				mine = append(mine, theirs...)
				left = slices.Delete(left, i, i+1)
				again = true
				break
			}
		}
	}
	return left
}

// joining are the identifiers of a record that make one person of it and others.
func (l *lot) joining(r *record) []identity.ID {
	return slices.DeleteFunc(l.s.recordIDs(&r.contact), func(id identity.ID) bool { return !id.JoinsRecords() })
}

// splitOff settles a subject by giving the records in off a person of their own, in one transaction; both are asked for again.
func (l *lot) splitOff(s *subject, off []*record) func(tx *state.Tx) error {
	return func(tx *state.Tx) error {
		person, ok, err := tx.Person(s.id)
		if err != nil || !ok {
			return err
		}
		id, err := tx.NewPerson()
		if err != nil {
			return err
		}
		// Score and verdict stay with the first record; who splits off begins from what they did themselves. That their records show
		// the other one's score is known, so that it is replaced, or taken back from somebody who did nothing.
		other := state.Person{}
		var moved []*record
		for _, r := range off {
			rec, ok, err := tx.Contact(r.ref)
			if err != nil {
				return err
			}
			if !ok || rec.Person != s.id {
				continue // merged elsewhere meanwhile
			}
			moved = append(moved, r)
			person.Contacts = slices.DeleteFunc(person.Contacts, func(ref connectors.Ref) bool { return ref == r.ref })
			other.Contacts = append(other.Contacts, r.ref)
			if !rec.WroteAt.IsZero() {
				other.Shown, other.Tier = person.Shown, person.Tier
			}
			rec.Person, rec.Seen, rec.Checked = id, 0, false // its patch goes, but may have arrived
			if err := tx.PutContact(r.ref, &rec); err != nil {
				return err
			}
			if err := tx.DropPending(r.ref); err != nil {
				return err
			}
		}
		if len(moved) == 0 {
			return tx.Release(s.entry, s.entry.Lane, soonAgain(s.entry, l.now), state.ReasonMerge)
		}
		person.Events = 0
		if err := tx.PutPerson(s.id, &person); err != nil {
			return err
		}
		if err := tx.PutPerson(id, &other); err != nil {
			return err
		}
		if err := l.partIdentities(tx, s, moved, id); err != nil {
			return err
		}
		if err := tx.Enqueue(id, s.entry.Lane, state.ReasonMerge, l.now); err != nil {
			return err
		}
		return tx.Release(s.entry, s.entry.Lane, soonAgain(s.entry, l.now), state.ReasonMerge)
	}
}

// day is the day that t is booked under, in the time zone of texts.
func (p *Pipeline) day(t time.Time) string {
	if loc := p.Setup().Fields.Location; loc != nil {
		t = t.In(loc)
	}
	return t.Format(time.DateOnly)
}
