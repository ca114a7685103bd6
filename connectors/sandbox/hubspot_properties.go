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

// listProperties answers GET of all definitions.
func (h *HubSpot) listProperties(c call, o *hubObject) reply {
	list := results[definition]{Results: []definition{}}
	for _, p := range o.list {
		if p.Archived == (c.params().Get("archived") == "true") {
			list.Results = append(list.Results, p.definition)
		}
	}
	return jsonReply(http.StatusOK, list)
}

// postProperty answers POST of a new definition.
func (h *HubSpot) postProperty(c call, o *hubObject) reply {
	in := definition{DisplayOrder: -1}
	refuseIf(c.read(&in))
	p, bad := o.createProperty(in, c.now.UnixMilli())
	refuseIf(bad)
	return jsonReply(http.StatusCreated, p.definition)
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

// readProperty answers GET of a definition.
func (h *HubSpot) readProperty(c call, o *hubObject) reply {
	p := o.byName[c.rest[2]]
	if p == nil || p.Archived != (c.params().Get("archived") == "true") {
		panic(noProperty(c.rest[2]))
	}
	return jsonReply(http.StatusOK, p.definition)
}

// own is the portal's own definition that a call's path names, in order to change it.
func (o *hubObject) own(c call) *property {
	p, live := o.property(c.rest[2])
	switch {
	case !live:
		panic(noProperty(c.rest[2]))
	case p.HubspotDefined:
		panic(invalid("Property %q is defined by HubSpot and cannot be changed or archived", p.Name))
	}
	return p
}

// archiveProperty answers DELETE of a definition. Its values come back with it.
func (h *HubSpot) archiveProperty(c call, o *hubObject) reply {
	p := o.own(c)
	p.Archived, p.ArchivedAt = true, instant(c.now.UnixMilli())
	return reply{status: http.StatusNoContent}
}

// changeProperty answers PATCH of a definition. Options that are sent replace the whole list.
func (h *HubSpot) changeProperty(c call, o *hubObject) reply {
	p := o.own(c)
	d := p.definition
	d.Options = nil
	refuseIf(c.read(&d))
	d.Name, d.CreatedAt, d.HasUniqueValue = p.Name, p.CreatedAt, p.HasUniqueValue
	if d.Options == nil {
		d.Options = p.Options
	}
	refuseIf(o.finish(&d, c.now.UnixMilli()))
	p.definition = d
	return jsonReply(http.StatusOK, d)
}

// propertyBatch answers a call about many definitions; one gives the definition of each or says why there is none.
func (h *HubSpot) propertyBatch(c call, status int, one func(x definition, archived bool) (*property, *failure)) reply {
	var in struct {
		Archived bool         `json:"archived"`
		Inputs   []definition `json:"inputs"`
	}
	refuseIf(c.read(&in))
	refuseIf(batchSize(len(in.Inputs), maxBatch))
	run := h.batch(c)
	for _, x := range in.Inputs {
		p, bad := one(x, in.Archived)
		if bad != nil {
			run.fail(batchError{Category: bad.Category, Message: bad.Message, Context: map[string][]string{"name": {x.Name}}})
			continue
		}
		run.add(marshal(p.definition))
	}
	return run.reply(status)
}

func (h *HubSpot) createProperties(c call, o *hubObject) reply {
	status := http.StatusOK
	if c.dated == "" {
		status = http.StatusCreated
	}
	return h.propertyBatch(c, status, func(x definition, _ bool) (*property, *failure) { return o.createProperty(x, c.now.UnixMilli()) })
}

func (h *HubSpot) readProperties(c call, o *hubObject) reply {
	return h.propertyBatch(c, http.StatusOK, func(x definition, archived bool) (*property, *failure) {
		if p := o.byName[x.Name]; p != nil && p.Archived == archived {
			return p, nil
		}
		return nil, noProperty(x.Name)
	})
}

func (h *HubSpot) listGroups(_ call, o *hubObject) reply {
	live := slices.DeleteFunc(slices.Clone(o.groups), func(g *group) bool { return g.Archived })
	return jsonReply(http.StatusOK, results[*group]{Results: live})
}

func (h *HubSpot) createGroup(c call, o *hubObject) reply {
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

// groupIn is the group that a call's path names.
func (o *hubObject) groupIn(c call) *group {
	g := o.group(c.rest[3])
	if g == nil {
		panic(refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "Property group %q does not exist", c.rest[3]))
	}
	return g
}

func (h *HubSpot) readGroup(c call, o *hubObject) reply {
	return jsonReply(http.StatusOK, o.groupIn(c))
}

func (h *HubSpot) archiveGroup(c call, o *hubObject) reply {
	g := o.groupIn(c)
	if g.defined || slices.ContainsFunc(o.list, func(p *property) bool { return p.GroupName == g.Name && !p.Archived }) {
		panic(invalid("Property group %q is defined by HubSpot or holds properties and cannot be archived", g.Name))
	}
	g.Archived = true
	return reply{status: http.StatusNoContent}
}
