package state

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"hash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/state/engine"
	"github.com/intentd/intentd/state/engine/bolt"
)

// Options say how to open. The zero value is right for a daemon.
type Options struct {
	LockTimeout       time.Duration    // how long to wait for another process to let go of the file; 0: 2 seconds
	NoSync            bool             // no fsync: for tests, loses data at a power cut
	Now               func() time.Time // nil: time.Now
	ReadOnly          bool             // look only: several such processes may share the file
	ReceiptsPerPerson int              // receipts kept a person, newest first; 0: 3
	CacheEntries      int              // entries kept in each cache; 0: 200,000

	Progress func(line string) // told how far bringing an older state up to date is; nil: nobody

	migrations []migration // tests: other steps than those of this version
	maxBytes   int         // tests: a file that cannot grow beyond

	beforeCommit func() error // tests: a disk that fails
}

// DB is an open state. All methods are safe for concurrent use.
type DB struct {
	e engine.Engine
	o Options

	writing sync.Mutex // held by whoever commits
	scratch []byte     // of the write transaction
	group   group      // calls waiting for a commit

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
	e, err := bolt.Open(path, bolt.Options{Tenant: engine.Default, Spaces: spaces[:], LockTimeout: o.LockTimeout, NoSync: o.NoSync, ReadOnly: o.ReadOnly,
		MaxBytes: o.maxBytes, BeforeCommit: o.beforeCommit})
	if err != nil {
		return nil, err
	}
	return New(e, o)
}

// New is the state of the tenant that an engine was opened for, over spaces named as Spaces has them. It brings an older one up to date. The
// engine is closed with the state, or now if there is an error.
func New(e engine.Engine, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ReceiptsPerPerson <= 0 {
		o.ReceiptsPerPerson = 3
	}
	if o.CacheEntries <= 0 {
		o.CacheEntries = 200_000
	}
	if o.migrations == nil {
		o.migrations = migrations
	}
	db := &DB{e: e, o: o}
	db.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, db.secret)} }
	db.queue.init()
	err := migrate(e, o.migrations, &o)
	if err == nil {
		err = db.view(db.load)
	}
	if err != nil {
		_ = e.Close()
		return nil, err
	}
	return db, nil
}

// load reads what is held in memory; leases stay.
func (db *DB) load(tx *txn) error {
	if db.secret == nil {
		db.secret = slices.Clone(tx.get(bMeta, secretKey))
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
}

// view runs fn in a read transaction. It should be short. Writes inside fail. Where an engine has to fetch first what fn reads, fn runs again:
// what it leaves outside is what its last run left.
func (db *DB) view(fn func(*txn) error) error {
	return db.e.View(func(e engine.Tx) error {
		tx := db.newTx(e, nil)
		for {
			if again, err := engine.Attempt(e, func() error { return fn(tx) }); !again {
				return err
			}
		}
	})
}

// Alive says why the state does not answer; nil if it does.
func (db *DB) Alive() error { return db.view(func(*txn) error { return nil }) }

// Path is where the file is.
func (db *DB) Path() string { return db.e.Path() }

// Tenant is whose state it is: engine.Default, unless an engine was opened for another.
func (db *DB) Tenant() string { return db.e.Tenant() }

// Close flushes and closes. Calls that come later get ErrClosed. Closing again does nothing.
func (db *DB) Close() error {
	first, err := db.finish()
	if !first {
		return nil
	}
	if err == nil && !db.o.ReadOnly {
		err = db.e.DropKept() // of a migration: this version has worked with what it made
	}
	return errors.Join(err, db.e.Close())
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
