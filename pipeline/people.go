package pipeline

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// split gives records that no longer share an address with the person's first one a person of their own: two people had
// been taken for one, or an address was corrected. Converted and merged records do not come here: they share a past.
func (l *lot) split(s *subject) []*record {
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

// day is the day that t is booked under, in the time zone of texts.
func (p *Pipeline) day(t time.Time) string {
	if loc := p.Setup().Fields.Location; loc != nil {
		t = t.In(loc)
	}
	return t.Format(time.DateOnly)
}
