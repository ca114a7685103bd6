package bolt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"github.com/intentd/intentd/connectors/boltpages"
	"github.com/intentd/intentd/connectors/disk"
	"github.com/intentd/intentd/state/engine"
)

const (
	compactSuffix = ".compact" // of the copy that Compact writes beside the file
	keptSuffix    = ".before"  // of the copy that Keep puts aside
)

// read runs fn over one moment of the file.
func (e *Engine) read(fn func(*bbolt.Tx) error) error {
	return e.View(func(t engine.Tx) error { return fn(t.(*tx).b) })
}

// Size is that of the file, and of its free pages: the next writes use them.
func (e *Engine) Size() (total, free int64) {
	if info, err := os.Stat(e.path); err == nil {
		total = info.Size()
	}
	e.handle.RLock()
	defer e.handle.RUnlock()
	if e.b != nil {
		b := e.b.Stats()
		free = int64(b.FreePageN+b.PendingPageN) * int64(e.pageSize)
	}
	return total, free
}

// Sizes walks the whole file.
func (e *Engine) Sizes() (map[string]engine.BucketSize, error) {
	sizes := map[string]engine.BucketSize{}
	err := e.read(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			s := b.Stats()
			sizes[string(name)] = engine.BucketSize{Pairs: s.KeyN, Used: int64(s.LeafInuse + s.BranchInuse + s.InlineBucketInuse), Pages: int64(s.LeafAlloc + s.BranchAlloc)}
			return nil
		})
	})
	return sizes, err
}

// Check walks every page without trusting any.
func (e *Engine) Check(note func(format string, args ...any) bool) error {
	e.maintenance.Lock()
	defer e.maintenance.Unlock()
	e.writing.Lock()
	defer e.writing.Unlock()
	return e.read(func(*bbolt.Tx) error {
		file, err := os.Open(e.path)
		if err != nil {
			return explain(e.path, err)
		}
		defer file.Close()
		boltpages.Check(file, e.pageSize, note)
		return nil
	})
}

// Backup writes a copy that is such a file, too.
func (e *Engine) Backup(w io.Writer) (n int64, err error) {
	e.maintenance.Lock()
	defer e.maintenance.Unlock()
	err = e.read(func(tx *bbolt.Tx) (err error) { n, err = tx.WriteTo(w); return err })
	return n, err
}

// Compact rewrites the file without the room that deleted records left. Readers do not wait, but for the moment of the swap. A kill in
// between leaves the old file or the new one. It needs as much free disk space as the compacted file.
func (e *Engine) Compact() (err error) {
	if e.o.ReadOnly {
		return engine.Fail(engine.ErrReadOnly, nil, "state file %s was opened read-only and cannot be compacted", e.path)
	}
	e.maintenance.Lock()
	defer e.maintenance.Unlock()
	e.writing.Lock()
	defer e.writing.Unlock()

	if e.broken != nil {
		return e.broken
	}

	tmp := e.path + compactSuffix
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("compact state: %w", err)
	}
	fresh, err := bbolt.Open(tmp, 0o600, &bbolt.Options{
		Timeout:      time.Second,
		FreelistType: bbolt.FreelistMapType,
		NoSync:       true,
		// As at Open: room to grow without remapping.
		InitialMmapSize: 256 << 20,
		MaxSize:         e.o.MaxBytes,
	})
	if err != nil {
		return fmt.Errorf("compact state: %w", explain(tmp, err))
	}
	swapped := false
	defer func() {
		if !swapped {
			_ = fresh.Close()
			_ = os.Remove(tmp)
		}
	}()
	if err = e.read(func(tx *bbolt.Tx) error {
		fresh.AllocSize = allocSize(tx.Size())
		return copyInto(fresh, tx)
	}); err == nil {
		err = fresh.Sync()
	}
	if err != nil {
		return fmt.Errorf("compact state: %w", explain(e.path, err))
	}
	fresh.NoSync = e.o.NoSync

	e.handle.Lock()
	defer e.handle.Unlock()
	if e.b == nil {
		return engine.ErrClosed
	}
	// The copy is locked since it was opened, so that there is no moment in which another process could take the file.
	if err := os.Rename(tmp, e.path); err != nil {
		return fmt.Errorf("compact state: %w", err)
	}
	swapped = true
	old := e.b
	e.b, e.pageSize = fresh, fresh.Info().PageSize
	return errors.Join(disk.SyncDir(filepath.Dir(e.path)), old.Close())
}

// copyTx is how many bytes of pairs one transaction of a copy takes: it is held in memory.
const copyTx = 8 << 20

// copyInto writes all buckets of src into the empty file dst, in key order into nearly full pages.
func copyInto(dst *bbolt.DB, src *bbolt.Tx) error {
	return src.ForEach(func(name []byte, from *bbolt.Bucket) error {
		c := from.Cursor()
		k, v := c.First()
		for first := true; first || k != nil; first = false {
			err := dst.Update(func(tx *bbolt.Tx) error {
				to, err := tx.CreateBucketIfNotExists(name)
				if err != nil {
					return err
				}
				if err := to.SetSequence(from.Sequence()); err != nil {
					return err
				}
				to.FillPercent = fill
				for size := 0; k != nil && size < copyTx; k, v = c.Next() {
					if err := to.Put(k, v); err != nil {
						return err
					}
					size += len(k) + len(v)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// roomToSpare is what must be left on the disk beside the copy, for the migration itself.
const roomToSpare = 16 << 20

// diskRoom is how many bytes may be written beside a file, where the system says so. A variable for tests.
var diskRoom = disk.Free

// Keep copies the file to FILE.before, unless a migration that was cut short left one. The disk is asked first for room: the copy, and as
// much again for the migration.
func (e *Engine) Keep() error {
	kept := e.path + keptSuffix
	if _, err := os.Stat(kept); err == nil {
		return nil
	}
	total, _ := e.Size()
	if room, ok := diskRoom(e.path); ok {
		if need := 2*total + roomToSpare; room < need {
			return engine.Fail(engine.ErrFull, nil, "state file %s is of an older version: bringing it up to date needs %d MB of free disk, there are %d; free some space, nothing was changed",
				e.path, need>>20, room>>20)
		}
	}
	tmp := kept + ".partial"
	defer os.Remove(tmp)
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return explain(tmp, err)
	}
	defer f.Close()
	if _, err = e.Backup(f); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(tmp, kept)
	}
	if err == nil {
		err = disk.SyncDir(filepath.Dir(kept))
	}
	return explain(kept, err)
}

// DropKept removes FILE.before.
func (e *Engine) DropKept() error {
	if err := os.Remove(e.path + keptSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain(e.path, err)
	}
	return nil
}
