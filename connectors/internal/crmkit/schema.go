package crmkit

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// Own is one of intentd's fields as a property of this account.
type Own struct {
	connectors.Field
	Property string
}

// Role is what a property becomes in a Contact.
type Role struct {
	Part Part
	Own  *Own // part Owned
}

// Part is where a property's value goes. Connectors number parts of their own from Vendor on.
type Part uint8

const (
	Field Part = iota // Contact.Fields, under the property's name
	Owned             // Contact.Ours, under the canonical name
	Email
	Phone
	FirstName
	LastName
	JobTitle
	Company
	Lifecycle
	LeadStatus
	Owner
	Created
	Vendor
)

// Schema is what each property is for, and which property each of intentd's own fields lives in.
type Schema struct {
	Roles map[string]*Role // by property
	Set   connectors.FieldSet
	Own   map[string]*Own // the fields of Set, by canonical name
	// Clash names two fields that are mapped to one property; nothing is written while they are.
	Clash string
}

// Naming is how a vendor names properties.
type Naming struct {
	Connector string                        // its name, for errors
	Word      string                        // what the vendor calls a property
	Default   func(canonical string) string // the property of a field that the configuration does not map
	Form      *regexp.Regexp                // of a property's name
	Refusal   string                        // of a name that has not that form: "is no API name"
	Fix       func(canonical string) string // what to do about it
	Spell     func(name string) string      // the spelling in which names are compared and sent; nil: as it is
}

// NewSchema is a schema of a set of intentd's own fields, each in the property that the configuration maps it to, by canonical name.
func NewSchema(n Naming, set connectors.FieldSet, mapped map[string]string) (*Schema, *connectors.Error) {
	s := &Schema{Roles: map[string]*Role{}, Set: set, Own: make(map[string]*Own, len(set.Fields))}
	by := map[string]string{}
	for _, f := range set.Fields {
		name := n.Default(f.Name)
		if set := strings.TrimSpace(mapped[f.Name]); set != "" {
			if name = set; n.Spell != nil {
				name = n.Spell(set)
			}
		}
		if !n.Form.MatchString(name) {
			return nil, ConfigError(n.Connector, fmt.Sprintf("fields.%s: %q %s", f.Name, name, n.Refusal), n.Fix(f.Name))
		}
		own := &Own{Field: f, Property: name}
		s.Own[f.Name] = own
		if other, taken := by[strings.ToLower(name)]; taken {
			s.Clash = fmt.Sprintf("the fields %s and %s are both mapped to the %s %s", other, f.Name, n.Word, name)
			continue
		}
		by[strings.ToLower(name)] = f.Name
		s.Roles[name] = &Role{Part: Owned, Own: own}
	}
	for canonical := range mapped {
		if s.Own[canonical] == nil {
			return nil, ConfigError(n.Connector, fmt.Sprintf("fields.%s: intentd has no such field", canonical), "remove it")
		}
	}
	return s, nil
}

// Put puts a property's value into a contact, and says false of the vendor's own parts, which it leaves alone.
func (r *Role) Put(k *connectors.Contact, property, value string, as Values) bool {
	switch r.Part {
	case Field:
		k.Fields[property] = value
	case Owned:
		if k.Ours == nil {
			k.Ours = map[string]string{}
		}
		k.Ours[r.Own.Name] = as.FromWire(r.Own.Type, value)
	case Email:
		k.Emails = AppendAddress(k.Emails, value)
	case Phone:
		k.Phones = AppendAddress(k.Phones, value)
	case FirstName:
		k.Profile.FirstName = value
	case LastName:
		k.Profile.LastName = value
	case JobTitle:
		k.Profile.JobTitle = value
	case Company:
		k.Profile.Company = value
	case Lifecycle:
		k.Profile.Lifecycle = value
	case LeadStatus:
		k.Profile.LeadStatus = value
	case Owner:
		k.Owner = value
	case Created:
		if at, ok := as(value); ok {
			k.Created = at
		}
	default:
		return false
	}
	return true
}
