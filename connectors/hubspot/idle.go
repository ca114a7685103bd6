package hubspot

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// idleContacts remembers for a moment which contacts were just read without a trace of engagement, so that the engagement
// source need not ask for a history that cannot be there.
type idleContacts struct{ recent crmkit.Recent[uint64] }

func (s *idleContacts) note(k *connectors.Contact, now time.Time) {
	id, ok := recordID(k.ID)
	switch {
	case !ok:
	case engaged(k.Fields):
		s.recent.Drop(id)
	default:
		s.recent.Put(id, now)
	}
}

func (s *idleContacts) idle(id uint64, now time.Time) bool { return s.recent.Has(id, now) }

// engaged says whether any summary of what the person did is set.
func engaged(fields map[string]string) bool {
	for _, t := range traces {
		switch fields[t.property] {
		case "", "0", "0.0":
		default:
			return true
		}
	}
	return false
}
