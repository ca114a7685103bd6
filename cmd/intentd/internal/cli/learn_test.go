package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/demo"
)

// TestBoxesHoldClosedDeals: both CRMs in a box have the deals, with their contacts on them.
func TestBoxesHoldClosedDeals(t *testing.T) {
	deals := demo.ClosedDeals(time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC))
	on := 0
	for _, d := range deals.Deals {
		on += len(d.Contacts)
	}
	all := demo.People(time.Now()).With(deals)
	org := newSalesforceBox(all)
	if n, roles := len(org.IDs("Opportunity")), len(org.IDs("OpportunityContactRole")); n != 400 || roles != on {
		t.Errorf("%d opportunities with %d contact roles, want 400 with %d", n, roles, on)
	}
	portal, err := newHubSpotBox(all)
	if err != nil || len(portal.ContactIDs()) < len(deals.Contacts) {
		t.Error(err)
	}
}

// TestLearnDemo: without a key or a file a year of closed deals shows what they teach, and what it is worth.
func TestLearnDemo(t *testing.T) {
	code, out, errs := intentd(t, "learn", "--demo")
	if code != Done || errs != "" {
		t.Fatalf("exit %d %s", code, errs)
	}
	for _, want := range []string{"400 deals closed since", "(confidence high)", "before → after", "    - CRM ", "; is there already", "    loss:", "Strengths, from ", "profile: industry is machinery", "Of the CRM, a day before the deal: industry said something of ", "the built-in strengths", "propensity              AUC", "against the formula", "Engine auto would take", "Nothing is kept"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	var got struct {
		Deals   int
		Weights struct{ Before, After map[string]float64 }
		Engines []struct{ Name string }
		Win     []struct{ Topic string } `json:"win_topics"`
	}
	if code, out, _ := intentd(t, "learn", "--demo", "--json"); code != Done || json.Unmarshal([]byte(out), &got) != nil || got.Deals != 400 || len(got.Engines) < 3 || len(got.Win) == 0 || got.Weights.After["volume"] == got.Weights.Before["volume"] {
		t.Errorf("%+v", got)
	}
}

// TestLearnMisused says what is wrong with the command line, on one line.
func TestLearnMisused(t *testing.T) {
	for args, want := range map[string]string{
		"learn --demo --crm x":      "--demo has deals",
		"learn --since tomorrow":    "--since tomorrow",
		"learn apply one":           "no number of intentd learn history",
		"learn apply 1 2":           "one number at most",
		"learn import":              "--none",
		"learn import --none f.txt": "--none",
		"learn export":              "FILE",
	} {
		if code, _, errs := intentd(t, strings.Fields(args)...); code != Misused || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit %d %s", args, code, errs)
		}
	}
}

// It is said how many verdicts were weighed, how much, and why others were not; nothing where the configuration gives them no weight.
func TestLessonTellsVerdicts(t *testing.T) {
	for want, v := range map[string]*app.VerdictsLesson{
		"": nil,
		"Beside them 18 verdicts of reps, 6 of them interested, each weighing 0.20 of somebody of a deal. Not weighed: 6 not now; 1 taken back.\n": {Weight: 0.2, Used: 18, Interested: 6, LeftOut: map[string]int{"not now": 6, "taken back": 1}},
		"No verdict of a rep was weighed beside.\n": {},
	} {
		var out strings.Builder
		if (&lessonPage{&out}).verdicts(v); out.String() != want {
			t.Errorf("%q, want %q", &out, want)
		}
	}
}
