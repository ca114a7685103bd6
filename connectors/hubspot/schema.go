package hubspot

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// schema is which properties are read, what each is for, and which property each of intentd's own fields lives in.
type schema struct {
	read  []string         // the allow-list, sorted
	roles map[string]*role // by property
	own   map[string]*own  // by canonical name
	// clash names two fields that are mapped to one property; nothing is written while they are.
	clash string
}

// role is what a property becomes in a Contact.
type role struct {
	part part
	own  *own // part owned
}

type part uint8

const (
	email part = iota
	moreEmails
	phone
	firstName
	lastName
	jobTitle
	company
	lifecycle
	leadStatus
	owner
	created
	mergedIDs
	mergedVids
	field // Contact.Fields, under the property's name
	owned // Contact.Ours, under the canonical name
)

// own is one of intentd's fields as this portal has it.
type own struct {
	connectors.Field
	property string
}

var identity = map[string]part{
	"email": email, "hs_additional_emails": moreEmails, "phone": phone, "mobilephone": phone,
	"firstname": firstName, "lastname": lastName, "jobtitle": jobTitle, "company": company,
	"lifecyclestage": lifecycle, "hs_lead_status": leadStatus, "hubspot_owner_id": owner, "createdate": created,
	"hs_merged_object_ids": mergedIDs, "hs_calculated_merged_vids": mergedVids,
}

// inputs are HubSpot's own properties that go into Contact.Fields: who is this, and has anything happened. A change of one of
// the engagement summaries is what tells a poll of new activity.
var inputs = []string{
	"hs_analytics_num_page_views", "hs_analytics_num_visits", "hs_analytics_num_event_completions",
	"hs_analytics_first_timestamp", "hs_analytics_last_timestamp", "hs_analytics_last_visit_timestamp",
	"hs_analytics_first_url", "hs_analytics_last_url", "hs_analytics_source", "hs_analytics_source_data_1", "hs_analytics_source_data_2",
	"hs_email_open", "hs_email_click", "hs_email_last_open_date", "hs_email_last_click_date", "hs_email_optout",
	"hs_sales_email_last_opened", "hs_sales_email_last_clicked", "hs_sales_email_last_replied",
	"engagements_last_meeting_booked",
	"num_conversion_events", "recent_conversion_date", "recent_conversion_event_name", "first_conversion_date",
	"num_associated_deals",
}

// propertyName is the form HubSpot allows a property's internal name.
var propertyName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)

func newSchema(o Options) (*schema, *connectors.Error) {
	s := &schema{roles: map[string]*role{}, own: map[string]*own{}}
	by := map[string]string{}
	for _, f := range connectors.Fields {
		name := DefaultProperty(f.Name)
		if set := strings.TrimSpace(o.Fields[f.Name]); set != "" {
			name = strings.ToLower(set)
		}
		if !propertyName.MatchString(name) {
			return nil, crmkit.ConfigError(o.Name, fmt.Sprintf("fields.%s: %q is no name HubSpot allows a property", f.Name, name),
				"use lower-case letters, digits and underscores, a letter first")
		}
		w := &own{Field: f, property: name}
		s.own[f.Name] = w
		if other, taken := by[name]; taken {
			s.clash = fmt.Sprintf("the fields %s and %s are both mapped to the property %s", other, f.Name, name)
			continue
		}
		by[name] = f.Name
		s.roles[name] = &role{part: owned, own: w}
	}
	for canonical := range o.Fields {
		if s.own[canonical] == nil {
			return nil, crmkit.ConfigError(o.Name, fmt.Sprintf("fields.%s: intentd has no such field", canonical), "remove it")
		}
	}
	add := func(name string, p part) {
		if s.roles[name] == nil {
			s.roles[name] = &role{part: p}
		}
	}
	for name, p := range identity {
		add(name, p)
	}
	for _, name := range inputs {
		add(name, field)
	}
	for _, name := range o.Inputs {
		name = strings.ToLower(strings.TrimSpace(name))
		if !propertyName.MatchString(name) {
			return nil, crmkit.ConfigError(o.Name, fmt.Sprintf("inputs: %q is no property name", name), "use the property's internal name")
		}
		add(name, field)
	}
	for name := range s.roles {
		s.read = append(s.read, name)
	}
	slices.Sort(s.read)
	return s, nil
}

// DefaultProperty is the property of one of intentd's fields unless the options name another: tier_since, intent_tier_since.
func DefaultProperty(canonical string) string { return "intent_" + canonical }
