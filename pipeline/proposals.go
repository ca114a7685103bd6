package pipeline

import (
	"context"
	"time"

	"github.com/intentd/intentd/connectors"
)

// vouchedWithin is how far what vouches for a proposal may be from when it was made. Times of proposals are kept to the hour.
const vouchedWithin = 25 * time.Hour

// vouches are the kinds of events that say who somebody is, where a source that is trusted tells them: forms and conversions, in which an
// address was given, what a server said, and a click on a mail sent to it.
var vouches = map[string]bool{
	connectors.KindIdentify: true, connectors.KindEmailClick: true, connectors.KindFormSubmit: true, connectors.KindDemoRequest: true, connectors.KindQuoteRequest: true,
	connectors.KindContactRequest: true, connectors.KindTrial: true, connectors.KindSignUp: true, connectors.KindBooking: true, connectors.KindWebinar: true,
	connectors.KindNewsletter: true, connectors.KindPurchase: true,
}

// vouched says whether something that the person did says the same as a proposal to be them.
func vouched(events []connectors.Event, q *connectors.Proposal) bool {
	for i := range events {
		e := &events[i]
		if e.Proposed || e.AnonymousID != "" && e.UserID == "" && e.Email == "" && e.Phone == "" {
			continue // said by a visitor, or by nobody
		}
		if e.Properties[connectors.PropMachine] == "true" || e.Properties[connectors.PropBot] == "true" {
			continue
		}
		kind, _ := connectors.EventKind(e.Kind)
		if vouches[kind] && (e.Time.Sub(q.First).Abs() <= vouchedWithin || e.Time.Sub(q.Last).Abs() <= vouchedWithin) {
			return true
		}
	}
	return false
}

// asker is a source and whom to ask it about.
type asker struct {
	source *Source
	people []connectors.Person
}

// confirmProposals makes visitors who they said they are where what was gathered vouches for it. It returns whom to ask about again: what
// the visitors did is theirs now.
func (l *lot) confirmProposals(ctx context.Context, people []connectors.Person, by map[string]*subject) (again []asker) {
	for i := range l.s.Sources {
		src := &l.s.Sources[i]
		of, ok := src.Source.(connectors.Proposer)
		if !ok || l.dry {
			continue
		}
		as := l.s.askAllAs(src.Name, people)
		proposals, err := of.Proposals(ctx, as)
		if err != nil {
			l.p.health.Note(src.Name, err)
			continue
		}
		var confirmed []connectors.Proposal
		whose := map[string]bool{}
		for k := range proposals {
			if s := by[proposals[k].Person]; s != nil && vouched(s.takeEvents(), &proposals[k]) {
				confirmed = append(confirmed, proposals[k])
				whose[s.key] = true
			}
		}
		if len(confirmed) == 0 {
			continue
		}
		if err := of.Confirm(ctx, confirmed); err != nil {
			l.p.health.Note(src.Name, err)
			continue
		}
		a := asker{source: src}
		for _, q := range as {
			if whose[q.Key] {
				a.people = append(a.people, q)
			}
		}
		again = append(again, a)
	}
	return again
}
