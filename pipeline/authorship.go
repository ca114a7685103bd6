package pipeline

import (
	"context"
	"slices"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// checkAuthorship finds out who set those values in our fields that we do not know to have written, by asking the records' history. What a
// person set is theirs and stays (invariant 4). Everything else is ours to write over. Where the state meets a record for the first time,
// such a value is taken for one that an earlier state wrote, so that it is not written again for nothing.
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
	by := map[connectors.Ref]connectors.Edits{}
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
		met := r.state.Checked // the record was looked at before: what is there now came after what we wrote
		r.state.Checked, r.dirty = true, true
		r.verdictAt = by[r.ref].VerdictAt
		for _, f := range r.unexplained() {
			if slices.Contains(by[r.ref].Fields, f.Name) || met && !tells {
				r.state.Own.Set(f.Number, state.OwnField{Wrote: r.state.Own.At(f.Number).Wrote, Held: true})
			} else if met {
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

// unexplained are our fields whose value is neither what we last wrote nor what an unacknowledged patch may have left, and that no person
// holds yet.
func (r *record) unexplained() (fields []connectors.Field) {
	for _, f := range r.crm.OwnFields().Fields {
		own, value := r.state.Own.At(f.Number), r.contact.Ours[f.Name]
		if !f.RepEdits && r.crm.Fields[f.Name] != "" && value != "" && !own.Held && state.FieldHash(f.Number, value) != own.Wrote && !r.pending.MayHaveLeft(f, value) {
			fields = append(fields, f)
		}
	}
	return fields
}

// adopt counts unexplained values as written by us.
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
