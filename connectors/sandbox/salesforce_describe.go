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
	path := c.prefix() + "/sobjects/" + o.Name
	return jsonReply(http.StatusOK, map[string]any{
		"name": o.Name, "label": o.Label, "keyPrefix": o.Prefix, "custom": false, "createable": true, "deletable": true, "queryable": true,
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
	writable := f.editable && !f.ReadOnly
	return map[string]any{
		"name": f.Name, "label": f.Label, "type": f.Type, "inlineHelpText": maybe(f.Help), "custom": f.custom, "createable": writable, "updateable": writable && !f.CreateOnly,
		"length": f.Length, "byteLength": 3 * f.Length, "precision": f.Precision, "scale": f.Scale, "filterable": !f.long(), "sortable": !f.long(),
		"nillable": !f.Required && f.Type != orgBool && f.time == nil && f.Type != orgIDType, "defaultedOnCreate": f.Type == orgBool || f.Default != "" || f.Name == "OwnerId",
		"restrictedPicklist": f.Restricted, "picklistValues": choices, "nameField": f.Name == "Name", "idLookup": f.Type == orgIDType || f.Type == orgEmail,
		"permissionable": f.custom || !f.ReadOnly && !f.Required, "polymorphicForeignKey": len(f.RefTo) > 1, "relationshipName": maybe(f.Relation),
		"referenceTo": append([]string{}, f.RefTo...), "calculated": false, "externalId": false, "unique": false,
	}
}
