package state

import (
	"strconv"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// Key is the person as sources, receipts and people see them: "p2f".
func (id PersonID) Key() string { return "p" + strconv.FormatUint(uint64(id), 36) }

// ParsePersonKey reads what Key writes.
func ParsePersonKey(s string) (PersonID, bool) {
	if len(s) < 2 || s[0] != 'p' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:], 36, 64)
	return PersonID(n), err == nil && n > 0
}

// Lookup is what a person may be named by. Each is tried in the order of the fields, and the first that is somebody's decides.
type Lookup struct {
	Email string // in its one form
	Key   PersonID
	Refs  []connectors.Ref
	IDs   []identity.ID
}

// Find is whom a lookup names; 0 if nobody. What cannot be read names nobody.
func (db *DB) Find(what Lookup, rules *IdentityRules) (PersonID, error) {
	return viewOf(db, func(tx *txn) (PersonID, error) { return tx.registry(rules, tx.db.o.Now()).find(&what), nil })
}

func (g *registry) find(what *Lookup) PersonID {
	if what.Email != "" {
		if id, ok := g.tx.Identify(LinkEmail, what.Email); ok {
			return id
		}
	}
	if what.Key != 0 {
		if _, ok, err := g.tx.Person(what.Key); err == nil && ok {
			return what.Key
		}
	}
	for _, ref := range what.Refs {
		if id, err := g.ofRecord(ref); err == nil && id != 0 {
			return id
		}
	}
	for _, id := range what.IDs {
		if h, err := g.holder(id); err == nil && h.Person != 0 {
			return h.Person
		}
	}
	return 0
}

// Holders are whom identifiers lead to, in their order.
func (db *DB) Holders(ids []identity.ID, rules *IdentityRules) ([]Holder, error) {
	return viewOf(db, func(tx *txn) (holders []Holder, err error) {
		g := tx.registry(rules, tx.db.o.Now())
		for _, id := range ids {
			h, err := g.holder(id)
			if err != nil {
				return nil, err
			}
			holders = append(holders, h)
		}
		return holders, nil
	})
}
