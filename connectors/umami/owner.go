package umami

import (
	"context"
	"strings"
	"sync"

	"github.com/intentd/intentd/connectors/internal/transport"
)

// session is one of the list of sessions.
type session struct {
	ID   string `json:"id"`
	Last loose  `json:"lastAt"`
}

// owners keeps whose session is whose: of somebody identified that never changes.
type owners struct {
	mu   sync.Mutex
	kept map[string]string
}

// keptOwners bounds them; beyond it they are asked for anew.
const keptOwners = 200_000

// owner is the distinct id of a session, "" if it has none. It is asked for once.
func (s *Source) owner(ctx context.Context, id string) (string, error) {
	s.owners.mu.Lock()
	distinct, known := s.owners.kept[id]
	s.owners.mu.Unlock()
	if known || id == "" {
		return distinct, nil
	}
	got, _, err := transport.Do[struct {
		DistinctID string `json:"distinctId"`
	}](ctx, s.HTTP, transport.Get("whose a session is", s.website+"/sessions/"+id))
	if err != nil {
		return "", err
	}
	s.owners.mu.Lock()
	defer s.owners.mu.Unlock()
	if s.owners.kept == nil || len(s.owners.kept) >= keptOwners {
		s.owners.kept = map[string]string{}
	}
	s.owners.kept[id] = got.DistinctID
	return got.DistinctID, nil
}

// who reads a distinct id: an address, or the application's own id.
func who(distinct string) (email, userID string) {
	if distinct = strings.TrimSpace(distinct); strings.Contains(distinct, "@") {
		return distinct, ""
	}
	return "", distinct
}
