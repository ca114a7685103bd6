package twostage

import (
	"sync"

	"github.com/intentd/intentd/connectors"
)

// memory is a Store in memory with a daily budget.
type memory struct {
	mu       sync.Mutex
	cache    map[string][]byte
	answers  map[string][]byte
	inputs   map[string]uint64
	budget   int64 // micro USD, below 0: unbounded
	kept     int64 // of it, what is not for people who go last
	reserved int64
	spent    int64
	purposes map[string]connectors.Usage
	hits     int
	misses   int
}

func newMemory() *memory {
	return &memory{cache: map[string][]byte{}, answers: map[string][]byte{}, inputs: map[string]uint64{}, purposes: map[string]connectors.Usage{}, budget: -1}
}

func (m *memory) Cached(key []byte) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.cache[string(key)]
	if ok {
		m.hits++
	} else {
		m.misses++
	}
	return v, ok
}

func (m *memory) Cache(key, value []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cache[string(key)] = value
}

func (m *memory) Answer(person string, inputs uint64) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.answers[person]
	return v, ok && m.inputs[person] == inputs
}

func (m *memory) KeepAnswer(person string, inputs uint64, value []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[person], m.inputs[person] = value, inputs
}

func (m *memory) Reserve(estimate int64, last bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	budget := m.budget
	if last {
		budget -= m.kept
	}
	if m.budget >= 0 && m.spent+m.reserved+estimate > budget || m.budget == 0 {
		return false
	}
	m.reserved += estimate
	return true
}

func (m *memory) Spend(purpose string, u connectors.Usage, estimate int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reserved -= estimate
	m.spent += u.MicroUSD
	m.purposes[purpose] = m.purposes[purpose].Add(u)
}
