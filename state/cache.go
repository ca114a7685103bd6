package state

import (
	"encoding/binary"
	"slices"
	"time"
)

// A cache's entries lie under the number of its name; beside them an index by expiry finds what goes first.

func (tx *txn) cacheKey(cache string, key []byte, create bool) (k []byte, name uint32, ok bool, err error) {
	name, ok, err = tx.nameID("cache\x00"+cache, create)
	if !ok || err != nil {
		return nil, 0, false, err
	}
	return append(appendKind(make([]byte, 0, len(key)+8), name), key...), name, true, nil
}

// cacheAge is the index entry of what was stored with sequence seq.
func cacheAge(b []byte, name uint32, expires, seq uint64) []byte {
	return appendUint48(appendUint48(appendKind(b, name), expires), seq)
}

// Cached is what a cache holds under key; nothing once it has expired.
func (tx *txn) Cached(cache string, key []byte, now time.Time) ([]byte, bool) {
	k, _, ok, err := tx.cacheKey(cache, key, false)
	if !ok || err != nil {
		return nil, false
	}
	v := tx.get(bCache, k)
	if len(v) < 12 || uint48(v) <= millis(now) {
		return nil, false
	}
	return slices.Clone(v[12:]), true
}

// PutCache stores value in a cache until it expires. A cache that is full (Options.CacheEntries) gives up what would expire
// first: with one time to live for all, the oldest.
func (tx *txn) PutCache(cache string, key, value []byte, expires time.Time) error {
	k, name, _, err := tx.cacheKey(cache, key, true)
	if err != nil {
		return err
	}
	seq, err := tx.sequence(bCache)
	if err != nil {
		return err
	}
	var buf [32]byte
	if old := tx.get(bCache, k); len(old) >= 12 {
		if err := tx.del(bCacheAge, cacheAge(buf[:0], name, uint48(old), uint48(old[6:]))); err != nil {
			return err
		}
	} else {
		tx.w.counts.addCache(name, 1)
	}
	v := tx.alloc(12 + len(value))
	appendUint48(appendUint48(v[:0], millis(expires)), seq)
	copy(v[12:], value)
	if err := tx.put(bCache, k, v); err != nil {
		return err
	}
	if err := tx.put(bCacheAge, cacheAge(buf[:0], name, millis(expires), seq), tx.keep(k)); err != nil {
		return err
	}
	if over := int(tx.w.counts.caches[name]) - tx.db.o.CacheEntries; over > 0 {
		_, err = tx.evict(name, over, 1<<48-1)
	}
	return err
}

// PurgeCache removes up to n expired entries of a cache and says how many.
func (tx *txn) PurgeCache(cache string, now time.Time, n int) (int, error) {
	_, name, ok, err := tx.cacheKey(cache, nil, false)
	if !ok || err != nil {
		return 0, err
	}
	return tx.evict(name, n, millis(now))
}

// evict removes up to n entries that expire no later than limit, the first to expire first.
func (tx *txn) evict(name uint32, n int, limit uint64) (int, error) {
	var buf [8]byte
	prefix := appendKind(buf[:0], name)
	var ages, keys [][]byte
	if n <= 0 {
		return 0, nil
	}
	c := tx.scan(bCacheAge, prefix, nil, n)
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		if len(k) != len(prefix)+12 || uint48(k[len(prefix):]) > limit {
			break
		}
		ages, keys = append(ages, slices.Clone(k)), append(keys, slices.Clone(v))
	}
	for i := range ages {
		if err := tx.del(bCacheAge, ages[i]); err != nil {
			return 0, err
		}
		if err := tx.del(bCache, keys[i]); err != nil {
			return 0, err
		}
	}
	if len(ages) > 0 {
		tx.w.counts.addCache(name, -int64(len(ages)))
	}
	return len(ages), nil
}

// Answer is the person's last stage-2 answer, if it was given to the same inputs.
func (tx *txn) Answer(id PersonID, inputs uint64) ([]byte, bool) {
	var buf [4]byte
	v := tx.get(bAnswers, personKey(buf[:0], id))
	if len(v) < 8 || binary.BigEndian.Uint64(v) != inputs {
		return nil, false
	}
	plain, err := unseal(v[8:])
	return plain, err == nil
}

// PutAnswer keeps the person's last stage-2 answer.
func (tx *txn) PutAnswer(id PersonID, inputs uint64, value []byte) error {
	if err := checkPerson(id); err != nil {
		return err
	}
	var buf [4]byte
	return tx.put(bAnswers, personKey(buf[:0], id), append(binary.BigEndian.AppendUint64(nil, inputs), seal(value)...))
}

// Cached is an entry of a cache that has not expired.
func (db *DB) Cached(cache string, key []byte, now time.Time) (value []byte, ok bool) {
	err := db.view(func(tx *txn) error { value, ok = tx.Cached(cache, key, now); return nil })
	return value, ok && err == nil
}

// CacheLater keeps an entry of a cache, within 100 ms.
func (db *DB) CacheLater(cache string, key, value []byte, expires time.Time) {
	db.updateLater(func(tx *txn) error { return tx.PutCache(cache, key, value, expires) })
}

// PurgeCache removes up to n entries that have expired and says how many.
func (db *DB) PurgeCache(cache string, now time.Time, n int) (int, error) {
	return updateOf(db, func(tx *txn) (int, error) { return tx.PurgeCache(cache, now, n) })
}

// Answer is the person's last stage-2 answer, if it was given to the same inputs.
func (db *DB) Answer(id PersonID, inputs uint64) (value []byte, ok bool) {
	err := db.view(func(tx *txn) error { value, ok = tx.Answer(id, inputs); return nil })
	return value, ok && err == nil
}

// KeepAnswerLater keeps the person's last stage-2 answer, within 100 ms. Of somebody forgotten meanwhile nothing is kept.
func (db *DB) KeepAnswerLater(id PersonID, inputs uint64, value []byte) {
	db.updateLater(func(tx *txn) error {
		if _, alive, err := tx.Person(id); err != nil || !alive {
			return err
		}
		return tx.PutAnswer(id, inputs, value)
	})
}
