package state

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// replaceRef puts the new id of a record in the place of its old one: a merge that made a new id, or a lead that became a
// contact. The person, with score, history and verdict, stays.
func (g *registry) replaceRef(old, now connectors.Ref, rec Contact) (Contact, error) {
	person, ok, err := g.tx.Person(rec.Person)
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
		if err := g.tx.PutPerson(rec.Person, &person); err != nil {
			return rec, err
		}
	}
	if err := g.tx.DropPending(old); err != nil {
		return rec, err
	}
	if err := g.tx.DropDead(rec.Person, old); err != nil {
		return rec, err
	}
	// What the new record holds in our fields is the CRM's merge of both: nothing of it is remembered as written.
	rec.Own, rec.WroteAt, rec.Checked = nil, time.Time{}, false
	rec.Paused, rec.Missing = false, time.Time{}
	if err := g.tx.DeleteContact(old); err != nil {
		return rec, err
	}
	if ok {
		if err := g.tx.SetIdentity(LinkRecord, old.String(), rec.Person); err != nil { // whoever still names the old record means this person
			return rec, err
		}
	}
	return rec, g.tx.PutContact(now, &rec)
}

// absorbRef takes a record out that lives on in another known one. If they were two persons, they become one: the one whose
// last result is newer gives score and history, both give their links.
func (g *registry) absorbRef(old connectors.Ref, oldRec Contact, into connectors.Ref, rec Contact) (Contact, error) {
	if err := g.tx.DropPending(old); err != nil {
		return rec, err
	}
	if err := g.tx.DropDead(oldRec.Person, old); err != nil {
		return rec, err
	}
	if err := g.tx.DeleteContact(old); err != nil {
		return rec, err
	}
	loser, ok, err := g.tx.Person(oldRec.Person)
	if err != nil {
		return rec, err
	}
	if ok {
		loser.Contacts = slices.DeleteFunc(loser.Contacts, func(r connectors.Ref) bool { return r == old })
		if err := g.tx.PutPerson(oldRec.Person, &loser); err != nil {
			return rec, err
		}
	}
	if err := g.tx.SetIdentity(LinkRecord, old.String(), rec.Person); err != nil { // whoever still names the old record means this person
		return rec, err
	}
	// Ask again. What the CRM took over into our fields was not written by us: its history says whose it is.
	rec.Inputs, rec.Checked = 0, false
	if oldRec.Person == rec.Person {
		return rec, g.tx.PutContact(into, &rec)
	}
	if err := g.tx.PutContact(into, &rec); err != nil {
		return rec, err
	}
	if !ok {
		return rec, nil
	}
	keep, err := g.joinPersons(rec.Person, oldRec.Person)
	if err != nil {
		return rec, err
	}
	rec.Person = keep
	return rec, g.tx.PutContact(into, &rec)
}

// joinPersons makes one person of two and returns who remains: winner keeps its key; records, links, identities, and what
// the loser knows better (a verdict, a score where the winner has none) move over in this transaction.
func (g *registry) joinPersons(winner, loser PersonID) (PersonID, error) {
	if winner == loser {
		return winner, nil
	}
	w, okW, err := g.tx.Person(winner)
	if err != nil {
		return 0, err
	}
	l, okL, err := g.tx.Person(loser)
	if err != nil || !okL {
		return winner, err
	}
	if !okW {
		return loser, nil
	}
	if err := g.moveRecords(l.Contacts, winner); err != nil {
		return 0, err
	}
	w.Contacts = uniqueRefs(append(w.Contacts, l.Contacts...))
	w.joinArms(&l)
	if len(w.Shown) == 0 && len(l.Shown) > 0 && !l.HeldOut() {
		w.Shown, w.Tier, w.Standing, w.Features, w.Due = l.Shown, l.Tier, l.Standing, l.Features, l.Due
		if b, at, err := g.tx.Receipt(loser); err == nil && b != nil {
			if err := g.tx.PutReceipt(winner, at, b); err != nil {
				return 0, err
			}
		}
	}
	if w.Verdict == "" || l.Verdict != "" && g.tx.verdictAt(loser, l.Verdict).After(g.tx.verdictAt(winner, w.Verdict)) {
		w.Verdict = l.Verdict // of two the later one
	}
	w.Events, w.Scoring = 0, 0 // worked out anew
	for _, h := range g.tx.History(loser) {
		if err := g.tx.AddHistory(winner, h); err != nil {
			return 0, err
		}
	}
	alerts := func(from, to PersonID) error { return g.tx.moveAlerts(from, to, nil) }
	for _, move := range []func(from, to PersonID) error{g.tx.moveSnapshots, g.tx.moveVerdicts, g.moveLinks, alerts} {
		if err := move(loser, winner); err != nil {
			return 0, err
		}
	}
	// The records now belong to the winner: they must not go with the loser.
	l.Contacts = nil
	if err := g.tx.PutPerson(loser, &l); err != nil {
		return 0, err
	}
	if err := g.tx.DeletePerson(loser); err != nil {
		return 0, err
	}
	if err := g.tx.PutPerson(winner, &w); err != nil {
		return 0, err
	}
	return winner, nil
}

// moveRecords makes records the winner's.
func (g *registry) moveRecords(refs []connectors.Ref, winner PersonID) error {
	for _, ref := range refs {
		rec, ok, err := g.tx.Contact(ref)
		if err != nil {
			return err
		}
		if ok {
			rec.Person, rec.Checked = winner, false // its patch goes, but may have arrived
			if err := g.tx.PutContact(ref, &rec); err != nil {
				return err
			}
		}
		if err := g.tx.DropPending(ref); err != nil { // recomputed for both together
			return err
		}
	}
	return nil
}

// moveLinks makes one's identities and links the other's.
func (g *registry) moveLinks(from, to PersonID) error {
	mine, err := g.tx.Links(to)
	if err != nil {
		return err
	}
	theirs, err := g.tx.Links(from)
	if err != nil {
		return err
	}
	if err := g.tx.MoveIdentities(from, to); err != nil || len(theirs) == 0 {
		return err
	}
	united, err := g.uniteLinks(mine, theirs)
	if err != nil {
		return err
	}
	return g.tx.PutLinks(to, united)
}

// uniteLinks are the links of two people who turned out to be one: what a CRM says is no guess, so that no guard leaves any out. What was
// nobody's because these two held it is theirs now; should a third hold it, too, that shows when it is next seen.
func (g *registry) uniteLinks(mine, theirs []Link) ([]Link, error) {
	out := slices.Clone(mine)
	for _, l := range theirs {
		i := slices.IndexFunc(out, func(o Link) bool { return g.rules.LinkID(o).Matches(g.rules.LinkID(l)) })
		switch {
		case i < 0:
			out = append(out, l)
		case l.Nobodys && out[i].Nobodys:
			if err := g.tx.FreeIdentity(l.Kind, l.Value); err != nil {
				return nil, err
			}
			out[i].Nobodys, out[i].Reason = false, identity.SeenTogether(l.Source)
		case l.Nobodys:
			out[i] = l
		}
	}
	return out, nil
}

// uniqueRefs are refs, each once.
func uniqueRefs(refs []connectors.Ref) []connectors.Ref {
	out := refs[:0:0]
	for _, r := range refs {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// moveToSurvivor moves a merged or converted record to the one it lives on in, and asks for the person again.
func (g *registry) moveToSurvivor(s *Settlement) error {
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
