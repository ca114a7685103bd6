package pipeline

import (
	"context"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Consent that is withdrawn ends a journey: what was recorded until then goes from our own stores, and what was made of it from the state,
// as when somebody is forgotten. The record and what identifies the person stay, and so does the event that says so: by it what other
// sources still tell of before is left out, and what comes after, without another consent.

// withdraw erases what our own stores hold of somebody until they withdrew their consent. What the state holds goes with the settlement. That a
// CRM's record denies it is kept in one of them even where none told anything, as long as others tell of before: the record may say
// something else one day.
func (l *lot) withdraw(ctx context.Context, s *subject, asked connectors.Person, at time.Time) error {
	kept := s.denied == "" || s.withdrawalKept()
	s.withdrew = s.denied != "" && s.person.Events != 0
	for i := range l.s.Sources {
		src := &l.s.Sources[i]
		w, ok := src.Source.(connectors.Withdrawer)
		if !ok || kept && !s.toldUntil(src.Name, at) {
			continue
		}
		n, err := w.Withdraw(ctx, l.s.AskAs(src.Name, asked), at, s.denied)
		if err != nil {
			return err
		}
		s.withdrew, kept = true, true
		l.p.log.Info("consent was withdrawn: a journey is erased", "person", s.key, "source", src.Name, "events", n)
	}
	if s.withdrew {
		l.p.counts.withdrawn()
	}
	return nil
}

// withdrawn is until when what the state holds of somebody goes. Where a CRM's record denies consent that is done once: what is made of it
// then, that nothing counts, stays.
func (s *subject) withdrawn() time.Time {
	if s.journey == nil || s.denied != "" && s.person.Events == 0 {
		return time.Time{}
	}
	return s.journey.Withdrawn
}

// withdrawalKept says whether a store keeps that a CRM's record denied consent after all that sources told of.
func (s *subject) withdrawalKept() bool {
	var kept, told time.Time
	for _, e := range s.takeEvents() {
		switch {
		case e.WithdrawnByCRM() && e.Time.After(kept):
			kept = e.Time
		case !e.Withdraws() && e.Time.After(told):
			told = e.Time
		}
	}
	return !told.After(kept)
}

// voidWithdrawn takes people who withdrew their consent out of jobs at a model's vendor: their prompts tell of before.
func (l *lot) voidWithdrawn(ctx context.Context) error {
	for _, s := range l.subjects {
		if !s.withdrew {
			continue
		}
		if err := l.p.Batches().Void(ctx, s.id); err != nil {
			return err
		}
	}
	return nil
}

// toldUntil says whether a source told of anything until a moment, but of withdrawals and a CRM's counters, which are in no store.
func (s *subject) toldUntil(source string, until time.Time) bool {
	for _, e := range s.takeEvents() {
		if e.Source == source && !e.Time.After(until) && !e.Withdraws() && e.Properties[connectors.PropSummary] != "true" {
			return true
		}
	}
	return false
}
