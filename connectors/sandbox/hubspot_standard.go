package sandbox

import (
	_ "embed"
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

// The properties that HubSpot defines, those that tell of a journey and what a portal cannot do without:
// name | label | type | fieldType | group | flags | options. Flag r: read-only, x: options live elsewhere.
var (
	//go:embed standard/hubspot_contacts.txt
	standardContact string
	//go:embed standard/hubspot_deals.txt
	standardDeal string
)

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
