package clickstream

import (
	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// identifier is one way of naming somebody. The order of the kinds is that of their priority: an event is stored under its first
// one, and on a conflict the later one gives way.
type identifier = identity.ID

// nodeOf is the identifier's place in the segments. Two identifiers may share one, by chance or in different spaces; readers compare
// them, too.
func nodeOf(id identifier) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(uint64(id.Kind))
	d.WriteString(id.Value)
	return d.Sum64()
}

// Clean brings the identifiers of e into the form they are stored and looked up in, and empties those that identify nobody. It
// says whether any is left by which it can be stored: of what a visitor proposes, the anonymous id; of what is of nobody, the company's domain.
func Clean(e *connectors.Event) bool { return clean(nil, e) }

func clean(rules *identity.Rules, e *connectors.Event) bool {
	e.Email, e.Phone = rules.Email(e.Email), rules.Phone(e.Phone)
	user, _ := rules.ID(identity.UserID, "", e.UserID)
	e.UserID = user.Value
	device, _ := rules.ID(identity.AnonymousID, "", e.AnonymousID)
	e.AnonymousID = device.Value
	// An id that has the form of an address is that address. Where the event names another one, too, it stays where it was, so that
	// neither is lost.
	if user.Kind == identity.Email && (e.Email == "" || e.Email == user.Value) {
		e.Email, e.UserID = user.Value, ""
	}
	if device.Kind == identity.Email {
		if e.Email == "" {
			e.Email = device.Value
		}
		e.AnonymousID = ""
	}
	return e.AnonymousID != "" || !e.Proposed && (e.UserID != "" || e.Email != "" || e.Phone != "" || companyOf(rules, e).Kind != 0)
}

// companyOf is the company that e is of, if it names one.
func companyOf(rules *identity.Rules, e *connectors.Event) identifier {
	if named := e.Properties[connectors.PropCompany]; named != "" {
		if d := rules.Company(named); d != "" {
			return identifier{Kind: identity.Company, Value: d}
		}
	}
	return identifier{}
}

// idsOf are what identifies the person of a clean event in the order of priority, kinds it has not being zero. The device is the last, and
// the only one where the others are proposed.
func idsOf(rules *identity.Rules, e *connectors.Event) (ids [4]identifier) {
	ids = namedIn(rules, e)
	if e.Proposed {
		clear(ids[:3])
	}
	return ids
}

// namedIn are all identifiers that a clean event names.
func namedIn(rules *identity.Rules, e *connectors.Event) (ids [4]identifier) {
	if e.UserID != "" {
		ids[0] = asAddress(identifier{Kind: identity.UserID, Space: rules.Space(e.Source), Value: e.UserID})
	}
	if e.Email != "" {
		ids[1] = identifier{Kind: identity.Email, Value: e.Email}
	}
	if e.Phone != "" {
		ids[2] = identifier{Kind: identity.Phone, Value: e.Phone}
	}
	if e.AnonymousID != "" {
		ids[3] = identifier{Kind: identity.AnonymousID, Space: rules.Space(e.Source), Value: e.AnonymousID}
	}
	return ids
}

// asAddress is id, or the address that it has the form of.
func asAddress(id identifier) identifier {
	if id.Kind == identity.UserID {
		if address := identity.Address(id.Value); address != "" {
			return identifier{Kind: identity.Email, Value: address}
		}
	}
	return id
}

// owner is the identifier that e is stored under: its strongest, or the company's where it names nobody. e is clean.
func owner(rules *identity.Rules, e *connectors.Event) identifier {
	for _, id := range idsOf(rules, e) {
		if id.Kind != 0 {
			return id
		}
	}
	if of := companyOf(nil, e); of.Kind != 0 { // also of one that is blocked since: where it lies does not change
		return of
	}
	return identifier{Kind: identity.AnonymousID}
}

// place is where recent keeps what it knows of id.
func place(id identifier) uint64 {
	if id.Space == "" {
		return nodeOf(id)
	}
	var d xxhash.Digest
	d.ResetWithSeed(nodeOf(id))
	d.WriteString(id.Space)
	return d.Sum64()
}

// name puts a stable identifier into e.
func name(e *connectors.Event, id identifier) {
	switch id.Kind {
	case identity.Email:
		e.Email = id.Value
	case identity.Phone:
		e.Phone = id.Value
	default:
		e.UserID = id.Value
	}
}
