package salesforce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Codes of findings, keyed in the runbook.
const (
	findAccount      = "salesforce.account"
	findToken        = "salesforce.token"
	findReach        = "salesforce.unreachable"
	findFields       = "salesforce.fields"
	findMissing      = "salesforce.field_missing"
	findHidden       = "salesforce.field_hidden"
	findRefused      = "salesforce.field_refused"
	findValues       = "salesforce.field_values"
	findInput        = "salesforce.input_missing"
	findQuota        = "salesforce.quota"
	findClock        = "salesforce.clock_skew"
	findCost         = "salesforce.cost"
	findUndetermined = "salesforce.check_failed"
)

const (
	skewNoted  = 30 * time.Second
	skewFailed = 5 * time.Minute // beyond it the host neither purges nor cools anybody
)

// Probe checks the connector against the org without changing anything, at the price of about a dozen requests.
func (c *Client) Probe(ctx context.Context) []connectors.Finding {
	var p probe
	info, err := c.Account(ctx)
	if err != nil {
		p.failed(err, findReach, "Salesforce cannot be asked")
		return p.findings
	}
	p.ok(findAccount, "org %s, %s (%s)", info.ID, info.Name, info.Type)
	p.clock(info.ServerTime, c.o.Now())
	c.probeFields(ctx, &p)
	c.probeInputs(ctx, &p)
	c.probeQuota(ctx, &p)
	return p.findings
}

type probe struct{ findings []connectors.Finding }

func (p *probe) add(code string, s connectors.Severity, fix, format string, args ...any) {
	p.findings = append(p.findings, connectors.Finding{Code: code, Severity: s, Message: fmt.Sprintf(format, args...), Fix: fix})
}

func (p *probe) ok(code, format string, args ...any) { p.add(code, connectors.OK, "", format, args...) }

// failed is the finding that err is.
func (p *probe) failed(err error, code, what string) {
	var e *connectors.Error
	if !errors.As(err, &e) {
		e = &connectors.Error{}
	}
	switch e.Kind {
	case connectors.Auth:
		code = findToken
	case connectors.Quota, connectors.RateLimited:
		code = findQuota
	}
	fix := e.Fix
	if fix == "" {
		fix = "check the network, login_url and instance_url, then run `intentd doctor` again"
	}
	p.add(code, connectors.Failure, fix, "%s: %v", what, err)
}

func (p *probe) clock(server, ours time.Time) {
	if server.IsZero() {
		return
	}
	skew := ours.Sub(server).Round(time.Second)
	switch {
	case skew.Abs() > skewFailed:
		p.add(findClock, connectors.Failure, "set this machine's clock (NTP)", "this machine's clock differs from Salesforce's by %s; nothing is purged or cooled meanwhile, and JWTs are refused", skew)
	case skew.Abs() > skewNoted:
		p.add(findClock, connectors.Warning, "set this machine's clock (NTP)", "this machine's clock differs from Salesforce's by %s", skew)
	default:
		p.ok(findClock, "clocks agree")
	}
}

// probeFields looks at intentd's fields. One that is there and cannot be seen is told apart from one that is not.
func (c *Client) probeFields(ctx context.Context, p *probe) {
	steps, err := c.plan(ctx)
	if err != nil {
		p.failed(err, findUndetermined, "the fields could not be checked")
		return
	}
	var missing, hidden []string
	good := true
	for _, s := range steps {
		switch s.Action {
		case connectors.FieldCreate:
			if s.Field != "" {
				missing = append(missing, s.Object+"."+s.Property)
			}
		case connectors.FieldRefuse:
			good = false
			p.add(findRefused, connectors.Failure, s.Fix, "%s %s: %s", s.Object, s.Field, s.Why)
		case connectors.FieldUpdate:
			if s.Field != "" {
				good = false
				p.add(findValues, connectors.Failure, provisionFix, "the field %s.%s: %s", s.Object, s.Property, s.Why)
			}
		}
		if s.Field == "" || s.Action == connectors.FieldCreate || s.Action == connectors.FieldRefuse {
			continue
		}
		o := c.objects[s.Object]
		d, err := c.describe(ctx, o)
		if err != nil {
			p.failed(err, findUndetermined, "the fields could not be checked")
			return
		}
		if f := d.field(s.Property); f == nil || !f.Updateable && !o.own[s.Field].RepEdits {
			hidden = append(hidden, s.Object+"."+s.Property)
		}
	}
	switch {
	case len(missing) > 0:
		p.add(findMissing, connectors.Failure, provisionFix, "%d of %d fields do not exist: %s", len(missing), len(connectors.Fields)*len(c.order), strings.Join(missing, ", "))
	case len(hidden) > 0:
		p.add(findHidden, connectors.Failure, "assign the permission set "+permissionSets[0].name+" to the integration user: `intentd provision --apply` does it",
			"%d fields exist and are hidden from the integration user, or cannot be edited by it: %s", len(hidden), strings.Join(hidden, ", "))
	case good:
		p.ok(findFields, "all %d fields exist, have the right type and can be written", len(connectors.Fields)*len(c.order))
	}
}

// probeInputs looks for the fields to read that describe does not tell of: they are left out of queries.
func (c *Client) probeInputs(ctx context.Context, p *probe) {
	absent := map[string][]string{}
	for _, name := range c.order {
		o := c.objects[name]
		d, err := c.describe(ctx, o)
		if err != nil {
			p.failed(err, findUndetermined, "the inputs could not be checked")
			return
		}
		for _, api := range d.absent {
			if o.roles[api].part != owned {
				absent[api] = append(absent[api], name)
			}
		}
	}
	var names []string
	for api, of := range absent {
		// A configured input is meant for the objects that have it.
		everywhere := len(of) == len(c.order)
		configured := slices.ContainsFunc(c.o.Inputs, func(in string) bool { return strings.EqualFold(strings.TrimSpace(in), api) })
		if everywhere || !configured {
			for _, o := range of {
				names = append(names, o+"."+api)
			}
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	p.add(findInput, connectors.Warning, "show these fields to the integration user, or take them out of inputs", "fields that do not exist or are hidden, and so are not read: %s", strings.Join(names, ", "))
}

func (c *Client) probeQuota(ctx context.Context, p *probe) {
	people, err := c.Count(ctx)
	if err != nil {
		p.failed(err, findUndetermined, "the records could not be counted")
		return
	}
	limit, remaining, made := c.budget.Day()
	if limit > 0 {
		keep := int64(float64(limit) * (1 - c.o.DailyShare))
		if remaining <= keep {
			p.add(findQuota, connectors.Failure, "wait, raise daily_share, or find what else uses the org's API calls",
				"%d of the %d calls of 24 hours are left, %d of them for others", remaining, limit, keep)
		} else {
			p.ok(findQuota, "%d of the %d calls of 24 hours are left; intentd made %d today and stops at %d", remaining, limit, made, limit-keep)
		}
	}
	idle, busy := c.CallsPerDay(people)
	first, bulk := FirstSync(people)
	message := fmt.Sprintf("polling every %s costs %d to %d calls a day, a sweep of %d records every %s among them, and the activities, where they are a source, %d; a first sync %d calls, %d with bulk jobs",
		c.o.Poll, idle, busy, people, c.o.SweepEvery, len(doings)*int(24*time.Hour/max(c.o.Poll, time.Second)), first, bulk)
	if limit > 0 && float64(busy) > 0.25*float64(limit) {
		p.add(findCost, connectors.Warning, "poll less often", "%s: over a quarter of the %d that the org has", message, limit)
	} else {
		p.ok(findCost, "%s; each further 200 changed people 2 to 6 (read, journeys, write)", message)
	}
}

// CallsPerDay is what polling and sweeping cost in an org with so many people, when nothing happens and when every poll finds
// something.
func (c *Client) CallsPerDay(people int) (idle, busy int64) {
	polls := float64(24*time.Hour) / float64(max(c.o.Poll, time.Second)) * float64(len(c.order))
	sweeps := float64(24*time.Hour) / float64(max(c.o.SweepEvery, time.Hour)) * float64(people/pageSize+len(c.order))
	return int64(polls + sweeps), int64(2*polls + sweeps)
}

// FirstSync is what the first sync of so many people costs in lots of 200, written in collections or in bulk jobs.
func FirstSync(people int) (collections, bulk int64) {
	const jobCalls = 15 // open, upload, close, some looks after it, and three tables of results
	walk := int64(people/pageSize + 2)
	lots := int64(people+199) / 200
	return walk + 2*lots, walk + lots + jobCalls*int64((people+BulkMost-1)/BulkMost)
}
