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
				Person: s.id, Patch: patch, Staged: l.now, Inputs: recs[i].inputs,
				Next: c.next, Receipt: c.receipt, Score: c.score,
			})
		}
		out = append(out, st)
	}
	if !l.p.brake.allow(l.p, l.s.BrakeShare, tierChanges) {
		for _, s := range l.open() {
			s.settled = func(tx *state.Tx) error {
				return tx.Release(s.entry, state.Retry, l.now.Add(10*time.Minute), state.ReasonRetry)
			}
		}
		out, direct = nil, nil
	}
	var gone []*subject // forgotten or joined to somebody else while the lot was under way
	err := l.p.db.Update(func(tx *state.Tx) error {
		gone = gone[:0]
		if err := l.keepSettings(tx); err != nil {
			return err
		}
		for _, s := range l.subjects {
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
			if err := saveRecords(tx, st.s); err != nil {
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
		return err
	}
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
	c := &commit{next: &next, score: -1}
	if reason != "" {
		shown := r.shown
		if r.reason == "" {
			// A part of the fields goes out: the CRM goes on showing the score it shows.
			shown = s.shown
			if !shown.Known {
				shown = r.shown
			}
		}
		shown.Written = l.now
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
	if err := saveRecords(tx, s); err != nil {
		return err
	}
	if err := l.saveSeen(tx, s); err != nil {
		return err
	}
	if err := applyNext(tx, s.id, c.next, l.now); err != nil {
		return err
	}
	if c.receipt != nil {
		if err := tx.PutReceipt(s.id, l.now, c.receipt); err != nil {
			return err
		}
	}
	return settleAfter(tx, s.entry, c.next, l.retryAt(s), l.now)
}

// settleAfter takes the finished entry out of the queue, or puts it where what is still owed is done: degraded texts are
// retried, rules texts of a first sync make place for the model's.
func settleAfter(tx *state.Tx, e state.Entry, next *state.Person, retryAt time.Time, now time.Time) error {
	switch {
	case retryAt.IsZero() || next == nil:
	case next.Flags&state.FlagDegraded != 0:
		return tx.Release(e, state.Retry, retryAt, state.ReasonRetry)
	case next.Flags&state.FlagRulesText != 0:
		if ok, err := tx.Done(e); err != nil || !ok {
			return err
		}
		return tx.EnqueueAt(e.Person, state.Backfill, state.ReasonText, retryAt)
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
		return l.now.Add(order)
	}
	return time.Time{}
}

func nextMidnight(t time.Time, loc *time.Location) time.Time {
	if loc == nil {
		loc = time.UTC
	}
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, loc)
}

// applyNext makes a result the person's, upon whom the records may have changed hands meanwhile.
func applyNext(tx *state.Tx, id state.PersonID, next *state.Person, now time.Time) error {
	if next == nil {
		return nil
	}
	have, ok, err := tx.Person(id)
	if err != nil || !ok {
		return err
	}
	merged := *next
	merged.Contacts = have.Contacts
	if merged.Verdict != have.Verdict {
		if err := tx.PutVerdict(id, merged.Verdict, now); err != nil {
			return err
		}
	}
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
