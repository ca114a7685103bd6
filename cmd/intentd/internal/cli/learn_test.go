package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestLearnDemo: without a key or a file a year of closed deals shows what they teach, and what it is worth.
func TestLearnDemo(t *testing.T) {
	code, out, errs := intentd(t, "learn", "--demo")
	if code != Done || errs != "" {
		t.Fatalf("exit %d %s", code, errs)
	}
	for _, want := range []string{"400 deals closed since", "(confidence high)", "before → after", "    - CRM ", "; is there already", "    loss:", "Strengths, from ", "the built-in strengths", "propensity              AUC", "against the formula", "Engine auto would take", "Nothing is kept"} {
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
