package hubspot

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

const (
	groupName  = "intentd"
	groupLabel = "Intent (intentd)"
	// marker stands in the description of every property intentd makes; an admin may move one to another group.
	marker = "[intentd]"
)

// definition is a property as HubSpot defines it.
type definition struct {
	Name           string       `json:"name"`
	Label          string       `json:"label"`
	Description    string       `json:"description"`
	GroupName      string       `json:"groupName"`
	Type           string       `json:"type"`
	FieldType      string       `json:"fieldType"`
	Options        []optionWire `json:"options,omitempty"`
	DisplayOrder   int          `json:"displayOrder,omitempty"`
	HubspotDefined bool         `json:"hubspotDefined,omitempty"`
	Calculated     bool         `json:"calculated,omitempty"`
	Archived       bool         `json:"archived,omitempty"`
	Modification   *struct {
		ReadOnlyValue bool `json:"readOnlyValue"`
	} `json:"modificationMetadata,omitempty"`
}

type optionWire struct {
	Label        string `json:"label"`
	Value        string `json:"value"`
	Hidden       bool   `json:"hidden"`
	DisplayOrder int    `json:"displayOrder"`
	Description  string `json:"description,omitempty"`
}

type definitions struct {
	Results []definition `json:"results"`
}

// definitionOf is f as intentd defines it.
func definitionOf(f *crmkit.Own, order int) definition {
	d := definition{Name: f.Property, Label: f.Label, Description: f.Help + " " + marker, GroupName: groupName, DisplayOrder: order + 1}
	d.Type, d.FieldType = wireType(f.Type)
	for i, o := range f.Options {
		d.Options = append(d.Options, optionWire{Label: o.Label, Value: o.Value, DisplayOrder: i})
	}
	return d
}

// wireType is HubSpot's pair of type and fieldType.
func wireType(t connectors.FieldType) (typ, fieldType string) {
	switch t {
	case connectors.TypeNumber:
		return "number", "number"
	case connectors.TypeEnum:
		return "enumeration", "select"
	case connectors.TypeLongText:
		return "string", "textarea"
	case connectors.TypeDate:
		return "date", "date"
	case connectors.TypeDateTime:
		return "datetime", "date"
	}
	return "string", "text"
}

func (d *definition) ours() bool {
	return !d.HubspotDefined && (d.GroupName == groupName || strings.Contains(d.Description, marker))
}

// Plan tells what provisioning would do. It costs one request, two where no property is in the group yet.
func (c *Client) Plan(ctx context.Context) ([]connectors.FieldStep, error) {
	plan, err := c.plan(ctx)
	if err != nil {
		return nil, err
	}
	return plan.Steps(), nil
}

func (c *Client) plan(ctx context.Context) (crmkit.Plan, error) {
	existing, err := c.definitions(ctx)
	if err != nil {
		return nil, err
	}
	group := slices.ContainsFunc(slices.Collect(maps.Values(existing)), func(d *definition) bool { return d.GroupName == groupName })
	if !group {
		if group, err = c.hasGroup(ctx); err != nil {
			return nil, err
		}
	}
	first := crmkit.Step{FieldStep: connectors.FieldStep{Object: Contacts, Property: groupName, Action: connectors.FieldOK}}
	if !group {
		first.Action, first.Why = connectors.FieldCreate, "the property group does not exist"
		first.Do = c.make(transport.Post("make the property group", c.paths.properties("/groups"),
			transport.Encode(map[string]any{"name": groupName, "label": groupLabel, "displayOrder": -1})))
	}
	steps := crmkit.Plan{first}
	taken := map[string]string{}
	for i, f := range c.schema.Set.Fields {
		steps = append(steps, c.planField(c.schema.Own[f.Name], i, existing, taken))
	}
	return steps, nil
}

// make carries out a step. What somebody made meanwhile is judged by the plan that follows.
func (c *Client) make(r transport.Request) func(context.Context) error {
	r.Answers = []int{http.StatusConflict}
	return func(ctx context.Context) error {
		_, resp, err := transport.Do[struct{}](ctx, c.http, r)
		if err != nil {
			return err
		}
		if f := parseFailure(resp.Body); resp.Status == http.StatusConflict && !f.has(codeExists) && f.Category != "" {
			return c.http.Err(connectors.Config, r.Op, f.code(), f.message())
		}
		return nil
	}
}

func (c *Client) hasGroup(ctx context.Context) (bool, error) {
	r := transport.Get("read the property group", c.paths.properties("/groups/"+groupName))
	r.Answers = []int{http.StatusNotFound}
	_, resp, err := transport.Do[struct{}](ctx, c.http, r)
	if err != nil {
		return false, err
	}
	if resp.Status != http.StatusNotFound {
		return true, nil
	}
	return false, nil
}

func (c *Client) definitions(ctx context.Context) (map[string]*definition, error) {
	v, _, err := transport.Do[definitions](ctx, c.http, transport.Get("read the contact properties", c.paths.properties("")))
	if err != nil {
		return nil, err
	}
	if len(v.Results) == 0 {
		return nil, c.err(connectors.Transient, "read the contact properties", "the answer lists no properties")
	}
	byName := make(map[string]*definition, len(v.Results))
	for i := range v.Results {
		if d := &v.Results[i]; !d.Archived {
			byName[d.Name] = d
		}
	}
	return byName, nil
}

func (c *Client) planField(f *crmkit.Own, order int, existing map[string]*definition, taken map[string]string) crmkit.Step {
	s := crmkit.Step{FieldStep: connectors.FieldStep{Field: f.Name, Object: Contacts, Property: f.Property}}
	elsewhere := fmt.Sprintf("map fields.%s to another property", f.Name)
	if other, twice := taken[f.Property]; twice {
		return s.Refuse(elsewhere, "the field %s is mapped to the same property", other)
	}
	taken[f.Property] = f.Name
	want := definitionOf(f, order)
	d := existing[f.Property]
	switch {
	case d == nil:
		s.Action, s.Why = connectors.FieldCreate, "the property does not exist"
		s.Do = c.make(transport.Post("make the property "+f.Property, c.paths.properties(""), transport.Encode(want)))
		return s
	case d.HubspotDefined:
		return s.Refuse(elsewhere, "%s is a standard property of HubSpot", f.Property)
	case d.Calculated, d.Modification != nil && d.Modification.ReadOnlyValue && !f.RepEdits:
		return s.Refuse(elsewhere, "%s cannot be written", f.Property)
	case d.Type != want.Type:
		return s.Refuse(elsewhere, "%s is of type %s, %s is needed", f.Property, d.Type, want.Type)
	case !d.ours() && !c.o.Adopt:
		return s.Refuse(elsewhere+", or set adopt: true to let intentd write to this one", "%s exists and was not made by intentd", f.Property)
	}
	// Labels and help texts are left as they are: an admin may have translated them.
	options, missing := union(d.Options, want.Options)
	// PATCH replaces the whole list: what others added stays in it.
	return s.Found(d.ours()).Lacks("options", missing, c.make(transport.Request{Op: "add options to " + f.Property, Method: http.MethodPatch,
		Path: c.paths.property(f.Property), Body: transport.Encode(map[string]any{"options": options}), Idempotent: true}))
}

// union is have with the options of want that it lacks or hides, and their values.
func union(have, want []optionWire) (all []optionWire, missing []string) {
	all = slices.Clone(have)
	for _, o := range want {
		i := slices.IndexFunc(all, func(h optionWire) bool { return h.Value == o.Value })
		switch {
		case i < 0:
			o.DisplayOrder = len(all)
			all = append(all, o)
			missing = append(missing, o.Value)
		case all[i].Hidden:
			all[i].Hidden = false
			missing = append(missing, o.Value)
		}
	}
	return all, missing
}

// Apply does what a fresh plan says. A property that somebody makes in the meantime, or an archived one that comes back as it
// once was, is judged by the plan that follows.
func (c *Client) Apply(ctx context.Context) ([]connectors.FieldStep, error) {
	return crmkit.Apply(ctx, c.http, c.plan)
}

// Remove archives the properties that intentd made, with their values; HubSpot keeps them in its bin for 90 days. The group
// stays: it may hold properties of others.
func (c *Client) Remove(ctx context.Context, apply bool) ([]connectors.FieldStep, error) {
	existing, err := c.definitions(ctx)
	if err != nil {
		return nil, err
	}
	var done []connectors.FieldStep
	gone := map[string]bool{}
	for _, field := range c.schema.Set.Fields {
		f := c.schema.Own[field.Name]
		d := existing[f.Property]
		if d == nil || gone[f.Property] {
			continue
		}
		gone[f.Property] = true
		s := connectors.FieldStep{Field: f.Name, Object: Contacts, Property: f.Property, Action: connectors.FieldRemove}
		if !d.ours() {
			s.Action, s.Why = connectors.FieldOK, "it was not made by intentd and stays"
		} else if apply {
			r := transport.Request{Op: "archive the property " + f.Property, Method: http.MethodDelete, Path: c.paths.property(f.Property),
				Idempotent: true, Answers: []int{http.StatusNotFound, http.StatusNoContent}}
			if _, err := c.http.Do(ctx, r); err != nil {
				return done, err
			}
		}
		done = append(done, s)
	}
	return done, nil
}

// Manual is what only an admin can do.
func (c *Client) Manual() []string {
	return []string{
		"Show the fields to reps: Settings → Objects → Contacts → Record customization, add the properties of the group “" + groupLabel + "”.",
		"Add the columns " + c.schema.Own[connectors.FieldScore].Property + ", " + c.schema.Own[connectors.FieldTier].Property + " and " +
			c.schema.Own[connectors.FieldHeadline].Property + " to the contact views reps work from.",
		"Let reps edit " + c.schema.Own[connectors.FieldVerdict].Property + " only: Settings → Properties → the property → Manage access (where the plan has it).",
	}
}
