package topics

import (
	"encoding/binary"
	"time"
)

func (m *Matcher) remembered(norm string, now time.Time) (answer, bool) {
	if m.c.Model == nil && !m.c.LexiconOnly {
		return answer{}, false // degraded answers are not kept
	}
	m.mu.RLock()
	a, ok := m.now[norm]
	aged := false
	if !ok {
		a, aged = m.old[norm]
	}
	m.mu.RUnlock()
	if !a.until.IsZero() && !now.Before(a.until) {
		return answer{}, false
	}
	if aged {
		m.remember(norm, a)
	}
	return a, ok || aged
}

func (m *Matcher) remember(norm string, a answer) {
	if m.c.Model == nil && !m.c.LexiconOnly {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.now) >= remembered {
		m.now, m.old = make(map[string]answer, remembered), m.now
	}
	m.now[norm] = a
}

// cached looks a pair up in the cache. Values are the second of the answer and one byte.
func (m *Matcher) cached(norm string, i int, now time.Time) (yes bool, until time.Time, ok bool) {
	if m.c.Cache == nil {
		return false, until, false
	}
	v, found := m.c.Cache.Cached(m.key(norm, i))
	if !found || len(v) != 9 || v[8] > 1 {
		return false, until, false
	}
	until = time.Unix(int64(binary.BigEndian.Uint64(v)), 0).Add(Kept)
	// An answer from the future is one of a clock that jumped.
	return v[8] == 1, until, now.Before(until) && !until.After(now.Add(Kept+time.Hour))
}

func (m *Matcher) cache(p pair, yes bool, now time.Time) {
	if m.c.Cache == nil {
		return
	}
	v := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	if yes {
		v = append(v, 1)
	} else {
		v = append(v, 0)
	}
	m.c.Cache.Cache(m.key(p.topic, p.configured), v)
}
