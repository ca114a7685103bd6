package pipeline

import (
	"testing"

	"github.com/intentd/intentd/connectors"
)

// Promise: several values of one property mark people, each for itself, and a mark of one CRM says nothing of another's records.
func TestMarks(t *testing.T) {
	s := Setup{CustomerFields: []Mark{{Property: "type", Value: "Customer"}, {Property: "type", Value: "partner"}, {CRM: "salesforce", Property: "LeadSource", Value: "Customer"}}}
	for _, c := range []struct {
		crm, property, value string
		want                 bool
	}{
		{"hubspot", "type", "Customer", true}, {"hubspot", "type", "Partner", true}, {"hubspot", "type", "press; customer", true}, {"hubspot", "type", "customers", false}, {"hubspot", "type", "", false},
		{"salesforce", "LeadSource", "customer", true}, {"hubspot", "LeadSource", "Customer", false},
	} {
		record := connectors.Contact{Ref: connectors.Ref{CRM: c.crm}, Fields: map[string]string{c.property: c.value}}
		if got := s.isCustomer(&record); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
