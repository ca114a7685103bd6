package salesforce

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Closed opportunities are told with everybody on them: contact roles, and leads that were converted with them; later those that
// were closed since.
func TestDeals(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		lead := p.Create(t, 1)[0]
		p.object = Contact
		contacts := p.Create(t, 2)
		deal := func(name, stage string) string {
			return p.Salesforce.Create(Opportunity, map[string]string{"Name": name, "StageName": stage, "CloseDate": "2026-11-01", "Amount": "1200", "Type": "New Customer", "OwnerId": p.UserID()})
		}
		won, lost := deal("Won", "Closed Won"), deal("Lost", "Closed Lost")
		deal("Open", "Prospecting")
		for _, k := range contacts {
			p.Salesforce.Create("OpportunityContactRole", map[string]string{"OpportunityId": won, "ContactId": k.ID})
		}
		p.Salesforce.Create("OpportunityContactRole", map[string]string{"OpportunityId": won, "ContactId": contacts[0].ID, "Role": "Evaluator"})
		person, err := p.Convert(lead.ID)
		must(t, err)
		time.Sleep(time.Hour)
		c := p.connect(t)
		var cursor connectors.Cursor
		read := func() []connectors.Deal {
			var all []connectors.Deal
			for {
				page, err := c.Deals(t.Context(), cursor, time.Time{})
				must(t, err)
				all, cursor = append(all, page.Items...), page.Next
				if !page.More {
					return all
				}
			}
		}
		deals := read()
		if len(deals) != 2 {
			t.Fatalf("%d deals", len(deals))
		}
		for _, d := range deals {
			if d.Closed.Format(time.DateOnly) != "2026-11-01" || d.Created.IsZero() || !strings.HasPrefix(d.Amount, "1200") || d.Pipeline != "New Customer" {
				t.Errorf("%+v", d)
			}
			switch d.ID {
			case won:
				if !d.Won || fmt.Sprint(d.Contacts) != fmt.Sprint(contacts) {
					t.Errorf("%+v", d)
				}
			case lost:
				if d.Won || len(d.Contacts) > 0 {
					t.Errorf("%+v", d)
				}
			}
		}
		opened := p.IDs(Opportunity)[3]
		must(t, p.Update(Opportunity, opened, map[string]string{"StageName": "Closed Won"}, ""))
		time.Sleep(time.Hour)
		deals = read()
		i := slices.IndexFunc(deals, func(d connectors.Deal) bool { return d.ID == opened })
		if i < 0 {
			t.Fatal("a deal that was closed since was not told")
		}
		want := []connectors.Ref{{CRM: "salesforce", Object: Contact, ID: person}, lead}
		if fmt.Sprint(deals[i].Contacts) != fmt.Sprint(want) {
			t.Errorf("its people are %v, want %v", deals[i].Contacts, want)
		}
		read()
		time.Sleep(time.Hour)
		if deals = read(); len(deals) > 0 {
			t.Errorf("%d deals were told again", len(deals))
		}
	})
}

// More deals than a page holds, all closed at one time.
func TestManyDeals(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		p.CreateMany(Opportunity, 2*dealPage+7, func(i int) map[string]string {
			return map[string]string{"Name": fmt.Sprint(i), "StageName": "Closed Lost", "CloseDate": "2026-11-01", "OwnerId": p.UserID()}
		})
		c := p.connect(t)
		met := map[string]bool{}
		var cursor connectors.Cursor
		for {
			page, err := c.Deals(t.Context(), cursor, time.Time{})
			must(t, err)
			for _, d := range page.Items {
				met[d.ID] = true
			}
			if cursor = page.Next; !page.More {
				break
			}
		}
		if len(met) != 2*dealPage+7 {
			t.Errorf("%d deals", len(met))
		}
	})
}
