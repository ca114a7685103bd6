package state

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/intentd/intentd/state/engine"
)

type bucketID = engine.Bucket

// The buckets. Their names are what is kept; their order may change.
var (
	bMeta       = newBucket("meta", ascending)        // schema, secret, counts
	bSettings   = newBucket("settings", ascending)    // key → value
	bBindings   = newBucket("bindings", ascending)    // CRM → account
	bCursors    = newBucket("cursors", ascending)     // name → cursor
	bNames      = newBucket("names", ascending)       // number → string
	bPeople     = newBucket("people", ascending)      // person → identities, core record
	bContacts   = newBucket("contacts", ascending)    // record → contact
	bIdentities = newBucket("identities", scattered)  // cells of hash, person
	bLinks      = newBucket("links", ascending)       // person → links
	bDue        = newBucket("due", scattered)         // cells of time, person
	bQueue      = newBucket("queue", ascending)       // lane, order, person → entry
	bQueued     = newBucket("queued", ascending)      // person → lane, order
	bJournal    = newBucket("journal", ascending)     // kind, sequence → patch
	bUnsent     = newBucket("unsent", ascending)      // record → its sequence in the journal, and how sending went
	bDead       = newBucket("dead", ascending)        // person, record → dead letter
	bRank       = newBucket("rank", scattered)        // cells of tier and score, person, marks
	bScores     = newBucket("scores", ascending)      // tier, evidence, score → how many people
	bReceipts   = newBucket("receipts", ascending)    // person, newest first → receipt
	bReceiptAge = newBucket("receipt-age", scattered) // cells of time, person
	bCache      = newBucket("cache", ascending)       // cache, key → expiry, value
	bCacheAge   = newBucket("cache-age", ascending)   // cache, expiry, sequence → key
	bAnswers    = newBucket("answers", ascending)     // person → inputs, answer
	bHistory    = newBucket("history", ascending)     // person → points
	bVerdicts   = newBucket("verdicts", ascending)    // person, time → verdict
	bDeals      = newBucket("deals", ascending)       // record → deal
	bWeights    = newBucket("weights", ascending)     // number → what was learned
	bUsage      = newBucket("usage", ascending)       // day → usage
	bTombstones = newBucket("tombstones", ascending)  // hash → time
	bRuns       = newBucket("runs", ascending)        // name → run
	bHours      = newBucket("hours", ascending)       // hour → counts by job
	bSeen       = newBucket("seen", ascending)        // sweep, record → nothing
	bJobs       = newBucket("jobs", ascending)        // id → document
	bSnapshots  = newBucket("snapshots", ascending)   // person → snapshots
	bAlerts     = newBucket("alerts", ascending)      // person, time, channel → alert
)

// Most keys of a bucket come in ascending order, or in any.
const (
	ascending = false
	scattered = true
)

var buckets engine.Buckets

func newBucket(name string, isScattered bool) bucketID {
	buckets = append(buckets, engine.BucketInfo{Name: name, Scattered: isScattered})
	return bucketID(len(buckets) - 1)
}

// Buckets are what an engine for a state is opened with.
func Buckets() engine.Buckets { return buckets }

var (
	schemaKey = []byte("schema")
	secretKey = []byte("secret")
	partKey   = []byte("migrating") // where the next part of a migration begins
)

// A migration brings a state from one schema version to the next in bounded steps: run does a part of it, from where the part before ended
// (nil: from the start), and says where the next begins (nil: it is done). Each part is one commit, so that a large state does not have to fit
// into memory and a migration that was killed goes on where it was. Migrations are never changed once released: they are added to.
type migration struct {
	name string
	run  func(tx engine.Tx, from []byte) (next []byte, err error)
}

// schemaOf is the schema version of the state that tx sees.
func schemaOf(tx engine.Tx) (int, error) {
	if tx.Fresh() {
		return 0, nil
	}
	v := tx.Get(bMeta, schemaKey)
	if v == nil {
		return 0, nil
	}
	n, used := binary.Uvarint(v)
	if used <= 0 {
		return 0, damaged("schema")
	}
	return int(n), nil
}

// migrate brings a state to the version that steps lead to, and says on the way how far it is. A newer one is refused, an older one cannot be
// opened read-only. A copy of the older one is kept aside until the first clean stop.
func migrate(e engine.Engine, steps []migration, readOnly bool, progress func(line string)) error {
	var have int
	if err := e.View(func(tx engine.Tx) error {
		return engine.Run(tx, func() (err error) { have, err = schemaOf(tx); return err })
	}); err != nil {
		return err
	}
	switch {
	case have > len(steps):
		return fail(ErrNewer, nil, "state file %s was written by a newer version of intentd (schema %d, this one knows %d); install that version again or restore a backup", e.Path(), have, len(steps))
	case have < len(steps) && readOnly:
		return fail(ErrReadOnly, nil, "state file %s has the older schema %d and must be opened for writing once", e.Path(), have)
	case have > 0 && have < len(steps):
		if err := e.Keep(); err != nil {
			return err
		}
	}
	for v := have; v < len(steps); v++ {
		for parts, done := 1, false; !done; parts++ {
			err := e.Update(func(tx engine.Tx) error {
				return engine.Change(tx, func() (err error) { done, err = migratePart(tx, v, &steps[v]); return err })
			})
			if err != nil {
				return fmt.Errorf("migrate to schema %d (%s): %w", v+1, steps[v].name, err)
			}
			if have > 0 && progress != nil {
				progress(fmt.Sprintf("bringing the state up to date, %d of %d: %s (part %d)", v+1-have, len(steps)-have, steps[v].name, parts))
			}
		}
	}
	return nil
}

// migratePart does one part of the migration from version v, and keeps where the next begins.
func migratePart(tx engine.Tx, v int, step *migration) (done bool, err error) {
	var from []byte
	if v > 0 {
		from = slices.Clone(tx.Get(bMeta, partKey))
	}
	next, err := step.run(tx, from)
	switch {
	case err != nil:
		return false, err
	case next != nil:
		return false, tx.Put(bMeta, partKey, slices.Clone(next))
	case from != nil:
		if err := tx.Delete(bMeta, partKey); err != nil {
			return false, err
		}
	}
	return true, tx.Put(bMeta, schemaKey, binary.AppendUvarint(nil, uint64(v+1)))
}
