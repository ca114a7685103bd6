package state

import (
	"encoding/binary"
	"fmt"
	"time"
)

// appendEntry stores what of e the key does not tell.
func appendEntry(b []byte, e *Entry) []byte {
	b = binary.AppendUvarint(b, uint64(e.Gen))
	b = binary.AppendUvarint(b, uint64(e.Reason))
	b = append(b, e.Attempts)
	return appendTime(b, e.Since)
}

func decodeEntry(k queueKey, v []byte) (Entry, error) {
	r := reader{b: v}
	e := Entry{Person: k.person, Lane: k.lane(), Gen: uint32(r.uvarint()), Reason: Reason(r.uvarint()), Attempts: r.byte(), Since: r.time()}
	if r.bad {
		return Entry{}, damaged("queue")
	}
	return e, nil
}

// queued finds a person's entry.
func (tx *txn) queued(id PersonID) (k queueKey, e Entry, ok bool, err error) {
	var pk [4]byte
	v := tx.get(bQueued, personKey(pk[:0], id))
	if v == nil {
		return k, e, false, nil
	}
	if len(v) != 7 || v[0] >= classes {
		return k, e, false, damaged("queue")
	}
	k = queueKey{v[0], uint48(v[1:]), id}
	var qk [queueKeyLen]byte
	v = tx.get(bQueue, k.append(qk[:0]))
	if v == nil {
		return k, e, false, damaged("queue")
	}
	e, err = decodeEntry(k, v)
	return k, e, err == nil, err
}

// Queued is the person's entry in the queue, claimed or not.
func (tx *txn) Queued(id PersonID) (Entry, bool) {
	_, e, ok, _ := tx.queued(id)
	return e, ok
}

// Enqueue has the person worked on as soon as a worker is free. Whoever is in the queue already keeps their place, or moves to
// the more urgent lane, loses any delay, and the reasons add up; either way the entry gets a new generation.
func (tx *txn) Enqueue(id PersonID, lane Lane, why Reason, now time.Time) error {
	return tx.enqueue(id, lane, why, now, time.Time{})
}

// EnqueueAt is Enqueue, but not before a time. Whoever would come sooner anyway still does.
func (tx *txn) EnqueueAt(id PersonID, lane Lane, why Reason, notBefore time.Time) error {
	return tx.enqueue(id, lane, why, tx.db.o.Now(), notBefore)
}

func (tx *txn) enqueue(id PersonID, lane Lane, why Reason, now, notBefore time.Time) error {
	if lane >= Lanes {
		return fmt.Errorf("state: no lane %d", lane)
	}
	if err := checkPerson(id); err != nil {
		return err
	}
	old, e, exists, err := tx.queued(id)
	if err != nil {
		return err
	}
	seq, err := tx.sequence(bQueue)
	if err != nil {
		return err
	}
	if !exists {
		e = Entry{Person: id, Since: now}
	} else if e.Lane < lane {
		lane = e.Lane
	}
	k := queueKey{uint8(lane) << 1, millis(notBefore), id}
	if notBefore.IsZero() || exists && old.ready() {
		k.class, k.order = k.class|ready, seq
	} else if exists && old.order < k.order {
		k.order = old.order
	}
	if exists && k.class == old.class && k.ready() {
		k.order = old.order // keeps their place
	}
	e.Gen, e.Reason = uint32(seq), e.Reason|why
	return tx.requeue(old, exists, k, &e)
}

// requeue stores e at k, and takes it from old if it was there.
func (tx *txn) requeue(old queueKey, exists bool, k queueKey, e *Entry) error {
	var buf [queueKeyLen]byte
	if !exists || old != k {
		if exists {
			if err := tx.del(bQueue, old.append(buf[:0])); err != nil {
				return err
			}
			tx.w.counts.queue[old.lane()]--
		}
		tx.w.counts.queue[k.lane()]++
		key := k.append(buf[:0])
		var pk [4]byte
		if err := tx.put(bQueued, personKey(pk[:0], k.person), tx.keep(key[:7])); err != nil {
			return err
		}
	}
	tx.w.queue.appeared(k)
	var vb [32]byte
	return tx.put(bQueue, k.append(buf[:0]), tx.keep(appendEntry(vb[:0], e)))
}

// dequeue removes the entry at k.
func (tx *txn) dequeue(k queueKey) error {
	var buf [queueKeyLen]byte
	if err := tx.del(bQueue, k.append(buf[:0])); err != nil {
		return err
	}
	var pk [4]byte
	if err := tx.del(bQueued, personKey(pk[:0], k.person)); err != nil {
		return err
	}
	tx.w.counts.queue[k.lane()]--
	return nil
}

// Done ends a claim: the entry is gone and the result true, unless work joined it since (or it is gone already). Then the
// entry stays and can be claimed again after the commit.
func (tx *txn) Done(e Entry) (bool, error) {
	k, stored, ok, err := tx.queued(e.Person)
	if err != nil {
		return false, err
	}
	tx.w.queue.release(e.Person)
	if !ok {
		return false, nil
	}
	if stored.Gen != e.Gen {
		tx.w.ops++ // the lease must end with a commit
		tx.w.queue.appeared(k)
		return false, nil
	}
	return true, tx.dequeue(k)
}

// Release ends a claim without success: the entry goes to lane, not before notBefore (zero: at once), with one attempt more
// and why added. If work joined it since, that work's lane and time stand. A person no longer queued is not queued again.
func (tx *txn) Release(e Entry, lane Lane, notBefore time.Time, why Reason) error {
	if lane >= Lanes {
		return fmt.Errorf("state: no lane %d", lane)
	}
	old, stored, ok, err := tx.queued(e.Person)
	if err != nil {
		return err
	}
	seq, err := tx.sequence(bQueue)
	if err != nil {
		return err
	}
	tx.w.queue.release(e.Person)
	if !ok {
		return nil
	}
	k := old
	if stored.Gen == e.Gen {
		k = queueKey{uint8(lane) << 1, millis(notBefore), e.Person}
		if notBefore.IsZero() {
			k.class, k.order = k.class|ready, seq
		}
	}
	stored.Gen, stored.Reason = uint32(seq), stored.Reason|why
	if stored.Attempts < 255 {
		stored.Attempts++
	}
	return tx.requeue(old, true, k, &stored)
}

// Queued is a person's entry in the queue, claimed or not; false if there is none.
func (db *DB) Queued(id PersonID) (e Entry, ok bool, err error) {
	err = db.view(func(tx *txn) (err error) { _, e, ok, err = tx.queued(id); return err })
	return e, ok, err
}

// Ask queues a person because somebody asks for them.
func (db *DB) Ask(id PersonID, now time.Time) error {
	return db.update(func(tx *txn) error { return tx.Enqueue(id, Live, ReasonAsked, now) })
}

// EnqueueEverybody queues up to n people behind after in the backfill lane, and says how many and the last of them.
func (db *DB) EnqueueEverybody(after PersonID, n int, why Reason, now time.Time) (queued int, last PersonID, err error) {
	err = db.update(func(tx *txn) error {
		last = 0
		ids, err := tx.People(after+1, n)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := tx.Enqueue(id, Backfill, why, now); err != nil {
				return err
			}
			last = id
		}
		queued = len(ids)
		return nil
	})
	return queued, last, err
}

// EnqueuePeople queues people for whom something came due, without waiting for their due time. Whoever was forgotten meanwhile is left out.
func (db *DB) EnqueuePeople(ids []PersonID, now time.Time) error {
	return db.update(func(tx *txn) error {
		for _, id := range ids {
			_, ok, err := tx.Person(id)
			if err == nil && !ok {
				continue // forgotten meanwhile
			}
			if err := tx.Enqueue(id, Due, ReasonDue, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// RetryLane is where an entry that must come again goes. Who came by the backfill stays there: a first sync's people must neither overtake
// others nor get the model's texts out of order.
func (e Entry) RetryLane() Lane {
	if e.Lane == Backfill {
		return Backfill
	}
	return Retry
}

// soon is when somebody whose records were moved is looked at again: at once, unless that does not come to an end.
func (e Entry) soon(now time.Time) time.Time {
	if e.Attempts < 5 {
		return now
	}
	return now.Add(Backoff(e.Attempts - 5))
}

// Backoff is the wait before attempt n+1: 30 s, doubling, at most 6 h.
func Backoff(attempts uint8) time.Duration {
	return min(30*time.Second<<min(attempts, 10), 6*time.Hour)
}
