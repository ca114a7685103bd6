package hubspot

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

func TestDealsComeWithTheirContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h := box(t, sandbox.HubSpotOptions{})
		var people []string
		for i := range 1203 {
			people = append(people, h.CreateContact(map[string]string{"email": fmt.Sprintf("p%d@example.com", i)}))
		}
		won := h.CreateDeal(map[string]string{"dealname": "Big", "dealstage": "closedwon", "pipeline": "default", "amount": "1200.50", "createdate": "1999-11-01T00:00:00Z", "closedate": "1999-12-24T00:00:00Z"}, people...)
		lost := h.CreateDeal(map[string]string{"dealname": "Lost", "dealstage": "closedlost", "closedate": "1999-12-25T00:00:00Z"})
		open := h.CreateDeal(map[string]string{"dealname": "Open", "dealstage": "appointmentscheduled"}, people[0])
		for i := range 240 {
			h.CreateDeal(map[string]string{"dealname": fmt.Sprint("Deal ", i), "dealstage": "closedlost"}, people[i])
		}
		time.Sleep(time.Hour)
		got := map[string]connectors.Deal{}
		var cursor connectors.Cursor
		drain := func() int {
			pages := 0
			for {
				p, err := c.Deals(t.Context(), cursor, time.Time{})
				must(t, err)
				for _, d := range p.Items {
					got[d.ID] = d
				}
				cursor = p.Next
				if pages++; !p.More {
					return pages
				}
			}
		}
		if n := drain(); n != 2 || len(got) != 242 {
			t.Fatalf("%d deals on %d pages", len(got), n)
		}
		d := got[won]
		if !d.Won || d.Name != "Big" || d.Stage != "closedwon" || d.Amount != "1200.50" || d.Object != Deals || len(d.Contacts) != 1203 ||
			!d.Created.Equal(time.Date(1999, 11, 1, 0, 0, 0, 0, time.UTC)) || !d.Closed.Equal(time.Date(1999, 12, 24, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v with %d contacts", d, len(d.Contacts))
		}
		if d := got[lost]; d.Won || len(d.Contacts) != 0 || d.Closed.IsZero() {
			t.Errorf("%+v", d)
		}
		if _, there := got[open]; there {
			t.Error("an open deal was told")
		}
		clear(got)
		time.Sleep(time.Hour)
		must(t, h.UpdateDeal(open, map[string]string{"dealstage": "closedwon"}, "1"))
		time.Sleep(time.Minute)
		before := h.Counters().Requests
		if drain(); len(got) != 1 || !got[open].Won || !slices.Equal(got[open].Contacts, []connectors.Ref{ref(people[0])}) {
			t.Errorf("then %+v", got)
		}
		if n := h.Counters().Requests - before; n != 2 {
			t.Errorf("%d requests for one deal", n)
		}
	})
}
