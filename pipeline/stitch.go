package pipeline

import (
	"context"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/state"
)

// stitch builds journeys and settles whoever brought nothing new.
func (l *lot) stitch(ctx context.Context) {
	for _, s := range l.open() {
		if l.byTimeAlone(s) {
			if len(s.stale) > 0 {
				s.settled = l.keepStale(s)
			}
			continue
		}
		var profile connectors.Profile
		customer := false
		for _, r := range s.recs {
			if r.read && r.contact.State == connectors.Live {
				if profile == (connectors.Profile{}) {
					profile = r.contact.Profile
				}
				customer = customer || l.s.isCustomer(&r.contact)
			}
		}
		asked := l.asPerson(s)
		said := ""
		said, s.denied = l.consent(s)
		s.journey = l.s.Journey.Build(journey.Input{Person: asked, Nobodys: s.identifiers.nobodys, Customer: customer, Consent: said, Events: s.takeEvents(), Now: l.now, Fates: s.fates})
		if at := s.journey.Withdrawn; !at.IsZero() && !l.dry {
			if err := l.withdraw(ctx, s, asked, at); err != nil {
				s.settled = l.retryLater(s, err)
			}
		}
		s.dropEvents()
		if s.settled != nil {
			continue
		}
		if !l.dry {
			l.p.counts.filter(s.journey.Filtered)
		}
		if s.journey.Withdrawn.IsZero() { // else it is right that there is less
			l.suspectEmpty(s)
		}
		if len(s.stale) > 0 && s.journey.Withdrawn.IsZero() && (s.shown.Known || s.entry.Attempts < newPersonPatience) {
			s.settled = l.keepStale(s)
			continue
		}
		if l.unchanged(s) {
			s.settled = l.commitUnchanged(s)
		}
	}
}

// newPersonPatience is how many attempts somebody without a score waits for a source that does not answer, before they are scored from the
// other sources alone.
const newPersonPatience = 3

// suspectEmpty marks sources that gave events of this person before and give none now. A source that has given events of anybody since the
// person joined the queue works: theirs are really gone, and it is not marked.
func (l *lot) suspectEmpty(s *subject) {
	if s.entry.Reason&state.ReasonMerge != 0 && len(s.identifiers.nobodys) > 0 {
		return // an identifier is theirs no more: less is known of them, and that is right
	}
	for _, c := range s.person.Sources {
		if c.Events == 0 || s.journey.BySource[c.Source] > 0 || l.s.Source(c.Source) == nil {
			continue
		}
		if !l.p.health.gaveEventsSince(c.Source, s.entry.Since) {
			s.stale = append(s.stale, c.Source)
		}
	}
}

// keepStale keeps the last score, marked, until the source is back (invariant 8).
func (l *lot) keepStale(s *subject) *state.Settlement {
	for _, r := range s.recs {
		if len(r.refill) > 0 {
			r.dirty = false // what a human emptied is noticed again when there is something to fill it with
		}
	}
	out := comeBack(s.entry.RetryLane(), l.now.Add(state.Backoff(s.entry.Attempts)), state.ReasonRetry)
	out.Stale = true
	return l.withChanges(s, out)
}

// unchanged says whether the four hashes are those of the last result and nobody asked for anything else (invariant 6).
func (l *lot) unchanged(s *subject) bool {
	p := &s.person
	if p.HeldOut() && !l.heldOut(s) || s.entry.Reason&(state.ReasonDue|state.ReasonAsked|state.ReasonText|state.ReasonMerge) != 0 {
		return false
	}
	if p.Flags&(state.FlagDegraded|state.FlagStale) != 0 || p.Events != s.journey.Hash || p.Scoring != l.scoringHash() || l.verdictIsNews(s) || p.Flags&state.FlagRulesText != 0 && l.s.Engine == l.s.Rules {
		return false
	}
	if v := l.engineFor(s).Version(); p.Extraction != v && s.journey.Hash != 0 {
		return false
	}
	for i := range s.letters {
		if !l.now.Before(s.letters[i].Next) {
			return false
		}
	}
	for _, r := range s.recs {
		if len(r.refill) > 0 || r.pending != nil || r.behind(s.shown) && l.inScope(r) {
			return false
		}
		if !r.read || r.contact.State != connectors.Live {
			continue
		}
		scored := s.shown.Known || len(s.person.Features) > 0 && r.state.WroteAt.IsZero() && l.scoredBefore(s)
		if r.state.Scored != r.inputs || scored && r.state.WroteAt.IsZero() && l.inScope(r) && !p.HeldOut() {
			return false
		}
	}
	return true
}

// commitUnchanged keeps what was learned of the records; there is nothing to infer, score or write.
func (l *lot) commitUnchanged(s *subject) *state.Settlement {
	out := &state.Settlement{Outcome: state.Commit}
	if s.unread() {
		out = comeBack(s.entry.RetryLane(), l.now.Add(state.Backoff(s.entry.Attempts)), state.ReasonRetry)
	} else if l.s.Engine != l.s.Rules && s.person.Flags&state.FlagRulesText != 0 {
		// A crash between the acknowledgement and the end of the claim: the model's texts are still owed.
		out.At = l.now.Add(textOrder(s.shown.Score, false))
	}
	return l.withChanges(s, l.withScored(s, out))
}

// consent is what the live records of a subject say of their consent, and by which property: one that denies it decides. Whoever the
// configuration excludes is treated as if theirs did.
func (l *lot) consent(s *subject) (said, by string) {
	for _, id := range s.identifiers.ids {
		if id.Kind == identity.Email && l.s.Excludes(id.Value) {
			return journey.ConsentDenied, "privacy.exclude"
		}
	}
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Live {
			continue
		}
		switch r.crm.Consent.Of(&r.contact) {
		case journey.ConsentDenied:
			return journey.ConsentDenied, r.crm.Name + ": " + r.crm.Consent.Property
		case journey.ConsentGranted:
			said = journey.ConsentGranted
		}
	}
	return said, ""
}
