package clickstream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/boltpages"
	"github.com/intentd/intentd/connectors/disk"
	bolt "go.etcd.io/bbolt"
)

// A damaged main file is found before it does harm. bbolt trusts what it maps: it panics or faults on much of what may be wrong with a
// file. So a file that was not closed in order is checked page by page before bbolt opens it, and whatever bbolt meets later comes back
// as an error.

// cleanFile stands beside the main file while the store is closed in order.
const cleanFile = "clean"

// checkBeforeOpen checks the main file unless it was closed in order.
func checkBeforeOpen(dir string) error {
	mark := filepath.Join(dir, cleanFile)
	if err := os.Remove(mark); err == nil {
		return disk.SyncDir(dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.Open(filepath.Join(dir, mainFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	// Nobody may write meanwhile. bbolt takes the same lock when this one is gone.
	for deadline := time.Now().Add(lockTimeout); ; time.Sleep(10 * time.Millisecond) {
		err := disk.LockShared(file)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			return heldElsewhere(file.Name(), err)
		}
	}
	return checkMain(file)
}

// checkMain checks the pages of the main file, which nobody is writing to.
func checkMain(file *os.File) error {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 { // bbolt makes an empty file a database
		return err
	}
	var first error
	boltpages.Check(file, os.Getpagesize(), func(format string, args ...any) bool {
		first = fmt.Errorf(format, args...)
		return false
	})
	if first != nil {
		return fmt.Errorf("%w: %s: %w", errDamaged, mainFile, first)
	}
	return nil
}

// Verify reads everything once: the pages of the main file, every record in it, and every event. Intake waits. The first damage it finds
// is a Config error.
func (s *Store) Verify(ctx context.Context) error {
	s.intake.Lock()
	defer s.intake.Unlock()
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	if err := s.verify(ctx); err != nil {
		return s.fail("verify", err)
	}
	return nil
}

func (s *Store) verify(ctx context.Context) error {
	if err := s.verifyMain(); err != nil {
		return err
	}
	held, err := s.hold(always)
	if err != nil {
		return err
	}
	defer release(held)
	for _, segs := range held {
		for _, seg := range segs {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := seg.verify(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) verifyMain() error {
	s.mainMu.RLock()
	defer s.mainMu.RUnlock()
	file, err := os.Open(filepath.Join(s.dir, mainFile))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := checkMain(file); err != nil {
		return err
	}
	return guarded(func() error {
		return s.main.View(func(tx *bolt.Tx) error {
			if err := tx.Bucket(bucketFeed).ForEach(func(_, v []byte) error {
				f, err := decodeFeed(v)
				for err == nil && f.people.s != "" {
					f.people.uvarint()
					err = f.people.err()
				}
				return err
			}); err != nil {
				return err
			}
			l := s.linksOf(tx)
			return l.groups.ForEach(func(k, _ []byte) error {
				_, _, err := l.load(binary.BigEndian.Uint64(k))
				return err
			})
		})
	})
}

// verify decodes every event of a segment and holds it to its order and counts.
func (s *segment) verify() error {
	c := newCursor(s, true)
	defer c.close()
	var n uint64
	ok, err := c.next()
	for ok && err == nil {
		var v events
		for err = v.start(c); err == nil && !v.done; err = v.next() {
			n++
		}
		ok = !v.ended
	}
	if err == nil && n != s.events {
		err = fmt.Errorf("%w: %s holds %d events instead of %d", errDamaged, filepath.Base(s.f.Name()), n, s.events)
	}
	return err
}

func heldElsewhere(path string, err error) error {
	return &connectors.Error{
		Kind: connectors.Config, Op: "clickstream: open", Message: path + " is held by another process",
		Fix: "stop the other intentd, or give each its own directory", Err: err,
	}
}
