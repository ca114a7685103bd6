package clickstream

import (
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Stats is a store's condition. Counts from Accepted on are since Open.
type Stats struct {
	Events             uint64 // stored; repeats not yet merged away count again
	Partitions         int
	Segments           int
	Bytes              int64 // on disk, main file included
	People             int   // with an e-mail, phone or user id
	Newest             time.Time
	Oldest             time.Time
	Accepted, Repeated uint64 // taken in; left out as repeats within a batch
	Unidentified       uint64 // left out: no usable identifier
	Denied             uint64 // left out: consent denied
	Expired            uint64 // left out: older than the retention
	Future             uint64 // dated to their arrival
	Conflicts          uint64 // identifiers kept apart by the guards
	Erased             uint64 // by Forget
	// Leftovers: deleted personal data is still in free pages of the main file. Compact ends that.
	Leftovers bool
	LastError string // of the background work
}

// Stats tells the store's condition.
func (s *Store) Stats() (Stats, error) {
	s.mu.RLock()
	c := s.counts
	out := Stats{
		Partitions: len(s.parts),
		Accepted:   c.accepted, Repeated: c.repeated, Unidentified: c.unidentified, Denied: c.denied,
		Expired: c.expired, Future: c.future, Conflicts: c.conflicts, Erased: c.erased,
	}
	first := true
	for _, segs := range s.parts {
		for _, seg := range segs {
			out.Segments++
			out.Events += seg.events
			out.Bytes += seg.bytes
			if oldest, newest := fromMicro(seg.min), fromMicro(seg.max); first {
				out.Oldest, out.Newest, first = oldest, newest, false
			} else {
				if oldest.Before(out.Oldest) {
					out.Oldest = oldest
				}
				if newest.After(out.Newest) {
					out.Newest = newest
				}
			}
		}
	}
	if s.failed != nil {
		out.LastError = s.failed.Error()
	}
	s.mu.RUnlock()
	err := s.view(func(tx *bolt.Tx) error {
		out.People = s.linksOf(tx).people()
		out.Leftovers = tx.Bucket(bucketMeta).Get(keyForgotten) != nil
		return nil
	})
	if err != nil {
		return out, s.fail("read statistics", err)
	}
	if info, err := os.Stat(filepath.Join(s.dir, mainFile)); err == nil {
		out.Bytes += info.Size()
	}
	return out, nil
}
