package salesforce

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
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
	findPersons      = "salesforce.person_accounts"
	findQuota        = "salesforce.quota"
	findClock        = "salesforce.clock_skew"
	findCost         = "salesforce.cost"
	findUndetermined = "salesforce.check_failed"
)

// Probe checks the connector against the org without changing anything, at the price of about a dozen requests.
func (c *Client) Probe(ctx context.Context) []connectors.Finding {
	p := crmkit.Probe{
		Vendor: "Salesforce", Token: findToken, Quota: findQuota, Clock: findClock,
		Fix:      "check the network, login_url and instance_url, then run `intentd doctor` again",
		SkewAlso: ", and JWTs are refused",
	}
	info, err := c.Account(ctx)
	if err != nil {
		p.Failed(err, findReach, "Salesforce cannot be asked")
		return p.Findings
	}
	p.OK(findAccount, "org %s, %s (%s)", info.ID, info.Name, info.Type)
	p.Clocks(info.ServerTime, c.o.Now())
	c.probeFields(ctx, &p)
	c.probeInputs(ctx, &p)
	c.probePersons(ctx, &p)
	c.probeQuota(ctx, &p)
	return p.Findings
}

// probeFields looks at intentd's fields. One that is there and cannot be seen is told apart from one that is not.
func (c *Client) probeFields(ctx context.Context, p *crmkit.Probe) {
	steps, err := c.plan(ctx)
	if err != nil {
		p.Failed(err, findUndetermined, "the fields could not be checked")
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
			p.Unwritten(findRefused, s.Fix, "%s %s: %s", s.Object, s.Field, s.Why)
		case connectors.FieldUpdate:
			if s.Field != "" {
				good = false
				p.Unwritten(findValues, provisionFix, "the field %s.%s: %s", s.Object, s.Property, s.Why)
			}
		}
		if s.Field == "" || s.Action == connectors.FieldCreate || s.Action == connectors.FieldRefuse {
			continue
		}
		o := c.objects[s.Object]
		d, err := c.describe(ctx, o)
		if err != nil {
			p.Failed(err, findUndetermined, "the fields could not be checked")
			return
		}
		if f := d.field(s.Property); f == nil || !f.Updateable && !o.Own[s.Field].RepEdits {
			hidden = append(hidden, s.Object+"."+s.Property)
		}
	}
	switch {
	case len(missing) > 0:
		p.Unwritten(findMissing, provisionFix, "%d of %d fields do not exist: %s", len(missing), c.ownFields(), strings.Join(missing, ", "))
	case len(hidden) > 0:
		p.Unwritten(findHidden, "assign the permission set "+permissionSets[0].name+" to the integration user: `intentd provision --apply` does it",
			"%d fields exist and are hidden from the integration user, or cannot be edited by it: %s", len(hidden), strings.Join(hidden, ", "))
	case good:
		p.OK(findFields, "all %d fields exist, have the right type and can be written", c.ownFields())
	}
}

// probeInputs looks for the fields to read that describe does not tell of: they are left out of queries.
func (c *Client) probeInputs(ctx context.Context, p *crmkit.Probe) {
	absent := map[string][]string{}
	for _, name := range c.order {
		o := c.objects[name]
		d, err := c.describe(ctx, o)
		if err != nil {
			p.Failed(err, findUndetermined, "the inputs could not be checked")
			return
		}
		for _, api := range d.absent {
			if part := o.Roles[api].Part; part != crmkit.Owned && part != person {
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
	p.Add(findInput, connectors.Warning, "show these fields to the integration user, or take them out of inputs", "fields that do not exist or are hidden, and so are not read: %s", strings.Join(names, ", "))
}

func (c *Client) probeQuota(ctx context.Context, p *crmkit.Probe) {
	people, err := c.Count(ctx)
	if err != nil {
		p.Failed(err, findUndetermined, "the records could not be counted")
		return
	}
	limit, remaining, made := c.budget.Day()
	if limit > 0 {
		keep := int64(float64(limit) * (1 - c.o.DailyShare))
		if remaining <= keep {
			p.Add(findQuota, connectors.Failure, "wait, raise daily_share, or find what else uses the org's API calls",
				"%d of the %d calls of 24 hours are left, %d of them for others", remaining, limit, keep)
		} else {
			p.OK(findQuota, "%d of the %d calls of 24 hours are left; intentd made %d today and stops at %d", remaining, limit, made, limit-keep)
		}
	}
	idle, busy := c.callsPerDay(people)
	first, bulk := firstSync(people, people)
	message := fmt.Sprintf("polling every %s costs %d to %d calls a day, a sweep of %d records every %s among them, and the activities, where they are a source, %d; a first sync %d calls, %d with bulk jobs",
		c.o.Poll, idle, busy, people, c.o.SweepEvery, len(doings)*int(24*time.Hour/max(c.o.Poll, time.Second)), first, bulk)
	if limit > 0 && float64(busy) > 0.25*float64(limit) {
		p.Add(findCost, connectors.Warning, "poll less often", "%s: over a quarter of the %d that the org has", message, limit)
	} else {
		p.OK(findCost, "%s; each further 200 changed people 2 to 6 (read, journeys, write)", message)
	}
}

// callsPerDay is what polling and sweeping cost in an org with so many people, when nothing happens and when every poll finds
// something.
func (c *Client) callsPerDay(people int) (idle, busy int64) {
	polls := float64(24*time.Hour) / float64(max(c.o.Poll, time.Second)) * float64(len(c.order))
	sweeps := float64(24*time.Hour) / float64(max(c.o.SweepEvery, time.Hour)) * float64(people/pageSize+len(c.order))
	return int64(polls + sweeps), int64(2*polls + sweeps)
}

// firstSync is what the first sync of so many people, of whom so many are written, costs in lots of 200, with collections or with
// bulk jobs; where lots take long, as with a slow model, a call more for each.
func firstSync(people, written int) (collections, bulk int64) {
	const jobCalls = 15                  // open, upload, close, some looks after it, and three tables of results
	walk := 3 * int64(people/pageSize+2) // the sweep, and the lots, which do not ask for pages quite in order
	return walk + int64(written+batchSize-1)/batchSize, walk + jobCalls*int64((written+bulkMost-1)/bulkMost)
}

// FirstSyncCalls is what the first sync costs, by jobs where they are cheaper: see [connectors.SyncEstimator].
func (c *Client) FirstSyncCalls(records, written int) int {
	collections, bulk := firstSync(records, written)
	if written >= c.o.BulkThreshold {
		return int(bulk)
	}
	return int(collections)
}
