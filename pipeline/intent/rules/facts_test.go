package rules_test

import (
	"testing"

	"github.com/intentd/intentd/pipeline/intent/evaluate"
)

// The aims for texts by rules on the labelled journeys.
const (
	aimF1           = 0.65
	aimFaithfulness = 0.97
)

// Texts state the facts that a good text of each journey must hold, and nothing that the cited events do not show. The figures are printed.
func TestFacts(t *testing.T) { testFacts(t, "journeys.yaml", 60, aimF1) }

// The same holds for journeys whose labels were written before the rules had seen them.
func TestFactsUnseen(t *testing.T) { testFacts(t, "unseen.yaml", 38, aimF1) }

// And for journeys spelled as trackers, forms and chats spell them.
func TestFactsRaw(t *testing.T) { testFacts(t, "raw.yaml", 30, aimF1) }

// And for kinds that those brought up.
func TestFactsKinds(t *testing.T) { testFacts(t, "kinds.yaml", 38, aimF1) }

// And for journeys that no rule was ever mended by.
func TestFactsFresh(t *testing.T) { testFacts(t, "fresh.yaml", 27, aimF1) }

func testFacts(t *testing.T, file string, least int, aim float64) {
	set := bundled(t, file)
	if len(set.Journeys) < least {
		t.Fatalf("only %d journeys", len(set.Journeys))
	}
	r, err := evaluate.Run(t.Context(), set, evaluate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	untrue := r.Unshown
	for i := range r.Cases {
		c := &r.Cases[i]
		if len(c.Never) > 0 {
			t.Errorf("%s: says %q: %s", c.Name, c.Never, c.Text)
		}
		if len(c.Missing)+len(c.Wrong) > 0 {
			t.Logf("%s: not stated: %q, not right: %+v\n%s", c.Name, c.Missing, c.Wrong, c.Text)
		}
	}
	for i := range set.Journeys {
		c := &set.Journeys[i]
		in, j := infer(t, set, c, c.Language())
		for _, s := range evaluate.Statements(&in) {
			if undone(s, j) != "" && set.Unshown(s, j, c, true) == "" {
				untrue++
			}
		}
	}
	f := &r.All
	faith := 1 - float64(untrue)/float64(f.Statements)
	t.Logf("%d journeys: %d of %d facts stated (recall %.2f), %d of %d statements right (precision %.2f), F1 %.2f, faithfulness %.3f", f.Journeys, f.Stated, f.Facts, f.Recall, f.Right, f.Statements, f.Precision, f.F1, faith)
	if f.F1 < aim || faith < aimFaithfulness {
		t.Errorf("F1 %.2f, faithfulness %.3f", f.F1, faith)
	}
}

// A greeting on a line of its own is no subject.
func TestGreetingsAreNoTopics(t *testing.T) {
	set := bundled(t)
	for _, text := range []string{"Vielen Dank, wir brauchen bald Bescheid", "Guten Tag\n40 Stück", "Thank You, Kind Regards"} {
		c := evaluate.Journey{Name: text, Vendor: "property", Events: []evaluate.Event{{At: "26 Nov", Kind: "form_submit", URL: "/contact", Title: "Contact", Props: map[string]string{"form": "Enquiry", "message": text}}}}
		if in, _ := infer(t, set, &c, "en"); len(in.Topics) > 0 {
			t.Errorf("%q: topics %v", text, in.Topics)
		}
	}
}
