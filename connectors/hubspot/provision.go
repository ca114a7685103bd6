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

// definition is f as intentd defines it.
func (f *own) definition(order int) definition {
	d := definition{Name: f.property, Label: f.Label, Description: f.Help + " " + marker, GroupName: groupName, DisplayOrder: order + 1}
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

// step is a step of the plan with what Apply needs for it.
type step struct {
	connectors.FieldStep
	request *transport.Request
}

// Plan tells what provisioning would do. It costs one request, two where no property is in the group yet.
func (c *Client) Plan(ctx context.Context) ([]connectors.FieldStep, error) {
	steps, err := c.plan(ctx)
	if err != nil {
		return nil, err
	}
	return plain(steps), nil
}

func plain(steps []step) []connectors.FieldStep {
	out := make([]connectors.FieldStep, len(steps))
	for i := range steps {
		out[i] = steps[i].FieldStep
	}
	return out
}

func (c *Client) plan(ctx context.Context) ([]step, error) {
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
	first := step{FieldStep: connectors.FieldStep{Object: Contacts, Property: groupName, Action: connectors.FieldOK}}
	if !group {
		first.Action, first.Why = connectors.FieldCreate, "the property group does not exist"
		first.request = ptr(transport.Post("make the property group", c.paths.properties("/groups"),
			transport.Encode(map[string]any{"name": groupName, "label": groupLabel, "displayOrder": -1})))
	}
	steps := []step{first}
	taken := map[string]string{}
	for i, f := range connectors.Fields {
		steps = append(steps, c.planField(c.schema.own[f.Name], i, existing, taken))
	}
	return steps, nil
}

func ptr[T any](v T) *T { return &v }

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

func (c *Client) planField(f *own, order int, existing map[string]*definition, taken map[string]string) step {
	s := step{FieldStep: connectors.FieldStep{Field: f.Name, Object: Contacts, Property: f.property}}
	refuse := func(fix, why string, args ...any) step {
		s.Action, s.Why, s.Fix = connectors.FieldRefuse, fmt.Sprintf(why, args...), fix
		return s
	}
	elsewhere := fmt.Sprintf("map fields.%s to another property", f.Name)
	if other, twice := taken[f.property]; twice {
		return refuse(elsewhere, "the field %s is mapped to the same property", other)
	}
	taken[f.property] = f.Name
	want := f.definition(order)
	d := existing[f.property]
	switch {
	case d == nil:
		s.Action, s.Why = connectors.FieldCreate, "the property does not exist"
		s.request = ptr(transport.Post("make the property "+f.property, c.paths.properties(""), transport.Encode(want)))
		return s
	case d.HubspotDefined:
		return refuse(elsewhere, "%s is a standard property of HubSpot", f.property)
	case d.Calculated, d.Modification != nil && d.Modification.ReadOnlyValue && !f.RepEdits:
		return refuse(elsewhere, "%s cannot be written", f.property)
	case d.Type != want.Type:
		return refuse(elsewhere, "%s is of type %s, %s is needed", f.property, d.Type, want.Type)
	case !d.ours() && !c.o.Adopt:
		return refuse(elsewhere+", or set adopt: true to let intentd write to this one", "%s exists and was not made by intentd", f.property)
	}
	// Labels and help texts are left as they are: an admin may have translated them.
	s.Action = connectors.FieldOK
	if !d.ours() {
		s.Action, s.Why = connectors.FieldAdopt, "it was not made by intentd and is used as it is"
	}
	if options, missing := union(d.Options, want.Options); len(missing) > 0 {
		// PATCH replaces the whole list: what others added stays in it.
		s.request = ptr(transport.Request{Op: "add options to " + f.property, Method: http.MethodPatch, Path: c.paths.property(f.property),
			Body: transport.Encode(map[string]any{"options": options}), Idempotent: true})
		s.Why = "it lacks the options " + strings.Join(missing, ", ")
		if s.Action == connectors.FieldOK {
			s.Action = connectors.FieldUpdate
		}
	}
	return s
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
	steps, err := c.plan(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.refusal(steps); err != nil {
		return nil, err
	}
	var done []connectors.FieldStep
	for _, s := range steps {
		if s.request == nil {
			continue
		}
		r := *s.request
		r.Answers = []int{http.StatusConflict}
		_, resp, err := transport.Do[struct{}](ctx, c.http, r)
		if err != nil {
			return done, err
		}
		if f := parseFailure(resp.Body); resp.Status == http.StatusConflict && !f.has(codeExists) && f.Category != "" {
			return done, c.http.Err(connectors.Config, r.Op, f.code(), f.message())
		}
		done = append(done, s.FieldStep)
	}
	if len(done) > 0 {
		after, err := c.plan(ctx)
		if err != nil {
			return done, err
		}
		if err := c.refusal(after); err != nil {
			return done, err
		}
	}
	return done, nil
}

// refusal is the error of a plan with steps that cannot be done.
func (c *Client) refusal(steps []step) error {
	return crmkit.Refusal(c.http, steps, func(s step) (string, connectors.FieldStep) { return s.Field, s.FieldStep })
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
	for _, field := range connectors.Fields {
		f := c.schema.own[field.Name]
		d := existing[f.property]
		if d == nil || gone[f.property] {
			continue
		}
		gone[f.property] = true
		s := connectors.FieldStep{Field: f.Name, Object: Contacts, Property: f.property, Action: connectors.FieldRemove}
		if !d.ours() {
			s.Action, s.Why = connectors.FieldOK, "it was not made by intentd and stays"
		} else if apply {
			r := transport.Request{Op: "archive the property " + f.property, Method: http.MethodDelete, Path: c.paths.property(f.property),
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
		"Add the columns " + c.schema.own[connectors.FieldScore].property + ", " + c.schema.own[connectors.FieldTier].property + " and " +
			c.schema.own[connectors.FieldHeadline].property + " to the contact views reps work from.",
		"Let reps edit " + c.schema.own[connectors.FieldVerdict].property + " only: Settings → Properties → the property → Manage access (where the plan has it).",
	}
}
