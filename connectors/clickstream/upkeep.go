package clickstream

import (
	"context"
	"math/bits"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Segments of a partition are merged when mergeWidth of one size class exist; a class is mergeWidth times the one before.
// When a partition is no longer the present one, all of its segments count as one class. Each event is thus rewritten a
// few times in its life, and a look-up meets few segments.
const (
	mergeWidth = 6
	firstClass = 4096 // events
	// stallAt is the number of segments of one partition from which intake waits for a merge.
	stallAt = 8 * mergeWidth
)

func sizeClass(events uint64) int {
	class := 0
	for n := events / firstClass; n > 0; n /= mergeWidth {
		class++
	}
	return class
}

// work merges and drops in the background.
func (s *Store) work() {
	defer close(s.done)
	for {
		select {
		case <-s.quit:
			return
		case <-s.wake:
		}
		for {
			did, err := s.tidy()
			s.mu.Lock()
			s.failed = err
			s.mu.Unlock()
			if err != nil {
				s.log.Error("clickstream: upkeep failed; it is tried again at the next intake", "dir", s.dir, "error", err)
			}
			if err != nil || !did {
				break
			}
			select {
			case <-s.quit:
				return
			default:
			}
		}
	}
}

// tidy does one piece of upkeep, if there is any.
func (s *Store) tidy() (did bool, err error) {
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	if horizon, ok := s.horizon(s.newestEvent(), s.o.Now().UnixMicro()); ok {
		if n, err := s.dropBefore(horizon); err != nil || n > 0 {
			return n > 0, err
		}
	}
	if segs := s.pick(); len(segs) > 0 {
		return true, s.merge(segs)
	}
	return false, nil
}

// catchUp merges in the foreground when intake is far ahead of upkeep.
func (s *Store) catchUp() error {
	for {
		s.mu.RLock()
		most := 0
		for _, segs := range s.parts {
			most = max(most, len(segs))
		}
		closed := s.closed
		s.mu.RUnlock()
		if closed {
			return errClosed
		}
		if most < stallAt {
			return nil
		}
		if _, err := s.tidy(); err != nil {
			return err
		}
	}
}

// pick chooses segments to merge: those of the fullest class, else those of a partition at rest.
func (s *Store) pick() []*segment {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var best []*segment
	for _, segs := range s.parts {
		var classes [bits.UintSize][]*segment
		for _, seg := range segs {
			c := sizeClass(seg.events)
			classes[c] = append(classes[c], seg)
		}
		for _, class := range classes {
			if len(class) >= mergeWidth && (best == nil || class[0].events < best[0].events) {
				best = class
			}
		}
	}
	if best != nil {
		return slices.Clone(best)
	}
	open := s.part(s.newest) - 1 // late events are common for a while
	for p, segs := range s.parts {
		if p < open && len(segs) >= mergeWidth {
			return slices.Clone(segs)
		}
	}
	return nil
}

// merge replaces segments of one partition by one.
func (s *Store) merge(segs []*segment) error {
	m, _, err := rewrite(s.dir, s.newSegment(), segs[0].part, !s.o.NoSync, segs, nil, nil)
	if err != nil {
		return err
	}
	return s.commit(segs, func(*bolt.Tx) ([]meta, error) { return []meta{m}, nil })
}

// Merge brings every partition down to one segment. Reading gets faster by it; nothing depends on it.
func (s *Store) Merge(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		did, err := s.mergeOne()
		if err != nil {
			return s.fail("merge", err)
		}
		if !did {
			return nil
		}
	}
}

func (s *Store) mergeOne() (bool, error) {
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	s.mu.RLock()
	var segs []*segment
	for _, p := range s.parts {
		if len(p) > 1 {
			segs = slices.Clone(p)
			break
		}
	}
	s.mu.RUnlock()
	if segs == nil {
		return false, nil
	}
	return true, s.merge(segs)
}
