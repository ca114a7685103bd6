package clickstream

import (
	"sync"

	"github.com/intentd/intentd/connectors"
)

// Batch is what one commit takes in.
type Batch struct {
	// Source goes into the Source of every event that has none.
	Source string
	// Events in any order. Ingest cleans and changes them in place and keeps nothing of them.
	Events []connectors.Event
	// Cursor is saved under Source with the events, nil leaves the one there is.
	Cursor connectors.Cursor
}

// placed is where an event goes.
type placed struct {
	part int64
	node uint64
	at   int64 // microseconds
	i    int32 // in Batch.Events
}

// A commit costs half a dozen syncs, however small it is. So those of one source that wait while one is under way share the next.

// groupEvents bounds the events that a batch may find in its group to still join it.
const groupEvents = 32_768

// gathering are the batches that wait for their turn.
type gathering struct {
	mu    sync.Mutex
	queue []*waiting
}

// waiting is a batch and, once done, what became of it.
type waiting struct {
	Batch
	accepted int
	err      error
	done     bool // under Store.intake
}

func (g *gathering) add(w *waiting) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue = append(g.queue, w)
}

// next are the oldest batch and those behind it of the same source.
func (g *gathering) next() []*waiting {
	g.mu.Lock()
	defer g.mu.Unlock()
	var group, rest []*waiting
	events := 0
	for _, w := range g.queue {
		if len(group) == 0 || w.Source == group[0].Source && len(rest) == 0 && events+len(w.Events) <= groupEvents {
			group = append(group, w)
			events += len(w.Events)
		} else {
			rest = append(rest, w)
		}
	}
	g.queue = rest
	return group
}
