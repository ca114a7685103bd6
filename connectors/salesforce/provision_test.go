package salesforce

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/sandbox"
)

// bareOrg is an org without intentd's fields.
func bareOrg() *org {
	return &org{object: Lead, Salesforce: sandbox.NewSalesforce(sandbox.SalesforceOptions{ClientSecret: orgSecret})}
}

func planOf(t *testing.T, c *Client) map[string]connectors.FieldStep {
	t.Helper()
	steps, err := c.Plan(t.Context())
	must(t, err)
	m := map[string]connectors.FieldStep{}
	for _, s := range steps {
		m[s.Object+"."+s.Property] = s
	}
	return m
}

// Provisioning makes every field on both objects and two permission sets, shows the fields to the integration user, who may not
// set the verdict, and to sales, who may set nothing else; it is safe to repeat, and mends what somebody took away.
func TestProvision(t *testing.T) {
	p := bareOrg()
	c := p.connect(t)
	planned := planOf(t, c)
	n := len(connectors.PersonFields().Fields)
	if got := len(planned); got != 2*n+3 {
		t.Errorf("%d steps", got)
	}
	for key, s := range planned {
		if s.Action != connectors.FieldCreate || s.Why == "" {
			t.Errorf("%s: %s %s", key, s.Action, s.Why)
		}
	}
	done, err := c.Apply(t.Context())
	must(t, err)
	if len(done) != 2*n+3 {
		t.Errorf("%d steps were done", len(done))
	}
	if done, err = c.Apply(t.Context()); err != nil || len(done) != 0 {
		t.Errorf("done again: %v, %v", done, err)
	}
	sets := map[string]string{}
	for id, set := range p.Content("PermissionSet") {
		sets[id] = set["Name"]
	}
	edits := map[string]int{}
	for _, f := range p.Content("FieldPermissions") {
		if f["PermissionsRead"] != "true" {
			t.Errorf("%s is not read by %s", f["Field"], sets[f["ParentId"]])
		}
		if f["PermissionsEdit"] == "true" {
			edits[sets[f["ParentId"]]]++
			if verdict := strings.HasSuffix(f["Field"], "Verdict__c"); verdict != (sets[f["ParentId"]] == "Intentd_Sales") {
				t.Errorf("%s may edit %s", sets[f["ParentId"]], f["Field"])
			}
		}
	}
	if edits["Intentd_Integration"] != 2*(n-1) || edits["Intentd_Sales"] != 2 {
		t.Errorf("fields that may be edited: %v", edits)
	}
	for _, a := range p.Content("PermissionSetAssignment") {
		if a["AssigneeId"] != p.UserID() || sets[a["PermissionSetId"]] != "Intentd_Integration" {
			t.Errorf("assigned %v", a)
		}
	}
	if s := connectortest.Findings(c.Probe(t.Context())); strings.Contains(s, "warning") || strings.Contains(s, "failure") {
		t.Errorf("findings:\n%s", s)
	}

	// An admin hides a field and takes another away.
	must(t, p.Undefine("Lead.Intent_Trend__c"))
	for id, f := range p.Content("FieldPermissions") {
		if f["Field"] == "Contact.Intent_Stage__c" {
			must(t, p.Delete("FieldPermissions", id))
		}
	}
	planned = planOf(t, c)
	if planned["Lead.Intent_Trend__c"].Action != connectors.FieldCreate || planned[".Intentd_Integration"].Action != connectors.FieldUpdate {
		t.Errorf("%+v\n%+v", planned["Lead.Intent_Trend__c"], planned[".Intentd_Integration"])
	}
	if s := connectortest.Findings(c.Probe(t.Context())); !strings.Contains(s, "Lead.Intent_Trend__c") {
		t.Errorf("findings:\n%s", s)
	}
	_, err = c.Apply(t.Context())
	must(t, err)
	for key, s := range planOf(t, c) {
		if s.Action != connectors.FieldOK {
			t.Errorf("%s: %s %s", key, s.Action, s.Why)
		}
	}
}

// Removal takes what intentd made and leaves what it did not.
func TestRemove(t *testing.T) {
	p := bareOrg()
	must(t, p.Define("Lead.Intent_Product__c", `{"label":"Product","type":"Text","length":255}`))
	c := p.connect(t, func(o *Options) { o.Adopt = true })
	_, err := c.Apply(t.Context())
	must(t, err)
	steps, err := c.Remove(t.Context(), true)
	must(t, err)
	stays := slices.IndexFunc(steps, func(s connectors.FieldStep) bool { return s.Object == Lead && s.Field == connectors.FieldProduct })
	if stays < 0 || steps[stays].Action != connectors.FieldOK {
		t.Errorf("%+v", steps)
	}
	if left := p.Content("CustomField"); len(left) != 1 {
		t.Errorf("%d fields are left", len(left))
	}
	if sets, as := p.Content("PermissionSet"), p.Content("PermissionSetAssignment"); len(sets) > 0 || len(as) > 0 {
		t.Errorf("left: %v, %v", sets, as)
	}
	if steps, err := c.Remove(t.Context(), true); err != nil || len(steps) != 1 {
		t.Errorf("removed again: %v, %v", steps, err)
	}
}

// Fields that intentd did not make are refused, or adopted where told to if they can hold what they must; standard fields never.
// A refusal makes Apply do nothing.
func TestForeignFields(t *testing.T) {
	for _, c := range []struct {
		name, field, define string
		fields              map[string]string
		adopt               bool
		want                connectors.FieldAction
	}{
		{name: "somebody else's", field: "Lead.Intent_Score__c", define: `{"label":"Score","type":"Number","precision":5,"scale":2}`, want: connectors.FieldRefuse},
		{name: "adopted", field: "Lead.Intent_Score__c", define: `{"label":"Score","type":"Number","precision":5,"scale":2}`, adopt: true, want: connectors.FieldAdopt},
		{name: "of the wrong type", field: "Lead.Intent_Score__c", define: `{"label":"Score","type":"Text","length":40}`, adopt: true, want: connectors.FieldRefuse},
		{name: "too short", field: "Lead.Intent_Headline__c", define: `{"label":"Headline","type":"Text","length":80}`, adopt: true, want: connectors.FieldRefuse},
		{name: "standard", field: "Lead.Description", fields: map[string]string{"summary": "Description"}, adopt: true, want: connectors.FieldRefuse},
		{name: "standard to be", field: "Lead.Rank", fields: map[string]string{"summary": "Rank"}, adopt: true, want: connectors.FieldRefuse},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := bareOrg()
			if c.define != "" {
				must(t, p.Define(c.field, c.define))
				must(t, p.Grant(c.field))
			}
			cl, f := p.watched(t, nil, func(o *Options) { o.Fields, o.Adopt = c.fields, c.adopt })
			s := planOf(t, cl)[c.field]
			if s.Action != c.want || s.Action == connectors.FieldRefuse && (s.Why == "" || s.Fix == "") {
				t.Errorf("%+v", s)
			}
			_, err := cl.Apply(t.Context())
			if c.want != connectors.FieldRefuse {
				must(t, err)
				return
			}
			if connectors.KindOf(err) != connectors.Config || asError(t, err).Fix == "" {
				t.Errorf("%v", err)
			}
			if n := f.count("POST /services/data"); n > 0 {
				t.Errorf("a refused plan made %d things", n)
			}
		})
	}
}

// A picklist that lacks a value gets it, beside those that others added.
func TestMissingValues(t *testing.T) {
	p := newOrg(t, Lead)
	c := p.connect(t)
	for id, f := range p.Content("CustomField") {
		if f["FullName"] == "Lead.Intent_Tier__c" {
			must(t, p.Undefine("Lead.Intent_Tier__c"))
			must(t, p.Define("Lead.Intent_Tier__c", `{"label":"Tier","type":"Picklist","description":"[intentd]","valueSet":{"valueSetDefinition":{"value":[{"fullName":"high","label":"Heiß"},{"fullName":"vip","label":"VIP"}]}}}`))
		}
		_ = id
	}
	_, err := c.Apply(t.Context()) // shows it
	must(t, err)
	if s := planOf(t, c)["Lead.Intent_Tier__c"]; s.Action != connectors.FieldUpdate || !strings.Contains(s.Why, "medium, low, unknown") {
		t.Errorf("%+v", s)
	}
	_, err = c.Apply(t.Context())
	must(t, err)
	d, err := c.ask(t.Context(), c.objects[Lead])
	must(t, err)
	var values []string
	for _, o := range d.field("Intent_Tier__c").Options {
		values = append(values, o.Value+" "+o.Label)
	}
	if got := strings.Join(values, ", "); got != "high Heiß, vip VIP, medium Medium, low Low, unknown Unknown" {
		t.Errorf("values are %s", got)
	}
}

// What Salesforce says against it is told in full, with what to do.
func TestProvisioningRefused(t *testing.T) {
	p := bareOrg()
	c, _ := p.watched(t, func(r seen) reply {
		if r.method == "POST" && strings.HasSuffix(r.path, "/tooling/sobjects/CustomField") {
			return reply{status: 400, body: `[{"message":"You have reached the maximum number of custom fields: 500","errorCode":"LIMIT_EXCEEDED","fields":[]}]`}
		}
		return reply{}
	})
	_, err := c.Apply(t.Context())
	e := asError(t, err)
	if e.Kind != connectors.Config || e.Code != "LIMIT_EXCEEDED" || !strings.Contains(e.Message, "maximum number of custom fields: 500") || e.Fix == "" {
		t.Errorf("%v, fix %q", e, e.Fix)
	}
	for _, line := range c.Manual() {
		if line == "" {
			t.Error("an empty instruction")
		}
	}
	if s := fmt.Sprint(c.Manual()); !strings.Contains(s, "Map Lead Fields") || !strings.Contains(s, "Page Layouts") || !strings.Contains(s, "list view") {
		t.Errorf("%s", s)
	}
}
