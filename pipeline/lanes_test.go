package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
	"github.com/intentd/intentd/state"
)

func TestAFirstSyncThatStumblesStillGivesRulesTextsFirst(t *testing.T) {
	w := newWorld(t)
	email := w.buyer("1")
	w.crm.failRead = &connectors.Error{Kind: connectors.Transient, Op: "read", Message: "HTTP 502"}
	w.once()
	w.crm.failRead = nil
	w.clock.advance(5 * time.Minute)
	w.once()
	if got := receiptOf(t, w, email).Intent.Engine; got == "counting" || w.engine.calls.Load() != 0 {
		t.Fatalf("one failed read, and the first sync is paid for: texts by %q", got)
	}
	w.clock.advance(2 * time.Hour)
	w.once()
	if got := receiptOf(t, w, email).Intent.Engine; got != "counting" {
		t.Fatalf("model texts did not follow: %s", got)
	}
}

// The texts of a first sync are marked as provisional, and make place for the model's as soon as those are there: write.interval is for
// news, and this is none. Once only: the model's own texts keep to it.
func TestProvisionalTextsMakePlaceWithoutTheHour(t *testing.T) {
	w := newWorld(t)
	email := w.buyer("1")
	w.once()
	if got := w.crm.ours("1")[connectors.FieldSummary]; !strings.Contains(got, "Provisional: the language model’s text follows.") || w.engine.calls.Load() != 0 {
		t.Fatalf("the rules' text is not marked: %q", got)
	}
	w.clock.advance(2 * time.Minute)
	n := w.crm.writeCount()
	w.once()
	if got := w.crm.ours("1")[connectors.FieldSummary]; strings.Contains(got, "Provisional") || w.crm.writeCount() != n+1 || receiptOf(t, w, email).Intent.Engine != "counting" {
		t.Fatalf("two minutes later the model's text is not written: %q, %d writes", got, w.crm.writeCount()-n)
	}
	w.site.add(email, view("/cards/black", "Black card", w.clock.now()))
	w.clock.advance(time.Minute)
	w.once()
	if w.crm.writeCount() != n+1 {
		t.Error("text alone is written within the hour")
	}
}

// Whose model was taken out of the config waits for none: the rules' texts stay, and are not said to be provisional.
func TestProvisionalTextsStayWhereTheModelGoes(t *testing.T) {
	w := newWorld(t)
	w.buyer("1")
	w.once()
	s := *w.setup
	s.Engine = s.Rules
	w.p.Swap(&s)
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(2 * time.Minute)
	w.once()
	if got := w.crm.ours("1")[connectors.FieldSummary]; strings.Contains(got, "Provisional") || got == "" {
		t.Errorf("still said: %q", got)
	}
}

// TestInvariant8SomebodyNewScoredWithoutASilentSourceIsScoredAnewWithIt: patience ends, the debt does not.
func TestInvariant8SomebodyNewScoredWithoutASilentSourceIsScoredAnewWithIt(t *testing.T) {
	w := newWorld(t)
	mails := newFakeSource("mails")
	w.setup.Sources = append(w.setup.Sources, pipeline.Source{Name: "mails", Source: mails})
	w.start()
	mails.fail = &connectors.Error{Kind: connectors.Transient, Op: "mails", Message: "HTTP 502"}
	email := "buyer1@acme.example"
	w.crm.put("1", email, nil)
	w.site.add(email, view("/about", "About", w.clock.now()))
	for range 6 {
		_ = w.tryOnce()
		w.clock.advance(10 * time.Minute)
	}
	before := w.crm.ours("1")[connectors.FieldTier]
	if before != "low" {
		t.Fatalf("patience did not end: tier %q", before)
	}
	mails.fail = nil
	mails.events[email] = []connectors.Event{{ID: "m1", Source: "mails", Email: email, Time: w.clock.now(), Received: w.clock.now(), Kind: connectors.KindDemoRequest, URL: "https://www.shop.example/demo"}}
	w.clock.advance(7 * time.Hour)
	w.once()
	if got := w.crm.ours("1")[connectors.FieldTier]; got != "high" {
		t.Fatalf("with the source back the tier is still %q", got)
	}
}

// TestAStoppedCRMWearsNobodyOut: while the only CRM may not be asked nobody is claimed, so that all are there when it is back.
func TestAStoppedCRMWearsNobodyOut(t *testing.T) {
	w := newWorld(t).start()
	w.buyer("1")
	if _, err := intake.Poll(t.Context(), w.p, "crm"); err != nil {
		t.Fatal(err)
	}
	w.p.Health().Note("crm", &connectors.Error{Kind: connectors.Quota, Op: "crm", Message: "daily limit", Until: w.clock.now().Add(20 * time.Hour)})
	for range 5 {
		_ = w.tryOnce()
		w.clock.advance(time.Hour)
	}
	e, _, err := w.db.Queued(w.idOf("buyer1@acme.example"))
	if err != nil {
		t.Fatal(err)
	}
	if e.Lane != state.Live || e.Attempts != 0 {
		t.Fatalf("after five hours of waiting the person stands in lane %s after %d attempts", operate.LaneName(e.Lane), e.Attempts)
	}
	w.p.Health().Note("crm", nil)
	w.once()
	if w.crm.ours("1")[connectors.FieldTier] != "high" {
		t.Fatal("not written when the CRM was back")
	}
}

// TestNewRulesReachWhomTheirDueTimeCallsFirst: somebody due between a change of the config and its rescan is not taken for done.
func TestNewRulesReachWhomTheirDueTimeCallsFirst(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.once()
	s := *w.setup
	jc := journey.Defaults()
	jc.OwnHosts = []string{"www.shop.example"}
	jc.Strengths[score.HandRaise] = 75
	var err error
	if s.Journey, err = journey.NewBuilder(jc); err != nil {
		t.Fatal(err)
	}
	w.p.Swap(&s)
	w.clock.advance(40 * 24 * time.Hour)
	w.once() // due
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	w.once()
	for _, g := range receiptOf(t, w, email).Features.Signals {
		if g.Strength == 95 {
			t.Fatalf("a demo request still has strength 95, the config says 75")
		}
	}
}

// noting is an engine that notes whom it is asked about, in order.
type noting struct {
	*countingEngine
	asked []intent.Subject
}

func (n *noting) InferAll(ctx context.Context, in []intent.Subject) ([]intent.Intent, error) {
	n.asked = append(n.asked, in...)
	out := make([]intent.Intent, len(in))
	for i := range in {
		out[i], _ = n.Infer(ctx, in[i])
	}
	return out, nil
}

// Under a daily budget the model is asked first about people whose tier its words can change; whoever asked for a demo is high, whatever it
// says. Without one, and where no word of a model counts, nobody goes last.
func TestTheBudgetGoesFirstToPeopleWhoseTierIsOpen(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*pipeline.Setup)
		order  bool
	}{
		"budget":            {func(*pipeline.Setup) {}, true},
		"no budget":         {func(s *pipeline.Setup) { s.BudgetSpent = nil }, false},
		"nothing to change": {func(s *pipeline.Setup) { s.Score.InterestPoints, s.Topics = 0, topics.New(topics.Config{}) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).start()
			engine := &noting{countingEngine: w.engine}
			w.setup.Engine, w.setup.Score.InterestPoints = engine, 100
			var asked []bool // the budget of whom
			w.setup.BudgetSpent = func(last bool) bool { asked = append(asked, last); return true }
			c.change(w.setup)
			w.p.Swap(w.setup)
			w.buyer("1") // first in the queue
			w.crm.put("2", "reader@acme.example", nil)
			for d := range 3 { // 30 points of topics more or less are medium or low
				w.site.add("reader@acme.example", view(fmt.Sprintf("/blog/%d", d), "Read", w.clock.now().Add(-time.Duration(d*24+1)*time.Hour)))
			}
			w.engine.degraded.Store("no room")
			w.once()
			if len(engine.asked) != 2 {
				t.Fatalf("%d people asked about", len(engine.asked))
			}
			first, second := engine.asked[0], engine.asked[1]
			if buyer := first.Journey.Key == w.idOf("buyer1@acme.example").Key(); buyer == c.order || first.Last || second.Last != c.order {
				t.Errorf("the buyer goes first: %v, last %v and %v", buyer, first.Last, second.Last)
			}
			if c.order && (!slices.Contains(asked, true) || !slices.Contains(asked, false)) {
				t.Errorf("the budget was asked for %v: of both there was to be tried again", asked)
			}
		})
	}
}
