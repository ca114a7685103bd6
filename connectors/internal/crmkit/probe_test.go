package crmkit

import (
	"errors"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
)

// Promise: a used-up allowance is one finding, however many checks it kept from being made, and no failure of the network.
func TestProbeTellsOfAUsedUpAllowanceOnce(t *testing.T) {
	p := Probe{Vendor: "HubSpot", Token: "hubspot.token", Quota: "hubspot.quota", Fix: "check the network"}
	for range 7 {
		p.Failed(&connectors.Error{Kind: connectors.Quota, Op: "probe", Message: "the day's calls are used up"}, "hubspot.check_failed", "something could not be checked")
	}
	p.Failed(errors.New("no route to host"), "hubspot.unreachable", "HubSpot cannot be asked")
	if len(p.Findings) != 2 {
		t.Fatalf("%d findings: %+v", len(p.Findings), p.Findings)
	}
	if f := p.Findings[0]; f.Code != "hubspot.quota" || strings.Contains(f.Fix, "network") {
		t.Errorf("%+v", f)
	}
}
