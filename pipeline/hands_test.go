package pipeline_test

import (
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// TestInvariant4AFieldWeLeftEmptyIsTheirsOnceAHumanFillsIt: to have had nothing to say is no claim to a field.
func TestInvariant4AFieldWeLeftEmptyIsTheirsOnceAHumanFillsIt(t *testing.T) {
	w := newWorld(t).start()
	at := w.clock.now().Add(-time.Hour)
	w.crm.put("1", "x@acme.example", nil)
	w.site.add("x@acme.example", demoRequest(at), view("/about", "About", at.Add(time.Minute)))
	w.once()
	if got := w.crm.ours("1"); got[connectors.FieldTier] == "" || got[connectors.FieldProduct] != "" {
		t.Fatalf("the test is no test: %v", got)
	}
	w.clock.advance(2 * time.Hour)
	w.crm.put("1", "", func(c *connectors.Contact) { c.Ours[connectors.FieldProduct] = "Mortgages, says Anna" })
	w.once()
	at = w.clock.now()
	w.site.add("x@acme.example", view("/cards/gold", "Gold card", at), view("/cards/compare", "Compare cards", at.Add(time.Minute)), view("/cards/black", "Black card", at.Add(2*time.Minute)))
	w.clock.advance(time.Hour)
	n := w.crm.writeCount()
	w.once()
	if w.crm.writeCount() == n {
		t.Fatal("the test is no test: nothing was written")
	}
	if got := w.crm.ours("1")[connectors.FieldProduct]; got != "Mortgages, says Anna" {
		t.Fatalf("a human's value became %q", got)
	}
}

// TestInvariant4WhatAMergeTookOverIsNoHumansHand: the survivor of a merge shows the loser's values where it had none.
func TestInvariant4WhatAMergeTookOverIsNoHumansHand(t *testing.T) {
	w := newWorld(t).start()
	at := w.clock.now().Add(-time.Hour)
	w.crm.put("1", "x@acme.example", nil)
	w.site.add("x@acme.example", demoRequest(at), view("/about", "About", at.Add(time.Minute)))
	w.buyer("2")
	w.once()
	took := w.crm.ours("2")[connectors.FieldProduct]
	if took == "" || w.crm.ours("1")[connectors.FieldProduct] != "" {
		t.Fatal("the test is no test: the products are not as they should be")
	}
	w.crm.mu.Lock()
	w.crm.contacts["2"].State, w.crm.contacts["2"].Into = connectors.Merged, w.crm.ref("1")
	w.crm.mu.Unlock()
	w.clock.advance(time.Hour)
	w.crm.put("1", "", func(c *connectors.Contact) {
		c.Absorbed, c.Ours[connectors.FieldProduct] = []connectors.Ref{w.crm.ref("2")}, took
		c.Emails = append(c.Emails, "buyer2@acme.example")
	})
	clear(w.crm.human)
	w.once()
	if held := receiptOf(t, w, "x@acme.example").Held; len(held) > 0 {
		t.Fatalf("values of our own were taken for a human's: %v", held)
	}
}

func TestAVerdictSurvivesASilentSourceAndACrash(t *testing.T) {
	for _, how := range []string{"silent source", "crash before the acknowledgement", "refused patch"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t).start()
			email := w.buyer("1")
			w.once()
			w.clock.advance(30 * 24 * time.Hour)
			verdict := func(c *connectors.Contact) { c.Ours[connectors.FieldVerdict] = "not_now" }
			switch how {
			case "silent source":
				w.site.fail = &connectors.Error{Kind: connectors.Transient, Op: "site", Message: "HTTP 502"}
				w.crm.put("1", "", verdict)
				_ = w.tryOnce()
				w.site.fail = nil
			case "crash before the acknowledgement":
				w.crm.put("1", "", verdict)
				w.site.add(email, view("/cards/black", "Black card", w.clock.now()))
				w.crm.failWrite = &connectors.Error{Kind: connectors.Auth, Op: "write", Message: "revoked"}
				_ = w.tryOnce()
				w.crm.failWrite = nil
				if w.db.JournalDepth() == 0 {
					t.Fatal("the test is no test: nothing is journalled")
				}
				// Meanwhile the patch becomes too old to be true.
				w.clock.advance(25 * time.Hour)
				w.reopen()
			case "refused patch":
				w.crm.put("1", "", verdict)
				w.site.add(email, view("/cards/black", "Black card", w.clock.now()))
				w.crm.rejects["1"] = &connectors.Error{Kind: connectors.Rejected, Op: "write", Message: "no"}
				_ = w.tryOnce()
			}
			w.clock.advance(time.Hour)
			w.once()
			kept, _, err := w.db.Kept(w.idOf(email))
			if err != nil {
				t.Fatal(err)
			}
			got, log := kept.Person.Verdict, kept.Verdicts
			if got != "not_now" || len(log) != 1 {
				t.Fatalf("the rep's verdict is %q, verdicts %v", got, log)
			}
		})
	}
}
