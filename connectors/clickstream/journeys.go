package clickstream

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	bolt "go.etcd.io/bbolt"
)

// target is a part of what is asked for: the events of one identifier, for one person.
type target struct {
	node   uint64
	id     identifier
	person int          // index of the person asked about
	spans  []span       // nil: always
	before int64        // for an id of unknown space, Unix seconds: what came in later has one; 0: no bound
	known  []identifier // by what the person is known beside devices
}

// Journeys yields the events of all people in w: what they did under any identifier linked to them, devices included.
// Events of one identifier come in the order of time within a partition; an event that two of the people can claim by the
// identifiers they were asked with is told to both. What is known of their company is told with it.
func (s *Store) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return s.journeys(ctx, people, w, "")
}

func (s *Store) journeys(ctx context.Context, people []connectors.Person, w connectors.Window, source string) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		if err := s.tell(ctx, people, w, source, yield); err != nil {
			yield(connectors.Event{}, s.fail("read journeys", err))
		}
	}
}

func (s *Store) tell(ctx context.Context, people []connectors.Person, w connectors.Window, source string, yield func(connectors.Event, error) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rules := s.rules.Load()
	space := ""
	if source != "" {
		space = rules.Space(source)
	}
	var targets []target
	err := s.view(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		for i := range people {
			t, err := l.targets(people[i], i, space)
			if err != nil {
				return err
			}
			targets = append(targets, t...)
			if of := rules.Company(people[i].Domain); of != "" {
				targets = append(targets, l.target(identifier{Kind: identity.Company, Value: of}, i, nil))
			}
		}
		return nil
	})
	if err != nil || len(targets) == 0 {
		return err
	}
	slices.SortStableFunc(targets, func(a, b target) int { return cmp.Compare(a.node, b.node) })
	within := span{micros(w.From), micros(w.To)}
	held, err := s.hold(within)
	if err != nil {
		return err
	}
	defer release(held)
	for _, segs := range held {
		more, err := tellPartition(ctx, segs, targets, people, within, source, rules, yield)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// micros is t as the segments count it, rounded up (a window is half-open at that precision, too) and bounded.
func micros(t time.Time) int64 {
	switch y := t.Year(); {
	case y < -200_000:
		return math.MinInt64
	case y > 200_000:
		return math.MaxInt64
	}
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}

// hold takes the segments of a span, partition by partition in the order of time, so that they can be read until released.
func (s *Store) hold(w span) ([][]*segment, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, errClosed
	}
	var parts []int64
	for p := range s.parts {
		parts = append(parts, p)
	}
	slices.Sort(parts)
	var out [][]*segment
	for _, p := range parts {
		var segs []*segment
		for _, seg := range s.parts[p] {
			if seg.max >= w.from && seg.min < w.to {
				seg.refs.Add(1)
				segs = append(segs, seg)
			}
		}
		if len(segs) > 0 {
			out = append(out, segs)
		}
	}
	return out, nil
}

func release(held [][]*segment) {
	for _, segs := range held {
		for _, seg := range segs {
			seg.release()
		}
	}
}

func tellPartition(ctx context.Context, segs []*segment, targets []target, people []connectors.Person, w span, source string, rules *identity.Rules, yield func(connectors.Event, error) bool) (more bool, err error) {
	cursors := make([]*cursor, len(segs))
	for i, seg := range segs {
		cursors[i] = newCursor(seg, false)
		defer cursors[i].close()
	}
	streams := make([]events, len(segs))
	var found []*events
	for i := 0; i < len(targets); {
		same := targets[i:]
		n := 1
		for n < len(same) && same[n].node == same[0].node {
			n++
		}
		same = same[:n]
		i += n
		if err := ctx.Err(); err != nil {
			return false, err
		}
		found = found[:0]
		for j, seg := range segs {
			if !seg.mayHold(same[0].node) {
				continue
			}
			ok, err := cursors[j].seek(same[0].node)
			if err != nil {
				return false, err
			}
			if !ok {
				continue
			}
			if err := streams[j].start(cursors[j]); err != nil {
				return false, err
			}
			found = append(found, &streams[j])
		}
		if len(found) == 0 {
			continue
		}
		o := ordered{from: found}
		for {
			e, err := o.next()
			if err != nil {
				return false, err
			}
			if e == nil {
				break
			}
			at := e.Time.UnixMicro()
			if at >= w.to {
				break
			}
			if at < w.from || source != "" && e.Source != source {
				continue
			}
			told := -1
			for k := range same {
				t := &same[k]
				if t.person == told || !t.covers(rules, e, at) {
					continue
				}
				of, theirs := t.as(rules, *e)
				if !theirs {
					continue
				}
				told = t.person
				of.Person = people[t.person].Key
				if !yield(of, nil) {
					return false, nil
				}
			}
		}
	}
	return true, nil
}

// covers says whether e belongs to t. Identifiers that share a node by chance are told apart here.
func (t *target) covers(rules *identity.Rules, e *connectors.Event, at int64) bool {
	if !owner(rules, e).Matches(t.id) || t.before != 0 && e.Received.Unix() >= t.before {
		return false
	}
	if t.spans == nil {
		return true
	}
	return slices.ContainsFunc(t.spans, func(s span) bool { return at >= s.from && at < s.to })
}

// as is the event of a device as it is told to whom the device belongs: what it proposes is theirs only if it names them, and without what
// it names beside.
func (t *target) as(rules *identity.Rules, e connectors.Event) (_ connectors.Event, theirs bool) {
	if !e.Proposed {
		return e, true
	}
	named, fits := 0, 0
	fields := [...]*string{&e.UserID, &e.Email, &e.Phone}
	for i, id := range namedIn(rules, &e) {
		switch {
		case id.Kind == 0 || i >= len(fields):
		case slices.Contains(t.known, id):
			named, fits = named+1, fits+1
		default:
			named++
			*fields[i] = ""
		}
	}
	return e, named == 0 || fits > 0
}

// target is where the events of an identifier are.
func (l links) target(id identifier, person int, spans []span) target {
	t := target{node: nodeOf(id), id: asAddress(id), person: person, spans: spans}
	if id.Space == "" && id.Kind.Spaced() {
		t.before = l.spacedSince
	}
	return t
}

// targets are where the events of p are.
func (l links) targets(p connectors.Person, index int, space string) ([]target, error) {
	groups, err := l.groupsOf(p, space)
	if err != nil {
		return nil, err
	}
	var out []target
	add := func(id identifier, spans []span) {
		if node := nodeOf(id); !slices.ContainsFunc(out, func(t target) bool { return t.node == node && t.id == asAddress(id) }) {
			out = append(out, l.target(id, index, spans))
		}
	}
	recs, err := l.recordsOf(groups)
	if err != nil {
		return nil, err
	}
	asked, devices := l.askedFor(p, space)
	known := withMembers(asked, recs)
	for _, rec := range recs {
		for _, m := range rec.members {
			if m.Kind != identity.AnonymousID {
				add(m.identifier, nil)
			}
		}
		claimed := rec.anonymous()
		for _, m := range claimed[:min(len(claimed), identity.MaxOthers)] {
			devices = append(devices, m.identifier)
		}
	}
	for _, id := range devices {
		runs, err := l.runsOf(id)
		if err != nil {
			return nil, err
		}
		if runs == nil { // nobody says it is theirs: whoever asks for it by name gets it
			add(id, nil)
		} else if spans := spansOf(runs, groups); len(spans) > 0 {
			add(id, spans)
		}
	}
	for i := range out {
		out[i].known = known
	}
	return out, nil
}

// Link is an identifier of a person and why it is theirs.
type Link struct {
	Kind, Space, Value string
	// Event is the id of the event that said so, cut to 64 bytes, Time when it happened.
	Event string
	Time  time.Time
}

// Links are all identifiers linked to p, with the reason of each.
func (s *Store) Links(ctx context.Context, p connectors.Person) ([]Link, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []Link
	err := s.view(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		groups, err := l.groupsOf(p, "")
		if err != nil {
			return err
		}
		for _, g := range groups {
			_, rec, err := l.load(g)
			if err != nil {
				return err
			}
			if rec == nil {
				continue
			}
			for _, m := range rec.members {
				out = append(out, Link{Kind: m.Kind.String(), Space: m.Space, Value: m.Value, Event: m.by, Time: time.Unix(m.since, 0).UTC()})
			}
		}
		return nil
	})
	if err != nil {
		return nil, s.fail("read links", err)
	}
	return out, nil
}
