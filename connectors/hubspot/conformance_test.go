package hubspot

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/sandbox"
)

func TestConformance(t *testing.T) {
	for _, v := range []struct {
		name, version string
		fold          bool
	}{{"2026-09", "2026-09", false}, {"2026-09 with errors folded into 200", "2026-09", true}, {"v3", "v3", false}} {
		t.Run(v.name, func(t *testing.T) {
			if v.fold && testing.Short() {
				t.Skip("long")
			}
			connectortest.CRM(t, func(t *testing.T) connectortest.CRMHarness { return newPortal(t, v.version, v.fold) })
		})
	}
}

const portalToken = "pat-na1-0f0e-conformance-secret"

// portal is a sandbox portal as the conformance suite sees it.
type portal struct {
	*sandbox.HubSpot
	version string
	journal bool // changes come by the webhooks journal
	revoked atomic.Bool
	made    int
}

const (
	appID     = "app-of-the-conformance-test"
	appSecret = "0f0e-app-secret"

	journalLag   = 4 * time.Second
	filedEntries = 150 // entries
)

func newPortal(t *testing.T, version string, fold bool) *portal {
	return newPortalWith(t, &portal{version: version}, sandbox.HubSpotOptions{Token: portalToken, SearchLag: 20 * time.Second, FoldErrors: fold})
}

// newJournalPortal is a portal whose changes come by the journal of an app.
func newJournalPortal(t *testing.T, app sandbox.JournalApp) *portal {
	app.ClientID, app.ClientSecret = appID, appSecret
	return newPortalWith(t, &portal{version: "2026-09", journal: true}, sandbox.HubSpotOptions{Token: portalToken, SearchLag: journalLag, App: &app})
}

func newPortalWith(t *testing.T, p *portal, o sandbox.HubSpotOptions) *portal {
	version := p.version
	p.HubSpot = sandbox.NewHubSpot(o)
	for _, name := range []string{"resists", "never_set"} {
		if err := p.Define("contacts", name, "string", "text"); err != nil {
			t.Fatal(err)
		}
	}
	if version != "v3" { // older paths do not keep the portal's rules
		p.AddRule(sandbox.Rule{When: "resists", Is: "yes", Require: "never_set"})
	}
	if _, err := p.Connect(t).(*Client).Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *portal) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.revoked.Load() {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer pat-na1-rotated")
	}
	return p.Transport().RoundTrip(r)
}

func (p *portal) options() Options {
	o := Options{Token: portalToken, APIVersion: p.version, HTTP: p}
	if p.journal {
		o.Journal = &JournalOptions{ClientID: appID, ClientSecret: appSecret}
	}
	return o
}

func (p *portal) Connect(t *testing.T) connectors.CRM {
	c, err := New(p.options())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (p *portal) Figures() connectortest.CRMFigures {
	if p.journal {
		return connectortest.CRMFigures{Page: filedEntries, Batch: batchSize, Lag: journalLag + time.Second, IdleRequests: 1, Title: "jobtitle"}
	}
	return connectortest.CRMFigures{Page: searchPageSize, Batch: batchSize, QueryCap: 10_000, Lag: 20 * time.Second, Lookback: 5 * time.Minute, IdleRequests: 1, Title: "jobtitle"}
}

func (p *portal) Create(t *testing.T, n int) []connectors.Ref {
	refs := make([]connectors.Ref, n)
	for i := range refs {
		p.made++
		refs[i] = connectors.Ref{CRM: "hubspot", Object: Contacts, ID: p.CreateContact(map[string]string{
			"email": fmt.Sprintf("person%d@example.com", p.made), "firstname": fmt.Sprintf("First %d", p.made), "lastname": "Last",
			"jobtitle": "Engineer", "company": "Example", "lifecyclestage": "lead", "hs_analytics_num_page_views": fmt.Sprint(p.made % 7),
		})}
	}
	return refs
}

func (p *portal) Change(t *testing.T, refs []connectors.Ref, title string) {
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = r.ID
	}
	must(t, p.UpdateMany(ids, map[string]string{"jobtitle": title}, "17"))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *portal) SetOwn(t *testing.T, ref connectors.Ref, field, value string) {
	must(t, p.UpdateContact(ref.ID, map[string]string{"intent_" + field: value}, "17"))
}

func (p *portal) split(t *testing.T, ref connectors.Ref) (own, foreign map[string]string) {
	props, ok := p.Contact(ref.ID)
	if !ok {
		t.Fatalf("the portal has no %s", ref)
	}
	own, foreign = map[string]string{}, props
	for _, f := range connectors.PersonFields().Fields {
		if v := props["intent_"+f.Name]; v != "" {
			own[f.Name] = values.FromWire(f.Type, v)
		}
		delete(foreign, "intent_"+f.Name)
	}
	delete(foreign, "lastmodifieddate")
	return own, foreign
}

func (p *portal) Own(t *testing.T, ref connectors.Ref) map[string]string {
	own, _ := p.split(t, ref)
	return own
}

func (p *portal) Foreign(t *testing.T, ref connectors.Ref) map[string]string {
	_, foreign := p.split(t, ref)
	return foreign
}

func (p *portal) Merge(t *testing.T, winner, loser connectors.Ref) connectors.Ref {
	id, err := p.HubSpot.Merge(winner.ID, loser.ID)
	must(t, err)
	winner.ID = id
	return winner
}

func (p *portal) Archive(t *testing.T, ref connectors.Ref) { must(t, p.HubSpot.Archive(ref.ID)) }
func (p *portal) Erase(t *testing.T, ref connectors.Ref)   { must(t, p.HubSpot.Erase(ref.ID)) }

func (p *portal) Resist(t *testing.T, ref connectors.Ref) {
	if p.version == "v3" {
		t.Skip("older paths do not keep the portal's rules")
	}
	must(t, p.UpdateContact(ref.ID, map[string]string{"resists": "yes"}, "17"))
}

func (p *portal) Unprovision(t *testing.T, field string) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "https://api.hubapi.com/crm/properties/2026-09/contacts/intent_"+field, nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+portalToken)
	resp, err := p.Transport().RoundTrip(r)
	must(t, err)
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("archive a property: %s", resp.Status)
	}
}

func (p *portal) Revoke(*testing.T) { p.revoked.Store(true) }

func (p *portal) Fail(_ *testing.T, f connectortest.Failure) {
	p.Faults().Clear()
	if f.Kind == 0 {
		return
	}
	fault := f.Fault("SECONDLY")
	fault.Path = map[connectortest.Requests]string{connectortest.FeedRequests: "/search",
		connectortest.ReadRequests: "/batch/read", connectortest.WriteRequests: "/batch/update"}[f.On]
	if p.journal && f.On == connectortest.FeedRequests {
		fault.Path = "/webhooks-journal/journal"
	}
	p.Faults().Add(fault)
}

func (p *portal) Requests() int64 { return p.Counters().Requests }

func (p *portal) Limited() int64 { return connectortest.Refused(p.Counters()) }

func (p *portal) Secrets() []string { return []string{portalToken, appSecret, "sig="} }
