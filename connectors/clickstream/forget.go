package clickstream

import (
	"context"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	bolt "go.etcd.io/bbolt"
)

// Forget erases p: every event and link of the identifiers given and of all that are linked to them, in all partitions,
// whose files are written anew. With them go the proposals that name p, and the events of visitors who said to be p and nobody else. On a device that several people used, only p's part goes. What is left of the links in
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
	var proposed []proposedPair
	err = s.view(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		if groups, err = l.groupsOf(p, ""); err != nil {
			return err
		}
		if targets, err = l.everything(p, groups); err != nil {
			return err
		}
		proposed, err = l.proposedBy(p, groups, &targets)
		return err
	})
	if err != nil || len(targets)+len(proposed) == 0 {
		return 0, err
	}
	return s.erase(ctx, targets, func(*connectors.Event) bool { return false }, func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		for _, g := range groups {
			if _, err := l.remove(g); err != nil {
				return err
			}
		}
		for _, pair := range proposed {
			if err := l.dropProposal(pair.id, pair.device); err != nil {
				return err
			}
		}
		if len(groups)+len(proposed) == 0 {
			return nil
		}
		return tx.Bucket(bucketMeta).Put(keyForgotten, []byte{1})
	})
}

// erase writes the segments that hold events of the targets anew, without them but those that are spared, together with what else is to
// be written. Under intake and upkeep.
func (s *Store) erase(ctx context.Context, targets []target, spared func(*connectors.Event) bool, beside func(tx *bolt.Tx) error) (erased int, err error) {
	affected := func(node uint64) bool {
		return slices.ContainsFunc(targets, func(t target) bool { return t.node == node })
	}
	rules := s.rules.Load()
	drop := func(e *connectors.Event) bool {
		at := e.Time.UnixMicro()
		return slices.ContainsFunc(targets, func(t target) bool { return t.covers(rules, e, at) }) && !spared(e)
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
	s.known, s.ids, s.proposed = recent{}, recentIDs{}, proposedLately{}
	if err := s.commit(removed, func(tx *bolt.Tx) ([]meta, error) { return added, beside(tx) }); err != nil {
		return 0, err
	}
	s.mu.Lock()
	s.counts.erased += uint64(erased)
	s.mu.Unlock()
	return erased, nil
}

// proposedBy are the proposals that name p, and those of p's devices. Visitors of whom nothing else is known are added to the targets.
func (l links) proposedBy(p connectors.Person, groups []uint64, targets *[]target) (pairs []proposedPair, err error) {
	ids, err := l.stableOf(p, "", groups)
	if err != nil {
		return nil, err
	}
	var visitors []identifier
	for _, id := range ids {
		err := l.eachProposal(id, func(device identifier, _ proposal) error {
			pairs, visitors = append(pairs, proposedPair{id, device}), append(visitors, device)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, t := range *targets {
		if t.id.Kind == identity.AnonymousID {
			for _, id := range l.namedBy(t.id) {
				pairs = append(pairs, proposedPair{id, t.id})
			}
		}
	}
	for _, device := range visitors {
		known := slices.ContainsFunc(*targets, func(t target) bool { return t.id == device }) || l.nodes.Get(l.key(device)) != nil
		others := slices.ContainsFunc(l.namedBy(device), func(id identifier) bool { return !slices.Contains(ids, id) })
		if !known && !others {
			*targets = append(*targets, l.target(device, 0, nil))
		}
	}
	return pairs, nil
}

// everything is what targets are, without the bound on devices.
func (l links) everything(p connectors.Person, groups []uint64) ([]target, error) {
	out, err := l.targets(p, 0, "")
	if err != nil {
		return nil, err
	}
	recs, err := l.recordsOf(groups)
	if err != nil {
		return nil, err
	}
	for _, rec := range recs {
		for _, m := range rec.members {
			if m.Kind != identity.AnonymousID || slices.ContainsFunc(out, func(t target) bool { return t.id == m.identifier }) {
				continue
			}
			runs, err := l.runsOf(m.identifier)
			if err != nil {
				return nil, err
			}
			if spans := spansOf(runs, groups); len(spans) > 0 {
				out = append(out, l.target(m.identifier, 0, spans))
			}
		}
	}
	return out, nil
}
