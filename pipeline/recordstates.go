package pipeline

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/state"
)

// missingFor is how long a record must stay unknown to its CRM before it counts as erased: one strange answer must not
// forget anybody.
const missingFor = 24 * time.Hour

// checkRecordStates acts on what became of the records in their CRM: a merged one leads to the record it lives on in, an archived one
// pauses, an erased one has its person forgotten in the end. Of live ones it notices what people did to our fields.
func (l *lot) checkRecordStates() {
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
				r.noticeEmptied()
			case connectors.Merged:
				if !c.Into.IsZero() && c.Into != r.ref {
					s.settled = &state.Settlement{Outcome: state.Follow, Old: r.ref, Into: c.Into, Contacts: []connectors.Contact{underRef(c, r.ref)}}
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
		l.noticeVerdict(s)
		switch {
		case s.settled != nil:
		case live == 0 && unread != nil:
			s.settled = l.retryLater(s, unread) // whether anybody is to be parked that record decides
		case live == 0:
			s.settled = l.park(s)
		default:
			if off := l.othersRecords(s); len(off) > 0 {
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
	return l.withChanges(s, out)
}

// splitOff settles a subject some of whose records are somebody else's: both are asked for again.
func (l *lot) splitOff(s *subject, off []*record) *state.Settlement {
	out := &state.Settlement{Outcome: state.Split, Contacts: s.contacts()}
	for _, r := range off {
		out.Refs = append(out.Refs, r.ref)
	}
	return out
}

// othersRecords are the records that no longer share an address with the person's first one, straight or through one another: two people
// had been taken for one, or an address was corrected. Converted and merged records do not come here: they share a past.
func (l *lot) othersRecords(s *subject) []*record {
	if len(s.recs) < 2 {
		return nil
	}
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Live {
			return nil // not now: one of them cannot be judged
		}
	}
	if len(s.recs[0].contact.Emails) == 0 {
		return nil
	}
	mine := l.joining(s.recs[0])
	left := slices.Clone(s.recs[1:])
	for again := true; again; {
		again = false
		for i, r := range left {
			theirs := l.joining(r)
			if len(r.contact.Emails) == 0 || slices.ContainsFunc(theirs, func(id identity.ID) bool { return slices.Contains(mine, id) }) {
				mine = append(mine, theirs...)
				left = slices.Delete(left, i, i+1)
				again = true
				break
			}
		}
	}
	return left
}

// joining are the identifiers of a record that make one person of it and others.
func (l *lot) joining(r *record) []identity.ID {
	return slices.DeleteFunc(l.s.rules.RecordIDs(&r.contact), func(id identity.ID) bool { return !id.JoinsRecords() })
}
