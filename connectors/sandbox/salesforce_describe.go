package sandbox

import (
	"net/http"
	"strconv"
)

// What describe tells of objects and fields: what the integration user may see, no more.

// describeAll answers GET sobjects.
func (s *Salesforce) describeAll(c *orgCall) reply {
	b := []byte(`{"encoding":"UTF-8","maxBatchSize":200,"sobjects":[`)
	first := true
	for _, o := range s.all {
		if o.tooling {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = s.appendObject(b, c, o)
	}
	return reply{status: http.StatusOK, body: append(b, "]}"...)}
}

func (s *Salesforce) appendObject(b []byte, c *orgCall, o *orgObject) []byte {
	return append(s.objectFacts(b, c, o), '}')
}

func (s *Salesforce) objectFacts(b []byte, c *orgCall, o *orgObject) []byte {
	path := c.prefix() + "/sobjects/" + o.name
	b = appendQuoted(append(b, `{"name":`...), o.name)
	b = appendQuoted(append(b, `,"label":`...), o.label)
	b = appendQuoted(append(b, `,"labelPlural":`...), o.plural)
	b = appendQuoted(append(b, `,"keyPrefix":`...), o.prefix)
	b = append(b, `,"createable":true,"custom":false,"deletable":true,"queryable":true,"replicateable":true,"retrieveable":true,"searchable":true,"undeletable":true,"updateable":true,"urls":{"sobject":`...)
	b = appendQuoted(b, path)
	b = appendQuoted(append(b, `,"describe":`...), path+"/describe")
	b = appendQuoted(append(b, `,"rowTemplate":`...), path+"/{ID}")
	return append(b, '}')
}

// appendDescribe answers GET sobjects/{object}/describe.
func (s *Salesforce) appendDescribe(b []byte, c *orgCall, o *orgObject) []byte {
	b = append(s.objectFacts(b, c, o), `,"fields":[`...)
	first := true
	for _, f := range o.fields {
		if !f.readable {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = f.appendDescription(b)
	}
	return append(b, `],"childRelationships":[],"recordTypeInfos":[]}`...)
}

func (f *orgField) appendDescription(b []byte) []byte {
	text := func(name, v string) {
		b = appendQuoted(append(append(append(b, `,"`...), name...), `":`...), v)
	}
	maybe := func(name, v string) {
		if v == "" {
			b = append(append(append(b, `,"`...), name...), `":null`...)
			return
		}
		text(name, v)
	}
	number := func(name string, n int) {
		b = strconv.AppendInt(append(append(append(b, `,"`...), name...), `":`...), int64(n), 10)
	}
	yes := func(name string, is bool) {
		b = strconv.AppendBool(append(append(append(b, `,"`...), name...), `":`...), is)
	}
	b = appendQuoted(append(b, `{"name":`...), f.name)
	text("label", f.label)
	text("type", f.typ)
	maybe("inlineHelpText", f.help)
	number("length", f.length)
	number("byteLength", 3*f.length)
	number("precision", f.precision)
	number("scale", f.scale)
	number("digits", map[bool]int{true: f.precision}[f.typ == orgInt])
	yes("custom", f.custom)
	yes("calculated", f.calc != nil && f.typ == orgString && f.name != "Name")
	yes("createable", f.editable && !f.readOnly)
	yes("updateable", f.editable && !f.readOnly && !f.createOnly)
	yes("nillable", !f.required && f.typ != orgBool && !(f.readOnly && f.calc == nil && f.time != nil) && f.typ != orgIDType)
	yes("filterable", !f.long())
	yes("sortable", !f.long())
	yes("groupable", !f.long() && f.typ != orgDateTime && f.typ != orgDouble && f.typ != orgCurrency)
	yes("defaultedOnCreate", f.typ == orgBool || f.standardValue != "" || f.name == "OwnerId")
	yes("restrictedPicklist", f.restricted)
	yes("externalId", false)
	yes("unique", false)
	yes("nameField", f.name == "Name")
	yes("idLookup", f.typ == orgIDType || f.typ == orgEmail)
	yes("caseSensitive", false)
	yes("deprecatedAndHidden", false)
	yes("permissionable", f.custom || !f.readOnly && !f.required)
	yes("polymorphicForeignKey", len(f.refTo) > 1)
	maybe("relationshipName", f.relation)
	maybe("extraTypeInfo", map[bool]string{true: "plaintextarea"}[f.typ == orgText])
	b = append(b, `,"referenceTo":`...)
	b = appendStrings(b, f.refTo)
	b = append(b, `,"picklistValues":[`...)
	for i, o := range f.options {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, `{"active":true,"defaultValue":false,"label":`...), o.label)
		b = append(appendQuoted(append(b, `,"validFor":null,"value":`...), o.value), '}')
	}
	return append(b, "]}"...)
}
