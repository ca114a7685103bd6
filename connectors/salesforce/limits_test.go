package salesforce

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/internal/transport"
	"github.com/intentd/intentd/connectors/sandbox"
)

// The limit header is read leniently, and the limit that is nearer to its end counts.
func TestLimitHeader(t *testing.T) {
	for header, want := range map[string][2]int64{
		"api-usage=18/5000": {5000, 4982},
		"api-usage=18/5000; per-app-api-usage=17/250(appName=sample)": {250, 233},
		"api-usage=4900/5000; per-app-api-usage=17/250(appName=x)":    {5000, 100},
		"per-app-api-usage=3/250(appName=x)":                          {250, 247},
		"api-usage = 5001 / 5000":                                     {5000, 0},
		"":                                                            {-1, -1},
		"api-usage=x/5000":                                            {-1, -1},
		"api-usage=1/0":                                               {-1, -1},
		"api-usage=99999999999999999999/5":                            {-1, -1},
	} {
		o := learn(http.Header{"Sforce-Limit-Info": {header}})
		if o.DayMax != want[0] || o.DayRemaining != want[1] {
			t.Errorf("%q: %d of %d left", header, o.DayRemaining, o.DayMax)
		}
	}
}

// intentd stops at its share of the org's daily calls, whoever made them, and goes on by itself when they come free again.
func TestDailyShare(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		p.Salesforce = sandbox.NewSalesforce(sandbox.SalesforceOptions{ClientSecret: orgSecret, DailyLimit: 5000})
		c := p.connect(t)
		_, err := c.Apply(t.Context())
		must(t, err)
		refs := p.Create(t, 1)
		p.UseUp(3000)
		if _, err := c.Read(t.Context(), refs); err != nil {
			t.Fatal(err)
		}
		p.UseUp(1000)
		if _, err := c.Read(t.Context(), refs); err != nil {
			t.Fatal(err) // only now it learns
		}
		before := p.Requests()
		_, err = c.Read(t.Context(), refs)
		e := asError(t, err)
		if e.Kind != connectors.Quota || e.Until.IsZero() || time.Until(e.Until) > recheckLimit {
			t.Fatalf("%v", err)
		}
		if n := p.Requests() - before; n != 0 {
			t.Errorf("%d requests were sent", n)
		}
		if r := c.Report(); r.DailyLimit != 5000 || r.DailyRemaining > 1000 || r.BlockedUntil.IsZero() {
			t.Errorf("%+v", r)
		}
		time.Sleep(time.Until(e.Until) + time.Second)
		if _, err := c.Read(t.Context(), refs); err != nil {
			t.Errorf("nobody asked again: %v", err)
		}
		if _, err := c.Read(t.Context(), refs); connectors.KindOf(err) != connectors.Quota {
			t.Errorf("more than one call asked again: %v", err)
		}
		time.Sleep(25 * time.Hour)
		for range 3 {
			if _, err := c.Read(t.Context(), refs); err != nil {
				t.Errorf("a day later: %v", err)
			}
		}
	})
}

// keptDays is a ledger over restarts.
type keptDays struct {
	connectors.Ledger
	until map[string]time.Time
}

func (k keptDays) DailyCalls(string, string) int64                { return 0 }
func (k keptDays) AddCalls(string, string, int64)                 {}
func (k keptDays) ExhaustedUntil(connector string) time.Time      { return k.until[connector] }
func (k keptDays) SetExhausted(connector string, until time.Time) { k.until[connector] = until }

// A used-up day is remembered over a restart: nothing asks again before its time, or before somebody releases it.
func TestStopsSurviveRestarts(t *testing.T) {
	for what, stop := range map[string]func(*org){
		"a refusal":      func(p *org) { p.Faults().Add(sandbox.Fault{Path: "/services/data", Policy: "DAILY", Times: 1}) },
		"a spent budget": func(p *org) { p.UseUp(4500) },
	} {
		bubble(t, func(t *testing.T) {
			p := newOrg(t, Lead)
			p.Salesforce = sandbox.NewSalesforce(sandbox.SalesforceOptions{ClientSecret: orgSecret, DailyLimit: 5000})
			_, err := p.connect(t).Apply(t.Context())
			must(t, err)
			refs := p.Create(t, 1)
			ledger := keptDays{until: map[string]time.Time{}}
			start := func() *Client { return p.connect(t, func(o *Options) { o.Ledger = ledger }) }
			c := start()
			stop(p)
			for range 2 {
				_, err = c.Read(t.Context(), refs)
			}
			until := asError(t, err).Until
			time.Sleep(time.Minute)
			c = start()
			before := p.Calls()
			_, err = c.Read(t.Context(), refs)
			if e := asError(t, err); e.Kind != connectors.Quota || e.Until.Sub(until).Abs() > time.Second || p.Calls() != before {
				t.Errorf("%s, restarted: %v, %d calls", what, err, p.Calls()-before)
			}
			if r := c.Report(); r.BlockedUntil.Sub(until).Abs() > time.Second {
				t.Errorf("%s, restarted: reported until %s", what, r.BlockedUntil)
			}
			c.Release()
			c = start()
			if _, _ = c.Read(t.Context(), refs); p.Calls() == before {
				t.Errorf("%s, released: nothing was asked", what)
			}
		})
	}
}

// The two forms of one error code are told apart: a used-up day stops for long, too many long calls at once for a moment.
func TestTwoLimits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 1)
		c := p.connect(t)
		p.Faults().Add(sandbox.Fault{Path: "/composite/sobjects", Policy: "CONCURRENT", Times: 3})
		start := time.Now()
		if _, err := c.Read(t.Context(), refs); err != nil {
			t.Errorf("%v", err)
		}
		if d := time.Since(start); d < 10*time.Second || d > time.Minute {
			t.Errorf("it waited %s", d)
		}
		p.Faults().Add(sandbox.Fault{Path: "/composite/sobjects", Policy: "DAILY"})
		_, err := c.Read(t.Context(), refs)
		if e := asError(t, err); e.Kind != connectors.Quota || time.Until(e.Until) < 30*time.Minute || e.Fix == "" {
			t.Errorf("%v", err)
		}
	})
}

// Never more calls at once than configured.
func TestCallsInFlight(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 1)
		var mu sync.Mutex
		now, most := 0, 0
		slow := roundTrip(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(30 * time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return p.Transport().RoundTrip(r)
		})
		c := p.connect(t, func(o *Options) { o.HTTP, o.CallsInFlight = slow, 3 })
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				if _, err := c.Read(t.Context(), refs); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if most != 3 {
			t.Errorf("%d calls at once", most)
		}
	})
}

// Every status and code is what the contract says.
func TestClassify(t *testing.T) {
	c := newOrg(t, Lead).connect(t)
	for _, k := range []struct {
		status  int
		body    string
		want    connectors.Kind
		retried bool
	}{
		{200, `{}`, 0, false},
		{400, `[{"errorCode":"MALFORMED_QUERY","message":"x"}]`, connectors.Config, false},
		{400, `[{"errorCode":"INVALID_FIELD","message":"x"}]`, connectors.Config, false},
		{400, `[{"errorCode":"QUERY_TIMEOUT","message":"x"}]`, connectors.Transient, true},
		{400, `[{"errorCode":"INVALID_QUERY_LOCATOR","message":"x"}]`, connectors.Transient, false},
		{400, `[{"errorCode":"JSON_PARSER_ERROR","message":"x"}]`, connectors.Rejected, false},
		{400, `rubbish`, connectors.Rejected, false},
		{403, `[{"errorCode":"API_DISABLED_FOR_ORG","message":"x"}]`, connectors.Auth, false},
		{403, `[{"errorCode":"INSUFFICIENT_ACCESS_OR_READONLY","message":"x"}]`, connectors.Config, false},
		{404, `[{"errorCode":"NOT_FOUND","message":"x"}]`, connectors.Config, false},
		{410, `[{"errorCode":"UNSUPPORTED_API_VERSION","message":"x"}]`, connectors.Config, false},
		{414, `<html>`, connectors.Config, false},
		{420, `[{"message":"slow down"}]`, connectors.RateLimited, true},
		{429, ``, connectors.RateLimited, true},
		{500, `[{"errorCode":"UNKNOWN_EXCEPTION","message":"x"}]`, connectors.Transient, true},
		{502, `<html>`, connectors.Transient, true},
		{503, `[{"errorCode":"SERVER_UNAVAILABLE","message":"x"}]`, connectors.Transient, true},
		{504, ``, connectors.Transient, true},
	} {
		o := c.classify(&transport.Response{Status: k.status, Header: http.Header{}, Body: []byte(k.body)}, 1)
		if o.Kind != k.want || (o.Retry || o.Refused) != k.retried {
			t.Errorf("%d %s: %s, retried %v", k.status, k.body, o.Kind, o.Retry || o.Refused)
		}
		if (o.Kind == connectors.Config || o.Kind == connectors.Auth) && o.Fix == "" {
			t.Errorf("%d %s: no fix", k.status, k.body)
		}
	}
}

// What a first sync costs, in lots of 200 people with their journeys, with collections and with bulk jobs: for 100,000 leads under
// 800 and 720 calls. A quarter of them are taken, and a quarter of the calls. A job takes nine calls whatever it carries: with 5,000
// patches in each it would be 500 calls, and 20 MB more memory than the daemon is to take.
func TestFirstSyncCost(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	const people, lot = 25_000, 200
	for _, bulk := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			p := newOrg(t, Lead)
			p.Create(t, people)
			campaign := p.Salesforce.Create("Campaign", map[string]string{"Name": "Webinar", "OwnerId": p.UserID()})
			for _, id := range p.IDs(Lead)[:3000] { // scattered responses would be asked about lot by lot
				p.Salesforce.Create("CampaignMember", map[string]string{"CampaignId": campaign, "LeadId": id, "Status": "Responded"})
			}
			c := p.connect(t)
			source := c.Activities(ActivityOptions{})
			before := p.Calls()
			var cursor connectors.Cursor
			var jobs []string
			var patches []connectors.Patch
			send := func(n int) {
				for len(patches) >= n && len(patches) > 0 {
					part := patches[:min(len(patches), c.BulkSize())]
					patches = patches[len(part):]
					token, err := c.Submit(t.Context(), Lead)
					must(t, err)
					must(t, c.Upload(t.Context(), token, part))
					jobs = append(jobs, token)
				}
			}
			events, written := 0, 0
			for {
				page, err := c.Sweep(t.Context(), cursor)
				must(t, err)
				for from := 0; from < len(page.Items); from += lot {
					items := page.Items[from:min(from+lot, len(page.Items))]
					refs := make([]connectors.Ref, len(items))
					persons := make([]connectors.Person, len(items))
					for i := range items {
						refs[i] = items[i].Ref
						persons[i] = connectors.Person{Key: refs[i].ID, Refs: refs[i : i+1]}
					}
					_, err := c.Read(t.Context(), refs)
					must(t, err)
					for _, err := range source.Journeys(t.Context(), persons, connectors.Window{From: time.Now().AddDate(-1, 0, 0), To: time.Now().AddDate(0, 0, 1)}) {
						must(t, err)
						events++
					}
					for _, r := range refs {
						patches = append(patches, score(r, "50.0"))
					}
					if bulk {
						send(c.BulkSize())
						continue
					}
					results, err := c.Write(t.Context(), patches)
					must(t, err)
					written += len(results)
					patches = nil
				}
				if cursor = page.Next; !page.More {
					break
				}
			}
			if bulk {
				send(1)
			}
			for _, token := range jobs {
				written += len(await(t, c, token))
			}
			calls := p.Calls() - before
			t.Logf("bulk %v: %d calls for %d leads, %d events", bulk, calls, people, events)
			if written != people || events != 3000 {
				t.Errorf("%d written, %d events", written, events)
			}
			if most := map[bool]int{false: 800 / 4, true: 720 / 4}[bulk]; calls > most {
				t.Errorf("bulk %v: %d calls, want at most %d", bulk, calls, most)
			}
			if estimate := p.connect(t, func(o *Options) {
				if !bulk {
					o.BulkThreshold = people + 1
				}
			}).FirstSyncCalls(people, people); float64(calls) > 1.2*float64(estimate) || float64(calls) < 0.6*float64(estimate) {
				t.Errorf("bulk %v: the doctor says %d", bulk, estimate)
			}
		})
	}
}

// The doctor names the quota and what the configuration costs, and finds one that would eat the org's calls.
func TestCostIsTold(t *testing.T) {
	p := newOrg(t, Lead)
	p.Create(t, 10)
	s := connectortest.Findings(p.connect(t).Probe(t.Context()))
	if !strings.Contains(s, "ok salesforce.cost: polling every 5 minutes costs 576 to 1152 calls a day") || !strings.Contains(s, "ok salesforce.quota") {
		t.Errorf("findings:\n%s", s)
	}
	p.Salesforce = sandbox.NewSalesforce(sandbox.SalesforceOptions{ClientSecret: orgSecret, DailyLimit: 3000})
	c := p.connect(t, func(o *Options) { o.Poll = time.Minute })
	_, err := c.Apply(t.Context())
	must(t, err)
	if s := connectortest.Findings(c.Probe(t.Context())); !strings.Contains(s, "warning salesforce.cost") {
		t.Errorf("findings:\n%s", s)
	}
	p.UseUp(2500)
	if s := connectortest.Findings(c.Probe(t.Context())); !strings.Contains(s, "failure salesforce.quota") {
		t.Errorf("findings:\n%s", s)
	}
	fmt.Fprint(t.Output(), s)
}
