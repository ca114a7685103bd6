// Package engine says what package state needs to be kept in: ordered keys.
//
// Terms:
//
//   - A tenant is one portal's whole state. An engine is opened for one tenant and sees nobody else's.
//   - A bucket is a set of pairs of its own, ordered by key as bytes.
//   - A level is what a function reads that it can name without having read anything else of it: the keys of a second level are found in the
//     values of the first. An engine far from its data fetches a level in one round trip (see Tx.Prefetch).
//
// Promises of every engine, which package statetest holds state over it to:
//
//   - What Update returned nil for is durable, all of it; otherwise none of it is kept. After a takeover by another owner nothing is.
//   - A View sees one moment. Reads in an Update see what it wrote.
//   - What a Tx gives is valid until its function returns and must not be changed; what it is given it keeps only where that is said.
//   - Damage is an error of kind ErrDamaged, never a panic. Reads give no error of their own: an engine that cannot read any more ends
//     the function, or gives nothing and lets Update and View return the error in the place of the function's own.
package engine

import (
	"errors"
	"io"
)

// Default is the one tenant of an installation that serves one portal.
const Default = "default"

// Bucket is the number of a bucket. Its name is what is kept (see Buckets).
type Bucket uint8

// Buckets are the names of all buckets, by number. The order may change from version to version; the names may not.
type Buckets []BucketInfo

// BucketInfo describes a bucket.
type BucketInfo struct {
	Name string
	// Scattered says that keys come in any order; otherwise most of them ascend.
	Scattered bool
}

// Tx is a transaction. It is valid until the function it was given to returns, and belongs to that function's goroutine.
type Tx interface {
	// Get is the value of a key; nil if there is none.
	Get(b Bucket, key []byte) []byte
	// Floor is the pair with the greatest key that is not above key; nil if there is none.
	Floor(b Bucket, key []byte) (k, v []byte)
	// Scan goes through a range in ascending order. Its cursor ends with the next Put or Delete.
	Scan(r Range) Cursor

	// Put stores a pair. The key is copied; the value must stay as it is until the transaction ends (see Alloc).
	Put(b Bucket, key, value []byte) error
	// Delete removes a pair, if there is one.
	Delete(b Bucket, key []byte) error
	// Sequence counts up in a bucket, from 1 on.
	Sequence(b Bucket) (uint64, error)
	// Alloc is room for a value until the transaction ends.
	Alloc(n int) []byte

	// Savepoint runs fn. If that fails or panics, all it did in the transaction is taken back; the transaction goes on. Savepoints nest.
	Savepoint(fn func() error) error
	// Prefetch fetches, in one round trip, whatever was read since the transaction began and was not at hand: such a read gave nothing. It says
	// whether there was anything: then what was read is void, and whoever read is to take back what they did and read again. An
	// engine that has everything at hand always says no.
	Prefetch() bool
	// Missing says whether there is anything that Prefetch would fetch.
	Missing() bool

	// Make makes a bucket, if there is none, and Fresh says that no bucket was ever made.
	Make(b Bucket) error
	Fresh() bool
}

// Run runs fn, and again as long as it read what had to be fetched first: what came of an attempt is then void, a panic included.
func Run(tx Tx, fn func() error) error {
	for {
		if again, err := attempt(tx, fn); !again {
			return err
		}
	}
}

// Change is Run for what changes pairs: what an attempt in vain changed, or one that failed, is taken back.
func Change(tx Tx, fn func() error) error {
	for {
		again := false
		err := tx.Savepoint(func() (err error) {
			if again, err = attempt(tx, fn); again {
				return errAgain
			}
			return err
		})
		if !again {
			return err
		}
	}
}

var errAgain = errors.New("state: what was read has to be fetched first")

func attempt(tx Tx, fn func() error) (again bool, err error) {
	defer func() {
		if again = tx.Prefetch(); again {
			_ = recover()
		}
	}()
	return false, fn()
}

// Range is a range of pairs, bounded: keys that begin with Prefix, from From on, at most Limit of them (0: all). A floor begins with the greatest
// key that is not above From, if there is one.
type Range struct {
	Bucket       Bucket
	Prefix, From []byte
	Floor        bool
	Limit        int
}

// Cursor is where a scan stands.
type Cursor interface {
	// Next is the next pair, from the first on; nil at the end.
	Next() (k, v []byte)
}

// Engine keeps the pairs of one tenant. All methods are safe for concurrent use; transactions must not be nested.
type Engine interface {
	// Update runs fn and makes durable what it changed, if it returns nil. An engine may run it again from the start.
	Update(fn func(Tx) error) error
	// View runs fn over one moment. It should be short.
	View(fn func(Tx) error) error
	Close() error

	Tenant() string
	Path() string // where it is, as people are told
	Upkeep
}

// Upkeep is what is done to a tenant's pairs as a whole.
type Upkeep interface {
	// Size is how many bytes there are, and how many of them are left over from what was deleted.
	Size() (total, free int64)
	// Sizes tells what each bucket takes, by name.
	Sizes() (map[string]BucketSize, error)
	// Check looks for damage that reading might not meet, and calls note with each finding until that returns false. Updates wait.
	Check(note func(format string, args ...any) bool) error
	// Backup writes a consistent copy, and says how many bytes it was.
	Backup(w io.Writer) (int64, error)
	// Compact gives back what deleted pairs left, so that their bytes are gone, too. Updates wait.
	Compact() error
	// Keep puts a copy aside before a migration, which DropKept removes. One that is there from a migration that was cut short stays.
	Keep() error
	DropKept() error
}

// BucketSize is what one bucket takes.
type BucketSize struct {
	Pairs int   // keys and values; an index packs many entries into one
	Used  int64 // bytes in use
	Pages int64 // bytes of the pages that hold them
}
