package salesforce

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/sandbox"
)

func TestConformance(t *testing.T) {
	for _, object := range []string{Lead, Contact} {
		t.Run(object, func(t *testing.T) {
			connectortest.CRM(t, func(t *testing.T) connectortest.CRMHarness { return newOrg(t, object) })
		})
	}
}

const (
	orgSecret = "conformance-client-secret"
	orgHost   = "https://sandbox.my.salesforce.com"
)

// org is a sandbox org as the conformance suite sees it: its people are records of one object, and the connector watches both.
type org struct {
	*sandbox.Salesforce
	object string
	made   int
}

func newOrg(t *testing.T, object string) *org {
	p := &org{object: object, Salesforce: sandbox.NewSalesforce(sandbox.SalesforceOptions{ClientSecret: orgSecret})}
	for _, o := range []string{Lead, Contact} {
		p.Track(o, "Title")
		p.AddRule(sandbox.SalesforceRule{Object: o, When: "LeadSource", Is: "Other", Message: "Others are not to be scored."})
	}
	if _, err := p.Connect(t).(*Client).Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *org) options() Options {
	return Options{InstanceURL: orgHost, Auth: Auth{Flow: ClientCredentials, ClientID: "sandbox-client", ClientSecret: orgSecret}, HTTP: p.Transport()}
}

func (p *org) connect(t testing.TB, change ...func(*Options)) *Client {
	t.Helper()
	o := p.options()
	for _, ch := range change {
		ch(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (p *org) Connect(t *testing.T) connectors.CRM { return p.connect(t) }

func (p *org) Figures() connectortest.CRMFigures {
	return connectortest.CRMFigures{Page: pageSize, Batch: batchSize, Lookback: 10 * time.Minute, IdleRequests: 2, Title: "Title"}
}

func (p *org) Create(t *testing.T, n int) []connectors.Ref {
	ids := p.CreateMany(p.object, n, func(i int) map[string]string {
		p.made++
		f := map[string]string{"FirstName": fmt.Sprintf("First %d", p.made), "LastName": "Last", "Title": "Engineer", "Email": fmt.Sprintf("person%d@example.com", p.made),
			"Phone": fmt.Sprintf("+49 30 %d", p.made)}
		if p.object == Lead {
			f["Company"] = fmt.Sprintf("Company %d", p.made%7)
		}
		return f
	})
	refs := make([]connectors.Ref, n)
	for i, id := range ids {
		refs[i] = connectors.Ref{CRM: "salesforce", Object: p.object, ID: id}
	}
	return refs
}

func (p *org) Change(t *testing.T, refs []connectors.Ref, title string) {
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = r.ID
	}
	must(t, p.UpdateMany(p.object, ids, map[string]string{"Title": title}, ""))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *org) SetOwn(t *testing.T, ref connectors.Ref, field, value string) {
	must(t, p.Update(ref.Object, ref.ID, map[string]string{defaultName(field): value}, ""))
}

func (p *org) split(t *testing.T, ref connectors.Ref) (own, foreign map[string]string) {
	fields, ok := p.Record(ref.Object, ref.ID)
	if !ok {
		t.Fatalf("the org has no %s", ref)
	}
	own = map[string]string{}
	for _, f := range connectors.PersonFields().Fields {
		if v := fields[defaultName(f.Name)]; v != "" {
			own[f.Name] = values.FromWire(f.Type, v)
		}
		delete(fields, defaultName(f.Name))
	}
	for _, stamp := range []string{"SystemModstamp", "LastModifiedDate", "LastModifiedById"} {
		delete(fields, stamp)
	}
	return own, fields
}

func (p *org) Own(t *testing.T, ref connectors.Ref) map[string]string {
	own, _ := p.split(t, ref)
	return own
}

func (p *org) Foreign(t *testing.T, ref connectors.Ref) map[string]string {
	_, foreign := p.split(t, ref)
	return foreign
}

func (p *org) Merge(t *testing.T, winner, loser connectors.Ref) connectors.Ref {
	must(t, p.Salesforce.Merge(p.object, winner.ID, loser.ID))
	return winner
}

func (p *org) Archive(t *testing.T, ref connectors.Ref) { must(t, p.Delete(ref.Object, ref.ID)) }
func (p *org) Erase(t *testing.T, ref connectors.Ref)   { must(t, p.Purge(ref.Object, ref.ID)) }

func (p *org) Resist(t *testing.T, ref connectors.Ref) {
	must(t, p.Update(ref.Object, ref.ID, map[string]string{"LeadSource": "Other"}, ""))
}

func (p *org) Unprovision(t *testing.T, field string) {
	must(t, p.Undefine(p.object+"."+defaultName(field)))
}

func (p *org) Revoke(*testing.T) { p.Freeze() }

func (p *org) Fail(_ *testing.T, f connectortest.Failure) {
	p.Faults().Clear()
	if f.Kind == 0 {
		return
	}
	fault := f.Fault("CONCURRENT")
	switch f.On {
	case connectortest.FeedRequests:
		fault.Path = "/queryAll"
	case connectortest.ReadRequests:
		fault.Method, fault.Path = http.MethodPost, "/composite/sobjects/"
	case connectortest.WriteRequests:
		fault.Method, fault.Path = http.MethodPatch, "/composite/sobjects"
	}
	p.Faults().Add(fault)
}

func (p *org) Requests() int64 { return p.Counters().Requests }

func (p *org) Limited() int64 { return connectortest.Refused(p.Counters()) }

func (p *org) Secrets() []string { return []string{orgSecret} }
