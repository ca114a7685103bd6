package pipeline_test

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/verdicts"
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

// judgedBy are a person's verdicts with the scores they judged.
func (w *world) judgedBy(email string) (out []verdicts.Verdict) {
	w.t.Helper()
	kept, _, err := w.db.Kept(w.idOf(email))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, v := range kept.Verdicts {
		one := verdicts.Verdict{Verdict: v.Verdict, At: v.At}
		if len(v.Judged) > 0 {
			if one.Judged, err = verdicts.Decode(v.Judged); err != nil {
				w.t.Fatal(err)
			}
		}
		out = append(out, one)
	}
	return out
}

// A verdict is kept with the score that the CRM showed, whatever is worked out or written after.
func TestAVerdictIsKeptWithWhatItJudged(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	shown := w.crm.ours("1")[connectors.FieldScore]
	first := receiptOf(t, w, email)
	w.clock.advance(oneDay)
	// A better score cannot be written yet when the rep, who sees the old one, says what they think.
	w.site.add(email, view("/cards/black", "Black card", w.clock.now()), view("/pricing", "Pricing", w.clock.now()))
	w.crm.rejects["1"] = &connectors.Error{Kind: connectors.Rejected, Op: "write", Message: "validation rule"}
	_ = w.tryOnce()
	w.clock.advance(time.Minute)
	w.crm.put("1", "", says("not_now"))
	_ = w.tryOnce()
	clear(w.crm.rejects)
	w.clock.advance(time.Hour)
	w.crm.put("1", "", nil)
	w.once()
	if got := w.crm.ours("1")[connectors.FieldTier]; got != "low" {
		t.Fatalf("the test is no test: the tier is %q", got)
	}
	w.clock.advance(time.Hour)
	w.crm.put("1", "", says("interested"))
	w.once()
	w.clock.advance(time.Hour)
	w.crm.put("1", "", says(""))
	w.once()
	got := w.judgedBy(email)
	if len(got) != 3 {
		t.Fatalf("%d verdicts", len(got))
	}
	j := got[0].Judged
	if j == nil || fmt.Sprintf("%.1f", float64(j.Score)/10) != shown || j.Tier != score.High || j.Engine != "formula" || !reflect.DeepEqual(j.Features, first.Features) {
		t.Errorf("the first judged %+v, want %s and the features of then", j, shown)
	}
	sum := 0
	for _, p := range j.Parts {
		sum += p.Tenths
	}
	if sum != j.Score || len(j.Parts) != 3 {
		t.Errorf("parts %+v do not add up to %d", j.Parts, j.Score)
	}
	if j := got[1].Judged; j == nil || j.Tier != score.Low || j.Rule != score.ByVerdict || len(j.Features.Signals) <= len(first.Features.Signals) {
		t.Errorf("the second judged %+v, want low because of the first", j)
	}
}

// A verdict that was there before any score judged none.
func TestAVerdictOfBeforeTheFirstScoreJudgedNothing(t *testing.T) {
	w := newWorld(t)
	email := w.buyer("1")
	w.crm.put("1", "", says("interested"))
	w.start()
	if got := w.judgedBy(email); len(got) != 1 || got[0].Judged != nil {
		t.Errorf("%+v", got)
	}
}

// The report sets reps and score beside each other, and the labels are what they judged.
func TestVerdictsAreReportedAndExported(t *testing.T) {
	w := newWorld(t).start()
	for i := range 4 {
		w.buyer(fmt.Sprint(i))
	}
	w.once()
	w.clock.advance(time.Hour)
	for i, verdict := range []string{"interested", "interested", "not_interested", "somebody_else"} {
		w.crm.put(fmt.Sprint(i), "", says(verdict))
	}
	w.once()
	r, err := operate.Verdicts(t.Context(), w.p, time.Time{})
	if err != nil || r.Changes != 4 || r.People != 4 || r.All.Agreed != 2 || r.All.Verdicts != 3 || r.Tiers[0].By["interested"] != 2 || r.LeftOut[verdicts.WhyUnknown] != 1 ||
		len(r.Reasons) != 1 || r.Reasons[0].Of != "a request" || len(r.Months) != 1 || r.Months[0].Of != "2026-11" {
		t.Errorf("%+v, %v", r, err)
	}
	if later, err := operate.Verdicts(t.Context(), w.p, w.clock.now().Add(time.Second)); err != nil || later.Changes != 0 {
		t.Errorf("since later: %+v, %v", later, err)
	}
	l, err := operate.VerdictLabels(w.p, time.Time{}, 0)
	if err != nil || l.Written != 3 || l.Next != 0 || bytes.Count(l.Lines, []byte(`"outcome":"won"`)) != 2 || bytes.Contains(l.Lines, []byte("@")) {
		t.Errorf("%d labels, next %d, %v:\n%s", l.Written, l.Next, err, l.Lines)
	}
}
