package state

import (
	"encoding/binary"
	"sync"
)

// The queue is one ordered bucket: lane, then a class (delayed, ready), then within ready the order of joining and within
// delayed the time before which nothing is to be done. A second bucket leads from a person to their entry. Ready entries are
// ordered by a sequence and not by time, so that a clock that jumps cannot strand them.

const (
	delayed = 0
	ready   = 1
	classes = 2 * Lanes
)

// queueKey is where an entry stands.
type queueKey struct {
	class  uint8  // lane<<1 | ready
	order  uint64 // sequence, or milliseconds
	person PersonID
}

func (k queueKey) lane() Lane  { return Lane(k.class >> 1) }
func (k queueKey) ready() bool { return k.class&1 == ready }

func (k queueKey) less(l queueKey) bool {
	if k.order != l.order {
		return k.order < l.order
	}
	return k.person < l.person
}

const queueKeyLen = 1 + 6 + 4

func (k queueKey) append(b []byte) []byte {
	return binary.BigEndian.AppendUint32(appendUint48(append(b, k.class), k.order), uint32(k.person))
}

func parseQueueKey(b []byte) (queueKey, bool) {
	if len(b) != queueKeyLen || b[0] >= classes {
		return queueKey{}, false
	}
	return queueKey{b[0], uint48(b[1:7]), PersonID(binary.BigEndian.Uint32(b[7:]))}, true
}

// queueChange is what a transaction does to leases and to where claims begin.
type queueChange struct {
	first    [classes]queueKey // lowest key that may now be claimed, where any is set
	any      [classes]bool
	released []PersonID
}

func (c *queueChange) appeared(k queueKey) {
	if !c.any[k.class] || k.less(c.first[k.class]) {
		c.first[k.class], c.any[k.class] = k, true
	}
}

func (c *queueChange) release(id PersonID) { c.released = append(c.released, id) }

// queue holds the leases, and per class the key below which everything is leased: a claim begins there, whatever the length of
// the queue and of the leases.
type queue struct {
	mu     sync.Mutex
	leased map[PersonID]struct{}
	claimState
	wake chan struct{}
}

func (q *queue) init() {
	q.leased = map[PersonID]struct{}{}
	q.wake = make(chan struct{}, 1)
}

// publish makes a committed change claimable. Leases end only here, after the commit: a claim that still sees the old
// entry sees its lease, too.
func (q *queue) publish(c *queueChange) {
	q.mu.Lock()
	woken := false
	for _, id := range c.released {
		delete(q.leased, id)
	}
	for i := range c.any {
		if c.any[i] {
			woken = true
			if c.first[i].less(q.begin[i]) {
				q.begin[i] = c.first[i]
			}
		}
	}
	q.mu.Unlock()
	if woken {
		q.signal()
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// rewind has claims begin at the start again.
func (q *queue) rewind() {
	q.mu.Lock()
	q.begin = [classes]queueKey{}
	q.mu.Unlock()
	q.signal()
}

// claimState says where claims go on: the key of each class below which everything is leased, and what waiting lanes have earned.
type claimState struct {
	begin  [classes]queueKey
	credit [Lanes]int
	waited int // claims of the live lane since one of those who can wait, while there are any
}
