package clickstream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	bolt "go.etcd.io/bbolt"
)

// What a visitor says of themselves is kept beside the links, and links nothing: by the identifier that was named and by the device that
// named it. The event keeps the names it came with, under its device: once the device is the person's, it is told to them as theirs.

// Keys begin with what they are by.
const (
	byIdentifier = 'i' // identifier, device → proposal
	byDevice     = 'd' // device, identifier → nothing
)

const (
	lookAgain    = 12 * 3600           // seconds after which the person of a proposal that is repeated is looked at again
	proposalKept = 30 * 24 * time.Hour // for which one that is not repeated is kept
	maxTold      = 100                 // proposals of one person
)

// proposal is a record of the table by identifier. Times are in Unix seconds.
type proposal struct {
	first, last int64
	event       string
	source      string
}

// proposedPair names a proposal.
type proposedPair struct{ id, device identifier }

func (p proposal) encode() []byte {
	b := binary.AppendVarint(nil, p.first)
	b = binary.AppendVarint(b, p.last)
	return appendText(appendText(b, p.event), p.source)
}

func decodeProposal(v []byte) (proposal, error) {
	r := reader{s: string(v)}
	p := proposal{r.varint(), r.varint(), r.text(), r.text()}
	return p, r.err()
}

func (l links) proposalKey(by byte, first, second identifier) []byte {
	return append(l.proposalPrefix(by, first), l.key(second)...)
}

// proposalPrefix ends with what no identifier holds.
func (l links) proposalPrefix(by byte, first identifier) []byte {
	return append(append([]byte{by}, l.key(first)...), 0)
}

// secondOf is the identifier behind a prefix in a key.
func (l links) secondOf(key, prefix []byte) identifier {
	stored := key[len(prefix):]
	return l.parse(stored[0], string(stored[1:]))
}

// propose keeps what an event says of whom it is of, unless that is so already, and returns the groups of those who are to be looked at.
func (s *Store) propose(l links, e *connectors.Event, device uint64) (groups []uint64, added uint64, err error) {
	ids := namedIn(l.rules, e)
	at := e.Time.Unix()
	for _, id := range ids[:3] {
		if id.Kind == 0 || s.proposed.again(ids[3], id, at) {
			continue
		}
		g := l.groupOf(id)
		if g != nobody && g == device {
			continue
		}
		key := l.proposalKey(byIdentifier, id, ids[3])
		p := proposal{first: at, last: at, event: reasonID(e.ID), source: e.Source}
		look := true
		if v := l.proposals.Get(key); v != nil {
			before, err := decodeProposal(v)
			if err != nil {
				return groups, added, err
			}
			look = at-before.last >= lookAgain
			p.first, p.last = min(before.first, at), max(before.last, at)
		} else if len(l.namedBy(ids[3])) >= identity.MaxOthers {
			continue // nobody is so many; what the events say stays with them
		} else {
			added++
			if err := l.proposals.Put(l.proposalKey(byDevice, ids[3], id), []byte{1}); err != nil {
				return groups, added, err
			}
		}
		if err := l.proposals.Put(key, p.encode()); err != nil {
			return groups, added, err
		}
		if !look {
			continue
		}
		if g == nobody {
			var rec *group
			if g, rec, err = l.create(member{identifier: id, since: at, by: p.event}); err == nil {
				err = errors.Join(l.save(g, rec), s.known.learnOne(l, id))
			}
			if err != nil {
				return groups, added, err
			}
		}
		groups = append(groups, g)
	}
	return groups, added, nil
}

// namedBy are the identifiers that a device has named.
func (l links) namedBy(device identifier) (ids []identifier) {
	prefix := l.proposalPrefix(byDevice, device)
	c := l.proposals.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		ids = append(ids, l.secondOf(k, prefix))
	}
	return ids
}

// eachProposal walks the proposals of an identifier.
func (l links) eachProposal(id identifier, f func(device identifier, p proposal) error) error {
	prefix := l.proposalPrefix(byIdentifier, id)
	c := l.proposals.Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		p, err := decodeProposal(v)
		if err == nil {
			err = f(l.secondOf(k, prefix), p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dropProposal removes a proposal; that there is none is no error.
func (l links) dropProposal(id, device identifier) error {
	if err := l.proposals.Delete(l.proposalKey(byIdentifier, id, device)); err != nil {
		return err
	}
	return l.proposals.Delete(l.proposalKey(byDevice, device, id))
}

// Proposals are what visitors of a source said of themselves that would make them one of the people, the latest first.
func (s *Store) Proposals(ctx context.Context, source string, people []connectors.Person) ([]connectors.Proposal, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []connectors.Proposal
	err := s.view(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		space := l.rules.Space(source)
		for i := range people {
			groups, err := l.groupsOf(people[i], space)
			if err != nil {
				return err
			}
			ids, err := l.stableOf(people[i], space, groups)
			if err != nil {
				return err
			}
			n := len(out)
			for _, id := range ids {
				err := l.eachProposal(id, func(device identifier, p proposal) error {
					if p.source == source {
						out = append(out, connectors.Proposal{
							Person: people[i].Key, Kind: id.Kind.String(), Value: id.Value, AnonymousID: device.Value, Event: p.event,
							First: time.Unix(p.first, 0).UTC(), Last: time.Unix(p.last, 0).UTC(),
						})
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			slices.SortStableFunc(out[n:], func(a, b connectors.Proposal) int { return b.Last.Compare(a.Last) })
			out = out[:min(len(out), n+maxTold)]
		}
		return nil
	})
	if err != nil {
		return nil, s.fail("read proposals", err)
	}
	return out, nil
}

// Confirm makes visitors of a source who they said they are, in one commit. A proposal that is not kept (any more) is passed over.
func (s *Store) Confirm(ctx context.Context, source string, proposals []connectors.Proposal) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.intake.Lock()
	defer s.intake.Unlock()
	var active []uint64
	err := s.update(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		for _, p := range proposals {
			kind, _ := identity.ParseKind(p.Kind)
			space := l.rules.Space(source)
			id, ok := l.rules.ID(kind, space, p.Value)
			device, known := l.rules.ID(identity.AnonymousID, space, p.AnonymousID)
			if !ok || !known || l.proposals.Get(l.proposalKey(byIdentifier, id, device)) == nil {
				continue
			}
			g, err := l.confirm(id, device, source, &p, p.First.UnixMicro() < s.newestEvent())
			if err != nil {
				return err
			}
			if err := l.dropProposal(id, device); err != nil {
				return err
			}
			active = append(active, g)
		}
		if len(active) == 0 {
			return nil
		}
		i, err := readIntake(tx, source)
		if err != nil {
			return err
		}
		i.Confirmed += int64(len(active))
		slices.Sort(active)
		return errors.Join(putIntake(tx, source, i), appendFeed(tx, atOnce+source, s.o.Now().Unix(), slices.Compact(active)))
	})
	s.known, s.proposed = recent{}, proposedLately{}
	if err != nil {
		return s.fail("confirm who visitors are", err)
	}
	if len(active) > 0 && s.o.Active != nil {
		s.o.Active(source)
	}
	return nil
}

// confirm links a device to whom it said it is of.
func (l links) confirm(id, device identifier, source string, p *connectors.Proposal, late bool) (uint64, error) {
	e := connectors.Event{ID: p.Event, Source: source, Time: p.First, AnonymousID: device.Value}
	name(&e, id)
	res, err := l.link(&e, late)
	if err != nil || p.Confirmed == "" {
		return res.group, err
	}
	g, rec, err := l.load(res.group)
	if err != nil || rec == nil {
		return res.group, err
	}
	for i := range rec.members {
		if m := &rec.members[i]; m.identifier == device {
			m.why = identity.Confirmed(source, id.Kind.String(), p.Confirmed)
		}
	}
	return g, l.save(g, rec)
}

// dropOldProposals removes those that were not repeated for long.
func (s *Store) dropOldProposals(before int64) error {
	s.intake.Lock()
	defer s.intake.Unlock()
	var old []proposedPair
	err := s.view(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		c := l.proposals.Cursor()
		for k, v := c.Seek([]byte{byIdentifier}); k != nil && k[0] == byIdentifier; k, v = c.Next() {
			p, err := decodeProposal(v)
			if err != nil {
				return err
			}
			if end := bytes.IndexByte(k, 0); p.last < before && end > 0 {
				prefix := k[:end+1]
				old = append(old, proposedPair{l.parse(prefix[1], string(prefix[2:end])), l.secondOf(k, prefix)})
			}
		}
		return nil
	})
	if err != nil || len(old) == 0 {
		return err
	}
	s.proposed = proposedLately{}
	return s.update(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		for _, o := range old {
			if err := l.dropProposal(o.id, o.device); err != nil {
				return err
			}
		}
		return nil
	})
}
