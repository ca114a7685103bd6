package state

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

type bucketID uint8

const (
	bMeta       bucketID = iota // schema, secret, counts
	bSettings                   // key → value
	bBindings                   // CRM → account
	bCursors                    // name → cursor
	bNames                      // number → string
	bPeople                     // person → identities, core record
	bContacts                   // record → contact
	bIdentities                 // cells of hash, person
	bLinks                      // person → links
	bDue                        // cells of time, person
	bQueue                      // lane, order, person → entry
	bQueued                     // person → lane, order
	bJournal                    // kind, sequence → patch
	bUnsent                     // record → its sequence in the journal, and how sending went
	bDead                       // person, record → dead letter
	bReceipts                   // person, newest first → receipt
	bReceiptAge                 // cells of time, person
	bCache                      // cache, key → expiry, value
	bCacheAge                   // cache, expiry, sequence → key
	bAnswers                    // person → inputs, answer
	bHistory                    // person → points
	bVerdicts                   // person, time → verdict
	bDeals                      // record → deal
	bWeights                    // one value
	bUsage                      // day → usage
	bTombstones                 // hash → time
	bRuns                       // name → run
	bSeen                       // sweep, record → nothing
	bJobs                       // id → document
	bucketCount
)

var bucketNames = [bucketCount][]byte{
	[]byte("meta"), []byte("settings"), []byte("bindings"), []byte("cursors"), []byte("names"), []byte("people"), []byte("contacts"),
	[]byte("identities"), []byte("links"), []byte("due"), []byte("queue"), []byte("queued"), []byte("journal"), []byte("unsent"), []byte("dead"),
	[]byte("receipts"), []byte("receipt-age"), []byte("cache"), []byte("cache-age"), []byte("answers"), []byte("history"), []byte("verdicts"),
	[]byte("deals"), []byte("weights"), []byte("usage"), []byte("tombstones"), []byte("runs"), []byte("seen"), []byte("jobs"),
}

var (
	schemaKey = []byte("schema")
	secretKey = []byte("secret")
)

// A migration brings a file from one schema version to the next, in one transaction that also stores the new version.
// Steps are never changed once released: they are added to. A step that must touch every person of a large file keeps in mind
// that its transaction is held in memory.
type migration struct {
	name string
	run  func(tx *bbolt.Tx) error
}

// migrations[i] leads from version i to i+1. Version 0 is a file that has no schema yet: a new one, or one whose making was
// cut short.
var migrations = []migration{
	{"make buckets and secret", func(tx *bbolt.Tx) error {
		for _, name := range bucketNames {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(bucketNames[bMeta])
		if len(meta.Get(secretKey)) == 32 {
			return nil
		}
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return fmt.Errorf("make the install secret: %w", err)
		}
		return meta.Put(secretKey, secret)
	}},
}

// schemaOf is the schema version of the file that tx sees.
func schemaOf(tx *bbolt.Tx) (int, error) {
	meta := tx.Bucket(bucketNames[bMeta])
	if meta == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return 0, fail(ErrDamaged, nil, "it holds data that is not intentd's")
		}
		return 0, nil
	}
	v := meta.Get(schemaKey)
	if v == nil {
		return 0, nil
	}
	n, used := binary.Uvarint(v)
	if used <= 0 {
		return 0, damaged("schema")
	}
	return int(n), nil
}

// migrate brings b to the version that steps lead to. A newer file is refused, an older one cannot be opened read-only.
func migrate(b *bbolt.DB, path string, steps []migration, readOnly bool) error {
	var have int
	if err := b.View(func(tx *bbolt.Tx) (err error) {
		have, err = schemaOf(tx)
		return err
	}); err != nil {
		return err
	}
	switch {
	case have > len(steps):
		return fail(ErrNewer, nil, "state file %s was written by a newer version of intentd (schema %d, this one knows %d); install that version again or restore a backup", path, have, len(steps))
	case have < len(steps) && readOnly:
		return fail(ErrReadOnly, nil, "state file %s has the older schema %d and must be opened for writing once", path, have)
	}
	for v := have; v < len(steps); v++ {
		err := b.Update(func(tx *bbolt.Tx) error {
			if err := steps[v].run(tx); err != nil {
				return err
			}
			return tx.Bucket(bucketNames[bMeta]).Put(schemaKey, binary.AppendUvarint(nil, uint64(v+1)))
		})
		if err != nil {
			return fmt.Errorf("migrate to schema %d (%s): %w", v+1, steps[v].name, err)
		}
	}
	return nil
}
