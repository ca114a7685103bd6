package state

import "github.com/intentd/intentd/state/engine"

// Stats are figures that are cheap to get.
type Stats struct {
	Path       string     `json:"path"`
	FileBytes  int64      `json:"file_bytes"` // size of the file
	FreeBytes  int64      `json:"free_bytes"` // of it, room left by what was deleted: the next writes use it
	People     int        `json:"people"`
	Contacts   int        `json:"contacts"`
	Identities int        `json:"identities"`
	Due        int        `json:"due"` // people with a due time
	Queue      [Lanes]int `json:"queue"`
	Claimed    int        `json:"claimed"` // entries leased to workers
	Journal    int        `json:"journal"`
	Dead       int        `json:"dead"`
	Receipts   int        `json:"receipts"`
	Tiers      [Tiers]int `json:"-"`            // people by Person.Tier, without those held out
	HeldOut    int        `json:"held_out"`     // people of whom nothing is written, for comparison
	Held       int        `json:"held_records"` // CRM records of which a person holds a field
	Commits    int64      `json:"commits"`      // transactions on disk since open
	Calls      int64      `json:"calls"`        // the updates they carried

	LaterFailed int64  `json:"later_failed,omitempty"` // functions of updateLater since open of which nothing was kept
	LaterError  string `json:"later_error,omitempty"`  // why the last of them failed
}

// Stats tells how large the state is and what it holds.
func (db *DB) Stats() Stats {
	db.countsMu.Lock()
	c := db.counts
	db.countsMu.Unlock()
	s := Stats{Path: db.Path(), People: int(c.people), Contacts: int(c.contacts), Identities: int(c.identities), Due: int(c.due),
		Journal: int(c.journal), Dead: int(c.dead), Receipts: int(c.receipts), Commits: db.commits.Load(), Calls: db.calls.Load()}
	for i, n := range c.queue {
		s.Queue[i] = int(n)
	}
	for i, n := range c.tiers {
		s.Tiers[i] = int(n)
	}
	s.Held, s.HeldOut = int(c.held), int(c.heldOut)
	db.group.mu.Lock()
	s.LaterFailed, s.LaterError = db.group.laterFailed, db.group.laterError
	db.group.mu.Unlock()
	db.queue.mu.Lock()
	s.Claimed = len(db.queue.leased)
	db.queue.mu.Unlock()
	s.FileBytes, s.FreeBytes = db.e.Size()
	return s
}

// BucketSize is what one kind of data takes.
type BucketSize = engine.BucketSize

// Sizes walks everything and tells what each kind of data takes, by name.
func (db *DB) Sizes() (map[string]BucketSize, error) { return db.e.Sizes() }
