package clickstream

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// DefaultPartition is the span of event time that one partition holds. Wider ones read faster and drop coarser: at 10 million
// events over 90 days a lot of 100 people took 5.8 ms with 7 days and 3.9 ms with 14 (BenchmarkStore).
const DefaultPartition = 14 * 24 * time.Hour

// Options of a store. The zero value is ready to use.
type Options struct {
	// Retention is for how long events are kept after they happened; 0: for ever. They leave by whole partitions, so up to
	// one Partition later.
	Retention time.Duration
	// Partition is the span of one partition, DefaultPartition if 0. It is fixed when the store is created; what stands here
	// later is not looked at.
	Partition time.Duration
	// Internal says whether an IP address is one of the own staff's. Such events get connectors.PropInternal. The address
	// itself is never stored.
	Internal func(ip string) bool
	// Identity says what identifies whom; nil: by its defaults. See Store.SetIdentity.
	Identity *identity.Rules
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

	gathering gathering
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

	known recent // under intake, as are ids and kinds
	ids   recentIDs
	kinds kindCache
	rules atomic.Pointer[identity.Rules]

	wake chan struct{}
	quit chan struct{}
	done chan struct{}
}

var (
	bucketMeta     = []byte("meta")
	bucketSegments = []byte("segments")
	bucketOffsets  = []byte("offsets")
	bucketFeed     = []byte("feed")

	keyVersion   = []byte("version")
	keyID        = []byte("id")
	keyWidth     = []byte("partition")
	keyNewest    = []byte("newest")
	keyForgotten = []byte("forgotten")
)

const (
	mainFile       = "main.db"
	formatVersion  = "2" // 1 kept a position for each file in place of a cursor
	defaultPage    = 500
	lockTimeout    = time.Second
	compactedBytes = 64 << 10 // written per transaction while compacting
)

var (
	_ connectors.Source    = (*Store)(nil)
	_ connectors.Forgetter = (*Store)(nil)
)

// Open opens the store in dir, or creates it. A store is open once: a second process gets a Config error after a second.
func Open(dir string, o Options) (*Store, error) {
	s := &Store{
		dir: dir, o: o, log: o.Logger, parts: map[int64][]*segment{},
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	if s.o.Now == nil {
		s.o.Now = time.Now
	}
	if s.o.Partition <= 0 {
		s.o.Partition = DefaultPartition
	}
	if s.o.PageSize <= 0 {
		s.o.PageSize = defaultPage
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.rules.Store(o.Identity)
	if err := s.open(); err != nil {
		s.closeFiles()
		return nil, s.fail("open", err)
	}
	go s.work()
	return s, nil
}

// SetIdentity puts other rules in force, for what comes in from now on and for who is asked about.
func (s *Store) SetIdentity(rules *identity.Rules) {
	s.intake.Lock()
	defer s.intake.Unlock()
	s.known = recent{}
	s.rules.Store(rules)
}

func (s *Store) open() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	// What an interrupted Compact left is worth nothing: the rename is its last step.
	if err := os.Remove(filepath.Join(s.dir, mainFile+".new")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := checkBeforeOpen(s.dir); err != nil {
		return err
	}
	var err error
	if s.main, err = openMain(filepath.Join(s.dir, mainFile), s.o.NoSync); err != nil {
		return err
	}
	var metas []meta
	err = s.update(func(tx *bolt.Tx) error {
		var err error
		metas, err = s.setUp(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range metas {
		seg, err := openSegment(s.dir, m)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %w", errDamaged, err)
		}
		if err != nil {
			return err
		}
		s.parts[m.part] = append(s.parts[m.part], seg)
		s.seq = max(s.seq, m.seq)
	}
	if err := s.adoptSpaces(); err != nil {
		return err
	}
	return s.removeOrphans(metas)
}

// openMain opens the main file. The list of its free pages is kept in it: without it every opening would read all pages.
func openMain(path string, noSync bool) (db *bolt.DB, err error) {
	var file *os.File
	err = guarded(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout: lockTimeout, NoSync: noSync, FreelistType: bolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
				file, err = os.OpenFile(name, flag, mode)
				return file, err
			},
		})
		return err
	})
	switch {
	case errors.Is(err, errDamaged) && file != nil:
		// bbolt broke off: what it mapped stays mapped, and would keep the lock.
		syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
		file.Close()
	case errors.Is(err, berrors.ErrTimeout):
		return nil, heldElsewhere(path, err)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %s: %w", errDamaged, mainFile, err)
	}
	return db, err
}

// setUp creates what is missing, checks the format and lists the segments.
func (s *Store) setUp(tx *bolt.Tx) ([]meta, error) {
	for _, b := range [][]byte{bucketMeta, bucketSegments, bucketOffsets, bucketFeed, bucketNodes, bucketGroups} {
		if _, err := tx.CreateBucketIfNotExists(b); err != nil {
			return nil, err
		}
	}
	m := tx.Bucket(bucketMeta)
	switch v := string(m.Get(keyVersion)); v {
	case formatVersion:
	case "1":
		if err := m.Put(keyVersion, []byte(formatVersion)); err != nil {
			return nil, err
		}
	case "":
		id := make([]byte, len(s.id))
		rand.Read(id) // never fails
		err := errors.Join(
			m.Put(keyVersion, []byte(formatVersion)), m.Put(keyID, id),
			m.Put(keyWidth, binary.AppendVarint(nil, s.o.Partition.Microseconds())),
		)
		if err != nil {
			return nil, err
		}
	default:
		return nil, connectors.Errorf(connectors.Config, "clickstream: open",
			"%s is in format %s, which a newer intentd wrote; this one reads format %s", s.dir, v, formatVersion)
	}
	copy(s.id[:], m.Get(keyID))
	s.width, _ = binary.Varint(m.Get(keyWidth))
	s.newest, _ = binary.Varint(m.Get(keyNewest))
	if s.width <= 0 {
		return nil, fmt.Errorf("%w: no width of partitions", errDamaged)
	}
	var metas []meta
	err := tx.Bucket(bucketSegments).ForEach(func(k, v []byte) error {
		if len(k) != 8 {
			return fmt.Errorf("%w: list of segments", errDamaged)
		}
		m, err := decodeMeta(binary.BigEndian.Uint64(k), v)
		metas = append(metas, m)
		return err
	})
	return metas, err
}

// removeOrphans deletes segments that no commit knows of: those a crash kept from being committed or unlinked.
func (s *Store) removeOrphans(metas []meta) error {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), segmentSuffix)
		if !ok {
			continue
		}
		seq, err := strconv.ParseUint(name, 16, 64)
		if err != nil || slices.ContainsFunc(metas, func(m meta) bool { return m.seq == seq }) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, f.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the background work and closes all files. Sequences of Journeys in progress may go on.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.quit)
	<-s.done
	s.intake.Lock()
	defer s.intake.Unlock()
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	s.mainMu.Lock()
	defer s.mainMu.Unlock()
	err := s.closeFiles()
	if err == nil {
		err = s.closedInOrder()
	}
	if err != nil {
		return s.fail("close", err)
	}
	return nil
}

func (s *Store) closeFiles() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, segs := range s.parts {
		for _, seg := range segs {
			seg.release()
		}
	}
	s.parts = map[int64][]*segment{}
	if s.main == nil {
		return nil
	}
	return s.main.Close()
}

// closedInOrder leaves the mark that spares the next Open a check.
func (s *Store) closedInOrder() error {
	return os.WriteFile(filepath.Join(s.dir, cleanFile), nil, 0o600)
}

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
			if err := syncDir(s.dir); err != nil {
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

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
