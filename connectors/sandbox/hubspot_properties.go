package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// propertyJSON is a property definition on the wire.
type propertyJSON struct {
	UpdatedAt            string           `json:"updatedAt,omitempty"`
	CreatedAt            string           `json:"createdAt,omitempty"`
	ArchivedAt           string           `json:"archivedAt,omitempty"`
	Name                 string           `json:"name"`
	Label                string           `json:"label"`
	Type                 string           `json:"type"`
	FieldType            string           `json:"fieldType"`
	Description          string           `json:"description"`
	GroupName            string           `json:"groupName"`
	Options              []option         `json:"options"`
	DisplayOrder         int              `json:"displayOrder"`
	Calculated           bool             `json:"calculated"`
	ExternalOptions      bool             `json:"externalOptions"`
	Archived             bool             `json:"archived"`
	HasUniqueValue       bool             `json:"hasUniqueValue"`
	Hidden               bool             `json:"hidden"`
	HubspotDefined       bool             `json:"hubspotDefined,omitempty"`
	FormField            bool             `json:"formField"`
	DataSensitivity      string           `json:"dataSensitivity"`
	ModificationMetadata modificationJSON `json:"modificationMetadata"`
}

type modificationJSON struct {
	Archivable         bool `json:"archivable"`
	ReadOnlyDefinition bool `json:"readOnlyDefinition"`
	ReadOnlyOptions    bool `json:"readOnlyOptions"`
	ReadOnlyValue      bool `json:"readOnlyValue"`
}

func (p *property) json() propertyJSON {
	stamp := func(ms int64) string {
		if ms == 0 {
			return ""
		}
		return string(appendInstant(nil, ms))
	}
	j := propertyJSON{
		UpdatedAt: stamp(p.updated), CreatedAt: stamp(p.created), Name: p.name, Label: p.label, Type: p.typ, FieldType: p.fieldType,
		Description: p.description, GroupName: p.group, Options: p.options, DisplayOrder: p.displayOrder, Calculated: p.calculated,
		ExternalOptions: p.external, Archived: p.archived, HasUniqueValue: p.uniq, Hidden: p.hidden, HubspotDefined: p.defined,
		FormField: p.form, DataSensitivity: "non_sensitive",
		ModificationMetadata: modificationJSON{Archivable: !p.defined, ReadOnlyDefinition: p.defined, ReadOnlyOptions: p.defined, ReadOnlyValue: p.readOnly},
	}
	if p.archived {
		j.ArchivedAt = stamp(p.archivedAt)
	}
	if j.Options == nil {
		j.Options = []option{}
	}
	return j
}

// propertyInput is the body of a call that makes or changes a property. Fields that are nil were not sent.
type propertyInput struct {
	Name           *string        `json:"name"`
	Label          *string        `json:"label"`
	Type           *string        `json:"type"`
	FieldType      *string        `json:"fieldType"`
	GroupName      *string        `json:"groupName"`
	Description    *string        `json:"description"`
	Options        *[]optionInput `json:"options"`
	DisplayOrder   *int           `json:"displayOrder"`
	HasUniqueValue bool           `json:"hasUniqueValue"`
	Hidden         *bool          `json:"hidden"`
	FormField      *bool          `json:"formField"`
}

type optionInput struct {
	Label        *string `json:"label"`
	Value        *string `json:"value"`
	Description  string  `json:"description"`
	DisplayOrder *int    `json:"displayOrder"`
	Hidden       *bool   `json:"hidden"`
}

// marshal renders what cannot fail to render.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("sandbox: %w", err))
	}
	return b
}

func ok(status int, v any) reply { return reply{status: status, body: marshal(v)} }

// results is how lists come.
type results[T any] struct {
	Results []T `json:"results"`
}

// properties answers /crm/v3/properties/… and /crm/properties/{version}/….
func (h *HubSpot) properties(c call) reply {
	var t *objects
	if len(c.rest) > 0 {
		t = h.table(c.rest[0])
	}
	if t == nil {
		return h.failed(http.StatusBadRequest, failure{message: "Unable to infer object type from: " + strings.Join(c.rest, "/"), category: "VALIDATION_ERROR"})
	}
	rest := c.rest[1:]
	switch {
	case len(rest) == 0 && c.method == http.MethodGet:
		bin := c.params().Get("archived") == "true"
		list := results[propertyJSON]{[]propertyJSON{}}
		for _, p := range t.list {
			if p.archived == bin {
				list.Results = append(list.Results, p.json())
			}
		}
		return ok(http.StatusOK, list)
	case len(rest) == 0 && c.method == http.MethodPost:
		var in propertyInput
		if err := json.Unmarshal(c.body, &in); err != nil {
			return h.badJSON(err)
		}
		p, bad := h.createProperty(t, in, c.now)
		if bad != nil {
			return h.failed(bad.status, bad.failure)
		}
		return ok(http.StatusCreated, p.json())
	case len(rest) > 0 && rest[0] == "groups":
		return h.groups(c, t, rest[1:])
	case len(rest) == 2 && rest[0] == "batch" && c.method == http.MethodPost:
		return h.propertyBatch(c, t, rest[1])
	case len(rest) == 1 && rest[0] != "batch":
		return h.oneProperty(c, t, rest[0])
	case len(rest) < 2:
		return h.notAllowed()
	}
	return h.failed(http.StatusNotFound, failure{message: "resource not found"})
}

// refused is a failure with its status.
type refused struct {
	status int
	failure
}

func refuse(status int, category, format string, args ...any) *refused {
	return &refused{status, failure{message: fmt.Sprintf(format, args...), category: category}}
}

func noProperty(name string) *refused {
	return refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "Property %q does not exist", name)
}

// createProperty makes a property, or restores and redefines an archived one of that name.
func (h *HubSpot) createProperty(t *objects, in propertyInput, now time.Time) (*property, *refused) {
	var missing []string
	need := func(name string, v *string) string {
		if v == nil || *v == "" {
			missing = append(missing, name)
			return ""
		}
		return *v
	}
	p := property{
		name: need("name", in.Name), label: need("label", in.Label), typ: need("type", in.Type), fieldType: need("fieldType", in.FieldType),
		group: need("groupName", in.GroupName), displayOrder: -1, uniq: in.HasUniqueValue, created: now.UnixMilli(), updated: now.UnixMilli(),
	}
	if len(missing) > 0 {
		return nil, refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Invalid input JSON on line 1, column 1: Cannot build PropertyCreate, some of required attributes are not set [%s]", strings.Join(missing, ", "))
	}
	if !validName(p.name) {
		return nil, refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Property name %q is not valid: names begin with a letter and hold lower-case letters, digits and underscores", p.name)
	}
	old := t.byName[p.name]
	if old != nil && !old.archived {
		return nil, refuse(http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property named '%s' already exists.", p.name)
	}
	if strings.HasPrefix(p.name, "hs_") {
		return nil, refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Property name %q is not valid: the prefix hs_ is reserved", p.name)
	}
	if old == nil && t.custom() >= maxCustom {
		return nil, refuse(http.StatusBadRequest, "VALIDATION_ERROR", "The limit of %d custom properties for %s is reached", maxCustom, t.object)
	}
	if bad := t.redefine(&p, in); bad != nil {
		return nil, bad
	}
	if old == nil {
		return t.define(&p), nil
	}
	p.number, p.key, p.created = old.number, old.key, old.created
	*old = p
	return old, nil
}

// redefine takes what a call sends into a definition and checks the whole.
func (t *objects) redefine(p *property, in propertyInput) *refused {
	set := func(to, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&p.label, in.Label)
	set(&p.typ, in.Type)
	set(&p.fieldType, in.FieldType)
	set(&p.group, in.GroupName)
	set(&p.description, in.Description)
	if in.DisplayOrder != nil {
		p.displayOrder = *in.DisplayOrder
	}
	if in.Hidden != nil {
		p.hidden = *in.Hidden
	}
	if in.FormField != nil {
		p.form = *in.FormField
	}
	bad := func(format string, args ...any) *refused {
		return refuse(http.StatusBadRequest, "VALIDATION_ERROR", format, args...)
	}
	pairs, known := fieldTypes[p.typ]
	if !known {
		return bad("Property type %q is not valid", p.typ)
	}
	if !slices.Contains(pairs, p.fieldType) {
		return bad("Property field type %q is not valid for property type %q", p.fieldType, p.typ)
	}
	if t.group(p.group) == nil {
		return bad("Property group %q does not exist", p.group)
	}
	if in.Options == nil {
		if p.typ == "enumeration" && len(p.options) == 0 {
			in.Options = &[]optionInput{}
		} else {
			p.setOptions(p.options)
			return nil
		}
	}
	if p.typ != "enumeration" && p.typ != "bool" && len(*in.Options) > 0 {
		return bad("A property of type %q has no options", p.typ)
	}
	options := make([]option, 0, len(*in.Options))
	for _, o := range *in.Options {
		if o.Label == nil || o.Value == nil || o.Hidden == nil || o.DisplayOrder == nil {
			return bad("Invalid input JSON on line 1, column 1: Cannot build OptionInput, some of required attributes are not set [label, value, hidden, displayOrder]")
		}
		if *o.Value == "" || slices.ContainsFunc(options, func(x option) bool { return x.Value == *o.Value || x.Label == *o.Label }) {
			return bad("Option %q of property %q is empty or given twice", *o.Value, p.name)
		}
		options = append(options, option{*o.Label, *o.Value, o.Description, *o.DisplayOrder, *o.Hidden})
	}
	p.setOptions(options)
	return nil
}

func validName(name string) bool {
	if name == "" || len(name) > 100 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// oneProperty answers GET, PATCH and DELETE of a definition.
func (h *HubSpot) oneProperty(c call, t *objects, name string) reply {
	p, live := t.property(name)
	fail := func(r *refused) reply { return h.failed(r.status, r.failure) }
	switch c.method {
	case http.MethodGet:
		if c.params().Get("archived") == "true" {
			if p = t.byName[name]; p == nil || !p.archived {
				return fail(noProperty(name))
			}
		} else if !live {
			return fail(noProperty(name))
		}
		return ok(http.StatusOK, p.json())
	case http.MethodPatch:
		if !live {
			return fail(noProperty(name))
		}
		if p.defined {
			return fail(refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Property %q is defined by HubSpot and cannot be changed", name))
		}
		var in propertyInput
		if err := json.Unmarshal(c.body, &in); err != nil {
			return h.badJSON(err)
		}
		changed := *p
		if bad := t.redefine(&changed, in); bad != nil {
			return fail(bad)
		}
		changed.updated = c.now.UnixMilli()
		*p = changed
		return ok(http.StatusOK, p.json())
	case http.MethodDelete:
		if !live {
			return fail(noProperty(name))
		}
		if bad := archiveProperty(p, c.now); bad != nil {
			return fail(bad)
		}
		return reply{status: http.StatusNoContent}
	}
	return h.notAllowed()
}

func archiveProperty(p *property, now time.Time) *refused {
	if p.defined {
		return refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Property %q is defined by HubSpot and cannot be archived", p.name)
	}
	p.archived, p.archivedAt = true, now.UnixMilli()
	return nil
}

// propertyBatch answers batch/create, batch/read and batch/archive.
func (h *HubSpot) propertyBatch(c call, t *objects, action string) reply {
	var in struct {
		Archived bool            `json:"archived"`
		Inputs   []propertyInput `json:"inputs"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return h.badJSON(err)
	}
	if rep, ok := h.batchSize(len(in.Inputs), maxBatch); !ok {
		return rep
	}
	run := h.batch(c, 512*len(in.Inputs))
	for _, x := range in.Inputs {
		name := ""
		if x.Name != nil {
			name = *x.Name
		}
		context := []contextValue{{"name", []string{name}}}
		switch action {
		case "create":
			p, bad := h.createProperty(t, x, c.now)
			if bad != nil {
				run.fail(bad.category, "", bad.message, context, nil)
				continue
			}
			run.body = append(run.next(), marshal(p.json())...)
		case "read":
			p := t.byName[name]
			if p == nil || p.archived != in.Archived {
				bad := noProperty(name)
				run.fail(bad.category, "", bad.message, context, nil)
				continue
			}
			run.body = append(run.next(), marshal(p.json())...)
		case "archive":
			if p, live := t.property(name); live {
				if bad := archiveProperty(p, c.now); bad != nil {
					return h.failed(bad.status, bad.failure)
				}
			}
		default:
			return h.failed(http.StatusNotFound, failure{message: "resource not found"})
		}
	}
	switch {
	case action == "archive":
		return reply{status: http.StatusNoContent}
	case action == "create" && c.dated == "":
		return run.reply(http.StatusCreated)
	}
	return run.reply(http.StatusOK)
}

func (g *group) json() groupJSON { return groupJSON{g.name, g.label, g.displayOrder, g.archived} }
