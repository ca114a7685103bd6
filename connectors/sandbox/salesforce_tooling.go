package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Custom fields, as admins make them and as the Tooling API does.

// fieldMetadata is what a custom field is made of. Pointers tell what was left out.
type fieldMetadata struct {
	Label          string `json:"label"`
	Type           string `json:"type"`
	Description    string `json:"description,omitempty"`
	InlineHelpText string `json:"inlineHelpText,omitempty"`
	Length         *int   `json:"length,omitempty"`
	VisibleLines   *int   `json:"visibleLines,omitempty"`
	Precision      *int   `json:"precision,omitempty"`
	Scale          *int   `json:"scale,omitempty"`
	DefaultValue   any    `json:"defaultValue,omitempty"`
	Required       bool   `json:"required,omitempty"`
	ValueSet       *struct {
		Restricted         bool `json:"restricted"`
		ValueSetDefinition struct {
			Sorted bool         `json:"sorted"`
			Value  []fieldValue `json:"value"`
		} `json:"valueSetDefinition"`
	} `json:"valueSet,omitempty"`
}

type fieldValue struct {
	FullName  string `json:"fullName,omitempty"`
	ValueName string `json:"valueName,omitempty"`
	Label     string `json:"label"`
	Default   bool   `json:"default"`
}

var developerName = regexp.MustCompile(`^[A-Za-z](_?[A-Za-z0-9])*$`)

// orgFieldTypes are the types of custom fields: how describe tells them, and the bounds of what says how large they are.
var orgFieldTypes = map[string]struct {
	typ         string
	least, most int // of the length of texts and picklists; least 0: it is fixed
}{
	"Text": {orgString, 1, 255}, "TextArea": {orgText, 0, 255}, "LongTextArea": {orgText, 256, 131_072}, "Html": {orgText, 256, 131_072},
	"Email": {orgEmail, 0, 80}, "Phone": {orgPhone, 0, 40}, "Url": {orgURL, 0, 255}, "Picklist": {orgPick, 0, 255},
	"Number": {typ: orgDouble}, "Percent": {typ: orgPercent}, "Currency": {typ: orgCurrency}, "Checkbox": {typ: orgBool}, "Date": {typ: orgDate}, "DateTime": {typ: orgDateTime},
}

// shape is the field that metadata describes.
func (m *fieldMetadata) shape(name string) *orgField {
	need := func(what string, ok bool) {
		badRowIf(!ok, "FIELD_INTEGRITY_EXCEPTION", "Must specify '"+what+"' for a CustomField of type "+m.Type)
	}
	size := func(n *int, what string, least, most int) int {
		if need(what, n != nil); *n < least || *n > most {
			panic(badRow("FIELD_INTEGRITY_EXCEPTION", fmt.Sprintf("%s: must be between %d and %d", what, least, most)))
		}
		return *n
	}
	for _, x := range []struct {
		what, text string
		most       int
	}{{"Label", m.Label, 40}, {"InlineHelpText", m.InlineHelpText, 510}, {"Description", m.Description, 1000}} {
		badRowIf(utf8.RuneCountInString(x.text) > x.most, "STRING_TOO_LONG", fmt.Sprintf("%s: data value too large (max length=%d)", x.what, x.most), x.what)
	}
	need("label", m.Label != "")
	need("type", m.Type != "")
	t, known := orgFieldTypes[m.Type]
	f := &orgField{Name: name, Label: m.Label, Help: m.InlineHelpText, custom: true, Required: m.Required, Type: t.typ, Length: t.most}
	switch {
	case !known:
		panic(badRow("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "the sandbox does not support fields of type "+m.Type))
	case t.least > 0:
		if f.Length = size(m.Length, "length", t.least, t.most); t.least > 1 {
			size(m.VisibleLines, "visibleLines", 2, 50)
		}
	case f.numeric():
		f.Precision = size(m.Precision, "precision", 1, 18)
		f.Scale = size(m.Scale, "scale", 0, f.Precision)
	case f.Type == orgBool:
		need("defaultValue", m.DefaultValue != nil)
	case f.Type == orgPick:
		need("valueSet", m.ValueSet != nil && len(m.ValueSet.ValueSetDefinition.Value) > 0)
		f.Restricted = m.ValueSet.Restricted
		for _, v := range m.ValueSet.ValueSetDefinition.Value {
			name := cmp.Or(v.FullName, v.ValueName)
			badRowIf(f.offers(name) || name == "", "DUPLICATE_VALUE", "duplicate value found: "+name)
			f.options = append(f.options, orgOption{name, cmp.Or(v.Label, name)})
		}
	}
	return f
}

// readMetadata reads the metadata of a custom field.
func readMetadata(raw []byte) (m fieldMetadata) {
	if err := json.Unmarshal(raw, &m); err != nil {
		panic(badRow("JSON_PARSER_ERROR", err.Error()))
	}
	return m
}

// Define adds a custom field, named as Lead.Intent_Score__c, as an admin would. It is hidden from the integration user until
// Grant or a permission set shows it. Metadata is that of a CustomField in the Tooling API, as JSON.
func (s *Salesforce) Define(fullName, metadata string) error {
	return s.try(func() {
		bad := caught[orgFault](func() { s.defineField(fullName, []byte(metadata), s.boss) })
		problemIf(bad != nil, "field %s: %w", fullName, bad)
	})
}

// Undefine deletes a custom field with all its values, as an admin would.
func (s *Salesforce) Undefine(fullName string) error {
	return s.try(func() {
		customs := s.objects["customfield"]
		at := slices.IndexFunc(customs.recs, func(r *record) bool { return r.live() && strings.EqualFold(customs.get(r, "fullname"), fullName) })
		problemIf(at < 0, "there is no field %s", fullName)
		s.dropField(customs.recs[at], s.boss)
	})
}

// defineField adds a custom field and its record in the Tooling API.
func (s *Salesforce) defineField(fullName string, raw []byte, by string) *record {
	m := readMetadata(raw)
	object, name, _ := strings.Cut(fullName, ".")
	o, ok := s.object(object)
	badRowIf(!ok || o.Tooling, "INVALID_CROSS_REFERENCE_KEY", "Entity Enumeration Or ID: bad value for restricted picklist field: "+object, "EntityDefinitionId")
	base, isCustom := strings.CutSuffix(name, "__c")
	badRowIf(!isCustom || !developerName.MatchString(base) || len(base) > 40, "INVALID_FIELD_FOR_INSERT_UPDATE", "The Field Name field can only contain underscores and alphanumeric characters. It must be unique, begin with a letter, not include spaces, not end with an underscore, and not contain two consecutive underscores.", "FullName")
	if f, ok := o.field(name); ok && !f.removed {
		panic(badRow("DUPLICATE_DEVELOPER_NAME", "There is already a field named "+base+" on "+o.Name+"."))
	}
	f := m.shape(name)
	delete(o.byName, strings.ToLower(name))
	o.define(f)
	r := s.create(s.objects["customfield"], customValues(o, base, &m, raw), by, s.nowMs())
	s.secure()
	return r
}

// customValues are the values of a custom field's record.
func customValues(o *orgObject, base string, m *fieldMetadata, raw []byte) changes {
	return changes{
		"developername": base, "tableenumorid": o.Name, "fullname": o.Name + "." + base + "__c", "manageablestate": "unmanaged",
		"description": m.Description, "inlinehelptext": m.InlineHelpText, "metadata": string(raw),
	}
}

// fieldOf is the object and field that a custom field's record stands for.
func (s *Salesforce) fieldOf(r *record) (*orgObject, *orgField) {
	object, name, _ := strings.Cut(s.objects["customfield"].get(r, "fullname"), ".")
	o, _ := s.object(object)
	f, _ := o.field(name)
	return o, f
}

// dropField deletes a custom field, its values, and what permission sets say of it.
func (s *Salesforce) dropField(r *record, by string) {
	o, f := s.fieldOf(r)
	f.removed = true
	delete(o.byName, strings.ToLower(f.Name))
	for _, x := range o.recs {
		x.set(f.num, "")
	}
	rights := s.objects["fieldpermissions"]
	for _, x := range rights.live() {
		if strings.EqualFold(rights.get(x, "field"), o.Name+"."+f.Name) {
			s.remove(rights, x, by)
		}
	}
	s.remove(s.objects["customfield"], r, by)
	s.secure()
}

// createField answers POST tooling/sobjects/CustomField.
func (s *Salesforce) createField(c *orgCall, _ *orgObject) reply {
	name, metadata := c.custom()
	return jsonReply(http.StatusCreated, made(s.defineField(name, metadata, s.me).id))
}

// fieldRecord is the record that a path tooling/sobjects/CustomField/{id} names.
func (s *Salesforce) fieldRecord(c *orgCall) *record {
	if o, r := s.recordOf(c.rest[3]); r != nil && r.live() && o == s.objects["customfield"] {
		return r
	}
	panic(notThere())
}

func (s *Salesforce) readField(c *orgCall, _ *orgObject) reply {
	return s.tell(c, s.objects["customfield"], s.fieldRecord(c))
}

func (s *Salesforce) deleteField(c *orgCall, _ *orgObject) reply {
	s.dropField(s.fieldRecord(c), s.me)
	return reply{status: http.StatusNoContent}
}

// changeField changes a custom field to what metadata says; its type stays.
func (s *Salesforce) changeField(c *orgCall, _ *orgObject) reply {
	r := s.fieldRecord(c)
	_, raw := c.custom()
	m := readMetadata(raw)
	o, f := s.fieldOf(r)
	g := m.shape(f.Name)
	badRowIf(g.Type != f.Type || g.long() != f.long(), "FIELD_INTEGRITY_EXCEPTION", "Cannot change the type of "+o.Name+"."+f.Name+" through this API")
	f.Label, f.Help, f.Length, f.Precision, f.Scale, f.Required = g.Label, g.Help, g.Length, g.Precision, g.Scale, g.Required
	f.options, f.Restricted = g.options, g.Restricted
	s.apply(s.objects["customfield"], r, customValues(o, strings.TrimSuffix(f.Name, "__c"), &m, raw), s.me, s.nowMs())
	return reply{status: http.StatusNoContent}
}

// custom reads the body of a custom field's call.
func (c *orgCall) custom() (fullName string, metadata []byte) {
	var in struct {
		FullName string
		Metadata json.RawMessage
	}
	c.read(&in)
	badRequestIf(in.Metadata == nil, "FIELD_INTEGRITY_EXCEPTION", "Metadata: a value is required")
	return in.FullName, in.Metadata
}
