package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/learn/backtest"
)

// did is a line of the events that a place's source of files tells.
func did(at time.Time, kind, email, path string) string {
	return fmt.Sprintf(`{"id":"%s-%d","time":%q,"kind":%q,"email":%q,"url":"https://www.example.com%s"}`+"\n", kind, at.UnixNano(), at.Format(time.RFC3339), kind, email, path)
}

// happened adds lines to the events of a place.
func (p *place) happened(t *testing.T, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(p.events, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Join(lines, "")); err != nil {
		t.Fatal(err)
	}
}

// backtest runs one over the closed deals of a place's CRM.
func (p *place) backtest(t *testing.T, network http.RoundTripper, change ...func(*BacktestOptions)) (*BacktestOf, error) {
	t.Helper()
	cfg, problems := config.Load(p.file, Types)
	if cfg == nil {
		t.Fatal(problems)
	}
	o := BacktestOptions{Config: cfg, Span: 365 * 24 * time.Hour, App: Options{Path: p.file, Log: NewLog(p.log, cfg), HTTP: network}}
	for _, ch := range change {
		ch(&o)
	}
	return Backtest(t.Context(), o)
}

// fiveDeals are three won and two lost, created on a day, with the journeys of their people up to then:
//
//	won, 10,000: Ada asked for a demo 20.5 days before: high 20 days before
//	won, 5,000: Bob saw a page, Carl asked for a demo 10.5 days before: the deal was high 10 days before
//	won, 2,000: nobody is on it
//	lost: Dora saw the prices 100 and 3 days before
//	lost: nobody knows anything of Eve
func fiveDeals(created time.Time) (contacts [][]string, props []map[string]string, events []string) {
	before := func(days float64) time.Time { return created.Add(-time.Duration(days * 24 * float64(time.Hour))) }
	contacts = [][]string{{"ada@one.example"}, {"bob@two.example", "carl@two.example"}, nil, {"dora@four.example"}, {"eve@five.example"}}
	for i, stage := range []string{"closedwon", "closedwon", "closedwon", "closedlost", "closedlost"} {
		props = append(props, map[string]string{"dealname": fmt.Sprint("Deal ", i), "dealstage": stage, "amount": []string{"10000", "5000.00", "2000", "700", ""}[i],
			"createdate": created.Format(time.RFC3339), "closedate": created.AddDate(0, 1, 0).Format(time.RFC3339)})
	}
	return contacts, props, []string{
		did(before(20.5), "demo_request", "ada@one.example", "/demo"), did(before(30), "page_view", "bob@two.example", "/about"), did(before(10.5), "demo_request", "carl@two.example", "/demo"),
		did(before(85), "page_view", "dora@four.example", "/pricing"), did(before(3), "page_view", "dora@four.example", "/pricing"),
	}
}

// later is what happened once the deals were created, which must not be seen.
func later(created time.Time) []string {
	return []string{
		did(created.Add(-23*time.Hour), "demo_request", "dora@four.example", "/demo"), did(created.Add(time.Hour), "purchase", "bob@two.example", "/checkout"),
		did(created.Add(48*time.Hour), "demo_request", "eve@five.example", "/demo"),
	}
}

// between does something once the people of deals were asked for.
type between struct {
	http.RoundTripper
	do func()
}

func (b between) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if strings.Contains(r.URL.Path, "/associations/") {
		b.do()
	}
	return resp, err
}

const dealsGolden = `Of 3 deals won since 2 Jan 2001, 2 (67 %) had somebody high before the deal was created, half of them at least 20 days before; 0 never had, and 1 left no trace.
They were worth 17000, by the best tier before: high 15000 (88 % of it, 2 deals); no trace 2000 (12 % of it, 1 deal).`

// Promise: of closed deals it is told how many were high before they were created, how early, and what they were worth. What happened from a day before a deal was created on changes nothing of it.
func TestBacktestOverDeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, Scopes: []string{"crm.objects.contacts.read", "crm.objects.deals.read"}})
		created := time.Now().AddDate(0, -2, 0)
		contacts, props, events := fiveDeals(created)
		id := map[string]string{}
		for i := range contacts {
			var on []string
			for _, email := range contacts[i] {
				id[email] = p.portal.CreateContact(map[string]string{"email": email, "lifecyclestage": "customer"})
				on = append(on, id[email])
			}
			p.portal.CreateDeal(props[i], on...)
		}
		p.happened(t, events...)
		time.Sleep(time.Minute)
		before := p.portal.Counters().Requests
		first, err := p.backtest(t, p.portal.Transport())
		if err != nil {
			t.Fatal(err, p.log)
		}
		if n := p.portal.Counters().Requests - before; n > 6 {
			t.Errorf("%d requests", n)
		}
		if got := strings.Join(backtest.Headline(first.Result)[:2], "\n"); got != dealsGolden {
			t.Errorf("got\n%s\nwant\n%s", got, dealsGolden)
		}
		if want := map[string]int{whyNobody: 1, whyNoTrace: 1}; fmt.Sprint(first.LeftOut) != fmt.Sprint(want) || first.People != 4 || first.Won != 3 {
			t.Errorf("left out %v, want %v; %d people, %d won", first.LeftOut, want, first.People, first.Won)
		}
		if n := len(p.portal.Writes()); n != 0 {
			t.Errorf("%d records were written", n)
		}
		if _, err := os.Stat(filepath.Join(p.dir, "s.db")); err == nil {
			t.Error("there is a state")
		}
		p.happened(t, later(created)...)
		newer := p.portal.CreateContact(map[string]string{"email": "carl.new@two.example"})
		time.Sleep(time.Minute)
		second, err := p.backtest(t, between{p.portal.Transport(), func() { // the deals were read, their people not yet
			if _, err := p.portal.Merge(newer, id["carl@two.example"]); err != nil {
				t.Error(err)
			}
		}})
		if err != nil {
			t.Fatal(err, p.log)
		}
		one, _ := json.Marshal(first.Result)
		two, _ := json.Marshal(second.Result)
		since := func(b []byte) string {
			return strings.ReplaceAll(string(b), second.Deals.Since.Format(time.RFC3339), first.Deals.Since.Format(time.RFC3339))
		}
		if string(one) != since(two) {
			t.Errorf("what happened later shows:\n%s\n%s", one, two)
		}
	})
}

// withSalesforce gives a place an org in the portal's stead.
func (p *place) withSalesforce(t *testing.T) *sandbox.Salesforce {
	t.Helper()
	org := sandbox.NewSalesforce(sandbox.SalesforceOptions{Now: time.Now})
	text := fmt.Sprintf(`
state: {path: %q}
http: {listen: ""}
crms: [{name: org, type: salesforce, login_url: "http://127.0.0.1:1", instance_url: "http://127.0.0.1:1", auth: {flow: client_credentials, client_id: sandbox-client, client_secret: sandbox-secret}}]
sources: [{name: site, type: jsonl, path: %q}]
privacy: {own_hosts: [www.example.com]}
`, filepath.Join(p.dir, "s.db"), p.events)
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return org
}

// Promise: the same holds of an org of Salesforce, where people are on a deal by a contact role or were converted with it.
func TestBacktestOverOpportunities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		org := p.withSalesforce(t)
		created := time.Now().AddDate(0, -2, 0)
		contacts, props, events := fiveDeals(created)
		account := org.Create("Account", map[string]string{"Name": "All of them"})
		for i := range contacts {
			stage := map[string]string{"closedwon": "Closed Won", "closedlost": "Closed Lost"}[props[i]["dealstage"]]
			deal := org.Create("Opportunity", map[string]string{"Name": props[i]["dealname"], "AccountId": account, "StageName": stage, "Amount": props[i]["amount"], "CloseDate": created.AddDate(0, 1, 0).Format(time.DateOnly),
				"CreatedDate": created.UTC().Format("2006-01-02T15:04:05.000+0000"), "OwnerId": org.UserID()})
			for _, email := range contacts[i] {
				person := org.Create("Contact", map[string]string{"LastName": email, "Email": email, "AccountId": account})
				org.Create("OpportunityContactRole", map[string]string{"OpportunityId": deal, "ContactId": person})
			}
		}
		p.happened(t, events...)
		p.happened(t, later(created)...)
		time.Sleep(time.Hour)
		r, err := p.backtest(t, org.Transport())
		if err != nil {
			t.Fatal(err, p.log)
		}
		if got := strings.Join(backtest.Headline(r.Result)[:2], "\n"); got != dealsGolden {
			t.Errorf("got\n%s\nwant\n%s", got, dealsGolden)
		}
	})
}

// Promise: what stands in the way is told in one sentence that says what to do.
func TestBacktestOverDealsSaysWhatIsMissing(t *testing.T) {
	for want, c := range map[string]struct {
		scopes []string
		deals  bool
		spent  string // the path that meets a spent daily quota
	}{
		"give the service key or app the scope crm.objects.deals.read": {scopes: []string{"crm.objects.contacts.read"}, deals: true},
		"hubspot: search changed deals: DAILY: You have reached your daily limit. It turns at midnight in UTC.: until 2002-01-03T00:00:00Z: run it again then, or ask for less with --since": {deals: true, spent: "/deals/search"},
		"read 5 contacts":                     {deals: true, spent: "/objects/2026-09/contacts/batch/read"},
		"no deal was closed since 2001-01-02": {},
		"no source knows anything that one of the 5 people of 5 closed deals did before (left out: deals without a contact: 1)": {deals: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(2 * 366 * 24 * time.Hour)
			p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, Scopes: c.scopes})
			contacts, props, _ := fiveDeals(time.Now().AddDate(0, -2, 0))
			for i := range contacts {
				if !c.deals {
					continue
				}
				var on []string
				for _, email := range contacts[i] {
					on = append(on, p.portal.CreateContact(map[string]string{"email": email}))
				}
				p.portal.CreateDeal(props[i], on...)
			}
			if c.spent != "" {
				p.portal.Faults().Add(sandbox.Fault{Path: c.spent, Times: -1, Policy: "DAILY"})
			}
			time.Sleep(time.Minute)
			if _, err := p.backtest(t, p.portal.Transport()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// Promise: deals are read in pages and their people in whole batches: what it costs in calls does not grow with people, but with hundreds of them.
func TestBacktestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		created := time.Now().AddDate(0, -6, 0)
		const deals = 1000
		var lines []string
		for i := range deals {
			email := fmt.Sprintf("p%d@company%d.example", i, i)
			at := created.Add(time.Duration(i) * time.Hour)
			stage := []string{"closedwon", "closedlost", "closedlost"}[i%3]
			p.portal.CreateDeal(map[string]string{"dealname": email, "dealstage": stage, "amount": "1000", "createdate": at.Format(time.RFC3339), "closedate": at.AddDate(0, 1, 0).Format(time.RFC3339)},
				p.portal.CreateContact(map[string]string{"email": email, "hs_analytics_num_visits": "3", "hs_analytics_last_visit_timestamp": at.Format(time.RFC3339)}))
			lines = append(lines, did(at.AddDate(0, 0, -10-i%20), []string{"demo_request", "page_view"}[i%2], email, "/pricing"))
		}
		p.happened(t, lines...)
		time.Sleep(time.Minute)
		before := p.portal.Counters().Requests
		r, err := p.backtest(t, p.portal.Transport())
		if err != nil {
			t.Fatal(err, p.log)
		}
		calls := p.portal.Counters().Requests - before
		t.Logf("%d calls for %d deals with a person each: %+v", calls, deals, p.portal.Counters())
		if r.Deals.Won+r.Deals.Lost+r.LeftOut[whyBeforeAll] != deals || r.Deals.Won == 0 || calls > 65 {
			t.Errorf("%d calls; deals %+v, left out %v", calls, r.Deals, r.LeftOut)
		}
	})
}

// Promise: at a past date everybody counts who was active then, by what was known then: who came to a deal that was won is told beside who did not, and who was in a deal already is left out.
func TestBacktestAsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now, Scopes: []string{"crm.objects.contacts.read", "crm.objects.deals.read"}})
		created := time.Now().AddDate(0, -2, 0)
		date := created.AddDate(0, 0, -20)
		contacts, props, events := fiveDeals(created)
		contacts, props = append(contacts, []string{"gina@six.example"}), append(props, map[string]string{"dealstage": "closedlost",
			"createdate": date.AddDate(0, 0, -30).Format(time.RFC3339), "closedate": date.AddDate(0, 0, 5).Format(time.RFC3339)})
		for i := range contacts {
			var on []string
			for _, email := range contacts[i] {
				on = append(on, p.portal.CreateContact(map[string]string{"email": email}))
			}
			p.portal.CreateDeal(props[i], on...)
		}
		p.portal.CreateContact(map[string]string{"email": "fred@seven.example"}) // on no deal
		p.happened(t, append(events, did(date.AddDate(0, 0, -4), "page_view", "fred@seven.example", "/about"), did(date.AddDate(0, 0, -4), "demo_request", "gina@six.example", "/demo"))...)
		time.Sleep(time.Minute)
		r, err := p.backtest(t, p.portal.Transport(), func(o *BacktestOptions) { o.AsOf, o.Within = date, 60*24*time.Hour })
		if err != nil {
			t.Fatal(err, p.log)
		}
		// Ada asked half a day before, Bob and Fred saw a page, Dora the prices; Carl asked later, of Eve nothing is known, and Gina was in a deal.
		want := "On " + date.Format("2 Jan 2006") + " 4 people were active; of 2 of them a deal was created in the 60 days after and won since: on that day 1 high, 1 low.\n" +
			"Of the 1 who were high 100 % were won, of all who were active 50 %: 2.0 times as often."
		if got := strings.Join(backtest.Headline(r.Result)[:2], "\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if want := map[string]int{whyIdle: 2, whyInADeal: 1}; fmt.Sprint(r.LeftOut) != fmt.Sprint(want) {
			t.Errorf("left out %v, want %v", r.LeftOut, want)
		}
	})
}

func TestBacktestCallsOfSalesforce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * 366 * 24 * time.Hour)
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		org := p.withSalesforce(t)
		created := time.Now().AddDate(0, -6, 0)
		account := org.Create("Account", map[string]string{"Name": "All of them"})
		const deals = 1000
		var lines []string
		for i := range deals {
			at := created.Add(time.Duration(i) * time.Hour)
			email := fmt.Sprintf("p%d@company%d.example", i, i)
			deal := org.Create("Opportunity", map[string]string{"Name": email, "AccountId": account, "StageName": []string{"Closed Won", "Closed Lost"}[i%2], "CloseDate": at.AddDate(0, 1, 0).Format(time.DateOnly),
				"CreatedDate": at.UTC().Format("2006-01-02T15:04:05.000+0000"), "OwnerId": org.UserID()})
			person := org.Create("Contact", map[string]string{"LastName": email, "Email": email, "AccountId": account})
			org.Create("OpportunityContactRole", map[string]string{"OpportunityId": deal, "ContactId": person})
			lines = append(lines, did(at.AddDate(0, 0, -10-i%20), "page_view", email, "/pricing"))
		}
		p.happened(t, lines...)
		time.Sleep(time.Hour)
		r, err := p.backtest(t, org.Transport())
		if err != nil {
			t.Fatal(err, p.log)
		}
		t.Logf("%d calls for %d deals with a person each", org.Calls(), deals)
		if r.Deals.Won+r.Deals.Lost+r.LeftOut[whyBeforeAll] != deals || org.Calls() > 80 {
			t.Errorf("%d calls; deals %+v, left out %v", org.Calls(), r.Deals, r.LeftOut)
		}
	})
}
