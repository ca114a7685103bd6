package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// shopper puts somebody into the CRM who reads prices, comparisons and n further pages, and asks for nothing.
func (w *world) shopper(id, owner string, n int) string {
	email := "reader" + id + "@acme.example"
	w.crm.put(id, email, func(c *connectors.Contact) { c.Owner = owner })
	at := w.clock.now().Add(-2 * time.Hour)
	w.site.add(email, view("/pricing", "Pricing", at), view("/cards/compare", "Compare", at.Add(time.Minute)), view("/cards/versus", "Versus", at.Add(time.Minute)))
	for i := range n {
		w.site.add(email, view(fmt.Sprintf("/cards/%d", i), "Card", at.Add(time.Duration(i+2)*time.Minute)))
	}
	return email
}

func (w *world) tier(id string) string { return w.crm.ours(id)[connectors.FieldTier] }

func (w *world) recut() {
	w.t.Helper()
	if err := w.p.Recut(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.once()
}

// Each night high begins, for each owner, where no more would have come than they can take. Nobody leaves high for it; whoever comes later
// has to reach it; a request, and whoever is somebody else's, do not.
func TestCapacityRaisesTheThresholdAndNotThePast(t *testing.T) {
	w := newWorld(t)
	w.setup.Capacity, w.setup.BrakeShare = 1, 0 // four in four weeks
	w.p.Swap(w.setup)
	for i := range 10 {
		w.shopper(fmt.Sprint(i+1), "7", 8+2*i)
	}
	w.once()
	for i := range 10 {
		if got := w.tier(fmt.Sprint(i + 1)); got != "high" {
			t.Fatalf("before any night: %s", got)
		}
	}
	w.clock.advance(24 * time.Hour)
	w.recut()
	cut := w.p.Cuts()["crm/7"]
	if cut.From <= 620 || cut.Entries != 10 || !cut.Since.Equal(w.clock.now()) {
		t.Fatalf("high begins at %+v", cut)
	}
	above := 0
	for i := range 10 {
		id := fmt.Sprint(i + 1)
		r := receiptOf(t, w, "reader"+id+"@acme.example")
		if r.Parts.Score >= cut.From { // by the scores that they came in with
			above++
		}
		if got := w.tier(id); got != "high" {
			t.Errorf("%s left high because others came: %s at %d, high from %d", id, got, r.Parts.Score, cut.From)
		}
	}
	if above > 4 {
		t.Errorf("%d would have come in", above)
	}

	late := w.shopper("21", "7", 8)
	w.shopper("22", "8", 8)
	w.shopper("23", "", 8)
	w.shopper("24", "7", 60)
	w.crm.put("25", "asks@acme.example", func(c *connectors.Contact) { c.Owner = "7" })
	w.site.add("asks@acme.example", demoRequest(w.clock.now().Add(-time.Hour)))
	w.once()
	for id, want := range map[string]string{"21": "medium", "22": "high", "23": "high", "24": "high", "25": "high"} {
		if got := w.tier(id); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	r := receiptOf(t, w, late)
	if v := r.Verify(); r.Rule != score.ByCapacity || !v.OK() || r.HighFrom() != cut.From {
		t.Errorf("rule %s from %d, recomputed %+v", r.Rule, r.HighFrom(), v)
	}
	var text strings.Builder
	_ = r.Text(&text, receipt.TextOptions{})
	want := fmt.Sprintf("high from %d.%d", cut.From/10, cut.From%10)
	if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), "for this owner since 21 Nov 2026") {
		t.Errorf("the receipt does not say since when:\n%s", &text)
	}
	if got := w.crm.ours("21")[connectors.FieldReasons]; !strings.Contains(got, "H"+want[1:]+" for this owner since 21 Nov.") {
		t.Errorf("the reasons do not say from where: %q", got)
	}

	// A restart keeps it; the same day it is not worked out again; a lower one lets in who has reached it, at once.
	w.reopen()
	if got := w.p.Cuts()["crm/7"]; got.From != cut.From || !got.Since.Equal(cut.Since) {
		t.Errorf("after a restart %+v", got)
	}
	w.setup.Capacity = 50
	w.p.Swap(w.setup)
	w.recut()
	if got := w.p.Cuts()["crm/7"]; got.From != cut.From {
		t.Errorf("worked out twice a day: %+v", got)
	}
	w.clock.advance(12*time.Hour + time.Minute)
	w.recut()
	if got := w.tier("21"); got != "high" || len(w.p.Cuts()) != 0 {
		t.Errorf("with room for 50 a week: %s, cuts %v", got, w.p.Cuts())
	}
}

// Of several owners the lowest counts, and whom nobody owns has a pool of their own.
func TestCapacityOfSeveralOwnersAndOfNobody(t *testing.T) {
	w := newWorld(t)
	w.setup.Capacity, w.setup.BrakeShare = 1, 0
	w.p.Swap(w.setup)
	for i := range 8 {
		w.shopper(fmt.Sprint(i+1), "", 8+2*i)
	}
	w.once()
	w.clock.advance(24 * time.Hour)
	w.recut()
	if cuts := w.p.Cuts(); len(cuts) != 1 || cuts[""].From <= 620 {
		t.Fatalf("cuts %v", cuts)
	}
	w.shopper("21", "", 8)
	w.once()
	if got := w.tier("21"); got != "medium" {
		t.Errorf("of the pool: %s", got)
	}
	w.crm.put("21", "", func(c *connectors.Contact) { c.Owner = "9" }) // somebody takes them over who has room
	w.once()
	if got := w.tier("21"); got != "high" {
		t.Errorf("taken over: %s", got)
	}
}

// Of an owner whose people are held out nobody is shown: they take no place, and no cut is theirs.
func TestWhoeverIsHeldOutTakesNoPlace(t *testing.T) {
	w := newWorld(t)
	w.setup.Capacity, w.setup.BrakeShare = 1, 0
	w.p.Swap(w.setup)
	w.start()
	w.holdout(1)
	for i := range 8 {
		w.shopper(fmt.Sprint(i+1), "7", 8+2*i)
	}
	w.once()
	w.clock.advance(24 * time.Hour)
	w.recut()
	if cuts := w.p.Cuts(); len(cuts) > 0 {
		t.Errorf("cuts %v", cuts)
	}
}

// What another capacity is foretold to do is what the night after does.
func TestAnotherCapacityIsForetold(t *testing.T) {
	for name, was := range map[string]int{"where none was bounded": 0, "where more could come": 2} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.setup.Capacity, w.setup.BrakeShare = was, 0
			w.p.Swap(w.setup)
			for i := range 12 {
				w.shopper(fmt.Sprint(i+1), fmt.Sprint(7+i%2), 8+2*i)
			}
			w.shopper("30", "", 8)
			w.once()
			w.clock.advance(24 * time.Hour)
			w.recut()
			next := *w.setup
			next.Capacity = 1
			e, err := operate.EffectOf(t.Context(), w.p, &next, 100)
			if err != nil || len(e.Cuts) != 2 || len(e.Unread) > 0 || e.Changed > 0 {
				t.Fatalf("foretold %+v, %v", e, err)
			}
			w.setup = &next
			w.p.Swap(w.setup)
			if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
				t.Fatal(err)
			}
			w.once()
			w.clock.advance(12*time.Hour + time.Minute)
			w.recut()
			for _, c := range e.Cuts {
				if got := w.p.Cuts()[c.Owner]; got.From != c.Then || got.Entries != c.Came || c.Then <= 620 {
					t.Errorf("%+v foretold, %+v happened", c, got)
				}
			}
		})
	}
}
