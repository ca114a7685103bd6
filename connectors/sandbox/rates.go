package sandbox

import "time"

// rolling allows max requests in any span of time. What it refuses does not count.
type rolling struct {
	max    int
	span   time.Duration
	stamps []time.Time // of the allowed requests in the span, oldest first
}

// used is how many allowed requests lie in the span that ends now.
func (r *rolling) used(now time.Time) int {
	for len(r.stamps) > 0 && now.Sub(r.stamps[0]) >= r.span {
		r.stamps = r.stamps[1:]
	}
	return len(r.stamps)
}

// allow takes a place, or says how long it lasts until the next one is free.
func (r *rolling) allow(now time.Time) (wait time.Duration, ok bool) {
	if r.used(now) >= r.max {
		return r.span - now.Sub(r.stamps[0]), false
	}
	r.stamps = append(r.stamps, now)
	return 0, true
}

// daily allows max requests between two midnights of a place.
type daily struct {
	max  int
	loc  *time.Location
	day  time.Time // midnight that began the day counted
	used int
}

// usedOn is how many are used of the day that now lies in.
func (d *daily) usedOn(now time.Time) int {
	y, m, dd := now.In(d.loc).Date()
	if day := time.Date(y, m, dd, 0, 0, 0, 0, d.loc); !day.Equal(d.day) {
		d.day, d.used = day, 0
	}
	return d.used
}

// allow takes a place of the day that now lies in.
func (d *daily) allow(now time.Time) bool {
	if d.usedOn(now) >= d.max {
		return false
	}
	d.used++
	return true
}
