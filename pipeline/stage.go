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
// the others are journalled (invariant 2) and left to delivery.
func (l *lot) stage() error {
	type staged struct {
		s       *subject
		c       *commit
		pending []*state.Pending
	}
	var out []staged
	direct := map[*subject]*commit{}
	tierChanges := 0
	backlog := l.p.db.LaneDepth(state.Backfill)
	for _, s := range l.open() {
		var patches []connectors.Patch
		var recs []*record
		var reason string
		for _, r := range s.recs {
			patch, why := l.patchFor(s, r)
			if !l.mayTry(s, r, &patch, why) {
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
		if s.shown.Known && s.result.shown.Tier != s.shown.Tier && !l.p.brake.released(s.entry.Since, s.person.Scoring, l.scoringHash()) {
			tierChanges++
		}
		st := staged{s: s, c: c}
		for i, patch := range patches {
			r := recs[i]
			st.pending = append(st.pending, &state.Pending{
				Person: s.id, Patch: patch, Staged: l.now, Inputs: r.inputs, Read: r.contact.Modified,
				Bulk: s.entry.Lane == state.Backfill && l.p.delivery.ByJob(r.ref.CRM, backlog), Alone: s.letter(r.ref) != nil,
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
	err := l.p.db.Update(func(tx *state.Tx) error {
		if err := l.keepSettings(tx); err != nil {
			return err
		}
		for _, s := range l.subjects {
			if len(s.letters) > 0 { // whoever comes this far is not a dead letter any more
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
			} else if !ok { // forgotten or joined to somebody else while the lot was under way
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
			if err := settleAfter(tx, st.s.entry, st.c.next, st.c.retryAt); err != nil {
				return err
			}
		}
		return l.keepLetters(tx)
	})
	if err != nil {
		l.p.brake.giveBack(tierChanges)
		return err
	}
	if len(out) > 0 {
		l.p.delivery.Look()
	}
	return nil
}

// letter is the dead letter of one of the subject's records, nil if it has none.
func (s *subject) letter(ref connectors.Ref) *state.Dead {
	for i := range s.letters {
		if s.letters[i].Ref == ref {
			return &s.letters[i]
		}
	}
	return nil
}

// mayTry says whether a patch that the gate let through goes out. One that the CRM refused goes again when something else would be
// written, when the record was edited since, when its time has come, or when somebody asks.
func (l *lot) mayTry(s *subject, r *record, patch *connectors.Patch, why string) bool {
	if why == "" {
		r.nothing = r.read && r.contact.State == connectors.Live
		return false
	}
	d := s.letter(r.ref)
	r.tried = d == nil || s.entry.Reason&state.ReasonAsked != 0 || d.Wanted != state.PatchHash(patch.Fields) ||
		r.contact.Modified.After(d.Modified) || !l.now.Before(d.Next)
	return r.tried
}

// keepLetters has people with dead letters come again when the time of the first of them has come. A letter about a record that has
// nothing to be written any more goes.
func (l *lot) keepLetters(tx *state.Tx) error {
	for _, s := range l.subjects {
		var next time.Time
		for i := range s.letters {
			d := &s.letters[i]
			var r *record
			for _, have := range s.recs {
				if have.ref == d.Ref {
					r = have
				}
			}
			switch {
			case d.Ref.IsZero() || r != nil && r.tried:
			case r != nil && (r.nothing || r.state.Paused):
				if err := tx.DropDead(s.id, d.Ref); err != nil {
					return err
				}
			case next.IsZero() || d.Next.Before(next):
				next = d.Next
			}
		}
		if next.IsZero() {
			continue
		}
		if _, alive, err := tx.Person(s.id); err != nil {
			return err
		} else if alive {
			if err := tx.EnqueueAt(s.id, state.Retry, state.ReasonLetter, next); err != nil {
				return err
			}
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
		next.Shown, next.Tier = shown.Append(nil), tierOf(shown)
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
		if r.pending != nil && r.pending.Way == state.Void {
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

// tierOf is the tier that stands beside what the CRM shows.
func tierOf(s score.Shown) state.Tier { return state.Tier(s.Tier) + 1 }
