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

// Every commit costs half a dozen syncs, however small it is. So batches of one source that wait while a commit is under way share the next.

// sharedEvents is how many events may go into one commit that several batches share.
const sharedEvents = 32_768

// batchQueue are the batches that wait for their turn.
type batchQueue struct {
	mu      sync.Mutex
	waiting []*waiting
}

// waiting is a batch and, once done, what became of it.
type waiting struct {
	Batch
	accepted int
	err      error
	done     bool // under Store.intake
}

func (q *batchQueue) add(w *waiting) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
}

// next are the batches of the next commit: the oldest, and those right behind it of the same source.
func (q *batchQueue) next() []*waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	var together, rest []*waiting
	events := 0
	for _, w := range q.waiting {
		if len(together) == 0 || w.Source == together[0].Source && len(rest) == 0 && events+len(w.Events) <= sharedEvents {
			together = append(together, w)
			events += len(w.Events)
		} else {
			rest = append(rest, w)
		}
	}
	q.waiting = rest
	return together
}
