package clickstream

import (
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// said is an event of a visitor, who may name somebody in it.
func said(n int, fields string) connectors.Event {
	e := at(n, fields)
	e.Proposed = true
	return e
}

func proposals(t *testing.T, s *Store, p connectors.Person) []connectors.Proposal {
	t.Helper()
	got, err := s.Proposals(t.Context(), "site", []connectors.Person{p})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func idsTold(t *testing.T, s *Store, p connectors.Person) map[string]connectors.Event {
	t.Helper()
	p.Key = "p"
	out := map[string]connectors.Event{}
	for e, err := range s.Journeys(t.Context(), []connectors.Person{p}, ever) {
		if err != nil {
			t.Fatal(err)
		}
		out[e.ID] = e
	}
	return out
}

var annsAddress = connectors.Person{Key: "ann", Emails: []string{"ann@example.com"}}

// Promise: what a visitor says of themselves links nothing and is told to nobody, but it is kept, and has its person looked at; confirmed,
// all of it is theirs, the past included, but what the visitor did under other names.
func TestProposals(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	take(t, s, said(1, "a=x"), said(2, "a=x e=ann u=7"), said(3, "a=x e=ann"), said(4, "a=x e=bob"), said(5, "a=x"))
	if got := idsTold(t, s, annsAddress); len(got) > 0 {
		t.Fatalf("told before anything confirmed it: %v", got)
	}
	page, err := s.For("site").Active(t.Context(), nil)
	if err != nil || len(page.Items) != 3 || len(page.Items[0].AnonymousIDs) > 0 {
		t.Errorf("those named are to be looked at, without the device: %+v, %v", page.Items, err)
	}
	s.Close()
	s = open(t, dir, Options{})
	got := proposals(t, s, annsAddress)
	if len(got) != 1 || got[0].Person != "ann" || got[0].Kind != "email" || got[0].AnonymousID != "x" || got[0].Event == "" || got[0].First.IsZero() {
		t.Fatalf("%+v", got)
	}
	for range 2 { // a second time changes nothing
		if err := s.Confirm(t.Context(), "site", got); err != nil {
			t.Fatal(err)
		}
	}
	told := idsTold(t, s, annsAddress)
	if len(told) != 4 {
		t.Errorf("%d events, want all but Bob's: %v", len(told), told)
	}
	for _, e := range told {
		if e.Email == "bob@example.com" || e.UserID != "" {
			t.Errorf("told with what was not confirmed: %+v", e)
		}
	}
	if left := proposals(t, s, annsAddress); len(left) > 0 {
		t.Errorf("still proposed: %+v", left)
	}
	next, err := s.For("site").Active(t.Context(), page.Next)
	if err != nil || len(next.Items) != 1 || next.Items[0].Emails[0] != "ann@example.com" || len(next.Items[0].AnonymousIDs) != 1 {
		t.Errorf("who is known now is told: %+v, %v", next.Items, err)
	}
	if i, err := s.Intake("site"); err != nil || i.Proposed != 3 || i.Confirmed != 1 {
		t.Errorf("%+v, %v", i, err)
	}
	// What comes later under that name needs no further word, and proposes nothing.
	take(t, s, said(6, "a=x e=ann"), said(7, "a=x e=bob"))
	if told := idsTold(t, s, annsAddress); len(told) != 5 {
		t.Errorf("%v", told)
	}
	if left := proposals(t, s, annsAddress); len(left) > 0 {
		t.Errorf("proposed again: %+v", left)
	}
}

// Promise: somebody else's word on a device keeps a proposal from being told to the wrong one.
func TestProposalOnALinkedDevice(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	take(t, s, at(1, "a=x e=bob"), said(2, "a=x e=ann"), said(3, "a=x e=bob"), said(4, "a=x"))
	if told := idsTold(t, s, connectors.Person{Emails: []string{"bob@example.com"}}); len(told) != 3 {
		t.Errorf("Bob's are those that name him or nobody: %v", told)
	}
	if got := proposals(t, s, annsAddress); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	if i, _ := s.Intake("site"); i.Proposed != 1 {
		t.Errorf("%+v", i)
	}
}

// Promise: a visitor who says to be everybody is kept at five.
func TestProposalsAreBounded(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for i, who := range []string{"a", "b", "c", "d", "f", "g", "h"} {
		take(t, s, said(i+1, "a=x e="+who))
	}
	if i, _ := s.Intake("site"); i.Proposed != 5 || i.Events != 7 {
		t.Errorf("%+v", i)
	}
}

// Promise: forgetting takes the proposals along, and the events of visitors who said to be this person alone.
func TestForgetProposals(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	take(t, s, said(1, "a=x e=ann"), said(2, "a=x"), said(3, "a=y e=ann"), said(4, "a=y e=bob"))
	n, err := s.Forget(t.Context(), connectors.Person{Emails: []string{"ann@example.com"}})
	if err != nil || n != 2 {
		t.Errorf("%d events erased, want those of x: %v", n, err)
	}
	if got := proposals(t, s, annsAddress); len(got) > 0 {
		t.Errorf("%+v", got)
	}
	if got := proposals(t, s, connectors.Person{Emails: []string{"bob@example.com"}}); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	if told := idsTold(t, s, connectors.Person{AnonymousIDs: []string{"x", "y"}}); len(told) != 0 {
		t.Errorf("%v", told) // those of y name somebody each, who did not ask
	}
	// What is old and never repeated goes by itself.
	if _, _, err := s.Prune(t.Context(), present.Add(proposalKept+24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := proposals(t, s, connectors.Person{Emails: []string{"bob@example.com"}}); len(got) > 0 {
		t.Errorf("%+v", got)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// Promise: why a device is somebody's is told with whom it is of, over a restart and however often, and no event can say it in its id.
func TestWhyADeviceIsTheirs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	forged := said(1, "a=x e=ann")
	forged.ID = "m1" + behindID + "confirmed by nobody"
	known := at(2, "a=y e=bob")
	known.ID = "m2" + behindID + "confirmed by nobody"
	take(t, s, forged, known)
	got := proposals(t, s, annsAddress)
	got[0].Confirmed = "a form that was sent (crm, 1 Jan 2000)"
	if err := s.Confirm(t.Context(), "site", got); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, dir, Options{})
	page, err := s.For("site").Active(t.Context(), nil)
	why := map[string]string{}
	for _, p := range page.Items {
		for _, id := range p.AnonymousIDs {
			why[id] = p.Why[id]
		}
	}
	if want := "gave their email to site, confirmed by a form that was sent (crm, 1 Jan 2000)"; err != nil || len(why) != 2 || why["x"] != want || why["y"] != "" {
		t.Errorf("%q, %v", why, err)
	}
	links, err := s.Links(t.Context(), annsAddress)
	for _, l := range links {
		if err != nil || l.Event != "m1" {
			t.Errorf("the reason of a link is %q, %v", l.Event, err)
		}
	}
}
