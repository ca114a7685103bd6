// Package bolt keeps the pairs of one tenant in one bbolt file: the engine of a daemon that stands alone.
//
// The file is readable by its owner only and locked against every other process, readers too, but for those that only look. Its headers, its
// length and what bbolt asserts are checked: bbolt trusts what it maps, so that a damaged file makes it panic or fault, which becomes
// ErrDamaged here. A commit that fails changes nothing and leaves the file usable; after an input/output error it can only be read until it is
// opened again: nobody knows what such a disk has kept. Deleted bytes stay in the file, unreachable, until Compact rewrites it.
package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"github.com/intentd/intentd/connectors/disk"
	"github.com/intentd/intentd/state/engine"
)

// Options say how to open.
type Options struct {
	Tenant      string // "": engine.Default
	Buckets     engine.Buckets
	LockTimeout time.Duration // how long to wait for another process to let go of the file
	NoSync      bool          // no fsync: for tests, loses data at a power cut
	ReadOnly    bool          // look only: several such processes may share the file
	MaxBytes    int           // 0: no limit

	BeforeCommit func() error // for tests: fails in the disk's place
}

// Engine is an open file.
type Engine struct {
	path string
	o    Options

	// handle guards b: held shared around transactions, exclusively to swap or close the file.
	handle   sync.RWMutex
	b        *bbolt.DB
	pageSize int

	// writing is held by whoever writes, so that Compact can keep them out. maintenance keeps long reads (Backup, Check, Compact) apart.
	writing, maintenance sync.Mutex
	arena                arena // of the write transaction
	broken               error // why there are no more writes

	// What was written since the mapping was last forgotten, and when that was.
	written   int64
	forgotten time.Time
}

// Open opens the file at path, and makes it if there is none. Its errors are ErrLocked, ErrDamaged, ErrReadOnly and ErrFull, each in a
// sentence that says what to do, or the system's own.
func Open(path string, o Options) (*Engine, error) {
	if o.Tenant == "" {
		o.Tenant = engine.Default
	}
	b, err := openFile(path, o)
	if err != nil {
		return nil, explain(path, err)
	}
	return &Engine{path: path, o: o, b: b, pageSize: b.Info().PageSize}, nil
}

// openFile opens, locks and checks.
func openFile(path string, o Options) (b *bbolt.DB, err error) {
	var file *os.File
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			b = nil
			if file != nil {
				// Closing is not enough: the mapping, which nobody can undo now, would keep the lock.
				_ = disk.Unlock(file)
				_ = file.Close()
			}
			err = ofPanic(path, p)
		}
	}()
	before, statErr := os.Stat(path)
	if statErr == nil && before.IsDir() {
		return nil, fmt.Errorf("state file %s is a directory", path)
	}
	if statErr == nil && before.Size() > 0 && before.Size() < smallest {
		return nil, engine.Fail(engine.ErrDamaged, nil, "state file %s is damaged or no state file (%d bytes); restore the latest backup", path, before.Size())
	}
	initial := 256 << 20 // address space only; it spares remapping, which waits for every reader
	if statErr == nil {
		initial = max(initial, 2*int(before.Size()))
	}
	if o.ReadOnly {
		initial = 0
	}
	deadline := time.Now().Add(o.LockTimeout)
	for {
		b, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:         max(time.Until(deadline), time.Millisecond),
			ReadOnly:        o.ReadOnly,
			FreelistType:    bbolt.FreelistMapType,
			NoSync:          o.NoSync,
			InitialMmapSize: initial,
			MaxSize:         o.MaxBytes,
			NoStatistics:    false,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				f, err := os.OpenFile(name, flag, mode)
				file = f
				return f, err
			},
		})
		if err != nil {
			return nil, err
		}
		b.AllocSize = allocSize(0)
		// While we waited for the lock its holder may have compacted: then we have locked a file that is no longer there.
		opened, err1 := file.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(opened, there) {
			if err := b.View(func(tx *bbolt.Tx) error { return whole(tx, opened.Size(), path) }); err != nil {
				_ = b.Close()
				return nil, err
			}
			break
		}
		_ = b.Close()
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
	}
	if !o.ReadOnly {
		if err = secure(path, statErr != nil); err != nil {
			_ = b.Close()
			return nil, err
		}
		_ = os.Remove(path + compactSuffix) // of a compaction that was killed
	}
	return b, nil
}

// smallest is what bbolt writes first: two headers, the list of free pages, the root, on pages of 4 KB or more.
const smallest = 4 * 4096

// whole refuses a file that is shorter than its own header says: reading the missing part would fault much later.
func whole(tx *bbolt.Tx, size int64, path string) error {
	if tx.Size() > size {
		return engine.Fail(engine.ErrDamaged, nil, "state file %s is cut short (%d of %d bytes); restore the latest backup", path, size, tx.Size())
	}
	return nil
}

// secure takes the file from everybody but its owner and makes the directory remember a new one.
func secure(path string, created bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
	}
	if created {
		return disk.SyncDir(filepath.Dir(path))
	}
	return nil
}

// Tenant is whose state the file is.
func (e *Engine) Tenant() string { return e.o.Tenant }

// Path is where the file is.
func (e *Engine) Path() string { return e.path }

// View runs fn over one moment. While it runs no page that it sees can be used again, and it can hold up a writer that needs a larger mapping.
func (e *Engine) View(fn func(engine.Tx) error) error {
	e.handle.RLock()
	defer e.handle.RUnlock()
	if e.b == nil {
		return engine.ErrClosed
	}
	b, err := e.b.Begin(false)
	if err != nil {
		return explain(e.path, err)
	}
	defer b.Rollback()
	return e.guard(func() error { return fn(e.newTx(b, nil)) })
}

// Update runs fn and commits what it changed. One that changed nothing costs no commit.
func (e *Engine) Update(fn func(engine.Tx) error) error {
	if e.o.ReadOnly {
		return engine.Fail(engine.ErrReadOnly, nil, "state file %s was opened read-only and cannot be changed", e.path)
	}
	e.writing.Lock()
	defer e.writing.Unlock()
	e.handle.RLock()
	defer e.handle.RUnlock()
	if e.b == nil {
		return engine.ErrClosed
	}
	if e.broken != nil {
		return e.broken
	}
	b, err := e.b.Begin(true)
	if err != nil {
		return e.failed(err)
	}
	e.arena.reset()
	defer e.arena.reset()
	defer e.guardAll(b.Rollback) // does nothing once it is committed
	tx := e.newTx(b, &e.arena)
	tx.undo = e.arena.undo
	defer func() {
		if cap(tx.undo) <= undoToOwn {
			clear(tx.undo[:cap(tx.undo)])
			e.arena.undo = tx.undo[:0]
		}
	}()
	if err := e.guard(func() error { return fn(tx) }); err != nil && tx.stuck == nil {
		return err
	}
	switch {
	case tx.stuck != nil:
		return e.failed(tx.stuck)
	case !tx.wrote:
		return nil
	}
	size := b.Size()
	err = e.failed(e.guardAll(func() error {
		e.b.AllocSize = allocSize(size)
		if e.o.BeforeCommit != nil {
			if err := e.o.BeforeCommit(); err != nil {
				return err
			}
		}
		return b.Commit()
	}))
	stats := b.Stats()
	e.tidyMapping(stats.GetPageAlloc(), size)
	return err
}

// Pages that were looked at stay in the process's resident memory for as long as nobody else wants them: after a first sync that is the whole file, 65 MB for
// 20,000 people, and what watches a container takes it for memory in use. So the mapping is forgotten each time this much was written, or this long after.
const (
	forgetAfter = 4 << 20
	forgetEvery = time.Minute
)

// tidyMapping is called by the writer, who alone could move the mapping, with the bytes that it wrote and the file's size.
func (e *Engine) tidyMapping(wrote, size int64) {
	if e.written += wrote; e.written < forgetAfter && time.Since(e.forgotten) < forgetEvery {
		return
	}
	e.written, e.forgotten = 0, time.Now()
	forgetMapped(e.b.Info().Data, size)
}

// failed is why a commit failed, in a sentence. After a failed fsync the system may have dropped what it could not write, and the next one
// would succeed without it: only opening the file anew tells what is on disk.
func (e *Engine) failed(err error) error {
	err = explain(e.path, err)
	if errors.Is(err, syscall.EIO) || errors.Is(err, engine.ErrDamaged) {
		e.broken = engine.Fail(engine.ErrBroken, err, "state file %s takes no more changes since a write failed (%v); check the disk and restart", e.path, bare(err))
	}
	return err
}

// Close waits for what is under way. Closing again does nothing.
func (e *Engine) Close() error {
	e.maintenance.Lock() // waits for a backup under way
	defer e.maintenance.Unlock()
	e.writing.Lock()
	defer e.writing.Unlock()
	e.handle.Lock()
	defer e.handle.Unlock()
	b := e.b
	if b == nil {
		return nil
	}
	e.b = nil
	return explain(e.path, b.Close())
}

// allocSize is by how much the file grows at a time: an eighth, between 256 KB and 16 MB, since every step costs an fsync.
func allocSize(size int64) int { return int(min(max(size/8, 256<<10), 16<<20)) }
