package pipeline

import (
	"context"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// Past asks every source of a setup what people did in a window, all of them at once: one Trial for each record, in order, for [Try] to take as of
// some date. Of a record identifiers alone go into its Trial: what else a CRM says of somebody today, it may not have said then. Nothing is kept or written.
// A source that does not answer is an error, for a past with holes would be no past.
func (p *Pipeline) Past(ctx context.Context, s *Setup, records []connectors.Contact, w connectors.Window) ([]Trial, error) {
	l := p.dryLot(s)
	by := map[string]*subject{}
	for i := range records {
		item := &records[i]
		sub := &subject{key: item.Ref.String(), entry: state.Entry{Reason: state.ReasonAsked}}
		sub.recs = []*record{{ref: item.Ref, crm: l.s.crm(item.Ref.CRM), contact: *item, read: true}}
		l.subjects = append(l.subjects, sub)
		by[sub.key] = sub
	}
	if err := l.identify(ctx); err != nil {
		return nil, err
	}
	people := make([]connectors.Person, len(l.subjects))
	for i, sub := range l.subjects {
		people[i] = l.asPerson(sub)
	}
	for i := range l.s.Sources {
		src := &l.s.Sources[i]
		if err := l.ask(ctx, src, l.s.askAllAs(src.Name, people), w, by); err != nil {
			return nil, err
		}
	}
	out := make([]Trial, len(l.subjects))
	for i, sub := range l.subjects {
		out[i] = Trial{Key: sub.key, IDs: slices.Concat(sub.identifiers.ids, sub.identifiers.linked), Contact: connectors.Contact{Ref: records[i].Ref, Emails: records[i].Emails},
			Events: slices.Clone(sub.takeEvents())}
		sub.dropEvents()
	}
	return out, ctx.Err()
}
