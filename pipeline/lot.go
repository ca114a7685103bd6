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
	settled *state.Settlement
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
	inputs  uint64       // hash of what the CRM says of it
	read    bool         // the CRM answered for it
	err     error        // why it did not
	dirty   bool         // state changed and is to be saved
	tried   bool         // a patch for it goes out, if there is anything to write
	nothing bool         // it was looked at, and there is nothing to write to it
	refill  map[int]bool // numbers of our fields that somebody emptied, or that no person overwrote: to be filled again
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
	p.log.Error("a person cannot be worked on and is set aside", "person", entries[0].Person.Key(), "error", err)
	if err := p.db.SetAside(entries[0], err, p.Setup().scoringHash, p.now()); err != nil {
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
	loaded, err := l.p.db.LoadLot(entries)
	if err != nil {
		return err
	}
	for i := range loaded {
		l.subjects = append(l.subjects, l.subject(&loaded[i]))
	}
	if l.dry {
		return nil
	}
	return l.leaveToDelivery(ctx)
}

// subject is a claimed person at the begin of a lot.
func (l *lot) subject(from *state.Loaded) *subject {
	s := &subject{entry: from.Entry, id: from.Entry.Person, key: from.Entry.Person.Key(), person: from.Person, links: from.Links}
	err := from.Err
	if err == nil && len(s.person.Shown) > 0 {
		s.shown, err = score.DecodeShown(s.person.Shown)
	}
	if err != nil {
		s.settled = &state.Settlement{Outcome: state.SetAside, Failure: fmt.Errorf("load person %s: %w", s.key, err)}
		return s
	}
	for _, r := range from.Records {
		// A CRM that the config no longer names keeps its records until it is back or forgotten.
		if crm := l.s.crm(r.Ref.CRM); crm != nil {
			s.recs = append(s.recs, &record{ref: r.Ref, crm: crm, state: r.Contact, was: r.Contact.Clone(), pending: r.Pending})
		}
	}
	switch {
	case len(s.person.Contacts) == 0: // of nobody any more
		s.settled = &state.Settlement{Outcome: state.Finish}
	case len(s.recs) == 0:
		// What brought them here is kept until the config names their CRM again.
		s.settled = comeBack(s.entry.Lane, l.now.Add(unnamedFor), 0)
	default:
		s.letters = from.Letters
	}
	return s
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
		s.settled = &state.Settlement{Outcome: state.Await, Refs: theirs}
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
	if raw, err := l.p.db.LastReceipt(s.id); err == nil && raw != nil {
		s.last, _ = l.p.OpenReceipt(raw)
	}
	return s.last
}

// comeBack settles a subject who is to be worked on again.
func comeBack(lane state.Lane, at time.Time, why state.Reason) *state.Settlement {
	return &state.Settlement{Outcome: state.Return, Lane: lane, At: at, Why: why}
}

// later puts a subject into the retry lane: after a failed read, a silent source, a degraded answer.
func (l *lot) later(s *subject, err error) *state.Settlement {
	at, why := l.now.Add(state.Backoff(s.entry.Attempts)), state.ReasonRetry
	if until := connectors.Until(err); until.After(at) {
		at, why = until, why|state.ReasonWaits
	}
	return l.noticed(s, comeBack(s.entry.RetryLane(), at, why))
}

// ErrBusy says that the same job is running already.
var ErrBusy = errors.New("this job is running already")
