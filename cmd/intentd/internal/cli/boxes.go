package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/demo"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/salesforce"
	"github.com/intentd/intentd/connectors/sandbox"
)

// box is a sandbox CRM of the demo, with its people in it.
type box interface {
	// start serves the CRM until ctx ends, and writes into s and dir what the demo's configuration needs.
	start(ctx context.Context, dir string, s *demo.Settings) error
	// values are what the CRM holds of somebody, under HubSpot's names.
	values(email string) (map[string]string, bool)
	// shown are the scores in the CRM, by record.
	shown() map[string]string
	// name is whose record it is.
	name(record string) string
	// edit is a command that edits the first record as a rep would.
	edit() string
}

// boxes are the sandbox CRMs that the demo runs on, by the value of --crm.
func boxes(crm string, people demo.Population) ([]box, error) {
	switch crm {
	case "hubspot":
		b, err := newHubSpotBox(people)
		return []box{b}, err
	case "salesforce":
		return []box{newSalesforceBox(people)}, nil
	}
	b, err := newHubSpotBox(people)
	return []box{b, newSalesforceBox(people)}, err
}

func scoreText(points, tier string) string {
	if points == "" {
		return "no score"
	}
	return points + " " + tier
}

// hubspotBox is a portal of the demo's people.
type hubspotBox struct {
	*sandbox.HubSpot
	base string
}

// demoToken opens the demo's own portal and nothing else.
const demoToken = "pat-na1-demo"

func newHubSpotBox(people demo.Population) (*hubspotBox, error) {
	b := &hubspotBox{HubSpot: sandbox.NewHubSpot(sandbox.HubSpotOptions{Token: demoToken})}
	ids := map[string]string{}
	for _, contact := range people.Contacts {
		ids[contact.Key] = b.CreateContact(contact.Properties)
	}
	for _, m := range people.Merges {
		if _, err := b.Merge(ids[m.Winner], ids[m.Loser]); err != nil {
			return nil, err
		}
	}
	for _, d := range people.Deals {
		var on []string
		for _, key := range d.Contacts {
			on = append(on, ids[key])
		}
		b.CreateDeal(d.Properties, on...)
	}
	return b, nil
}

func (b *hubspotBox) start(ctx context.Context, dir string, s *demo.Settings) (err error) {
	if b.base, err = b.Listen(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	s.CRM, s.TokenFile = b.base, filepath.Join(dir, "hubspot_token")
	return os.WriteFile(s.TokenFile, []byte(demoToken+"\n"), 0o600)
}

func (b *hubspotBox) values(email string) (map[string]string, bool) {
	id, ok := b.ContactByEmail(email)
	if !ok {
		return nil, false
	}
	return b.Contact(id)
}

func (b *hubspotBox) shown() map[string]string {
	out := map[string]string{}
	for id, v := range b.Content("intent_score", "intent_tier") {
		out[id] = scoreText(v["intent_score"], v["intent_tier"])
	}
	return out
}

func (b *hubspotBox) name(id string) string {
	v, _ := b.Contact(id)
	return strings.TrimSpace(v["firstname"] + " " + v["lastname"])
}

func (b *hubspotBox) edit() string {
	return fmt.Sprintf(`  curl -X PATCH -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \
    %s/crm/v3/objects/contacts/%s -d '{"properties":{"lifecyclestage":"customer"}}'`, demoToken, b.base, b.ContactIDs()[0])
}

// salesforceBox is an org of the demo's people: customers are contacts of an account, everybody else is a lead.
type salesforceBox struct {
	*sandbox.Salesforce
	base    string
	records map[string]connectors.Ref // by e-mail address
}

const (
	demoClient = "demo-client"
	demoSecret = "demo-secret"
)

func newSalesforceBox(people demo.Population) *salesforceBox {
	b := &salesforceBox{
		Salesforce: sandbox.NewSalesforce(sandbox.SalesforceOptions{ClientID: demoClient, ClientSecret: demoSecret}),
		records:    map[string]connectors.Ref{},
	}
	created, onDeal := map[string]connectors.Ref{}, map[string]bool{}
	for _, d := range people.Deals {
		for _, key := range d.Contacts {
			onDeal[key] = true
		}
	}
	for _, contact := range people.Contacts {
		p := contact.Properties
		fields := map[string]string{"Email": p["email"], "FirstName": p["firstname"], "LastName": p["lastname"], "Title": p["jobtitle"], "Phone": p["phone"]}
		if fields["LastName"] == "" {
			fields["LastName"] = p["email"]
		}
		object := "Lead"
		switch {
		case p["lifecyclestage"] == "customer":
			object = "Contact"
			fields["AccountId"] = b.Create("Account", map[string]string{"Name": company(p), "Type": "Customer"})
			fields["LeadSource"] = "Customer"
		case onDeal[contact.Key]:
			object = "Contact"
			fields["AccountId"] = b.Create("Account", map[string]string{"Name": company(p)})
		default:
			fields["Company"] = company(p)
		}
		maps.DeleteFunc(fields, func(_, v string) bool { return v == "" })
		ref := connectors.Ref{Object: object, ID: b.Create(object, fields)}
		created[contact.Key], b.records[p["email"]] = ref, ref
	}
	for _, m := range people.Merges {
		winner, loser := created[m.Winner], created[m.Loser]
		if winner.Object == loser.Object && b.Merge(winner.Object, winner.ID, loser.ID) == nil {
			maps.DeleteFunc(b.records, func(_ string, ref connectors.Ref) bool { return ref == loser })
		}
	}
	for _, d := range people.Deals {
		b.close(d, created)
	}
	return b
}

// close makes an opportunity of a closed deal.
func (b *salesforceBox) close(d demo.Deal, created map[string]connectors.Ref) {
	day := func(name, layout string) string {
		at, err := time.Parse(time.RFC3339, d.Properties[name])
		if err != nil {
			return ""
		}
		return at.UTC().Format(layout)
	}
	stage := "Closed Lost"
	if d.Properties["dealstage"] == "closedwon" {
		stage = "Closed Won"
	}
	deal := b.Create("Opportunity", map[string]string{"Name": d.Properties["dealname"], "StageName": stage, "Amount": d.Properties["amount"], "OwnerId": b.UserID(),
		"CloseDate": day("closedate", time.DateOnly), "CreatedDate": day("createdate", "2006-01-02T15:04:05.000+0000")})
	for _, key := range d.Contacts {
		b.Create("OpportunityContactRole", map[string]string{"OpportunityId": deal, "ContactId": created[key].ID})
	}
}

func company(properties map[string]string) string {
	if c := properties["company"]; c != "" {
		return c
	}
	return "unknown"
}

func (b *salesforceBox) start(ctx context.Context, dir string, s *demo.Settings) (err error) {
	if b.base, err = b.Listen(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	s.Salesforce, s.SalesforceClient, s.SalesforceSecretFile = b.base, demoClient, filepath.Join(dir, "salesforce_secret")
	return os.WriteFile(s.SalesforceSecretFile, []byte(demoSecret+"\n"), 0o600)
}

func (b *salesforceBox) values(email string) (map[string]string, bool) {
	ref, ok := b.records[email]
	if !ok {
		return nil, false
	}
	r, ok := b.Record(ref.Object, ref.ID)
	if !ok {
		return nil, false
	}
	v := map[string]string{"firstname": r["FirstName"], "lastname": r["LastName"], "company": r["Company"]}
	if account, ok := b.Record("Account", r["AccountId"]); ok {
		v["company"] = account["Name"]
	}
	for _, f := range connectors.AllPersonFields().Fields {
		v["intent_"+f.Name] = r[salesforce.DefaultField(f.Name)]
	}
	return v, true
}

func (b *salesforceBox) shown() map[string]string {
	out := map[string]string{}
	for _, object := range []string{"Lead", "Contact"} {
		for id, v := range b.Content(object, salesforce.DefaultField(connectors.FieldScore), salesforce.DefaultField(connectors.FieldTier)) {
			out[object+"/"+id] = scoreText(v[salesforce.DefaultField(connectors.FieldScore)], v[salesforce.DefaultField(connectors.FieldTier)])
		}
	}
	return out
}

func (b *salesforceBox) name(record string) string {
	object, id, _ := strings.Cut(record, "/")
	r, _ := b.Record(object, id)
	return strings.TrimSpace(r["FirstName"] + " " + r["LastName"])
}

func (b *salesforceBox) edit() string {
	ids := b.IDs("Lead")
	slices.Sort(ids)
	return fmt.Sprintf(`  token=$(curl -s %[1]s/services/oauth2/token -d grant_type=client_credentials -d client_id=%[2]s -d client_secret=%[3]s | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -X PATCH -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    %[1]s/services/data/v67.0/sobjects/Lead/%[4]s -d '{"Title":"Chief Revenue Officer"}'`, b.base, demoClient, demoSecret, ids[0])
}
