package clickstream

import (
	"fmt"
	"sync"

	"github.com/intentd/intentd/connectors"
)

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

// Ingest takes in a batch in one commit: its events, the links they reveal, the people they make active, and the cursor,
// or nothing. It is durable when Ingest returns. Batches of one source that are given at the same time share a commit. accepted counts
// the events kept; left out are those without an identifier, with consent denied, older than the retention (or than 1970), and repeats.
// Repeats of earlier batches (same owner, time and id) are kept once: the latest ones are recognised here, others disappear when read
// and when segments are merged.
func (s *Store) Ingest(b Batch) (accepted int, err error) {
	w := &waiting{Batch: b}
	s.gathering.add(w)
	s.intake.Lock()
	defer s.intake.Unlock()
	for !w.done { // else somebody before took it along
		s.ingestGroup(s.gathering.next())
	}
	return w.accepted, w.err
}

// ingestGroup takes in batches of one source as one. Under intake.
func (s *Store) ingestGroup(group []*waiting) {
	b := group[0].Batch
	if len(group) > 1 {
		var events []connectors.Event
		for _, w := range group {
			events = append(events, w.Events...)
			if w.Cursor != nil {
				b.Cursor = w.Cursor
			}
		}
		b.Events = events
	}
	kept, err := s.ingest(b)
	if err != nil {
		s.known, s.ids = recent{}, recentIDs{} // they may have learnt from what was rolled back
		err = s.fail(fmt.Sprintf("take in %d events", len(b.Events)), err)
	}
	of := make([]int, 0, len(b.Events)) // the group's number of each event
	for i, w := range group {
		w.err, w.done = err, true
		if len(group) > 1 {
			for range w.Events {
				of = append(of, i)
			}
		}
	}
	if len(group) == 1 {
		group[0].accepted = len(kept)
		return
	}
	for _, p := range kept {
		group[of[p.i]].accepted++
	}
}
