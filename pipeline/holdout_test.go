package pipeline_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/state"
)

// holdout puts a share in force.
func (w *world) holdout(share float64) {
	w.t.Helper()
	s := *w.setup
	s.Holdout = share
	w.setup = &s
	w.p.Swap(&s)
	if _, err := intake.LetGo(w.t.Context(), w.p); err != nil {
		w.t.Fatal(err)
	}
}

// reader puts somebody into the CRM who read prices twice and asked for nothing.
func (w *world) reader(id string) string {
	email := "reader" + id + "@acme.example"
	w.crm.put(id, email, nil)
	w.reads(email, 2)
	return email
}

// reads has somebody read n price pages, the last just now.
func (w *world) reads(email string, n int) {
	for i := range n {
		at := w.clock.now().Add(-time.Duration(n-i) * time.Minute)
		w.site.add(email, view(fmt.Sprintf("/pricing/%d", at.Unix()), "Pricing", at))
	}
}

// writesTo is how many patches of a record were sent.
func (f *fakeCRM) writesTo(id string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.writes {
		if p.ID == id {
			n++
		}
	}
	return n
}

func (w *world) wantNothing(when string, ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		if n := w.crm.writesTo(id); n > 0 || len(w.crm.ours(id)) > 0 {
			w.t.Errorf("%s %d patches of %s were sent; it holds %v", when, n, id, w.crm.ours(id))
		}
	}
}

func TestNothingIsEverWrittenOfWhoeverIsHeldOut(t *testing.T) {
	w := newWorld(t).start()
	w.holdout(0.5)
	other := w.secondCRM()
	w.holdout(0.5)
	emails := map[string]string{}
	for i := range 20 {
		id := fmt.Sprint(i)
		emails[id] = w.reader(id)
		other.put(id, emails[id], nil)
	}
	w.once()
	var held []string
	for id, email := range emails {
		if p := w.personOf(email); p.Arm.Held != p.HeldOut() || !p.Arm.Since.Equal(noon) {
			t.Errorf("%s drew %+v, held out %v", id, p.Arm, p.HeldOut())
		} else if p.HeldOut() {
			held = append(held, id)
		} else if w.crm.ours(id)[connectors.FieldTier] == "" || other.ours(id)[connectors.FieldTier] == "" {
			t.Errorf("%s drew to be shown and was not written", id)
		}
	}
	if len(held) < 3 || len(held) > 17 {
		t.Fatalf("%d of 20 are held out at a share of a half", len(held))
	}
	slices.Sort(held)
	for day := range 40 { // they come, go, cool off; records change; the daemon starts again; days pass
		w.clock.advance(oneDay)
		for i, id := range held {
			switch (day + i) % 10 {
			case 0:
				w.reads(emails[id], 6)
			case 3:
				w.crm.touchOnly(id)
			case 5:
				w.crm.put(id, "", says([]string{"interested", "not_now", ""}[day%3]))
			}
		}
		if day == 20 {
			w.reopen()
		}
		w.once()
	}
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonAsked); err != nil {
		t.Fatal(err)
	}
	w.once()
	moved := 0
	for _, id := range held {
		if n := other.writesTo(id); n > 0 {
			t.Errorf("%d patches of %s went to the other CRM", n, id)
		}
		got := w.crm.ours(id)
		delete(got, connectors.FieldVerdict)
		if n := w.crm.writesTo(id); n > 0 || len(got) > 0 {
			t.Errorf("%d patches of %s were sent; it holds %v", n, id, got)
		}
		if kept, _, _ := w.db.Kept(w.idOf(emails[id])); len(kept.History) > 1 {
			moved++
		}
	}
	if moved == 0 {
		t.Error("no score that would have been shown was kept: there is nothing to compare")
	}
	var page bytes.Buffer
	if err := receiptOf(t, w, emails[held[0]]).Text(&page, receipt.TextOptions{}); err != nil || !strings.Contains(strings.Join(strings.Fields(page.String()), " "), "since 20 Nov 2026, for comparison; nothing is written") {
		t.Errorf("explain says\n%s", page.String())
	}
	if st := operate.StatusOf(w.p); st.HeldOut != len(held) || connectors.Total(st.Tiers) != int64(20-len(held)) {
		t.Errorf("status counts %d held out and tiers %v, want %d and %d", st.HeldOut, st.Tiers, len(held), 20-len(held))
	}
	if err := w.db.Verify(); err != nil {
		t.Error(err)
	}
}

func TestARequestIsNeverHeldOut(t *testing.T) {
	w := newWorld(t).start()
	w.holdout(1)
	w.buyer("1")
	email := w.reader("2")
	w.once()
	if got := w.crm.ours("1")[connectors.FieldTier]; got != "high" {
		t.Errorf("a demo request is shown as %q", got)
	}
	w.wantNothing("at first", "2")
	w.clock.advance(oneDay)
	w.site.add(email, demoRequest(w.clock.now()))
	w.wantTier("after a buyer's request", "high")
	if got := w.crm.ours("2"); got[connectors.FieldTier] != "high" || got[connectors.FieldSummary] == "" {
		t.Errorf("a request of somebody held out shows %v", got)
	}
	if p := w.personOf(email); p.HeldOut() || !p.Arm.Held {
		t.Errorf("held out %v, drew %+v: the comparison needs how they were drawn", p.HeldOut(), p.Arm)
	}
	w.clock.advance(120 * oneDay) // the request is out of the window
	w.reads(email, 3)
	w.once()
	if got, p := w.crm.ours("2")[connectors.FieldTier], w.personOf(email); got == "" || p.HeldOut() {
		t.Errorf("held out again, tier %q", got)
	}
}

func TestWhoeverWasWrittenBeforeIsNotHeldOut(t *testing.T) {
	w := newWorld(t).start()
	email := w.reader("1")
	w.once()
	w.reader("2")
	w.crm.overwrite("2", connectors.FieldTier, "low") // by an earlier state
	w.holdout(1)
	w.clock.advance(oneDay)
	w.reads(email, 4)
	w.once()
	for _, id := range []string{"1", "2"} {
		if w.crm.ours(id)[connectors.FieldHeadline] == "" {
			t.Errorf("%s is held out", id)
		}
	}
	if n := operate.StatusOf(w.p).HeldOut; n > 0 {
		t.Errorf("%d held out", n)
	}
}

// Whatever put values into the record of somebody held out: they would age.
func TestFieldsOfWhoeverIsHeldOutAreEmptied(t *testing.T) {
	w := newWorld(t).start()
	w.holdout(1)
	email := w.reader("1")
	w.once()
	w.clock.advance(oneDay)
	w.crm.overwrite("1", connectors.FieldTier, "high")
	w.crm.overwrite("1", connectors.FieldHeadline, "copied by a workflow")
	w.once() // nothing else happened to them
	if got := w.crm.ours("1"); len(got) > 0 {
		t.Errorf("left to age: %v", got)
	}
	n := w.crm.writesTo("1")
	w.clock.advance(oneDay)
	w.reads(email, 6)
	w.once()
	if w.crm.writesTo("1") != n {
		t.Error("written again")
	}
	w.holdout(0) // what was emptied is filled
	w.once()
	if got := w.crm.ours("1"); got[connectors.FieldTier] == "" || got[connectors.FieldHeadline] == "" {
		t.Errorf("switched off, it shows %v", got)
	}
}

// What a person put there is theirs.
func TestWhatAPersonSetsOfWhoeverIsHeldOutStays(t *testing.T) {
	w := newWorld(t).start()
	w.holdout(1)
	w.reader("1")
	w.once()
	w.clock.advance(oneDay)
	w.crm.put("1", "", func(c *connectors.Contact) { c.Ours[connectors.FieldHeadline] = "met at the fair" })
	w.once()
	if got := w.crm.ours("1")[connectors.FieldHeadline]; got != "met at the fair" || w.crm.writesTo("1") > 0 {
		t.Errorf("it says %q after %d writes", got, w.crm.writesTo("1"))
	}
}

func TestAMergeIsHeldOutOnlyIfAllWere(t *testing.T) {
	for name, c := range map[string]struct {
		first, second float64
		held          bool
	}{"both": {1, 1, true}, "the first": {1, 0, false}, "the second": {0, 1, false}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).start()
			w.holdout(c.first)
			email := w.reader("1")
			w.once()
			s := *w.setup
			s.Holdout = c.second
			w.setup = &s
			w.p.Swap(&s) // without letting anybody go
			w.clock.advance(oneDay)
			second := w.reader("2")
			w.once()
			s.Holdout = 1
			w.p.Swap(&s)
			w.crm.mu.Lock()
			for _, id := range []string{"1", "2"} {
				w.crm.contacts[id].State, w.crm.contacts[id].Into = connectors.Merged, w.crm.ref("30")
			}
			w.crm.mu.Unlock()
			w.crm.put("30", email, func(c *connectors.Contact) {
				c.Emails = append(c.Emails, second)
				c.Absorbed = []connectors.Ref{w.crm.ref("1"), w.crm.ref("2")}
			})
			w.once()
			w.clock.advance(oneDay)
			w.reads(email, 2)
			w.once()
			if shown := w.crm.ours("30")[connectors.FieldTier] != ""; shown == c.held {
				t.Errorf("held out: %s. The survivor is shown: %v", name, shown)
			}
			if st := operate.StatusOf(w.p); st.People != 1 || (st.HeldOut == 1) != c.held {
				t.Errorf("%d people, %d held out", st.People, st.HeldOut)
			}
		})
	}
}

func TestSwitchingTheHoldoutOffWritesThemInTheBackfillLane(t *testing.T) {
	w := newWorld(t).start()
	w.holdout(1)
	for i := range 3 {
		w.reader(fmt.Sprint(i))
	}
	w.once()
	calls := w.engine.calls.Load()
	w.wantNothing("at first", "0", "1", "2")
	w.holdout(0)
	if got := operate.StatusOf(w.p).Queue; got["backfill"].Depth != 3 || got["live"].Depth != 0 {
		t.Errorf("queued: %+v", got)
	}
	w.once()
	for i := range 3 {
		if got := w.crm.ours(fmt.Sprint(i)); got[connectors.FieldTier] == "" || got[connectors.FieldSummary] == "" {
			t.Errorf("%d shows %v", i, got)
		}
	}
	if st := operate.StatusOf(w.p); st.HeldOut != 0 || w.engine.calls.Load() != calls {
		t.Errorf("%d still held out, %d model calls", st.HeldOut, w.engine.calls.Load()-calls)
	}
	n := w.crm.writeCount()
	w.holdout(1) // who was written is not held out again
	w.clock.advance(8 * oneDay)
	w.once()
	if w.crm.writeCount() == n {
		t.Error("nobody is written as time passes")
	}
}

// A smaller share holds a part of the same people.
func TestASmallerShareLetsTheOthersGo(t *testing.T) {
	w := newWorld(t).start()
	w.holdout(0.8)
	emails := map[string]string{}
	for i := range 20 {
		emails[fmt.Sprint(i)] = w.reader(fmt.Sprint(i))
	}
	w.once()
	before := operate.StatusOf(w.p).HeldOut
	w.holdout(0.3)
	w.once()
	after := operate.StatusOf(w.p).HeldOut
	if after == 0 || after >= before {
		t.Errorf("%d held out at 0.8, %d at 0.3", before, after)
	}
	for id, email := range emails {
		if shown, p := len(w.crm.ours(id)) > 0, w.personOf(email); shown == p.HeldOut() {
			t.Errorf("%s is shown %v and held out %v", id, shown, !shown)
		}
	}
}

func TestADryRunShowsNothingOfWhoeverIsHeldOut(t *testing.T) {
	w := newWorld(t).start()
	w.holdout(1)
	email := w.reader("1")
	w.once()
	w.clock.advance(oneDay)
	w.reads(email, 6)
	dry, err := w.p.Preview(t.Context(), w.setup, []state.Entry{{Person: w.idOf(email), Reason: state.ReasonAsked}})
	if err != nil || len(dry.Changes) > 0 || dry.Unchanged != 1 {
		t.Errorf("%+v, %v", dry, err)
	}
	open := *w.setup
	open.Holdout = 0
	if dry, err = w.p.Preview(t.Context(), &open, []state.Entry{{Person: w.idOf(email), Reason: state.ReasonAsked}}); err != nil || len(dry.Changes) != 1 {
		t.Errorf("without a holdout: %+v, %v", dry, err)
	}
}

// What a change of the config would do to the scores that CRMs show is not about whoever is shown nowhere.
func TestAChangesEffectIsNotAboutWhoeverIsHeldOut(t *testing.T) {
	w := newWorld(t).start()
	w.reader("1")
	w.once()
	w.holdout(1)
	w.reader("2")
	w.once()
	next := *w.setup
	next.Score.Medium, next.Score.High = 1, 2
	e, err := operate.EffectOf(t.Context(), w.p, &next, 100)
	if err != nil || e.People != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}
