package pipeline_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

func formSent(name string, at time.Time) connectors.Event {
	return connectors.Event{Time: at, Received: at, Kind: connectors.KindFormSubmit, URL: "https://www.shop.example/x", Properties: map[string]string{connectors.PropForm: name}}
}

// Each form that nothing knows is counted once, however often its journey is looked at, and no longer told once the config knows it.
func TestUnknownFormsAreCountedOnce(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.site.add(email, formSent("Xylophone", w.clock.now()), formSent("Xylophone", w.clock.now().Add(time.Hour)), formSent("Contact us", w.clock.now()))
	other := w.buyer("2")
	w.site.add(other, formSent("Xylophone", w.clock.now()), formSent("from jane@acme.example", w.clock.now()))
	want := func(when string, forms map[string]int64) {
		t.Helper()
		w.once()
		if got := operate.StatusOf(w.p).UnknownForms; !maps.Equal(got, forms) {
			t.Errorf("%s: %v, want %v", when, got, forms)
		}
	}
	all := map[string]int64{"Xylophone": 3, "(others)": 1}
	w.clock.advance(2 * time.Hour)
	want("at first", all)
	w.site.add(email, view("/cards/black", "Black card", w.clock.now()))
	want("after something else", all)
	w.clock.advance(time.Hour)
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonText); err != nil {
		t.Fatal(err)
	}
	want("after a rescan", all)
	if err := w.db.Flush(); err != nil {
		t.Fatal(err)
	}
	w.reopen()
	want("after a restart", all)
	w.site.add(email, formSent("Xylophone", w.clock.now()))
	want("after another one", map[string]int64{"Xylophone": 4, "(others)": 1})

	jc := journey.Defaults()
	jc.Rules = []journey.Rule{{Form: "xylo*", Ignore: true}}
	s := *w.setup
	var err error
	if s.Journey, err = journey.NewBuilder(jc); err != nil {
		t.Fatal(err)
	}
	w.p.Swap(&s)
	want("once a rule knows it", map[string]int64{"(others)": 1})
	if ever, _ := w.p.UnknownForms(s.Journey); ever != 5 {
		t.Errorf("%d ever, want 5", ever)
	}
}

func TestUnknownFormsAreBounded(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	for i := range 300 {
		w.site.add(email, formSent(fmt.Sprintf("Xylophone %d", i), w.clock.now().Add(time.Duration(i)*time.Minute)))
	}
	w.clock.advance(6 * time.Hour)
	w.once()
	if got := operate.StatusOf(w.p).UnknownForms; len(got) != 201 || got["(others)"] != 100 {
		t.Errorf("%d names, %d others", len(got), got["(others)"])
	}
}
