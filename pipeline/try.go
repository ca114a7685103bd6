package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// Trial is somebody whose events are at hand, without a CRM that knows of them.
type Trial struct {
	Key     string // what they are called in the receipt
	IDs     []identity.ID
	Contact connectors.Contact // as far as it is known
	Events  []connectors.Event
}

// Tried is what a lot makes of somebody.
type Tried struct {
	Receipt receipt.Receipt   // its Written is what a CRM without a score of theirs would be given
	Visits  []journey.Session // of the journey with their steps, oldest first
	Signals []journey.Signal
}

// Try takes people through a lot as it is done with those of a CRM that has no score of theirs yet, from stitching to field values, with the
// engine of the setup. Nothing is kept, written or asked of anybody but a model. It fails only when ctx has ended.
func Try(ctx context.Context, s *Setup, people []Trial, now time.Time) ([]Tried, error) {
	alone := *s
	alone.Rules = s.Engine // the texts that the config asks for, at once
	l := &lot{p: &Pipeline{}, s: alone.prepare(), now: now, dry: true, room: newRoom()}
	for i := range people {
		t := &people[i]
		t.Contact.State = connectors.Live
		events := slices.Clone(t.Events) // the lot clears the list that it is given
		sub := &subject{key: t.Key, entry: state.Entry{Reason: state.ReasonAsked}, events: &events}
		sub.recs = []*record{{ref: t.Contact.Ref, crm: &CRM{}, contact: t.Contact, read: true}}
		sub.identifiers.ids = t.IDs
		l.subjects = append(l.subjects, sub)
	}
	l.stitch(ctx)
	if err := l.infer(ctx); err != nil {
		return nil, err
	}
	out := make([]Tried, len(people))
	for i, sub := range l.subjects {
		out[i].Visits = slices.Clone(sub.journey.Sessions)
		for k := range out[i].Visits {
			out[i].Visits[k].Steps = slices.Clone(out[i].Visits[k].Steps)
		}
		out[i].Signals = slices.Clone(sub.journey.Signals)
	}
	l.score(ctx)
	for i, sub := range l.subjects {
		r := &sub.result.receipt
		r.Refs, r.Written = nil, sub.result.values
		out[i].Receipt = *r
	}
	return out, ctx.Err()
}
