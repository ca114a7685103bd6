package clickstream

import (
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

func withdrawal(n int, fields string) connectors.Event {
	e := at(n, fields)
	e.Kind, e.Consent = "Consent Withdrawn", "denied"
	return e
}

// Promise: what somebody did until they withdrew their consent goes, on all their devices, and nothing else: neither what came later, nor
// the withdrawal, nor what others did, nor what says who they are.
func TestWithdraw(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	take(t, s, at(1, "a=x"), at(2, "a=x e=ann"), at(3, "a=y e=ann"), at(4, "a=z e=bob"))
	take(t, s, withdrawal(5, "a=y"), at(6, "a=x"))
	denied := at(7, "e=ann")
	denied.Consent = "denied"
	if n, err := s.Ingest(Batch{Source: "site", Events: []connectors.Event{denied}}); n != 0 || err != nil {
		t.Errorf("%d taken in, %v", n, err)
	}
	if i, _ := s.Intake("site"); i.Events != 6 || i.LeftOut[connectors.LeftOutConsent] != 1 {
		t.Errorf("the withdrawal is kept, what is merely denied is not: %+v", i)
	}
	for _, want := range []int{3, 0} {
		n, err := s.Withdraw(t.Context(), "site", annsAddress, at(5, "").Time, "")
		if err != nil || n != want {
			t.Errorf("%d events erased, want %d: %v", n, want, err)
		}
	}
	if got := journey(t, s, annsAddress); !slices.Equal(got, []string{"", "/5", "/6"}) {
		t.Errorf("left beside the withdrawal under her name: %v", got)
	}
	if got := journey(t, s, connectors.Person{Emails: []string{"bob@example.com"}}); !slices.Equal(got, []string{"/4"}) {
		t.Errorf("Bob's: %v", got)
	}
}

// Promise: what visitors did whom nobody knows goes with the next purge.
func TestVisitorWithdraws(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	take(t, s, said(1, "a=x e=ann"), at(2, "a=x"), at(3, "a=y"), withdrawal(4, "a=x"))
	after := at(6, "a=x")
	take(t, s, after)
	for range 2 {
		if _, _, err := s.Prune(t.Context(), present.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := journey(t, s, connectors.Person{AnonymousIDs: []string{"x"}}); !slices.Equal(got, []string{"/4", "/6"}) {
			t.Errorf("left: %v", got)
		}
	}
	if got := journey(t, s, connectors.Person{AnonymousIDs: []string{"y"}}); !slices.Equal(got, []string{"/3"}) {
		t.Errorf("of another visitor: %v", got)
	}
	if got := proposals(t, s, annsAddress); len(got) > 0 {
		t.Errorf("still proposed: %+v", got)
	}
}
