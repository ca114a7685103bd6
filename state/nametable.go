package state

import "sync"

// names is the table of strings that many records share: kinds of records, sources, hashes of the configuration. Records
// hold their number. The table only grows, by what is configured rather than by people, and is held in memory.
type names struct {
	mu     sync.RWMutex
	byID   []string // index is number − 1
	number map[string]uint32
}

func (n *names) lookup(s []byte) (uint32, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.number[string(s)]
	return id, ok
}

func (n *names) name(id uint32) (string, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if id == 0 || int(id) > len(n.byID) {
		return "", false
	}
	return n.byID[id-1], true
}

// publish adds what a commit has written, in the order of numbers.
func (n *names) publish(added []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range added {
		n.byID = append(n.byID, s)
		n.number[s] = uint32(len(n.byID))
	}
}
