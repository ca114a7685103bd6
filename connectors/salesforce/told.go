package salesforce

import (
	"slices"
	"sync"

	"github.com/intentd/intentd/connectors"
)

// told remembers which versions of records the host has stored, for the lookback to leave them out. A page counts as stored only
// when the host comes back with the cursor that the page gave: one whose effects were lost is told again. A version met within
// seconds of its stamp does not count at all, for stamps are whole seconds, and the record may change again under the same one.
// It lives in memory alone; after a restart the lookback is told once more. It is safe for concurrent use.
type told struct {
	mu      sync.Mutex
	stored  map[version]bool
	pending map[string][]version // by the cursor behind the page
}

// version is a record's id and stamp.
type version struct {
	id    string
	stamp int64 // Unix seconds
}

const (
	settles     = 15      // seconds after which a version's stamp is its own
	mostStored  = 200_000 // versions remembered: some 20 MB
	mostPending = 16      // pages
)

// confirm takes a cursor that the host came back with.
func (t *told) confirm(from connectors.Cursor) {
	t.mu.Lock()
	defer t.mu.Unlock()
	versions, ok := t.pending[string(from)]
	if !ok {
		return
	}
	delete(t.pending, string(from))
	if t.stored == nil || len(t.stored)+len(versions) > mostStored {
		t.stored = make(map[version]bool, len(versions))
	}
	for _, v := range versions {
		t.stored[v] = true
	}
}

// has says whether the host has stored a version.
func (t *told) has(v version) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stored[v]
}

// tell notes the versions of the page between two cursors, which was read at the time now, and drops those from before the time
// oldest. Where the cursor did not move, its coming back proves nothing.
func (t *told) tell(from, next connectors.Cursor, versions []version, oldest, now int64) {
	versions = slices.DeleteFunc(versions, func(v version) bool { return v.stamp > now-settles })
	t.mu.Lock()
	defer t.mu.Unlock()
	for v := range t.stored {
		if v.stamp < oldest {
			delete(t.stored, v)
		}
	}
	if len(versions) == 0 || string(from) == string(next) {
		return
	}
	if t.pending == nil || len(t.pending) >= mostPending {
		t.pending = map[string][]version{}
	}
	t.pending[string(next)] = append(t.pending[string(next)], versions...)
}
