package salesforce

import (
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

// Over a socket, as the real thing is reached: connections that break and answers that break off are retried.
func TestOverASocket(t *testing.T) {
	p := &org{object: Lead, Salesforce: sandbox.NewSalesforce(sandbox.SalesforceOptions{ClientSecret: orgSecret})}
	url, err := p.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback sockets here")
	}
	c := p.connect(t, func(o *Options) { o.InstanceURL, o.HTTP = url, nil })
	if _, err := c.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	refs := p.Create(t, 3)
	p.Faults().Add(sandbox.Fault{Path: "/composite/sobjects/", Reset: true})
	p.Faults().Add(sandbox.Fault{Path: "/composite/sobjects/", Cut: 5})
	read, err := c.Read(t.Context(), refs)
	if err != nil || len(read) != 3 || read[2].State != connectors.Live {
		t.Fatalf("%+v, %v", read, err)
	}
	if r := c.Report(); r.Retries == 0 || r.BytesReceived == 0 || r.DailyLimit != 100_000 || r.SkewAt.IsZero() {
		t.Errorf("%+v", r)
	}
}
