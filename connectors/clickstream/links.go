package clickstream

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	bolt "go.etcd.io/bbolt"
)

// Beside the guards of package identity: of anonymous ids the five claimed last are read; the older ones are remembered so that they
// can be erased.
const (
	maxRemembered  = 64
	longestEventID = 64 // of an id kept as the reason of a link
)

// nobody is the owner of a span of a device's time that cannot be told apart.
const nobody = 0

// group is the people table's record: one person as far as this store can tell.
type group struct {
	members []member
}

// member is an identifier of a group and why it is in it.
type member struct {
	identifier
	since int64  // Unix seconds of the event that linked it
	by    string // id of that event
	why   string // by what a proposal was confirmed, of the device that made it; "": it was none
}

// behindID stands between the id of an event and the reason in what is kept of a member.
const behindID = "\x00"

// reasonID is the id of an event as it is kept as the reason of a link.
func reasonID(id string) string {
	id, _, _ = strings.Cut(id[:min(len(id), longestEventID)], behindID)
	return id
}

// kept is why a member is one, as it is stored.
func (m *member) kept() string {
	if m.why == "" {
		return m.by
	}
	return m.by + behindID + m.why
}

// ids are the members, for the guards.
func (g *group) ids() []identifier {
	ids := make([]identifier, len(g.members))
	for i, m := range g.members {
		ids[i] = m.identifier
	}
	return ids
}

func (g *group) has(id identifier) bool {
	return slices.ContainsFunc(g.members, func(m member) bool { return m.identifier == id })
}

// anonymous are the anonymous ids of g, the one claimed last first.
func (g *group) anonymous() []member {
	var a []member
	for _, m := range g.members {
		if m.Kind == identity.AnonymousID {
			a = append(a, m)
		}
	}
	slices.SortStableFunc(a, func(x, y member) int { return int(min(max(y.since-x.since, -1), 1)) })
	return a
}

// encode writes a group as 'g' and its members. One that was absorbed is 'a' and the group that did it.
func (l links) encode(g *group) []byte {
	b := []byte{'g'}
	for _, m := range g.members {
		b = append(b, l.key(m.identifier)[0])
		b = appendText(b, string(l.key(m.identifier)[1:]))
		b = binary.AppendVarint(b, m.since)
		b = appendText(b, m.kept())
	}
	return b
}

// run is a span of a device's time: from start (milliseconds) until the next run it is owner's. The first run reaches back
// to the beginning: the first who says who they are gets the anonymous past.
type run struct {
	start int64
	owner uint64
}

func encodeRuns(runs []run) []byte {
	var b []byte
	for _, r := range runs {
		b = binary.AppendVarint(b, r.start)
		b = binary.AppendUvarint(b, r.owner)
	}
	return b
}

func decodeRuns(b []byte) ([]run, error) {
	r := reader{s: string(b)}
	var runs []run
	for r.s != "" {
		runs = append(runs, run{r.varint(), r.uvarint()})
	}
	return runs, r.err()
}

// blockedDevice is a device that too many people used.
func blockedDevice(runs []run) bool { return len(runs) == 1 && runs[0].owner == nobody }

// claim notes that group g was seen on the device at time t. late says that somebody whom the runs do not show may have used the device
// since: then what follows is nobody's.
func claim(runs []run, g uint64, t int64, late bool) (_ []run, changed bool) {
	if blockedDevice(runs) {
		return runs, false
	}
	i := -1
	for i+1 < len(runs) && runs[i+1].start <= t {
		i++
	}
	switch {
	case i < 0 && len(runs) > 0 && runs[0].owner == g:
		runs[0].start = t
		return runs, true
	case i < 0:
		runs = slices.Insert(runs, 0, run{t, g})
	case runs[i].owner == g:
		return runs, false
	case late && runs[i].owner == nobody:
		return runs, false
	case late:
		runs = slices.Insert(runs, i+1, run{t, nobody})
	default:
		runs = slices.Insert(runs, i+1, run{t, g})
	}
	runs = slices.CompactFunc(runs, func(a, b run) bool { return a.owner == b.owner })
	claimants := map[uint64]bool{}
	for _, r := range runs {
		if r.owner != nobody {
			claimants[r.owner] = true
		}
	}
	if identity.Kiosk(len(claimants), len(runs)) {
		return []run{{math.MinInt64, nobody}}, true
	}
	return runs, true
}

// span is half-open, in microseconds of event time.
type span struct{ from, to int64 }

var always = span{math.MinInt64, math.MaxInt64}

// spansOf are the parts of a device's time that belong to one of the groups. The half hour before a change of hands is
// nobody's: whoever says who they are then was likely there a little before.
func spansOf(runs []run, groups []uint64) []span {
	var out []span
	for i, r := range runs {
		if !slices.Contains(groups, r.owner) {
			continue
		}
		s := always
		if i > 0 {
			s.from = r.start * 1000
		}
		if i+1 < len(runs) {
			s.to = runs[i+1].start * 1000
			if !slices.Contains(groups, runs[i+1].owner) {
				s.to -= identity.SwitchMargin.Microseconds()
			}
		}
		if s.from < s.to {
			out = append(out, s)
		}
	}
	return out
}

func ownerAt(runs []run, t int64) uint64 {
	for i, r := range runs {
		if i+1 == len(runs) || t < runs[i+1].start {
			return r.owner
		}
	}
	return nobody
}

// links is the identity part of the main file within one transaction.
type links struct {
	nodes, groups, proposals, withdrawn, meta *bolt.Bucket
	rules                                     *identity.Rules
	home                                      string // the space whose ids are kept without it
	spacedSince                               int64  // Unix seconds since which every other id is kept with its space
}

var (
	bucketNodes  = []byte("identifiers")
	bucketGroups = []byte("people")
)

func (s *Store) linksOf(tx *bolt.Tx) links {
	l := links{nodes: tx.Bucket(bucketNodes), groups: tx.Bucket(bucketGroups), proposals: tx.Bucket(bucketProposals), withdrawn: tx.Bucket(bucketWithdrawn), meta: tx.Bucket(bucketMeta), rules: s.rules.Load()}
	if home := l.meta.Get(keyHome); len(home) > 0 {
		l.home = l.rules.Space(string(home))
	}
	l.spacedSince, _ = binary.Varint(l.meta.Get(keySpaced))
	return l
}

// key is the identifier's key in the main file: its kind, its value and, but at home, its space.
func (l links) key(id identifier) []byte {
	if id.Space == l.home {
		id.Space = ""
	}
	return append([]byte{byte(id.Kind)}, id.Stored()...)
}

// parse reads what key wrote.
func (l links) parse(kind byte, stored string) identifier {
	id := identity.ParseStored(identity.Kind(kind), stored)
	if id.Space == "" && id.Kind.Spaced() {
		id.Space = l.home
	}
	return id
}

// groupOf is the group of a stable identifier, 0 if it was never seen.
func (l links) groupOf(id identifier) uint64 {
	b := l.nodes.Get(l.key(id))
	if b == nil {
		return 0
	}
	g, _ := binary.Uvarint(b)
	return g
}

func (l links) runsOf(id identifier) ([]run, error) {
	b := l.nodes.Get(l.key(id))
	if b == nil {
		return nil, nil
	}
	return decodeRuns(b)
}

func groupKey(g uint64) []byte { return binary.BigEndian.AppendUint64(nil, g) }

// longestChain bounds how often a group's number may have changed by being absorbed.
const longestChain = 256

// load is the group by its number, which changes on the way if it was absorbed; nil if there is none (any more).
func (l links) load(g uint64) (uint64, *group, error) {
	for range longestChain {
		b := l.groups.Get(groupKey(g))
		if b == nil {
			return g, nil, nil
		}
		r := reader{s: string(b)}
		if r.byte() == 'a' {
			g = r.uvarint()
			continue
		}
		out := &group{}
		for r.s != "" && !r.bad {
			m := member{identifier: l.parse(r.byte(), r.text()), since: r.varint()}
			m.by, m.why, _ = strings.Cut(r.text(), behindID)
			out.members = append(out.members, m)
		}
		if r.bad {
			return g, nil, fmt.Errorf("%w: record of person %d", errDamaged, g)
		}
		return g, out, nil
	}
	return g, nil, fmt.Errorf("%w: person %d is absorbed in a circle", errDamaged, g)
}

func (l links) save(g uint64, rec *group) error { return l.groups.Put(groupKey(g), l.encode(rec)) }

func (l links) create(first member) (uint64, *group, error) {
	g, err := l.groups.NextSequence()
	if err != nil {
		return 0, nil, err
	}
	rec := &group{members: []member{first}}
	return g, rec, l.join(g, first.identifier)
}

func (l links) join(g uint64, id identifier) error {
	return l.nodes.Put(l.key(id), binary.AppendUvarint(nil, g))
}

// linkResult is what link did.
type linkResult struct {
	group     uint64
	conflicts int          // identifiers that the guards kept apart
	linked    bool         // more is known of who somebody is than before
	moved     []identifier // of groups that were absorbed: what is remembered of them is void
}

// drop takes an identifier out of an event that cannot be its owner's.
func drop(e *connectors.Event, k identity.Kind) {
	switch k {
	case identity.Email:
		e.Email = ""
	case identity.Phone:
		e.Phone = ""
	}
}

// link joins the stable identifiers of e into one group, and hands e's device to it. Identifiers go in the order of their
// priority; one that the guards do not let in stays another person's and is taken out of e, so that nothing of the one is
// stored, or erased, with the other. e is clean and has a stable identifier.
func (l links) link(e *connectors.Event, late bool) (linkResult, error) {
	var res linkResult
	var rec *group
	dirty := false
	as := member{since: e.Time.Unix(), by: reasonID(e.ID)}
	ids := idsOf(l.rules, e)
	for _, id := range ids[:3] {
		if id.Kind == 0 {
			continue
		}
		as.identifier = id
		g := l.groupOf(id)
		var err error
		switch {
		case rec == nil && g == 0:
			if res.group, rec, err = l.create(as); err != nil {
				return res, err
			}
			dirty = true
		case rec == nil:
			if res.group, rec, err = l.load(g); err != nil {
				return res, err
			}
			if rec == nil {
				return res, fmt.Errorf("%w: no person %d", errDamaged, g)
			}
		case g == res.group:
		case g == 0 && !identity.Fits(rec.ids(), id):
			res.conflicts++
			drop(e, id.Kind)
		case g == 0:
			rec.members = append(rec.members, as)
			if err := l.join(res.group, id); err != nil {
				return res, err
			}
			dirty = true
		default:
			g, other, err := l.load(g)
			if err != nil {
				return res, err
			}
			if other == nil || !identity.MayMerge(rec.ids(), other.ids(), id.Kind) {
				res.conflicts++
				drop(e, id.Kind)
				continue
			}
			if err := l.absorb(res.group, rec, g, other); err != nil {
				return res, err
			}
			dirty = true
			for _, m := range other.members {
				res.moved = append(res.moved, m.identifier)
			}
		}
	}
	if device := ids[3]; device.Kind != 0 {
		runs, err := l.runsOf(device)
		if err != nil {
			return res, err
		}
		runs, changed := claim(runs, res.group, e.Time.UnixMilli(), late)
		if changed {
			if err := l.nodes.Put(l.key(device), encodeRuns(runs)); err != nil {
				return res, err
			}
			if blockedDevice(runs) || ownerAt(runs, e.Time.UnixMilli()) == nobody {
				res.conflicts++
			}
			if !rec.has(device) {
				as.identifier = device
				rec.members = append(rec.members, as)
				forgetOldest(rec)
				dirty = true
			}
		}
	}
	if res.linked = dirty; dirty {
		return res, l.save(res.group, rec)
	}
	return res, nil
}

// absorb moves everything of other into rec; the caller saves rec.
func (l links) absorb(g uint64, rec *group, from uint64, other *group) error {
	for _, m := range other.members {
		if m.Kind != identity.AnonymousID {
			if err := l.join(g, m.identifier); err != nil {
				return err
			}
		} else if err := l.reassign(m.identifier, from, g); err != nil {
			return err
		}
		if !rec.has(m.identifier) {
			rec.members = append(rec.members, m)
		}
	}
	forgetOldest(rec)
	if err := l.countGone(); err != nil {
		return err
	}
	return l.groups.Put(groupKey(from), binary.AppendUvarint([]byte{'a'}, g))
}

// keyGone counts the groups that were absorbed or removed.
var keyGone = []byte("gone")

func (l links) countGone() error {
	n, _ := binary.Uvarint(l.meta.Get(keyGone))
	return l.meta.Put(keyGone, binary.AppendUvarint(nil, n+1))
}

// people is the number of groups.
func (l links) people() int {
	gone, _ := binary.Uvarint(l.meta.Get(keyGone))
	return int(l.groups.Sequence() - gone)
}

// reassign gives what group from had of a device to group to, or to nobody in particular when to is 0 and nothing is left.
func (l links) reassign(device identifier, from, to uint64) error {
	runs, err := l.runsOf(device)
	if err != nil || runs == nil || blockedDevice(runs) {
		return err
	}
	for i := range runs {
		if runs[i].owner == from {
			runs[i].owner = to
		}
	}
	runs = slices.CompactFunc(runs, func(a, b run) bool { return a.owner == b.owner })
	if len(runs) == 1 && runs[0].owner == nobody {
		return l.nodes.Delete(l.key(device))
	}
	return l.nodes.Put(l.key(device), encodeRuns(runs))
}

// forgetOldest keeps the number of remembered devices bounded.
func forgetOldest(g *group) {
	for devices := g.anonymous(); len(devices) > maxRemembered; devices = devices[:len(devices)-1] {
		oldest := devices[len(devices)-1].identifier
		g.members = slices.DeleteFunc(g.members, func(m member) bool { return m.identifier == oldest })
	}
}

// person is what the group is to the rest of intentd: identifiers in the order they were linked, devices newest first. User and
// anonymous ids are those of one space; with "" those of all, each with its space where it is not at home.
func (l links) person(g uint64, rec *group, space string) (connectors.Person, error) {
	var p connectors.Person
	told := func(id identifier) bool { return space == "" || id.Space == space || id.Space == "" }
	text := func(id identifier) string {
		if space != "" || id.Space == l.home {
			return id.Value
		}
		return id.Stored()
	}
	for _, m := range rec.members {
		switch id := asAddress(m.identifier); {
		case id.Kind == identity.UserID && told(id):
			p.UserIDs = append(p.UserIDs, text(id))
		case id.Kind == identity.Email && !slices.Contains(p.Emails, id.Value):
			p.Emails = append(p.Emails, id.Value)
		case id.Kind == identity.Phone:
			p.Phones = append(p.Phones, id.Value)
		}
	}
	for _, m := range rec.anonymous() {
		if len(p.AnonymousIDs) == identity.MaxOthers {
			break
		}
		if !told(m.identifier) {
			continue
		}
		runs, err := l.runsOf(m.identifier)
		if err != nil {
			return p, err
		}
		if len(spansOf(runs, []uint64{g})) > 0 {
			p.AnonymousIDs = append(p.AnonymousIDs, text(m.identifier))
			if m.why != "" {
				if p.Why == nil {
					p.Why = map[string]string{}
				}
				p.Why[text(m.identifier)] = m.why
			}
		}
	}
	return p, nil
}

// keyHome names the source whose user and anonymous ids are kept without their space: the first that was taken in. So a store of one
// source, made before there were spaces, is read as it is, and follows when the configuration names its space anew. keySpaced is since
// when every other id has its space, in Unix seconds.
var (
	keyHome   = []byte("home")
	keySpaced = []byte("spaced")
)

// noteWithdrawal notes that a visitor whom nobody knows withdrew their consent.
func (l links) noteWithdrawal(e *connectors.Event) error {
	device := namedIn(l.rules, e)[3]
	if device.Kind == 0 {
		return nil
	}
	return l.withdrawn.Put(l.key(device), binary.AppendVarint(nil, e.Time.Unix()+1))
}
