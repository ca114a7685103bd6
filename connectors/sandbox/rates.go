package sandbox

import "time"

// rolling allows max requests in any span of time. What it refuses does not count.
type rolling struct {
	max   int
	span  time.Duration
	stamp []time.Time // of the last max allowed requests, a ring
	next  int
}

func newRolling(max int, span time.Duration) *rolling {
	return &rolling{max: max, span: span}
}

// used is how many allowed requests lie in the span that ends now.
func (r *rolling) used(now time.Time) int {
	n := 0
	for _, t := range r.stamp {
		if now.Sub(t) < r.span {
			n++
		}
	}
	return n
}

// allow takes a place, or says how long it lasts until the next one is free.
func (r *rolling) allow(now time.Time) (wait time.Duration, ok bool) {
	if len(r.stamp) < r.max {
		r.stamp = append(r.stamp, now)
		return 0, true
	}
	oldest := r.stamp[r.next]
	if wait := r.span - now.Sub(oldest); wait > 0 {
		return wait, false
	}
	r.stamp[r.next] = now
	r.next = (r.next + 1) % r.max
	return 0, true
}

// daily allows max requests between two midnights of a place.
type daily struct {
	max  int
	loc  *time.Location
	day  time.Time // midnight that began the day counted
	used int
}

func (d *daily) turn(now time.Time) {
	y, m, dd := now.In(d.loc).Date()
	if day := time.Date(y, m, dd, 0, 0, 0, 0, d.loc); !day.Equal(d.day) {
		d.day, d.used = day, 0
	}
}

// allow takes a place of the day that now lies in.
func (d *daily) allow(now time.Time) bool {
	d.turn(now)
	if d.used >= d.max {
		return false
	}
	d.used++
	return true
}
