package crmkit

import (
	"sync"
	"time"
)

// Recent remembers keys for a moment: what was just read of a record and need not be asked again. It is safe for concurrent use.
type Recent[K comparable] struct {
	mu   sync.Mutex
	seen map[K]time.Time
}

const (
	recentFor = 2 * time.Minute // between the read of a lot and the gathering of its journeys; a later change is polled anyway
	recentMax = 50_000          // keys remembered
)

// Put remembers k from now on.
func (s *Recent[K]) Put(k K, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || len(s.seen) >= recentMax {
		s.seen = map[K]time.Time{}
	}
	s.seen[k] = now
}

// Drop forgets k.
func (s *Recent[K]) Drop(k K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seen, k)
}

// Has says whether k was put within the last two minutes.
func (s *Recent[K]) Has(k K, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.seen[k]
	return ok && !now.Before(at) && now.Sub(at) < recentFor
}
