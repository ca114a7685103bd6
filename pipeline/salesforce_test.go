package pipeline_test

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
	"github.com/intentd/intentd/connectors/hubspot"
	"github.com/intentd/intentd/connectors/salesforce"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/ledger"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// salesforceCRM is the real Salesforce connector on an org.
func salesforceCRM(tb testing.TB, db *state.DB, o salesforce.Options) pipeline.CRM {
	tb.Helper()
	o.Name, o.LoginURL, o.DailyShare, o.Tokens = "salesforce", o.InstanceURL, 1, ledger.NewTokens(db)
	o.Auth = salesforce.Auth{Flow: salesforce.ClientCredentials, ClientID: "sandbox-client", ClientSecret: "sandbox-secret"}
	c, err := salesforce.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := c.Apply(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	names := map[string]string{}
	for _, f := range connectors.PersonFields().Fields {
		names[f.Name] = salesforce.DefaultField(f.Name)
	}
	return pipeline.CRM{Name: "salesforce", Type: "salesforce", CRM: c, Objects: []string{salesforce.Lead, salesforce.Contact}, Fields: names}
}

// inProcess reaches an org without sockets.
func inProcess(org *sandbox.Salesforce, bulkFrom int) salesforce.Options {
	return salesforce.Options{InstanceURL: "https://example.my.salesforce.com", HTTP: org.Transport(), BulkThreshold: bulkFrom}
}

func newLeads(org *sandbox.Salesforce, n int) []string {
	return org.CreateMany("Lead", n, func(i int) map[string]string {
		return map[string]string{"Email": address(i), "FirstName": "Person", "LastName": strconv.Itoa(i), "Company": "Company " + strconv.Itoa(i%500)}
	})
}

// BenchmarkSalesforceFirstSync is a first sync of 100,000 leads, all of whom are written, in calls of the org's API.
//
//	calls      requests that count against the org's daily limit
//	%of-day    their share of a day of 100,000 calls
//	people/s   of the whole, the org's own work in this process included, fsync on
func BenchmarkSalesforceFirstSync(b *testing.B) {
	const people = 100_000
	for name, bulkFrom := range map[string]int{"bulk": 2000, "collections": 1 << 30} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				dir := b.TempDir()
				store, err := clickstream.Open(filepath.Join(dir, "events"), clickstream.Options{})
				if err != nil {
					b.Fatal(err)
				}
				takeInEvents(b, store, people, 3, time.Now())
				org := sandbox.NewSalesforce(sandbox.SalesforceOptions{BulkTime: time.Second})
				newLeads(org, people)
				d := assemble(b, dir, store, nil, func(db *state.DB) []pipeline.CRM {
					return []pipeline.CRM{salesforceCRM(b, db, inProcess(org, bulkFrom))}
				})
				before, start := org.Calls(), time.Now()
				if _, err := operate.Once(b.Context(), d.pipe); err != nil {
					b.Fatal(err)
				}
				took, calls := time.Since(start), org.Calls()-before
				if n := len(org.Writes("Lead")); n != people {
					b.Fatalf("%d of %d leads were written", n, people)
				}
				b.ReportMetric(float64(calls), "calls")
				b.ReportMetric(100*float64(calls)/100_000, "%of-day")
				b.ReportMetric(people/took.Seconds(), "people/s")
				b.ReportMetric(float64(org.Counters().Calls("POST jobs/ingest")), "jobs")
				b.ReportMetric(0, "ns/op")
				store.Close()
			}
		})
	}
}

// Both CRMs hold the same people: each person is inferred and scored once, and written to every record.
func TestSamePeopleInBothCRMs(t *testing.T) {
	const people = 60
	portal := sandbox.NewHubSpot(sandbox.HubSpotOptions{Unlimited: true})
	portal.CreateContacts(people, func(i int) map[string]string {
		return map[string]string{"email": address(i), "firstname": "Person", "lastname": strconv.Itoa(i)}
	})
	org := sandbox.NewSalesforce(sandbox.SalesforceOptions{})
	leads := newLeads(org, people)
	// Somebody is a lead and a contact of the same org at once.
	twin := org.Create("Contact", map[string]string{"Email": address(3), "FirstName": "Person", "LastName": "3"})
	dir := t.TempDir()
	store, err := clickstream.Open(filepath.Join(dir, "events"), clickstream.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	takeInEvents(t, store, people, 6, time.Now())
	d := assemble(t, dir, store, nil, func(db *state.DB) []pipeline.CRM {
		return []pipeline.CRM{
			hubspotCRM(t, hubspot.Options{BaseURL: "https://api.hubapi.com", HTTP: portal.Transport(), SearchesPerSecond: 5, RateShare: 1, DailyReserve: -1}, nil),
			salesforceCRM(t, db, inProcess(org, 1<<30)),
		}
	})
	if _, err := operate.Once(t.Context(), d.pipe); err != nil {
		t.Fatal(err)
	}
	if st := d.db.Stats(); st.People != people || st.Contacts != 2*people+1 {
		t.Fatalf("%d people in %d records, want %d in %d", st.People, st.Contacts, people, 2*people+1)
	}
	same := func() {
		t.Helper()
		for i, lead := range leads {
			id, ok := portal.ContactByEmail(address(i))
			if !ok {
				t.Fatalf("person %d left the portal", i)
			}
			h, _ := portal.Contact(id)
			s, _ := org.Record("Lead", lead)
			a, _ := strconv.ParseFloat(h["intent_score"], 64)
			b, _ := strconv.ParseFloat(s[salesforce.DefaultField(connectors.FieldScore)], 64)
			if h["intent_score"] == "" || a != b || h["intent_headline"] != s[salesforce.DefaultField(connectors.FieldHeadline)] || h["intent_tier"] != s[salesforce.DefaultField(connectors.FieldTier)] {
				t.Fatalf("person %d: HubSpot shows %s %s %q, Salesforce %s %s %q", i, h["intent_score"], h["intent_tier"], h["intent_headline"],
					s[salesforce.DefaultField(connectors.FieldScore)], s[salesforce.DefaultField(connectors.FieldTier)], s[salesforce.DefaultField(connectors.FieldHeadline)])
			}
		}
	}
	same()
	asLead, _ := org.Record("Lead", leads[3])
	asContact, _ := org.Record("Contact", twin)
	for _, f := range connectors.PersonFields().Fields {
		if api := salesforce.DefaultField(f.Name); asLead[api] != asContact[api] {
			t.Errorf("the lead's %s is %q, the same person's contact has %q", api, asLead[api], asContact[api])
		}
	}
	// A lead becomes a contact: score, history and verdict move with the person, who stays one.
	contact, err := org.Convert(leads[7])
	if err != nil {
		t.Fatal(err)
	}
	before, err := operate.Explain(t.Context(), d.pipe, address(7))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operate.Once(t.Context(), d.pipe); err != nil {
		t.Fatal(err)
	}
	after, err := operate.Explain(t.Context(), d.pipe, "salesforce/Contact/"+contact)
	if err != nil {
		t.Fatal(err)
	}
	if after.Person != before.Person {
		t.Fatalf("the converted lead is person %s, was %s", after.Person, before.Person)
	}
	c, _ := org.Record("Contact", contact)
	if got, want := c[salesforce.DefaultField(connectors.FieldTier)], after.Tier.String(); got != want {
		t.Fatalf("the contact shows tier %q, want %q", got, want)
	}
	if st := d.db.Stats(); st.People != people {
		t.Fatalf("%d people after the conversion, want %d", st.People, people)
	}
}
