package pipeline

import (
	"context"
	"strings"
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

// vouched is what the person did that says the same as a proposal to be them, the nearest to it in time; nil if nothing does.
func vouched(events []connectors.Event, q *connectors.Proposal) (by *connectors.Event) {
	apart := func(e *connectors.Event) time.Duration {
		return min(e.Time.Sub(q.First).Abs(), e.Time.Sub(q.Last).Abs())
	}
	for i := range events {
		e := &events[i]
		if e.Proposed || e.AnonymousID != "" && e.Nameless() {
			continue // said by a visitor, or by nobody
		}
		if e.Properties[connectors.PropMachine] == "true" || e.Properties[connectors.PropBot] == "true" {
			continue
		}
		kind, _ := connectors.EventKind(e.Kind)
		if vouches[kind] && apart(e) <= vouchedWithin && (by == nil || apart(e) < apart(by)) {
			by = e
		}
	}
	return by
}

// vouchedBy tells in words what confirmed a proposal.
func vouchedBy(e *connectors.Event) string {
	kind, _ := connectors.EventKind(e.Kind)
	what := strings.ReplaceAll(kind, "_", " ")
	switch {
	case kind == connectors.KindIdentify:
		what = "an identify that is trusted"
	case kind == connectors.KindEmailClick:
		what = "a click on a mail sent to them"
	case e.Properties[connectors.PropSummary] == "true":
		what = "a conversion in the CRM"
	case kind == connectors.KindFormSubmit:
		what = "a form that was sent"
	}
	return what + " (" + e.Source + ", " + e.Time.UTC().Format("2 Jan 2006 15:04 UTC") + ")"
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
			s := by[proposals[k].Person]
			if s == nil {
				continue
			}
			if e := vouched(s.takeEvents(), &proposals[k]); e != nil {
				proposals[k].Confirmed = vouchedBy(e)
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
