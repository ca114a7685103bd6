package state

import (
	"cmp"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// resolve finds whom a source saw and keeps identifiers that are new. More than one person comes back where it saw the addresses of
// several together.
func (g *registry) resolve(source string, seen *connectors.Person) ([]PersonID, error) {
	held, why, err := g.holders(source, seen)
	if err != nil {
		return nil, err
	}
	who, shared := identity.Decide(held)
	if len(who) == 0 {
		return nil, nil
	}
	for _, id := range shared {
		people := slices.Clone(who)
		for _, h := range held {
			if h.ID == id && h.Holder != 0 && !slices.Contains(people, h.Holder) {
				people = append(people, h.Holder)
			}
		}
		if err := g.disown(id, source, people...); err != nil {
			return nil, err
		}
	}
	if len(who) > 1 {
		return who, nil // two people's addresses: what else was seen with them is nobody's
	}
	held = slices.DeleteFunc(held, func(h identity.Held[PersonID]) bool {
		return h.Kind == identity.Record || h.Holder != 0 && h.Holder != who[0] || slices.Contains(shared, h.ID)
	})
	return who, g.learnLinks(who[0], source, held, why)
}

// holders are what a source saw, each with who holds it, and why its anonymous ids are somebody's where it says so.
func (g *registry) holders(source string, seen *connectors.Person) (held []identity.Held[PersonID], why map[identity.ID]string, err error) {
	for _, ref := range seen.Refs { // a source that lives in a CRM knows the very record
		who, err := g.ofRecord(ref)
		if err != nil {
			return nil, nil, err
		}
		held = append(held, identity.Held[PersonID]{ID: identity.ID{Kind: identity.Record, Value: ref.String()}, Holder: who, Theirs: true})
	}
	space := g.rules.Space(source)
	for _, ids := range []struct {
		kind   identity.Kind
		values []string
	}{{identity.Email, seen.Emails}, {identity.UserID, seen.UserIDs}, {identity.Phone, seen.Phones}, {identity.AnonymousID, seen.AnonymousIDs}} {
		for _, v := range ids.values {
			id, ok := g.rules.ID(ids.kind, space, v)
			if !ok || slices.ContainsFunc(held, func(h identity.Held[PersonID]) bool { return h.ID == id }) {
				continue
			}
			h, err := g.holder(id)
			if err != nil {
				return nil, nil, err
			}
			if h.Nobodys {
				continue
			}
			held = append(held, identity.Held[PersonID]{ID: id, Holder: h.Person, Theirs: h.Record})
			if reason := seen.Why[v]; reason != "" && id.Kind == identity.AnonymousID {
				if why == nil {
					why = map[identity.ID]string{}
				}
				why[id] = reason
			}
		}
	}
	return held, why, nil
}

// learnLinks keeps those of held that are new to somebody and that the guards let in, and the better reasons of those they have.
func (g *registry) learnLinks(who PersonID, source string, held []identity.Held[PersonID], why map[identity.ID]string) error {
	links, err := g.tx.Links(who)
	if err != nil {
		return err
	}
	n, told := len(links), false
	for i := range links { // that it was confirmed says more than that it was seen
		if reason := why[g.rules.LinkID(links[i])]; reason != "" && links[i].Reason == identity.SeenTogether(links[i].Source) {
			links[i].Reason, told = reason, true
		}
	}
	ids := make([]identity.ID, 0, n+len(held))
	for _, l := range links {
		// What a CRM says of addresses is no guess, and what is nobody's takes no one's place.
		if !l.Nobodys && (l.Kind != LinkEmail || !slices.Contains(g.rules.CRMs, l.Source)) {
			ids = append(ids, g.rules.LinkID(l))
		}
	}
	linked := func(id identity.ID) bool {
		return slices.ContainsFunc(links, func(l Link) bool { return g.rules.LinkID(l).Matches(id) })
	}
	for _, h := range held {
		if linked(h.ID) || !identity.Fits(ids, h.ID) || g.tx.Buried(linkKind(h.ID), h.Value) {
			continue
		}
		// Addresses are kept too: should the CRM erase the person, it is the only way left to tell the source whom to forget.
		ids = append(ids, h.ID)
		links = append(links, LinkTo(h.ID, source, cmp.Or(why[h.ID], identity.SeenTogether(source)), g.now))
	}
	if len(links) == n && !told {
		return nil
	}
	return g.tx.PutLinks(who, links)
}
