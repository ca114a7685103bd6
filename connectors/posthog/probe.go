package posthog

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// Codes of findings, keyed in the runbook.
const (
	findOK      = "posthog.ok"
	findToken   = "posthog.token"
	findScope   = "posthog.scope_missing"
	findProject = "posthog.project"
	findQuery   = "posthog.query"
	findQuota   = "posthog.quota"
	findEmpty   = "posthog.no_events"
	findEmail   = "posthog.no_addresses"
	findCost    = "posthog.cost"
)

// probedDays is how far back the probe counts.
const probedDays = 7

// Probe implements connectors.Prober, at the price of two calls: what came in of late is counted, and the query for journeys is run about nobody.
func (s *Source) Probe(ctx context.Context) []connectors.Finding {
	p := crmkit.Probe{Vendor: "PostHog", Token: findToken, Quota: findQuota, LacksRights: codeScope,
		Fix: "see whether " + s.o.BaseURL + " answers from this machine, then run `intentd doctor` again"}
	var counts []string
	err := s.ask(ctx, "count events", "SELECT toString(count()), toString(countIf(person.properties.`"+s.o.EmailProperty+"` != '')) FROM events WHERE timestamp >= toDateTime({from}) LIMIT 1",
		map[string]any{"from": utc(s.Now().AddDate(0, 0, -probedDays))}, func() {}, func(row []json.RawMessage) error {
			counts = texts(row)
			return nil
		})
	if err == nil {
		now := s.Now()
		err = s.about([]connectors.Person{{Emails: []string{"nobody@probe.invalid"}}}, connectors.Window{From: now.Add(-time.Hour), To: now}).run(ctx, func(connectors.Event) bool { return true })
	}
	if err == nil && len(counts) < 2 {
		err = connectors.Errorf(connectors.Transient, s.Name+": count events", "the answer has no counts")
	}
	if err != nil {
		p.Failed(err, codeOf(err), "PostHog cannot be asked")
		return p.Findings
	}
	events, known := number(counts[0]), number(counts[1])
	switch {
	case events == 0:
		p.Add(findEmpty, connectors.Warning, "see whether project_id is the project that your site sends to", "project %s has no event of the last %d days", s.o.ProjectID, probedDays)
	case known == 0:
		p.Add(findEmail, connectors.Warning, "send the address with posthog.identify(id, {email: …}), or name the property that holds it as email_property",
			"none of the %d events of the last %d days is of a person with the property %s: nobody can be joined to the CRM by address", events, probedDays, s.o.EmailProperty)
	default:
		p.OK(findOK, "project %s answers; %d of its %d events of the last %d days are of people with an address", s.o.ProjectID, known, events, probedDays)
	}
	s.probeCost(&p)
	return p.Findings
}

// probeCost tells what polls take of the calls that PostHog allows.
func (s *Source) probeCost(p *crmkit.Probe) {
	daily := s.PollsADay()
	if daily == 0 {
		return
	}
	severity, fix := connectors.OK, ""
	if daily/24 > float64(s.o.QueriesPerHour)/2 {
		severity, fix = connectors.Warning, "poll less often, or raise queries_per_hour if PostHog allows your project more"
	}
	p.Add(findCost, severity, fix, "about %.0f calls a day to see who was active, and 1 for each lot of people who were; %d calls may be made in an hour", daily, s.o.QueriesPerHour)
}

// codeOf is the code of the finding that an error makes.
func codeOf(err error) string {
	var e *connectors.Error
	if errors.As(err, &e) {
		switch e.Code {
		case codeScope:
			return findScope
		case codeProject:
			return findProject
		}
	}
	return findQuery
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
