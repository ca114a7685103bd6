package hubspot

import (
	"testing"
	"time"

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

// The files of the journal lie at another address, which over a socket is the sandbox's own.
func TestJournalOverASocket(t *testing.T) {
	h := sandbox.NewHubSpot(sandbox.HubSpotOptions{App: &sandbox.JournalApp{ClientID: appID, ClientSecret: appSecret, Lag: -time.Minute}}) // at once
	url, err := h.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback sockets here")
	}
	c, err := New(Options{Token: "pat-na1-sandbox", BaseURL: url, Journal: &JournalOptions{ClientID: appID, ClientSecret: appSecret}})
	must(t, err)
	p, err := c.Changes(t.Context(), nil)
	must(t, err)
	id := h.CreateContact(map[string]string{"email": "p@example.com"})
	h.Faults().Add(sandbox.Fault{Path: "/journal-files", Reset: true})
	h.Faults().Add(sandbox.Fault{Path: "/journal-files", Cut: 5})
	p, err = c.Changes(t.Context(), p.Next)
	if err != nil || len(p.Items) != 1 || p.Items[0].ID != id {
		t.Fatalf("%+v, %v", p, err)
	}
	if r := c.Report(); r.Calls < 8 || r.Retries == 0 {
		t.Errorf("%+v", r)
	}
}
