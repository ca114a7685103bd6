package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// lot is a group of people going through the pipeline together, under one setup and at one moment.
type lot struct {
	p        *Pipeline
	s        *Setup
	now      time.Time
	subjects []*subject
	dry      bool // a dry run: nothing is kept, staged or paid for
}

// subject is one person of a lot, from claim to patch.
type subject struct {
	entry   state.Entry
	id      state.PersonID
	key     string
	person  state.Person
	shown   score.Shown // what the CRM shows
	links   []state.Link
	known   known
	moved   []rival // addresses that came over from somebody else's record
	recs    []*record
	letters []state.Dead     // refused patches, and what else could not be done
	last    *receipt.Receipt // of the last result, nil if there is none or it was not needed (see lastReceipt)
	lastOK  bool             // last was looked for

	events  *[]connectors.Event
	journey *journey.Journey
	basis   *basis
	result  *result

	// settled is what becomes of the subject without (further) work; nil while it goes on.
	settled func(tx *state.Tx) error
	verdict bool     // person.Verdict was read anew
	stale   []string // sources that did not answer, or are suddenly empty
}

// record is one CRM record of a subject.
type record struct {
	ref     connectors.Ref
	crm     *CRM
	state   state.Contact
	was     state.Contact // state as it was loaded
	pending *state.Pending
	contact connectors.Contact
	inputs  uint64 // hash of what the CRM says of it
	read    bool   // the CRM answered for it
	err     error  // why it did not
	dirty   bool   // state changed and is to be saved
	tried   bool   // a patch for it goes out, if there is anything to write
	nothing bool   // it was looked at, and there is nothing to write to it
	refill  uint16 // our fields that somebody emptied, or that no person overwrote: to be filled again
}

// process takes a lot of claimed entries through. The error is for what concerns the whole lot; what concerns one person is
// settled with that person (invariant 9).
//
// A lot that fails as a whole is taken in halves until those who make it fail are found: they become dead letters and are tried
// again by and by. The error then concerns the state or the end of ctx.
func (p *Pipeline) process(ctx context.Context, entries []state.Entry) error {
	err := p.attempt(ctx, entries)
	if err == nil {
		p.o.Progress()
		return nil
	}
	// A damaged record is one person's matter; if it is the file that is damaged, setting them aside fails, too.
	if ctx.Err() != nil || state.Failed(err) {
		p.db.Unclaim(entries...)
		return err
	}
	if len(entries) > 1 {
		p.log.Warn("a lot failed and is tried in halves", "people", len(entries), "error", err)
		half := len(entries) / 2
		if err := p.process(ctx, entries[:half]); err != nil {
			p.db.Unclaim(entries[half:]...)
			return err
		}
		return p.process(ctx, entries[half:])
	}
	p.log.Error("a person cannot be worked on and is set aside", "person", personKey(entries[0].Person), "error", err)
	if err := p.setAside(entries[0], err); err != nil {
		p.db.Unclaim(entries...)
		return err
	}
	return nil
}

// attempt takes a lot through once. A panic is an error of that lot, not the end of the process.
func (p *Pipeline) attempt(ctx context.Context, entries []state.Entry) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p.log.Error("a lot panicked", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	l := &lot{p: p, s: p.Setup(), now: p.now()}
	return l.run(ctx, entries)
}

// setAside makes a dead letter of somebody whom no lot gets through with; it goes when one does.
func (p *Pipeline) setAside(e state.Entry, why error) error {
	now := p.now()
	config := p.Setup().scoringHash
	return p.db.Update(func(tx *state.Tx) error {
		d := &state.Dead{Person: e.Person, Op: "work out", Message: why.Error(), At: now, First: now, Attempts: 1, Config: config}
		if err := tx.PutDead(d); err != nil {
			return err
		}
		return tx.Release(e, retryLane(e), now.Add(max(10*time.Minute, backoff(e.Attempts))), state.ReasonRetry)
	})
}

// retryLane is where an entry that must come again goes. Who came by the backfill stays there: a first sync's people must neither
// overtake others nor get the model's texts out of order.
func retryLane(e state.Entry) state.Lane {
	if e.Lane == state.Backfill {
		return state.Backfill
	}
	return state.Retry
}

func (l *lot) run(ctx context.Context, entries []state.Entry) error {
	if err := l.load(ctx, entries); err != nil {
		return err
	}
	if err := l.gatherRecords(ctx); err != nil {
		return err
	}
	l.followStates()
	if err := l.identify(ctx); err != nil {
		return err
	}
	l.gatherJourneys(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	l.stitch()
	if err := l.infer(ctx); err != nil {
		return err
	}
	l.score(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.stage()
}

// open are the subjects that still go on.
func (l *lot) open() []*subject {
	out := make([]*subject, 0, len(l.subjects))
	for _, s := range l.subjects {
		if s.settled == nil {
			out = append(out, s)
		}
	}
	return out
}

// load reads what the state knows of the claimed people.
func (l *lot) load(ctx context.Context, entries []state.Entry) error {
	letters := l.p.db.DeadCount() > 0
	err := l.p.db.View(func(tx *state.Tx) error {
		l.subjects = l.subjects[:0]
		for _, e := range entries {
			s := &subject{entry: e, id: e.Person, key: personKey(e.Person)}
			person, ok, err := tx.Person(e.Person)
			if err != nil {
				return fmt.Errorf("load person %s: %w", s.key, err)
			}
			l.subjects = append(l.subjects, s)
			if !ok {
				s.settled = done(e) // forgotten or joined to another since
				continue
			}
			s.person = person
			if len(person.Shown) > 0 {
				if s.shown, err = score.DecodeShown(person.Shown); err != nil {
					return fmt.Errorf("load person %s: %w", s.key, err)
				}
			}
			if s.links, err = tx.Links(e.Person); err != nil {
				return err
			}
			for _, ref := range person.Contacts {
				rec, ok, err := tx.Contact(ref)
				if err != nil {
					return err
				}
				crm := l.s.crm(ref.CRM)
				if !ok || crm == nil {
					continue // a CRM that the config no longer names keeps its records until it is back or forgotten
				}
				r := &record{ref: ref, crm: crm, state: rec, was: rec}
				if r.pending, err = tx.Pending(ref); err != nil {
					return err
				}
				s.recs = append(s.recs, r)
			}
			switch {
			case len(person.Contacts) == 0:
				s.settled = done(e)
			case len(s.recs) == 0:
				// What brought them here is kept until the config names their CRM again.
				s.settled = func(tx *state.Tx) error { return tx.Release(e, e.Lane, l.now.Add(unnamedFor), 0) }
			case letters:
				if s.letters, err = tx.DeadOf(e.Person); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil || l.dry {
		return err
	}
	return l.leaveToDelivery(ctx)
}

// unnamedFor is how long people wait between two looks at whether the config names one of their CRMs again.
const unnamedFor = time.Hour

// leaveToDelivery settles people one of whose patches is being written: what came since is worked out once that is answered.
func (l *lot) leaveToDelivery(ctx context.Context) error {
	var refs []connectors.Ref
	for _, s := range l.open() {
		for _, r := range s.recs {
			if r.pending != nil && r.pending.Way != state.Void {
				refs = append(refs, r.ref)
			}
		}
	}
	if len(refs) == 0 {
		return nil
	}
	busy, err := l.p.delivery.UnderWay(ctx, refs)
	if err != nil {
		return err
	}
	for _, s := range l.open() {
		var theirs []connectors.Ref
		for _, r := range s.recs {
			if busy[r.ref] {
				theirs = append(theirs, r.ref)
			}
		}
		if len(theirs) == 0 {
			continue
		}
		e := s.entry
		s.settled = func(tx *state.Tx) error {
			if ok, err := tx.AfterDelivery(e, theirs); ok || err != nil {
				return err
			}
			return tx.Release(e, e.Lane, l.now, 0) // answered meanwhile
		}
	}
	return nil
}

// lastReceipt is the receipt of the last result, read when it is first asked for; nil if there is none, or none that this
// version can read: the person is then gathered anew.
func (l *lot) lastReceipt(s *subject) *receipt.Receipt {
	if s.lastOK || s.id == 0 {
		return s.last
	}
	s.lastOK = true
	_ = l.p.db.View(func(tx *state.Tx) error {
		raw, _, err := tx.Receipt(s.id)
		if err == nil && raw != nil {
			s.last, err = openReceipt(tx, raw)
		}
		return err
	})
	return s.last
}

// done is the settlement of an entry with nothing left to do.
func done(e state.Entry) func(tx *state.Tx) error {
	return func(tx *state.Tx) error {
		_, err := tx.Done(e)
		return err
	}
}

// later puts a subject into the retry lane: after a failed read, a silent source, a degraded answer.
func (l *lot) later(s *subject, err error) func(tx *state.Tx) error {
	at, why := l.now.Add(backoff(s.entry.Attempts)), state.ReasonRetry
	if until := connectors.Until(err); until.After(at) {
		at, why = until, why|state.ReasonWaits
	}
	return func(tx *state.Tx) error {
		if err := saveRecords(tx, s, l.now); err != nil {
			return err
		}
		return tx.Release(s.entry, retryLane(s.entry), at, why)
	}
}

// backoff is the wait before attempt n+1: 30 s, doubling, at most 6 h.
func backoff(attempts uint8) time.Duration {
	d := 30 * time.Second << min(attempts, 10)
	return min(d, 6*time.Hour)
}

// ErrBusy says that the same job is running already.
var ErrBusy = errors.New("this job is running already")
