package clickstream

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/intentd/intentd/connectors/identity"
	bolt "go.etcd.io/bbolt"
)

// horizon is the moment before which events are not kept. It follows the newest event where the clock is ahead of it, since a clock may have
// jumped: nothing is dropped until an event has come in that is newer by the retention.
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
	for next := []byte{byte(identity.AnonymousID)}; next != nil; {
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
		node := nodeOf(id)
		return slices.ContainsFunc(held, func(segs []*segment) bool {
			return slices.ContainsFunc(segs, func(seg *segment) bool { return seg.mayHold(node) })
		})
	})
}

func (s *Store) sweepDevices(from []byte, inUse func(identifier) bool) (next []byte, err error) {
	var gone [][]byte
	err = s.view(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		c := l.nodes.Cursor()
		n := 0
		for k, _ := c.Seek(from); k != nil && k[0] == byte(identity.AnonymousID); k, _ = c.Next() {
			if n++; n > sweepSize {
				next = slices.Clone(k)
				return nil
			}
			if !inUse(l.parse(k[0], string(k[1:]))) {
				gone = append(gone, slices.Clone(k))
			}
		}
		return nil
	})
	if err != nil || len(gone) == 0 {
		return next, err
	}
	return next, s.update(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
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
		l := s.linksOf(tx)
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
		l := s.linksOf(tx)
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
		if m.Kind == identity.AnonymousID {
			err = l.reassign(m.identifier, g, nobody)
		} else {
			err = l.nodes.Delete(l.key(m.identifier))
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
