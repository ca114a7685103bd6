package hubspot

import (
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// idleContacts remembers for a moment which contacts were just read without a trace of engagement, so that the engagement
// source need not ask for a history that cannot be there.
type idleContacts struct {
	mu   sync.Mutex
	seen map[uint64]time.Time
}

const (
	idleFor = 2 * time.Minute // between the read of a lot and the gathering of its journeys; a later change is polled anyway
	idleMax = 50_000          // ids remembered
)

func (s *idleContacts) note(k *connectors.Contact, now time.Time) {
	id, ok := recordID(k.ID)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if engaged(k.Fields) {
		delete(s.seen, id)
		return
	}
	if len(s.seen) >= idleMax {
		clear(s.seen)
	}
	if s.seen == nil {
		s.seen = map[uint64]time.Time{}
	}
	s.seen[id] = now
}

func (s *idleContacts) idle(id uint64, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.seen[id]
	return ok && !now.Before(at) && now.Sub(at) < idleFor
}

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
