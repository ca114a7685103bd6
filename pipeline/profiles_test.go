package pipeline_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// learnFrom has the world keep what properties say.
func (w *world) learnFrom(properties ...string) {
	s := *w.setup
	s.CRMs = append(s.CRMs[:0:0], s.CRMs...)
	s.CRMs[0].Profile = properties
	w.setup = &s
	w.p.Swap(w.setup)
}

// Promise: what the CRM says of the named properties is kept as words with what else a score rests on, and follows the CRM and the configuration; without the key nothing of it is
// kept. It alone changes no score, and asks no model.
func TestAProfileIsKept(t *testing.T) {
	w := newWorld(t)
	w.learnFrom("Industry", "jobtitle", "numemployees")
	w.start()
	email := w.buyer("1")
	w.crm.put("1", "", func(c *connectors.Contact) {
		c.Fields["industry"], c.Fields["numemployees"], c.Fields["city"] = "FOOD_PRODUCTION", "120", "Ghent"
		c.Profile.JobTitle = "Head of Purchasing"
	})
	w.crm.put("2", "idle@acme.example", func(c *connectors.Contact) { c.Fields["industry"] = "Retail" })
	w.once()
	if f, err := score.DecodeFeatures(w.personOf("idle@acme.example").Features); err != nil || f.Profile != nil {
		t.Errorf("of somebody who did nothing %v is kept, %v", f.Profile, err)
	}
	want := func(when string, words ...score.Word) {
		t.Helper()
		if got := receiptOf(t, w, email).Features.Profile; !slices.Equal(got, words) {
			t.Errorf("%s %v is kept, want %v", when, got, words)
		}
		if v := receiptOf(t, w, email).Verify(); !v.OK() {
			t.Errorf("%s the receipt does not recompute: %+v", when, v)
		}
	}
	title, size := score.Word{Name: "jobtitle", Word: "head of purchasing"}, score.Word{Name: "numemployees", Word: "50 to 199"}
	want("at first", score.Word{Name: "industry", Word: "food production"}, title, size)
	shown, writes := w.crm.ours("1")[connectors.FieldScore], w.crm.writeCount()
	w.clock.advance(time.Minute)
	w.crm.put("1", "", func(c *connectors.Contact) { c.Fields["industry"] = "Banking" })
	w.once()
	want("after a change in the CRM", score.Word{Name: "industry", Word: "banking"}, title, size)
	w.learnFrom("jobtitle")
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	w.once()
	want("with one property", title)
	w.learnFrom()
	if _, err := intake.Rescan(t.Context(), w.p, state.ReasonConfig); err != nil {
		t.Fatal(err)
	}
	w.once()
	want("without the key")
	if got := w.crm.ours("1")[connectors.FieldScore]; got != shown || w.crm.writeCount() != writes {
		t.Errorf("the score moved from %s to %s, with %d writes", shown, got, w.crm.writeCount()-writes)
	}
}

// Promise: learned strengths go by it: whoever's industry changes has another score.
func TestAProfileMovesALearnedScore(t *testing.T) {
	w := newWorld(t)
	w.learnFrom("industry")
	s := *w.setup
	s.Score.Additive = &score.Additive{Offset: 500, K: 10, B: 1, Terms: []score.Term{{Feature: score.Feature{Fact: score.FactProfile + "industry", Form: score.Is, Level: "retail"}, Slope: 20}}}
	w.setup = &s
	w.p.Swap(w.setup)
	w.start()
	email := w.buyer("1")
	for industry, want := range map[string]int{"retail": 700, "banking": 500} {
		w.clock.advance(2 * time.Hour)
		w.crm.put("1", "", func(c *connectors.Contact) { c.Fields["industry"] = industry })
		w.once()
		if got := receiptOf(t, w, email).Parts.Score; got != want || w.crm.ours("1")[connectors.FieldScore] != fmt.Sprintf("%d.0", want/10) {
			t.Errorf("in %s the score is %d, shown %s, want %d", industry, got, w.crm.ours("1")[connectors.FieldScore], want)
		}
	}
}

// Promise: a CRM that fails changes nobody's score: what its record said still stands.
func TestAProfileOutlivesACRMThatFails(t *testing.T) {
	w, other, email := twoRecords(t)
	s := *w.setup
	s.CRMs = slices.Clone(s.CRMs)
	s.CRMs[1].Profile = []string{"industry"}
	w.setup = &s
	w.p.Swap(w.setup)
	w.clock.advance(2 * time.Hour)
	other.put("9", "", func(c *connectors.Contact) { c.Fields["industry"] = "Retail" })
	w.once()
	other.failRead = &connectors.Error{Kind: connectors.Transient, Op: "other: read", Message: "HTTP 502"}
	w.clock.advance(2 * time.Hour)
	w.site.add(email, view("/cards/black", "Black card", w.clock.now()))
	before := receiptOf(t, w, email).At
	w.once()
	if r := receiptOf(t, w, email); !r.At.After(before) || !slices.Equal(r.Features.Profile, []score.Word{{Name: "industry", Word: "retail"}}) {
		t.Errorf("at %v (%v before) %v is kept", r.At, before, r.Features.Profile)
	}
}
