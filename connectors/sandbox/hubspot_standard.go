package sandbox

import (
	"strings"
	"time"
)

// Sources of values, as propertiesWithHistory names them in sourceType.
const (
	byIntegration = "INTEGRATION"
	byUser        = "CRM_UI"
	byImport      = "IMPORT"
	byAnalytics   = "ANALYTICS"
	byEmail       = "EMAIL"
	byForms       = "FORM"
	bySales       = "SALES"
	byCalculation = "CALCULATED"
	byMerge       = "MERGE_OBJECTS"
)

// standardContact are the properties that HubSpot defines for contacts, those of the contract and what a portal cannot do
// without: name | label | type | fieldType | group | flags | options. Flag r: read-only, x: options live elsewhere.
const standardContact = `
email|Email|string|text|contactinformation||
firstname|First Name|string|text|contactinformation||
lastname|Last Name|string|text|contactinformation||
phone|Phone Number|string|phonenumber|contactinformation||
mobilephone|Mobile Phone Number|string|phonenumber|contactinformation||
jobtitle|Job Title|string|text|contactinformation||
company|Company Name|string|text|contactinformation||
website|Website URL|string|text|contactinformation||
city|City|string|text|contactinformation||
country|Country/Region|string|text|contactinformation||
lifecyclestage|Lifecycle Stage|enumeration|radio|contactinformation||subscriber,lead,marketingqualifiedlead,salesqualifiedlead,opportunity,customer,evangelist,other
hs_lead_status|Lead Status|enumeration|radio|sales_properties||NEW,OPEN,IN_PROGRESS,OPEN_DEAL,UNQUALIFIED,ATTEMPTED_TO_CONTACT,CONNECTED,BAD_TIMING
hubspot_owner_id|Contact owner|enumeration|select|sales_properties|x|
createdate|Create Date|datetime|date|contactinformation|r|
lastmodifieddate|Last Modified Date|datetime|date|contactinformation|r|
hs_object_id|Record ID|number|number|contactinformation|r|
hs_additional_emails|Additional email addresses|enumeration|checkbox|contactinformation|x|
hs_merged_object_ids|Merged record IDs|enumeration|checkbox|contactinformation|rx|
hs_calculated_merged_vids|Merged vids with timestamps of a contact|enumeration|checkbox|contactinformation|rx|
num_associated_deals|Number of Associated Deals|number|number|contactinformation|r|
hs_analytics_num_page_views|Number of Pageviews|number|number|analyticsinformation|r|
hs_analytics_num_visits|Number of Sessions|number|number|analyticsinformation|r|
hs_analytics_num_event_completions|Number of event completions|number|number|analyticsinformation|r|
hs_analytics_first_timestamp|Time First Seen|datetime|date|analyticsinformation|r|
hs_analytics_last_timestamp|Time Last Seen|datetime|date|analyticsinformation|r|
hs_analytics_last_visit_timestamp|Time of Last Session|datetime|date|analyticsinformation|r|
hs_analytics_first_url|First Page Seen|string|text|analyticsinformation|r|
hs_analytics_last_url|Last Page Seen|string|text|analyticsinformation|r|
hs_analytics_source|Original Traffic Source|enumeration|select|analyticsinformation||ORGANIC_SEARCH,PAID_SEARCH,EMAIL_MARKETING,SOCIAL_MEDIA,REFERRALS,OTHER_CAMPAIGNS,DIRECT_TRAFFIC,OFFLINE,PAID_SOCIAL,AI_REFERRALS
hs_analytics_source_data_1|Original Traffic Source Drill-Down 1|string|text|analyticsinformation|r|
hs_analytics_source_data_2|Original Traffic Source Drill-Down 2|string|text|analyticsinformation|r|
hs_email_delivered|Marketing emails delivered|number|number|emailinformation|r|
hs_email_open|Marketing emails opened|number|number|emailinformation|r|
hs_email_click|Marketing emails clicked|number|number|emailinformation|r|
hs_email_bounce|Marketing emails bounced|number|number|emailinformation|r|
hs_email_last_open_date|Last marketing email open date|datetime|date|emailinformation|r|
hs_email_last_click_date|Last marketing email click date|datetime|date|emailinformation|r|
hs_email_optout|Unsubscribed from all email|bool|booleancheckbox|emailinformation|r|
hs_sales_email_last_opened|Recent Sales Email Opened Date|datetime|date|sales_properties|r|
hs_sales_email_last_clicked|Recent Sales Email Clicked Date|datetime|date|sales_properties|r|
hs_sales_email_last_replied|Recent Sales Email Replied Date|datetime|date|sales_properties|r|
notes_last_contacted|Last Contacted|datetime|date|sales_properties|r|
num_notes|Number of Sales Activities|number|number|sales_properties|r|
engagements_last_meeting_booked|Date of last meeting booked in meetings tool|datetime|date|sales_properties|r|
num_conversion_events|Number of Form Submissions|number|number|conversioninformation|r|
num_unique_conversion_events|Number of Unique Forms Submitted|number|number|conversioninformation|r|
first_conversion_date|First Conversion Date|datetime|date|conversioninformation|r|
first_conversion_event_name|First Conversion|string|text|conversioninformation|r|
recent_conversion_date|Recent Conversion Date|datetime|date|conversioninformation|r|
recent_conversion_event_name|Recent Conversion|string|text|conversioninformation|r|
`

// standardDeal are the properties that HubSpot defines for deals, in the same form.
const standardDeal = `
dealname|Deal Name|string|text|dealinformation||
amount|Amount|number|number|dealinformation||
dealstage|Deal Stage|enumeration|radio|dealinformation||appointmentscheduled,qualifiedtobuy,presentationscheduled,decisionmakerboughtin,contractsent,closedwon,closedlost
pipeline|Pipeline|enumeration|select|dealinformation||default
closedate|Close Date|datetime|date|dealinformation||
createdate|Create Date|datetime|date|dealinformation||
hs_lastmodifieddate|Last Modified Date|datetime|date|dealinformation|r|
hs_object_id|Record ID|number|number|dealinformation|r|
hs_is_closed|Is Deal Closed?|bool|booleancheckbox|dealinformation|r|true,false
hs_is_closed_won|Is Closed Won|bool|booleancheckbox|dealinformation|r|true,false
hubspot_owner_id|Deal owner|enumeration|select|dealinformation|x|
num_associated_contacts|Number of Associated Contacts|number|number|dealinformation|r|
`

// standardGroups are the groups of standard properties, name and label, in their order.
var (
	contactGroups = [][2]string{
		{"contactinformation", "Contact information"}, {"analyticsinformation", "Web analytics history"}, {"emailinformation", "Email information"},
		{"conversioninformation", "Conversion information"}, {"sales_properties", "Sales properties"},
	}
	dealGroups = [][2]string{{"dealinformation", "Deal information"}}
)

// sourceOfGroup is what sets the read-only properties of a group.
var sourceOfGroup = map[string]string{
	"analyticsinformation": byAnalytics, "emailinformation": byEmail, "conversioninformation": byForms, "sales_properties": bySales,
	"contactinformation": byCalculation, "dealinformation": byCalculation,
}

func contactSchema() schema {
	return newSchema("contact", standardContact, contactGroups, "lastmodifieddate", "email", "firstname", "lastname")
}

func dealSchema() schema {
	return newSchema("deal", standardDeal, dealGroups, "hs_lastmodifieddate", "amount", "closedate", "dealname", "dealstage", "pipeline")
}

func newSchema(singular, table string, groups [][2]string, modified string, defaults ...string) schema {
	s := schema{plural: singular + "s", singular: singular, byName: map[string]*property{}, modified: modified, defaults: defaults}
	for i, g := range groups {
		s.groups = append(s.groups, &group{Name: g[0], Label: g[1], DisplayOrder: i, defined: true})
	}
	born := instant(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	meanings := map[string]meaning{"hs_object_id": isID, "createdate": isCreated, modified: isModified, "email": isEmail}
	for line := range strings.Lines(strings.TrimSpace(table)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		readOnly := strings.Contains(f[5], "r")
		p := &property{meaning: meanings[f[0]], source: sourceOfGroup[f[4]], definition: definition{
			CreatedAt: born, UpdatedAt: born, Name: f[0], Label: f[1], Type: f[2], FieldType: f[3], GroupName: f[4], DisplayOrder: -1, HubspotDefined: true,
			ExternalOptions: strings.Contains(f[5], "x"), FormField: !readOnly, HasUniqueValue: meanings[f[0]] == isID,
			Modification: modification{ReadOnlyDefinition: true, ReadOnlyOptions: true, ReadOnlyValue: readOnly},
		}}
		p.Options = optionsOf(strings.FieldsFunc(f[6], func(r rune) bool { return r == ',' }))
		s.define(p)
	}
	return s
}
