package pipeline

import (
	"errors"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/state"
)

// ErrUnknownPerson says that nobody in the state goes by what was asked for.
var ErrUnknownPerson = errors.New("no such person in this state")

// Find finds a person by e-mail address, by record ("hubspot/contacts/101", or its id alone), by person key, or by an id that a source
// gives; 0 if nobody goes by it.
func (p *Pipeline) Find(who string) (state.PersonID, error) {
	who = strings.TrimSpace(who)
	s := p.Setup()
	var what state.Lookup
	if what.Email = s.Identity.Email(who); what.Email == "" {
		what.Refs = s.RefsNamed(who)
		if _, whole := connectors.ParseRef(who); !whole {
			what.Key, _ = state.ParsePersonKey(who)
			for i := range s.Sources {
				what.IDs = append(what.IDs, s.IDsNamed(s.Sources[i].Name, who)...)
			}
		}
	}
	return p.db.Find(what, s.rules)
}

// IDsNamed are what somebody may go by in a source: an address, or an id that the source gives.
func (s *Setup) IDsNamed(source, who string) (ids []identity.ID) {
	if address := s.Identity.Email(who); address != "" {
		return []identity.ID{{Kind: identity.Email, Value: address}}
	}
	for _, kind := range []identity.Kind{identity.UserID, identity.AnonymousID} {
		if id, ok := s.Identity.ID(kind, s.Identity.Space(source), who); ok {
			ids = append(ids, id)
		}
	}
	return ids
}
