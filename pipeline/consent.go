package pipeline

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
)

// ConsentBy names a property of a CRM's records that says whether somebody consented, such as HubSpot's legal basis.
type ConsentBy struct {
	Property        string   // "": none says it
	Granted, Denied []string // its values, case aside
}

// Of is what a record says: journey.ConsentGranted, journey.ConsentDenied or "". Of several values one that denies decides. An empty
// property says nothing: one that intentd may not read any more looks the same.
func (by *ConsentBy) Of(c *connectors.Contact) string {
	if by.Property == "" {
		return ""
	}
	said := ""
	for v := range strings.SplitSeq(by.value(c), ";") {
		v = strings.TrimSpace(v)
		is := func(listed string) bool { return strings.EqualFold(v, strings.TrimSpace(listed)) }
		switch {
		case v == "":
		case slices.ContainsFunc(by.Denied, is):
			return journey.ConsentDenied
		case slices.ContainsFunc(by.Granted, is):
			said = journey.ConsentGranted
		}
	}
	return said
}

// value is the property's in a record.
func (by *ConsentBy) value(c *connectors.Contact) string { return propertyOf(c, by.Property) }

// propertyOf is a property of a record, "" where it is not there or empty. People write names in their own case, and of Salesforce with the object before them.
func propertyOf(c *connectors.Contact, name string) string {
	name = strings.TrimSpace(name)
	if object, field, ok := strings.Cut(name, "."); ok {
		if !strings.EqualFold(object, c.Object) {
			return ""
		}
		name = field
	}
	if v, ok := c.Fields[name]; ok {
		return v
	}
	for field, v := range c.Fields {
		if strings.EqualFold(field, name) {
			return v
		}
	}
	return ""
}
