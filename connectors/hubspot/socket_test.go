package hubspot

import (
	"testing"

	"github.com/intentd/intentd/connectors/sandbox"
)

// Over a socket, as the real thing is reached: connections that break and answers that break off are retried.
func TestOverASocket(t *testing.T) {
	h := sandbox.NewHubSpot(sandbox.HubSpotOptions{})
	url, err := h.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback sockets here")
	}
	c, err := New(Options{Token: "pat-na1-sandbox", BaseURL: url})
	must(t, err)
	h.CreateContact(map[string]string{"email": "p@example.com"})
	h.Faults().Add(sandbox.Fault{Path: "/contacts", Reset: true})
	h.Faults().Add(sandbox.Fault{Path: "/contacts", Cut: 5})
	p, err := c.Sweep(t.Context(), nil)
	if err != nil || len(p.Items) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if r := c.Report(); r.Retries == 0 || r.BytesReceived == 0 || r.DailyLimit != 625_000 {
		t.Errorf("%+v", r)
	}
}
