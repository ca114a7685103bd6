package pipeline_test

import (
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
)

// twoRecords is a buyer whom two CRMs know, scored and written to both.
func twoRecords(t *testing.T) (w *world, other *fakeCRM, email string) {
	w = newWorld(t)
	other = w.secondCRM()
	w.start()
	email = w.buyer("1")
	other.put("9", email, nil)
	w.once()
	if w.crm.ours("1")[connectors.FieldTier] != "high" || other.ours("9")[connectors.FieldTier] != "high" {
		t.Fatal("not written to both")
	}
	return w, other, email
}

func TestARecordThatCouldNotBeReadCatchesUp(t *testing.T) {
	w, other, email := twoRecords(t)
	w.clock.advance(30 * 24 * time.Hour)
	w.site.add(email, view("/cards/black", "Black card", w.clock.now()))
	other.failRead = &connectors.Error{Kind: connectors.Transient, Op: "other: read", Message: "HTTP 502"}
	w.once()
	fresh := w.crm.ours("1")[connectors.FieldScore]
	if fresh == other.ours("9")[connectors.FieldScore] {
		t.Fatal("the test is no test: the score did not move")
	}
	other.failRead = nil
	w.clock.advance(10 * time.Minute)
	w.once()
	if got := other.ours("9")[connectors.FieldScore]; got != fresh {
		t.Fatalf("the CRM that was down for a moment shows %s for good, the other one %s", got, fresh)
	}
	n := len(other.writes) + len(w.crm.writes)
	w.clock.advance(2 * time.Hour)
	w.site.active = append(w.site.active, connectors.Person{Emails: []string{email}})
	w.once()
	if len(other.writes)+len(w.crm.writes) != n {
		t.Fatal("having caught up it was written again")
	}
}

func TestAChangeOfARecordThatCouldNotBeReadIsNotLost(t *testing.T) {
	w, other, _ := twoRecords(t)
	before := w.crm.ours("1")[connectors.FieldScore]
	w.clock.advance(2 * time.Hour)
	other.put("9", "", func(c *connectors.Contact) { c.Profile.Lifecycle = "customer" }) // whose visits do not count
	other.failRead = &connectors.Error{Kind: connectors.Transient, Op: "other: read", Message: "HTTP 502"}
	w.once()
	other.failRead = nil
	w.clock.advance(10 * time.Minute)
	w.once()
	if got := w.crm.ours("1")[connectors.FieldScore]; got == before {
		t.Fatal("the change was taken for dealt with although nobody could read it")
	}
}

func TestARefusedRecordCatchesUpWhenItsInputsChange(t *testing.T) {
	w, other, email := twoRecords(t)
	w.clock.advance(30 * 24 * time.Hour)
	w.site.add(email, view("/cards/black", "Black card", w.clock.now()))
	other.rejects["9"] = &connectors.Error{Kind: connectors.Rejected, Op: "other: write", Message: "validation rule"}
	w.once()
	delete(other.rejects, "9")
	w.clock.advance(2 * time.Hour)
	other.put("9", "", func(c *connectors.Contact) { c.Profile.Company = "Acme" })
	w.once()
	if a, b := w.crm.ours("1")[connectors.FieldScore], other.ours("9")[connectors.FieldScore]; a != b {
		t.Fatalf("one record shows %s, the one that was refused once %s", a, b)
	}
	if w.db.DeadCount() != 0 {
		t.Fatal("the dead letter outlived its cure")
	}
}

func TestAnArchivedRecordDoesNotParkAPersonWhoseOtherRecordWasNotRead(t *testing.T) {
	w, other, email := twoRecords(t)
	w.crm.mu.Lock()
	w.crm.contacts["1"].State = connectors.Archived
	w.crm.mu.Unlock()
	w.clock.advance(24 * time.Hour)
	w.site.add(email, demoRequest(w.clock.now()), view("/cards/black", "Black card", w.clock.now()))
	other.failRead = &connectors.Error{Kind: connectors.Transient, Op: "other: read", Message: "HTTP 502"}
	w.once()
	n := len(other.writes)
	other.failRead = nil
	w.clock.advance(10 * time.Minute)
	w.once()
	if len(other.writes) == n {
		t.Fatal("the work for the record that could not be read was lost")
	}
}

func TestARecordSplitOffDoesNotKeepTheOtherOnesScore(t *testing.T) {
	w, other, _ := twoRecords(t)
	other.put("9", "", func(c *connectors.Contact) { c.Emails = []string{"idle@x.example"} })
	w.once()
	if got := other.ours("9"); got[connectors.FieldScore] != "" || got[connectors.FieldTier] == "high" {
		t.Fatalf("somebody who never did anything shows another one's score: %s %s", got[connectors.FieldScore], got[connectors.FieldTier])
	}
}

func TestAnAddressChangedTogetherWithTheScoreIsKnownToListen(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	w.clock.advance(30 * 24 * time.Hour)
	w.site.add("new@acme.example", demoRequest(w.clock.now()))
	w.crm.put("1", "", func(c *connectors.Contact) { c.Emails = []string{email, "new@acme.example"} })
	w.once()
	w.site.add("new@acme.example", view("/pricing", "Pricing", w.clock.now()))
	f, err := intake.Listen(t.Context(), w.p, "site", 0)
	if err != nil || f.Unknown != 0 || f.Queued != 1 {
		t.Fatalf("activity under the new address: %+v, %v", f, err)
	}
}
