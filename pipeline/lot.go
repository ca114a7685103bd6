package pipeline

import (
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// lot is a group of people going through the pipeline together, under one setup and at one moment.
type lot struct {
	p        *Pipeline
	s        *Setup
	now      time.Time
	subjects []*subject
	dry      bool // a dry run: nothing is kept, staged or paid for
	room     *room
}

// open are the subjects that still go on.
func (l *lot) open() []*subject {
	out := make([]*subject, 0, len(l.subjects))
	for _, s := range l.subjects {
		if s.settled == nil {
			out = append(out, s)
		}
	}
	return out
}

// lastReceipt is the receipt of the last result, read when it is first asked for; nil if there is none, or none that this
// version can read: the person is then gathered anew.
func (l *lot) lastReceipt(s *subject) *receipt.Receipt {
	if s.lastOK || s.id == 0 {
		return s.last
	}
	s.lastOK = true
	if raw, err := l.p.db.LastReceipt(s.id); err == nil && raw != nil {
		s.last, _ = l.p.OpenReceipt(raw)
	}
	return s.last
}

// byTimeAlone says whether nothing but the passing of time brought the subject here. After a change of the config it is not so:
// the stored features are then those of other rules.
func (l *lot) byTimeAlone(s *subject) bool {
	return s.entry.Reason == state.ReasonDue && s.person.Events != 0 && s.person.Scoring == l.scoringHash() && l.lastReceipt(s) != nil
}

// scoredBefore says whether the last result is a score, written or not.
func (l *lot) scoredBefore(s *subject) bool {
	r := l.lastReceipt(s)
	return r != nil && r.Parts.Known
}

// scoringHash is the third of the four hashes: everything between events and field values that is not a model.
func (l *lot) scoringHash() uint64 { return l.s.scoringHash }

// asSubject is a subject as engines are asked about them.
func (l *lot) asSubject(s *subject) intent.Subject {
	in := intent.Subject{Journey: s.journey, Told: s.shown.Written, Now: l.now, Language: l.s.Fields.Language, Location: l.s.Fields.Location}
	in.Journey.Key = s.key
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Live {
			continue
		}
		if in.Profile == (connectors.Profile{}) {
			in.Profile = r.contact.Profile
		}
		if in.Domain == "" && len(r.contact.Emails) > 0 {
			_, in.Domain, _ = strings.Cut(r.contact.Emails[0], "@")
		}
		in.Customer = in.Customer || l.s.isCustomer(&r.contact)
	}
	return in
}
