package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

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
	s := l.room.subjects.take()
	*s = subject{entry: from.Entry, id: from.Entry.Person, key: from.Entry.Person.Key(), person: from.Person, links: from.Links}
	err := from.Err
	if err == nil && len(s.person.Shown) > 0 {
		s.shown, err = score.DecodeShown(s.person.Shown)
	}
	if err != nil {
		s.settled = &state.Settlement{Outcome: state.SetAside, Failure: fmt.Errorf("load person %s: %w", s.key, err)}
		return s
	}
	s.verdict.at = from.VerdictAt
	for _, r := range from.Records {
		// A CRM that the config no longer names keeps its records until it is back or forgotten.
		if crm := l.s.crm(r.Ref.CRM); crm != nil {
			rec := l.room.records.take()
			*rec = record{ref: r.Ref, crm: crm, state: r.Contact, was: r.Contact.Clone(), pending: r.Pending}
			s.recs = append(s.recs, rec)
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
	var again []state.Entry // of whom a patch waited, or was answered since they were loaded: then what the CRM holds is known only now
	var at []int
	for i, s := range l.subjects {
		if s.settled != nil {
			continue
		}
		var theirs []connectors.Ref
		waited := false
		for _, r := range s.recs {
			waited = waited || r.pending != nil && r.pending.Way != state.Void
			if busy[r.ref] {
				theirs = append(theirs, r.ref)
			}
		}
		switch {
		case len(theirs) > 0:
			s.settled = &state.Settlement{Outcome: state.Await, Refs: theirs}
		case waited:
			again, at = append(again, s.entry), append(at, i)
		}
	}
	if len(again) == 0 {
		return nil
	}
	loaded, err := l.p.db.LoadLot(again)
	if err != nil {
		return err
	}
	for k, i := range at {
		l.subjects[i] = l.subject(&loaded[k])
	}
	return nil
}
