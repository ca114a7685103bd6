package sandbox

import "net/http"

// What describe tells of objects and fields: what the integration user may see, no more.

// describeAll answers GET sobjects.
func (s *Salesforce) describeAll(c *orgCall) reply {
	list := []objectJSON{}
	for _, o := range s.all {
		if !o.tooling {
			list = append(list, o.facts(c))
		}
	}
	return jsonReply(http.StatusOK, map[string]any{"encoding": "UTF-8", "maxBatchSize": collectionRows, "sobjects": list})
}

// objectJSON is what is told of an object.
type objectJSON struct {
	Name        string            `json:"name"`
	Label       string            `json:"label"`
	KeyPrefix   string            `json:"keyPrefix"`
	Createable  bool              `json:"createable"`
	Custom      bool              `json:"custom"`
	Deletable   bool              `json:"deletable"`
	Queryable   bool              `json:"queryable"`
	Replicates  bool              `json:"replicateable"`
	Retrieves   bool              `json:"retrieveable"`
	Undeletable bool              `json:"undeletable"`
	Updateable  bool              `json:"updateable"`
	URLs        map[string]string `json:"urls"`
}

// describedJSON is an object with its fields.
type describedJSON struct {
	objectJSON
	Fields             []fieldJSON `json:"fields"`
	ChildRelationships []any       `json:"childRelationships"`
	RecordTypeInfos    []any       `json:"recordTypeInfos"`
}

func (o *orgObject) facts(c *orgCall) objectJSON {
	path := c.prefix() + "/sobjects/" + o.name
	return objectJSON{
		o.name, o.label, o.prefix, true, false, true, true, true, true, true, true,
		map[string]string{"sobject": path, "describe": path + "/describe", "rowTemplate": path + "/{ID}"},
	}
}

// describe answers GET sobjects/{object}/describe.
func (o *orgObject) describe(c *orgCall) describedJSON {
	d := describedJSON{o.facts(c), []fieldJSON{}, []any{}, []any{}}
	for _, f := range o.fields {
		if f.readable {
			d.Fields = append(d.Fields, f.describe())
		}
	}
	return d
}

// fieldJSON is what is told of a field.
type fieldJSON struct {
	Name                  string       `json:"name"`
	Label                 string       `json:"label"`
	Type                  string       `json:"type"`
	InlineHelpText        *string      `json:"inlineHelpText"`
	Length                int          `json:"length"`
	ByteLength            int          `json:"byteLength"`
	Precision             int          `json:"precision"`
	Scale                 int          `json:"scale"`
	Custom                bool         `json:"custom"`
	Calculated            bool         `json:"calculated"`
	Createable            bool         `json:"createable"`
	Updateable            bool         `json:"updateable"`
	Nillable              bool         `json:"nillable"`
	Filterable            bool         `json:"filterable"`
	Sortable              bool         `json:"sortable"`
	DefaultedOnCreate     bool         `json:"defaultedOnCreate"`
	RestrictedPicklist    bool         `json:"restrictedPicklist"`
	ExternalID            bool         `json:"externalId"`
	Unique                bool         `json:"unique"`
	NameField             bool         `json:"nameField"`
	IDLookup              bool         `json:"idLookup"`
	Permissionable        bool         `json:"permissionable"`
	PolymorphicForeignKey bool         `json:"polymorphicForeignKey"`
	RelationshipName      *string      `json:"relationshipName"`
	ReferenceTo           []string     `json:"referenceTo"`
	PicklistValues        []choiceJSON `json:"picklistValues"`
}

type choiceJSON struct {
	Active       bool   `json:"active"`
	DefaultValue bool   `json:"defaultValue"`
	Label        string `json:"label"`
	Value        string `json:"value"`
}

func (f *orgField) describe() fieldJSON {
	maybe := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	d := fieldJSON{
		Name: f.name, Label: f.label, Type: f.typ, InlineHelpText: maybe(f.help), Length: f.length, ByteLength: 3 * f.length, Precision: f.precision, Scale: f.scale,
		Custom: f.custom, Createable: f.editable && !f.readOnly, Updateable: f.editable && !f.readOnly && !f.createOnly,
		Nillable: !f.required && f.typ != orgBool && f.time == nil && f.typ != orgIDType, Filterable: !f.long(), Sortable: !f.long(),
		DefaultedOnCreate: f.typ == orgBool || f.standardValue != "" || f.name == "OwnerId", RestrictedPicklist: f.restricted,
		NameField: f.name == "Name", IDLookup: f.typ == orgIDType || f.typ == orgEmail, Permissionable: f.custom || !f.readOnly && !f.required,
		PolymorphicForeignKey: len(f.refTo) > 1, RelationshipName: maybe(f.relation), ReferenceTo: append([]string{}, f.refTo...), PicklistValues: []choiceJSON{},
	}
	for _, o := range f.options {
		d.PicklistValues = append(d.PicklistValues, choiceJSON{true, false, o.label, o.value})
	}
	return d
}
