package pipeline

import (
	"context"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// checkAuthorship asks the history of records that hold something else in our fields than what we know to have written: what a person set is
// theirs (invariant 4). The rest is ours: on state that has no memory of the record as it stands, otherwise to be written over.
func (l *lot) checkAuthorship(ctx context.Context, crm *CRM, recs []*record) {
	var ask []connectors.Ref
	var asked []*record
	for _, r := range recs {
		if r.contact.State != connectors.Live {
			continue
		}
		if len(r.unexplained()) > 0 {
			ask, asked = append(ask, r.ref), append(asked, r)
		} else if !r.state.Checked {
			r.state.Checked, r.dirty = true, true
		}
	}
	if len(ask) == 0 {
		return
	}
	a, tells := crm.CRM.(connectors.Authorship)
	by := map[connectors.Ref][]string{}
	if tells {
		var err error
		if by, err = a.HumanEdited(ctx, ask); err != nil {
			l.p.health.Note(crm.Name, err)
			for _, r := range asked {
				r.read, r.err = false, err // not to be written before this is known
			}
			return
		}
	}
	for _, r := range asked {
		known := r.state.Checked // what is there now came after what we wrote
		r.state.Checked, r.dirty = true, true
		for _, f := range r.unexplained() {
			if slices.Contains(by[r.ref], f.Name) || known && !tells {
				r.state.Own.Set(f.Number, state.OwnField{Wrote: r.state.Own.At(f.Number).Wrote, Held: true})
			} else if known {
				r.refillField(f)
			}
		}
		r.adopt()
	}
}

// noticeEmptied notices which of our fields were emptied: those are ours again, whoever held them (invariant 4). Who changed the others
// was asked when the record was read.
func (r *record) noticeEmptied() {
	for _, f := range r.crm.OwnFields().Fields {
		if f.RepEdits || r.crm.Fields[f.Name] == "" {
			continue
		}
		value := r.contact.Ours[f.Name]
		own := r.state.Own.At(f.Number)
		wroteSomething := own.Wrote != 0 && own.Wrote != state.FieldHash(f.Number, "")
		if value == "" && (own.Held || wroteSomething && !r.pending.MayHaveLeft(f, "")) {
			r.state.Own.Set(f.Number, state.OwnField{})
			r.refillField(f)
			r.dirty = true
		}
	}
}

// unexplained are the own fields that hold something else than what is known, or may be thought, to have been written.
func (r *record) unexplained() (fields []connectors.Field) {
	for _, f := range r.crm.OwnFields().Fields {
		own, value := r.state.Own.At(f.Number), r.contact.Ours[f.Name]
		if !f.RepEdits && r.crm.Fields[f.Name] != "" && value != "" && !own.Held && state.FieldHash(f.Number, value) != own.Wrote && !r.pending.MayHaveLeft(f, value) {
			fields = append(fields, f)
		}
	}
	return fields
}

// adopt takes the values that nobody holds for our own.
func (r *record) adopt() {
	for _, f := range r.unexplained() {
		r.state.Own.Wrote(f.Number, state.FieldHash(f.Number, r.contact.Ours[f.Name]))
	}
}

// refillField has an own field filled again.
func (r *record) refillField(f connectors.Field) {
	if r.refill == nil {
		r.refill = map[int]bool{}
	}
	r.refill[f.Number] = true
}
