package clickstream

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
	bolt "go.etcd.io/bbolt"
)

// ingest takes in a batch and returns where the events that are kept went. Under intake.
func (s *Store) ingest(b Batch) ([]placed, error) {
	if err := s.catchUp(); err != nil {
		return nil, err
	}
	if len(b.Events) == 0 && b.Cursor == nil {
		return nil, nil
	}
	order, c := s.place(b)
	newest := s.newestEvent()
	before := newest
	for _, p := range order {
		newest = max(newest, p.at)
	}
	more := s.uncounted.take(b.Source)
	var active activity
	err := s.commit(nil, func(tx *bolt.Tx) ([]meta, error) {
		var linked counts
		var err error
		active, linked, err = s.linkAll(tx, b.Events, order, before)
		if err != nil {
			return nil, err
		}
		c.conflicts, c.anonymous, c.proposed = linked.conflicts, linked.anonymous, linked.proposed
		if err := s.countIntake(tx, b, order, c, more); err != nil {
			return nil, err
		}
		if err := active.append(tx, b.Source, s.o.Now().Unix()); err != nil {
			return nil, err
		}
		if err := putCursor(tx, b.Source, b.Cursor); err != nil {
			return nil, err
		}
		if err := tx.Bucket(bucketMeta).Put(keyNewest, binary.AppendVarint(nil, newest)); err != nil {
			return nil, err
		}
		return s.writeSegments(b.Events, order)
	})
	if err != nil {
		s.uncounted.add(b.Source, more)
		return nil, err
	}
	s.mu.Lock()
	s.newest = newest
	s.counts.add(c)
	s.mu.Unlock()
	s.nudge()
	if active.any() && s.o.Active != nil {
		s.o.Active(b.Source)
	}
	return order, nil
}

// place cleans the events and puts those to be kept into the order of the segments.
func (s *Store) place(b Batch) ([]placed, counts) {
	var c counts
	rules := s.rules.Load()
	now := s.o.Now().UTC()
	newest := s.newestEvent()
	order := make([]placed, 0, len(b.Events))
	for i := range b.Events {
		e := &b.Events[i]
		if !clean(rules, e) {
			c.unidentified++
			continue
		}
		if e.Consent == "denied" && !e.Withdraws() {
			c.denied++
			continue
		}
		if e.Source == "" {
			e.Source = b.Source
		}
		if e.Received.IsZero() {
			e.Received = now
		}
		if e.Time.IsZero() {
			e.Time = e.Received
		}
		if e.Time.Unix() < 0 {
			c.expired++ // no site is older than the epoch
			continue
		}
		if e.Time.After(now) { // a clock elsewhere is wrong, and ours decides which partition lives how long
			e.Time = now
			c.future++
		}
		if e.IP != "" {
			if s.o.Internal != nil && s.o.Internal(e.IP) {
				e.Properties = maps.Clone(e.Properties)
				if e.Properties == nil {
					e.Properties = map[string]string{}
				}
				e.Properties[connectors.PropInternal] = "true"
			}
			e.IP = ""
		}
		at := e.Time.UnixMicro()
		e.Time = fromMicro(at) // as it will be read, so that repeats compare equal
		node := nodeOf(owner(rules, e))
		if e.ID == "" {
			e.ID = contentID(e)
		} else if repeat, reused := s.ids.meets(e, node, at); repeat {
			c.repeated++
			continue
		} else if reused {
			c.reused++
		}
		newest = max(newest, at)
		order = append(order, placed{part: s.part(at), node: node, at: at, i: int32(i)})
	}
	if horizon, ok := s.horizon(newest, now.UnixMicro()); ok {
		n := len(order)
		order = slices.DeleteFunc(order, func(p placed) bool { return p.at < horizon })
		c.expired += uint64(n - len(order))
	}
	slices.SortFunc(order, func(x, y placed) int {
		if x.node != y.node && x.part == y.part {
			return cmp.Compare(x.node, y.node)
		}
		if c := cmp.Compare(x.part, y.part); c != 0 {
			return c
		}
		if c := cmp.Compare(x.at, y.at); c != 0 {
			return c
		}
		return compareEvents(&b.Events[x.i], &b.Events[y.i])
	})
	n := len(order)
	order = slices.CompactFunc(order, func(x, y placed) bool {
		return x.node == y.node && x.at == y.at && sameEvent(&b.Events[x.i], &b.Events[y.i])
	})
	c.repeated += uint64(n - len(order))
	c.accepted = uint64(len(order))
	return order, c
}

// contentID is the id of an event that has none: equal for equal events.
func contentID(e *connectors.Event) string {
	plain := *e
	plain.Received = plain.Time
	return "h" + strconv.FormatUint(xxhash.Sum64(appendEvent(nil, &connectors.Event{}, &plain, true)), 36)
}

func (s *Store) writeSegments(events []connectors.Event, order []placed) (metas []meta, err error) {
	defer func() {
		if err != nil {
			s.discard(metas)
			metas = nil
		}
	}()
	for len(order) > 0 {
		part := order[0].part
		w, err := createSegment(s.dir, s.newSegment(), part, !s.o.NoSync)
		if err != nil {
			return metas, err
		}
		for len(order) > 0 && order[0].part == part {
			if err := w.add(order[0].node, &events[order[0].i]); err != nil {
				w.abandon()
				return metas, err
			}
			order = order[1:]
		}
		m, err := w.finish()
		if err != nil {
			return metas, err
		}
		metas = append(metas, m)
	}
	return metas, nil
}

// linkAll brings the links up to date, event by event in the order of time, and returns the groups that did something, and how many
// conflicts and events of nobody there were. before is the newest event of earlier batches.
func (s *Store) linkAll(tx *bolt.Tx, events []connectors.Event, order []placed, before int64) (active activity, c counts, err error) {
	if len(order) > 0 {
		if err := s.setHome(tx, events[order[0].i].Source); err != nil {
			return active, c, err
		}
	}
	l := s.linksOf(tx)
	l.groups.FillPercent = fullPages
	byTime := slices.Clone(order)
	slices.SortFunc(byTime, func(x, y placed) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.i, y.i)) })
	seen := map[uint64]bool{} // whether they are not made to wait
	for _, p := range byTime {
		e := &events[p.i]
		if e.OfNobody() {
			continue // it is of a company, and links nobody
		}
		g, kept, err := s.known.lookUp(l, e)
		if err != nil {
			return active, c, err
		}
		atOnce := s.kinds.read(e.Kind).asks
		if !kept {
			res, err := l.link(e, p.at < before)
			if err != nil {
				return active, c, err
			}
			c.conflicts += uint64(res.conflicts)
			for _, id := range res.moved {
				if err := s.known.learnOne(l, id); err != nil {
					return active, c, err
				}
			}
			if err := s.known.learn(l, e); err != nil {
				return active, c, err
			}
			g, atOnce = res.group, atOnce || res.linked
		}
		if g != nobody {
			seen[g] = seen[g] || atOnce
		} else {
			c.anonymous++
			if e.Withdraws() {
				if err := l.noteWithdrawal(e); err != nil {
					return active, c, err
				}
			}
		}
		if e.Proposed {
			groups, added, err := s.propose(l, e, g)
			if err != nil {
				return active, c, err
			}
			for _, g := range groups { // who may have been on a device: it takes the CRM's word to tell
				seen[g] = true
			}
			c.proposed += added
		}
	}
	for _, g := range slices.Sorted(maps.Keys(seen)) {
		if seen[g] {
			active.atOnce = append(active.atOnce, g)
		} else {
			active.calm = append(active.calm, g)
		}
	}
	return active, c, nil
}

// fullPages is how full bbolt leaves the pages of groups, whose keys only grow: with its default every page stays half empty. A tenth is
// left for what groups get later.
const fullPages = 0.9

// Ingest takes in a batch in one commit: its events, the links they reveal, the people they make active, and the cursor,
// or nothing. It is durable when Ingest returns. Batches of one source that are given at the same time share a commit. accepted counts
// the events kept; left out are those without an identifier, with consent denied, older than the retention (or than 1970), and repeats.
// Repeats of earlier batches (same owner, time and id) are kept once: the latest ones are recognised here, others disappear when read
// and when segments are merged.
func (s *Store) Ingest(b Batch) (accepted int, err error) {
	w := &waiting{Batch: b}
	s.batches.add(w)
	s.intake.Lock()
	defer s.intake.Unlock()
	for !w.done { // else somebody before took it along
		s.ingestTogether(s.batches.next())
	}
	return w.accepted, w.err
}

// ingestTogether takes in batches of one source as one. Under intake.
func (s *Store) ingestTogether(together []*waiting) {
	b := together[0].Batch
	if len(together) > 1 {
		var events []connectors.Event
		for _, w := range together {
			events = append(events, w.Events...)
			if w.Cursor != nil {
				b.Cursor = w.Cursor
			}
		}
		b.Events = events
	}
	kept, err := s.ingest(b)
	if err != nil {
		s.known, s.ids, s.proposed = recent{}, recentIDs{}, proposedLately{} // they may have learnt from what was rolled back
		err = s.fail(fmt.Sprintf("take in %d events", len(b.Events)), err)
	}
	of := make([]int, 0, len(b.Events)) // which of the batches each event is of
	for i, w := range together {
		w.err, w.done = err, true
		if len(together) > 1 {
			for range w.Events {
				of = append(of, i)
			}
		}
	}
	if len(together) == 1 {
		together[0].accepted = len(kept)
		return
	}
	for _, p := range kept {
		together[of[p.i]].accepted++
	}
}
