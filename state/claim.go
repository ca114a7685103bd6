package state

import (
	"time"

	"go.etcd.io/bbolt"
)

// shareOf is how many claims of a more urgent lane earn a waiting lane one of its own.
const shareOf = 16

// Claim leases up to n entries that nobody has leased and whose time has come. Lanes go by urgency, but every lane that
// waits is given one claim in 16, so that none starves; Live thus keeps at least 13 of 16. A lease ends with Done or Release
// (when their transaction commits), Unclaim, or the process. The cost depends on n, not on the length of the queue.
func (db *DB) Claim(now time.Time, n int) ([]Entry, error) {
	return db.claim(now, n, []Lane{Live, Retry, Due, Backfill})
}

// ClaimLane claims from one lane only, for a worker that is kept free for Live.
func (db *DB) ClaimLane(now time.Time, lane Lane, n int) ([]Entry, error) {
	return db.claim(now, n, []Lane{lane})
}

func (db *DB) claim(now time.Time, n int, lanes []Lane) (entries []Entry, err error) {
	q := &db.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	err = db.View(func(tx *Tx) error {
		walks := make([]*laneWalk, len(lanes))
		for i, lane := range lanes {
			walks[i] = tx.walkLane(lane, now)
		}
		for len(entries) < n {
			w := q.choose(walks)
			if w == nil {
				break
			}
			e, err := w.take()
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		for _, e := range entries {
			delete(q.leased, e.Person)
		}
		q.begin = [classes]queueKey{}
		return nil, err
	}
	return entries, nil
}

// choose picks the lane of the next claim: the first that has something, unless one behind it has earned its turn.
func (q *queue) choose(walks []*laneWalk) *laneWalk {
	var first, earned *laneWalk
	for _, w := range walks {
		if !w.has() {
			q.credit[w.lane] = 0
			continue
		}
		if first == nil {
			first = w
			continue
		}
		q.credit[w.lane]++
		if earned == nil && q.credit[w.lane] >= shareOf {
			earned = w
		}
	}
	if earned != nil {
		first = earned
	}
	if first != nil {
		q.credit[first.lane] = 0
	}
	return first
}

// laneWalk goes through the claimable entries of a lane: what was delayed until now, then what is ready. It moves the
// queue's begin along.
type laneWalk struct {
	q     *queue
	lane  Lane
	now   uint64
	c     *bbolt.Cursor
	class uint8
	key   queueKey
	value []byte
	found bool
}

func (tx *Tx) walkLane(lane Lane, now time.Time) *laneWalk {
	w := &laneWalk{q: &tx.db.queue, lane: lane, now: millis(now), c: tx.bucket(bQueue).Cursor(), class: uint8(lane)<<1 | delayed}
	w.start()
	return w
}

// start stands at the first claimable entry of the present class or, if there is none, the next.
func (w *laneWalk) start() {
	var buf [queueKeyLen]byte
	begin := w.q.begin[w.class]
	begin.class = w.class
	k, v := w.c.Seek(begin.append(buf[:0]))
	w.settle(k, v)
}

func (w *laneWalk) settle(k, v []byte) {
	for ; k != nil; k, v = w.c.Next() {
		key, ok := parseQueueKey(k)
		if !ok || key.class != w.class || !key.ready() && key.order > w.now {
			break
		}
		if _, leased := w.q.leased[key.person]; !leased {
			w.q.begin[w.class] = key
			w.key, w.value, w.found = key, v, true
			return
		}
		w.q.begin[w.class] = key
	}
	w.found = false
	if w.class&1 == delayed {
		w.class |= ready
		w.start()
	}
}

func (w *laneWalk) has() bool { return w.found }

func (w *laneWalk) take() (Entry, error) {
	e, err := decodeEntry(w.key, w.value)
	if err != nil {
		return e, err
	}
	w.q.leased[e.Person] = struct{}{}
	k, v := w.c.Next()
	w.settle(k, v)
	return e, nil
}

// Unclaim gives leases back as if they had never been taken.
func (db *DB) Unclaim(entries ...Entry) {
	if len(entries) == 0 {
		return
	}
	var back queueChange
	_ = db.View(func(tx *Tx) error {
		for _, e := range entries {
			back.release(e.Person)
			if k, _, ok, _ := tx.queued(e.Person); ok {
				back.appeared(k)
			}
		}
		return nil
	})
	db.queue.publish(&back)
}

// LaneDepth is how many entries a lane has, claimed ones included. It reads a counter, no page: it may be asked with locks held.
func (db *DB) LaneDepth(lane Lane) int {
	db.countsMu.Lock()
	defer db.countsMu.Unlock()
	return int(db.counts.queue[lane])
}

// QueueDepth counts the entries of each lane, claimed ones among them, and tells since when about the oldest has waited (zero
// for an empty lane, and for one whose entries are all delayed).
func (db *DB) QueueDepth() (depth [Lanes]int, oldest [Lanes]time.Time) {
	db.countsMu.Lock()
	for i, n := range db.counts.queue {
		depth[i] = int(n)
	}
	db.countsMu.Unlock()
	now := millis(db.o.Now())
	_ = db.View(func(tx *Tx) error {
		for class := range uint8(classes) {
			var buf [queueKeyLen]byte
			k, v := tx.bucket(bQueue).Cursor().Seek(queueKey{class: class}.append(buf[:0]))
			key, ok := parseQueueKey(k)
			if !ok || key.class != class || !key.ready() && key.order > now {
				continue
			}
			e, err := decodeEntry(key, v)
			if o := &oldest[e.Lane]; err == nil && (o.IsZero() || e.Since.Before(*o)) {
				*o = e.Since
			}
		}
		return nil
	})
	return depth, oldest
}

// Wake is signalled after commits that made something claimable, now or later. It holds one signal.
func (db *DB) Wake() <-chan struct{} { return db.queue.wake }

// NextReady is when the next unclaimed entry may be claimed: now, if one can be already; false if there is none.
func (db *DB) NextReady(now time.Time) (next time.Time, ok bool) {
	q := &db.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	_ = db.View(func(tx *Tx) error {
		for lane := range Lane(Lanes) {
			if tx.walkLane(lane, now).has() {
				next, ok = now, true
				return nil
			}
			begin := q.begin[uint8(lane)<<1|delayed]
			begin.class = uint8(lane)<<1 | delayed
			var buf [queueKeyLen]byte
			c := tx.bucket(bQueue).Cursor()
			for k, _ := c.Seek(begin.append(buf[:0])); k != nil; k, _ = c.Next() {
				key, good := parseQueueKey(k)
				if !good || key.class != begin.class {
					break
				}
				if _, leased := q.leased[key.person]; leased {
					continue
				}
				if t := time.UnixMilli(int64(key.order)).UTC(); !ok || t.Before(next) {
					next, ok = t, true
				}
				break
			}
		}
		return nil
	})
	return next, ok
}

// LaneReady says whether an entry of a lane can be claimed now.
func (db *DB) LaneReady(lane Lane, now time.Time) (ready bool) {
	q := &db.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	_ = db.View(func(tx *Tx) error {
		ready = tx.walkLane(lane, now).has()
		return nil
	})
	return ready
}

// Hurry lets delayed entries whose reasons have all of why come at once, and says how many there were.
func (db *DB) Hurry(why Reason) (total int, err error) {
	for n := 1; n > 0; total += n {
		err = db.Update(func(tx *Tx) error {
			n = 0
			var keys []queueKey
			for lane := range Lane(Lanes) {
				class := uint8(lane)<<1 | delayed
				c := tx.bucket(bQueue).Cursor()
				var buf [queueKeyLen]byte
				for k, v := c.Seek(queueKey{class: class}.append(buf[:0])); k != nil && len(keys) < hurryAtOnce; k, v = c.Next() {
					key, ok := parseQueueKey(k)
					if !ok || key.class != class {
						break
					}
					if e, err := decodeEntry(key, v); err == nil && e.Reason&why == why {
						keys = append(keys, key)
					}
				}
			}
			for _, old := range keys {
				_, e, ok, err := tx.queued(old.person)
				if err != nil || !ok {
					return err
				}
				seq, err := tx.sequence(bQueue)
				if err != nil {
					return err
				}
				e.Reason &^= why
				if err := tx.requeue(old, true, queueKey{old.class | ready, seq, old.person}, &e); err != nil {
					return err
				}
			}
			n = len(keys)
			return nil
		})
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// hurryAtOnce bounds the entries moved in one commit.
const hurryAtOnce = 1000
