package deliver

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

const (
	window    = 2000 // rows that a sender holds of one object
	batchSize = 200  // patches in one Write call; connectors cut it into what their CRM takes at once
	aloneSize = 20   // patches in one call of those that were refused before
	callsOut  = 4    // Write calls of one object under way at once

	comingLinger = time.Second // how long a batch may wait to fill while people of the backfill are worked on: their patches come by lots

	expires = 24 * time.Hour // a patch that could not be sent for so long is worked out anew
)

// object is one CRM object of a sender.
type object struct {
	name   string
	rows   []*row // waiting, in the order they were staged
	byRef  map[connectors.Ref]*row
	sent   map[connectors.Ref]uint64 // sequence of the patch in a call under way
	groups map[string]bool           // in a call under way
	calls  int

	pass     int    // how often the journal was begun to be read
	read     uint64 // it was read up to here …
	whole    bool   // … and that was its end
	reading  bool
	outdated bool // a read under way began before the sender was told to look

	oldest   time.Time // when the first of rows came, by the process's clock
	paused   time.Time // nothing is sent before, after a call that failed
	failures int       // calls that failed in a row

	bulk      int       // patches in the journal that wait for a job
	bulkSince time.Time // when the first of them was met
	noJob     bool      // they go by calls: too few for a job
	jobs      map[string]*job

	logged   string // the failure that was logged last, and when
	loggedAt time.Time
}

// row is a row in the sender's hands.
type row struct {
	state.Row
	attempts  int       // that failed for this record alone
	notBefore time.Time // by the process's clock
}

// job is a bulk job under way.
type job struct {
	token   string
	refs    map[connectors.Ref]bool
	since   time.Time // when it began or, after a restart, was met
	unwatch func()    // ends looking at it; nil: nobody does
}

// jobsLate says that there are jobs under way and all of them take longer than wait; 0 is no bound.
func (o *object) jobsLate(wait time.Duration) bool {
	if wait <= 0 || len(o.jobs) == 0 {
		return false
	}
	for _, j := range o.jobs {
		if time.Since(j.since) < wait {
			return false
		}
	}
	return true
}

// push takes a row; a newer one takes the place of an older.
func (o *object) push(r *row) {
	if old := o.byRef[r.Ref]; old != nil {
		if r.Seq > old.Seq {
			*old = *r
		}
		return
	}
	if len(o.rows) == 0 {
		o.oldest = time.Now()
	}
	o.rows = append(o.rows, r)
	o.byRef[r.Ref] = r
}

// nextBatch takes the next batch out of the rows: none of a record or group that is in a call under way, and either only records that were
// refused before or none of them. next is when a row that waits by itself may go.
func (o *object) nextBatch(now time.Time, alone bool) (batch []*row, next time.Time) {
	size := batchSize
	if alone {
		size = aloneSize
	}
	mine := map[string]bool{}
	left := o.rows[:0]
	for _, r := range o.rows {
		g := r.Group
		free := len(batch) < size && r.Alone == alone && o.sent[r.Ref] == 0 && (g == "" || mine[g] || !o.groups[g])
		if free && r.notBefore.After(now) {
			if next.IsZero() || r.notBefore.Before(next) {
				next = r.notBefore
			}
			free = false
		}
		if !free {
			left = append(left, r)
			continue
		}
		if g != "" {
			o.groups[g], mine[g] = true, true
		}
		o.sent[r.Ref] = r.Seq
		delete(o.byRef, r.Ref)
		batch = append(batch, r)
	}
	clear(o.rows[len(left):])
	o.rows = left
	return batch, next
}

// rewind has the journal read from the start again: what waits is counted anew, what is held already is known by its sequence number.
func (o *object) rewind() {
	o.pass++
	o.read, o.whole, o.bulk = 0, false, 0
}

// byCalls has patches that wait for a job read again and sent by calls.
func (o *object) byCalls() {
	o.rewind()
	o.noJob = true
}

// filling says that a job is being opened: what it will carry is not known yet.
func (o *object) filling() bool {
	for _, j := range o.jobs {
		if len(j.refs) == 0 {
			return true
		}
	}
	return false
}

// byHand are the records whose patches go by calls: those under way and those that wait for one.
func (o *object) byHand() map[connectors.Ref]bool {
	refs := make(map[connectors.Ref]bool, len(o.sent)+len(o.byRef))
	for ref := range o.sent {
		refs[ref] = true
	}
	for ref := range o.byRef {
		refs[ref] = true
	}
	return refs
}

func (o *object) inJob(ref connectors.Ref) bool {
	for _, j := range o.jobs {
		if j.refs[ref] {
			return true
		}
	}
	return false
}

// addToJob notes a patch that a job of an earlier run carries.
func (o *object) addToJob(r *state.Row, now time.Time) {
	j := o.jobs[r.Token]
	if j == nil {
		j = &job{token: r.Token, refs: map[connectors.Ref]bool{}, since: now}
		o.jobs[r.Token] = j
	}
	j.refs[r.Ref] = true
}
