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
	Fields            connectors.FieldSet // whose values are followed in the CRM; none: connectors.AllPersonFields

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

	hours hours

	commits, calls atomic.Int64
}

// txn is a transaction: a consistent view of the state and, inside an update, the means to change it. It is valid until the
// function it was given to returns, and belongs to that function's goroutine.
type txn struct {
	db  *DB
	e   engine.Tx
	w   *write // in a view the engine refuses what would be written
	key []byte // of the read or write under way: what is handed to the engine escapes, the callers' keys need not
}

// write is what a transaction carries beside its pairs: everything the DB takes over once the commit is on disk.
type write struct {
	ops      int // puts and deletes so far
	counts   counts
	names    []string // new ones, in order
	nameBase int      // names before this transaction
	queue    queueChange
	scratch  []byte // for a value in the making
}

// newTx begins a transaction with the counts and names as of the last commit.
func (db *DB) newTx(e engine.Tx) *txn {
	w := new(write)
	db.countsMu.Lock()
	w.counts = db.counts
	db.countsMu.Unlock()
	db.names.mu.RLock()
	w.nameBase = len(db.names.byID)
	db.names.mu.RUnlock()
	return &txn{db: db, e: e, w: w}
}

// view runs fn in a read transaction. It should be short. Writes inside fail. Where an engine has to fetch first what fn reads, fn runs again:
// what it leaves outside is what its last run left.
func (db *DB) view(fn func(*txn) error) error {
	return db.e.View(func(e engine.Tx) error {
		tx := db.newTx(e)
		return engine.Run(e, func() error { return fn(tx) })
	})
}

// viewOf is what fn finds out in a view. It comes out as a result, so that nothing stays of a run that the engine had run again.
func viewOf[T any](db *DB, fn func(*txn) (T, error)) (found T, err error) {
	err = db.view(func(tx *txn) (err error) { found, err = fn(tx); return err })
	return found, err
}

// OwnFields are the fields whose values are followed in the CRM.
func (db *DB) OwnFields() connectors.FieldSet { return db.o.Fields }

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

// group is what waits for a commit, and who leads the next.
type group struct {
	mu      sync.Mutex
	calls   []*call
	leading bool
	closed  bool

	later   []func(*txn) error // run with the next group
	timer   *time.Timer        // leads for later if nobody else does
	running sync.WaitGroup     // of timer

	laterFailed int64  // functions of updateLater that failed or were given up
	laterError  string // of the last of them
}

// call is an update that waits for its commit.
type call struct {
	fn    func(*txn) error
	err   error
	panic any
	done  chan bool // false: done; true: you lead now
}

// settingOrder numbers the values that settings are given in this process: an older one never overwrites a newer one, whichever commit
// takes it.
type settingOrder struct {
	mu sync.Mutex
	n  map[string]uint64
}

func (o *settingOrder) next(key string) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n == nil {
		o.n = map[string]uint64{}
	}
	o.n[key]++
	return o.n[key]
}

func (o *settingOrder) latest(key string) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n[key]
}
