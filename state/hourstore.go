package state

import (
	"encoding/binary"
	"encoding/json"
	"time"
)

// loadHours reads all that is kept.
func (tx *txn) loadHours() error {
	h := &tx.db.hours
	h.by, h.counted, h.dirty = map[uint32]map[string]HourCounts{}, map[string]intakeCount{}, map[string]bool{}
	c := tx.scan(bHours, nil, nil, 0)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		if len(k) > len(intakeCounted) && string(k[:len(intakeCounted)]) == intakeCounted {
			var n intakeCount
			if json.Unmarshal(v, &n) == nil {
				h.counted[string(k[len(intakeCounted):])] = n
			}
			continue
		}
		jobs := map[string]HourCounts{}
		if len(k) == 4 && json.Unmarshal(v, &jobs) == nil {
			h.last = binary.BigEndian.Uint32(k)
			h.by[h.last] = jobs
		}
	}
	return nil
}

// CountHour adds to what came of a job within the hour of a moment. It is kept with the next run that NoteRun keeps: a crash before loses a
// count, never work.
func (db *DB) CountHour(job string, at time.Time, c HourCounts) {
	h := &db.hours
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count(job, at, c)
}

// CountIntake adds to a job's hour what its source's own counters, which only grow, have grown by since they were counted last. Counters that
// are smaller than then began anew, and count whole; those that were never counted only mark where counting begins.
func (db *DB) CountIntake(job string, at time.Time, events, unreadable int64) {
	h := &db.hours
	h.mu.Lock()
	defer h.mu.Unlock()
	was, known := h.counted[job]
	now := intakeCount{events, unreadable}
	if known && was == now {
		return
	}
	if known {
		h.count(job, at, HourCounts{Events: grown(was.Events, events), Unreadable: grown(was.Unreadable, unreadable)})
	}
	h.counted[job] = now
	h.dirty[intakeCounted+job] = true
}

// keepHours keeps the counts that no commit has taken yet with the next.
func (db *DB) keepHours() {
	pairs := db.hours.take()
	if len(pairs) == 0 {
		return
	}
	db.updateLater(func(tx *txn) error {
		for key, v := range pairs {
			if err := tx.set(bHours, []byte(key), v); err != nil {
				return err
			}
		}
		return nil
	})
}

// Hours is what was counted within the last hours, up to HoursKept of them, the oldest first, without those of which nothing was.
func (db *DB) Hours() []Hour { return db.hours.list() }
