// Package memo remembers what a pure function made of texts that many people's journeys share: titles and addresses of pages, user agents.
package memo

import (
	"cmp"
	"maps"
	"sync"
	"sync/atomic"
)

// Memo remembers a value for each key. It holds two generations of at most Size keys: what was not asked for during a whole generation
// goes. Safe for concurrent use; the zero value remembers Default keys.
//
// What was put together is never changed again, so that it is read without a lock: the workers ask for the same pages all the time, and
// the word that counts a lock's readers would go to and fro between their processors.
type Memo[K comparable, V any] struct {
	Size int

	kept atomic.Pointer[generations[K, V]]

	mu    sync.Mutex
	fresh map[K]V // not among the kept yet
}

type generations[K comparable, V any] struct{ now, old map[K]V }

// Default is how many keys a generation has that does not say.
const Default = 8192

// Get is what is remembered of a key.
func (m *Memo[K, V]) Get(key K) (v V, ok bool) {
	kept := m.kept.Load()
	if kept != nil {
		if v, ok = kept.now[key]; ok {
			return v, true
		}
	}
	m.mu.Lock()
	v, ok = m.fresh[key]
	m.mu.Unlock()
	if !ok && kept != nil {
		if v, ok = kept.old[key]; ok {
			m.Put(key, v)
		}
	}
	return v, ok
}

// Put remembers a value.
func (m *Memo[K, V]) Put(key K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fresh == nil {
		m.fresh = make(map[K]V)
	}
	m.fresh[key] = v
	var g generations[K, V]
	if kept := m.kept.Load(); kept != nil {
		g = *kept
	}
	if len(m.fresh) <= 8+len(g.now)/4 { // putting together copies all of them
		return
	}
	if len(g.now)+len(m.fresh) > cmp.Or(m.Size, Default) {
		g = generations[K, V]{old: g.now}
	}
	now := make(map[K]V, len(g.now)+len(m.fresh))
	maps.Copy(now, g.now)
	maps.Copy(now, m.fresh)
	m.kept.Store(&generations[K, V]{now, g.old})
	m.fresh = nil
}

// Of is what is remembered of a key, or what work makes of it. work may run more than once for a key.
func (m *Memo[K, V]) Of(key K, work func() V) V {
	v, ok := m.Get(key)
	if !ok {
		v = work()
		m.Put(key, v)
	}
	return v
}
