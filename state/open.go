package state

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state/engine"
	"github.com/intentd/intentd/state/engine/bolt"
)

// Open opens the state file at path, makes it if there is none, and brings an older one up to date. Its errors are
// ErrLocked, ErrNewer, ErrDamaged, ErrReadOnly and ErrFull, each in a sentence that says what to do, or the system's own.
func Open(path string, o Options) (*DB, error) {
	if o.LockTimeout <= 0 {
		o.LockTimeout = 2 * time.Second
	}
	e, err := bolt.Open(path, bolt.Options{Tenant: engine.Default, Buckets: Buckets(), LockTimeout: o.LockTimeout, NoSync: o.NoSync, ReadOnly: o.ReadOnly,
		MaxBytes: o.maxBytes, BeforeCommit: o.beforeCommit})
	if err != nil {
		return nil, err
	}
	return New(e, o)
}

// New is the state of the tenant that an engine was opened for, over buckets named as Buckets has them. It brings an older one up to date. The
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
	if o.Fields.Fields == nil {
		o.Fields = connectors.AllPersonFields() // those of a configuration that has changed since, too
	}
	if o.migrations == nil {
		o.migrations = migrations
	}
	db := &DB{e: e, o: o}
	db.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, db.secret)} }
	db.queue.init()
	err := migrate(e, o.migrations, o.ReadOnly, o.Progress)
	if err == nil {
		err = db.view(db.load)
	}
	if err == nil {
		err = db.view((*txn).loadHours)
	}
	if err != nil {
		_ = e.Close()
		return nil, err
	}
	return db, nil
}

// Tenant is whose state it is: engine.Default, unless an engine was opened for another.
func (db *DB) Tenant() string { return db.e.Tenant() }

// Close flushes and closes. Calls that come later get ErrClosed. Closing again does nothing.
func (db *DB) Close() error {
	db.keepHours()
	first, err := db.finish()
	if !first {
		return nil
	}
	if err == nil && !db.o.ReadOnly {
		err = db.e.DropKept() // of a migration: this version has worked with what it made
	}
	return errors.Join(err, db.e.Close())
}
