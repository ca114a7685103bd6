package state

import (
	"hash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state/engine"
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

// OwnFields are the fields whose values are followed in the CRM.
func (db *DB) OwnFields() connectors.FieldSet { return db.o.Fields }

// view runs fn in a read transaction. It should be short. Writes inside fail. Where an engine has to fetch first what fn reads, fn runs again:
// what it leaves outside is what its last run left.
func (db *DB) view(fn func(*txn) error) error {
	return db.e.View(func(e engine.Tx) error {
		tx := db.newTx(e)
		return engine.Run(e, func() error { return fn(tx) })
	})
}

// Alive says why the state does not answer; nil if it does.
func (db *DB) Alive() error { return db.view(func(*txn) error { return nil }) }

// Path is where the file is.
func (db *DB) Path() string { return db.e.Path() }

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
