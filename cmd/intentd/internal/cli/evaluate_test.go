package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is said of texts by rules on the bundled journeys changes on purpose only.
func TestEvalGolden(t *testing.T) {
	code, out, errs := intentd(t, "eval", "--model", "rules")
	golden := filepath.Join("testdata", "eval", "rules.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); code != Done || errs != "" || err != nil || out != string(want) {
		t.Errorf("run with -update if this is meant: exit %d %s, %v\n%s", code, errs, err, out)
	}
}

// TestEvalJSON has the figures and each journey, the worst first.
func TestEvalJSON(t *testing.T) {
	code, out, errs := intentd(t, "eval", "--json")
	var got struct {
		Engine, Judge string
		All           struct {
			Journeys, Facts, Stated                int
			F1, F1_Low, F1_High, Precision, Recall float64
		}
		Groups []struct {
			Industry, Language string
			F1                 *float64
		}
		Journeys []struct {
			Name, Text string
			Figures    struct{ F1 float64 }
		}
		Usage struct{ Calls int }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != Done || errs != "" {
		t.Fatalf("exit %d %s, %v", code, errs, err)
	}
	if got.Engine != "rules" || got.Judge != "matcher" || got.All.Journeys < 60 || len(got.Journeys) != got.All.Journeys || got.All.F1_Low >= got.All.F1 || len(got.Groups) < 20 || got.Usage.Calls != 0 {
		t.Errorf("%+v", got.All)
	}
	if n := len(got.Journeys); got.Journeys[0].Figures.F1 > got.Journeys[n-1].Figures.F1 {
		t.Error("the worst is not first")
	}
}

// The example of the documentation works, and a mistake in it is told with its file.
func TestEvalOwnJourneys(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "eval.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	file := filepath.Join(t.TempDir(), "own.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(example)
	code, out, errs := intentd(t, "eval", "--journeys", file, "--misses", "0")
	if code != Done || !strings.Contains(out, "on 2 journeys") || strings.Contains(out, "flatters") || strings.Contains(out, "The worst") {
		t.Errorf("exit %d %s\n%s", code, errs, out)
	}
	write(strings.Replace(example, "facts:", "fakts:", 1))
	if code, _, errs := intentd(t, "eval", "--journeys", file); code != Failed || !strings.Contains(errs, "own.yaml") || !strings.Contains(errs, "fakts") {
		t.Errorf("exit %d %s", code, errs)
	}
}
