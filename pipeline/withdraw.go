package pipeline

import (
	"context"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Consent that is withdrawn ends a journey: what was recorded until then goes from our own stores, and what was made of it from the state,
// as when somebody is forgotten. The record and what identifies the person stay, and so does the event that says so: by it what other
// sources still tell of before is left out, and what comes after, without another consent.

// withdraw erases what our own stores hold of somebody until they withdrew their consent. What the state holds goes with the settlement.
func (l *lot) withdraw(ctx context.Context, s *subject, asked connectors.Person, at time.Time) error {
	for i := range l.s.Sources {
		src := &l.s.Sources[i]
		w, ok := src.Source.(connectors.Withdrawer)
		if !ok || !s.toldUntil(src.Name, at) {
			continue
		}
		n, err := w.Withdraw(ctx, l.s.AskAs(src.Name, asked), at)
		if err != nil {
			return err
		}
		s.withdrew = true
		l.p.log.Info("consent was withdrawn: a journey is erased", "person", s.key, "source", src.Name, "events", n)
	}
	return nil
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

// toldUntil says whether a source told of anything until a moment, but of withdrawals.
func (s *subject) toldUntil(source string, until time.Time) bool {
	for _, e := range s.takeEvents() {
		if e.Source == source && !e.Time.After(until) && !e.Withdraws() {
			return true
		}
	}
	return false
}
