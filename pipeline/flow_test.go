package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/privacy"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

func receiptOf(t *testing.T, w *world, who string) *receipt.Receipt {
	t.Helper()
	r, err := operate.Explain(t.Context(), w.p, who)
	if err != nil {
		t.Fatalf("explain %s: %v", who, err)
	}
	return r
}

func TestFirstSyncThenPolls(t *testing.T) {
	w := newWorld(t)
	w.buyer("1")
	w.crm.put("2", "idle@acme.example", nil)
	w.once()
	if got := w.crm.ours("1"); got[connectors.FieldTier] != "high" || got[connectors.FieldHeadline] == "" || got[connectors.FieldReasons] == "" {
		t.Fatalf("first sync wrote %v", got)
	}
	if got := w.crm.ours("2"); len(got) > 0 {
		t.Fatalf("somebody without a signal was written: %v", got)
	}
	if intake.NeedsFirstSync(w.p, "crm") {
		t.Fatal("the first sync did not end")
	}
	r := receiptOf(t, w, "buyer1@acme.example")
	parts, err := r.Recompute()
	if err != nil || parts != r.Parts {
		t.Fatalf("the receipt recomputes to %+v, %v; it says %+v", parts, err, r.Parts)
	}
}

func TestFirstSyncGivesRulesTextsThenModelTexts(t *testing.T) {
	w := newWorld(t)
	email := w.buyer("1")
	w.once()
	if got := receiptOf(t, w, email).Intent.Engine; got == "counting" {
		t.Fatal("the first sync asked the model")
	}
	w.clock.advance(2 * time.Hour)
	w.once()
	if got := receiptOf(t, w, email).Intent.Engine; got != "counting" {
		t.Fatalf("model texts did not follow: %s", got)
	}
	n := w.crm.writeCount()
	w.clock.advance(time.Hour)
	w.once()
	if w.crm.writeCount() != n {
		t.Fatal("written again for nothing")
	}
}

func TestMergedRecordKeepsPersonAndScore(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.clock.advance(24 * time.Hour)
	w.buyer("2")
	w.once()
	before := receiptOf(t, w, email).Person
	// The vendor makes a new id of both.
	w.crm.mu.Lock()
	for _, id := range []string{"1", "2"} {
		w.crm.contacts[id].State, w.crm.contacts[id].Into = connectors.Merged, w.crm.ref("30")
	}
	w.crm.mu.Unlock()
	w.crm.put("30", email, func(c *connectors.Contact) {
		c.Emails = append(c.Emails, "buyer2@acme.example")
		c.Absorbed = []connectors.Ref{w.crm.ref("1"), w.crm.ref("2")}
	})
	w.once()
	r := receiptOf(t, w, "crm/contacts/30")
	if r.Person != before {
		t.Fatalf("the merged person is %s, was %s", r.Person, before)
	}
	if got := w.crm.ours("30")[connectors.FieldTier]; got != "high" {
		t.Fatalf("the merged record has tier %q", got)
	}
	if got := w.db.Stats(); got.People != 1 || got.Contacts != 1 {
		t.Fatalf("after the merge %d people and %d records are known, want 1 and 1", got.People, got.Contacts)
	}
	if n := len(r.Features.Signals); n < 5 {
		t.Fatalf("the merged person has %d signals: one journey was lost", n)
	}
}

func TestMergeFoundOnlyByReadIsFollowed(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	w.crm.mu.Lock()
	w.crm.contacts["1"].State, w.crm.contacts["1"].Into = connectors.Merged, w.crm.ref("30")
	c := &connectors.Contact{Ref: w.crm.ref("30"), Emails: []string{email}, Ours: map[string]string{}, Fields: map[string]string{}}
	w.crm.contacts["30"] = c
	w.crm.mu.Unlock()
	w.site.add(email, view("/pricing?again", "Pricing", w.clock.now()))
	w.once()
	if got := w.crm.ours("30")[connectors.FieldTier]; got != "high" {
		t.Fatalf("the record it lives on in has tier %q", got)
	}
}

func TestArchivedPausesAndComesBack(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	w.crm.mu.Lock()
	w.crm.contacts["1"].State = connectors.Archived
	w.crm.mu.Unlock()
	n := w.crm.writeCount()
	w.clock.advance(24 * time.Hour)
	w.site.add(email, demoRequest(w.clock.now()))
	w.once()
	if w.crm.writeCount() != n {
		t.Fatal("an archived record was written")
	}
	w.crm.put("1", "", func(c *connectors.Contact) { c.State = connectors.Live })
	w.once()
	if w.crm.writeCount() == n {
		t.Fatal("the restored record was not taken up again")
	}
}

func TestErasedInTheCRMIsForgottenHere(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	w.crm.mu.Lock()
	delete(w.crm.contacts, "1")
	w.crm.mu.Unlock()
	w.site.add(email, view("/x", "X", w.clock.now()))
	w.once()
	if w.db.Stats().People != 1 {
		t.Fatal("one strange answer forgot somebody")
	}
	w.clock.advance(25 * time.Hour)
	w.once()
	w.once()
	if got := w.db.Stats(); got.People != 0 || got.Contacts != 0 {
		t.Fatalf("a day later %d people are still known", got.People)
	}
	if len(w.site.events[email]) != 0 {
		t.Fatal("the journey of the erased person is still there")
	}
}

func TestForgetErasesAndKeepsThemAway(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	out, err := privacy.Forget(t.Context(), w.p, email, false)
	if err != nil {
		t.Fatal(err)
	}
	if out.CRMEmptied != 1 || out.Events != 4 || !out.Compacted {
		t.Fatalf("forgot %+v", out)
	}
	if got := w.crm.ours("1"); len(got) > 0 {
		t.Fatalf("our fields still hold %v", got)
	}
	w.crm.put("1", "", func(c *connectors.Contact) { c.Profile.JobTitle = "back" })
	w.site.add(email, demoRequest(w.clock.now()))
	n := w.crm.writeCount()
	w.once()
	if w.crm.writeCount() != n || w.db.Stats().People != 0 {
		t.Fatal("the forgotten person came back")
	}
	if _, err := operate.Explain(t.Context(), w.p, email); !errors.Is(err, pipeline.ErrUnknownPerson) {
		t.Fatalf("explain after forget: %v", err)
	}
	if err := w.db.Flush(); err != nil {
		t.Fatal(err)
	}
	assertNotInFile(t, w.path, email)
}

func TestForgetGoesOnAfterAnInterruption(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	w.crm.failWrite = &connectors.Error{Kind: connectors.Transient, Op: "write", Message: "HTTP 503"}
	if _, err := privacy.Forget(t.Context(), w.p, email, false); err == nil {
		t.Fatal("a CRM that does not answer passed unnoticed")
	}
	w.crm.failWrite = nil
	w.reopen()
	if n, err := privacy.ResumeErasures(t.Context(), w.p); err != nil || n != 1 {
		t.Fatalf("resumed %d, %v", n, err)
	}
	if got := w.crm.ours("1"); len(got) > 0 {
		t.Fatalf("our fields still hold %v", got)
	}
	if len(w.site.events[email]) != 0 {
		t.Fatal("the journey is still there")
	}
}

func TestVerdictIsReadAndKept(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	w.crm.put("1", "", func(c *connectors.Contact) { c.Ours[connectors.FieldVerdict] = "not_now" })
	w.once()
	held, err := privacy.Export(t.Context(), w.p, email)
	if err != nil {
		t.Fatal(err)
	}
	if len(held.Verdicts) != 1 || held.Verdicts[0].Verdict != "not_now" {
		t.Fatalf("verdicts: %+v", held.Verdicts)
	}
	if len(held.Events) != 4 || len(held.Receipts) == 0 || len(held.Records) != 1 {
		t.Fatalf("export holds %d events, %d receipts, %d records", len(held.Events), len(held.Receipts), len(held.Records))
	}
}

func TestSweepFindsWhatPollingMissed(t *testing.T) {
	w := newWorld(t).start()
	w.buyer("1")
	w.once()
	w.crm.mu.Lock() // a change that bumps nothing, and a removal nobody is told of
	w.crm.contacts["1"].Profile.Lifecycle = "customer"
	w.crm.contacts["2"] = &connectors.Contact{Ref: w.crm.ref("2"), Emails: []string{"silent@x.example"}, Ours: map[string]string{}}
	w.crm.mu.Unlock()
	f, err := intake.Sweep(t.Context(), w.p, "crm")
	if err != nil || !f.Finished || f.Queued != 2 {
		t.Fatalf("sweep: %+v, %v", f, err)
	}
	w.once()
	w.crm.mu.Lock()
	w.crm.contacts["1"].State = connectors.Archived
	w.crm.mu.Unlock()
	w.clock.advance(time.Hour)
	if f, err = intake.Sweep(t.Context(), w.p, "crm"); err != nil || f.Missing != 1 {
		t.Fatalf("sweep after a removal: %+v, %v", f, err)
	}
}

func TestBrakeStopsAMassChange(t *testing.T) {
	w := newWorld(t).start()
	for i := range 60 {
		w.buyer(fmt.Sprint(100 + i))
	}
	w.once()
	n := w.crm.writeCount()
	s := *w.setup
	s.Score.High, s.Score.Medium, s.Score.HandRaiseDays = 990, 980, 0 // a typing error
	w.p.Swap(&s)
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	_ = w.tryOnce()
	st := operate.StatusOf(w.p)
	if st.Brake == "" || w.crm.writeCount()-n > 20 {
		t.Fatalf("brake %q after %d writes", st.Brake, w.crm.writeCount()-n)
	}
	if !strings.Contains(st.Brake, "resume") {
		t.Errorf("the brake does not say what to do: %s", st.Brake)
	}
	w.reopen()
	if operate.StatusOf(w.p).Brake == "" {
		t.Fatal("a restart released the brake")
	}
	if _, err := operate.Resume(w.p); err != nil {
		t.Fatal(err)
	}
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil { // the config is another one again
		t.Fatal(err)
	}
	w.clock.advance(20 * time.Minute)
	w.once()
	for i := range 60 {
		if got := w.crm.ours(fmt.Sprint(100 + i))[connectors.FieldTier]; got != "high" {
			t.Errorf("resumed under the right config, record %d has tier %q", 100+i, got)
		}
	}
	if again := w.crm.writeCount() - n; again > 40 {
		t.Errorf("%d writes, want only those few undone that went out before the brake", again)
	}
}

func TestWriteModes(t *testing.T) {
	w := newWorld(t)
	w.setup.Write = pipeline.Write{Mode: pipeline.WriteCanary, Owners: []string{"7"}}
	w.start()
	w.buyer("1")
	w.buyer("2")
	w.crm.put("2", "", func(c *connectors.Contact) { c.Owner = "7" })
	w.once()
	if len(w.crm.ours("1")) > 0 || len(w.crm.ours("2")) == 0 {
		t.Fatalf("canary wrote %v and %v", w.crm.ours("1"), w.crm.ours("2"))
	}
	calls := w.engine.calls.Load()
	s := *w.setup
	s.Write = pipeline.Write{Mode: pipeline.WriteOn}
	w.p.Swap(&s)
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	w.once()
	if len(w.crm.ours("1")) == 0 {
		t.Fatal("switched on, the record was not written")
	}
	if w.engine.calls.Load() != calls {
		t.Fatal("switching on paid for texts again")
	}
}

func TestPlanWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.buyer("1")
	plan, err := operate.PlanOf(t.Context(), w.p, operate.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Changes) != 1 || len(plan.FirstSync) != 1 || plan.FirstSync[0].Records != 1 {
		t.Fatalf("plan: %+v", plan)
	}
	if w.crm.writeCount() != 0 || w.db.Stats().People != 0 || w.engine.calls.Load() != 0 {
		t.Fatal("a dry run left traces")
	}
	w.once()
	w.site.add("buyer1@acme.example", view("/cards/black", "Black card", w.clock.now()))
	before := w.db.Stats()
	if plan, err = operate.PlanOf(t.Context(), w.p, operate.PlanOptions{Who: "buyer1@acme.example"}); err != nil || plan.Looked != 1 {
		t.Fatalf("plan of one: %+v, %v", plan, err)
	}
	if after := w.db.Stats(); after.Journal != before.Journal || after.Queue != before.Queue {
		t.Fatal("a dry run of one left traces")
	}
}

func TestTwoRecordsOfOnePersonSplitWhenAddressesPart(t *testing.T) {
	w := newWorld(t)
	other := w.secondCRM()
	w.start()
	email := w.buyer("1")
	other.put("9", email, nil)
	w.once()
	if w.db.Stats().People != 1 {
		t.Fatalf("%d people, want one with two records", w.db.Stats().People)
	}
	other.put("9", "", func(c *connectors.Contact) { c.Emails = []string{"else@x.example"} })
	w.once()
	if w.db.Stats().People != 2 {
		t.Fatal("the records were not parted")
	}
	if got := receiptOf(t, w, email); len(got.Refs) != 1 {
		t.Fatalf("the first person still has %v", got.Refs)
	}
}

func TestStopIsPrompt(t *testing.T) {
	w := newWorld(t).start()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.p.Run(ctx) }()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Run did not end")
	}
}

func TestPlanShowsWhatModeOffHoldsBack(t *testing.T) {
	w := newWorld(t)
	w.setup.Write = pipeline.Write{Mode: pipeline.WriteOff}
	w.buyer("1")
	for _, when := range []string{"before the first sync", "after it"} {
		plan, err := operate.PlanOf(t.Context(), w.p, operate.PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(plan.Changes) != 1 {
			t.Errorf("%s the plan shows %d changes, want the one that switching on would write", when, len(plan.Changes))
		}
		w.once()
	}
	if w.crm.writeCount() != 0 {
		t.Fatal("mode off wrote")
	}
}

func TestExportOfAStrangerTellsOfTheirJourney(t *testing.T) {
	w := newWorld(t).start()
	w.site.add("stranger@x.example", view("/pricing", "Pricing", w.clock.now()))
	held, err := privacy.Export(t.Context(), w.p, "Stranger@x.example")
	if err != nil || len(held.Events) != 1 {
		t.Fatalf("export of somebody no CRM knows: %+v, %v", held, err)
	}
	if _, err := privacy.Export(t.Context(), w.p, "nobody@x.example"); !errors.Is(err, pipeline.ErrUnknownPerson) {
		t.Fatalf("export of nobody: %v", err)
	}
}

func TestDaysAreBooked(t *testing.T) {
	w := newWorld(t).start()
	w.buyer("1")
	w.once()
	if err := w.db.Flush(); err != nil {
		t.Fatal(err)
	}
	days, err := w.db.UsageDays(1)
	if err != nil || len(days) != 1 || days[0].Written != 1 || days[0].People != 1 {
		t.Fatalf("booked: %+v, %v", days, err)
	}
}
