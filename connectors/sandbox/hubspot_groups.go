package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// groupJSON is a property group on the wire.
type groupJSON struct {
	Name         string `json:"name"`
	Label        string `json:"label"`
	DisplayOrder int    `json:"displayOrder"`
	Archived     bool   `json:"archived"`
}

// groups answers …/groups and …/groups/{name}.
func (h *HubSpot) groups(c call, t *objects, rest []string) reply {
	var in struct {
		Name         string  `json:"name"`
		Label        *string `json:"label"`
		DisplayOrder *int    `json:"displayOrder"`
	}
	if c.method == http.MethodPost || c.method == http.MethodPatch {
		if err := json.Unmarshal(c.body, &in); err != nil {
			return h.badJSON(err)
		}
	}
	if len(rest) == 0 {
		switch c.method {
		case http.MethodGet:
			list := results[groupJSON]{[]groupJSON{}}
			for _, g := range t.groups {
				if !g.archived {
					list.Results = append(list.Results, g.json())
				}
			}
			return ok(http.StatusOK, list)
		case http.MethodPost:
			if in.Name == "" || in.Label == nil || *in.Label == "" {
				return h.invalid("Invalid input JSON on line 1, column 1: Cannot build PropertyGroupCreate, some of required attributes are not set [name, label]")
			}
			if !validName(in.Name) {
				return h.invalid("Property group name %q is not valid", in.Name)
			}
			if t.group(in.Name) != nil {
				return h.failed(http.StatusConflict, failure{message: fmt.Sprintf("A property group named '%s' already exists.", in.Name), category: "OBJECT_ALREADY_EXISTS"})
			}
			g := &group{name: in.Name, label: *in.Label, displayOrder: -1}
			if in.DisplayOrder != nil {
				g.displayOrder = *in.DisplayOrder
			}
			t.groups = append(slices.DeleteFunc(t.groups, func(x *group) bool { return x.name == g.name }), g)
			return ok(http.StatusCreated, g.json())
		}
		return h.notAllowed()
	}
	g := t.group(rest[0])
	if g == nil || len(rest) > 1 {
		return h.failed(http.StatusNotFound, failure{message: fmt.Sprintf("Property group %q does not exist", rest[0]), category: "OBJECT_NOT_FOUND"})
	}
	switch c.method {
	case http.MethodGet:
		return ok(http.StatusOK, g.json())
	case http.MethodPatch:
		if in.Label != nil {
			g.label = *in.Label
		}
		if in.DisplayOrder != nil {
			g.displayOrder = *in.DisplayOrder
		}
		return ok(http.StatusOK, g.json())
	case http.MethodDelete:
		if g.defined || slices.ContainsFunc(t.list, func(p *property) bool { return p.group == g.name && !p.archived }) {
			return h.invalid("Property group %q is defined by HubSpot or holds properties and cannot be archived", g.name)
		}
		g.archived = true
		return reply{status: http.StatusNoContent}
	}
	return h.notAllowed()
}
