package clickstream

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	bolt "go.etcd.io/bbolt"
)

// The feed holds, for every batch, the numbers of the people who did something in it, in growing order of both. Numbers
// say nothing about anybody without the people table; whoever was forgotten in between is passed over.

// feedChunk bounds the people of one entry.
const feedChunk = 1024

// scanFactor bounds how many numbers a page looks at, in pages, so that a call stays short however many repeat.
const scanFactor = 8

// atOnce stands before the name of the source in an entry of people who asked for something or became known.
const atOnce = "!"

func encodeFeed(source string, taken int64, people []uint64) []byte {
	b := appendText(nil, source)
	b = binary.AppendVarint(b, taken)
	last := uint64(0)
	for _, g := range people {
		b = binary.AppendUvarint(b, g-last)
		last = g
	}
	return b
}

// feedEntry is one decoded entry. people is valid within the transaction.
type feedEntry struct {
	source string
	atOnce bool
	taken  int64 // Unix seconds
	people reader
}

func decodeFeed(v []byte) (feedEntry, error) {
	r := reader{s: string(v)}
	f := feedEntry{source: r.text(), taken: r.varint()}
	f.source, f.atOnce = strings.CutPrefix(f.source, atOnce)
	f.people = r
	return f, r.err()
}

// activity are the people of a batch who did something, in growing order: those who are not made to wait, and the others.
type activity struct{ atOnce, calm []uint64 }

func (a activity) any() bool { return len(a.atOnce)+len(a.calm) > 0 }

func (a activity) append(tx *bolt.Tx, source string, now int64) error {
	return errors.Join(appendFeed(tx, atOnce+source, now, a.atOnce), appendFeed(tx, source, now, a.calm))
}

func appendFeed(tx *bolt.Tx, source string, now int64, people []uint64) error {
	b := tx.Bucket(bucketFeed)
	b.FillPercent = 1 // keys only grow
	for chunk := range slices.Chunk(people, feedChunk) {
		seq, err := b.NextSequence()
		if err != nil {
			return err
		}
		if err := b.Put(binary.BigEndian.AppendUint64(nil, seq), encodeFeed(source, now, chunk)); err != nil {
			return err
		}
	}
	return nil
}

// cursorVersion begins every cursor: version, store id, entry, last person of it that was told.
const cursorVersion = 1

type position struct{ entry, person uint64 }

func (s *Store) encodeCursor(p position) connectors.Cursor {
	b := append([]byte{cursorVersion}, s.id[:]...)
	b = binary.AppendUvarint(b, p.entry)
	return binary.AppendUvarint(b, p.person)
}

// decodeCursor reads a cursor. One of another store, or of a later state of this one than a restored backup has, starts
// over: telling everybody again is harmless, missing somebody is not.
func (s *Store) decodeCursor(c connectors.Cursor, last uint64) (position, error) {
	if len(c) == 0 {
		return position{}, nil
	}
	if c[0] != cursorVersion || len(c) < 1+len(s.id)+2 {
		return position{}, connectors.Errorf(connectors.Config, "clickstream: read cursor", "written by another version of intentd")
	}
	if string(c[1:1+len(s.id)]) != string(s.id[:]) {
		return position{}, nil
	}
	r := reader{s: string(c[1+len(s.id):])}
	p := position{r.uvarint(), r.uvarint()}
	if r.bad {
		return position{}, connectors.Errorf(connectors.Config, "clickstream: read cursor", "cut off")
	}
	if p.entry > last {
		return position{}, nil
	}
	return p, nil
}

// Active tells who did something since from, in the order of intake, each person once a page with every identifier linked
// to them. Those who are only known by a device come when they say who they are.
func (s *Store) Active(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	return s.active(ctx, from, "")
}

func (s *Store) active(ctx context.Context, from connectors.Cursor, source string) (connectors.Page[connectors.Person], error) {
	var page connectors.Page[connectors.Person]
	if err := ctx.Err(); err != nil {
		return page, err
	}
	err := s.view(func(tx *bolt.Tx) error {
		var err error
		page, err = s.activePage(tx, from, source)
		return err
	})
	if err != nil {
		return connectors.Page[connectors.Person]{}, s.fail("tell who was active", err)
	}
	return page, nil
}

func (s *Store) activePage(tx *bolt.Tx, from connectors.Cursor, source string) (page connectors.Page[connectors.Person], err error) {
	feed, l := tx.Bucket(bucketFeed), s.linksOf(tx)
	p, err := s.decodeCursor(from, feed.Sequence())
	if err != nil {
		return page, err
	}
	space := ""
	if source != "" {
		space = l.rules.Space(source)
	}
	told := map[uint64]int{} // where they stand in the page
	scanned := 0
	c := feed.Cursor()
	for k, v := c.Seek(binary.BigEndian.AppendUint64(nil, p.entry)); k != nil; k, v = c.Next() {
		entry := binary.BigEndian.Uint64(k)
		if entry != p.entry {
			p = position{entry: entry}
		}
		f, err := decodeFeed(v)
		if err != nil {
			return page, err
		}
		if source != "" && f.source != source {
			continue
		}
		for g := uint64(0); f.people.s != ""; {
			g += f.people.uvarint()
			if g <= p.person {
				continue
			}
			if len(page.Items) >= s.o.PageSize || scanned >= scanFactor*s.o.PageSize {
				page.Next, page.More = s.encodeCursor(p), true
				return page, f.people.err()
			}
			p.person = g
			scanned++
			now, rec, err := l.load(g)
			if err != nil {
				return page, err
			}
			if rec == nil {
				continue
			}
			if i, there := told[now]; there {
				page.Items[i].CanWait = page.Items[i].CanWait && !f.atOnce
				continue
			}
			told[now] = len(page.Items)
			person, err := l.person(now, rec, space)
			if err != nil {
				return page, err
			}
			person.CanWait = !f.atOnce
			page.Items = append(page.Items, person)
		}
		if f.people.bad {
			return page, errDamaged
		}
	}
	page.Next = s.encodeCursor(p)
	return page, nil
}
