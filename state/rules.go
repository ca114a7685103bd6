package state

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// IdentityRules are what the config says of whom an identifier leads to.
type IdentityRules struct {
	*identity.Rules
	CRMs []string // by name: what a CRM says of its records is no guess
}

var linkKinds = [...]LinkKind{
	identity.Email: LinkEmail, identity.Phone: LinkPhone, identity.UserID: LinkUserID,
	identity.AnonymousID: LinkAnonymousID, identity.Record: LinkRecord,
}

func linkKind(id identity.ID) LinkKind { return linkKinds[id.Kind] }

// LinkTo is the link by which id belongs to a person.
func LinkTo(id identity.ID, source, reason string, at time.Time) Link {
	return Link{Kind: linkKind(id), Value: id.Stored(), Source: source, Reason: reason, At: at}
}

// LinkID is the identifier of a link. One from before there were spaces is of the space of the source it came from.
func (r *IdentityRules) LinkID(l Link) identity.ID {
	id := identity.ParseStored(identity.Kind(slices.Index(linkKinds[:], l.Kind)), l.Value)
	if id.Space == "" && id.Kind.Spaced() && l.Source != "" {
		id.Space = r.Space(l.Source)
	}
	return id
}

// RecordIDs are the addresses and phone numbers of a record, each once.
func (r *IdentityRules) RecordIDs(c *connectors.Contact) (ids []identity.ID) {
	add := func(kind identity.Kind, values []string) {
		for _, v := range values {
			if id, ok := r.ID(kind, "", v); ok && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	add(identity.Email, c.Emails)
	add(identity.Phone, c.Phones)
	return ids
}

// FromProperty says whether a link is what a property of a record says: a CRM tells user and anonymous ids in no other way.
func (r *IdentityRules) FromProperty(l Link) bool {
	return !l.Nobodys && (l.Kind == LinkUserID || l.Kind == LinkAnonymousID) && slices.Contains(r.CRMs, l.Source)
}

// sameLink says whether one of the links leads from the same value, to the person or to nobody.
func sameLink(list []Link, l Link) bool {
	return slices.ContainsFunc(list, func(o Link) bool { return o.Kind == l.Kind && o.Value == l.Value && o.Nobodys == l.Nobodys })
}

// AddLinks adds what is linked to a person and theirs alone to whom sources are asked about, in the stored form.
func (r *IdentityRules) AddLinks(who *connectors.Person, links []Link) {
	for _, l := range links {
		if l.Nobodys {
			continue
		}
		value := r.LinkID(l).Stored()
		switch l.Kind {
		case LinkEmail:
			addNew(&who.Emails, value)
		case LinkPhone:
			addNew(&who.Phones, value)
		case LinkUserID:
			addNew(&who.UserIDs, value)
		case LinkAnonymousID:
			addNew(&who.AnonymousIDs, value)
		}
	}
}

// addNew adds values that are not in the list yet.
func addNew(list *[]string, values ...string) {
	for _, v := range values {
		if v != "" && !slices.Contains(*list, v) {
			*list = append(*list, v)
		}
	}
}
