package pipeline

import (
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// The holdout keeps a share of the people out of every CRM, so that what a score brings can be told from what would have come anyway: they are
// scored as everybody is, and nothing is written of them. Whoever is to be written for the first time draws (state.DrawHoldout). Whoever was
// written before, or asked to be contacted, does not; whoever asks later is let go. The state keeps both arms as they were drawn.

// heldOut says whether a subject is held out under the setup, so far.
func (l *lot) heldOut(s *subject) bool {
	return s.person.HeldOut() && l.p.db.DrawHoldout(s.id) < l.s.Holdout
}

// letsGo says whether a subject who was held out is so no more: they asked to be contacted, or the share is smaller now.
func (l *lot) letsGo(s *subject) bool {
	return s.person.HeldOut() && (!l.heldOut(s) || handRaised(s))
}

// handRaised says whether the subject asked to be contacted, in the score window.
func handRaised(s *subject) bool {
	return slices.ContainsFunc(s.inputs.features.Signals, func(g score.Signal) bool { return g.Type == score.HandRaise })
}

// holdOut decides who of the subjects with a result is held out. Of them nothing is written, and what of our fields is filled is emptied: it
// would age.
func (l *lot) holdOut() {
	for _, s := range l.open() {
		switch {
		case s.person.HeldOut():
			s.letGo = l.letsGo(s)
			s.held = !s.letGo
		case l.draws(s):
			s.drawn = &state.Arm{Since: l.now, Held: l.p.db.DrawHoldout(s.id) < l.s.Holdout}
			s.held = s.drawn.Held
		}
		if !s.held {
			continue
		}
		r := s.result
		r.receipt.Reason = "not written: held out"
		r.values = map[string]string{}
		for _, rec := range s.recs {
			for _, f := range rec.crm.OwnFields().Fields {
				r.values[f.Name] = ""
			}
		}
	}
}

// draws says whether a subject is to be written for the first time ever, and asked for nothing.
func (l *lot) draws(s *subject) bool {
	if l.s.Holdout == 0 || s.id == 0 || s.shown.Known || !s.person.Arm.Since.IsZero() || s.result.reason == "" || handRaised(s) {
		return false
	}
	first := false
	for _, r := range s.recs {
		if !r.state.WroteAt.IsZero() || r.pending != nil || r.shows() {
			return false
		}
		_, reason := l.patchFor(s, r)
		first = first || reason != ""
	}
	return first
}

// shows says whether one of our fields is filled in the CRM, by whomever.
func (r *record) shows() bool {
	return slices.ContainsFunc(r.crm.OwnFields().Fields, func(f connectors.Field) bool { return !f.RepEdits && r.contact.Ours[f.Name] != "" })
}
