package pipeline

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// missingFor is how long a record must stay unknown to its CRM before it counts as erased: one strange answer must not
// forget anybody.
const missingFor = 24 * time.Hour

// followStates acts on records that are not simply live: merged ones are followed, archived ones paused, erased ones
// forgotten; and notices what humans did to our fields.
func (l *lot) followStates() {
	for _, s := range l.open() {
		live := 0
		var unread error
		for _, r := range s.recs {
			if !r.read {
				unread = r.err
				continue
			}
			c := &r.contact
			switch c.State {
			case connectors.Live:
				live++
				if r.state.Paused || !r.state.Missing.IsZero() {
					r.state.Paused, r.state.Missing, r.dirty = false, time.Time{}, true
				}
				l.noticeHands(s, r)
			case connectors.Merged:
				if !c.Into.IsZero() && c.Into != r.ref {
					s.settled = &state.Settlement{Outcome: state.Follow, Old: r.ref, Into: c.Into, Contacts: []connectors.Contact{named(c, r.ref)}}
				} else if !r.state.Paused {
					r.state.Paused, r.dirty = true, true
				}
			case connectors.Archived, connectors.Deleted:
				if !r.state.Paused {
					r.state.Paused, r.dirty = true, true
				}
			case connectors.Erased:
				if r.state.Missing.IsZero() {
					r.state.Missing, r.state.Paused, r.dirty = l.now, true, true
				}
			}
			if s.settled != nil {
				break
			}
		}
		switch {
		case s.settled != nil:
		case live == 0 && unread != nil:
			s.settled = l.later(s, unread) // whether anybody is to be parked that record decides
		case live == 0:
			s.settled = l.park(s)
		default:
			if off := l.split(s); len(off) > 0 {
				s.settled = l.splitOff(s, off)
			}
		}
	}
}

// park lays a person aside all of whose records are archived or gone. Gone for a day means erased: everything goes.
func (l *lot) park(s *subject) *state.Settlement {
	erased := true
	var since time.Time
	out := &state.Settlement{Outcome: state.Park}
	for _, r := range s.recs {
		out.Refs = append(out.Refs, r.ref)
		if !r.read || r.contact.State != connectors.Erased {
			erased = false
		} else if r.state.Missing.After(since) {
			since = r.state.Missing
		}
		if r.pending != nil {
			r.state.Checked, r.dirty = false, true // its patch goes, but may have arrived
		}
	}
	switch {
	case erased && l.now.Sub(since) >= missingFor:
		out.Outcome, out.Contacts = state.Erase, s.contacts()
	case erased:
		out = comeBack(state.Retry, since.Add(missingFor), state.ReasonMerge)
	}
	return l.noticed(s, out)
}

// splitOff settles a subject some of whose records are somebody else's: both are asked for again.
func (l *lot) splitOff(s *subject, off []*record) *state.Settlement {
	out := &state.Settlement{Outcome: state.Split, Contacts: s.contacts()}
	for _, r := range off {
		out.Refs = append(out.Refs, r.ref)
	}
	return out
}

// contacts are the subject's records as their CRMs tell them.
func (s *subject) contacts() []connectors.Contact {
	out := make([]connectors.Contact, len(s.recs))
	for i, r := range s.recs {
		out[i] = named(&r.contact, r.ref)
	}
	return out
}

// named is a contact under the reference it was asked for by.
func named(c *connectors.Contact, ref connectors.Ref) connectors.Contact {
	out := *c
	out.Ref = ref
	return out
}

// noticed adds to a settlement what the lot noticed of the records, and the rep's verdict.
func (l *lot) noticed(s *subject, out *state.Settlement) *state.Settlement {
	for _, r := range s.recs {
		if r.dirty {
			out.Records = append(out.Records, state.RecordChange{Ref: r.ref, Was: r.was, Is: r.state})
		}
	}
	if s.verdict {
		out.Verdict = &s.person.Verdict
	}
	return out
}

// noticeHands reads the rep's verdict, and notices which of our fields were emptied: those are ours again, whoever held them (invariant
// 4). Who changed the others was asked when the record was read.
func (l *lot) noticeHands(s *subject, r *record) {
	for _, f := range r.crm.OwnFields().Fields {
		if r.crm.Fields[f.Name] == "" {
			continue
		}
		value := r.contact.Ours[f.Name]
		own := r.state.Own.At(f.Number)
		if f.RepEdits {
			h := uint32(0)
			if value != "" {
				h = state.FieldHash(f.Number, value)
			}
			if own.Wrote != h {
				r.state.Own.Wrote(f.Number, h)
				r.dirty = true
				if value != "" || len(s.recs) == 1 {
					s.person.Verdict, s.verdict = value, true
				}
			}
			continue
		}
		wroteSomething := own.Wrote != 0 && own.Wrote != state.FieldHash(f.Number, "")
		if value == "" && (own.Held || wroteSomething && !r.pending.MayHaveLeft(f, "")) {
			r.state.Own.Set(f.Number, state.OwnField{})
			r.refillField(f)
			r.dirty = true
		}
	}
}

// refillField has an own field filled again.
func (r *record) refillField(f connectors.Field) {
	if r.refill == nil {
		r.refill = map[int]bool{}
	}
	r.refill[f.Number] = true
}

// behind says whether the record missed what the person's other records were last given: it could not be read then, or its CRM
// refused the patch.
func (r *record) behind(shown score.Shown) bool {
	return r.read && r.contact.State == connectors.Live && shown.Known && !r.state.WroteAt.IsZero() && r.state.WroteAt.Before(shown.Written)
}
