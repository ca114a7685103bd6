package pipeline

import (
	"errors"
	"sync"
)

// ErrBusy says that the same job is running already.
var ErrBusy = errors.New("this job is running already")

// keyedLocks keep jobs of one name apart.
type keyedLocks struct {
	mu   sync.Mutex
	held map[string]bool
}

func (k *keyedLocks) try(name string) (unlock func(), ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[name] {
		return nil, false
	}
	if k.held == nil {
		k.held = map[string]bool{}
	}
	k.held[name] = true
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.held, name)
	}, true
}
