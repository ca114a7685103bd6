package pipeline

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// patchFor is the patch of one record: what the gate let through, what a human emptied, what a new record still lacks; of somebody held out
// what is to be emptied. Values the CRM is known to hold are left out. reason is empty when there is nothing to write.
func (l *lot) patchFor(s *subject, rec *record) (patch connectors.Patch, reason string) {
	r := s.result
	if r.values == nil || !rec.read || rec.contact.State != connectors.Live || !l.inScope(rec) {
		return patch, ""
	}
	reason = r.reason
	fresh := rec.state.WroteAt.IsZero() && r.shown.Known
	switch {
	case s.held:
		reason = "held out"
	case reason != "":
	case fresh:
		reason = "record without a score"
	case rec.behind(s.shown):
		reason = "record behind"
	case len(rec.refill) > 0 && s.shown.Known:
		reason = "field restored"
	case l.signalDayOld(s, rec):
		reason = "last signal"
	default:
		return patch, ""
	}
	out := make(map[string]string, len(r.values))
	telling := false // it says more than when the person was scored
	for _, f := range rec.crm.OwnFields().Fields {
		value, ok := r.values[f.Name]
		if !ok || f.RepEdits || rec.crm.Fields[f.Name] == "" || rec.state.Own.At(f.Number).Held {
			continue
		}
		stamp := f.Name == connectors.FieldScoredAt || f.Name == connectors.FieldLastSignalAt
		switch reason {
		case "field restored":
			if !rec.refill[f.Number] && !stamp {
				continue
			}
		case "last signal":
			if !stamp {
				continue
			}
		}
		wrote := rec.state.Own.At(f.Number).Wrote
		if wrote == 0 && value == "" || wrote != 0 && wrote == state.FieldHash(f.Number, value) && !l.uncertain(rec, f) {
			continue
		}
		out[f.Name] = value
		telling = telling || f.Name != connectors.FieldScoredAt
	}
	if !telling {
		return patch, ""
	}
	group := rec.contact.Group
	return connectors.Patch{Ref: rec.ref, Group: group, Fields: out}, reason
}

// uncertain says whether an unacknowledged patch may have changed a field: it is then sent again rather than left out.
func (l *lot) uncertain(rec *record, f connectors.Field) bool {
	if rec.pending == nil {
		return false
	}
	_, ok := rec.pending.Patch.Fields[f.Name]
	return ok || len(rec.pending.Maybe) > 0
}

// signalDayOld says whether the date of the last signal alone is worth a write: at most once a day.
func (l *lot) signalDayOld(s *subject, rec *record) bool {
	f, ok := rec.crm.OwnFields().Named(connectors.FieldLastSignalAt)
	value := s.result.values[connectors.FieldLastSignalAt]
	return ok && s.shown.Known && value != "" && rec.state.Own.At(f.Number).Wrote != state.FieldHash(f.Number, value) && l.now.Sub(rec.state.WroteAt) >= 24*time.Hour
}

// inScope says whether the write mode lets a record be written. A dry run shows what would be written once it is switched on.
func (l *lot) inScope(rec *record) bool {
	return l.dry && l.s.Write.Mode == WriteOff || l.s.Writes(rec.ref, rec.contact.Owner, rec.contact.Fields)
}

// Writes says whether the write mode lets a record be written that has an owner and inputs.
func (s *Setup) Writes(ref connectors.Ref, owner string, inputs map[string]string) bool {
	switch w := &s.Write; w.Mode {
	case WriteOff:
		return false
	case WriteCanary:
		if slices.Contains(w.Owners, owner) && owner != "" || s.scope[ref] {
			return true
		}
		return slices.ContainsFunc(w.Lists, func(m Mark) bool { return m.On(ref.CRM, inputs) })
	}
	return true
}

// behind says whether the record missed what the person's other records were last given: it could not be read then, or its CRM
// refused the patch.
func (r *record) behind(shown score.Shown) bool {
	return r.read && r.contact.State == connectors.Live && shown.Known && !r.state.WroteAt.IsZero() && r.state.WroteAt.Before(shown.Written)
}
