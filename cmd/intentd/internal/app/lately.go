package app

import (
	"sync"
	"time"
)

// What a CRM says of the people on a page, and of who owns them, is kept in memory for a while, so that to go back and forth costs no calls, and nowhere
// else.
const (
	knownFor  = 5 * time.Minute
	mostKnown = 10_000
)

// lately is what CRMs said in that while, by what they were asked for.
type lately[V any] struct {
	mu sync.Mutex
	by map[string]saidAt[V]
}

type saidAt[V any] struct {
	what V
	at   time.Time
}

// of is what was said of keys, and those of which nothing was.
func (l *lately[V]) of(keys []string, now time.Time) (known map[string]V, unknown []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, said := range l.by {
		if now.Sub(said.at) >= knownFor {
			delete(l.by, key)
		}
	}
	known = map[string]V{}
	for _, key := range keys {
		if said, ok := l.by[key]; ok {
			known[key] = said.what
		} else {
			unknown = append(unknown, key)
		}
	}
	return known, unknown
}

// keep notes what was just said.
func (l *lately[V]) keep(said map[string]V, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil || len(l.by)+len(said) > mostKnown {
		l.by = map[string]saidAt[V]{}
	}
	for key, what := range said {
		l.by[key] = saidAt[V]{what, now}
	}
}

// forget lets go of all: of whoever is forgotten no name is to stay.
func (l *lately[V]) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.by = nil
}
