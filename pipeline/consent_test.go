package pipeline

import (
	"testing"

	"github.com/intentd/intentd/connectors"
)

// Promise: a record says only what is listed; of several values one that denies decides, and an empty property says nothing.
func TestConsentOfARecord(t *testing.T) {
	by := ConsentBy{Property: "basis", Granted: []string{"Freely given", "contract"}, Denied: []string{" Withdrawn", ""}}
	for value, want := range map[string]string{
		"": "", ";": "", "other": "", "freely given ": "granted", "Contract;other": "granted", "withdrawn": "denied", "Freely given; WITHDRAWN": "denied",
	} {
		if got := by.Of(&connectors.Contact{Fields: map[string]string{"basis": value}}); got != want {
			t.Errorf("%q says %q, want %q", value, got, want)
		}
	}
	for property, want := range map[string]string{"BASIS": "denied", " basis ": "denied", "Lead.Basis": "denied", "Contact.basis": "", "other": ""} {
		by := ConsentBy{Property: property, Denied: []string{"no"}}
		if got := by.Of(&connectors.Contact{Ref: connectors.Ref{Object: "Lead"}, Fields: map[string]string{"basis": "no"}}); got != want {
			t.Errorf("%q says %q, want %q", property, got, want)
		}
	}
	if got := (&ConsentBy{Denied: []string{"x"}}).Of(&connectors.Contact{Fields: map[string]string{"": "x"}}); got != "" {
		t.Errorf("no property says %q", got)
	}
}
