package sandbox

import "net/http"

// What describe tells of objects and fields: what the integration user may see, no more.

// describe answers GET sobjects/{object}/describe.
func (s *Salesforce) describe(c *orgCall, o *orgObject) reply {
	fields := []map[string]any{}
	for _, f := range o.fields {
		if f.readable {
			fields = append(fields, f.describe())
		}
	}
	path := c.prefix() + "/sobjects/" + o.name
	return jsonReply(http.StatusOK, map[string]any{
		"name": o.name, "label": o.label, "keyPrefix": o.prefix, "custom": false, "createable": true, "deletable": true, "queryable": true,
		"replicateable": true, "retrieveable": true, "undeletable": true, "updateable": true,
		"urls":   map[string]string{"sobject": path, "describe": path + "/describe", "rowTemplate": path + "/{ID}"},
		"fields": fields, "childRelationships": []any{}, "recordTypeInfos": []any{},
	})
}

func (f *orgField) describe() map[string]any {
	maybe := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	choices := []map[string]any{}
	for _, o := range f.options {
		choices = append(choices, map[string]any{"active": true, "defaultValue": false, "label": o.label, "value": o.value})
	}
	writable := f.editable && !f.readOnly
	return map[string]any{
		"name": f.name, "label": f.label, "type": f.typ, "inlineHelpText": maybe(f.help), "custom": f.custom, "createable": writable, "updateable": writable && !f.createOnly,
		"length": f.length, "byteLength": 3 * f.length, "precision": f.precision, "scale": f.scale, "filterable": !f.long(), "sortable": !f.long(),
		"nillable": !f.required && f.typ != orgBool && f.time == nil && f.typ != orgIDType, "defaultedOnCreate": f.typ == orgBool || f.standardValue != "" || f.name == "OwnerId",
		"restrictedPicklist": f.restricted, "picklistValues": choices, "nameField": f.name == "Name", "idLookup": f.typ == orgIDType || f.typ == orgEmail,
		"permissionable": f.custom || !f.readOnly && !f.required, "polymorphicForeignKey": len(f.refTo) > 1, "relationshipName": maybe(f.relation),
		"referenceTo": append([]string{}, f.refTo...), "calculated": false, "externalId": false, "unique": false,
	}
}
