package hubspot

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/sandbox"
)

func TestEmailFeed(t *testing.T) {
	connectortest.Feed(t, func(t *testing.T) connectortest.FeedHarness {
		p := newFedPortal(sandbox.HubSpotOptions{Unlimited: true})
		back := time.Duration(0)
		add := func(e connectors.Event) {
			if e.Time.Before(p.now.Add(-24*time.Hour)) && p.n > 1 { // HubSpot files nothing so late: as late as the feed looks for
				back = p.now.Sub(e.Time) - 23*time.Hour
				e.Time = e.Time.Add(back)
			}
			p.AddEmailEvent(sandbox.EmailEvent{ID: e.ID, Type: "CLICK", Time: e.Time, Recipient: e.Email, URL: e.URL})
		}
		tells := func(e connectors.Event) connectors.Event {
			e.Kind, e.PageTitle = connectors.KindEmailClick, ""
			return e
		}
		return p.harness(t, emailPage, func(c *Client) connectors.Feed { return c.Email(FeedOptions{}) }, add, tells)
	})
}

// Promise: what happened to a mail is told as what it is: opens and clicks that HubSpot's reports leave out as a machine's, deliveries so
// that gateways are recognised, who leaves a list; what says nothing of the recipient is counted.
func TestEmailEventsAreToldAsWhatTheyAre(t *testing.T) {
	p := newFedPortal(sandbox.HubSpotOptions{})
	p.NameCampaign(7, "November news")
	for i, e := range []sandbox.EmailEvent{
		{Type: "SENT"}, {Type: "PROCESSED"}, {Type: "DELIVERED"}, {Type: "DEFERRED"},
		{Type: "OPEN", UserAgent: "Mozilla/5.0", DeviceType: "UNKNOWN"}, {Type: "OPEN", Filtered: true}, {Type: "OPEN", Obsolete: true},
		{Type: "CLICK", URL: "https://www.example.com/pricing"}, {Type: "CLICK", Filtered: true}, {Type: "CLICK", Campaign: 8},
		{Type: "BOUNCE"}, {Type: "SPAMREPORT"}, {Type: "UNBOUNCE", Recipient: "-"},
		{Type: "STATUSCHANGE", Status: "UNSUBSCRIBED", Source: "SOURCE_RECIPIENT"}, {Type: "STATUSCHANGE", Status: "UNSUBSCRIBED", Source: "SOURCE_HUBSPOT_CUSTOMER"},
		{Type: "STATUSCHANGE", Status: "SUBSCRIBED", Source: "SOURCE_RECIPIENT"}, {Type: "STATUSCHANGE", Status: "SUBSCRIBED", Source: "SOURCE_HUBSPOT_CUSTOMER"},
	} {
		e.ID, e.Time = fmt.Sprintf("%02d", i), p.now.Add(-time.Duration(100-i)*time.Second)
		if e.Campaign == 0 {
			e.Campaign = 7
		}
		if e.Recipient = map[string]string{"": "ada@one.example", "-": ""}[e.Recipient]; e.Type == "" {
			t.Fatal(e)
		}
		p.AddEmailEvent(e)
	}
	f := p.client(t).Email(FeedOptions{})
	events, at := takeAll(t, f, nil)
	slices.SortFunc(events, func(a, b connectors.Event) int { return a.Time.Compare(b.Time) })
	var got []string
	for _, e := range slices.CompactFunc(events, func(a, b connectors.Event) bool { return a.ID == b.ID }) {
		text := e.ID + " " + e.Kind + " " + e.Properties[connectors.PropCampaign]
		if e.Properties[connectors.PropMachine] != "" {
			text += " by a machine"
		}
		if e.URL != "" {
			text += " " + e.URL
		}
		got = append(got, text)
		if e.Email != "ada@one.example" || e.Source != "hubspot-email" {
			t.Errorf("told %+v", e)
		}
	}
	want := []string{"mail:02 email_delivered November news", "mail:04 email_open November news", "mail:05 email_open November news by a machine",
		"mail:07 email_click November news https://www.example.com/pricing", "mail:08 email_click November news by a machine", "mail:09 email_click mail 8",
		"mail:10 bounce November news", "mail:11 unsubscribe November news", "mail:13 unsubscribe November news", "mail:14 unsubscribe November news", "mail:15 newsletter November news"}
	if !slices.Equal(got, want) {
		t.Errorf("told\n%q\nwant\n%q", got, want)
	}
	for range 2 { // what is read again is not counted again
		in, err := f.(connectors.IntakeReader).Intake(at)
		if err != nil || in.Read < 17 || in.LeftOut[leftOutSending] != 3 || in.LeftOut[leftOutObsolete] != 1 || in.LeftOut[leftOutStatus] != 1 || in.LeftOut[connectors.LeftOutNobody] != 1 {
			t.Errorf("counted %+v, %v", in, err)
		}
		p.now = p.now.Add(time.Minute)
		_, at = takeAll(t, f, at)
	}
}

// Promise: events of before the last thirty days are asked for, many pages and ties lose nothing, and a page that was kept waiting until
// its token ended is begun anew.
func TestEmailPages(t *testing.T) {
	p := newFedPortal(sandbox.HubSpotOptions{Unlimited: true})
	var want []string
	for i := range 6000 {
		id := fmt.Sprint(i)
		p.AddEmailEvent(sandbox.EmailEvent{ID: id, Type: "DELIVERED", Time: p.now.Add(-time.Duration(i/2500) * 35 * 24 * time.Hour).Add(-time.Minute), Recipient: "a@one.example"})
		want = append(want, "mail:"+id)
	}
	slices.Sort(want)
	f := p.client(t).Email(FeedOptions{})
	var events []connectors.Event
	var at connectors.Cursor
	for kept := 0; ; {
		page, err := f.Take(t.Context(), at)
		must(t, err)
		events, at = append(events, page.Items...), page.Next
		if !page.More {
			break
		}
		if len(page.Items) == emailPage && kept < 3 { // in the middle of a window
			kept++
			p.now = p.now.Add(11 * time.Minute)
		}
	}
	rest, at := takeAll(t, f, at) // a window that was refused twice in a row goes on with the next poll
	if got := idsOf(append(events, rest...)); !slices.Equal(got, want) {
		t.Errorf("told %d of %d", len(got), len(want))
	}
	if n := p.Counters().Requests; n > 30 {
		t.Errorf("%d calls for %d events in 90 days", n, len(want))
	}
	before := p.Counters().Requests
	_, at = takeAll(t, f, at)
	for range 59 {
		p.now = p.now.Add(time.Minute)
		_, at = takeAll(t, f, at)
	}
	if n := p.Counters().Requests - before; n > 65 {
		t.Errorf("%d calls in an idle hour of a poll a minute", n)
	}
}
