package pipeline

import (
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// stage ends a lot in one transaction: settled people are settled, those with nothing to write are committed, the patches of
// the others are journalled (invariant 2) and handed to the writers.
func (l *lot) stage() error {
	type staged struct {
		s       *subject
		pending []*state.Pending
	}
	var out []staged
	direct := map[*subject]*commit{}
	tierChanges := 0
	for _, s := range l.open() {
		var patches []connectors.Patch
		var recs []*record
		var reason string
		for _, r := range s.recs {
			patch, why := l.patchFor(s, r)
			if why == "" || l.knownDead(s, r) {
				continue
			}
			patches, recs = append(patches, patch), append(recs, r)
			if reason == "" {
				reason = why
			}
		}
		c, err := l.commitFor(s, reason)
		if err != nil {
			return err
		}
		if len(patches) == 0 {
			direct[s] = c
			continue
		}
		if s.shown.Known && s.result.shown.Tier != s.shown.Tier {
			tierChanges++
		}
		st := staged{s: s}
		for i, patch := range patches {
			st.pending = append(st.pending, &state.Pending{
				Person: s.id, Patch: patch, Staged: l.now, Inputs: recs[i].inputs, Maybe: mayHaveLeft(recs[i].pending),
				Next: c.next, Receipt: c.receipt, Score: c.score,
			})
		}
		out = append(out, st)
	}
	if !l.p.brake.allow(l.p, l.s.BrakeShare, tierChanges) {
		for _, s := range l.open() {
			// Nothing is claimed while the brake is on: they are there when it goes off.
			s.settled = func(tx *state.Tx) error { return tx.Release(s.entry, s.entry.Lane, time.Time{}, 0) }
		}
		out, direct, tierChanges = nil, nil, 0
	}
	letters := l.p.db.DeadCount() > 0
	var gone []*subject // forgotten or joined to somebody else while the lot was under way
	err := l.p.db.Update(func(tx *state.Tx) error {
		gone = gone[:0]
		if err := l.keepSettings(tx); err != nil {
			return err
		}
		for _, s := range l.subjects {
			if letters { // whoever comes this far is not a dead letter any more
				if err := tx.DropDead(s.id, connectors.Ref{}); err != nil {
					return err
				}
			}
			if s.settled != nil {
				if err := s.settled(tx); err != nil {
					return fmt.Errorf("settle %s: %w", s.key, err)
				}
			}
		}
		for s, c := range direct {
			if err := l.commitDirect(tx, s, c); err != nil {
				return fmt.Errorf("commit %s: %w", s.key, err)
			}
		}
		for _, st := range out {
			if _, ok, err := tx.Person(st.s.id); err != nil {
				return err
			} else if !ok {
				gone = append(gone, st.s)
				if _, err := tx.Done(st.s.entry); err != nil {
					return err
				}
				continue
			}
			if err := saveRecords(tx, st.s, l.now); err != nil {
				return err
			}
			if err := l.saveIdentities(tx, st.s); err != nil {
				return err
			}
			for _, pd := range st.pending {
				if err := tx.Stage(pd); err != nil {
					return fmt.Errorf("stage %s: %w", pd.Patch.Ref, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		l.p.brake.giveBack(tierChanges)
		return err
	}
	l.p.counts.current.Store(false) // people may have been merged or split
	isGone := map[*subject]bool{}
	for _, s := range gone {
		isGone[s] = true
	}
	for _, st := range out {
		if !isGone[st.s] {
			l.p.writers.add(&flight{entry: st.s.entry, id: st.s.id, retryAt: l.retryAt(st.s)}, st.pending)
		}
	}
	return nil
}

// commit is what becomes true of a person with a result.
type commit struct {
	next    *state.Person
	receipt []byte
	score   int32
	retryAt time.Time // when what is owed is tried; zero: nothing is
}

// commitFor renders the result into what is stored. reason is why a patch goes out, "" if none does.
func (l *lot) commitFor(s *subject, reason string) (*commit, error) {
	b, r := s.basis, s.result
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
	if reason != "" {
		shown := r.shown
		shown.Written = l.now
		if r.reason == "" && s.shown.Known {
			// A part of the fields, or of the records, goes out: the CRM goes on showing the score it shows.
			shown = s.shown
			if len(s.recs) == 1 {
				shown.Written = l.now // with more, those that nothing goes to would seem to be behind
			}
		}
		next.Shown = shown.Append(nil)
		r.receipt.Reason = reason
		r.receipt.Written = r.values
		if r.parts.Known {
			c.score = int32(r.parts.Score)
		}
	}
	if !r.shown.Known && !s.shown.Known && b.events == 0 && b.filtered == (journey.Filtered{}) {
		return c, nil // nothing that anybody could ask about
	}
	var err error
	c.receipt, err = l.sealReceipt(&r.receipt, next.Features)
	return c, err
}

// commitDirect commits somebody for whom there is nothing to write: there is no acknowledgement to wait for.
func (l *lot) commitDirect(tx *state.Tx, s *subject, c *commit) error {
	if err := saveRecords(tx, s, l.now); err != nil {
		return err
	}
	if err := l.saveSeen(tx, s); err != nil {
		return err
	}
	for _, r := range s.recs {
		if r.pending != nil && r.pending.Token == voided {
			if err := tx.DropPending(r.ref); err != nil {
				return err
			}
		}
	}
	if err := applyNext(tx, s.id, c.next); err != nil {
		return err
	}
	_, alive, err := tx.Person(s.id)
	if err != nil {
		return err
	}
	if alive && c.receipt != nil { // of somebody forgotten meanwhile nothing is kept
		if err := tx.PutReceipt(s.id, l.now, c.receipt); err != nil {
			return err
		}
	}
	return settleAfter(tx, s.entry, c.next, c.retryAt)
}

// settleAfter takes the finished entry out of the queue, or puts it where what is still owed is done: degraded texts are
// retried, and so is who was worked out without one of their records or sources; rules texts of a first sync make place for the
// model's.
func settleAfter(tx *state.Tx, e state.Entry, next *state.Person, retryAt time.Time) error {
	switch {
	case retryAt.IsZero() || next == nil:
	case next.Flags&(state.FlagDegraded|state.FlagRulesText) == state.FlagRulesText:
		if ok, err := tx.Done(e); err != nil || !ok {
			return err
		}
		return tx.EnqueueAt(e.Person, state.Backfill, state.ReasonText, retryAt)
	default:
		return tx.Release(e, retryLane(e), retryAt, state.ReasonRetry)
	}
	_, err := tx.Done(e)
	return err
}

// textOrder spreads owed model texts so that higher scores come first: the lane goes by time.
const textOrder = time.Millisecond // per tenth of a point

// retryAt is when what is owed to the subject should be tried again; zero if nothing is.
func (l *lot) retryAt(s *subject) time.Time {
	if s.basis == nil || s.result == nil {
		return time.Time{}
	}
	order := time.Duration(1000-s.result.parts.Score) * textOrder
	switch {
	case len(s.basis.degraded) > 0:
		if l.s.BudgetSpent != nil && l.s.BudgetSpent() {
			return nextMidnight(l.now, l.s.Fields.Location).Add(order)
		}
		return l.now.Add(max(10*time.Minute, backoff(s.entry.Attempts)))
	case s.basis.rulesText && s.result.parts.Known:
		// The write of the rules' text counts against the one an hour, too.
		return l.now.Add(time.Duration(l.s.Score.WriteInterval)*time.Second + order)
	case len(s.stale) > 0 || s.unread():
		return l.now.Add(backoff(s.entry.Attempts))
	}
	return time.Time{}
}

// mayHaveLeft are the hashes of what a patch that is replaced before it was acknowledged may have left in the CRM.
func mayHaveLeft(pd *state.Pending) (maybe []uint32) {
	if pd == nil {
		return nil
	}
	for i, f := range connectors.Fields {
		if v, ok := pd.Patch.Fields[f.Name]; ok {
			maybe = append(maybe, state.FieldHash(i, v))
		}
	}
	return maybe
}

func nextMidnight(t time.Time, loc *time.Location) time.Time {
	if loc == nil {
		loc = time.UTC
	}
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, loc)
}

// applyNext makes a result the person's. Records may have changed hands, and a verdict come in, since it was worked out.
func applyNext(tx *state.Tx, id state.PersonID, next *state.Person) error {
	if next == nil {
		return nil
	}
	have, ok, err := tx.Person(id)
	if err != nil || !ok {
		return err
	}
	merged := *next
	merged.Contacts, merged.Verdict = have.Contacts, have.Verdict
	return tx.PutPerson(id, &merged)
}

// knownDead says whether the record was rejected for the same inputs under the same config: it is not tried again.
func (l *lot) knownDead(s *subject, r *record) bool {
	if s.entry.Reason&state.ReasonAsked != 0 || l.p.db.DeadCount() == 0 {
		return false
	}
	var dead bool
	_ = l.p.db.View(func(tx *state.Tx) error {
		letters, err := tx.DeadOf(s.id)
		if err != nil {
			return err
		}
		for _, d := range letters {
			dead = dead || d.Ref == r.ref && d.Inputs == r.inputs && d.Config == l.scoringHash()
		}
		return nil
	})
	return dead
}

// Shown decodes what the CRM shows of a person.
func shownOf(p *state.Person) score.Shown {
	if len(p.Shown) == 0 {
		return score.Shown{}
	}
	s, err := score.DecodeShown(p.Shown)
	if err != nil {
		return score.Shown{}
	}
	return s
}
