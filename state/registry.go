package state

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// Whose identifiers are is said by package identity; a registry brings the state up to it, within one transaction. Records with one
// address are one person. Phone numbers, shared mailboxes, user and anonymous ids are one person's or nobody's. What a record had stays
// with its person until another record has it.
type registry struct {
	tx    *txn
	rules *IdentityRules
	now   time.Time
}

func (tx *txn) registry(rules *IdentityRules, now time.Time) *registry {
	return &registry{tx, rules, now}
}

// holder is whom an identifier leads to. It ends with the person, so that the holder is always somebody the state knows.
func (g *registry) holder(id identity.ID) (Holder, error) {
	h, ok := g.tx.Holder(linkKind(id), id.Stored())
	if !ok && id.Space != "" { // kept before there were spaces
		if h, ok = g.tx.Holder(linkKind(id), id.Value); ok && h.Person != 0 {
			links, err := g.tx.Links(h.Person)
			if err != nil || !slices.ContainsFunc(links, func(l Link) bool { return g.rules.LinkID(l) == id }) {
				return Holder{}, err
			}
		}
	}
	return h, nil
}

// ofRecord is the person that a record, or the one it lives on in, belongs to; 0 if none.
func (g *registry) ofRecord(ref connectors.Ref) (PersonID, error) {
	rec, ok, err := g.tx.Contact(ref)
	if err != nil || ok {
		return rec.Person, err
	}
	id, _ := g.tx.Identify(LinkRecord, ref.String())
	return id, nil
}

// personFor finds the person a new record belongs to, or makes one. Only addresses join records, and no shared mailboxes.
func (g *registry) personFor(c *connectors.Contact) (PersonID, error) {
	ids := g.rules.RecordIDs(c)
	var id PersonID
	for _, e := range ids {
		h, err := g.holder(e)
		if err != nil {
			return 0, err
		}
		if h.Record && e.JoinsRecords() {
			id = h.Person
			break
		}
	}
	var person Person
	var err error
	if id == 0 {
		id, err = g.tx.NewPerson()
	} else {
		person, _, err = g.tx.Person(id)
	}
	if err != nil {
		return 0, err
	}
	if !slices.Contains(person.Contacts, c.Ref) {
		person.Contacts = append(person.Contacts, c.Ref)
	}
	if err := g.tx.PutPerson(id, &person); err != nil {
		return 0, err
	}
	for _, e := range ids {
		if err := g.claim(id, e, c.CRM); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// claim notes that a record of the person has an address or number. An address that another one's record has stays there: a lot finds
// out whether they are one person (see rivals). What else another one's record has is nobody's from now on.
func (g *registry) claim(id PersonID, what identity.ID, source string) error {
	h, err := g.holder(what)
	switch {
	case err != nil:
		return err
	case h.Nobodys:
		return g.disown(what, source, id)
	case h.Person == id && h.Record && what.Space == "": // where it was looked for there is nothing to set
		return nil
	case h.Person == 0 || h.Person == id:
	case h.Record && what.JoinsRecords():
		return nil
	case h.Record:
		return g.disown(what, source, id, h.Person)
	default:
		return g.take(id, what, h.Person)
	}
	return g.tx.SetIdentity(linkKind(what), what.Stored(), id)
}

// take has an identifier that was another's lead to the person whose record has it now.
func (g *registry) take(id PersonID, what identity.ID, from PersonID) error {
	if err := g.tx.SetIdentity(linkKind(what), what.Stored(), id); err != nil {
		return err
	}
	links, err := g.tx.Links(from)
	if err != nil {
		return err
	}
	if kept := slices.DeleteFunc(slices.Clone(links), func(l Link) bool { return g.rules.LinkID(l).Matches(what) }); len(kept) != len(links) {
		return g.tx.PutLinks(from, kept)
	}
	return nil
}

// maxNobodys bounds what is remembered of a person's identifiers that are nobody's: a source gone wrong must not fill the state.
const maxNobodys = 64

func nobodysIn(links []Link) (n int) {
	for _, l := range links {
		if l.Nobodys {
			n++
		}
	}
	return n
}

// disown makes an identifier nobody's: more than one person holds it. Each of them is told why, and worked out again.
func (g *registry) disown(what identity.ID, source string, people ...PersonID) error {
	for _, id := range people {
		links, err := g.tx.Links(id)
		if err != nil {
			return err
		}
		mine := func(l Link) bool { return g.rules.LinkID(l).Matches(what) }
		if slices.ContainsFunc(links, func(l Link) bool { return l.Nobodys && mine(l) }) {
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(links), mine)
		kept = append(kept, Link{Kind: linkKind(what), Value: what.Stored(), Source: source, Reason: identity.HeldByTwo, At: g.now, Nobodys: true})
		for n := nobodysIn(kept); n > maxNobodys; n-- { // it stays nobody's; only the person is not told any more
			i := slices.IndexFunc(kept, func(l Link) bool { return l.Nobodys })
			kept = slices.Delete(kept, i, i+1)
		}
		if err := g.tx.PutLinks(id, kept); err != nil {
			return err
		}
		if err := g.tx.Enqueue(id, Live, ReasonMerge, g.now); err != nil {
			return err
		}
	}
	return nil
}

// disownFor makes an identifier nobody's for the person and for whoever holds it.
func (g *registry) disownFor(id PersonID, what identity.ID, source string) error {
	h, err := g.holder(what)
	if err != nil || h.Person == id {
		return err
	}
	people := []PersonID{id}
	if h.Person != 0 {
		people = append(people, h.Person)
	}
	return g.disown(what, source, people...)
}

// keepAddresses has the addresses of a record that lives on in another one stay with its person: sources are asked for them, too.
func (g *registry) keepAddresses(id PersonID, c *connectors.Contact) error {
	have, err := g.tx.Links(id)
	if err != nil {
		return err
	}
	out := slices.Clone(have)
	for _, e := range g.rules.RecordIDs(c) {
		link := LinkTo(e, c.CRM, identity.FromRecord(c.Ref.String()), g.now)
		if e.JoinsRecords() && !sameLink(out, link) {
			out = append(out, link)
		}
	}
	if len(out) == len(have) {
		return nil
	}
	return g.tx.PutLinks(id, out)
}

// Identified is what identifies a person, as it was read off their records.
type Identified struct {
	Source  string // the CRM that says so
	IDs     []IDOnRecord
	Links   []Link        // what else their records say, property by property
	Nobodys []identity.ID // what somebody else holds, too
	Moved   []MovedID
	All     bool // every record was read: what none of them has is not theirs any more
}

// IDOnRecord is an address or number that a live record has, and whose record it is.
type IDOnRecord struct {
	ID  identity.ID
	CRM string
}

// MovedID is an address that came over from a record of somebody else.
type MovedID struct {
	ID   identity.ID
	From PersonID
}

// identify brings the state up to what identifies a person.
func (g *registry) identify(id PersonID, now *Identified) error {
	tx := g.tx
	for _, m := range now.Moved {
		if h, err := g.holder(m.ID); err != nil {
			return err
		} else if h.Person == m.From {
			if err := g.take(id, m.ID, m.From); err != nil {
				return err
			}
		}
	}
	values := make([]Identifier, 0, len(now.IDs))
	for _, has := range now.IDs {
		if err := g.claim(id, has.ID, has.CRM); err != nil {
			return err
		}
		values = append(values, Identifier{Kind: linkKind(has.ID), Value: has.ID.Stored()})
	}
	for _, what := range now.Nobodys {
		if err := g.disownFor(id, what, now.Source); err != nil {
			return err
		}
	}
	if now.All {
		if err := tx.KeepIdentities(id, values); err != nil {
			return err
		}
	}
	have, err := tx.Links(id)
	if err != nil {
		return err
	}
	out := slices.DeleteFunc(slices.Clone(have), func(o Link) bool { return g.rules.FromProperty(o) && !sameLink(now.Links, o) })
	for _, n := range now.Links {
		if sameLink(out, n) || slices.ContainsFunc(out, func(o Link) bool { return o.Nobodys && g.rules.LinkID(o).Matches(g.rules.LinkID(n)) }) {
			continue
		}
		out = append(out, n)
	}
	if slices.Equal(have, out) {
		return nil
	}
	return tx.PutLinks(id, out)
}
