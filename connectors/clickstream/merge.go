package clickstream

import (
	"cmp"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// ordered walks the events of one node over several segments in the order of (time, id). The same event in two of them
// comes once: that is how what was taken in twice is told once.
type ordered struct {
	from []*events
	last connectors.Event
	any  bool
}

func (o *ordered) next() (*connectors.Event, error) {
	for {
		var first *events
		for _, v := range o.from {
			if !v.done && (first == nil || compareEvents(&v.e, &first.e) < 0) {
				first = v
			}
		}
		if first == nil {
			return nil, nil
		}
		e := first.e
		if err := first.next(); err != nil {
			return nil, err
		}
		if o.any && sameEvent(&e, &o.last) {
			continue
		}
		o.last, o.any = e, true
		return &o.last, nil
	}
}

func compareEvents(a, b *connectors.Event) int {
	if c := a.Time.Compare(b.Time); c != 0 {
		return c
	}
	if c := strings.Compare(a.ID, b.ID); c != 0 {
		return c
	}
	// Two identifiers may share a node by chance.
	return cmp.Or(strings.Compare(a.UserID, b.UserID), strings.Compare(a.Email, b.Email),
		strings.Compare(a.Phone, b.Phone), strings.Compare(a.AnonymousID, b.AnonymousID), strings.Compare(a.Source, b.Source))
}

// sameEvent says whether a and b are one event: same time, id and owner. The source that takes an event in twice gives it
// the same id. Under a user or anonymous id events of two sources are two, whatever their spaces.
func sameEvent(a, b *connectors.Event) bool {
	return a.Time.Equal(b.Time) && a.ID == b.ID && owner(nil, a) == owner(nil, b)
}

// rewrite merges the segments of one partition into a new one, which is durable but for its directory entry when rewrite
// returns. Events for which drop says so are left out; it is asked for the nodes in affected only, which saves the others
// from being decoded. The count of what was dropped comes back beside the new segment; an empty result has no events.
func rewrite(dir string, seq uint64, part int64, sync bool, inputs []*segment, affected func(node uint64) bool, drop func(*connectors.Event) bool) (meta, int, error) {
	w, err := createSegment(dir, seq, part, sync)
	if err != nil {
		return meta{}, 0, err
	}
	dropped, err := copyAll(w, inputs, affected, drop)
	if err != nil {
		w.abandon()
		return meta{}, 0, err
	}
	if w.events == 0 {
		w.abandon()
		return meta{}, dropped, nil
	}
	m, err := w.finish()
	return m, dropped, err
}

func copyAll(w *segmentWriter, inputs []*segment, affected func(node uint64) bool, drop func(*connectors.Event) bool) (dropped int, err error) {
	live := make([]*cursor, 0, len(inputs))
	defer func() {
		for _, c := range live {
			c.close()
		}
	}()
	for _, s := range inputs {
		c := newCursor(s, true)
		ok, err := c.next()
		if err != nil || !ok {
			c.close()
			if err != nil {
				return 0, err
			}
			continue
		}
		live = append(live, c)
		w.min, w.max = min(w.min, s.min), max(w.max, s.max)
	}
	var at []*cursor // those that stand on the smallest node
	var streams []*events
	for len(live) > 0 {
		at = append(at[:0], live[0])
		for _, c := range live[1:] {
			switch n := c.node(); {
			case n < at[0].node():
				at = append(at[:0], c)
			case n == at[0].node():
				at = append(at, c)
			}
		}
		node := at[0].node()
		hit := affected != nil && affected(node)
		if len(at) == 1 && !hit {
			for c := at[0]; ; {
				run, n, err := c.bytesOfRun()
				if err != nil {
					return dropped, err
				}
				if err := w.copyRun(node, run, n); err != nil {
					return dropped, err
				}
				ok, err := c.next()
				if err != nil {
					return dropped, err
				}
				if !ok {
					live = without(live, c)
				}
				if !ok || c.node() != node {
					break
				}
			}
			continue
		}
		streams = streams[:0]
		for _, c := range at {
			v := new(events)
			if err := v.start(c); err != nil {
				return dropped, err
			}
			streams = append(streams, v)
		}
		o := ordered{from: streams}
		for {
			e, err := o.next()
			if err != nil {
				return dropped, err
			}
			if e == nil {
				break
			}
			if hit && drop(e) {
				dropped++
				continue
			}
			if err := w.add(node, e); err != nil {
				return dropped, err
			}
		}
		for _, v := range streams {
			if v.ended {
				live = without(live, v.c)
			}
		}
	}
	return dropped, nil
}

func without(live []*cursor, c *cursor) []*cursor {
	for i, l := range live {
		if l == c {
			c.close()
			return append(live[:i], live[i+1:]...)
		}
	}
	return live
}
