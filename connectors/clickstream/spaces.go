package clickstream

import (
	"encoding/binary"
	"slices"

	"github.com/intentd/intentd/connectors/identity"
	bolt "go.etcd.io/bbolt"
)

// setHome decides where a store is at home, once: with its first source.
func (s *Store) setHome(tx *bolt.Tx, source string) error {
	m := tx.Bucket(bucketMeta)
	if m.Get(keySpaced) != nil {
		return nil
	}
	if err := m.Put(keySpaced, binary.AppendVarint(nil, s.o.Now().Unix())); err != nil {
		return err
	}
	return m.Put(keyHome, []byte(source))
}

// several stands for the space of somebody who was active in more than one.
const several = "\x00"

// adoptSpaces gives ids from before there were spaces the space of the source in which their people were active. Where people were active in
// several, their ids stay without a space: which source's they are is not known, and they keep the events that came in until now. It goes by
// bounded steps, each of which may be repeated: after a kill it starts over.
func (s *Store) adoptSpaces() error {
	rules := s.rules.Load()
	var sources []string
	done := true
	spaces := map[uint64]string{} // by group
	err := s.main.View(func(tx *bolt.Tx) error {
		l := s.linksOf(tx)
		if done = l.meta.Get(keySpaced) != nil; done {
			return nil
		}
		return tx.Bucket(bucketFeed).ForEach(func(_, v []byte) error {
			f, err := decodeFeed(v)
			if err != nil {
				return err
			}
			if !slices.Contains(sources, f.source) {
				sources = append(sources, f.source)
			}
			space := rules.Space(f.source)
			for g := uint64(0); f.people.s != ""; {
				g += f.people.uvarint()
				now, _, err := l.load(g)
				if err != nil {
					return err
				}
				if had, known := spaces[now]; known && had != space {
					spaces[now] = several
				} else {
					spaces[now] = space
				}
			}
			return f.people.err()
		})
	})
	if err != nil || done || len(sources) == 0 {
		return err
	}
	if !slices.ContainsFunc(sources, func(name string) bool { return rules.Space(name) != rules.Space(sources[0]) }) {
		return s.main.Update(func(tx *bolt.Tx) error { return s.setHome(tx, sources[0]) })
	}
	s.log.Info("the event store gives ids their space", "people", len(spaces))
	for next := groupKey(1); next != nil; {
		if err := s.main.Update(func(tx *bolt.Tx) (err error) { next, err = s.linksOf(tx).adopt(next, spaces); return err }); err != nil {
			return err
		}
	}
	return s.main.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keySpaced, binary.AppendVarint(nil, s.o.Now().Unix()))
	})
}

// adopt gives the ids of the next groups their space and returns where to go on, nil at the end.
func (l links) adopt(from []byte, spaces map[uint64]string) (next []byte, err error) {
	var groups []uint64
	c := l.groups.Cursor()
	for k, v := c.Seek(from); k != nil; k, v = c.Next() {
		if len(groups) == sweepSize {
			next = slices.Clone(k)
			break
		}
		if g := binary.BigEndian.Uint64(k); len(v) > 0 && v[0] == 'g' {
			groups = append(groups, g)
		}
	}
	for _, g := range groups {
		space := spaces[g]
		if space == "" || space == several {
			continue
		}
		_, rec, err := l.load(g)
		if err != nil {
			return nil, err
		}
		changed := false
		for i := range rec.members {
			m := &rec.members[i]
			if !m.Kind.Spaced() || m.Space != "" {
				continue
			}
			if ok, err := l.mayAdopt(m.identifier, space, spaces); err != nil {
				return nil, err
			} else if !ok {
				continue
			}
			old := m.identifier
			m.Space, changed = space, true
			if v := slices.Clone(l.nodes.Get(l.key(old))); v != nil {
				if err := l.nodes.Put(l.key(m.identifier), v); err != nil {
					return nil, err
				}
				if err := l.nodes.Delete(l.key(old)); err != nil {
					return nil, err
				}
			}
		}
		if changed {
			if err := l.save(g, rec); err != nil {
				return nil, err
			}
		}
	}
	return next, nil
}

// mayAdopt says whether an id is of one space whoever holds it: a device may have had owners of several.
func (l links) mayAdopt(id identifier, space string, spaces map[uint64]string) (bool, error) {
	if id.Kind != identity.AnonymousID {
		return true, nil
	}
	runs, err := l.runsOf(id)
	if err != nil {
		return false, err
	}
	for _, r := range runs {
		if r.owner == nobody {
			continue
		}
		owner, _, err := l.load(r.owner)
		if err != nil {
			return false, err
		}
		if spaces[owner] != space {
			return false, nil
		}
	}
	return true, nil
}
