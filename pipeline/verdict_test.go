package pipeline_test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

const oneDay = 24 * time.Hour

// says is a rep's change of the verdict; "" takes it back.
func says(verdict string) func(c *connectors.Contact) {
	return func(c *connectors.Contact) {
		if c.Ours[connectors.FieldVerdict] = verdict; verdict == "" {
			delete(c.Ours, connectors.FieldVerdict)
		}
	}
}

func (w *world) wantTier(when, want string) {
	w.t.Helper()
	w.once()
	if got := w.crm.ours("1")[connectors.FieldTier]; got != want {
		w.t.Errorf("%s the tier is %q, want %s", when, got, want)
	}
}

func TestAVerdictSetsAsideUntilItsTimeIsOver(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.wantTier("at first", "high")
	w.crm.put("1", "", says("not_now"))
	since := w.clock.now()
	w.wantTier("set aside", "low")
	if n := w.p.TierChanges(); n != 1 {
		t.Errorf("the brake counts %d changes, want 1", n)
	}
	until := since.Add(60 * oneDay)
	if got := w.crm.ours("1"); !strings.Contains(got[connectors.FieldReasons], "Set aside by a rep until 19 Jan 2027: not now.") ||
		strings.Contains(got[connectors.FieldSummary], "Next step") || got[connectors.FieldCoolsOn] != "" {
		t.Errorf("the rep reads %q, %q, cools on %q", got[connectors.FieldReasons], got[connectors.FieldSummary], got[connectors.FieldCoolsOn])
	}
	r := receiptOf(t, w, email)
	var page bytes.Buffer
	if err := r.Text(&page, receipt.TextOptions{}); err != nil || !strings.Contains(page.String(), "not now since 20 Nov 2026, aside until 19 Jan 2027") {
		t.Errorf("explain says\n%s", page.String())
	}
	if v := r.Verify(); !v.OK() {
		t.Errorf("the receipt does not recompute: %+v", v)
	}

	w.clock.advance(59 * oneDay)
	for i := range 3 {
		w.site.add(email, view(fmt.Sprintf("/pricing/%d", i), "Pricing", w.clock.now().Add(time.Duration(i)*time.Minute)))
	}
	w.wantTier("in spite of what they read", "low")
	if due := w.personOf(email).Due; due.IsZero() || due.After(until) {
		t.Errorf("due %v, want %v or before", due, until)
	}
	w.clock.t = until.Add(-time.Hour)
	w.wantTier("an hour before the end", "low")
	w.clock.t = until.Add(time.Second)
	w.wantTier("when the time is over", "high")
	if got := w.crm.ours("1")[connectors.FieldReasons]; strings.Contains(got, "Set aside") {
		t.Errorf("still said: %s", got)
	}
	if kept, _, _ := w.db.Kept(w.idOf(email)); len(kept.Verdicts) != 1 {
		t.Errorf("the verdict is not kept to learn from: %v", kept.Verdicts)
	}
}

func TestALaterRequestLiftsAVerdict(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	w.crm.put("1", "", says("not_interested"))
	w.wantTier("after the request", "low")
	w.clock.advance(10 * oneDay)
	w.site.add(email, demoRequest(w.clock.now()))
	w.wantTier("before a request", "high")
}

func TestANewVerdictOrNoneDecidesAtOnce(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	for _, c := range []struct{ verdict, tier string }{{"wrong_person", "low"}, {"interested", "high"}, {"not_now", "low"}, {"", "high"}, {"somebody_else", "high"}} {
		w.clock.advance(time.Minute)
		w.crm.put("1", "", says(c.verdict))
		w.wantTier("after "+c.verdict, c.tier)
	}
	if kept, _, _ := w.db.Kept(w.idOf(email)); len(kept.Verdicts) != 5 || kept.Verdicts[0].Verdict != "wrong_person" {
		t.Errorf("kept: %v", kept.Verdicts)
	}
}

// Somebody who was low anyway is told, too, and told again when it is over: a text is as true next week as today.
func TestAVerdictIsToldWhereTheTierStays(t *testing.T) {
	w := newWorld(t).start()
	w.crm.put("1", "x@acme.example", nil)
	w.site.add("x@acme.example", view("/about", "About", w.clock.now().Add(-time.Hour)))
	w.wantTier("at first", "low")
	w.clock.advance(time.Minute)
	w.crm.put("1", "", says("not_now"))
	w.wantTier("set aside", "low")
	if got := w.crm.ours("1")[connectors.FieldReasons]; !strings.Contains(got, "Set aside by a rep until 19 Jan 2027") {
		t.Errorf("not told: %s", got)
	}
	n := w.crm.writeCount()
	w.crm.touchOnly("1")
	w.once()
	if w.crm.writeCount() != n {
		t.Error("told twice")
	}
	w.clock.advance(60 * oneDay)
	w.wantTier("when it is over", "low")
	if got := w.crm.ours("1")[connectors.FieldReasons]; strings.Contains(got, "Set aside") {
		t.Errorf("still told: %s", got)
	}
}

// A verdict that was there before counts from the record's last change: it cannot be younger.
func TestAnOldVerdictCountsFromTheRecordsLastChange(t *testing.T) {
	w := newWorld(t)
	w.buyer("1")
	w.crm.put("1", "", says("not_now"))
	w.crm.contacts["1"].Modified = w.clock.now().Add(-61 * oneDay)
	w.start().wantTier("61 days after", "high")
}

// A new state over a portal that an earlier one wrote: the history says when the verdict was set, whatever was written to the record since.
func TestAVerdictThatANewStateMeetsCountsFromTheCRMsHistory(t *testing.T) {
	for days, want := range map[int]string{61: "high", 59: "low"} {
		w := newWorld(t)
		w.crm.put("1", "reader@acme.example", nil)
		for i := range 6 { // without a request, which would lift it
			w.site.add("reader@acme.example", view(fmt.Sprintf("/pricing/%d", i), "Pricing", w.clock.now().Add(-time.Duration(i)*time.Hour)))
		}
		w.crm.put("1", "", func(c *connectors.Contact) {
			c.Ours[connectors.FieldTier], c.Ours[connectors.FieldVerdict] = "medium", "not_now"
		})
		clear(w.crm.human)
		w.crm.verdictAt = map[string]time.Time{"1": w.clock.now().Add(-time.Duration(days) * oneDay)}
		w.start().wantTier(fmt.Sprintf("%d days after", days), want)
	}
}

// A release that only kept verdicts noted when it read them: that is what they count from.
func TestAVerdictOfAnOlderStateCountsFromWhenItWasRead(t *testing.T) {
	w := newWorld(t)
	verdicts := w.setup.Verdicts
	w.setup.Verdicts = nil
	w.p.Swap(w.setup)
	w.start()
	email := w.buyer("1")
	w.crm.put("1", "", says("not_now"))
	w.wantTier("by the older release", "high")
	s := *w.setup
	s.Verdicts = verdicts
	w.clock.advance(2 * oneDay)
	w.reopen()
	w.p.Swap(&s)
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	w.wantTier("by this one", "low")
	if got := receiptOf(t, w, email).Features.AsideUntil; got != noon.Add(60*oneDay).Unix() {
		t.Errorf("until %v, want 60 days after it was read", time.Unix(got, 0).UTC())
	}
}

// Of several records the one that was changed last speaks; where one was emptied, another that still says something does.
func TestVerdictsOfSeveralRecords(t *testing.T) {
	w := newWorld(t)
	other := w.secondCRM()
	w.p.Swap(w.setup)
	w.start()
	email := w.buyer("1")
	other.put("1", email, nil)
	w.once()
	for _, c := range []struct {
		crm                 *fakeCRM
		verdict, want, tier string
	}{
		{w.crm, "not_now", "not_now", "low"}, {other, "interested", "interested", "high"}, {w.crm, "wrong_person", "wrong_person", "low"},
		{w.crm, "", "interested", "high"}, {other, "", "", "high"},
	} {
		w.clock.advance(time.Minute)
		c.crm.put("1", "", says(c.verdict))
		w.wantTier("after "+c.crm.name+" "+c.verdict, c.tier)
		if got := w.personOf(email).Verdict; got != c.want {
			t.Errorf("after %s said %q the verdict is %q, want %q", c.crm.name, c.verdict, got, c.want)
		}
	}
}

// A CRM without the field has no say, also not where the verdict is taken back in the other one.
func TestAVerdictIsTakenBackBesideACRMWithoutTheField(t *testing.T) {
	w := newWorld(t)
	other := w.secondCRM()
	fields := maps.Clone(w.setup.CRMs[1].Fields)
	delete(fields, connectors.FieldVerdict)
	w.setup.CRMs[1].Fields = fields
	w.p.Swap(w.setup)
	w.start()
	email := w.buyer("1")
	other.put("1", email, nil)
	w.once()
	w.crm.put("1", "", says("not_now"))
	w.wantTier("set aside", "low")
	w.clock.advance(time.Minute)
	w.crm.put("1", "", says(""))
	w.wantTier("taken back", "high")
}

func TestMassVerdictsPullTheBrake(t *testing.T) {
	w := newWorld(t).start()
	for i := range 60 {
		w.buyer(fmt.Sprint(i))
	}
	w.once()
	for i := range 60 {
		w.crm.put(fmt.Sprint(i), "", says("not_interested"))
	}
	if _ = w.tryOnce(); operate.StatusOf(w.p).Brake == "" {
		t.Error("an import of verdicts that sets everybody aside did not pull the brake")
	}
}
