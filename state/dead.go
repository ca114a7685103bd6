package state

import (
	"encoding/binary"
	"time"

	"github.com/intentd/intentd/connectors"
)

// deadKey is person, then record; without one the letter concerns the person.
func (tx *txn) deadKey(b []byte, id PersonID, ref connectors.Ref, create bool) ([]byte, bool, error) {
	b = personKey(b, id)
	if ref.IsZero() {
		return b, true, nil
	}
	return tx.refKey(b, ref, create)
}

func appendDead(b []byte, d *Dead) []byte {
	b = appendString(b, d.Code)
	b = appendString(b, d.Message)
	b = appendString(b, d.Op)
	b = appendTime(appendTime(b, d.At), d.First)
	b = binary.AppendUvarint(b, uint64(max(d.Attempts, 0)))
	b = binary.BigEndian.AppendUint64(b, d.Inputs)
	b = binary.BigEndian.AppendUint64(b, d.Config)
	b = binary.BigEndian.AppendUint64(b, d.Wanted)
	return appendTime(appendTime(b, d.Modified), d.Next)
}

func (tx *txn) decodeDead(k, v []byte) (d Dead, err error) {
	if len(k) < 4 {
		return Dead{}, damaged("dead letter")
	}
	d.Person = PersonID(binary.BigEndian.Uint32(k))
	if len(k) > 4 {
		if d.Ref, err = tx.ref(k[4:]); err != nil {
			return Dead{}, err
		}
	}
	r := reader{b: v}
	d.Code, d.Message, d.Op = r.string(), r.string(), r.string()
	d.At, d.First = r.time(), r.time()
	d.Attempts = int(r.uvarint())
	d.Inputs, d.Config = r.uint64(), r.uint64()
	if len(r.b) > 0 { // letters of before end here
		d.Wanted, d.Modified, d.Next = r.uint64(), r.time(), r.time()
	}
	if r.bad {
		return Dead{}, damaged("dead letter")
	}
	return d, nil
}

// PutDead keeps a dead letter. There is one for a record, and one for a person as such: over an older one the attempts add up and
// the first time stays.
func (tx *txn) PutDead(d *Dead) error {
	var buf [64]byte
	key, _, err := tx.deadKey(buf[:0], d.Person, d.Ref, true)
	if err != nil {
		return err
	}
	merged := *d
	if merged.First.IsZero() {
		merged.First = d.At
	}
	if v := tx.get(bDead, key); v != nil {
		old, err := tx.decodeDead(key, v)
		if err != nil {
			return err
		}
		merged.Attempts += old.Attempts
		merged.First = old.First
		if merged.Next.IsZero() {
			merged.Next = old.Next
		}
	} else {
		tx.w.counts.dead++
	}
	return tx.put(bDead, key, appendDead(nil, &merged))
}

// DeadOf is a person's dead letters.
func (tx *txn) DeadOf(id PersonID) ([]Dead, error) {
	var buf [4]byte
	prefix := personKey(buf[:0], id)
	var out []Dead
	c := tx.scan(bDead, prefix, nil, 0)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		d, err := tx.decodeDead(k, v)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// DeadLetters is up to n dead letters after a key, "" for the first. next is the key to go on after, "" at the end.
func (tx *txn) DeadLetters(after string, n int) (out []Dead, next string, err error) {
	var from []byte
	if after != "" {
		from = append([]byte(after), 0)
	}
	c := tx.scan(bDead, nil, from, max(n, 0)+1)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		if len(out) == n {
			return out, next, nil
		}
		d, err := tx.decodeDead(k, v)
		if err != nil {
			return nil, "", err
		}
		out, next = append(out, d), string(k)
	}
	return out, "", nil
}

// DropDead removes a person's dead letter for a record or, with a zero ref, for the person as such.
func (tx *txn) DropDead(id PersonID, ref connectors.Ref) error {
	var buf [64]byte
	key, ok, err := tx.deadKey(buf[:0], id, ref, false)
	if !ok || err != nil || tx.get(bDead, key) == nil {
		return err
	}
	tx.w.counts.dead--
	return tx.del(bDead, key)
}

func (tx *txn) dropDeadOf(id PersonID) error {
	var buf [4]byte
	n, err := tx.dropPrefix(bDead, personKey(buf[:0], id), -1)
	tx.w.counts.dead -= int64(n)
	return err
}

// WakeLetters has the people come whose dead letters name no time to be tried again: those of before letters had one.
func (db *DB) WakeLetters(now time.Time) error {
	if db.DeadCount() == 0 {
		return nil
	}
	return db.update(func(tx *txn) error {
		var people []PersonID
		c := tx.scan(bDead, nil, nil, 0)
		for k, v := c.Next(); k != nil; k, v = c.Next() {
			if d, err := tx.decodeDead(k, v); err == nil && d.Next.IsZero() && !d.Ref.IsZero() {
				people = append(people, d.Person)
			}
		}
		for _, id := range people {
			if err := tx.EnqueueAt(id, Retry, ReasonLetter, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// HasDead says whether there is any dead letter at all.
func (tx *txn) HasDead() bool { return tx.w.counts.dead > 0 }

// DeadCount is how many dead letters there are.
func (db *DB) DeadCount() int { return db.count(func(c *counts) int64 { return c.dead }) }

// DeadLetters is up to n dead letters after a key, "" for the first. next is the key to go on after, "" at the end.
func (db *DB) DeadLetters(after string, n int) (letters []Dead, next string, err error) {
	err = db.view(func(tx *txn) (err error) { letters, next, err = tx.DeadLetters(after, n); return err })
	return letters, next, err
}

// RetryLetters queues the people behind dead letters. A letter goes when the CRM takes its record.
func (db *DB) RetryLetters(letters []Dead, now time.Time) error {
	return db.update(func(tx *txn) error {
		for i := range letters {
			if err := tx.Enqueue(letters[i].Person, Live, ReasonAsked, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// DropLetters gives dead letters up.
func (db *DB) DropLetters(letters []Dead) error {
	return db.update(func(tx *txn) error {
		for i := range letters {
			if err := tx.DropDead(letters[i].Person, letters[i].Ref); err != nil {
				return err
			}
		}
		return nil
	})
}

// retryLetter keeps a dead letter and enqueues its person for the letter's next time. It sets d.Attempts and d.Next.
func (tx *txn) retryLetter(d *Dead, passing bool, now time.Time) error {
	letters, err := tx.DeadOf(d.Person)
	if err != nil {
		return err
	}
	before := 0
	for i := range letters {
		if letters[i].Ref == d.Ref {
			before = letters[i].Attempts
		}
	}
	d.Next = now.Add(RetryPause(before, passing))
	if err := tx.PutDead(d); err != nil {
		return err
	}
	d.Attempts += before
	return tx.EnqueueAt(d.Person, Retry, ReasonLetter, d.Next)
}

// RetryPause is how long a refused record waits before it is tried again, after so many refusals before: soon and then ever longer, daily
// at the end.
func RetryPause(before int, passing bool) time.Duration {
	pauses := []time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}
	if passing {
		pauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour}
	}
	return pauses[min(max(before, 0), len(pauses)-1)]
}
