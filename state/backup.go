package state

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/intentd/intentd/connectors/disk"
)

// Backup writes a consistent copy of the state to w while it is in use, and says how many bytes it was. The copy is a state file.
func (db *DB) Backup(w io.Writer) (int64, error) { return db.e.Backup(w) }

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
		err = disk.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("back up state to %s: %w", path, err)
	}
	return nil
}

// Compact gives back the room that deleted records left, so that their bytes are gone, too. Writers wait; readers do not, but for a moment. A
// kill in between leaves the old file or the new one. It needs as much free disk space as the compacted file.
func (db *DB) Compact() error { return db.e.Compact() }
