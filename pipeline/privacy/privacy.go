// Package privacy is what a person may ask for: to be forgotten, to be told what is kept of them, and that nothing is kept for longer
// than the config says.
//
// It stands on the pipeline and knows nothing of what commands show: imports run operate → privacy → pipeline, never back.
//
// Promises: a forgetting that began is finished, whatever interrupts it, and no lot takes the person up again meanwhile; what cannot be
// reached from here is named in its report.
package privacy

import (
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// addRecord adds the addresses and numbers of one of the person's records, but for what somebody else has, too.
func addRecord(p *pipeline.Pipeline, s *pipeline.Setup, who *connectors.Person, person state.PersonID, c *connectors.Contact) error {
	who.Refs = append(who.Refs, c.Ref)
	ids := s.IdentityRules().RecordIDs(c)
	holders, err := p.DB().Holders(ids, s.IdentityRules())
	if err != nil {
		return err
	}
	for i, id := range ids {
		list := &who.Emails
		if id.Kind == identity.Phone {
			list = &who.Phones
		}
		h := holders[i]
		somebodyElses := !id.JoinsRecords() && (h.Nobodys || h.Person != 0 && h.Person != person)
		if !somebodyElses && !slices.Contains(*list, id.Value) {
			*list = append(*list, id.Value)
		}
	}
	return nil
}
