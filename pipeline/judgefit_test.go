package pipeline_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/fit"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// grade has the world grade people by rules.
func (w *world) grade(rules *fit.Config) {
	w.t.Helper()
	s := *w.setup
	s.Fit = rules
	s.CRMs = append(s.CRMs[:0:0], s.CRMs...)
	s.CRMs[0].Own = connectors.PersonFieldsWith(connectors.FieldFit, connectors.FieldGrade)
	names := map[string]string{connectors.FieldFit: "intent_fit", connectors.FieldGrade: "intent_grade"}
	for field, name := range s.CRMs[0].Fields {
		names[field] = name
	}
	s.CRMs[0].Fields = names
	w.setup = &s
	w.p.Swap(w.setup)
}

func retail(points int) *fit.Config {
	return &fit.Config{A: 50, B: 30, C: 10, Combined: true, Rules: []fit.Rule{{Property: "industry", AnyOf: []string{"retail"}, Points: points}, {Property: "jobtitle", Matches: []string{"*head*"}, Points: 20}}}
}

// A person is graded by what the CRM says, in fields of its own: it follows the CRM and the rules, and leaves the score as it is.
func TestFitFollowsTheCRMAndTheRules(t *testing.T) {
	w := newWorld(t)
	w.grade(retail(30))
	w.start()
	email := w.buyer("1")
	w.crm.put("1", "", func(c *connectors.Contact) { c.Fields["Industry"] = "Retail" })
	w.once()
	want := func(when, grade, combined string) {
		t.Helper()
		if got := w.crm.ours("1"); got[connectors.FieldFit] != grade || got[connectors.FieldGrade] != combined {
			t.Errorf("%s the fit is %q, combined %q, want %s and %s", when, got[connectors.FieldFit], got[connectors.FieldGrade], grade, combined)
		}
	}
	want("at first", "B", "B1")
	shown := w.crm.ours("1")[connectors.FieldScore]
	r := receiptOf(t, w, email)
	if r.Fit.Points != 30 || len(r.Fit.Rules) != 1 || len(r.Fit.Missing) != 1 || r.Fit.Missing[0] != "jobtitle" {
		t.Errorf("the receipt says %+v", r.Fit)
	}
	var page bytes.Buffer
	if err := r.Text(&page, receipt.TextOptions{Width: 200}); err != nil || !strings.Contains(page.String(), `B1 by 30 points, which are no part of the score: industry "Retail" +30; not known: jobtitle`) {
		t.Errorf("explain says\n%s", page.String())
	}
	if v := r.Verify(); !v.OK() {
		t.Errorf("the receipt does not recompute: %+v", v)
	}
	w.clock.advance(time.Minute)
	w.crm.put("1", "", func(c *connectors.Contact) { c.Profile.JobTitle = "Head of Purchasing" })
	w.once()
	want("with a title", "A", "A1")
	if r := receiptOf(t, w, email); r.Reason != score.ReasonFit {
		t.Errorf("written because of %q", r.Reason)
	}
	writes := w.crm.writeCount()
	w.once()
	if n := w.crm.writeCount(); n != writes {
		t.Errorf("%d writes without a change", n-writes)
	}
	w.grade(retail(5))
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	w.once()
	want("under other rules", "C", "C1")
	w.clock.advance(time.Minute)
	w.crm.put("1", "", func(c *connectors.Contact) { clear(c.Fields); c.Profile.JobTitle = "" })
	w.once()
	want("with nothing known", "", "")
	if got := w.crm.ours("1")[connectors.FieldScore]; got != shown {
		t.Errorf("the score moved from %s to %s", shown, got)
	}
}

// Letters are emptied where the rules are gone, and the fields are still known: they would age. That is a change of fit, which the brake counts.
func TestFitIsEmptiedWithoutRules(t *testing.T) {
	w := newWorld(t)
	w.grade(retail(30))
	w.start()
	w.buyer("1")
	w.crm.put("1", "", func(c *connectors.Contact) { c.Fields["industry"] = "retail" })
	w.once()
	next := *w.setup
	next.Fit = nil
	dry, err := w.p.Preview(t.Context(), &next, []state.Entry{{Person: 1, Reason: state.ReasonInputs}})
	if err != nil || len(dry.Changes) != 1 || dry.Changes[0].Reason != score.ReasonFit || len(dry.Changes[0].Fields) < 2 {
		t.Errorf("plan foretells %+v, %v", dry.Changes, err)
	}
	e, err := operate.EffectOf(t.Context(), w.p, &next, 100)
	if err != nil || e.Fit == nil || e.Fit.Asked != 1 || e.Fit.Emptied != 1 || e.Fit.Combined != 1 || e.Fit.Regraded != 1 || e.Changed != 0 {
		t.Errorf("the effect foretells %+v, %v", e.Fit, err)
	}
	w.setup = &next
	w.p.Swap(w.setup)
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	writes := w.crm.writeCount()
	w.once()
	if got := w.crm.ours("1"); got[connectors.FieldFit] != "" || got[connectors.FieldGrade] != "" || got[connectors.FieldScore] == "" {
		t.Errorf("left to age: %v", got)
	}
	w.clock.advance(time.Minute)
	w.crm.touchOnly("1")
	w.once()
	if n := w.crm.writeCount() - writes; n != 1 || w.p.TierChanges() != 1 {
		t.Errorf("%d writes, and %d changes count for the brake", n, w.p.TierChanges())
	}
}

// Nobody is graded, and no field is written, without rules.
func TestWithoutRulesOfFitNothingIsWritten(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	if _, there := w.crm.ours("1")[connectors.FieldFit]; there || receiptOf(t, w, email).Graded {
		t.Error("somebody was graded")
	}
}

// A change of the rules that regrades everybody pulls the brake; the first grades do not.
func TestRegradingEverybodyPullsTheBrake(t *testing.T) {
	w := newWorld(t).start()
	for i := range 60 {
		w.buyer(fmt.Sprint(i))
		w.crm.put(fmt.Sprint(i), "", func(c *connectors.Contact) { c.Fields["industry"] = "retail" })
	}
	w.once()
	rescan := func(rules *fit.Config) {
		t.Helper()
		w.grade(rules)
		if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
			t.Fatal(err)
		}
		_ = w.tryOnce()
	}
	rescan(retail(30))
	if why := operate.StatusOf(w.p).Brake; why != "" || w.crm.ours("7")[connectors.FieldFit] != "B" {
		t.Fatalf("the first grades: %q, fit %q", why, w.crm.ours("7")[connectors.FieldFit])
	}
	rescan(retail(60))
	if operate.StatusOf(w.p).Brake == "" {
		t.Error("new rules that regrade everybody did not pull the brake")
	}
}
