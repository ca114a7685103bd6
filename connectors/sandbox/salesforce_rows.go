package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// orgRow is a record as a request gives it, before its names mean anything: its type may stand behind its fields.
type orgRow struct {
	typ   string
	id    string
	hasID bool
	pairs []orgPair
	at    int // where it ends in the body
}

type orgPair struct {
	name, text []byte
	kind       byte // first byte of the JSON value: " t f n { [ or a digit
}

// readRow reads the object that follows. Pairs come out of arena, so that a batch costs few allocations.
func readRow(r *jsonReader, arena []orgPair) (orgRow, []orgPair) {
	var row orgRow
	from := len(arena)
	r.object(func(key []byte) {
		switch {
		case string(key) == "attributes":
			r.object(func(key []byte) {
				if string(key) == "type" && r.peek() == '"' {
					row.typ = string(r.str())
					return
				}
				r.skip()
			})
		case strings.EqualFold(string(key), "id") && r.peek() == '"':
			row.id, row.hasID = string(r.str()), true
		default:
			p := orgPair{name: key, kind: r.peek()}
			if p.kind == '"' {
				p.text = r.str()
			} else {
				at := r.i
				r.skip()
				if r.i <= len(r.b) && at <= r.i {
					p.text = r.b[at:r.i]
				}
			}
			arena = append(arena, p)
		}
	})
	row.at = r.i
	row.pairs = arena[from:len(arena):len(arena)]
	return row, arena
}

// badBody is the answer to a body that is no JSON, or not the JSON that was expected.
func badBody(err error) *orgFailure {
	return badRequest("JSON_PARSER_ERROR", "%s", strings.TrimPrefix(err.Error(), "Invalid input JSON "))
}

// changesOf gives a row's names and values their meaning. A value that cannot be of its field's type fails the request, all
// else the row.
func (s *Salesforce) changesOf(o *orgObject, row orgRow, fresh bool, arena []orgChange) ([]orgChange, []orgChange, *rowFault, *orgFailure) {
	from := len(arena)
	var closed, missing []string
	for _, p := range row.pairs {
		f, ok := o.byName[string(p.name)]
		if !ok {
			f, ok = o.field(string(p.name))
		}
		if !ok || !f.readable {
			return nil, arena, &rowFault{"INVALID_FIELD", fmt.Sprintf("No such column '%s' on sobject of type %s", p.name, o.name), []string{}}, nil
		}
		if f.readOnly || !f.editable || f.createOnly && !fresh {
			closed = append(closed, f.name)
			continue
		}
		text := ""
		switch {
		case p.kind == '{' || p.kind == '[' || p.kind == '"' && f.typ == orgBool || (p.kind == 't' || p.kind == 'f') && f.typ != orgBool && f.typ != orgString:
			return nil, arena, nil, badRequest("JSON_PARSER_ERROR", "%s at [line:1, column:%d]", f.misread(string(p.text)).message, row.at)
		case p.kind != 'n':
			text = string(p.text)
		}
		v, bad := f.canon(text)
		if bad != nil {
			if bad.code == "JSON_PARSER_ERROR" {
				return nil, arena, nil, badRequest(bad.code, "%s at [line:1, column:%d]", bad.message, row.at)
			}
			return nil, arena, bad, nil
		}
		if v == "" && f.required && f.standardValue == "" && f.typ != orgBool {
			missing = append(missing, f.name)
		}
		arena = append(arena, orgChange{f, v})
	}
	changes := arena[from:len(arena):len(arena)]
	if len(closed) > 0 {
		return nil, arena, &rowFault{"INVALID_FIELD_FOR_INSERT_UPDATE", fmt.Sprintf("Unable to create/update fields: %s. Please check the security settings of this field and verify that it is read/write for your profile or permission set.", strings.Join(closed, ", ")), closed}, nil
	}
	if fresh {
		for _, f := range o.fields {
			if f.required && f.standardValue == "" && f.name != "OwnerId" && !slices.ContainsFunc(changes, func(c orgChange) bool { return c.field == f }) {
				missing = append(missing, f.name)
			}
		}
	}
	if len(missing) > 0 {
		return nil, arena, &rowFault{"REQUIRED_FIELD_MISSING", "Required fields are missing: [" + strings.Join(missing, ", ") + "]", missing}, nil
	}
	return changes, arena, nil, nil
}

// target is the live record that a row means.
func (s *Salesforce) target(o *orgObject, given string) (uint32, *rowFault) {
	id, ok := longID(given)
	if !ok || id[:3] != o.prefix {
		return 0, &rowFault{"MALFORMED_ID", fmt.Sprintf("%s: id value of incorrect type: %s", o.fields[0].label, given), []string{"Id"}}
	}
	ord, ok := o.find(id)
	if !ok || s.isPurged(o, ord) {
		return 0, &rowFault{"INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", []string{}}
	}
	if o.recs[ord].deletedAt != 0 {
		return 0, &rowFault{"ENTITY_IS_DELETED", "entity is deleted", []string{}}
	}
	return ord, nil
}

// checkUpdate says why a record does not take changes.
func (s *Salesforce) checkUpdate(c *orgCall, o *orgObject, ord uint32, changes []orgChange) *rowFault {
	id := o.id(ord)
	if bad := s.refused(id); bad != nil {
		return bad
	}
	if bad := s.heldByOther(c.request, o, ord); bad != nil {
		return bad
	}
	if s.isConverted(o, ord) {
		return &rowFault{"CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", []string{}}
	}
	return s.checkValues(c, o, int64(ord), changes)
}

// checkValues says what is wrong with the values a record would have; ord < 0 is a new one.
func (s *Salesforce) checkValues(c *orgCall, o *orgObject, ord int64, changes []orgChange) *rowFault {
	for _, x := range changes {
		if x.field.typ != orgRef || x.value == "" {
			continue
		}
		p, parent, ok := s.recordOf(x.value)
		switch {
		case p != nil && !slices.Contains(x.field.refTo, p.name), p == nil:
			return &rowFault{"FIELD_INTEGRITY_EXCEPTION", fmt.Sprintf("%s: id value of incorrect type: %s", x.field.label, x.value), []string{x.field.name}}
		case !ok || s.isPurged(p, parent):
			return &rowFault{"INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", []string{x.field.name}}
		case p.recs[parent].deletedAt != 0:
			return &rowFault{"ENTITY_IS_DELETED", "entity is deleted", []string{x.field.name}}
		}
	}
	if bad := s.broken(o, ord, changes); bad != nil {
		return bad
	}
	if bad := s.clash(o, ord, changes); bad != nil {
		return bad
	}
	if !strings.Contains(strings.ReplaceAll(strings.ToLower(c.header.Get("Sforce-Duplicate-Rule-Header")), " ", ""), "allowsave=true") {
		return s.duplicate(o, ord, changes)
	}
	return nil
}

// clash says what a set-up record must not share with another.
func (s *Salesforce) clash(o *orgObject, ord int64, changes []orgChange) *rowFault {
	same := func(names ...string) (string, bool) {
		if ord >= 0 {
			return "", false
		}
		for i := range o.recs {
			if o.recs[i].deletedAt != 0 {
				continue
			}
			if !slices.ContainsFunc(names, func(n string) bool {
				v, _ := changed(changes, n)
				return !strings.EqualFold(v, o.value(s, uint32(i), o.byName[strings.ToLower(n)]))
			}) {
				return o.id(uint32(i)), true
			}
		}
		return "", false
	}
	switch o.name {
	case "PermissionSet":
		if id, ok := same("Name"); ok {
			return &rowFault{"DUPLICATE_VALUE", "duplicate value found: Name duplicates value on record with id: " + id[:15], []string{}}
		}
	case "FieldPermissions":
		field, _ := changed(changes, "Field")
		object, _ := changed(changes, "SobjectType")
		if f, err := s.fieldNamed(field); ord < 0 && (err != nil || !f.custom && (f.readOnly || f.required) || !strings.HasPrefix(strings.ToLower(field), strings.ToLower(object)+".")) {
			return &rowFault{"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Field Name: bad value for restricted picklist field: " + field, []string{"Field"}}
		}
		if id, ok := same("ParentId", "Field"); ok {
			return &rowFault{"DUPLICATE_VALUE", "duplicate value found: ParentId, Field duplicates value on record with id: " + id[:15], []string{}}
		}
		edit, _ := changed(changes, "PermissionsEdit")
		if read, given := changed(changes, "PermissionsRead"); edit != "" && read == "" && (ord < 0 || given) {
			return &rowFault{"FIELD_INTEGRITY_EXCEPTION", "Can't edit a field without reading it: PermissionsEdit requires PermissionsRead", []string{"PermissionsEdit"}}
		}
	case "ObjectPermissions":
		if id, ok := same("ParentId", "SobjectType"); ok {
			return &rowFault{"DUPLICATE_VALUE", "duplicate value found: ParentId, SobjectType duplicates value on record with id: " + id[:15], []string{}}
		}
	case "PermissionSetAssignment":
		if _, ok := same("AssigneeId", "PermissionSetId"); ok {
			who, _ := changed(changes, "AssigneeId")
			set, _ := changed(changes, "PermissionSetId")
			return &rowFault{"DUPLICATE_VALUE", fmt.Sprintf("Duplicate PermissionSetAssignment. Assignee: %s; Permission Set: %s", who[:min(15, len(who))], set[:min(15, len(set))]), []string{"AssigneeId", "PermissionSetId"}}
		}
	}
	return nil
}

// update applies checked changes of the API to a live record.
func (s *Salesforce) update(c *orgCall, o *orgObject, ord uint32, changes []orgChange) {
	r := &o.recs[ord]
	if r.writes == 0 {
		s.tally.patched++
	}
	r.writes++
	s.tally.patches++
	s.apply(o, ord, changes, s.me, c.now.Unix())
}

// mayAssign says whether a call of the REST API lets the org's assignment rule run: it does unless a header says no.
func mayAssign(c *orgCall) bool {
	return !strings.EqualFold(strings.TrimSpace(c.header.Get("Sforce-Auto-Assign")), "false")
}

// assigned adds what the org's assignment rule does to a lead, where it may run.
func (s *Salesforce) assigned(may bool, o *orgObject, changes []orgChange) []orgChange {
	if !may || s.assignTo == "" || o.name != "Lead" {
		return changes
	}
	f, _ := o.field("OwnerId")
	return append(slices.Clip(changes), orgChange{f, s.assignTo})
}
