package demo

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// Closed deals are made up, of the past, and the same each time; won and lost ones are told apart by what their people did, and not by that alone.
func TestClosedDeals(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	p := ClosedDeals(now)
	if again := ClosedDeals(now); !reflect.DeepEqual(p, again) {
		t.Error("they differ from one time to the other")
	}
	known := map[string]string{}
	for _, c := range p.Contacts {
		if known[c.Key] = c.Properties["email"]; !strings.HasSuffix(known[c.Key], ".example") {
			t.Errorf("%s is somebody's", known[c.Key])
		}
	}
	did := map[string]bool{}
	for i := range p.Events {
		if e := &p.Events[i]; e.Time.After(now) {
			t.Errorf("%s lies after now", e.ID)
		} else {
			did[e.Email] = true
		}
	}
	won, silent := 0, 0
	for _, d := range p.Deals {
		created, err1 := time.Parse(time.RFC3339, d.Properties["createdate"])
		closed, err2 := time.Parse(time.RFC3339, d.Properties["closedate"])
		if err1 != nil || err2 != nil || !closed.After(created) || closed.After(now) || now.Sub(closed) > 365*24*time.Hour {
			t.Errorf("%v was created %v and closed %v", d, created, closed)
		}
		if d.Properties["dealstage"] != "closedwon" {
			continue
		}
		won++
		trace := false
		for _, key := range d.Contacts {
			trace = trace || did[known[key]]
		}
		if !trace {
			silent++
		}
	}
	if won < len(p.Deals)/4 || won > len(p.Deals)/2 || silent < won/10 || silent > won/3 {
		t.Errorf("%d of %d won, %d of them without a trace", won, len(p.Deals), silent)
	}
}
