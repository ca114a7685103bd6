package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// results is how lists come.
type results[T any] struct {
	Results []T     `json:"results"`
	Paging  *paging `json:"paging,omitempty"`
}

// properties answers /crm/v3/properties/… and /crm/properties/{version}/….
func (h *HubSpot) properties(c call) reply {
	o := h.object(c.at(0))
	if o == nil {
		panic(noObject(c))
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
	}
	panic(noResource)
}

// allProperties answers GET and POST of all definitions.
func (o *hubObject) allProperties(c call) reply {
	switch c.method {
	case http.MethodGet:
		list := results[definition]{Results: []definition{}}
		for _, p := range o.list {
			if p.Archived == (c.params().Get("archived") == "true") {
				list.Results = append(list.Results, p.definition)
			}
		}
		return jsonReply(http.StatusOK, list)
	case http.MethodPost:
		in := definition{DisplayOrder: -1}
		refuseIf(c.read(&in))
		p, bad := o.createProperty(in, c.now.UnixMilli())
		refuseIf(bad)
		return jsonReply(http.StatusCreated, p.definition)
	}
	panic(notAllowed)
}

func noProperty(name string) *failure {
	return refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "Property %q does not exist", name)
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)

// createProperty makes a property, or restores and redefines an archived one of that name.
func (o *hubObject) createProperty(d definition, now int64) (*property, *failure) {
	old, custom := o.byName[d.Name], 0
	for _, p := range o.list {
		if !p.HubspotDefined && !p.Archived {
			custom++
		}
	}
	switch {
	case slices.Contains([]string{d.Name, d.Label, d.Type, d.FieldType, d.GroupName}, ""):
		return nil, lacking("PropertyCreate", "name", "label", "type", "fieldType", "groupName")
	case !validName.MatchString(d.Name):
		return nil, invalid("Property name %q is not valid: names begin with a letter and hold lower-case letters, digits and underscores", d.Name)
	case old != nil && !old.Archived:
		return nil, refuse(http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property named '%s' already exists.", d.Name)
	case strings.HasPrefix(d.Name, "hs_"):
		return nil, invalid("Property name %q is not valid: the prefix hs_ is reserved", d.Name)
	case old == nil && custom >= maxCustom:
		return nil, invalid("The limit of %d custom properties for %s is reached", maxCustom, o.plural)
	}
	d.CreatedAt = instant(now)
	if old != nil {
		d.CreatedAt = old.CreatedAt
	}
	if bad := o.finish(&d, now); bad != nil {
		return nil, bad
	}
	if old == nil {
		return o.define(&property{definition: d}), nil
	}
	old.definition = d
	return old, nil
}

// finish checks a portal's own definition as a call has left it, and sets what HubSpot alone sets.
func (o *hubObject) finish(d *definition, now int64) *failure {
	pairs, known := fieldTypes[d.Type]
	switch {
	case !known:
		return invalid("Property type %q is not valid", d.Type)
	case !slices.Contains(pairs, d.FieldType):
		return invalid("Property field type %q is not valid for property type %q", d.FieldType, d.Type)
	case o.group(d.GroupName) == nil:
		return invalid("Property group %q does not exist", d.GroupName)
	case d.Type != "enumeration" && d.Type != "bool" && len(d.Options) > 0:
		return invalid("A property of type %q has no options", d.Type)
	case d.Options == nil:
		d.Options = []option{}
	}
	for i, x := range d.Options {
		switch {
		case x.Label == "" || x.Hidden == nil || x.DisplayOrder == nil:
			return lacking("OptionInput", "label", "value", "hidden", "displayOrder")
		case x.Value == "" || slices.ContainsFunc(d.Options[:i], func(o option) bool { return o.Value == x.Value || o.Label == x.Label }):
			return invalid("Option %q of property %q is empty or given twice", x.Value, d.Name)
		}
	}
	d.UpdatedAt, d.ArchivedAt, d.Archived = instant(now), "", false
	d.HubspotDefined, d.Calculated, d.ExternalOptions = false, false, false
	d.DataSensitivity, d.Modification = "non_sensitive", modification{Archivable: true}
	return nil
}

// oneProperty answers GET, PATCH and DELETE of a definition.
func (o *hubObject) oneProperty(c call, name string) reply {
	p, live := o.property(name)
	if c.method == http.MethodGet && c.params().Get("archived") == "true" {
		live = p != nil && p.Archived
	}
	switch {
	case !live:
		panic(noProperty(name))
	case c.method == http.MethodGet:
		return jsonReply(http.StatusOK, p.definition)
	case c.method != http.MethodPatch && c.method != http.MethodDelete:
		panic(notAllowed)
	case p.HubspotDefined:
		panic(invalid("Property %q is defined by HubSpot and cannot be changed or archived", name))
	case c.method == http.MethodDelete:
		p.Archived, p.ArchivedAt = true, instant(c.now.UnixMilli())
		return reply{status: http.StatusNoContent}
	}
	d := p.definition
	d.Options = nil // options that are sent replace the whole list
	refuseIf(c.read(&d))
	d.Name, d.CreatedAt, d.HasUniqueValue = p.Name, p.CreatedAt, p.HasUniqueValue
	if d.Options == nil {
		d.Options = p.Options
	}
	refuseIf(o.finish(&d, c.now.UnixMilli()))
	p.definition = d
	return jsonReply(http.StatusOK, d)
}

// propertyBatch answers batch/create and batch/read of definitions by name.
func (h *HubSpot) propertyBatch(c call, o *hubObject, action string) reply {
	var in struct {
		Archived bool         `json:"archived"`
		Inputs   []definition `json:"inputs"`
	}
	refuseIf(c.read(&in))
	refuseIf(batchSize(len(in.Inputs), maxBatch))
	run, status := h.batch(c), http.StatusOK
	for _, x := range in.Inputs {
		p, bad := o.byName[x.Name], (*failure)(nil)
		switch {
		case action == "create":
			p, bad = o.createProperty(x, c.now.UnixMilli())
		case action != "read":
			panic(noResource)
		case p == nil || p.Archived != in.Archived:
			bad = noProperty(x.Name)
		}
		if bad != nil {
			run.fail(batchError{Category: bad.Category, Message: bad.Message, Context: map[string][]string{"name": {x.Name}}})
			continue
		}
		run.add(marshal(p.definition))
	}
	if action == "create" && c.dated == "" {
		status = http.StatusCreated
	}
	return run.reply(status)
}

// groupCall answers GET and POST of …/groups, and GET and DELETE of …/groups/{name}.
func (o *hubObject) groupCall(c call, rest []string) reply {
	switch {
	case len(rest) == 0 && c.method == http.MethodGet:
		live := slices.DeleteFunc(slices.Clone(o.groups), func(g *group) bool { return g.Archived })
		return jsonReply(http.StatusOK, results[*group]{Results: live})
	case len(rest) == 0 && c.method == http.MethodPost:
		return o.createGroup(c)
	case len(rest) == 0:
		panic(notAllowed)
	}
	g := o.group(rest[0])
	switch {
	case g == nil || len(rest) > 1:
		panic(refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "Property group %q does not exist", rest[0]))
	case c.method == http.MethodGet:
		return jsonReply(http.StatusOK, g)
	case c.method != http.MethodDelete:
		panic(notAllowed)
	case g.defined || slices.ContainsFunc(o.list, func(p *property) bool { return p.GroupName == g.Name && !p.Archived }):
		panic(invalid("Property group %q is defined by HubSpot or holds properties and cannot be archived", g.Name))
	}
	g.Archived = true
	return reply{status: http.StatusNoContent}
}

func (o *hubObject) createGroup(c call) reply {
	var in group
	refuseIf(c.read(&in))
	switch {
	case in.Name == "" || in.Label == "":
		panic(lacking("PropertyGroupCreate", "name", "label"))
	case !validName.MatchString(in.Name):
		panic(invalid("Property group name %q is not valid", in.Name))
	case o.group(in.Name) != nil:
		panic(refuse(http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property group named '%s' already exists.", in.Name))
	}
	o.groups = append(slices.DeleteFunc(o.groups, func(x *group) bool { return x.Name == in.Name }), &in)
	return jsonReply(http.StatusCreated, in)
}
