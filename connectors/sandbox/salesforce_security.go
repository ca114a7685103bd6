package sandbox

import "strings"

// Field-level security: which fields the integration user sees and may set. Standard fields are open to it; a custom field is
// hidden until a permission set that is assigned to it grants it, or [Salesforce.Grant] does.

// fieldRight is what a user may do with a field.
type fieldRight uint8

const (
	noRight fieldRight = iota
	mayRead
	mayEdit
)

// fieldNamed is the field of a name such as Lead.Intent_Score__c, nil if there is none.
func (s *Salesforce) fieldNamed(name string) *orgField {
	object, field, _ := strings.Cut(name, ".")
	if o, ok := s.object(object); ok {
		if f, ok := o.field(field); ok && !f.removed {
			return f
		}
	}
	return nil
}

// Grant lets the integration user read and edit fields, named as Lead.Intent_Score__c, whatever its permission sets say.
func (s *Salesforce) Grant(fields ...string) error { return s.allow(mayEdit, false, fields) }

// GrantRead lets the integration user read fields, as Grant does, but not edit them.
func (s *Salesforce) GrantRead(fields ...string) error { return s.allow(mayRead, false, fields) }

// Revoke hides fields from the integration user, whatever its permission sets say: standard ones, too. Grant ends it.
func (s *Salesforce) Revoke(fields ...string) error { return s.allow(noRight, true, fields) }

func (s *Salesforce) allow(right fieldRight, withheld bool, fields []string) error {
	return s.try(func() {
		for _, name := range fields {
			f := s.fieldNamed(name)
			problemIf(f == nil, "there is no field %s", name)
			f.granted, f.withheld = right, withheld
		}
		s.secure()
	})
}

// secure works out anew what the integration user may do with each field.
func (s *Salesforce) secure() {
	assigned := map[string]bool{}
	sets, assignments, permissions := s.objects["permissionset"], s.objects["permissionsetassignment"], s.objects["fieldpermissions"]
	for _, r := range assignments.live() {
		set := sets.byID[assignments.get(r, "permissionsetid")]
		if set != nil && set.live() && assignments.get(r, "assigneeid") == s.me {
			assigned[set.id] = true
		}
	}
	rights := map[*orgField]fieldRight{}
	for _, r := range permissions.live() {
		f := s.fieldNamed(permissions.get(r, "field"))
		switch {
		case f == nil || !assigned[permissions.get(r, "parentid")]:
		case permissions.get(r, "permissionsedit") != "":
			rights[f] = mayEdit
		case permissions.get(r, "permissionsread") != "":
			rights[f] = max(rights[f], mayRead)
		}
	}
	for _, o := range s.all {
		for _, f := range o.fields {
			right := max(f.granted, rights[f])
			if !f.custom && f.granted == noRight {
				right = mayEdit
			}
			if f.withheld || f.removed {
				right = noRight
			}
			f.readable, f.editable = right >= mayRead, right >= mayEdit
		}
	}
}
