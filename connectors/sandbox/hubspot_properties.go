package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

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

// results is how lists come.
type results[T any] struct {
	Results []T     `json:"results"`
	Paging  *paging `json:"paging,omitempty"`
}

// properties answers /crm/v3/properties/… and /crm/properties/{version}/….
func (h *HubSpot) properties(c call) (reply, *failure) {
	var o *hubObject
	if len(c.rest) > 0 {
		o = h.object(c.rest[0])
	}
	if o == nil {
		return reply{}, noObject(c)
	}
	rest := c.rest[1:]
	switch {
	case len(rest) == 0:
		return o.allProperties(c)
	case rest[0] == "groups":
		return o.groupCall(c, rest[1:])
	case len(rest) == 2 && rest[0] == "batch" && c.method == http.MethodPost:
		return h.propertyBatch(c, o, rest[1])
	case len(rest) == 1 && rest[0] != "batch":
		return o.oneProperty(c, rest[0])
	case len(rest) == 1:
		return reply{}, notAllowed
	}
	return reply{}, noResource
}

func (o *hubObject) allProperties(c call) (reply, *failure) {
	switch c.method {
	case http.MethodGet:
		list := results[definition]{Results: []definition{}}
		for _, p := range o.list {
			if p.Archived == (c.params().Get("archived") == "true") {
				list.Results = append(list.Results, p.definition)
			}
		}
		return jsonReply(http.StatusOK, list), nil
	case http.MethodPost:
		var in propertyInput
		if bad := c.read(&in); bad != nil {
			return reply{}, bad
		}
		p, bad := o.createProperty(in, c.now.UnixMilli())
		if bad != nil {
			return reply{}, bad
		}
		return jsonReply(http.StatusCreated, p.definition), nil
	}
	return reply{}, notAllowed
}

func noProperty(name string) *failure {
	return refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "Property %q does not exist", name)
}

// createProperty makes a property, or restores and redefines an archived one of that name.
func (o *hubObject) createProperty(in propertyInput, now int64) (*property, *failure) {
	var missing []string
	for name, v := range map[string]*string{"name": in.Name, "label": in.Label, "type": in.Type, "fieldType": in.FieldType, "groupName": in.GroupName} {
		if v == nil || *v == "" {
			missing = append(missing, name)
		}
	}
	if slices.Sort(missing); len(missing) > 0 {
		return nil, lacking("PropertyCreate", missing...)
	}
	name := *in.Name
	old := o.byName[name]
	custom := 0
	for _, p := range o.list {
		if !p.HubspotDefined && !p.Archived {
			custom++
		}
	}
	switch {
	case !validName.MatchString(name):
		return nil, invalid("Property name %q is not valid: names begin with a letter and hold lower-case letters, digits and underscores", name)
	case old != nil && !old.Archived:
		return nil, refuse(http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property named '%s' already exists.", name)
	case strings.HasPrefix(name, "hs_"):
		return nil, invalid("Property name %q is not valid: the prefix hs_ is reserved", name)
	case old == nil && custom >= maxCustom:
		return nil, invalid("The limit of %d custom properties for %s is reached", maxCustom, o.plural)
	}
	d := definition{Name: name, DisplayOrder: -1, HasUniqueValue: in.HasUniqueValue, CreatedAt: instant(now), Modification: modification{Archivable: true}, DataSensitivity: "non_sensitive"}
	if bad := o.redefine(&d, in, now); bad != nil {
		return nil, bad
	}
	if old == nil {
		return o.define(&property{definition: d}), nil
	}
	d.CreatedAt = old.CreatedAt
	old.definition = d
	return old, nil
}

// redefine takes what a call sends into a definition and checks the whole.
func (o *hubObject) redefine(d *definition, in propertyInput, now int64) *failure {
	set := func(to, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&d.Label, in.Label)
	set(&d.Type, in.Type)
	set(&d.FieldType, in.FieldType)
	set(&d.GroupName, in.GroupName)
	set(&d.Description, in.Description)
	if in.DisplayOrder != nil {
		d.DisplayOrder = *in.DisplayOrder
	}
	if in.Hidden != nil {
		d.Hidden = *in.Hidden
	}
	if in.FormField != nil {
		d.FormField = *in.FormField
	}
	d.UpdatedAt = instant(now)
	pairs, known := fieldTypes[d.Type]
	switch {
	case !known:
		return invalid("Property type %q is not valid", d.Type)
	case !slices.Contains(pairs, d.FieldType):
		return invalid("Property field type %q is not valid for property type %q", d.FieldType, d.Type)
	case o.group(d.GroupName) == nil:
		return invalid("Property group %q does not exist", d.GroupName)
	case in.Options == nil:
		if d.Options == nil {
			d.Options = []option{}
		}
		return nil
	case d.Type != "enumeration" && d.Type != "bool" && len(*in.Options) > 0:
		return invalid("A property of type %q has no options", d.Type)
	}
	options := make([]option, 0, len(*in.Options))
	for _, x := range *in.Options {
		if x.Label == nil || x.Value == nil || x.Hidden == nil || x.DisplayOrder == nil {
			return lacking("OptionInput", "label", "value", "hidden", "displayOrder")
		}
		if *x.Value == "" || slices.ContainsFunc(options, func(o option) bool { return o.Value == *x.Value || o.Label == *x.Label }) {
			return invalid("Option %q of property %q is empty or given twice", *x.Value, d.Name)
		}
		options = append(options, option{*x.Label, *x.Value, x.Description, *x.DisplayOrder, *x.Hidden})
	}
	d.Options = options
	return nil
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)

// oneProperty answers GET, PATCH and DELETE of a definition.
func (o *hubObject) oneProperty(c call, name string) (reply, *failure) {
	p, live := o.property(name)
	if c.method == http.MethodGet && c.params().Get("archived") == "true" {
		live = p != nil && p.Archived
	}
	if !live {
		return reply{}, noProperty(name)
	}
	switch c.method {
	case http.MethodGet:
		return jsonReply(http.StatusOK, p.definition), nil
	case http.MethodPatch:
		if p.HubspotDefined {
			return reply{}, invalid("Property %q is defined by HubSpot and cannot be changed", name)
		}
		var in propertyInput
		if bad := c.read(&in); bad != nil {
			return reply{}, bad
		}
		changed := p.definition
		if bad := o.redefine(&changed, in, c.now.UnixMilli()); bad != nil {
			return reply{}, bad
		}
		p.definition = changed
		return jsonReply(http.StatusOK, p.definition), nil
	case http.MethodDelete:
		if bad := p.archive(c.now.UnixMilli()); bad != nil {
			return reply{}, bad
		}
		return reply{status: http.StatusNoContent}, nil
	}
	return reply{}, notAllowed
}

func (p *property) archive(now int64) *failure {
	if p.HubspotDefined {
		return invalid("Property %q is defined by HubSpot and cannot be archived", p.Name)
	}
	p.Archived, p.ArchivedAt = true, instant(now)
	return nil
}

// propertyBatch answers batch/create, batch/read and batch/archive.
func (h *HubSpot) propertyBatch(c call, o *hubObject, action string) (reply, *failure) {
	var in struct {
		Archived bool            `json:"archived"`
		Inputs   []propertyInput `json:"inputs"`
	}
	if bad := cmp.Or(c.read(&in), batchSize(len(in.Inputs), maxBatch)); bad != nil {
		return reply{}, bad
	}
	run := h.batch(c)
	for _, x := range in.Inputs {
		name := ""
		if x.Name != nil {
			name = *x.Name
		}
		p, bad := o.byName[name], (*failure)(nil)
		switch {
		case action == "create":
			p, bad = o.createProperty(x, c.now.UnixMilli())
		case action == "read" && (p == nil || p.Archived != in.Archived):
			bad = noProperty(name)
		case action == "read":
		case action != "archive":
			return reply{}, noResource
		case p != nil && !p.Archived:
			if bad := p.archive(c.now.UnixMilli()); bad != nil {
				return reply{}, bad
			}
		}
		switch {
		case action == "archive":
		case bad != nil:
			run.fail(batchError{Category: bad.Category, Message: bad.Message, Context: map[string][]string{"name": {name}}})
		default:
			run.add(marshal(p.definition))
		}
	}
	switch {
	case action == "archive":
		return reply{status: http.StatusNoContent}, nil
	case action == "create" && c.dated == "":
		return run.reply(http.StatusCreated), nil
	}
	return run.reply(http.StatusOK), nil
}

// groupCall answers GET and POST of …/groups, and GET and DELETE of …/groups/{name}.
func (o *hubObject) groupCall(c call, rest []string) (reply, *failure) {
	if len(rest) == 0 && c.method == http.MethodGet {
		live := slices.DeleteFunc(slices.Clone(o.groups), func(g *group) bool { return g.Archived })
		return jsonReply(http.StatusOK, results[*group]{Results: live}), nil
	}
	if len(rest) == 0 {
		var in group
		switch bad := c.read(&in); {
		case c.method != http.MethodPost:
			return reply{}, notAllowed
		case bad != nil:
			return reply{}, bad
		case in.Name == "" || in.Label == "":
			return reply{}, lacking("PropertyGroupCreate", "name", "label")
		case !validName.MatchString(in.Name):
			return reply{}, invalid("Property group name %q is not valid", in.Name)
		case o.group(in.Name) != nil:
			return reply{}, refuse(http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property group named '%s' already exists.", in.Name)
		}
		o.groups = append(slices.DeleteFunc(o.groups, func(x *group) bool { return x.Name == in.Name }), &in)
		return jsonReply(http.StatusCreated, in), nil
	}
	g := o.group(rest[0])
	switch {
	case g == nil || len(rest) > 1:
		return reply{}, refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "Property group %q does not exist", rest[0])
	case c.method == http.MethodGet:
		return jsonReply(http.StatusOK, g), nil
	case c.method != http.MethodDelete:
		return reply{}, notAllowed
	case g.defined || slices.ContainsFunc(o.list, func(p *property) bool { return p.GroupName == g.Name && !p.Archived }):
		return reply{}, invalid("Property group %q is defined by HubSpot or holds properties and cannot be archived", g.Name)
	}
	g.Archived = true
	return reply{status: http.StatusNoContent}, nil
}

// lacking is the answer to a body that does not say all it must.
func lacking(what string, attributes ...string) *failure {
	return invalid("Invalid input JSON on line 1, column 1: Cannot build %s, some of required attributes are not set [%s]", what, strings.Join(attributes, ", "))
}

// invalid is the answer to a request that does not fit.
func invalid(format string, args ...any) *failure {
	return refuse(http.StatusBadRequest, "VALIDATION_ERROR", format, args...)
}

func refuse(status int, category, format string, args ...any) *failure {
	return &failure{status: status, Category: category, Message: fmt.Sprintf(format, args...)}
}
