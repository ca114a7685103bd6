package intent

import "sync"

// memo remembers what a pure function made of texts that many people's journeys share: titles and addresses of pages. Working them out
// again for each person was more than half of a first sync's processor time.
type memo[K comparable, V any] struct {
	mu sync.RWMutex
	of map[K]V
}

// memoSize bounds the entries; beyond it all are dropped.
const memoSize = 8192

// get is what is remembered of key, or what work makes of it. work may run more than once for a key.
func (m *memo[K, V]) get(key K, work func() V) V {
	m.mu.RLock()
	v, ok := m.of[key]
	m.mu.RUnlock()
	if ok {
		return v
	}
	v = work()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil || len(m.of) >= memoSize {
		m.of = make(map[K]V)
	}
	m.of[key] = v
	return v
}
