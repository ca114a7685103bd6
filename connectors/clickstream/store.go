package clickstream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/disk"
	"github.com/intentd/intentd/connectors/identity"
	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// DefaultPartition is the span of event time that one partition holds. Wider ones read faster, but leave all at once later: at 10 million
// events over 90 days a lot of 100 people took 5.8 ms with 7 days and 3.9 ms with 14 (BenchmarkStore).
const DefaultPartition = 14 * 24 * time.Hour

// Options of a store. The zero value is ready to use.
type Options struct {
	// Retention is for how long events are kept after they happened; 0: for ever. They leave by whole partitions, so up to
	// one Partition later.
	Retention time.Duration
	// Partition is the span of one partition, DefaultPartition if 0. It is fixed when the store is created: another value
	// later changes nothing.
	Partition time.Duration
	// Internal says whether an IP address is one of the own staff's. Such events get connectors.PropInternal. The address
	// itself is never stored.
	Internal func(ip string) bool
	// Identity says what identifies whom; nil: by its defaults. See Store.SetIdentity.
	Identity *identity.Rules
	// Active, where set, is told the source after each commit in which somebody did something who is known. It must not wait.
	Active func(source string)
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// Logger gets what goes wrong in the background; nothing if nil.
	Logger *slog.Logger
	// PageSize bounds the people of one Active page, 500 if 0.
	PageSize int
	// NoSync leaves out every fsync: for tests and throw-away stores. A crash may then damage the store.
	NoSync bool
}

// Store is an open clickstream store. All methods are safe for concurrent use.
type Store struct {
	dir   string
	o     Options
	log   *slog.Logger
	width int64 // of a partition, microseconds
	id    [8]byte

	batches   batchQueue
	uncounted uncounted
	takers    sync.Map // name of a feed: the lock that Take holds, before those below

	// Locks are taken in this order.
	intake sync.Mutex   // one Ingest or Forget at a time
	upkeep sync.Mutex   // one replacement of segments at a time
	mainMu sync.RWMutex // users of main against its replacement by Compact
	mu     sync.RWMutex // what follows

	main   *bolt.DB // under mainMu
	parts  map[int64][]*segment
	seq    uint64 // last segment number given out
	newest int64  // microseconds: the newest event taken in
	counts counts
	failed error // last error of the background work
	closed bool

	known    recent // under intake, as are ids, kinds and proposed
	ids      recentIDs
	kinds    kindCache
	proposed proposedLately
	rules    atomic.Pointer[identity.Rules]

	wake chan struct{}
	quit chan struct{}
	done chan struct{}
}

var (
	bucketMeta      = []byte("meta")
	bucketSegments  = []byte("segments")
	bucketOffsets   = []byte("offsets")
	bucketFeed      = []byte("feed")
	bucketProposals = []byte("proposals")
	bucketWithdrawn = []byte("withdrawn") // device → Unix seconds of the withdrawal

	keyVersion   = []byte("version")
	keyID        = []byte("id")
	keyWidth     = []byte("partition")
	keyNewest    = []byte("newest")
	keyForgotten = []byte("forgotten")
)

const (
	mainFile       = "main.db"
	formatVersion  = "3" // 1 kept a position for each file in place of a cursor, and 2 knew no claims
	defaultPage    = 500
	lockTimeout    = time.Second
	compactedBytes = 64 << 10 // written per transaction while compacting
)

var (
	_ connectors.Source    = (*Store)(nil)
	_ connectors.Forgetter = (*Store)(nil)
)

// fail gives err the kind that tells the pipeline what to do about it.
func (s *Store) fail(op string, err error) error {
	var known *connectors.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	out := &connectors.Error{Kind: connectors.Transient, Op: "clickstream: " + op, Err: err}
	switch {
	case errors.Is(err, errDamaged):
		out.Kind, out.Fix = connectors.Config, "restore "+s.dir+" from a backup, or move it away to take everything in again"
	case errors.Is(err, fs.ErrPermission):
		out.Kind, out.Fix = connectors.Config, "let the user that intentd runs as own "+s.dir
	case errors.Is(err, berrors.ErrDatabaseNotOpen), errors.Is(err, errClosed):
		out.Err = errClosed
	}
	return out
}

var errClosed = errors.New("the store is closed")

// view runs f in a read transaction of the main file.
func (s *Store) view(f func(tx *bolt.Tx) error) error {
	s.mainMu.RLock()
	defer s.mainMu.RUnlock()
	return guarded(func() error { return s.main.View(f) })
}

// update runs f in a write transaction of the main file.
func (s *Store) update(f func(tx *bolt.Tx) error) error {
	s.mainMu.RLock()
	defer s.mainMu.RUnlock()
	return guarded(func() error { return s.main.Update(f) })
}

// part is the partition of a moment in microseconds.
func (s *Store) part(at int64) int64 {
	p := at / s.width
	if at%s.width < 0 {
		p--
	}
	return p
}

// newSegment gives out the number of a file to be written.
func (s *Store) newSegment() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	return s.seq
}

// commit replaces segments by those that build makes, together with what else build writes: all of it or nothing. The
// files of the new ones are durable before the main file names them; on failure they are gone.
func (s *Store) commit(removed []*segment, build func(tx *bolt.Tx) (added []meta, err error)) error {
	var added []meta
	var opened []*segment
	err := s.update(func(tx *bolt.Tx) error {
		var err error
		if added, err = build(tx); err != nil {
			return err
		}
		b := tx.Bucket(bucketSegments)
		for _, m := range added {
			seg, err := openSegment(s.dir, m)
			if err != nil {
				return err
			}
			opened = append(opened, seg)
			if err := b.Put(binary.BigEndian.AppendUint64(nil, m.seq), m.encode()); err != nil {
				return err
			}
		}
		if len(added) > 0 && !s.o.NoSync {
			if err := disk.SyncDir(s.dir); err != nil {
				return err
			}
		}
		for _, seg := range removed {
			if err := b.Delete(binary.BigEndian.AppendUint64(nil, seg.seq)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for _, seg := range opened {
			seg.release()
		}
		s.discard(added)
		return err
	}
	s.mu.Lock()
	for _, seg := range removed {
		s.parts[seg.part] = slices.DeleteFunc(slices.Clone(s.parts[seg.part]), func(x *segment) bool { return x == seg })
		if len(s.parts[seg.part]) == 0 {
			delete(s.parts, seg.part)
		}
	}
	for _, seg := range opened {
		s.parts[seg.part] = append(slices.Clone(s.parts[seg.part]), seg)
	}
	s.mu.Unlock()
	for _, seg := range removed {
		// Readers that hold the segment read on; a name that stays is an orphan, which the next Open removes.
		os.Remove(segmentPath(s.dir, seg.seq))
		seg.release()
	}
	return nil
}

func (s *Store) discard(metas []meta) {
	for _, m := range metas {
		os.Remove(segmentPath(s.dir, m.seq))
	}
}

// counts are those of one batch, or since Open.
type counts struct {
	accepted, repeated, unidentified, denied, expired, future, conflicts, erased uint64
	anonymous, reused, proposed                                                  uint64
}

func (c *counts) add(d counts) {
	c.accepted += d.accepted
	c.repeated += d.repeated
	c.unidentified += d.unidentified
	c.denied += d.denied
	c.expired += d.expired
	c.future += d.future
	c.conflicts += d.conflicts
	c.erased += d.erased
	c.anonymous += d.anonymous
	c.reused += d.reused
}

func (s *Store) newestEvent() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.newest
}

// nudge lets the background look whether there is something to do.
func (s *Store) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// guarded runs what reads the main file through bbolt.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %s: %v", errDamaged, mainFile, p)
		}
	}()
	return f()
}
