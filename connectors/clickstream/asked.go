package clickstream

import (
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// groupsOf are the groups of p. A device alone leads to its owner if it only ever had one.
func (l links) groupsOf(p connectors.Person, space string) ([]uint64, error) {
	stable, devices := l.askedFor(p, space)
	var groups []uint64
	add := func(id identifier) {
		if g := l.groupOf(id); g != nobody && !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	for _, id := range stable {
		add(id)
		if id.Kind == identity.Email { // an address sent as a user id was kept as one by earlier versions
			add(identifier{Kind: identity.UserID, Space: l.home, Value: id.Value})
		}
	}
	if len(stable) > 0 {
		return groups, nil
	}
	for _, id := range devices {
		runs, err := l.runsOf(id)
		if err != nil {
			return nil, err
		}
		if len(runs) == 1 && runs[0].owner != nobody && !slices.Contains(groups, runs[0].owner) {
			groups = append(groups, runs[0].owner)
		}
	}
	return groups, nil
}

// askedFor are the clean identifiers of p. User and anonymous ids that come without their space are of the one given, else at home.
func (l links) askedFor(p connectors.Person, space string) (stable, devices []identifier) {
	if space == "" {
		space = l.home
	}
	add := func(list *[]identifier, kind identity.Kind, values []string) {
		for _, v := range values {
			id := identity.ParseStored(kind, v)
			if id.Space == "" {
				id.Space = space
			}
			if id, ok := l.rules.ID(kind, id.Space, id.Value); ok {
				*list = append(*list, id)
			}
		}
	}
	add(&stable, identity.UserID, p.UserIDs)
	add(&stable, identity.Email, p.Emails)
	add(&stable, identity.Phone, p.Phones)
	add(&devices, identity.AnonymousID, p.AnonymousIDs)
	return stable, devices
}

// recordsOf are the records of groups, as far as there are any.
func (l links) recordsOf(groups []uint64) (recs []*group, err error) {
	for _, g := range groups {
		_, rec, err := l.load(g)
		if err != nil {
			return nil, err
		}
		if rec != nil {
			recs = append(recs, rec)
		}
	}
	return recs, nil
}

// stableOf are the stable identifiers of p: those asked with and those of its groups.
func (l links) stableOf(p connectors.Person, space string, groups []uint64) ([]identifier, error) {
	recs, err := l.recordsOf(groups)
	if err != nil {
		return nil, err
	}
	asked, _ := l.askedFor(p, space)
	return withMembers(asked, recs), nil
}

// withMembers adds the stable identifiers of groups to those asked with.
func withMembers(asked []identifier, recs []*group) []identifier {
	for _, rec := range recs {
		for _, m := range rec.members {
			if id := asAddress(m.identifier); id.Kind != identity.AnonymousID && !slices.Contains(asked, id) {
				asked = append(asked, id)
			}
		}
	}
	return asked
}
