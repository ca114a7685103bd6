package state

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

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
		if !rec.WroteAt.IsZero() && !person.HeldOut() {
			other.Shown, other.Tier, other.Standing = person.Shown, person.Tier, person.Standing
		}
		rec.Person, rec.Scored, rec.Checked = id, 0, false // its patch goes, but may have arrived
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
		if err := tx.moveAlerts(e.Person, id, other.Contacts); err != nil {
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
