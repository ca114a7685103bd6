package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// listProperties answers GET of all definitions.
func (h *HubSpot) listProperties(c call, o *hubObject) reply {
	var list []definition
	for _, p := range o.list {
		if p.Archived == c.wantsArchived() {
			list = append(list, p.definition)
		}
	}
	return jsonReply(http.StatusOK, listed(list, "", ""))
}

// postProperty answers POST of a new definition.
func (h *HubSpot) postProperty(c call, o *hubObject) reply {
	in := definition{DisplayOrder: -1}
	c.read(&in)
	return jsonReply(http.StatusCreated, o.createProperty(in, c.now.UnixMilli()).definition)
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)

// createProperty makes a property, or restores and redefines an archived one of that name.
func (o *hubObject) createProperty(d definition, now int64) *property {
	old, custom := o.byName[d.Name], 0
	for _, p := range o.list {
		if !p.HubspotDefined && !p.Archived {
			custom++
		}
	}
	lackingIf(slices.Contains([]string{d.Name, d.Label, d.Type, d.FieldType, d.GroupName}, ""), "PropertyCreate", "name", "label", "type", "fieldType", "groupName")
	invalidIf(!validName.MatchString(d.Name), "Property name %q is not valid: names begin with a letter and hold lower-case letters, digits and underscores", d.Name)
	refuseIf(old != nil && !old.Archived, http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property named '%s' already exists.", d.Name)
	invalidIf(strings.HasPrefix(d.Name, "hs_"), "Property name %q is not valid: the prefix hs_ is reserved", d.Name)
	invalidIf(old == nil && custom >= maxCustom, "The limit of %d custom properties for %s is reached", maxCustom, o.plural)
	d.CreatedAt = instant(now)
	if old != nil {
		d.CreatedAt = old.CreatedAt
	}
	o.finish(&d, now)
	if old == nil {
		return o.define(&property{definition: d})
	}
	old.definition = d
	return old
}

// finish checks a portal's own definition as a call has left it, and sets what HubSpot alone sets.
func (o *hubObject) finish(d *definition, now int64) {
	pairs, known := fieldTypes[d.Type]
	invalidIf(!known, "Property type %q is not valid", d.Type)
	invalidIf(!slices.Contains(pairs, d.FieldType), "Property field type %q is not valid for property type %q", d.FieldType, d.Type)
	invalidIf(o.group(d.GroupName) == nil, "Property group %q does not exist", d.GroupName)
	invalidIf(d.Type != "enumeration" && d.Type != "bool" && len(d.Options) > 0, "A property of type %q has no options", d.Type)
	d.Options = append([]option{}, d.Options...)
	for i, x := range d.Options {
		lackingIf(x.Label == "" || x.Hidden == nil || x.DisplayOrder == nil, "OptionInput", "label", "value", "hidden", "displayOrder")
		invalidIf(x.Value == "" || slices.ContainsFunc(d.Options[:i], func(o option) bool { return o.Value == x.Value || o.Label == x.Label }), "Option %q of property %q is empty or given twice", x.Value, d.Name)
	}
	d.UpdatedAt, d.ArchivedAt, d.Archived = instant(now), "", false
	d.HubspotDefined, d.Calculated, d.ExternalOptions = false, false, false
	d.DataSensitivity, d.Modification = "non_sensitive", modification{Archivable: true}
}

// definedAs is a definition by its name, live or archived.
func (o *hubObject) definedAs(name string, archived bool) *property {
	p := o.byName[name]
	refuseIf(p == nil || p.Archived != archived, http.StatusNotFound, "OBJECT_NOT_FOUND", "Property %q does not exist", name)
	return p
}

// readProperty answers GET of a definition.
func (h *HubSpot) readProperty(c call, o *hubObject) reply {
	return jsonReply(http.StatusOK, o.definedAs(c.rest[2], c.wantsArchived()).definition)
}

// own is the portal's own definition that a call's path names, in order to change it.
func (o *hubObject) own(c call) *property {
	p := o.definedAs(c.rest[2], false)
	invalidIf(p.HubspotDefined, "Property %q is defined by HubSpot and cannot be changed or archived", p.Name)
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
	c.read(&d)
	d.Name, d.CreatedAt, d.HasUniqueValue = p.Name, p.CreatedAt, p.HasUniqueValue
	if d.Options == nil {
		d.Options = p.Options
	}
	o.finish(&d, c.now.UnixMilli())
	p.definition = d
	return jsonReply(http.StatusOK, d)
}

// propertyBatch answers a call about many definitions; one gives the definition of each or refuses it.
func (h *HubSpot) propertyBatch(c call, status int, one func(x definition, archived bool) *property) reply {
	var in struct {
		Archived bool         `json:"archived"`
		Inputs   []definition `json:"inputs"`
	}
	c.read(&in)
	batchSize(len(in.Inputs), maxBatch)
	var run batch
	for _, x := range in.Inputs {
		if bad := caught[failure](func() { run.add(one(x, in.Archived).definition) }); bad != nil {
			run.fail(members{{"category", bad.Category}, {"message", bad.Message}, {"context", members{{"name", []string{x.Name}}}}})
		}
	}
	return h.batchReply(c, status, run)
}

func (h *HubSpot) createProperties(c call, o *hubObject) reply {
	status := http.StatusOK
	if c.dated == "" {
		status = http.StatusCreated
	}
	return h.propertyBatch(c, status, func(x definition, _ bool) *property { return o.createProperty(x, c.now.UnixMilli()) })
}

func (h *HubSpot) readProperties(c call, o *hubObject) reply {
	return h.propertyBatch(c, http.StatusOK, func(x definition, archived bool) *property { return o.definedAs(x.Name, archived) })
}

func (h *HubSpot) listGroups(_ call, o *hubObject) reply {
	return jsonReply(http.StatusOK, listed(o.groups, "", ""))
}

func (h *HubSpot) createGroup(c call, o *hubObject) reply {
	var in group
	c.read(&in)
	lackingIf(in.Name == "" || in.Label == "", "PropertyGroupCreate", "name", "label")
	invalidIf(!validName.MatchString(in.Name), "Property group name %q is not valid", in.Name)
	refuseIf(o.group(in.Name) != nil, http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property group named '%s' already exists.", in.Name)
	in.Archived = false
	o.groups = append(o.groups, &in)
	return jsonReply(http.StatusCreated, in)
}

// groupIn is the group that a call's path names.
func (o *hubObject) groupIn(c call) *group {
	g := o.group(c.rest[3])
	refuseIf(g == nil, http.StatusNotFound, "OBJECT_NOT_FOUND", "Property group %q does not exist", c.rest[3])
	return g
}

func (h *HubSpot) readGroup(c call, o *hubObject) reply {
	return jsonReply(http.StatusOK, o.groupIn(c))
}

func (h *HubSpot) archiveGroup(c call, o *hubObject) reply {
	g := o.groupIn(c)
	invalidIf(g.defined || slices.ContainsFunc(o.list, func(p *property) bool { return p.GroupName == g.Name && !p.Archived }), "Property group %q is defined by HubSpot or holds properties and cannot be archived", g.Name)
	o.groups = slices.DeleteFunc(o.groups, func(x *group) bool { return x == g })
	return reply{status: http.StatusNoContent}
}
