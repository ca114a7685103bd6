package state

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"github.com/intentd/intentd/connectors"
)

// Options say how to open. The zero value is right for a daemon.
type Options struct {
	LockTimeout       time.Duration       // how long to wait for another process to let go of the file; 0: 2 seconds
	NoSync            bool                // no fsync: for tests, loses data at a power cut
	Now               func() time.Time    // nil: time.Now
	ReadOnly          bool                // look only: several such processes may share the file
	ReceiptsPerPerson int                 // receipts kept a person, newest first; 0: 3
	CacheEntries      int                 // entries kept in each cache; 0: 200,000
	Fields            connectors.FieldSet // whose values are followed in the CRM; none: connectors.PersonFields

	migrations []migration // tests: other steps than those of this version
	maxBytes   int         // tests: a file that cannot grow beyond

	beforeCommit func() error // tests: a disk that fails
}

// DB is an open state file. All methods are safe for concurrent use.
type DB struct {
	path string
	o    Options

	// handle guards b: held shared around transactions, exclusively to swap or close the file.
	handle   sync.RWMutex
	b        *bbolt.DB
	pageSize int

	// writing is held by whoever runs write transactions, so that Compact can keep them out. maintenance keeps long reads
	// (Backup, Verify, Compact) apart.
	writing, maintenance sync.Mutex
	arena                arena // of the write transaction
	broken               error // why there are no more writes

	group group // calls waiting for a commit

	names  names
	secret []byte
	macs   sync.Pool // of *mac keyed with secret

	countsMu sync.Mutex
	counts   counts // as of the last commit

	queue queue // leases

	settings settingOrder

	commits, calls atomic.Int64
}

// Open opens the state file at path, makes it if there is none, and brings an older one up to date. Its errors are
// ErrLocked, ErrNewer, ErrDamaged, ErrReadOnly and ErrFull, each in a sentence that says what to do, or the system's own.
func Open(path string, o Options) (*DB, error) {
	if o.LockTimeout <= 0 {
		o.LockTimeout = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ReceiptsPerPerson <= 0 {
		o.ReceiptsPerPerson = 3
	}
	if o.CacheEntries <= 0 {
		o.CacheEntries = 200_000
	}
	if o.Fields.Fields == nil {
		o.Fields = connectors.PersonFields()
	}
	if o.migrations == nil {
		o.migrations = migrations
	}
	b, err := openFile(path, o)
	if err != nil {
		return nil, explain(path, err)
	}
	db := &DB{path: path, o: o, b: b, pageSize: b.Info().PageSize}
	db.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, db.secret)} }
	db.queue.init()
	if err := db.load(); err != nil {
		_ = b.Close()
		return nil, explain(path, err)
	}
	return db, nil
}

// OwnFields are the fields whose values are followed in the CRM.
func (db *DB) OwnFields() connectors.FieldSet { return db.o.Fields }

// openFile opens, locks, checks and migrates. bbolt trusts what it maps, so that a damaged file makes it panic or fault:
// both come back as ErrDamaged here.
func openFile(path string, o Options) (b *bbolt.DB, err error) {
	var file *os.File
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			b = nil
			if file != nil {
				// Closing is not enough: the mapping, which nobody can undo now, would keep the lock.
				_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
				_ = file.Close()
			}
			var ok bool
			if err, ok = asError(path, p); !ok {
				err = fail(ErrDamaged, nil, "state file %s is damaged (%v); restore the latest backup", path, p)
			}
		}
	}()
	before, statErr := os.Stat(path)
	if statErr == nil && before.IsDir() {
		return nil, fmt.Errorf("state file %s is a directory", path)
	}
	if statErr == nil && before.Size() > 0 && before.Size() < smallest {
		return nil, fail(ErrDamaged, nil, "state file %s is damaged or no state file (%d bytes); restore the latest backup", path, before.Size())
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
			MaxSize:         o.maxBytes,
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
		if err = secure(path, statErr != nil); err == nil {
			_ = os.Remove(path + compactSuffix) // of a compaction that was killed
		}
	}
	if err == nil {
		err = migrate(b, path, o.migrations, o.ReadOnly)
	}
	if err != nil {
		_ = b.Close()
		return nil, err
	}
	return b, nil
}

// smallest is what bbolt writes first: two headers, the list of free pages, the root, on pages of 4 KB or more.
const smallest = 4 * 4096

// whole refuses a file that is shorter than its own header says: reading the missing part would fault much later.
func whole(tx *bbolt.Tx, size int64, path string) error {
	if tx.Size() > size {
		return fail(ErrDamaged, nil, "state file %s is cut short (%d of %d bytes); restore the latest backup", path, size, tx.Size())
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
		return syncDir(path)
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// load reads what is held in memory.
func (db *DB) load() error {
	return db.View(func(tx *Tx) error {
		meta := tx.bucket(bMeta)
		if db.secret == nil {
			db.secret = append([]byte(nil), meta.Get(secretKey)...)
			if len(db.secret) != 32 {
				return damaged("secret")
			}
		}
		if err := db.names.load(tx); err != nil {
			return err
		}
		c, err := tx.loadCounts()
		if err != nil {
			return err
		}
		db.countsMu.Lock()
		db.counts = c
		db.countsMu.Unlock()
		return nil
	})
}

// View runs fn in a read transaction. It should be short: while it runs no page that it sees can be used again, and it can
// hold up a writer that needs a larger mapping. Writes inside fail.
func (db *DB) View(fn func(*Tx) error) (err error) {
	db.handle.RLock()
	defer db.handle.RUnlock()
	if db.b == nil {
		return ErrClosed
	}
	b, err := db.b.Begin(false)
	if err != nil {
		return explain(db.path, err)
	}
	defer b.Rollback()
	return db.guard(func() error { return fn(db.newTx(b, nil)) }, nil)
}

// guard runs fn and turns what bbolt does on a damaged file into ErrDamaged. Any other panic is a bug of whoever wrote fn: bug
// makes an error of it, or, if nil, it goes on.
func (db *DB) guard(fn func() error, bug func(p any) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		var ok bool
		if name, is := p.(missingBucket); is {
			err = fail(ErrDamaged, nil, "state file %s is damaged (no bucket %s); restore the latest backup", db.path, string(name))
		} else if err, ok = asError(db.path, p); !ok {
			if bug == nil {
				panic(p)
			}
			err = bug(p)
		}
	}()
	return fn()
}

// anyPanic is for where only this package and bbolt run.
func (db *DB) anyPanic(p any) error {
	return fail(ErrDamaged, nil, "state file %s is damaged (%v); restore the latest backup", db.path, p)
}

// Alive says why the state does not answer; nil if it does.
func (db *DB) Alive() error { return db.View(func(*Tx) error { return nil }) }

// Path is where the file is.
func (db *DB) Path() string { return db.path }

// Close flushes and closes. Calls that come later get ErrClosed. Closing again does nothing.
func (db *DB) Close() error {
	first, err := db.finish()
	if !first {
		return nil
	}
	db.maintenance.Lock() // waits for a backup under way
	defer db.maintenance.Unlock()
	db.writing.Lock()
	defer db.writing.Unlock()
	db.handle.Lock()
	defer db.handle.Unlock()
	b := db.b
	db.b = nil
	return errors.Join(err, explain(db.path, b.Close()))
}

// mac is a keyed 12-byte hash of what under the install secret; domain keeps uses apart.
func (db *DB) mac(domain byte, what string) (sum [hashLen]byte) {
	m := db.macs.Get().(*mac)
	defer db.macs.Put(m)
	m.hash.Reset()
	m.buf = append(append(m.buf[:0], domain), what...)
	m.hash.Write(m.buf)
	m.buf = m.hash.Sum(m.buf[:0])
	copy(sum[:], m.buf)
	return sum
}

// mac is a keyed hash with room for what goes in and comes out.
type mac struct {
	hash hash.Hash
	buf  []byte
}

const hashLen = 12
