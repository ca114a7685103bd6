package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Codes of findings, keyed in the runbook.
const (
	findAccount      = "hubspot.account"
	findToken        = "hubspot.token"
	findReach        = "hubspot.unreachable"
	findScope        = "hubspot.scope_missing"
	findScopes       = "hubspot.scopes"
	findProperties   = "hubspot.properties"
	findMissing      = "hubspot.property_missing"
	findRefused      = "hubspot.property_refused"
	findOptions      = "hubspot.property_options"
	findInput        = "hubspot.input_missing"
	findQuota        = "hubspot.quota"
	findClock        = "hubspot.clock_skew"
	findCost         = "hubspot.cost"
	findEvents       = "hubspot.events_unavailable"
	findEventsTaken  = "hubspot.events"
	findFeeds        = "hubspot.feeds"
	findVersion      = "hubspot.api_version"
	findCredentials  = "hubspot.credentials"
	findUndetermined = "hubspot.check_failed"
)

// Probe checks the connector against the portal without changing anything, at the price of about ten requests, and two of an app with a journal.
func (c *Client) Probe(ctx context.Context) []connectors.Finding {
	p := crmkit.Probe{
		Vendor: "HubSpot", Token: findToken, Quota: findQuota, Clock: findClock, LacksRights: codeMissingScopes,
		Fix: "check the network and base_url, then run `intentd doctor` again",
	}
	info, err := c.Account(ctx)
	if err != nil {
		p.Failed(err, findReach, "HubSpot cannot be asked")
		return p.Findings
	}
	p.OK(findAccount, "portal %s (%s), time zone %s", info.ID, info.Type, info.Location)
	p.Clocks(info.ServerTime, c.o.Now())
	c.probeEndDates(&p)
	c.probeScopes(ctx, &p)
	if c.journal != nil {
		c.journal.probe(ctx, &p)
	}
	c.probeProperties(ctx, &p)
	c.probeQuota(ctx, &p)
	return p.Findings
}

// endOfV3 is when HubSpot stops supporting the first of the paths that api_version v3 uses; a year before, doctor begins to warn.
var endOfV3 = time.Date(2027, time.March, 30, 0, 0, 0, 0, time.UTC)

// probeEndDates tells what of the configuration HubSpot will stop supporting. A legacy private app's token looks like a service key's.
func (c *Client) probeEndDates(p *crmkit.Probe) {
	if c.paths.version == "" {
		severity := connectors.OK
		if c.o.Now().After(endOfV3.AddDate(-1, 0, 0)) {
			severity = connectors.Warning
		}
		p.Add(findVersion, severity, "set api_version to \"2026-09\" or leave it out",
			"api_version is v3: HubSpot supports v4 paths (associations) until 30 March 2027, v3 paths until September 2027")
	}
	if c.o.OAuth == nil {
		p.OK(findCredentials, "a static token is used; if it is a legacy private app's and not a service key, replace it before September 2027, when HubSpot's support of those ends")
	}
}

// probeScopes asks for one thing under each scope. Permission comes before validation, so a write without inputs tells
// whether writing is allowed and does nothing.
func (c *Client) probeScopes(ctx context.Context, p *crmkit.Probe) {
	search := func(object string) transport.Request {
		r := transport.Post("probe "+object, c.paths.objects(object, "/search"), transport.Encode(searchRequest{
			FilterGroups: []filterGroup{{[]filter{{Property: "hs_object_id", Operator: "HAS_PROPERTY"}}}},
			Sorts:        byID, Properties: []string{"hs_object_id"}, Limit: 1, After: "0"}))
		r.Bucket = searchBucket
		return r
	}
	empty := []byte(`{"inputs":[]}`)
	type check struct {
		scope, use string
		needed     bool
		request    transport.Request
	}
	checks := []check{
		{"crm.objects.contacts.read", "reading contacts", true, search(Contacts)},
		{"crm.objects.contacts.write", "writing scores", true, transport.Post("probe writing", c.paths.objects(Contacts, "/batch/update"), empty)},
		{"crm.schemas.contacts.read", "checking properties", true, transport.Get("probe the property group list", c.paths.properties("/groups"))},
		{"crm.schemas.contacts.write", "intentd provision", false, transport.Post("probe provisioning", c.paths.properties("/batch/create"), empty)},
	}
	if c.o.Deals {
		checks = append(checks, check{dealScope, "learning weights from closed deals", false, search(Deals)})
	}
	good := 0
	for _, k := range checks {
		k.request.Answers = []int{http.StatusBadRequest, http.StatusForbidden}
		resp, err := c.http.Do(ctx, k.request)
		switch {
		case err != nil:
			p.Failed(err, findUndetermined, "the scope "+k.scope+" could not be checked")
		case resp.Status == http.StatusForbidden:
			scopes := []string{k.scope}
			if told := parseFailure(resp.Body).all("requiredGranularScopes"); len(told) > 0 {
				scopes = told
			}
			lacking := strings.Join(scopes, ", ")
			fix, message := "add the scope "+lacking+" to the service key (Development → Keys → Service keys) or app", fmt.Sprintf("the token lacks %s, needed for %s", lacking, k.use)
			switch {
			case k.scope == "crm.objects.contacts.write":
				p.Unwritten(findScope, fix, "%s", message)
			case k.needed:
				p.Add(findScope, connectors.Failure, fix, "%s", message)
			default:
				p.Add(findScope, connectors.Warning, fix, "%s", message)
			}
		default:
			good++
		}
	}
	if good == len(checks) {
		p.OK(findScopes, "the token has all scopes")
	}
}

func (c *Client) probeProperties(ctx context.Context, p *crmkit.Probe) {
	steps, err := c.plan(ctx)
	if err != nil {
		p.Failed(err, findUndetermined, "the properties could not be checked")
		return
	}
	var missing []string
	good := true
	for _, s := range steps {
		switch s.Action {
		case connectors.FieldCreate:
			if s.Field != "" {
				missing = append(missing, s.Property)
			}
		case connectors.FieldRefuse:
			good = false
			p.Unwritten(findRefused, s.Fix, "field %s: %s", s.Field, s.Why)
		}
		if s.Action == connectors.FieldUpdate || s.Action == connectors.FieldAdopt && s.Do != nil {
			good = false
			p.Unwritten(findOptions, provisionFix, "the property %s: %s", s.Property, s.Why)
		}
	}
	if len(missing) > 0 {
		p.Unwritten(findMissing, provisionFix, "%d of %d properties do not exist: %s", len(missing), len(c.schema.Set.Fields), strings.Join(missing, ", "))
	} else if good {
		p.OK(findProperties, "all %d properties exist and have the right type", len(c.schema.Set.Fields))
	}
	c.probeInputs(ctx, p)
}

// probeInputs looks for the configured inputs, which HubSpot would silently leave out of its answers.
func (c *Client) probeInputs(ctx context.Context, p *crmkit.Probe) {
	if len(c.o.Inputs) == 0 {
		return
	}
	existing, err := c.definitions(ctx)
	if err != nil {
		p.Failed(err, findUndetermined, "the inputs could not be checked")
		return
	}
	names := slices.Clone(c.o.Inputs)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if existing[strings.ToLower(strings.TrimSpace(name))] == nil {
			p.Add(findInput, connectors.Warning, "correct inputs: use the property's internal name", "there is no contact property %s", name)
		}
	}
}

func (c *Client) probeQuota(ctx context.Context, p *crmkit.Probe) {
	contacts, err := c.Count(ctx)
	if err != nil {
		p.Failed(err, findUndetermined, "the contacts could not be counted")
		return
	}
	limit, remaining, made := c.budget.Day()
	if remaining >= 0 {
		keep := int64(float64(limit) * c.o.DailyReserve)
		if remaining <= keep {
			p.Add(findQuota, connectors.Failure, "wait for midnight of the account, lower daily_reserve, or find what else uses the API",
				"%d of the day's %d calls are left, %d of them reserved for others", remaining, limit, keep)
		} else {
			p.OK(findQuota, "%d of the day's %d calls are left, %d made by intentd", remaining, limit, made)
		}
	}
	types := c.probeEvents(ctx, p)
	cost := c.callsPerDay(contacts) + c.probeFeeds(ctx, p)
	message := fmt.Sprintf("an idle day costs about %d calls (a poll every %s, a sweep of %d contacts every %s)", cost, c.o.Poll, contacts, c.o.SweepEvery)
	if limit > 0 && float64(cost) > 0.25*float64(limit) {
		p.Add(findCost, connectors.Warning, "poll less often", "%s, over a quarter of the day's %d", message, limit)
	} else {
		each := "each further 100 changed people about 5 (search, read, journeys, write)"
		if c.journal != nil {
			each = "each person who changes alone 6 (journal, read, journeys, write), 100 who change at once about 7"
		}
		p.OK(findCost, "%s; %s", message, each)
	}
	if types > 0 {
		p.OK(findEventsTaken, "event occurrences are taken in: a call for each of %d types of event a poll, and one per 1,000 events; those of the last day again every hour", types)
	}
}

// probeEvents finds out whether the account has event occurrences, if they are to be taken in, and of how many types.
func (c *Client) probeEvents(ctx context.Context, p *crmkit.Probe) (types int) {
	feed := c.feed.Load()
	if feed == nil {
		return 0
	}
	now, _ := c.http.ServerNow()
	_, _, has, err := feed.page(ctx, url.Values{"eventType": {pageViews}, "occurredAfter": {eventTime(now.Add(-time.Minute).UnixMilli())},
		"occurredBefore": {eventTime(now.UnixMilli())}}, "")
	var names []string
	if err == nil && has {
		names, err = feed.types(ctx)
	}
	switch {
	case err != nil:
		p.Failed(err, findUndetermined, "event occurrences could not be checked")
	case !has:
		p.OK(findEvents, "the account has no event occurrences (an Enterprise feature): engagement is read from summary properties and their history")
	}
	return len(names)
}

// FirstSyncCalls is a page per 100 records, a batch per 100 written, a look for changes meanwhile per 1,000 of those, and, where the
// engagement is a source, a batch of history per 50 records. Those of event occurrences, 1,000 a page, come on top: nobody knows how
// many there are.
func (c *Client) FirstSyncCalls(records, written int) int {
	pages := func(n, size int) int { return (n + size - 1) / size }
	calls := pages(records, batchSize) + pages(written, batchSize) + pages(written, 1000) + 2 // the account, the properties
	if c.engagement.Load() {
		calls += pages(records, historyBatchSize)
	}
	return calls
}

// callsPerDay is what the configuration costs when nothing happens in a portal with so many contacts.
func (c *Client) callsPerDay(contacts int) int64 {
	polls, events := c.polls()
	if known := c.eventTypes.Load(); known != nil && !c.eventsOff() {
		polls += events * float64(len(known.names))
	}
	sweeps := float64(24*time.Hour) / float64(max(c.o.SweepEvery, time.Hour))
	return int64(polls + sweeps*float64(contacts/batchSize+2))
}
