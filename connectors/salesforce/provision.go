package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// marker stands in the description of every field and permission set intentd makes.
const marker = "[intentd]"

// permissionSet is one of the two sets that show the fields.
type permissionSet struct {
	name, label, help string
	edits             func(crmkit.Own) bool // which fields may be edited; all are read
}

var permissionSets = []permissionSet{
	{"Intentd_Integration", "Intent (intentd): integration", "Lets the integration user of intentd read its fields and write all but the verdict.", func(f crmkit.Own) bool { return !f.RepEdits }},
	{"Intentd_Sales", "Intent (intentd): sales", "Lets sales people read the fields of intentd and set the verdict.", func(f crmkit.Own) bool { return f.RepEdits }},
}

// metadata is a custom field as the Tooling API takes it.
type metadata struct {
	Label          string    `json:"label"`
	Type           string    `json:"type"`
	Description    string    `json:"description,omitempty"`
	InlineHelpText string    `json:"inlineHelpText,omitempty"`
	Length         int       `json:"length,omitempty"`
	VisibleLines   int       `json:"visibleLines,omitempty"`
	Precision      int       `json:"precision,omitempty"`
	Scale          *int      `json:"scale,omitempty"`
	ValueSet       *valueSet `json:"valueSet,omitempty"`
}

type valueSet struct {
	Restricted bool            `json:"restricted"`
	Definition valueDefinition `json:"valueSetDefinition"`
}

type valueDefinition struct {
	Sorted bool    `json:"sorted"`
	Values []value `json:"value"`
}

type value struct {
	FullName string `json:"fullName"`
	Default  bool   `json:"default"`
	Label    string `json:"label"`
}

// metadataOf is f as intentd makes it.
func metadataOf(f *crmkit.Own) metadata {
	m := metadata{Label: f.Label, Description: f.Help + " " + marker, InlineHelpText: f.Help}
	switch f.Type {
	case connectors.TypeNumber:
		m.Type, m.Precision, m.Scale = "Number", 4, new(int) // 100.0
		*m.Scale = 1
	case connectors.TypeEnum:
		m.Type, m.ValueSet = "Picklist", &valueSet{Restricted: true}
		for _, o := range f.Options {
			m.ValueSet.Definition.Values = append(m.ValueSet.Definition.Values, value{FullName: o.Value, Label: o.Label})
		}
	case connectors.TypeLongText:
		m.Type, m.Length, m.VisibleLines = "LongTextArea", f.Length, 6
	case connectors.TypeDate:
		m.Type = "Date"
	case connectors.TypeDateTime:
		m.Type = "DateTime"
	default:
		m.Type, m.Length = "Text", f.Length
	}
	return m
}

// fits says why a field of the org cannot hold f, "" if it can.
func fits(f *crmkit.Own, d *fieldWire) string {
	need, types := map[connectors.FieldType]string{connectors.TypeNumber: "double", connectors.TypeEnum: "picklist", connectors.TypeText: "string",
		connectors.TypeLongText: "textarea", connectors.TypeDate: "date", connectors.TypeDateTime: "datetime"}[f.Type], []string{d.Type}
	if f.Type == connectors.TypeText && d.Type == "textarea" {
		types = append(types, "string") // longer than needed
	}
	switch {
	case !slices.Contains(types, need):
		return fmt.Sprintf("it is of type %s, %s is needed", d.Type, need)
	case f.Length > 0 && d.Length < f.Length:
		return fmt.Sprintf("it holds %d characters, %d are needed", d.Length, f.Length)
	case d.Calculated:
		return "it is a formula"
	}
	return ""
}

// customField is a custom field as the Tooling API lists it.
type customField struct {
	id   string
	ours bool
}

// Plan tells what provisioning would do. It costs up to six requests.
func (c *Client) Plan(ctx context.Context) ([]connectors.FieldStep, error) {
	plan, err := c.plan(ctx)
	if err != nil {
		return nil, err
	}
	return plan.Steps(), nil
}

func (c *Client) plan(ctx context.Context) (crmkit.Plan, error) {
	custom, err := c.customFields(ctx)
	if err != nil {
		return nil, err
	}
	var steps crmkit.Plan
	for _, name := range c.order {
		o := c.objects[name]
		d, err := c.ask(ctx, o)
		if err != nil {
			return nil, err
		}
		taken := map[string]string{}
		for _, f := range o.Set.Fields {
			steps = append(steps, c.planField(o, d, o.Own[f.Name], custom, taken))
		}
	}
	more, err := c.planSets(ctx)
	return append(steps, more...), err
}

// fullName is a field's name in the Tooling API and in permission sets: Lead.Intent_Score__c.
func fullName(o *object, f *crmkit.Own) string { return o.name + "." + f.Property }

// customFields are the org's custom fields of the objects, by lower-case full name.
func (c *Client) customFields(ctx context.Context) (map[string]customField, error) {
	const op = "read the custom fields"
	names := make([]string, len(c.order))
	for i, n := range c.order {
		names[i] = quote(n)
	}
	soql := "SELECT Id, DeveloperName, NamespacePrefix, TableEnumOrId, Description FROM CustomField WHERE TableEnumOrId IN (" + strings.Join(names, ",") + ")"
	out := map[string]customField{}
	for path := c.data + "/tooling/query?q=" + escapeQuery(soql); path != ""; {
		p, _, err := c.queryPath(ctx, op, path)
		if err != nil {
			return nil, err
		}
		for _, r := range p.records {
			v := r.values()
			name := v["TableEnumOrId"] + "."
			if ns := v["NamespacePrefix"]; ns != "" {
				name += ns + "__"
			}
			out[strings.ToLower(name+v["DeveloperName"]+"__c")] = customField{v["Id"], strings.Contains(v["Description"], marker)}
		}
		if path = p.next; p.done {
			path = ""
		}
	}
	return out, nil
}

func (c *Client) planField(o *object, d *description, f *crmkit.Own, custom map[string]customField, taken map[string]string) crmkit.Step {
	s := crmkit.Step{FieldStep: connectors.FieldStep{Field: f.Name, Object: o.name, Property: f.Property}}
	elsewhere := fmt.Sprintf("map fields.%s to another field", f.Name)
	api := strings.ToLower(f.Property)
	if other, twice := taken[api]; twice {
		return s.Refuse(elsewhere, "the field %s is mapped to the same field", other)
	}
	taken[api] = f.Name
	there, exists := custom[strings.ToLower(fullName(o, f))]
	seen := d.field(f.Property)
	switch {
	case seen != nil && !seen.Custom, !strings.HasSuffix(api, "__c"):
		return s.Refuse(elsewhere, "%s is no custom field", f.Property)
	case !exists && seen == nil:
		s.Action, s.Why = connectors.FieldCreate, "the field does not exist"
		s.Do = func(ctx context.Context) error {
			body := struct {
				FullName string   `json:"FullName"`
				Metadata metadata `json:"Metadata"`
			}{fullName(o, f), metadataOf(f)}
			return c.make(ctx, "make the field "+fullName(o, f), "/tooling/sobjects/CustomField", body)
		}
		return s
	case !there.ours && !c.o.Adopt:
		return s.Refuse(elsewhere+", or set adopt: true to let intentd write to this one", "%s exists and was not made by intentd", f.Property)
	}
	s = s.Found(there.ours)
	if seen == nil {
		return s // hidden: the permission set shows it, and the plan after that judges it
	}
	if why := fits(f, seen); why != "" {
		return s.Refuse(elsewhere, "%s cannot be used: %s", f.Property, why)
	}
	// Labels and help texts are left as they are: an admin may have translated them.
	var missing []string
	for _, opt := range f.Options {
		if !slices.ContainsFunc(seen.Options, func(w optionWire) bool { return w.Value == opt.Value && w.Active }) {
			missing = append(missing, opt.Value)
		}
	}
	return s.Lacks("values", missing, func(ctx context.Context) error { return c.addValues(ctx, o, f, there.id, missing) })
}

// make posts a record of the org's set-up. One that is there already is as good: somebody, or the try whose answer was lost, made it.
func (c *Client) make(ctx context.Context, op, path string, body any) error {
	r := transport.Post(op, c.data+path, transport.Encode(body))
	r.Answers = []int{http.StatusBadRequest}
	resp, err := c.http.Do(ctx, r)
	if err != nil || resp.Status != http.StatusBadRequest {
		return err
	}
	f := parseFailure(resp.Body)
	if strings.HasPrefix(f.code(), "DUPLICATE") {
		return nil
	}
	e := c.http.Err(connectors.Config, op, f.code(), f.message())
	e.Fix = "sign in as a user with \"Customize Application\" and \"Manage Profiles and Permission Sets\" to provision, or do by hand what the message says"
	return e
}

// addValues adds values to a picklist. The Tooling API takes a field's metadata whole: what others added stays in it.
func (c *Client) addValues(ctx context.Context, o *object, f *crmkit.Own, id string, missing []string) error {
	op := "add values to " + fullName(o, f)
	path := c.data + "/tooling/sobjects/CustomField/" + url.PathEscape(id)
	type answer struct {
		Metadata map[string]any `json:"Metadata"`
	}
	v, _, err := transport.Do[answer](ctx, c.http, transport.Get(op, path))
	if err != nil {
		return err
	}
	set, _ := v.Metadata["valueSet"].(map[string]any)
	def, _ := set["valueSetDefinition"].(map[string]any)
	if def == nil {
		e := c.err(connectors.Config, op, "its values are those of a global value set")
		e.Fix = "add " + strings.Join(missing, ", ") + " to that value set in Setup"
		return e
	}
	list, _ := def["value"].([]any)
	for _, opt := range f.Options {
		if !slices.Contains(missing, opt.Value) {
			continue
		}
		known := false
		for _, item := range list {
			have, _ := item.(map[string]any)
			if have["fullName"] == opt.Value || have["valueName"] == opt.Value {
				have["isActive"], known = true, true
			}
		}
		if !known {
			list = append(list, map[string]any{"fullName": opt.Value, "label": opt.Label, "default": false})
		}
	}
	def["value"] = list
	_, err = c.http.Do(ctx, transport.Request{Op: op, Method: http.MethodPatch, Path: path, Body: transport.Encode(map[string]any{"Metadata": v.Metadata}), Idempotent: true})
	return err
}

// grant is what a permission set says of a field.
type grant struct {
	id         string
	read, edit bool
}

// planSets plans the permission sets: that they are there, show every field, and that the running user has the first.
func (c *Client) planSets(ctx context.Context) (crmkit.Plan, error) {
	const op = "read the permission sets"
	names := make([]string, len(permissionSets))
	for i, s := range permissionSets {
		names[i] = quote(s.name)
	}
	found, err := c.rows(ctx, op, "SELECT Id, Name, Description FROM PermissionSet WHERE Name IN ("+strings.Join(names, ",")+")", false)
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	var all []string
	for _, r := range found {
		v := r.values()
		ids[v["Name"]] = v["Id"]
		all = append(all, v["Id"])
	}
	grants := map[string]grant{}
	assigned := false
	if len(all) > 0 {
		rows, err := c.rows(ctx, op, "SELECT Id, ParentId, Field, PermissionsRead, PermissionsEdit FROM FieldPermissions WHERE ParentId IN "+idList(all), false)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			v := r.values()
			grants[v["ParentId"]+strings.ToLower(v["Field"])] = grant{v["Id"], v["PermissionsRead"] == "true", v["PermissionsEdit"] == "true"}
		}
	}
	var user string
	if who := c.who.Load(); who != nil {
		user = who.user
	}
	if first := ids[permissionSets[0].name]; first != "" && user != "" {
		p, _, err := c.query(ctx, op, "SELECT Id FROM PermissionSetAssignment WHERE AssigneeId = "+quote(user)+" AND PermissionSetId = "+quote(first), false)
		if err != nil {
			return nil, err
		}
		assigned = len(p.records) > 0
	}
	var steps crmkit.Plan
	for _, set := range permissionSets {
		steps = append(steps, c.planSet(set, ids, grants))
	}
	if user == "" {
		return steps, nil
	}
	s := crmkit.Step{FieldStep: connectors.FieldStep{Property: permissionSets[0].name + " of the running user", Action: connectors.FieldOK}}
	if !assigned {
		s.Action, s.Why = connectors.FieldCreate, "the permission set is not assigned"
		s.Do = func(ctx context.Context) error {
			return c.make(ctx, "assign the permission set", "/sobjects/PermissionSetAssignment", map[string]string{"AssigneeId": user, "PermissionSetId": ids[permissionSets[0].name]})
		}
	}
	return append(steps, s), nil
}

func (c *Client) planSet(set permissionSet, ids map[string]string, grants map[string]grant) crmkit.Step {
	s := crmkit.Step{FieldStep: connectors.FieldStep{Property: set.name, Action: connectors.FieldOK}}
	type fieldPermission map[string]any
	var create, change []fieldPermission
	for _, name := range c.order {
		o := c.objects[name]
		for _, field := range o.Set.Fields {
			f := o.Own[field.Name]
			have, there := grants[ids[set.name]+strings.ToLower(fullName(o, f))]
			edit := set.edits(*f)
			switch {
			case !there:
				create = append(create, fieldPermission{"SobjectType": name, "Field": fullName(o, f), "PermissionsRead": true, "PermissionsEdit": edit})
			case !have.read || have.edit != edit:
				change = append(change, fieldPermission{"id": have.id, "PermissionsRead": true, "PermissionsEdit": edit})
			}
		}
	}
	exists := ids[set.name] != ""
	switch {
	case !exists:
		s.Action, s.Why = connectors.FieldCreate, "the permission set does not exist"
	case len(create)+len(change) > 0:
		s.Action, s.Why = connectors.FieldUpdate, fmt.Sprintf("%d of %d field permissions are missing or differ", len(create)+len(change), c.ownFields())
	default:
		return s
	}
	s.Do = func(ctx context.Context) error {
		if !exists {
			if err := c.make(ctx, "make the permission set "+set.name, "/sobjects/PermissionSet", map[string]string{"Name": set.name, "Label": set.label, "Description": set.help + " " + marker}); err != nil {
				return err
			}
			rows, err := c.rows(ctx, "find the permission set "+set.name, "SELECT Id FROM PermissionSet WHERE Name = "+quote(set.name), false)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				return c.err(connectors.Transient, "find the permission set "+set.name, "it was made and is not there")
			}
			ids[set.name] = rows[0].values()["Id"]
		}
		for _, p := range create {
			p["ParentId"] = ids[set.name]
		}
		for method, list := range map[string][]fieldPermission{http.MethodPost: create, http.MethodPatch: change} {
			for chunk := range slices.Chunk(list, batchSize) {
				for _, p := range chunk {
					p["attributes"] = map[string]string{"type": "FieldPermissions"}
				}
				if err := c.collection(ctx, "set the field permissions of "+set.name, method, map[string]any{"allOrNone": false, "records": chunk}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return s
}

// collection sends records of the org's set-up. Those that are there already count as done; of the others every error is told.
func (c *Client) collection(ctx context.Context, op, method string, body any) error {
	r := transport.Request{Op: op, Method: method, Path: c.data + "/composite/sobjects", Body: transport.Encode(body), Idempotent: true}
	var answer []rowResult
	r.Decode = func(a *transport.Response) error {
		answer = nil
		return transport.Lenient(json.Unmarshal(a.Body, &answer))
	}
	if _, err := c.http.Do(ctx, r); err != nil {
		return err
	}
	var texts []string
	code := ""
	for _, row := range answer {
		for _, f := range row.Errors {
			if strings.HasPrefix(f.code(), "DUPLICATE") {
				continue
			}
			code = f.code()
			if text := f.code() + ": " + f.message(); !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	if texts == nil {
		return nil
	}
	e := c.http.Err(connectors.Config, op, code, strings.Join(texts, "; "))
	e.Fix = "do by hand what the message says"
	return e
}

// Apply does what a fresh plan says, fields first, for permission sets name them.
func (c *Client) Apply(ctx context.Context) ([]connectors.FieldStep, error) {
	defer func() {
		for _, o := range c.objects {
			o.forget()
		}
	}()
	return crmkit.Apply(ctx, c.http, c.plan)
}

// Remove deletes the fields that intentd made, with their values, and its permission sets with their assignments. Salesforce keeps
// deleted fields for 15 days.
func (c *Client) Remove(ctx context.Context, apply bool) ([]connectors.FieldStep, error) {
	custom, err := c.customFields(ctx)
	if err != nil {
		return nil, err
	}
	var done []connectors.FieldStep
	for _, name := range c.order {
		o := c.objects[name]
		for _, field := range o.Set.Fields {
			f := o.Own[field.Name]
			there, exists := custom[strings.ToLower(fullName(o, f))]
			if !exists {
				continue
			}
			s := connectors.FieldStep{Field: f.Name, Object: name, Property: f.Property, Action: connectors.FieldRemove}
			if !there.ours {
				s.Action, s.Why = connectors.FieldOK, "it was not made by intentd and stays"
			} else if apply {
				if err := c.erase(ctx, "delete the field "+fullName(o, f), "/tooling/sobjects/CustomField/"+url.PathEscape(there.id), nil); err != nil {
					return done, err
				}
			}
			done = append(done, s)
		}
		if apply {
			o.forget()
		}
	}
	for _, set := range permissionSets {
		rows, err := c.rows(ctx, "find the permission set "+set.name, "SELECT Id, Description FROM PermissionSet WHERE Name = "+quote(set.name), false)
		if err != nil {
			return done, err
		}
		if len(rows) == 0 {
			continue
		}
		v := rows[0].values()
		s := connectors.FieldStep{Property: set.name, Action: connectors.FieldRemove}
		if !strings.Contains(v["Description"], marker) {
			s.Action, s.Why = connectors.FieldOK, "it was not made by intentd and stays"
		} else if apply {
			if err := c.eraseSet(ctx, set.name, v["Id"]); err != nil {
				return done, err
			}
		}
		done = append(done, s)
	}
	return done, nil
}

func (c *Client) eraseSet(ctx context.Context, name, id string) error {
	op := "delete the permission set " + name
	rows, err := c.rows(ctx, op, "SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId = "+quote(id), false)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(rows, batchSize) {
		ids := make([]string, len(chunk))
		for i, r := range chunk {
			ids[i] = r.values()["Id"]
		}
		if err := c.erase(ctx, op, "/composite/sobjects", url.Values{"ids": {strings.Join(ids, ",")}, "allOrNone": {"false"}}); err != nil {
			return err
		}
	}
	return c.erase(ctx, op, "/sobjects/PermissionSet/"+url.PathEscape(id), nil)
}

func (c *Client) erase(ctx context.Context, op, path string, query url.Values) error {
	_, err := c.http.Do(ctx, transport.Request{Op: op, Method: http.MethodDelete, Path: c.data + path, Query: query, Idempotent: true,
		Answers: []int{http.StatusNotFound}})
	return err
}

// Manual is what only an admin can do.
func (c *Client) Manual() []string {
	api := func(name string) string { return c.objects[c.order[0]].Own[name].Property }
	m := []string{
		"Give the integration user access to the records: object permissions Read and Edit on " + strings.Join(c.order, " and ") +
			", Read on Account, Campaign and Opportunity, and \"View All\" and \"Modify All\", or sharing that reaches every record intentd should score.",
		"Assign the permission set \"" + permissionSets[1].label + "\" to the sales people: Setup → Permission Sets → Manage Assignments.",
	}
	for _, name := range c.order {
		m = append(m, "Show the fields: Setup → Object Manager → "+name+" → Page Layouts (or the Lightning record page with Dynamic Forms): add "+
			api(connectors.FieldHeadline)+", "+api(connectors.FieldScore)+", "+api(connectors.FieldTier)+", "+api(connectors.FieldSummary)+" and "+api(connectors.FieldVerdict)+" near the top.",
			"Make a list view of "+name+"s for reps: filter "+api(connectors.FieldTier)+" equals high, columns "+api(connectors.FieldHeadline)+", "+
				api(connectors.FieldScore)+", "+api(connectors.FieldTierSince)+"; filter on the headline rather than on long texts, which cannot be filtered.")
	}
	m = append(m, "Let intentd know a person's edits from a sync's: Setup → Object Manager → "+strings.Join(c.order, " and ")+
		" → Fields & Relationships → Set History Tracking: the Intent fields that reps may overwrite; give integrations users with \"API Only User\".")
	if c.objects[Lead] != nil && c.objects[Contact] != nil {
		m = append(m, "Keep values when leads are converted: Setup → Object Manager → Lead → Fields & Relationships → Map Lead Fields: map each Intent field of the lead to that of the contact.")
	}
	return m
}
