package pipeline

import (
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/fit"
	"github.com/intentd/intentd/state"
)

// fit grades a subject by rules, nil for none, and what their live records say; of several that say something of a property the first.
func (s *subject) fit(rules *fit.Config) fit.Result {
	if rules == nil {
		return fit.Result{}
	}
	return rules.Judge(func(property, crm string) string {
		for _, r := range s.recs {
			if !r.read || r.contact.State != connectors.Live || crm != "" && crm != r.ref.CRM {
				continue
			}
			if v := propertyOf(&r.contact, property); v != "" {
				return v
			}
			if v := profileOf(&r.contact, property); v != "" {
				return v
			}
		}
		return ""
	})
}

// profileOf is a property that connectors read into the profile, by its vendors' names.
func profileOf(c *connectors.Contact, property string) string {
	if object, field, ok := strings.Cut(property, "."); ok && strings.EqualFold(object, c.Object) {
		property = field
	}
	switch strings.ToLower(strings.TrimSpace(property)) {
	case "jobtitle", "title":
		return c.Profile.JobTitle
	case "company":
		return c.Profile.Company
	case "lifecyclestage":
		return c.Profile.Lifecycle
	case "hs_lead_status", "status":
		return c.Profile.LeadStatus
	}
	return ""
}

// fitIsNews says whether a record lacks the new fit, and whether it shows another one. Without rules there is none, and what they gave before is emptied.
func (l *lot) fitIsNews(s *subject, values map[string]string) (news, changed bool) {
	for _, r := range s.recs {
		for _, name := range [...]string{connectors.FieldFit, connectors.FieldGrade} {
			f, ok := r.crm.OwnFields().Named(name)
			if !ok || r.crm.Fields[name] == "" || !r.read || r.contact.State != connectors.Live {
				continue
			}
			own, value := r.state.Own.At(f.Number), values[name]
			if !own.Held && (own.Wrote != 0 || value != "") && own.Wrote != state.FieldHash(f.Number, value) {
				news, changed = true, changed || own.Wrote != 0 && name == connectors.FieldFit
			}
		}
	}
	return news, changed
}
