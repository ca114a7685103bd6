package pipeline

import (
	"context"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/fit"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// Change is one record of a dry run: field by field what the CRM holds and what would be written.
type Change struct {
	Ref    connectors.Ref `json:"ref"`
	Person string         `json:"person"`
	Name   string         `json:"name"` // first and last name as the CRM has them
	Reason string         `json:"reason"`
	Fields []FieldChange  `json:"fields"`
	Held   []string       `json:"held,omitempty"` // a human's: left alone

	Receipt *receipt.Receipt `json:"receipt,omitempty"`
}

// FieldChange is one field: canonical and CRM name, old and new value.
type FieldChange struct {
	Field    string `json:"field"`
	Property string `json:"property"`
	Old      string `json:"old"`
	New      string `json:"new"`
}

// Preview is what lots would write.
type Preview struct {
	Changes   []Change `json:"changes"`
	Unchanged int      `json:"unchanged"` // people looked at of whom nothing would be written
	Looked    int      `json:"looked"`
}

// Add adds what others would write.
func (v *Preview) Add(more Preview) {
	v.Changes = append(v.Changes, more.Changes...)
	v.Unchanged += more.Unchanged
	v.Looked += more.Looked
}

// Preview takes people through a lot under a setup, without keeping, writing or paying for anything; texts are the rules'.
func (p *Pipeline) Preview(ctx context.Context, s *Setup, entries []state.Entry) (Preview, error) {
	l := p.dryLot(s)
	if err := l.load(ctx, entries); err != nil {
		return Preview{}, err
	}
	if err := l.gatherRecords(ctx); err != nil {
		return Preview{}, err
	}
	return l.preview(ctx)
}

// PreviewRecords is Preview for records as a CRM gave them, each of a person whom the state does not know yet.
func (p *Pipeline) PreviewRecords(ctx context.Context, s *Setup, c *CRM, records []connectors.Contact) (Preview, error) {
	l := p.dryLot(s)
	for i := range records {
		item := &records[i]
		sub := &subject{key: state.PersonID(i + 1).Key(), entry: state.Entry{Reason: state.ReasonNew}}
		sub.recs = []*record{{ref: item.Ref, crm: c, contact: *item, inputs: state.InputsHash(item), read: true, state: state.Contact{Checked: true}}}
		sub.recs[0].adopt()
		l.subjects = append(l.subjects, sub)
	}
	return l.preview(ctx)
}

// dryLot is a lot of which nothing is kept and for which nothing is paid: topics are matched without the model, texts are the rules'.
func (p *Pipeline) dryLot(s *Setup) *lot {
	dry := *s // the one given may be in force
	dry.Topics = s.Topics.Offline()
	return &lot{p: p, s: dry.prepare(), now: p.now(), dry: true, room: newRoom()}
}

// preview takes a lot whose records were read as far as its scores.
func (l *lot) preview(ctx context.Context) (Preview, error) {
	l.checkRecordStates()
	if err := l.identify(ctx); err != nil {
		return Preview{}, err
	}
	l.gatherJourneys(ctx)
	l.stitch(ctx)
	if err := l.infer(ctx); err != nil {
		return Preview{}, err
	}
	l.score(ctx)
	l.holdOut()
	return l.changes(), ctx.Err()
}

// changes tells what the lot would write.
func (l *lot) changes() (out Preview) {
	for _, s := range l.subjects {
		out.Looked++
		wrote := false
		if s.settled == nil && s.result != nil {
			for _, r := range s.recs {
				patch, reason := l.patchFor(s, r)
				if reason == "" {
					continue
				}
				c := Change{Ref: r.ref, Person: s.key, Reason: reason, Held: s.result.receipt.Held, Receipt: &s.result.receipt}
				c.Name = r.contact.Profile.FirstName + " " + r.contact.Profile.LastName
				for _, f := range r.crm.OwnFields().Fields {
					value, ok := patch.Fields[f.Name]
					if !ok || value == r.contact.Ours[f.Name] {
						continue
					}
					c.Fields = append(c.Fields, FieldChange{Field: f.Name, Property: r.crm.Fields[f.Name], Old: r.contact.Ours[f.Name], New: value})
				}
				if len(c.Fields) > 0 {
					out.Changes = append(out.Changes, c)
					wrote = true
				}
			}
		}
		if !wrote {
			out.Unchanged++
		}
	}
	return out
}

// Graded is how people are graded by each of the rules given, nil for none, by what their records say now: they are read once, by the CRMs of s, which have to be asked for what all rules go by.
// Whose records cannot be read is not in it. Nothing is kept.
func (p *Pipeline) Graded(ctx context.Context, s *Setup, ids []state.PersonID, rules ...*fit.Config) (map[state.PersonID][]fit.Result, error) {
	l := p.dryLot(s)
	entries := make([]state.Entry, len(ids))
	for i, id := range ids {
		entries[i] = state.Entry{Person: id, Reason: state.ReasonAsked}
	}
	if err := l.load(ctx, entries); err != nil {
		return nil, err
	}
	if err := l.gatherRecords(ctx); err != nil {
		return nil, err
	}
	out := map[state.PersonID][]fit.Result{}
	for _, s := range l.open() {
		if slices.ContainsFunc(s.recs, func(r *record) bool { return r.read && r.contact.State == connectors.Live }) {
			for _, by := range rules {
				out[s.id] = append(out[s.id], s.fit(by))
			}
		}
	}
	return out, nil
}
