package salesforce

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// journeysOf are the events of people, as "kind time title" lines by person.
func journeysOf(t *testing.T, s connectors.Source, people []connectors.Person, w connectors.Window) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	ids := map[string]bool{}
	for e, err := range s.Journeys(t.Context(), people, w) {
		must(t, err)
		if e.ID == "" || e.Source == "" || ids[e.Person+e.ID] {
			t.Errorf("an event without an id of its own: %+v", e)
		}
		ids[e.Person+e.ID] = true
		out[e.Person] = append(out[e.Person], e.Kind+" "+e.Time.Format(time.DateOnly)+" "+e.PageTitle)
	}
	for _, lines := range out {
		slices.Sort(lines)
	}
	return out
}

func wireTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Replies, accepted meetings and campaign responses are what the prospect did; the team's own doings are context. Archived
// activities are told, what lies outside the window is not, and nobody gets what is somebody else's.
func TestActivities(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		lead, other := p.Create(t, 2)[0], connectors.Ref{}
		p.object = Contact
		contact := p.Create(t, 1)[0]
		p.object = Lead
		other = p.Create(t, 1)[0]
		now := time.Now()
		day := func(n int) string { return wireTime(now.AddDate(0, 0, -n)) }
		date := func(n int) string { return now.UTC().AddDate(0, 0, -n).Format(time.DateOnly) }
		task := func(who string, ago int, subject, subtype string) string {
			return p.Salesforce.Create("Task", map[string]string{"WhoId": who, "Subject": subject, "TaskSubtype": subtype, "Status": "Completed",
				"ActivityDate": date(ago), "CreatedDate": day(ago), "CompletedDateTime": day(ago)})
		}
		task(lead.ID, 2, "Called back", "Call")
		task(lead.ID, 3, "Our offer", "Email")
		reply := task(lead.ID, 4, "Email: Re: offer", "Email")
		p.Salesforce.Create("EmailMessage", map[string]string{"ActivityId": reply, "Incoming": "true", "Subject": "Re: offer", "MessageDate": day(4)})
		task(contact.ID, 500, "Long ago", "Call") // archived
		deleted := task(lead.ID, 1, "Deleted", "Call")
		must(t, p.Delete("Task", deleted))
		campaign := p.Salesforce.Create("Campaign", map[string]string{"Name": "Autumn webinar", "Type": "Webinar", "OwnerId": p.UserID()})
		p.Salesforce.Create("CampaignMember", map[string]string{"CampaignId": campaign, "ContactId": contact.ID, "Status": "Responded", "FirstRespondedDate": date(6), "CreatedDate": day(9)})
		p.Salesforce.Create("CampaignMember", map[string]string{"CampaignId": campaign, "LeadId": lead.ID, "Status": "Sent"})
		meeting := func(who, subject, status string, ago int) {
			id := p.Salesforce.Create("Event", map[string]string{"WhoId": who, "Subject": subject, "StartDateTime": day(-3), "ActivityDateTime": day(-3), "DurationInMinutes": "30", "CreatedDate": day(ago)})
			p.Salesforce.Create("EventRelation", map[string]string{"EventId": id, "RelationId": who, "Status": status, "RespondedDate": day(ago)})
		}
		meeting(lead.ID, "Demo", "Accepted", 5)
		meeting(lead.ID, "Coffee", "New", 7)
		time.Sleep(time.Minute)

		people := []connectors.Person{{Key: "L", Refs: []connectors.Ref{lead}}, {Key: "C", Refs: []connectors.Ref{contact, {CRM: "hubspot", Object: "contacts", ID: "1"}}},
			{Key: "O", Refs: []connectors.Ref{other}}, {Key: "N", Emails: []string{"nobody@example.com"}}}
		touched, err := p.connect(t).Touches(t.Context(), []connectors.Ref{lead, contact, other}, now.AddDate(0, 0, -6))
		must(t, err)
		if got := touched[lead]; len(touched) != 1 || len(got) != 2 || got[0].Format(time.DateOnly) != date(3) || got[1].Format(time.DateOnly) != date(2) {
			t.Errorf("the own team dealt with them at %v", touched)
		}
		s := p.connect(t).Activities(ActivityOptions{})
		w := connectors.Window{From: now.AddDate(-2, 0, 0), To: now.AddDate(0, 0, 1)}
		got := journeysOf(t, s, people, w)
		want := map[string][]string{
			"L": {"email_reply " + date(4) + " Re: offer", "meeting " + date(5) + " Demo", "team_activity " + date(2) + " Called back", "team_activity " + date(3) + " Our offer", "team_activity " + date(7) + " Coffee"},
			"C": {"form_submit " + date(6) + " Autumn webinar", "team_activity " + date(500) + " Long ago"},
		}
		for _, lines := range want {
			slices.Sort(lines)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("journeys are\n%v, want\n%v", got, want)
		}
		w.From = now.AddDate(0, 0, -5).Add(time.Second)
		if got := journeysOf(t, s, people, w)["L"]; len(got) != 3 || strings.Contains(fmt.Sprint(got), "meeting") {
			t.Errorf("within five days: %v", got)
		}
	})
}

// Active tells whose responses, acceptances and replies came in, with the addresses a host goes by; the oldest with a nil cursor,
// the new ones later, and no one twice.
func TestActive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 5)
		campaign := p.Salesforce.Create("Campaign", map[string]string{"Name": "Webinar", "OwnerId": p.UserID()})
		p.Salesforce.Create("CampaignMember", map[string]string{"CampaignId": campaign, "LeadId": refs[0].ID, "Status": "Responded"})
		time.Sleep(24 * time.Hour)
		s := p.connect(t).Activities(ActivityOptions{Name: "acts"})
		var cursor connectors.Cursor
		active := func() string {
			var ids []string
			for {
				page, err := s.Active(t.Context(), cursor)
				must(t, err)
				cursor = page.Next
				for _, who := range page.Items {
					if len(who.Emails) != 1 {
						t.Errorf("%+v has no address", who)
					}
					ids = append(ids, fmt.Sprint(slices.Index(refs, who.Refs[0])))
				}
				if !page.More {
					slices.Sort(ids)
					return strings.Join(ids, " ")
				}
			}
		}
		if got := active(); got != "0" {
			t.Errorf("at first: %s", got)
		}
		if got := active(); got != "" {
			t.Errorf("again: %s", got)
		}
		time.Sleep(time.Hour)
		task := p.Salesforce.Create("Task", map[string]string{"WhoId": refs[1].ID, "TaskSubtype": "Email", "Subject": "Re", "Status": "Completed"})
		p.Salesforce.Create("EmailMessage", map[string]string{"ActivityId": task, "Incoming": "true"})
		event := p.Salesforce.Create("Event", map[string]string{"WhoId": refs[2].ID, "Subject": "Demo", "StartDateTime": wireTime(time.Now()), "DurationInMinutes": "30"})
		p.Salesforce.Create("EventRelation", map[string]string{"EventId": event, "RelationId": refs[2].ID, "Status": "Accepted"})
		p.Salesforce.Create("CampaignMember", map[string]string{"CampaignId": campaign, "LeadId": refs[3].ID, "Status": "Responded"})
		p.Salesforce.Create("Task", map[string]string{"WhoId": refs[4].ID, "TaskSubtype": "Call", "Subject": "Our call", "Status": "Completed"})
		time.Sleep(time.Minute)
		if got := active(); got != "1 2 3" {
			t.Errorf("an hour later: %s", got)
		}
		if got := active(); got != "" {
			t.Errorf("again: %s", got)
		}
		// What Active told is found by Journeys, whatever was known before.
		w := connectors.Window{From: time.Now().AddDate(-1, 0, 0), To: time.Now().AddDate(0, 0, 1)}
		got := journeysOf(t, s, []connectors.Person{{Key: "3", Refs: refs[3:4]}}, w)
		if len(got["3"]) != 1 {
			t.Errorf("%v", got)
		}
		if _, err := s.Active(t.Context(), connectors.Cursor(`{"v":1,"f":"deals"}`)); connectors.KindOf(err) != connectors.Config {
			t.Errorf("a foreign cursor: %v", err)
		}
	})
}

// What nobody ever did is looked for from the beginning once; after that only what is new is asked for.
func TestActiveIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		c, f := p.watched(t, nil)
		s := c.Activities(ActivityOptions{})
		page, err := s.Active(t.Context(), nil)
		must(t, err)
		time.Sleep(time.Hour)
		before := len(f.request)
		_, err = s.Active(t.Context(), page.Next)
		must(t, err)
		for _, r := range f.request[before:] {
			if !strings.Contains(r.query, "SystemModstamp >= ") {
				t.Errorf("without a bound: %s", r.query)
			}
		}
	})
}

// Objects that the org does not show are left out; people without activity cost nothing.
func TestActivitiesHidden(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 3)
		p.Salesforce.Create("Task", map[string]string{"WhoId": refs[0].ID, "TaskSubtype": "Email", "Subject": "Ours", "Status": "Completed", "ActivityDate": time.Now().UTC().Format(time.DateOnly)})
		c, f := p.watched(t, func(r seen) reply {
			for _, object := range []string{"EmailMessage", "EventRelation", "CampaignMember"} {
				if strings.Contains(r.query, "FROM "+object+" ") {
					return reply{status: 400, body: `[{"message":"sObject type '` + object + `' is not supported.","errorCode":"INVALID_TYPE"}]`}
				}
			}
			return reply{}
		})
		s := c.Activities(ActivityOptions{})
		if page, err := s.Active(t.Context(), nil); err != nil || len(page.Items) > 0 {
			t.Errorf("%v, %v", page, err)
		}
		w := connectors.Window{From: time.Now().AddDate(-1, 0, 0), To: time.Now().AddDate(0, 0, 1)}
		people := []connectors.Person{{Key: "0", Refs: refs[:1]}, {Key: "1", Refs: refs[1:2]}}
		if got := journeysOf(t, s, people, w); len(got["0"]) != 1 || len(got) != 1 {
			t.Errorf("%v", got)
		}
		_, err := c.Read(t.Context(), refs)
		must(t, err)
		before := len(f.request)
		if got := journeysOf(t, s, people[1:], w); len(got) > 0 {
			t.Errorf("%v", got)
		}
		if n := len(f.request) - before; n > 0 {
			t.Errorf("somebody without activity cost %d requests", n)
		}
	})
}
