package salesforce

import (
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
)

// Promise: an owner's address is the user's, who left or is a queue has none, and a record's page is on the org's own host.
func TestOwnerAddress(t *testing.T) {
	p := newOrg(t, Contact)
	c := p.connect(t)
	rep := p.IDs("User")[3]
	got, err := c.OwnerAddress(t.Context(), rep)
	if err != nil || !strings.HasSuffix(got, "@sandbox.example") {
		t.Error(got, err)
	}
	if names, err := c.OwnerNames(t.Context(), []string{rep[:15], "00G000000000001AAA", "nobody"}); err != nil || len(names) != 1 || !strings.Contains(names[rep[:15]], " ") {
		t.Error(names, err)
	}
	for _, owner := range []string{"", "00G000000000001AAA", "nobody"} {
		if got, err := c.OwnerAddress(t.Context(), owner); err != nil || got != "" {
			t.Errorf("%q: %q %v", owner, got, err)
		}
	}
	if err := p.Update("User", rep, map[string]string{"IsActive": "false"}, rep); err != nil {
		t.Fatal(err)
	}
	if got, err := c.OwnerAddress(t.Context(), rep); err != nil || got != "" {
		t.Errorf("who left: %q %v", got, err)
	}
	if got, err := c.RecordURL(t.Context(), connectors.Ref{CRM: "salesforce", Object: Contact, ID: "003000000000001AAA"}); err != nil || got != orgHost+"/003000000000001AAA" {
		t.Error(got, err)
	}
}
