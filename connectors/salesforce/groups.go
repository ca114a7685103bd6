package salesforce

import (
	"context"
	"sync"
)

// groups are the accounts whose contacts are being written: a write locks them, and a second one would wait up to ten seconds and
// fail. It is safe for concurrent use.
type groups struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed when the group comes free
}

// hold takes all of names, or waits until it can.
func (g *groups) hold(ctx context.Context, names []string) (release func(), err error) {
	for {
		busy := g.try(names)
		if busy == nil {
			return func() { g.release(names) }, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (g *groups) try(names []string) (busy <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range names {
		if ch := g.held[n]; ch != nil {
			return ch
		}
	}
	if g.held == nil {
		g.held = map[string]chan struct{}{}
	}
	for _, n := range names {
		g.held[n] = make(chan struct{})
	}
	return nil
}

func (g *groups) release(names []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range names {
		close(g.held[n])
		delete(g.held, n)
	}
}
