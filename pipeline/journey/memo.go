package journey

import "sync"

// memo remembers what was worked out for a key, for pages and user agents that come again and again. It holds two
// generations of at most size entries: what was not asked for during a whole generation goes. Safe for concurrent use.
type memo[K comparable, V any] struct {
	mu       sync.RWMutex
	size     int
	now, old map[K]V
}

func newMemo[K comparable, V any](size int) *memo[K, V] {
	return &memo[K, V]{size: size, now: map[K]V{}}
}

func (m *memo[K, V]) get(k K) (V, bool) {
	m.mu.RLock()
	v, ok := m.now[k]
	aged := false
	if !ok {
		v, aged = m.old[k]
	}
	m.mu.RUnlock()
	if aged {
		m.put(k, v)
	}
	return v, ok || aged
}

func (m *memo[K, V]) put(k K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.now) >= m.size {
		m.now, m.old = make(map[K]V, m.size/4), m.now
	}
	m.now[k] = v
}
