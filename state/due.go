package state

import (
	"encoding/binary"
	"errors"
	"time"
)

// EnqueueDue moves up to n people whose due time is now or earlier into the queue, the longest overdue first, and says how many. The queue
// entry carries it from there; the next commit sets another. Who is in the queue already is left out: their due time moves when that
// work is done.
func (db *DB) EnqueueDue(now time.Time, n int) (int, error) {
	return updateOf(db, func(tx *txn) (int, error) {
		ids, err := tx.DueBefore(now, n)
		if err != nil {
			return 0, err
		}
		for _, id := range ids {
			err := tx.Attempt(func() error {
				p, ok, err := tx.Person(id)
				if err != nil || !ok {
					return err
				}
				p.Due = time.Time{}
				if err := tx.PutPerson(id, &p); err != nil {
					return err
				}
				return tx.Enqueue(id, Due, ReasonDue, now)
			})
			if errors.Is(err, ErrRecord) { // a lot meets it, and makes a dead letter
				err = tx.Enqueue(id, Due, ReasonDue, now)
			}
			if err != nil {
				return 0, err
			}
		}
		return len(ids), nil
	})
}

// DueBefore is up to n people whose due time is t or earlier and who are not in the queue, the longest overdue first.
func (tx *txn) DueBefore(t time.Time, n int) (ids []PersonID, err error) {
	if n <= 0 {
		return nil, nil
	}
	limit := seconds(t.Truncate(time.Second))
	dueIndex.scan(tx, make([]byte, dueIndex.key), func(entry []byte) bool {
		if binary.BigEndian.Uint32(entry) > limit {
			return false
		}
		if tx.get(bQueued, entry[4:]) == nil {
			ids = append(ids, PersonID(binary.BigEndian.Uint32(entry[4:])))
		}
		return len(ids) < n
	})
	return ids, nil
}

// DueCount is how many people have a due time, past or to come.
func (db *DB) DueCount() int { return db.count(func(c *counts) int64 { return c.due }) }

func (db *DB) count(of func(*counts) int64) int {
	db.countsMu.Lock()
	defer db.countsMu.Unlock()
	return int(of(&db.counts))
}
