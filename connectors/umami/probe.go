package umami

import (
	"context"
	"errors"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Codes of findings, keyed in the runbook.
const (
	findOK      = "umami.ok"
	findToken   = "umami.credentials"
	findSite    = "umami.website"
	findVersion = "umami.version"
	findReach   = "umami.unreachable"
	findQuota   = "umami.quota"
	findUsers   = "umami.no_users"
	findCost    = "umami.cost"
)

// probedDays is how far back the probe looks.
const probedDays = 7

// Probe implements connectors.Prober, at the price of two calls, three where the website is refused.
func (s *Source) Probe(ctx context.Context) []connectors.Finding {
	p := crmkit.Probe{Vendor: "Umami", Token: findToken, Quota: findQuota, LacksRights: codeRefused, Fix: "see whether Umami answers from this machine, then run `intentd doctor` again"}
	var got []session
	err := s.ready(ctx)
	count := 0
	if err == nil {
		now := s.Now()
		count, err = s.page(ctx, "look for a session", "/sessions", span{now.AddDate(0, 0, -probedDays), now}, anybody, 1, 1, &got)
	}
	switch {
	case err != nil:
		p.Failed(err, s.codeOf(ctx, err), "Umami cannot be asked")
		return p.Findings
	case count == 0:
		p.Add(findUsers, connectors.Warning, "have the site say who is signed in: umami.identify(address)",
			"no session of website %s in the last %d days is of somebody identified: nobody can be joined to the CRM", s.o.WebsiteID, probedDays)
	default:
		p.OK(findOK, "website %s answers; %d sessions of the last %d days are of somebody identified", s.o.WebsiteID, count, probedDays)
	}
	if s.Every > 0 {
		pages := float64(count)/probedDays*s.o.Lookback.Hours()/24/sessionsPage + 1
		p.OK(findCost, "about %.0f calls a day to see who was active, 1 for each person when they are first met after a start, and 1 or 2 for each lot of people and every 1,000 of their events", s.PollsADay()*pages)
	}
	return p.Findings
}

// codeOf is the code of the finding that an error makes. Umami refuses a website that is not the user's as it refuses a user: asked who the user
// is, it tells.
func (s *Source) codeOf(ctx context.Context, err error) string {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return findReach
	}
	switch e.Code {
	case codeRefused:
		if _, err := s.HTTP.Do(ctx, transport.Get("who the user is", s.api+"/me")); err == nil {
			return findSite
		}
		return findToken
	case codeUnknown:
		return findSite
	case codeTooOld:
		return findVersion
	}
	return findReach
}
