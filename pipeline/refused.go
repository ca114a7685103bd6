package pipeline

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// A record whose patch the CRM refused has a dead letter until the CRM takes one. Here stands when it is tried again, and when its letter is over.

// letter is the dead letter of one of the subject's records, nil if it has none.
func (s *subject) letter(ref connectors.Ref) *state.Dead {
	for i := range s.letters {
		if s.letters[i].Ref == ref {
			return &s.letters[i]
		}
	}
	return nil
}

// mayTry says whether a patch that the gate let through goes out. To a record whose patch the CRM refused it goes when something else would
// be written than then, when the record was edited since, when the letter's time has come, or when somebody asks.
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

// settledLetters are the dead letters that are over: the one about the person as a whole, since they came this far, and those about a record
// to which nothing is to be written any more. retry is when the first of the others may be tried again by time alone; zero: there is none.
func (s *subject) settledLetters() (over []connectors.Ref, retry time.Time) {
	if len(s.letters) > 0 {
		over = append(over, connectors.Ref{})
	}
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
			over = append(over, d.Ref)
		case retry.IsZero() || d.Next.Before(retry):
			retry = d.Next
		}
	}
	return over, retry
}
