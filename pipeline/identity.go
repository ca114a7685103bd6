package pipeline

import (
	"context"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/state"
)

// What identifies the people of a lot. Whose an identifier is, the state decides (state.IdentityRules).

// propertyIDs are the ids in a record's properties, with the property of each.
func (s *Setup) propertyIDs(crm *CRM, c *connectors.Contact) (ids []identity.ID, properties []string) {
	for _, by := range crm.Identify {
		if id, ok := s.Identity.ID(by.Kind, by.Space, c.Fields[by.Property]); ok {
			ids, properties = append(ids, id), append(properties, by.Property)
		}
	}
	return ids, properties
}

// identify finds out what identifies the people of the lot, and settles those who turn out to be somebody else as well.
func (l *lot) identify(ctx context.Context) error {
	var ids []identity.ID
	for _, s := range l.open() {
		l.readIdentities(s)
		ids = append(ids, s.identifiers.candidates...)
		for _, link := range s.identifiers.links {
			ids = append(ids, l.s.rules.LinkID(link))
		}
	}
	holders, err := l.p.db.Holders(ids, l.s.rules)
	if err != nil {
		return err
	}
	of := make(map[identity.ID]state.Holder, len(ids))
	for i, id := range ids {
		of[id] = holders[i]
	}
	var rivals []rival
	for _, s := range l.open() {
		rivals = append(rivals, l.identifySubject(s, of)...)
	}
	if l.dry {
		return nil
	}
	return l.settleRivals(ctx, rivals)
}

// readIdentities reads which identifiers the live records and the stored links of a subject name.
func (l *lot) readIdentities(s *subject) {
	k := &s.identifiers
	*k = identifiers{}
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Live {
			continue
		}
		k.unsaved = k.unsaved || r.state.Scored != r.inputs
		for _, id := range l.s.rules.RecordIDs(&r.contact) {
			if !slices.Contains(k.candidates, id) {
				k.candidates, k.by = append(k.candidates, id), append(k.by, r.ref)
			}
		}
		ids, properties := l.s.propertyIDs(r.crm, &r.contact)
		for i, id := range ids {
			k.property = append(k.property, state.LinkTo(id, r.ref.CRM, identity.FromProperty(properties[i], r.ref.String()), l.now))
		}
	}
	k.links = slices.Concat(s.links, k.property)
}

// identifySubject decides which of it is theirs, as far as the state knows who holds what.
func (l *lot) identifySubject(s *subject, holders map[identity.ID]state.Holder) (rivals []rival) {
	k := &s.identifiers
	for i, id := range k.candidates {
		h := holders[id]
		others := h.Person != 0 && h.Person != s.id && h.Record
		k.unsaved = k.unsaved || h.Person != s.id || !h.Record
		switch {
		case others && id.JoinsRecords():
			rivals = append(rivals, rival{s, id, h.Person})
		case others || h.Nobodys:
			k.nobodys = append(k.nobodys, id)
			continue
		}
		k.ids, k.refs = append(k.ids, id), append(k.refs, k.by[i])
	}
	for _, link := range k.links {
		id := l.s.rules.LinkID(link)
		if link.Nobodys {
			k.nobodys = append(k.nobodys, id)
			continue
		}
		if id.Kind == identity.Record || l.s.Identity.Blocks(id) || slices.Contains(k.linked, id) {
			continue
		}
		switch h := holders[id]; {
		case h.Person == s.id || h == state.Holder{}:
			k.linked = append(k.linked, id)
		case !id.JoinsRecords():
			k.nobodys = append(k.nobodys, id)
		}
	}
	k.unsaved = k.unsaved || !l.s.sameProperties(s.links, k.property)
	return rivals
}

// sameProperties says whether the links that come from properties are these.
func (s *Setup) sameProperties(links, property []state.Link) bool {
	n := 0
	for _, l := range links {
		if !s.rules.FromProperty(l) {
			continue
		}
		n++
		if !slices.ContainsFunc(property, func(q state.Link) bool { return q.Kind == l.Kind && q.Value == l.Value && q.Reason == l.Reason }) {
			return false
		}
	}
	return n >= len(property)
}

// settleRivals asks the CRMs whether the records of others really have the addresses still. If so they are one person; if not the
// address has moved on with the record.
func (l *lot) settleRivals(ctx context.Context, rivals []rival) error {
	for _, r := range rivals {
		if r.s.settled != nil {
			continue
		}
		other, _, err := l.p.db.Person(r.other)
		if err != nil {
			return err
		}
		has, sure := l.anyHas(ctx, other.Contacts, r.id)
		switch {
		case has:
			r.s.settled = &state.Settlement{Outcome: state.Join, Other: r.other} // they have records with one address
		case sure:
			r.s.identifiers.unsaved = true
			r.s.moved = append(r.s.moved, r)
		}
	}
	return ctx.Err()
}

// anyHas says whether one of the records has an address; sure that all of them answered.
func (l *lot) anyHas(ctx context.Context, refs []connectors.Ref, id identity.ID) (has, sure bool) {
	sure = true
	for i := range l.s.CRMs {
		crm := &l.s.CRMs[i]
		var mine []connectors.Ref
		for _, ref := range refs {
			if ref.CRM == crm.Name {
				mine = append(mine, ref)
			}
		}
		if len(mine) == 0 {
			continue
		}
		contacts, err := l.p.Read(ctx, crm, mine)
		if err != nil {
			sure = false
			continue
		}
		for j := range contacts {
			if contacts[j].State == connectors.Live && slices.Contains(l.s.rules.RecordIDs(&contacts[j]), id) {
				return true, true
			}
		}
	}
	return false, sure
}

// identified is what identifies the subject now; nil if the state says so already.
func (l *lot) identified(s *subject) *state.Identified {
	k := &s.identifiers
	links := k.property
	if s.journey != nil && s.journey.Hash != 0 {
		// Of people with a journey every address is kept: after a merge or a change it is the only way to it.
		for i, id := range k.ids {
			if id.Kind == identity.Email && !slices.ContainsFunc(s.links, func(o state.Link) bool { return o.Kind == state.LinkEmail && o.Value == id.Value }) {
				links = append(links, state.LinkTo(id, k.refs[i].CRM, identity.FromRecord(k.refs[i].String()), l.now))
			}
		}
	}
	if !k.unsaved && len(links) == len(k.property) {
		return nil
	}
	out := &state.Identified{Source: s.recs[0].ref.CRM, Links: links, Nobodys: k.nobodys, All: l.allRead(s)}
	for _, r := range s.moved {
		out.Moved = append(out.Moved, state.MovedID{ID: r.id, From: r.other})
	}
	for i, id := range k.ids {
		out.IDs = append(out.IDs, state.IDOnRecord{ID: id, CRM: k.refs[i].CRM})
	}
	return out
}

// allRead says whether every record of the person is live and answered.
func (l *lot) allRead(s *subject) bool {
	return len(s.recs) == len(s.person.Contacts) && !slices.ContainsFunc(s.recs, func(r *record) bool { return !r.read || r.contact.State != connectors.Live })
}

// asPerson is the person as sources are asked about them, with every address they ever had. User and anonymous ids are in the stored form,
// with their space (see AskAs).
func (l *lot) asPerson(s *subject) connectors.Person {
	q := connectors.Person{Key: s.key}
	for _, r := range s.recs {
		if r.read && r.contact.State == connectors.Live {
			q.Refs = append(q.Refs, r.ref)
		}
	}
	for _, id := range slices.Concat(s.identifiers.ids, s.identifiers.linked) {
		list := &q.Emails
		switch id.Kind {
		case identity.Phone:
			list = &q.Phones
		case identity.UserID:
			list = &q.UserIDs
		case identity.AnonymousID:
			list = &q.AnonymousIDs
		}
		if v := id.Stored(); v != "" && !slices.Contains(*list, v) {
			*list = append(*list, v)
		}
	}
	if len(q.Emails) > 0 {
		_, domain, _ := strings.Cut(q.Emails[0], "@")
		q.Domain = l.s.Identity.Company(domain)
	}
	return q
}

// askAllAs are people as a source knows them.
func (s *Setup) askAllAs(source string, people []connectors.Person) []connectors.Person {
	as := make([]connectors.Person, len(people))
	for i, p := range people {
		as[i] = s.AskAs(source, p)
	}
	return as
}

// AskAs is the person as a source knows them: with the ids of its own space, without the space.
func (s *Setup) AskAs(source string, p connectors.Person) connectors.Person {
	space := s.Identity.Space(source)
	own := func(kind identity.Kind, values []string) (out []string) {
		for _, v := range values {
			if id := identity.ParseStored(kind, v); id.Space == "" || id.Space == space {
				out = append(out, id.Value)
			}
		}
		return out
	}
	p.UserIDs, p.AnonymousIDs = own(identity.UserID, p.UserIDs), own(identity.AnonymousID, p.AnonymousIDs)
	return p
}
