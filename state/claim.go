package state

import (
	"time"

	"github.com/intentd/intentd/state/engine"
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
	var at claimState
	err = db.view(func(tx *txn) error {
		entries, at = nil, q.claimState
		walks := make([]*laneWalk, len(lanes))
		for i, lane := range lanes {
			walks[i] = tx.walkLane(&at, lane, now, n)
		}
		for len(entries) < n {
			w := at.choose(walks)
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
		q.begin = [classes]queueKey{}
		return nil, err
	}
	q.claimState = at
	for _, e := range entries {
		q.leased[e.Person] = struct{}{}
	}
	return entries, nil
}

// choose picks the lane of the next claim: the first that has something, unless one behind it has earned its turn.
func (at *claimState) choose(walks []*laneWalk) *laneWalk {
	var first, earned *laneWalk
	for _, w := range walks {
		if !w.found {
			at.credit[w.lane] = 0
			continue
		}
		if first == nil {
			first = w
			continue
		}
		at.credit[w.lane]++
		if earned == nil && at.credit[w.lane] >= shareOf {
			earned = w
		}
	}
	if earned != nil {
		first = earned
	}
	if first != nil {
		at.credit[first.lane] = 0
	}
	return first
}

// laneWalk goes through the claimable entries of a lane: what was delayed until now and what is ready. In the live lane the delayed ones
// are those who can wait: the ready ones go first, but for one in shareOf claims. It moves the begin along.
type laneWalk struct {
	at         *claimState
	leased     map[PersonID]struct{}
	lane       Lane
	now        uint64
	parts      [2]classWalk // delayed, ready
	*classWalk              // whose turn it is
}

// classWalk goes through the claimable entries of a class.
type classWalk struct {
	engine.Cursor
	class uint8
	key   queueKey
	value []byte
	found bool
}

// walkLane begins a walk that is to claim up to n entries.
func (tx *txn) walkLane(at *claimState, lane Lane, now time.Time, n int) *laneWalk {
	q := &tx.db.queue
	w := &laneWalk{at: at, leased: q.leased, lane: lane, now: millis(now)}
	for i := range w.parts {
		c := &w.parts[i]
		c.class = uint8(lane)<<1 | uint8(i)
		c.Cursor = tx.class(at, c.class, n+len(q.leased))
		w.advance(c)
	}
	w.turn()
	return w
}

// turn says which part is to be claimed from next.
func (w *laneWalk) turn() {
	first, second := &w.parts[delayed], &w.parts[ready]
	if w.lane == Live && w.at.waited < shareOf-1 {
		first, second = second, first
	}
	if w.classWalk = first; !first.found {
		w.classWalk = second
	}
}

// class goes through up to n entries of a class, from where its claims begin.
func (tx *txn) class(at *claimState, class uint8, n int) engine.Cursor {
	begin := at.begin[class]
	begin.class = class
	var buf [queueKeyLen]byte
	return tx.scan(bQueue, []byte{class}, begin.append(buf[:0]), n+1)
}

// advance goes to the next claimable entry of a class.
func (w *laneWalk) advance(c *classWalk) {
	for k, v := c.Next(); k != nil; k, v = c.Next() {
		key, ok := parseQueueKey(k)
		if !ok || !key.ready() && key.order > w.now {
			break
		}
		w.at.begin[c.class] = key
		if _, leased := w.leased[key.person]; !leased {
			c.key, c.value, c.found = key, v, true
			return
		}
	}
	c.found = false
}

func (w *laneWalk) take() (Entry, error) {
	e, err := decodeEntry(w.key, w.value)
	if err != nil {
		return e, err
	}
	if w.lane == Live {
		if w.at.waited++; w.class&1 == delayed || !w.parts[delayed].found {
			w.at.waited = 0
		}
	}
	w.advance(w.classWalk)
	w.turn()
	return e, nil
}

// Unclaim gives leases back as if they had never been taken.
func (db *DB) Unclaim(entries ...Entry) {
	if len(entries) == 0 {
		return
	}
	var back queueChange
	_ = db.view(func(tx *txn) error {
		back = queueChange{}
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
	_ = db.view(func(tx *txn) error {
		oldest = [Lanes]time.Time{}
		for class := range uint8(classes) {
			k, v := tx.scan(bQueue, []byte{class}, nil, 1).Next()
			key, ok := parseQueueKey(k)
			if !ok || !key.ready() && key.order > now {
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
	_ = db.view(func(tx *txn) error {
		next, ok = time.Time{}, false
		for lane := range Lane(Lanes) {
			at := q.claimState
			if tx.walkLane(&at, lane, now, 1).found {
				next, ok = now, true
				continue
			}
			c := tx.class(&at, uint8(lane)<<1|delayed, len(q.leased))
			for k, _ := c.Next(); k != nil; k, _ = c.Next() {
				key, good := parseQueueKey(k)
				if _, leased := q.leased[key.person]; !good || leased {
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
	_ = db.view(func(tx *txn) error {
		at := q.claimState
		ready = tx.walkLane(&at, lane, now, 1).found
		q.begin = at.begin
		return nil
	})
	return ready
}

// Hurry lets delayed entries whose reasons have all of why come at once, and says how many there were.
func (db *DB) Hurry(why Reason) (total int, err error) {
	for n := 1; n > 0; total += n {
		err = db.update(func(tx *txn) error {
			n = 0
			var keys []queueKey
			for lane := range Lane(Lanes) {
				class := uint8(lane)<<1 | delayed
				tx.walk(bQueue, []byte{class}, nil, hurryAtOnce, func(k, v []byte) bool {
					if key, ok := parseQueueKey(k); ok {
						if e, err := decodeEntry(key, v); err == nil && e.Reason&why == why {
							keys = append(keys, key)
						}
					}
					return len(keys) < hurryAtOnce
				})
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
