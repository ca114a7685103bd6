package hubspot

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

// Promise: an owner's address is read on both generations of paths, one who left has none, and a token that may not read owners is told
// the scope.
func TestOwnerAddress(t *testing.T) {
	for _, version := range []string{"2026-09", "v3"} {
		p := newPortalWith(t, &portal{version: version}, sandbox.HubSpotOptions{Token: portalToken, Scopes: []string{"crm.objects.owners.read", "crm.schemas.contacts.read", "crm.schemas.contacts.write"}})
		p.SetOwner("7", "rep@x.example")
		c := p.Connect(t).(*Client)
		for owner, want := range map[string]string{"7": "rep@x.example", "8": "", "": ""} {
			if got, err := c.OwnerAddress(t.Context(), owner); err != nil || got != want {
				t.Errorf("%s: owner %q: %q %v", version, owner, got, err)
			}
		}
		for i := range 501 { // more than one answer lists
			p.SetOwner(fmt.Sprint(1000+i), fmt.Sprintf("rep%d@x.example", i))
		}
		p.SetOwnerNamed("9", "ana@x.example", "Ana", "Pereira")
		names, err := c.OwnerNames(t.Context(), []string{"9", "7", "8"})
		if err != nil || !maps.Equal(names, map[string]string{"9": "Ana Pereira", "7": "rep@x.example"}) {
			t.Errorf("%s: %v %v", version, names, err)
		}
		if got, err := c.RecordURL(t.Context(), ref("101")); err != nil || got != "https://app.hubspot.com/contacts/146000001/record/0-1/101" {
			t.Error(got, err)
		}
		p = newPortalWith(t, &portal{version: version}, sandbox.HubSpotOptions{Token: portalToken, Scopes: []string{"crm.schemas.contacts.read", "crm.schemas.contacts.write"}})
		if _, err := p.Connect(t).(*Client).OwnerAddress(t.Context(), ""); connectors.KindOf(err) != connectors.Auth || !strings.Contains(err.Error(), ownerScope) {
			t.Error(err)
		}
		if _, err := p.Connect(t).(*Client).OwnerNames(t.Context(), []string{"7"}); connectors.KindOf(err) != connectors.Auth || !strings.Contains(err.Error(), ownerScope) {
			t.Error(err)
		}
	}
}
