package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// names are what a query finds; all asks queryAll.
func (g *org) names(where string, all bool) string {
	g.t.Helper()
	path := "/query?q="
	if all {
		path = "/queryAll?q="
	}
	return strings.Join(column(g.want(200, g.ask("GET", path+url.QueryEscape("SELECT LastName FROM Lead "+where), nil)), "LastName"), " ")
}

func TestDeletedLeads(t *testing.T) {
	g := newOrg(t, SalesforceOptions{SessionTTL: 1000 * time.Hour})
	ids := g.CreateMany("Lead", 4, func(i int) map[string]string { return lead(fmt.Sprint("L", i)) })
	g.clock.advance(time.Hour)
	must(t, g.Delete("Lead", ids[0]), g.Delete("Lead", ids[1]), g.Purge("Lead", ids[2]))
	check := func(when, live, all, gone string) {
		t.Helper()
		if a, b, c := g.names("", false), g.names("", true), g.names("WHERE IsDeleted = true ORDER BY SystemModstamp, Id", true); a != live || b != all || c != gone {
			t.Errorf("%s: %q, with deleted ones %q, deleted ones %q", when, a, b, c)
		}
	}
	check("deleted", "L3", "L0 L1 L3", "L0 L1")
	if r, ok := g.Record("Lead", ids[0]); !ok || r["IsDeleted"] != "true" || r["SystemModstamp"] != "2026-11-20T09:17:30.000+0000" {
		t.Errorf("in the bin: %v", r)
	}
	if _, ok := g.Record("Lead", ids[2]); ok {
		t.Error("a purged lead is still there")
	}
	a := g.want(200, g.ask("GET", "/sobjects/Lead/deleted/?start=2026-11-20T09:17:00Z&end=2026-11-20T09:18:00%2B00:00", nil))
	var told []string
	for _, r := range a.json["deletedRecords"].([]any) {
		told = append(told, at(r, "id").(string)+" "+at(r, "deletedDate").(string))
	}
	if when := " 2026-11-20T09:17:30.000+0000"; !slices.Equal(told, []string{ids[0] + when, ids[1] + when, ids[2] + when}) || a.json["latestDateCovered"] != "2026-11-20T09:17:00.000+0000" || a.json["earliestDateAvailable"] != "2026-11-05T09:17:00.000+0000" {
		t.Errorf("told %s", a.body)
	}
	g.clock.advance(time.Hour)
	must(t, g.Undelete("Lead", ids[1]))
	check("undeleted", "L1 L3", "L0 L1 L3", "L0")
	if g.Undelete("Lead", ids[2]) == nil || g.Undelete("Lead", ids[3]) == nil || g.Delete("Lead", ids[0]) == nil {
		t.Error("a record was undeleted or deleted that could not be")
	}
	g.clock.advance(15 * 24 * time.Hour)
	check("after 15 days", "L1 L3", "L1 L3", "")
	if g.Undelete("Lead", ids[0]) == nil {
		t.Error("a record came back after 15 days")
	}
}

func TestMergedRecords(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	campaign := g.Create("Campaign", map[string]string{"Name": "C"})
	ids := g.CreateMany("Lead", 2, func(i int) map[string]string {
		return lead(fmt.Sprint("L", i), "Email", fmt.Sprintf("p%d@x.example", i))
	})
	task := g.Create("Task", map[string]string{"WhoId": ids[1], "Subject": "s"})
	member := g.Create("CampaignMember", map[string]string{"CampaignId": campaign, "LeadId": ids[1]})
	g.clock.advance(time.Hour)
	must(t, g.Merge("Lead", ids[0], ids[1]))
	r, _ := g.Record("Lead", ids[1])
	if r["IsDeleted"] != "true" || r["MasterRecordId"] != ids[0] {
		t.Errorf("the loser: %v", r)
	}
	r, _ = g.Record("Lead", ids[0])
	if r["Email"] != "p0@x.example" || r["SystemModstamp"] != "2026-11-20T09:17:30.000+0000" || r["MasterRecordId"] != "" {
		t.Errorf("the winner: %v", r)
	}
	if r, _ := g.Record("Task", task); r["WhoId"] != ids[0] {
		t.Errorf("its task: %v", r)
	}
	if r, _ := g.Record("CampaignMember", member); r["LeadId"] != ids[0] {
		t.Errorf("its campaign: %v", r)
	}
	if got := g.names("WHERE MasterRecordId IN ('"+ids[0]+"')", true); got != "L1" {
		t.Errorf("by master: %q", got)
	}
	if got := g.names("WHERE MasterRecordId = null", true); got != "L0" {
		t.Errorf("without a master: %q", got)
	}
	if g.Merge("Lead", ids[0], ids[1]) == nil || g.Merge("Lead", ids[0], ids[0]) == nil || g.Merge("Task", task, task) == nil {
		t.Error("a merge that cannot be was made")
	}
}

func TestConvertedLeads(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	id := g.Create("Lead", lead("L", "FirstName", "F", "Email", "l@x.example"))
	contact, err := g.Convert(id)
	must(t, err)
	r, _ := g.Record("Lead", id)
	c, _ := g.Record("Contact", contact)
	deal, ok := g.Record("Opportunity", r["ConvertedOpportunityId"])
	if r["IsConverted"] != "true" || r["ConvertedContactId"] != contact || r["ConvertedDate"] != "2026-11-20" || c["Email"] != "l@x.example" || c["AccountId"] != r["ConvertedAccountId"] || !ok || deal["IsClosed"] != "" {
		t.Errorf("lead %v, contact %v, deal %v", r, c, deal)
	}
	a := g.want(200, g.soql("SELECT ContactId, Opportunity.StageName FROM OpportunityContactRole WHERE OpportunityId = '"+r["ConvertedOpportunityId"]+"'"))
	if !slices.Equal(column(a, "ContactId"), []string{contact}) {
		t.Errorf("roles %s", a.body)
	}
	if got := g.names("WHERE IsConverted = true AND ConvertedContactId != null", false); got != "L" {
		t.Errorf("a converted lead is found as %q", got)
	}
	if _, err := g.Convert(id); err == nil {
		t.Error("a lead was converted twice")
	}
}

func TestReplicationAndItsWatermark(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	old := g.Create("Lead", lead("old"))
	g.clock.advance(10 * time.Minute)
	updated := func(from, to time.Duration) (ids []string, covered string) {
		t.Helper()
		form := func(d time.Duration) string {
			return url.QueryEscape(g.clock.now().Add(d).Format("2006-01-02T15:04:05+00:00"))
		}
		a := g.want(200, g.ask("GET", "/sobjects/Lead/updated/?start="+form(from)+"&end="+form(to), nil))
		for _, id := range a.json["ids"].([]any) {
			ids = append(ids, id.(string))
		}
		return ids, a.json["latestDateCovered"].(string)
	}
	if ids, covered := updated(-time.Hour, 0); !slices.Equal(ids, []string{old}) || covered != "2026-11-20T08:27:00.000+0000" {
		t.Errorf("%v, covered to %s", ids, covered)
	}
	tx := g.Begin("Lead", "", lead("late"))
	change := g.Begin("Lead", old, map[string]string{"Title": "late"})
	g.clock.advance(10 * time.Minute)
	if _, covered := updated(-time.Hour, 0); covered != "2026-11-20T08:27:00.000+0000" {
		t.Errorf("with an open transaction: covered to %s", covered)
	}
	if got := g.names("", false); got != "old" {
		t.Errorf("before the commit: %q", got)
	}
	late := tx.Commit()
	change.Commit()
	if r, _ := g.Record("Lead", late); r["SystemModstamp"] != "2026-11-20T08:27:30.000+0000" || r["CreatedDate"] != r["SystemModstamp"] {
		t.Errorf("committed late: %v", r)
	}
	if r, _ := g.Record("Lead", old); r["Title"] != "late" || r["SystemModstamp"] != "2026-11-20T08:27:30.000+0000" {
		t.Errorf("changed late: %v", r)
	}
	if ids, covered := updated(-time.Hour, time.Minute); len(ids) != 2 || covered != "2026-11-20T08:37:00.000+0000" {
		t.Errorf("%v, covered to %s", ids, covered)
	}
	stray := g.LateCommit("Lead", lead("stray"), g.clock.now().Add(-time.Hour))
	if r, _ := g.Record("Lead", stray); r["SystemModstamp"] != "2026-11-20T07:37:30.000+0000" {
		t.Errorf("got %v", r)
	}
	for _, span := range []string{"start=2026-11-20T08:00:00Z&end=2026-11-20T08:00:59Z", "start=2026-11-20T08:00:00Z&end=2026-11-20T07:00:00Z", "start=2026-10-01T08:00:00Z&end=2026-11-20T07:00:00Z", "start=x&end=y", ""} {
		if a := g.ask("GET", "/sobjects/Lead/updated?"+span, nil); a.status != 400 || a.code() != "INVALID_REPLICATION_DATE" {
			t.Errorf("%s: %d %s", span, a.status, a.body)
		}
	}
	g.want(200, g.ask("GET", "/sobjects/Lead/updated?start=2026-10-22T08:00:00Z&end=2026-11-20T07:00:00Z", nil))
	if a := g.ask("GET", "/sobjects/Lead/deleted?start=2026-10-22T08:00:00Z&end=2026-11-20T07:00:00Z", nil); a.code() != "INVALID_REPLICATION_DATE" {
		t.Errorf("deletions of a month ago: %s", a.body)
	}
}

func TestActivitiesAndDeals(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	contact := g.Create("Contact", map[string]string{"LastName": "C", "AccountId": g.Create("Account", map[string]string{"Name": "A"})})
	g.Create("Task", map[string]string{"WhoId": contact, "Subject": "fresh", "Status": "Completed", "ActivityDate": "2026-11-01"})
	g.Create("Task", map[string]string{"WhoId": contact, "Subject": "open", "ActivityDate": "2025-11-01"})
	g.Create("Event", map[string]string{"WhoId": contact, "Subject": "meeting", "ActivityDateTime": "2025-11-01T10:00:00Z"})
	subjects := func(object string) string {
		return strings.Join(column(g.want(200, g.soql("SELECT Subject FROM "+object+" WHERE WhoId IN ('"+contact+"')")), "Subject"), " ")
	}
	if a, b := subjects("Task"), subjects("Event"); a != "fresh open" || b != "meeting" {
		t.Errorf("%q, %q", a, b)
	}
	member := g.Create("CampaignMember", map[string]string{"CampaignId": g.Create("Campaign", map[string]string{"Name": "Webinar"}), "ContactId": contact})
	must(t, g.Update("CampaignMember", member, map[string]string{"Status": "Responded"}, ""))
	a := g.want(200, g.soql("SELECT Campaign.Name, HasResponded, FirstRespondedDate FROM CampaignMember WHERE HasResponded = true AND ContactId = '"+contact+"'"))
	if at(a.json, "records", 0, "Campaign", "Name") != "Webinar" || at(a.json, "records", 0, "FirstRespondedDate") != "2026-11-20" {
		t.Errorf("got %s", a.body)
	}
	a = g.want(200, g.soql("SELECT Id, Name, OrganizationType, TimeZoneSidKey, IsSandbox FROM Organization"))
	if !slices.Equal(column(a, "Id"), []string{g.OrgID()}) || at(a.json, "records", 0, "IsSandbox") != false {
		t.Errorf("got %s", a.body)
	}
}

func TestFieldLevelSecurity(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	id := g.Create("Lead", lead("A", "Rating", "Hot"))
	const field = "Intent_Score__c"
	made := g.want(201, g.ask("POST", "/tooling/sobjects/CustomField", `{"FullName":"Lead.Intent_Score__c","Metadata":{"label":"Intent score","type":"Number","precision":5,"scale":2,"description":"Made by intentd","inlineHelpText":"0 to 100"}}`)).json["id"].(string)
	described := func() map[string]any {
		for _, f := range g.want(200, g.ask("GET", "/sobjects/Lead/describe", nil)).json["fields"].([]any) {
			if at(f, "name") == field {
				return f.(map[string]any)
			}
		}
		return nil
	}
	write := func() string {
		return statuses(t, g.want(200, g.ask("PATCH", "/composite/sobjects", records(row("Lead", id, field, 64.456)))))[0]
	}
	read := func() int { return g.soql("SELECT " + field + " FROM Lead").status }
	if described() != nil || write() != "INVALID_FIELD" || read() != 400 {
		t.Error("a new field is not hidden")
	}
	set := g.want(201, g.ask("POST", "/sobjects/PermissionSet", map[string]any{"Name": "Integration", "Label": "Integration"})).json["id"].(string)
	rights := g.want(201, g.ask("POST", "/sobjects/FieldPermissions", map[string]any{"ParentId": set, "SobjectType": "Lead", "Field": "Lead." + field, "PermissionsRead": true, "PermissionsEdit": false})).json["id"].(string)
	if described() != nil {
		t.Error("a permission set that nobody has shows the field")
	}
	assignment := map[string]any{"AssigneeId": g.UserID(), "PermissionSetId": set}
	assigned := g.want(201, g.ask("POST", "/sobjects/PermissionSetAssignment", assignment)).json["id"].(string)
	if f := described(); f == nil || f["updateable"] != false || write() != "INVALID_FIELD_FOR_INSERT_UPDATE" || read() != 200 {
		t.Errorf("with the right to read: %v", f)
	}
	g.want(204, g.ask("PATCH", "/sobjects/FieldPermissions/"+rights, map[string]any{"PermissionsEdit": true}))
	if f := described(); f == nil || f["updateable"] != true || f["inlineHelpText"] != "0 to 100" || f["type"] != "double" || f["precision"] != 5.0 || write() != "ok" {
		t.Errorf("with the right to edit: %v", f)
	}
	if r, _ := g.Record("Lead", id); r[field] != "64.46" {
		t.Errorf("stored %q", r[field])
	}
	for promise, c := range map[string]struct {
		path string
		body map[string]any
		code string
	}{
		"a second assignment":     {"PermissionSetAssignment", assignment, "DUPLICATE_VALUE"},
		"a second permission set": {"PermissionSet", map[string]any{"Name": "integration", "Label": "x"}, "DUPLICATE_VALUE"},
		"a second right":          {"FieldPermissions", map[string]any{"ParentId": set, "SobjectType": "Lead", "Field": "Lead." + field, "PermissionsRead": true}, "DUPLICATE_VALUE"},
		"a field that is not":     {"FieldPermissions", map[string]any{"ParentId": set, "SobjectType": "Lead", "Field": "Lead.Nope__c", "PermissionsRead": true}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"},
		"edit without read":       {"FieldPermissions", map[string]any{"ParentId": set, "SobjectType": "Lead", "Field": "Lead.Title", "PermissionsEdit": true}, "FIELD_INTEGRITY_EXCEPTION"},
	} {
		if a := g.ask("POST", "/sobjects/"+c.path, c.body); a.status != 400 || a.code() != c.code {
			t.Errorf("%s: %d %s", promise, a.status, a.body)
		}
	}
	if other := g.want(201, g.ask("POST", "/sobjects/PermissionSetAssignment", map[string]any{"AssigneeId": g.IDs("User")[3], "PermissionSetId": set})); other.json["success"] != true {
		t.Errorf("got %s", other.body)
	}
	g.want(204, g.ask("DELETE", "/sobjects/PermissionSetAssignment/"+assigned, nil))
	if described() != nil {
		t.Error("the field shows after the assignment has gone")
	}
	must(t, g.Grant("Lead."+field))
	if write() != "ok" {
		t.Error("Grant does not grant")
	}
	must(t, g.GrantRead("Lead."+field))
	if write() != "INVALID_FIELD_FOR_INSERT_UPDATE" {
		t.Error("GrantRead grants more")
	}
	must(t, g.Revoke("Lead."+field, "Lead.Rating"))
	if described() != nil || g.soql("SELECT Rating FROM Lead").status != 400 {
		t.Error("Revoke does not hide")
	}
	if g.Grant("Lead.Nope__c") == nil {
		t.Error("a field that is not there was granted")
	}
	must(t, g.Grant("Lead."+field))
	g.want(204, g.ask("DELETE", "/tooling/sobjects/CustomField/"+made, nil))
	if described() != nil || write() != "INVALID_FIELD" {
		t.Error("a deleted field is still there")
	}
	if r, _ := g.Record("Lead", id); r[field] != "" {
		t.Errorf("its value is still there: %v", r)
	}
	if got := g.want(200, g.soql("SELECT COUNT() FROM FieldPermissions")).json["totalSize"]; got != 0.0 {
		t.Errorf("%v rights to it are left", got)
	}
	g.want(201, g.ask("POST", "/tooling/sobjects/CustomField", `{"FullName":"Lead.Intent_Score__c","Metadata":{"label":"Again","type":"Text","length":20}}`))
	must(t, g.Grant("Lead."+field))
	if f := described(); f == nil || f["type"] != "string" {
		t.Errorf("made again: %v", f)
	}
}

func TestCustomFields(t *testing.T) {
	g := newOrg(t, SalesforceOptions{})
	create := func(name, metadata string) answer {
		return g.ask("POST", "/tooling/sobjects/CustomField", `{"FullName":"`+name+`","Metadata":`+metadata+`}`)
	}
	const picks = `{"label":"Tier","type":"Picklist","valueSet":{"restricted":true,"valueSetDefinition":{"sorted":false,"value":[{"fullName":"high","label":"High","default":false},{"fullName":"low","label":"Low","default":false}]}}}`
	tier := g.want(201, create("Lead.Tier__c", picks)).json["id"].(string)
	for name, metadata := range map[string]string{
		"Lead.Long__c": `{"label":"Long","type":"LongTextArea","length":4000,"visibleLines":5}`, "Lead.Text__c": `{"label":"Text","type":"Text","length":255}`,
		"Contact.At__c": `{"label":"At","type":"DateTime"}`, "Contact.On__c": `{"label":"On","type":"Date"}`, "Contact.Flag__c": `{"label":"Flag","type":"Checkbox","defaultValue":false}`,
	} {
		g.want(201, create(name, metadata))
	}
	for promise, c := range map[string]struct{ name, metadata, code string }{
		"the same name":            {"Lead.tier__c", picks, "DUPLICATE_DEVELOPER_NAME"},
		"no suffix":                {"Lead.Tier", picks, "INVALID_FIELD_FOR_INSERT_UPDATE"},
		"two underscores":          {"Lead.A__b__c", picks, "INVALID_FIELD_FOR_INSERT_UPDATE"},
		"a name that is too long":  {"Lead." + strings.Repeat("a", 41) + "__c", picks, "INVALID_FIELD_FOR_INSERT_UPDATE"},
		"an unknown object":        {"Unicorn.A__c", picks, "INVALID_CROSS_REFERENCE_KEY"},
		"no label":                 {"Lead.A__c", `{"type":"Date"}`, "FIELD_INTEGRITY_EXCEPTION"},
		"a label that is too long": {"Lead.A__c", `{"label":"` + strings.Repeat("a", 41) + `","type":"Date"}`, "STRING_TOO_LONG"},
		"no type":                  {"Lead.A__c", `{"label":"A"}`, "FIELD_INTEGRITY_EXCEPTION"},
		"no precision":             {"Lead.A__c", `{"label":"A","type":"Number","scale":2}`, "FIELD_INTEGRITY_EXCEPTION"},
		"no lines":                 {"Lead.A__c", `{"label":"A","type":"LongTextArea","length":4000}`, "FIELD_INTEGRITY_EXCEPTION"},
		"a text that is too long":  {"Lead.A__c", `{"label":"A","type":"Text","length":256}`, "FIELD_INTEGRITY_EXCEPTION"},
		"no values":                {"Lead.A__c", `{"label":"A","type":"Picklist"}`, "FIELD_INTEGRITY_EXCEPTION"},
		"no default":               {"Lead.A__c", `{"label":"A","type":"Checkbox"}`, "FIELD_INTEGRITY_EXCEPTION"},
	} {
		if a := create(c.name, c.metadata); a.status != 400 && a.status != 404 || a.code() != c.code {
			t.Errorf("%s: %d %s, want %s", promise, a.status, a.body, c.code)
		}
	}
	tooling := func(q string) answer { return g.ask("GET", "/tooling/query?q="+url.QueryEscape(q), nil) }
	if a := tooling("SELECT Id, DeveloperName, TableEnumOrId FROM CustomField WHERE TableEnumOrId IN ('Lead') ORDER BY DeveloperName"); strings.Join(column(a, "DeveloperName"), " ") != "Long Text Tier" {
		t.Errorf("got %s", a.body)
	}
	if a := tooling("SELECT Metadata FROM CustomField"); a.code() != "MALFORMED_QUERY" {
		t.Errorf("got %s", a.body)
	}
	if a := tooling("SELECT FullName, Metadata FROM CustomField WHERE DeveloperName = 'Tier'"); at(a.json, "records", 0, "Metadata", "valueSet", "valueSetDefinition", "value", 1, "fullName") != "low" {
		t.Errorf("got %s", a.body)
	}
	must(t, g.Grant("Lead.Tier__c", "Lead.Long__c", "Contact.At__c", "Contact.On__c"))
	id := g.Create("Lead", lead("A"))
	write := func(v string) string {
		return statuses(t, g.want(200, g.ask("PATCH", "/composite/sobjects", records(row("Lead", id, "Tier__c", v)))))[0]
	}
	if write("high") != "ok" || write("medium") != "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" {
		t.Error("a restricted picklist takes what it does not offer")
	}
	g.want(204, g.ask("PATCH", "/tooling/sobjects/CustomField/"+tier, `{"FullName":"Lead.Tier__c","Metadata":`+strings.Replace(picks, `"low","label":"Low"`, `"medium","label":"Medium"`, 1)+`}`))
	if write("medium") != "ok" {
		t.Error("a value that was added is not taken")
	}
	if a := g.ask("PATCH", "/tooling/sobjects/CustomField/"+tier, `{"Metadata":{"label":"Tier","type":"Date"}}`); a.code() != "FIELD_INTEGRITY_EXCEPTION" {
		t.Errorf("another type: %s", a.body)
	}
	contact := g.Create("Contact", map[string]string{"LastName": "C"})
	g.want(204, g.ask("PATCH", "/sobjects/Contact/"+contact, map[string]any{"At__c": "2026-11-20T09:17:30.999+01:00", "On__c": "2026-11-20"}))
	if r := g.want(200, g.ask("GET", "/sobjects/Contact/"+contact+"?fields=At__c,On__c", nil)); r.json["At__c"] != "2026-11-20T08:17:30.000+0000" || r.json["On__c"] != "2026-11-20" {
		t.Errorf("got %s", r.body)
	}
	must(t, g.Undefine("Contact.At__c"))
	if g.Undefine("Contact.At__c") == nil {
		t.Error("a field was taken out twice")
	}
	if a := g.soql("SELECT At__c FROM Contact"); a.code() != "INVALID_FIELD" {
		t.Errorf("got %s", a.body)
	}
}
