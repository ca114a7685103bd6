package clickstream

import (
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
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/disk"
	"github.com/intentd/intentd/connectors/identity"
	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
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
		_ = disk.Unlock(file)
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
	for _, b := range [][]byte{bucketMeta, bucketSegments, bucketOffsets, bucketFeed, bucketNodes, bucketGroups, bucketProposals, bucketWithdrawn} {
		if _, err := tx.CreateBucketIfNotExists(b); err != nil {
			return nil, err
		}
	}
	m := tx.Bucket(bucketMeta)
	switch v := string(m.Get(keyVersion)); v {
	case formatVersion:
	case "1", "2":
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
	err := s.keepCounts()
	s.mainMu.Lock()
	defer s.mainMu.Unlock()
	err = errors.Join(err, s.closeFiles())
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
