package pipeline

import (
	"slices"
	"time"

	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// stage ends a lot in one transaction: settled people are settled, those with nothing to write are committed, the patches of
// the others are journalled (invariant 2) and left to delivery.
func (l *lot) stage() error {
	settings, err := l.s.receiptSettings()
	if err != nil {
		return err
	}
	backlog := l.p.db.LaneDepth(state.Backfill)
	changes := map[state.PersonID]bool{} // whose tier would change
	var committed, staged []*subject
	for _, s := range l.open() {
		out, err := l.outcome(s, backlog)
		if err != nil {
			return err
		}
		s.settled = out
		if out.Outcome == state.Commit {
			committed = append(committed, s)
			continue
		}
		staged = append(staged, s)
		if !s.held && s.shown.Known && (s.result.shown.Tier != s.shown.Tier || s.result.regraded) && !l.p.brake.released(s.entry.Since, s.person.Scoring, l.scoringHash()) {
			changes[s.id] = true
		}
	}
	if !l.p.brake.allow(l.s.BrakeShare, len(changes)) {
		for _, s := range slices.Concat(committed, staged) {
			// Nothing is claimed while the brake is on: they are there when it goes off.
			s.settled = comeBack(s.entry.Lane, time.Time{}, 0)
		}
		committed, staged, changes = nil, nil, nil
	}
	// Whoever is merged, split or forgotten goes first: what is staged after it is of people who are still there.
	lot := state.Lot{Rules: l.s.rules, Now: l.now, Config: l.scoringHash(), Settings: settings, Settlements: make([]state.Settlement, 0, len(l.subjects))}
	late := slices.Concat(committed, staged)
	for _, s := range l.subjects {
		if !slices.Contains(late, s) {
			lot.Settlements = append(lot.Settlements, l.settlement(s))
		}
	}
	for _, s := range late {
		lot.Settlements = append(lot.Settlements, l.settlement(s))
	}
	done, err := l.p.db.StageLot(lot)
	if err != nil {
		l.p.brake.giveBack(len(changes))
		return err
	}
	for _, failed := range done.Failed {
		l.p.log.Error("a person cannot be worked on and is set aside", "person", failed.Person.Key(), "error", failed.Err)
		if changes[failed.Person] {
			l.p.brake.giveBack(1)
		}
	}
	if done.PutOff > 0 {
		l.p.log.Warn("more people than usual are unknown to their CRM: no more are forgotten today; check the token's rights", "put_off", done.PutOff)
	}
	for _, s := range late {
		l.p.forms.count(s.inputs.newForms)
		if !slices.ContainsFunc(s.recs, func(r *record) bool { return r.pending != nil }) { // else an earlier lot counted them
			l.p.counts.untold(s.untold)
		}
	}
	if len(staged) > 0 {
		l.p.delivery.Look()
	}
	return nil
}

// outcome is the settlement of a subject with a result: committed if there is nothing to write, else staged.
func (l *lot) outcome(s *subject, backlog int) (*state.Settlement, error) {
	out := l.withChanges(s, &state.Settlement{Outcome: state.Stage})
	reason := ""
	for _, r := range s.recs {
		patch, why := l.patchFor(s, r)
		if !l.mayTry(s, r, &patch, why) {
			continue
		}
		out.Patches = append(out.Patches, &state.Pending{
			Person: s.id, Patch: patch, Staged: l.now, Inputs: r.inputs, Read: r.contact.Modified,
			Bulk: s.entry.Lane == state.Backfill && l.p.delivery.ByJob(r.ref.CRM, backlog), Alone: s.letter(r.ref) != nil,
		})
		if reason == "" {
			reason = why
		}
	}
	c, err := l.commitFor(s, reason)
	if err != nil {
		return nil, err
	}
	out.Next, out.At = c.next, c.retryAt
	if out.Snapshot, err = l.snapshot(s, c.next.Features); err != nil {
		return nil, err
	}
	var alerts []string
	alerts, s.untold = l.alertsFor(s)
	if len(out.Patches) == 0 {
		out.Outcome, out.Receipt, out.Score = state.Commit, c.receipt, c.score
		for _, r := range s.recs {
			if r.pending != nil {
				out.Refs = append(out.Refs, r.ref)
			}
		}
		return l.withScored(s, out), nil
	}
	for _, p := range out.Patches {
		p.Next, p.Receipt, p.Score, p.Trend, p.Reason, p.Alerts, p.Entered = c.next, c.receipt, c.score, c.trend, reason, alerts, s.letGo
	}
	out.Identities = l.identified(s)
	return out, nil
}

// settlement completes how a subject was settled by what becomes of their dead letters.
func (l *lot) settlement(s *subject) state.Settlement {
	out := *s.settled
	out.Entry = s.entry
	out.Letters, out.Retry = s.settledLetters()
	return out
}

// commit is what becomes true of a person with a result.
type commit struct {
	next    *state.Person
	receipt []byte
	score   int32
	trend   uint8
	retryAt time.Time // when what is owed is tried; zero: nothing is
}

// commitFor renders the result into what is stored. reason is why a patch goes out, "" if none does.
func (l *lot) commitFor(s *subject, reason string) (*commit, error) {
	b, r := s.inputs, s.result
	next := s.person
	next.Events, next.Extraction, next.Scoring = b.events, b.engine, l.scoringHash()
	next.Features = b.features.Append(nil)
	next.Sources = b.sources
	next.Flags &^= state.FlagDegraded | state.FlagStale | state.FlagRulesText
	if len(b.degraded) > 0 {
		next.Flags |= state.FlagDegraded
	}
	if b.rulesText {
		next.Flags |= state.FlagRulesText
	}
	if len(s.stale) > 0 {
		next.Flags |= state.FlagStale
	}
	next.Due = r.receipt.Forecast.Due
	if !r.wait.IsZero() && (next.Due.IsZero() || r.wait.Before(next.Due)) {
		next.Due = r.wait
	}
	c := &commit{next: &next, score: -1, retryAt: l.retryAt(s)}
	shows := s.shown
	if reason != "" && !s.held || s.held && r.reason != "" {
		shown := r.shown // of somebody held out, what would be shown
		shown.Written = l.now
		if r.reason == "" && s.shown.Known {
			// A part of the fields, or of the records, goes out: the CRM goes on showing the score it shows.
			shown = s.shown
			if len(s.recs) == 1 {
				shown.Written = l.now // with more, those that nothing goes to would seem to be behind
			}
		}
		next.Shown, next.Tier, shows = shown.Append(nil), tierOf(shown), shown
		if !s.held {
			r.receipt.Reason, r.receipt.Written = reason, r.values
		}
		if r.parts.Known {
			c.score, c.trend = int32(r.parts.Score), uint8(shown.Trend)
		}
	}
	l.stand(s, &next, shows)
	if !r.shown.Known && !s.shown.Known && b.events == 0 && b.filtered == (journey.Filtered{}) {
		return c, nil // nothing that anybody could ask about
	}
	var err error
	c.receipt, err = l.p.sealReceipt(&r.receipt, l.s.settingsHash, next.Features)
	return c, err
}

// retryAt is when what is owed to the subject should be tried again; zero if nothing is.
func (l *lot) retryAt(s *subject) time.Time {
	if s.inputs == nil || s.result == nil {
		return time.Time{}
	}
	last := l.goesLast(s)
	order := textOrder(s.result.parts.Score, last)
	switch {
	case len(s.inputs.degraded) > 0:
		if l.s.BudgetSpent != nil && l.s.BudgetSpent(last) {
			return nextMidnight(l.now, l.s.Fields.Location).Add(order)
		}
		return l.now.Add(max(10*time.Minute, state.Backoff(s.entry.Attempts)))
	case s.inputs.rulesText && s.result.parts.Known:
		return l.now.Add(order) // provisional texts make place at once: theirs is no write that the next has to keep away from
	case len(s.stale) > 0 || s.unread():
		return l.now.Add(state.Backoff(s.entry.Attempts))
	}
	return time.Time{}
}

// tierOf is the tier that stands beside what the CRM shows.
func tierOf(s score.Shown) state.Tier { return state.Tier(s.Tier) + 1 }
