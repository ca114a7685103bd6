package sandbox

import (
	"fmt"
	"strings"
)

// historyPrefix begins the ids of field histories, whatever their object.
const historyPrefix = "017"

// Track switches the field history of an object on, for these fields, as an admin does: what changes from now on stands in LeadHistory or ContactHistory, whoever changes it. What a
// record is made with is no change.
func (s *Salesforce) Track(object string, fields ...string) {
	defer s.lock()()
	o := s.known(object)
	if o.kept == nil {
		o.kept = &orgObject{Name: object + "History", Label: o.Label + " History", Prefix: historyPrefix, byName: map[string]*orgField{}, relations: map[string]*orgField{}}
		for _, f := range []orgField{
			{Name: "Id", Type: orgIDType, Length: 18}, {Name: object + "Id", Type: orgRef, Length: 18, RefTo: []string{object}}, {Name: "Field", Type: orgString, Length: 255},
			{Name: "OldValue", Type: orgString, Length: 255}, {Name: "NewValue", Type: orgString, Length: 255},
			{Name: "CreatedById", Type: orgRef, Length: 18, RefTo: []string{"User"}}, {Name: "CreatedDate", Type: orgDateTime},
		} {
			f.Label, f.ReadOnly, f.readable = f.Name, true, true
			h := o.kept.define(&f)
			if told := toldOf[f.Name]; told != nil {
				h.calc = func(r *record) string { return told(o.kept, r) }
			}
			h.time = timeOf[f.Name]
		}
		s.all, s.objects[strings.ToLower(o.kept.Name)] = append(s.all, o.kept), o.kept
	}
	for _, name := range fields {
		f, ok := o.field(name)
		if !ok {
			panic(fmt.Errorf("sandbox: %s has no field %s", object, name))
		}
		f.tracked = true
	}
}

// trackedValues are those of the tracked fields, to be handed to note after a change.
func (o *orgObject) trackedValues(r *record) map[*orgField]string {
	if o.kept == nil {
		return nil
	}
	before := map[*orgField]string{}
	for _, f := range o.fields {
		if f.tracked {
			before[f] = f.value(r)
		}
	}
	return before
}

// note enters what changed into the history.
func (s *Salesforce) note(o *orgObject, r *record, before map[*orgField]string) {
	for _, f := range o.fields {
		if was, now := before[f], f.value(r); f.tracked && was != now {
			s.create(o.kept, changes{strings.ToLower(o.Name) + "id": r.id, "field": f.Name, "oldvalue": was, "newvalue": now}, r.modifiedBy, r.modified)
		}
	}
}
