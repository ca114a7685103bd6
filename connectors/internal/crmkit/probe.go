package crmkit

import (
	"errors"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Probe gathers the findings of a connector's Probe, in the vendor's name. The fields but Findings are set before it begins.
type Probe struct {
	Vendor              string // as a sentence names it
	Token, Quota, Clock string // codes of findings: a refused token, a spent allowance, how the clocks compare
	LacksRights         string // code of Auth errors that speak of missing rights, not against the token; "": none do
	Fix                 string // what to do about an error that does not tell it
	SkewAlso            string // what a clock that is far off spoils of this vendor's besides, put behind the message
	Findings            []connectors.Finding

	spent bool // an allowance that is used up was told of: what else could not be asked for that is no finding of its own
}

// Differences of clocks from which on a finding is made of them.
const (
	skewNoted  = 30 * time.Second
	skewFailed = 5 * time.Minute // beyond it the host neither purges nor cools anybody
)

// Add notes a finding.
func (p *Probe) Add(code string, s connectors.Severity, fix, format string, args ...any) {
	p.Findings = append(p.Findings, connectors.Finding{Code: code, Severity: s, Message: fmt.Sprintf(format, args...), Fix: fix})
}

// Unwritten notes a failure that stands in the way of writing alone.
func (p *Probe) Unwritten(code, fix, format string, args ...any) {
	p.Findings = append(p.Findings, connectors.Finding{Code: code, Severity: connectors.Failure, Message: fmt.Sprintf(format, args...), Fix: fix, Writing: true})
}

// OK notes that something is as it should be.
func (p *Probe) OK(code, format string, args ...any) { p.Add(code, connectors.OK, "", format, args...) }

const waitFix = "wait until calls are given anew, or find what else uses them up; then run `intentd doctor` again"

// Failed notes err, under code where it speaks neither against the token nor of a spent allowance. That one is spent is noted once,
// however many checks it keeps from being made.
func (p *Probe) Failed(err error, code, what string) {
	var e connectors.Error
	if known := (*connectors.Error)(nil); errors.As(err, &known) {
		e = *known
	}
	switch {
	case e.Kind == connectors.Auth && (p.LacksRights == "" || e.Code != p.LacksRights):
		code = p.Token
	case e.Kind == connectors.Quota || e.Kind == connectors.RateLimited:
		if p.spent {
			return
		}
		p.spent, code = true, p.Quota
		if e.Fix == "" {
			e.Fix = waitFix
		}
	}
	fix := e.Fix
	if fix == "" {
		fix = p.Fix
	}
	p.Add(code, connectors.Failure, fix, "%s: %v", what, err)
}

// Clocks compares the vendor's time with this machine's; the zero time was not told.
func (p *Probe) Clocks(server, ours time.Time) {
	if server.IsZero() {
		return
	}
	const fix = "set this machine's clock (NTP)"
	skew := ours.Sub(server).Round(time.Second)
	switch {
	case skew.Abs() > skewFailed:
		p.Add(p.Clock, connectors.Failure, fix, "this machine's clock differs from %s's by %s; nothing is purged or cooled meanwhile%s", p.Vendor, skew, p.SkewAlso)
	case skew.Abs() > skewNoted:
		p.Add(p.Clock, connectors.Warning, fix, "this machine's clock differs from %s's by %s", p.Vendor, skew)
	default:
		p.OK(p.Clock, "clocks agree")
	}
}
