package clickstream

import (
	"context"
	"encoding/binary"
	"math/bits"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
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

// nudge lets the background look whether there is something to do.
func (s *Store) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
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

// horizon is the moment before which events are not kept. It follows the events, never a clock alone that may have
// jumped: nothing is dropped before something newer by the retention has come in.
func (s *Store) horizon(newest, now int64) (int64, bool) {
	if s.o.Retention <= 0 {
		return 0, false
	}
	return min(newest, now) - s.o.Retention.Microseconds(), true
}

// dropBefore removes the partitions that ended by the moment given, and the people and feed entries that stand for nothing
// any more. Under upkeep.
func (s *Store) dropBefore(horizon int64) (int, error) {
	s.mu.RLock()
	var gone []*segment
	parts := 0
	for p, segs := range s.parts {
		if (p+1)*s.width <= horizon {
			gone = append(gone, segs...)
			parts++
		}
	}
	s.mu.RUnlock()
	if parts == 0 {
		return 0, nil
	}
	err := s.commit(gone, func(tx *bolt.Tx) ([]meta, error) { return nil, dropFeed(tx, horizon/1e6) })
	return parts, err
}

// dropFeed removes the entries that were taken in before a moment in Unix seconds: their events are older still.
func dropFeed(tx *bolt.Tx, before int64) error {
	b := tx.Bucket(bucketFeed)
	var old [][]byte // a cursor must not delete under itself
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		f, err := decodeFeed(v)
		if err != nil {
			return err
		}
		if f.taken >= before {
			break
		}
		old = append(old, k)
	}
	for _, k := range old {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// Prune does what retention asks for at now, even if nothing new came in: call it daily with a clock that is known to be
// right. Then it removes the people of whom no event is left. It returns how many partitions and people went.
func (s *Store) Prune(ctx context.Context, now time.Time) (partitions, people int, err error) {
	if s.o.Retention > 0 {
		s.upkeep.Lock()
		partitions, err = s.dropBefore(now.UnixMicro() - s.o.Retention.Microseconds())
		s.upkeep.Unlock()
		if err != nil {
			return partitions, 0, s.fail("drop old partitions", err)
		}
	}
	people, err = s.sweep(ctx)
	if err != nil {
		return partitions, people, s.fail("remove people without events", err)
	}
	return partitions, people, nil
}

// sweepSize is how many people or devices one step of a sweep looks at.
const sweepSize = 2000

// sweep removes groups none of whose identifiers is in any segment (by the filters: one in a hundred stays until a later
// sweep), what absorbed groups left behind, and devices without events.
func (s *Store) sweep(ctx context.Context) (people int, err error) {
	for next := groupKey(1); next != nil; {
		n := 0
		err := s.sweepStep(ctx, func(inUse func(identifier) bool) (err error) {
			n, next, err = s.sweepGroups(next, inUse)
			return err
		})
		people += n
		if err != nil {
			return people, err
		}
	}
	for next := []byte{byte(kindAnonymousID)}; next != nil; {
		err := s.sweepStep(ctx, func(inUse func(identifier) bool) (err error) {
			next, err = s.sweepDevices(next, inUse)
			return err
		})
		if err != nil {
			return people, err
		}
	}
	return people, nil
}

// sweepStep runs one step while intake waits: nobody may come back while they are taken out.
func (s *Store) sweepStep(ctx context.Context, step func(inUse func(identifier) bool) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.intake.Lock()
	defer s.intake.Unlock()
	held, err := s.hold(always)
	if err != nil {
		return err
	}
	defer release(held)
	s.known = recent{}
	return step(func(id identifier) bool {
		node := id.node()
		return slices.ContainsFunc(held, func(segs []*segment) bool {
			return slices.ContainsFunc(segs, func(seg *segment) bool { return seg.mayHold(node) })
		})
	})
}

func (s *Store) sweepDevices(from []byte, inUse func(identifier) bool) (next []byte, err error) {
	var gone [][]byte
	err = s.view(func(tx *bolt.Tx) error {
		c := linksOf(tx).nodes.Cursor()
		n := 0
		for k, _ := c.Seek(from); k != nil && k[0] == byte(kindAnonymousID); k, _ = c.Next() {
			if n++; n > sweepSize {
				next = slices.Clone(k)
				return nil
			}
			if !inUse(identifier{kindAnonymousID, string(k[1:])}) {
				gone = append(gone, slices.Clone(k))
			}
		}
		return nil
	})
	if err != nil || len(gone) == 0 {
		return next, err
	}
	return next, s.update(func(tx *bolt.Tx) error {
		l := linksOf(tx)
		for _, k := range gone {
			if err := l.nodes.Delete(k); err != nil {
				return err
			}
		}
		return l.meta.Put(keyForgotten, []byte{1})
	})
}

func (s *Store) sweepGroups(from []byte, inUse func(identifier) bool) (removed int, next []byte, err error) {
	var gone []uint64
	err = s.view(func(tx *bolt.Tx) error {
		l := linksOf(tx)
		c := l.groups.Cursor()
		n := 0
		for k, _ := c.Seek(from); k != nil; k, _ = c.Next() {
			g := binary.BigEndian.Uint64(k)
			if n++; n > sweepSize {
				next = slices.Clone(k)
				return nil
			}
			_, rec, err := l.load(g)
			if err != nil {
				return err
			}
			if rec == nil || !slices.ContainsFunc(rec.members, func(m member) bool { return inUse(m.identifier) }) {
				gone = append(gone, g)
			}
		}
		return nil
	})
	if err != nil || len(gone) == 0 {
		return 0, next, err
	}
	err = s.update(func(tx *bolt.Tx) error {
		l := linksOf(tx)
		removed = 0
		for _, g := range gone {
			did, err := l.remove(g)
			if err != nil {
				return err
			}
			if did {
				removed++
			}
		}
		return tx.Bucket(bucketMeta).Put(keyForgotten, []byte{1})
	})
	return removed, next, err
}

// remove deletes a group with everything that leads to it. It says whether it was one, not the trace of an absorbed one.
func (l links) remove(g uint64) (bool, error) {
	now, rec, err := l.load(g)
	if err != nil {
		return false, err
	}
	if rec == nil || now != g {
		if rec == nil {
			return false, l.groups.Delete(groupKey(g))
		}
		return false, nil
	}
	for _, m := range rec.members {
		if m.kind == kindAnonymousID {
			err = l.reassign(m.identifier, g, nobody)
		} else {
			err = l.nodes.Delete(m.key())
		}
		if err != nil {
			return false, err
		}
	}
	if err := l.countGone(); err != nil {
		return false, err
	}
	return true, l.groups.Delete(groupKey(g))
}

// Forget erases p: every event and link of the identifiers given and of all that are linked to them, in all partitions,
// whose files are written anew. On a device that several people used, only p's part goes. What is left of the links in
// free pages of the main file goes with the next Compact (Stats.Leftovers tells). Forget can be repeated.
func (s *Store) Forget(ctx context.Context, p connectors.Person) (int, error) {
	s.intake.Lock()
	defer s.intake.Unlock()
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	n, err := s.forget(ctx, p)
	if err != nil {
		return n, s.fail("forget a person", err)
	}
	return n, nil
}

func (s *Store) forget(ctx context.Context, p connectors.Person) (erased int, err error) {
	var groups []uint64
	var targets []target
	err = s.view(func(tx *bolt.Tx) error {
		l := linksOf(tx)
		if groups, err = l.groupsOf(p); err != nil {
			return err
		}
		targets, err = l.everything(p, groups)
		return err
	})
	if err != nil || len(targets) == 0 {
		return 0, err
	}
	affected := func(node uint64) bool {
		return slices.ContainsFunc(targets, func(t target) bool { return t.node == node })
	}
	drop := func(e *connectors.Event) bool {
		at := e.Time.UnixMicro()
		return slices.ContainsFunc(targets, func(t target) bool { return t.covers(e, at) })
	}
	held, err := s.hold(always)
	if err != nil {
		return 0, err
	}
	defer release(held)
	var added []meta
	var removed []*segment
	abort := func(err error) (int, error) {
		s.discard(added)
		return 0, err
	}
	for _, seg := range slices.Concat(held...) {
		if !slices.ContainsFunc(targets, func(t target) bool { return seg.mayHold(t.node) }) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return abort(err)
		}
		m, n, err := rewrite(s.dir, s.newSegment(), seg.part, !s.o.NoSync, []*segment{seg}, affected, drop)
		if err != nil {
			return abort(err)
		}
		if n == 0 {
			if m.events > 0 {
				s.discard([]meta{m})
			}
			continue
		}
		erased += n
		removed = append(removed, seg)
		if m.events > 0 {
			added = append(added, m)
		}
	}
	s.known = recent{}
	err = s.commit(removed, func(tx *bolt.Tx) ([]meta, error) {
		l := linksOf(tx)
		for _, g := range groups {
			if _, err := l.remove(g); err != nil {
				return added, err
			}
		}
		if len(groups) == 0 {
			return added, nil
		}
		return added, tx.Bucket(bucketMeta).Put(keyForgotten, []byte{1})
	})
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	s.counts.erased += uint64(erased)
	s.mu.Unlock()
	return erased, nil
}

// everything is what targets are, without the bound on devices.
func (l links) everything(p connectors.Person, groups []uint64) ([]target, error) {
	out, err := l.targets(p, 0)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		_, rec, err := l.load(g)
		if err != nil {
			return nil, err
		}
		if rec == nil {
			continue
		}
		for _, m := range rec.members {
			if m.kind != kindAnonymousID || slices.ContainsFunc(out, func(t target) bool { return t.id == m.identifier }) {
				continue
			}
			runs, err := l.runsOf(m.identifier)
			if err != nil {
				return nil, err
			}
			if spans := spansOf(runs, groups); len(spans) > 0 {
				out = append(out, target{node: m.node(), id: m.identifier, spans: spans})
			}
		}
	}
	return out, nil
}
