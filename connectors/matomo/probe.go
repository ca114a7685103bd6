package matomo

import (
	"context"
	"errors"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// Codes of findings, keyed in the runbook.
const (
	findOK       = "matomo.ok"
	findToken    = "matomo.token"
	findSite     = "matomo.site"
	findDisabled = "matomo.visits_log"
	findQuery    = "matomo.unreachable"
	findQuota    = "matomo.quota"
	findUsers    = "matomo.no_users"
	findCost     = "matomo.cost"
)

// probedDays is how far back the probe looks.
const probedDays = 7

// Probe implements connectors.Prober, at the price of one call: for a visit of a user whom the site named.
func (s *Source) Probe(ctx context.Context) []connectors.Finding {
	p := crmkit.Probe{Vendor: "Matomo", Token: findToken, Quota: findQuota, Fix: "see whether " + s.o.BaseURL + " answers from this machine, then run `intentd doctor` again"}
	users, addresses := 0, 0
	_, _, err := s.visits(ctx, walk{op: "look for a visit", segment: identified, since: s.Now().Add(-probedDays * day)}, key{}, func(v *visit) error {
		users++
		if email, _ := v.who(); email != "" {
			addresses++
		}
		return nil
	})
	switch {
	case err != nil:
		p.Failed(err, codeOf(err), "Matomo cannot be asked")
		return p.Findings
	case users == 0:
		p.Add(findUsers, connectors.Warning, "have the site say who is signed in: _paq.push(['setUserId', address]) before trackPageView",
			"no visit to website %s in the last %d days has a user id: nobody can be joined to the CRM", s.o.SiteID, probedDays)
	case addresses == 0:
		p.OK(findOK, "website %s answers; user ids are no addresses, so that a property of the CRM has to hold them (identify)", s.o.SiteID)
	default:
		p.OK(findOK, "website %s answers, and user ids are addresses", s.o.SiteID)
	}
	if s.Every > 0 {
		p.OK(findCost, "about %.0f calls a day to see who was active, and 1 or 2 for each lot of people who were", 2*s.PollsADay())
	}
	return p.Findings
}

// codeOf is the code of the finding that an error makes.
func codeOf(err error) string {
	var e *connectors.Error
	if errors.As(err, &e) {
		switch e.Code {
		case codeSite:
			return findSite
		case codeDisabled, codeSegment:
			return findDisabled
		}
	}
	return findQuery
}
