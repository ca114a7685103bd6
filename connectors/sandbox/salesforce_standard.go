package sandbox

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// The standard objects, as far as programs that score people and follow deals look at them. Of a field there are its name,
// type, then a text's length, a number's precision and scale, a lookup's objects, or a picklist's values. Marks before the
// name: * required, ! set by the org alone, ^ only when the record is made. A lookup's way to the parent is its name without
// Id.

type orgObjectSpec struct {
	name, prefix, fields string
	tooling              bool
}

var orgObjects = []orgObjectSpec{
	{name: "Organization", prefix: "00D", fields: `
*Name string 80; OrganizationType picklist Enterprise Edition|Unlimited Edition|Developer Edition; InstanceName string 5
IsSandbox boolean; NamespacePrefix string 15; TrialExpirationDate datetime; TimeZoneSidKey string 40
DefaultLocaleSidKey string 40; PrimaryContact string 80`},
	{name: "Profile", prefix: "00e", fields: `
*Name string 255; Description string 255`},
	{name: "User", prefix: "005", fields: `
*Username string 80; *LastName string 80; FirstName string 40; !Name name; *Email email 128; *Alias string 8; Title string 80
IsActive boolean; UserType picklist Standard|AutomatedProcess; ProfileId reference Profile; ManagerId reference User
TimeZoneSidKey string 40`},
	{name: "Account", prefix: "001", fields: `
*Name string 255; Type picklist Prospect|Customer - Direct|Customer - Channel|Channel Partner / Reseller|Other
Industry picklist ` + industries + `; Website url 255; Phone phone 40; BillingCity string 40; BillingCountry string 80
NumberOfEmployees int 8 0; AnnualRevenue currency 18 0; Description textarea 32000; ParentId reference Account
*OwnerId reference User; !LastActivityDate date; !MasterRecordId master Account`},
	{name: "Lead", prefix: "00Q", fields: `
!MasterRecordId master Lead; *LastName string 80; FirstName string 40; Salutation picklist Mr.|Ms.|Mrs.|Dr.|Prof.; !Name name
Title string 128; *Company string 255; Street textarea 255; City string 40; State string 80; PostalCode string 20
Country string 80; Phone phone 40; MobilePhone phone 40; Email email 80; Website url 255; Description textarea 32000
LeadSource picklist ` + leadSources + `
*Status picklist Open - Not Contacted|Working - Contacted|Closed - Converted|Closed - Not Converted
Industry picklist ` + industries + `; Rating picklist Hot|Warm|Cold; AnnualRevenue currency 18 0; NumberOfEmployees int 8 0
*OwnerId reference User; HasOptedOutOfEmail boolean; !IsConverted boolean; !ConvertedDate date
!ConvertedAccountId reference Account; !ConvertedContactId reference Contact; !ConvertedOpportunityId reference Opportunity
IsUnreadByOwner boolean; !LastActivityDate date; EmailBouncedReason string 255; EmailBouncedDate datetime`},
	{name: "Contact", prefix: "003", fields: `
!MasterRecordId master Contact; AccountId reference Account; *LastName string 80; FirstName string 40
Salutation picklist Mr.|Ms.|Mrs.|Dr.|Prof.; !Name name; MailingCity string 40; MailingState string 80
MailingPostalCode string 20; MailingCountry string 80; Phone phone 40; MobilePhone phone 40; HomePhone phone 40
ReportsToId reference Contact; Email email 80; Title string 128; Department string 80
LeadSource picklist ` + leadSources + `; Birthdate date; Description textarea 32000; *OwnerId reference User
HasOptedOutOfEmail boolean; !LastActivityDate date; EmailBouncedReason string 255; EmailBouncedDate datetime`},
	{name: "Opportunity", prefix: "006", fields: `
AccountId reference Account; *Name string 120; Description textarea 32000
*StageName picklist Prospecting|Qualification|Needs Analysis|Proposal/Price Quote|Negotiation/Review|Closed Won|Closed Lost
Amount currency 18 2; Probability percent 3 0; *CloseDate date; Type picklist New Customer|Existing Customer - Upgrade
LeadSource picklist ` + leadSources + `; !IsClosed boolean; !IsWon boolean; *OwnerId reference User
CampaignId reference Campaign; !LastActivityDate date`},
	{name: "OpportunityContactRole", prefix: "00K", fields: `
*^OpportunityId reference Opportunity; *^ContactId reference Contact
Role picklist Business User|Decision Maker|Economic Buyer|Evaluator|Executive Sponsor|Influencer|Other; IsPrimary boolean`},
	{name: "Task", prefix: "00T", fields: `
WhoId reference Lead,Contact; WhatId reference Account,Opportunity,Campaign; Subject string 255; ActivityDate date
*Status picklist Not Started|In Progress|Completed|Waiting on someone else|Deferred; Priority picklist High|Normal|Low
Type picklist Call|Email|Meeting|Other; ^TaskSubtype picklist Task|Email|ListEmail|Call|Cadence|LinkedIn
CallType picklist Internal|Inbound|Outbound; CallDurationInSeconds int 8 0; CallDisposition string 255
Description textarea 32000; *OwnerId reference User; !AccountId reference Account; !IsClosed boolean; !IsArchived archived
!CompletedDateTime datetime`},
	{name: "Event", prefix: "00U", fields: `
WhoId reference Lead,Contact; WhatId reference Account,Opportunity,Campaign; Subject string 255; Location string 255
IsAllDayEvent boolean; ActivityDateTime datetime; ActivityDate date; StartDateTime datetime; EndDateTime datetime
DurationInMinutes int 8 0; Type picklist Email|Meeting|Other|Call; ^EventSubtype picklist Event; Description textarea 32000
*OwnerId reference User; !AccountId reference Account; !IsArchived archived`},
	{name: "EventRelation", prefix: "0RE", fields: `
*^EventId reference Event; *RelationId reference Lead,Contact,User; Status picklist New|Accepted|Declined; IsInvitee boolean
RespondedDate datetime; Response string 255`},
	{name: "EmailMessage", prefix: "02s", fields: `
Subject string 3000; FromAddress email 1333; ToAddress string 4000; Incoming boolean; Status picklist 0|1|2|3|4|5
MessageDate datetime; ActivityId reference Task; RelatedToId reference Account,Opportunity,Campaign; TextBody textarea 131072`},
	{name: "Campaign", prefix: "701", fields: `
*Name string 80; Type picklist Webinar|Conference|Email|Advertisement|Other
Status picklist Planned|In Progress|Completed|Aborted; StartDate date; EndDate date; IsActive boolean
*OwnerId reference User`},
	{name: "CampaignMember", prefix: "00v", fields: `
*^CampaignId reference Campaign; ^LeadId reference Lead; ^ContactId reference Contact; Status picklist Sent|Responded
!HasResponded boolean; !FirstRespondedDate date`},
	{name: "PermissionSet", prefix: "0PS", fields: `
*Name string 80; *Label string 80; Description string 255; !IsOwnedByProfile boolean; !IsCustom boolean`},
	{name: "ObjectPermissions", prefix: "110", fields: `
*^ParentId reference PermissionSet; *^SobjectType string 40; PermissionsRead boolean; PermissionsCreate boolean
PermissionsEdit boolean; PermissionsDelete boolean; PermissionsViewAllRecords boolean; PermissionsModifyAllRecords boolean`},
	{name: "FieldPermissions", prefix: "01k", fields: `
*^ParentId reference PermissionSet; *^SobjectType string 40; *^Field string 255; PermissionsRead boolean
PermissionsEdit boolean`},
	{name: "PermissionSetAssignment", prefix: "0Pa", fields: `
*^AssigneeId reference User; *^PermissionSetId reference PermissionSet`},
	{name: "CustomField", prefix: "00N", tooling: true, fields: `
!DeveloperName string 80; !TableEnumOrId string 40; !NamespacePrefix string 15; !FullName string 255
!ManageableState string 40; Description string 1000; InlineHelpText string 510; !Metadata complexvalue`},
}

const (
	industries  = "Banking|Biotechnology|Consulting|Education|Electronics|Energy|Finance|Healthcare|Manufacturing|Media|Retail|Technology|Transportation|Other"
	leadSources = "Web|Phone Inquiry|Partner Referral|Purchased List|Other"
)

// labelsOf are the labels of objects that are not called as their name.
var labelsOf = map[string]string{"OpportunityContactRole": "Opportunity Contact Role", "CampaignMember": "Campaign Member", "PermissionSet": "Permission Set", "EmailMessage": "Email Message", "EventRelation": "Event Relation"}

func (s *Salesforce) newObject(spec orgObjectSpec) *orgObject {
	label := cmp.Or(labelsOf[spec.name], spec.name)
	o := &orgObject{name: spec.name, label: label, prefix: spec.prefix, tooling: spec.tooling, byName: map[string]*orgField{}, relations: map[string]*orgField{}}
	o.define(&orgField{name: "Id", label: label + " ID", typ: orgIDType, length: 18, calc: func(r *record) string { return r.id }})
	o.define(&orgField{name: "IsDeleted", label: "Deleted", typ: orgBool, calc: func(r *record) string { return yes(r.gone != 0) }})
	for field := range strings.FieldsFuncSeq(spec.fields, func(c rune) bool { return c == ';' || c == '\n' }) {
		o.define(s.fieldOfSpec(o, strings.TrimSpace(field)))
	}
	stamp := func(name string, at func(r *record) int64) {
		o.define(&orgField{name: name, label: spacedLabel(name), typ: orgDateTime, readOnly: true, time: at})
	}
	user := func(name string, by func(r *record) string) {
		o.define(&orgField{name: name + "Id", label: spacedLabel(name + "Id"), typ: orgRef, refTo: []string{"User"}, relation: name, readOnly: true, calc: by})
	}
	stamp("CreatedDate", func(r *record) int64 { return r.created })
	user("CreatedBy", func(r *record) string { return r.createdBy })
	stamp("LastModifiedDate", func(r *record) int64 { return r.modified })
	user("LastModifiedBy", func(r *record) string { return r.modifiedBy })
	stamp("SystemModstamp", func(r *record) int64 { return r.stamp })
	for _, f := range o.fields {
		f.readable, f.editable = true, true
	}
	o.fields[0].readOnly, o.fields[1].readOnly = true, true
	return o
}

// yes is a truth as values tell it.
func yes(is bool) string {
	if is {
		return "true"
	}
	return ""
}

// fieldOfSpec reads a line of an object's fields.
func (s *Salesforce) fieldOfSpec(o *orgObject, line string) *orgField {
	name, rest, _ := strings.Cut(line, " ")
	typ, args, _ := strings.Cut(rest, " ")
	f := &orgField{typ: typ}
	f.name = strings.TrimLeft(name, "*!^")
	for _, mark := range name[:len(name)-len(f.name)] {
		switch mark {
		case '*':
			f.required = true
		case '!':
			f.readOnly = true
		case '^':
			f.createOnly = true
		}
	}
	f.label = spacedLabel(f.name)
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(fmt.Sprintf("sandbox: field %s: %v", line, err))
		}
		return n
	}
	switch typ {
	case orgString, orgText, orgEmail, orgPhone, orgURL:
		f.length = number(args)
	case orgInt, orgCurrency, orgPercent, orgDouble:
		p, sc, _ := strings.Cut(args, " ")
		f.precision, f.scale = number(p), number(sc)
	case orgPick:
		f.length = 255
		for v := range strings.SplitSeq(args, "|") {
			f.options = append(f.options, orgOption{v, v})
		}
	case orgRef:
		f.length = 18
		f.refTo = strings.Split(args, ",")
		f.relation = strings.TrimSuffix(f.name, "Id")
	case "name":
		f.typ, f.length = orgString, 121
		f.calc = func(r *record) string {
			return strings.TrimSpace(o.get(r, "firstname") + " " + o.get(r, "lastname"))
		}
	case "master":
		f.typ, f.length, f.refTo, f.relation = orgRef, 18, []string{args}, "MasterRecord"
		f.calc = func(r *record) string {
			if r.into == nil {
				return ""
			}
			return r.into.id
		}
	case "archived":
		f.typ = orgBool
		f.calc = func(r *record) string { return yes(s.activityArchived(o, r)) }
	}
	switch {
	case f.name == "Status" && f.required:
		f.standardValue = f.options[0].value
	case f.name == "TaskSubtype" || f.name == "EventSubtype":
		f.standardValue = f.options[0].value
	case f.name == "Priority":
		f.standardValue = "Normal"
	}
	return f
}

// spacedLabel is how Salesforce would label a field of that name: LeadSource, Lead Source; OwnerId, Owner ID.
func spacedLabel(name string) string {
	name = strings.TrimSuffix(name, "__c")
	var b strings.Builder
	last := rune(0)
	for _, c := range name {
		if unicode.IsUpper(c) && unicode.IsLower(last) {
			b.WriteByte(' ')
		}
		if c == '_' {
			c = ' '
		}
		b.WriteRune(c)
		last = c
	}
	label := b.String()
	if strings.HasSuffix(label, " Id") {
		label = label[:len(label)-1] + "D"
	}
	return label
}
