package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Why an org refuses rows: locks, its admin's rules, duplicates, and whatever a test wants.

// SalesforceRule is a validation rule of the org's admin: a record of the object whose field When has the value Is is refused
// with Message.
type SalesforceRule struct{ Object, When, Is, Message string }

// AddRule makes the org keep a rule.
func (s *Salesforce) AddRule(r SalesforceRule) {
	defer s.lock()()
	s.rules = append(s.rules, r)
}

// BlockDuplicates makes the org refuse leads and contacts that have the address of another one, updates among them, unless
// the request's duplicate rule header allows them.
func (s *Salesforce) BlockDuplicates(on bool) {
	defer s.lock()()
	s.dupes = on
}

// AssignLeads gives the org an active assignment rule: leads that the API creates or updates go to that user unless the
// request's header Sforce-Auto-Assign is FALSE. "" ends it.
func (s *Salesforce) AssignLeads(userID string) {
	defer s.lock()()
	s.assignTo, _ = longID(userID)
}

// rowRefusal is a refusal on demand.
type rowRefusal struct {
	fault *orgFault
	times int
}

// rowMessages are what Salesforce says with codes that [Salesforce.Refuse] gives.
var rowMessages = map[string]string{
	"UNABLE_TO_LOCK_ROW":                   "unable to obtain exclusive access to this record",
	"INSUFFICIENT_ACCESS_OR_READONLY":      "insufficient access rights on object id",
	"FIELD_CUSTOM_VALIDATION_EXCEPTION":    "This record must not be changed.",
	"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "LeadTrigger: execution of BeforeUpdate caused by: System.NullPointerException: Attempt to de-reference a null object",
}

// Refuse makes the API's next updates of a record fail with a code, times < 0 for ever: UNABLE_TO_LOCK_ROW,
// INSUFFICIENT_ACCESS_OR_READONLY, CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY and so on. times 0 ends it.
func (s *Salesforce) Refuse(id, code string, times int) {
	defer s.lock()()
	id, _ = longID(id)
	message := rowMessages[code]
	if message == "" {
		message = strings.ToLower(strings.ReplaceAll(code, "_", " "))
	}
	s.refusals[id] = &rowRefusal{badRow(code, message), times}
}

// refused refuses a record on demand.
func (s *Salesforce) refused(id string) {
	if r := s.refusals[id]; r != nil && r.times != 0 {
		r.times--
		panic(r.fault)
	}
}

// checkUpdate refuses changes that a record does not take.
func (s *Salesforce) checkUpdate(c *orgCall, o *orgObject, r *record, values changes) {
	s.refused(r.id)
	s.checkLocks(c.request, o, r)
	badRowIf(o.isConverted(r), "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
	s.checkValues(c, o, r, values)
}

// checkValues refuses values that a record must not have; r is nil for a new one.
func (s *Salesforce) checkValues(c *orgCall, o *orgObject, r *record, values changes) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		f, id := o.byName[name], values[name]
		if f.Type != orgRef || id == "" {
			continue
		}
		parent, up := s.recordOf(id)
		if parent == nil || !slices.Contains(f.RefTo, parent.Name) {
			panic(badRow("FIELD_INTEGRITY_EXCEPTION", f.Label+": id value of incorrect type: "+id, f.Name))
		}
		badRowIf(up == nil || s.isPurged(up), "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", f.Name)
		badRowIf(!up.live(), "ENTITY_IS_DELETED", "entity is deleted", f.Name)
	}
	for _, rule := range s.rules {
		if f, ok := o.field(rule.When); ok && rule.Object == o.Name && f.plain(after(r, values, f)) == rule.Is {
			panic(badRow("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.Message))
		}
	}
	s.clash(o, r, values)
	if !strings.Contains(strings.ReplaceAll(strings.ToLower(c.header.Get("Sforce-Duplicate-Rule-Header")), " ", ""), "allowsave=true") {
		s.duplicate(o, r, values)
	}
}

// after is the value of a field once changes are made; r is nil for a new record.
func after(r *record, values changes, f *orgField) string {
	if v, ok := values[strings.ToLower(f.Name)]; ok {
		return v
	}
	if r == nil {
		return f.Default
	}
	return f.value(r)
}

// twins are the fields in which two set-up records must not be alike.
var twins = map[string][]string{"PermissionSet": {"Name"}, "FieldPermissions": {"ParentId", "Field"}, "ObjectPermissions": {"ParentId", "SobjectType"}, "PermissionSetAssignment": {"AssigneeId", "PermissionSetId"}}

// clash refuses what a set-up record must not share with another, and which rights there are not.
func (s *Salesforce) clash(o *orgObject, r *record, values changes) {
	if names := twins[o.Name]; names != nil && r == nil {
		for _, other := range o.live() {
			if !slices.ContainsFunc(names, func(n string) bool {
				return !strings.EqualFold(values[strings.ToLower(n)], o.get(other, strings.ToLower(n)))
			}) {
				panic(badRow("DUPLICATE_VALUE", fmt.Sprintf("duplicate value found: %s duplicates value on record with id: %s", strings.Join(names, ", "), other.id[:15])))
			}
		}
	}
	if o.Name != "FieldPermissions" {
		return
	}
	field, object := values["field"], values["sobjecttype"]
	if f := s.fieldNamed(field); r == nil && (f == nil || !f.custom && (f.ReadOnly || f.Required) || !strings.HasPrefix(strings.ToLower(field), strings.ToLower(object)+".")) {
		panic(badRow("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Field Name: bad value for restricted picklist field: "+field, "Field"))
	}
	if read, given := values["permissionsread"]; values["permissionsedit"] != "" && read == "" && (r == nil || given) {
		panic(badRow("FIELD_INTEGRITY_EXCEPTION", "Can't edit a field without reading it: PermissionsEdit requires PermissionsRead", "PermissionsEdit"))
	}
}

// duplicate refuses a lead or contact with the address of another one.
func (s *Salesforce) duplicate(o *orgObject, r *record, values changes) {
	if !s.dupes || o.Name != "Lead" && o.Name != "Contact" {
		return
	}
	address := after(r, values, o.byName["email"])
	for _, other := range []*orgObject{s.objects["lead"], s.objects["contact"]} {
		for _, x := range other.recs {
			badRowIf(address != "" && x != r && x.live() && !other.isConverted(x) && strings.EqualFold(other.get(x, "email"), address), "DUPLICATES_DETECTED", "Use one of these records?")
		}
	}
}

// rowText is a row's fault as the Bulk API tells it.
func (f *orgFault) rowText() string {
	return fmt.Sprintf("%s:%s:%s --", f.code, f.message, strings.Join(f.fields, ", "))
}
