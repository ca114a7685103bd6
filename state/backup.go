package state

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// compactSuffix names the copy that Compact writes beside the file.
const compactSuffix = ".compact"

// Backup writes a consistent copy of the state to w while it is in use, and says how many bytes it was. The copy is a state file.
func (db *DB) Backup(w io.Writer) (n int64, err error) {
	db.maintenance.Lock()
	defer db.maintenance.Unlock()
	err = db.View(func(tx *Tx) error {
		n, err = tx.b.WriteTo(w)
		return err
	})
	return n, err
}

// BackupFile is Backup into a new file, 0600, that appears only when it is complete and on disk. It never overwrites.
func (db *DB) BackupFile(path string) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up state: %s exists already", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.partial") // 0600
	if err != nil {
		return fmt.Errorf("back up state: %w", err)
	}
	tmp := f.Name()
	defer os.Remove(tmp)
	defer f.Close()
	buffered := bufio.NewWriterSize(f, 1<<20)
	if _, err = db.Backup(buffered); err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		// Unlike a rename, a link fails if somebody has made the file meanwhile. Not every file system can link.
		if err = os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
			err = os.Rename(tmp, path)
		}
	}
	if err == nil {
		err = syncDir(path)
	}
	if err != nil {
		return fmt.Errorf("back up state to %s: %w", path, err)
	}
	return nil
}

// Compact rewrites the file without the room that deleted records left, so that their bytes are gone, too. Writers wait; readers do
// not, but for the moment of the swap. A kill in between leaves the old file or the new one. It needs as much free disk space as
// the compacted file.
func (db *DB) Compact() (err error) {
	if db.o.ReadOnly {
		return fail(ErrReadOnly, nil, "state file %s was opened read-only and cannot be compacted", db.path)
	}
	db.maintenance.Lock()
	defer db.maintenance.Unlock()
	db.writing.Lock()
	defer db.writing.Unlock()

	if db.broken != nil {
		return db.broken
	}

	tmp := db.path + compactSuffix
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("compact state: %w", err)
	}
	fresh, err := bbolt.Open(tmp, 0o600, &bbolt.Options{
		Timeout:      time.Second,
		FreelistType: bbolt.FreelistMapType,
		NoSync:       true,
		// As at Open: room to grow without remapping.
		InitialMmapSize: 256 << 20,
		MaxSize:         db.o.maxBytes,
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
	if err = db.View(func(tx *Tx) error {
		fresh.AllocSize = allocSize(tx.b.Size())
		return copyInto(fresh, tx.b)
	}); err == nil {
		err = fresh.Sync()
	}
	if err != nil {
		return fmt.Errorf("compact state: %w", explain(db.path, err))
	}
	fresh.NoSync = db.o.NoSync

	db.handle.Lock()
	defer db.handle.Unlock()
	if db.b == nil {
		return ErrClosed
	}
	// The copy is locked since it was opened, so that there is no moment in which another process could take the file.
	if err := os.Rename(tmp, db.path); err != nil {
		return fmt.Errorf("compact state: %w", err)
	}
	swapped = true
	old := db.b
	db.b, db.pageSize = fresh, fresh.Info().PageSize
	return errors.Join(syncDir(db.path), old.Close())
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
