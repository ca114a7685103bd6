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
	*crmkit.Schema
	read  []string       // the allow-list, sorted
	place map[string]int // of each in read
}

// Parts of HubSpot's own.
const (
	moreEmails = crmkit.Vendor + iota
	mergedIDs
	mergedVids
)

var identity = map[string]crmkit.Part{
	"email": crmkit.Email, "hs_additional_emails": moreEmails, "phone": crmkit.Phone, "mobilephone": crmkit.Phone,
	"firstname": crmkit.FirstName, "lastname": crmkit.LastName, "jobtitle": crmkit.JobTitle, "company": crmkit.Company,
	"lifecyclestage": crmkit.Lifecycle, "hs_lead_status": crmkit.LeadStatus, "hubspot_owner_id": crmkit.Owner, "createdate": crmkit.Created,
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
	own, e := crmkit.NewSchema(crmkit.Naming{Connector: o.Name, Word: "property", Default: DefaultProperty, Spell: strings.ToLower,
		Form: propertyName, Refusal: "is no name HubSpot allows a property",
		Fix: func(string) string { return "use lower-case letters, digits and underscores, a letter first" }}, o.own(), o.Fields)
	if e != nil {
		return nil, e
	}
	s := &schema{Schema: own}
	add := func(name string, p crmkit.Part) {
		if s.Roles[name] == nil {
			s.Roles[name] = &crmkit.Role{Part: p}
		}
	}
	for name, p := range identity {
		add(name, p)
	}
	for _, name := range inputs {
		add(name, crmkit.Field)
	}
	for _, name := range o.Inputs {
		name = strings.ToLower(strings.TrimSpace(name))
		if !propertyName.MatchString(name) {
			return nil, crmkit.ConfigError(o.Name, fmt.Sprintf("inputs: %q is no property name", name), "use the property's internal name")
		}
		add(name, crmkit.Field)
	}
	for name := range s.Roles {
		s.read = append(s.read, name)
	}
	slices.Sort(s.read)
	s.place = make(map[string]int, len(s.read))
	for i, name := range s.read {
		s.place[name] = i
	}
	return s, nil
}

// DefaultProperty is the property of one of intentd's fields unless the options name another: tier_since, intent_tier_since.
func DefaultProperty(canonical string) string { return "intent_" + canonical }
