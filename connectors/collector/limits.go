package collector

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what is under way at a time: requests, and bytes of their bodies once they are unpacked. A call takes about ten times its
// bytes until it is kept.
const (
	maxRequests = 512
	maxHeld     = 16 << 20
)

// taking counts what is under way.
type taking struct{ requests, bytes atomic.Int64 }

func (t *taking) enter() (leave func(), ok bool) { return within(&t.requests, 1, maxRequests) }

func (t *taking) hold(n int) (leave func(), ok bool) { return within(&t.bytes, int64(n), maxHeld) }

func within(sum *atomic.Int64, n, most int64) (leave func(), ok bool) {
	leave = func() { sum.Add(-n) }
	if sum.Add(n) > most {
		leave()
		return nil, false
	}
	return leave, true
}

// addressShare is how many visitors' shares one address has: an office stands behind one.
const addressShare = 10

// maxShares bounds whom a share is remembered of.
const maxShares = 1 << 18

// shares says how many calls a visitor, or an address, has sent within the hour.
type shares struct {
	perVisitor int

	mu    sync.Mutex
	seed  maphash.Seed
	since time.Time
	sent  map[uint64]int
}

// take says whether one more call of a visitor at an address is within their shares.
func (s *shares) take(visitor, address string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == nil || len(s.sent) >= maxShares || now.Sub(s.since) >= time.Hour || now.Before(s.since) {
		s.seed, s.since, s.sent = maphash.MakeSeed(), now, map[uint64]int{}
	}
	one := func(of, value string, most int) bool {
		if value == "" {
			return true
		}
		k := maphash.String(s.seed, of+value)
		s.sent[k]++
		return s.sent[k] <= most
	}
	v, a := one("visitor", visitor, s.perVisitor), one("address", address, s.perVisitor*addressShare)
	return v && a
}
