package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// gatherRecords reads all records of the lot, one call per CRM.
func (l *lot) gatherRecords(ctx context.Context) error {
	for i := range l.s.CRMs {
		crm := &l.s.CRMs[i]
		var recs []*record
		for _, s := range l.open() {
			for _, r := range s.recs {
				if r.crm == crm {
					recs = append(recs, r)
				}
			}
		}
		if len(recs) == 0 {
			continue
		}
		l.readRecords(ctx, crm, recs)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	for _, s := range l.open() {
		var failed error
		ok := 0
		for _, r := range s.recs {
			if r.read {
				ok++
			} else if r.err != nil {
				failed = r.err
			}
		}
		if ok == 0 {
			s.settled = l.retryLater(s, failed)
		}
	}
	return nil
}

// readRecords reads records of one CRM in one call. A call that is refused because of one record is made again in halves, so
// that the others are read.
func (l *lot) readRecords(ctx context.Context, crm *CRM, recs []*record) {
	var contacts []connectors.Contact
	var err error
	if !l.dry && len(l.s.CRMs) > 1 && !l.p.delivery.Room(crm.Name) {
		// Nobody is claimed while no CRM has room; here another one has. What is read now could not be handed over. The other CRMs go on (invariant 9).
		err = &connectors.Error{Kind: connectors.Transient, Op: crm.Name + ": read", Message: "waits: its writer has too many patches that were not acknowledged"}
	} else {
		refs := make([]connectors.Ref, len(recs))
		for i, r := range recs {
			refs[i] = r.ref
		}
		contacts, err = l.p.Read(ctx, crm, refs)
	}
	if connectors.KindOf(err) == connectors.Rejected && len(recs) > 1 && ctx.Err() == nil {
		half := len(recs) / 2
		l.readRecords(ctx, crm, recs[:half])
		l.readRecords(ctx, crm, recs[half:])
		return
	}
	if err == nil && len(contacts) != len(recs) {
		err = fmt.Errorf("%s: read %d records: %d answers", crm.Name, len(recs), len(contacts))
	}
	for i, r := range recs {
		if err != nil {
			r.err = err
			continue
		}
		r.contact, r.read, r.inputs = contacts[i], true, state.InputsHash(&contacts[i])
	}
	if err == nil {
		l.checkAuthorship(ctx, crm, recs)
	}
}

// gatherJourneys asks every source once for the whole lot. People for whom only time moved are not asked about: what they
// did is in their stored features.
func (l *lot) gatherJourneys(ctx context.Context) {
	var people []connectors.Person
	by := map[string]*subject{}
	for _, s := range l.open() {
		if l.byTimeAlone(s) {
			for _, c := range s.person.Sources {
				if l.p.health.down(c.Source) {
					s.stale = append(s.stale, c.Source)
				}
			}
			continue
		}
		people = append(people, l.asPerson(s))
		by[s.key] = s
	}
	if len(people) == 0 {
		return
	}
	w := connectors.Window{From: l.now.Add(-l.s.History), To: l.now.Add(24 * time.Hour)}
	for i := range l.s.Sources {
		src := &l.s.Sources[i]
		_ = l.ask(ctx, src, l.s.askAllAs(src.Name, people), w, by)
		if ctx.Err() != nil {
			return
		}
	}
	for _, a := range l.confirmProposals(ctx, people, by) {
		_ = l.ask(ctx, a.source, a.people, w, by)
	}
}

// ask asks one source about people in one call. A call that is refused because of one of them is made again in halves; events
// told twice count once. Of whom it was not answered, the source is stale.
func (l *lot) ask(ctx context.Context, src *Source, people []connectors.Person, w connectors.Window, by map[string]*subject) error {
	err := l.p.journeys(ctx, src, people, w, by)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ctx.Err()
	case connectors.KindOf(err) == connectors.Rejected && len(people) > 1:
		half := len(people) / 2
		return errors.Join(l.ask(ctx, src, people[:half], w, by), l.ask(ctx, src, people[half:], w, by))
	default:
		// What came before the error is incomplete for everyone (the sequence says so).
		for i := range people {
			s := by[people[i].Key]
			s.stale = append(s.stale, src.Name)
		}
	}
	return err
}

// journeys asks one source for the events of many people and deals them out. A source that is stopped is not asked.
func (p *Pipeline) journeys(ctx context.Context, src *Source, people []connectors.Person, w connectors.Window, by map[string]*subject) error {
	if until, err := p.health.Blocked(src.Name); err != nil {
		return fmt.Errorf("%s: waits until %s: %w", src.Name, until.UTC().Format(time.RFC3339), err)
	}
	any := false
	for e, err := range src.Source.Journeys(ctx, people, w) {
		if err != nil {
			p.health.Note(src.Name, unlessRejected(err))
			return err
		}
		s := by[e.Person]
		if s == nil {
			continue
		}
		if e.Source == "" {
			e.Source = src.Name
		}
		s.addEvent(e)
		any = true
	}
	p.health.Note(src.Name, nil)
	if any {
		p.health.gaveEvents(src.Name)
	}
	return nil
}
