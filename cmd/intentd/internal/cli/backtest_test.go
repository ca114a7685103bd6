package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	leads    = filepath.Join("testdata", "backtest", "leads.csv")
	journeys = filepath.Join("testdata", "backtest", "events.jsonl")
	outcomes = filepath.Join("testdata", "backtest", "outcomes.csv")
)

// What is said of the example files changes on purpose only.
func TestBacktestGolden(t *testing.T) {
	for golden, args := range map[string][]string{
		"leads.txt":    {"--people", leads, "--outcome", "converted", "--date", "closed_at", "--score", "own_score"},
		"journeys.txt": {"--journeys", journeys, "--outcomes", outcomes},
	} {
		code, out, errs := intentd(t, append([]string{"backtest"}, args...)...)
		if code != Done || errs != "" {
			t.Errorf("%s: exit %d %s", golden, code, errs)
		}
		golden = filepath.Join("testdata", "backtest", golden)
		if *update {
			if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(golden); err != nil || out != string(want) {
			t.Errorf("%s: run with -update if this is meant: %v\n%s", golden, err, out)
		}
		for _, line := range strings.Split(out, "\n") {
			if n := len([]rune(line)); n > 180 {
				t.Errorf("%s: a line of %d columns: %s", golden, n, line)
			}
		}
	}
}

// TestBacktestJSON has the engines with exactly the promised keys.
func TestBacktestJSON(t *testing.T) {
	code, out, errs := intentd(t, "backtest", "--people", leads, "--outcome", "converted", "--date", "closed_at", "--score", "own_score", "--json")
	var got struct {
		Engines []struct {
			Name                                        string
			AUC, AUC_Low, AUC_High, Brier, ECE, Lift_10 *float64
			Tiers                                       []struct {
				Tier             string
				Share, Precision float64
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != Done || errs != "" || len(got.Engines) != 4 {
		t.Fatalf("exit %d %s, %v\n%s", code, errs, err, out)
	}
	for _, e := range got.Engines {
		if e.AUC == nil || *e.AUC_Low > *e.AUC || *e.AUC_High < *e.AUC || e.Brier == nil || e.Lift_10 == nil || e.ECE != nil {
			t.Errorf("%+v: an ECE on so few people, or nothing else", e)
		}
	}
}

// TestBacktestReport is one file that asks no network for anything and runs nothing, and no name in it is markup.
func TestBacktestReport(t *testing.T) {
	dir := t.TempDir()
	html, coefficients := filepath.Join(dir, "report.html"), filepath.Join(dir, "c.yaml")
	hostile := filepath.Join(dir, "leads.csv")
	text, err := os.ReadFile(leads)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hostile, []byte(strings.ReplaceAll(strings.Replace(string(text), "own_score", "<script>alert(1)</script>", 1), "retail", `"<img src=x>"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := intentd(t, "backtest", "--people", hostile, "--outcome", "converted", "--date", "closed_at", "--score", "<script>alert(1)</script>", "--html", html, "--coefficients", coefficients)
	if code != Done || errs != "" || !strings.Contains(out, "Written: "+html) {
		t.Fatalf("exit %d %s\n%s", code, errs, out)
	}
	page, err := os.ReadFile(html)
	if err != nil {
		t.Fatal(err)
	}
	for _, no := range []string{"<script", "<img", "<link", "@import", "url(", "<iframe", "onload"} {
		if i := strings.Index(string(page), no); i >= 0 {
			t.Errorf("%q in the report: …%s…", no, page[max(0, i-40):i+40])
		}
	}
	for _, address := range regexp.MustCompile(`https?://[^"' <]*`).FindAllString(string(page), -1) {
		if address != "http://www.w3.org/2000/svg" {
			t.Errorf("the report names %s", address)
		}
	}
	for _, chart := range []string{"ROC: the share", "Calibration: what", "Lift: what", "Tiers: what"} {
		if !strings.Contains(string(page), `aria-label="`+chart) {
			t.Errorf("there is no chart %q", chart)
		}
	}
	if code, _, errs := intentd(t, "backtest", "--people", leads, "--outcome", "converted", "--prior", coefficients); code != Done {
		t.Errorf("the coefficients are no prior: exit %d %s", code, errs)
	}
}

// TestBacktestHostileNames: names and words of a file reach a terminal without what moves its cursor.
func TestBacktestHostileNames(t *testing.T) {
	text, err := os.ReadFile(leads)
	if err != nil {
		t.Fatal(err)
	}
	hostile := strings.NewReplacer("own_score", "own\x1b[2Jscore", "referral", "ref\x1b]0;x\aerral", "contract_number", "contract\x1b[1A").Replace(string(text))
	name := filepath.Join(t.TempDir(), "leads.csv")
	if err := os.WriteFile(name, []byte(hostile), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := intentd(t, "backtest", "--people", name, "--outcome", "converted", "--date", "closed_at", "--score", "own[2Jscore")
	_, _, errs := intentd(t, "backtest", "--people", name, "--outcome", "none")
	if code != Done || strings.ContainsAny(out+errs, "\x1b\a") {
		t.Errorf("exit %d\n%q\n%q", code, out, errs)
	}
}

// TestBacktestMisuse: what does not go together is one sentence and exit code 2; what is wrong with a file is one sentence and exit code 1.
func TestBacktestMisuse(t *testing.T) {
	for args, want := range map[string]string{
		"":                                     "needs a configuration, for the closed deals of its CRM",
		"-c none.yaml --since 12":              "--since 12: write days",
		"--people a --outcome b --since 90d":   "--since, --as-of and --crm choose closed deals",
		"--demo --as-of June":                  "write a date, such as",
		"--demo --as-of 2026-01-01 --within 9": "write days, such as 60d",
		"--demo --as-of 2199-01-01":            "which is to come",
		"--demo --within 9d":                   "--within goes with --as-of",
		"--demo --people a --outcome b":        "--demo has deals, people and a configuration of its own",
		"--outcome a":                          "name it with --people",
		"--people a.csv":                       "--people needs --outcome",
		"--people a.csv --journeys b":          "choose one",
		"--journeys a":                         "--journeys needs --outcomes",
		"--outcomes a":                         "--outcomes needs --journeys",
		"--journeys a --outcomes b --date c":   "are columns of --people",
		"file.csv":                             "takes no argument",
	} {
		if code, _, errs := intentd(t, append([]string{"backtest"}, strings.Fields(args)...)...); code != Misused || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit %d %s", args, code, errs)
		}
	}
	for args, want := range map[string]string{
		"--people none.csv --outcome x":                               "there is no such file",
		"--people " + leads + " --outcome x":                          "has no column",
		"--journeys none --outcomes " + outcomes:                      "there is no such file",
		"--people " + leads + " --outcome converted --html /none/x":   "name a file that can be written",
		"--people " + leads + " --outcome converted --prior " + leads: "these are no coefficients",
	} {
		if code, _, errs := intentd(t, append([]string{"backtest"}, strings.Fields(args)...)...); code != Failed || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d %s", args, code, errs)
		}
	}
}

// TestBacktestDemo: without a key or a file a year of closed deals shows what a backtest says, and leaves nothing behind.
func TestBacktestDemo(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	html := filepath.Join(t.TempDir(), "report.html")
	code, out, errs := intentd(t, "backtest", "--demo", "--html", html)
	if code != Done || errs != "" {
		t.Fatalf("exit %d %s", code, errs)
	}
	if !regexp.MustCompile(`^Of \d+ deals won since .* had somebody high before the deal was created, half of them at least \d+ days before; \d+ never had, and \d+ left no trace`).MatchString(out) {
		t.Errorf("the first line is\n%s", out)
	}
	page, err := os.ReadFile(html)
	if err != nil || !strings.Contains(string(page), "had somebody high before the deal was created") {
		t.Errorf("the report does not say it: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if code, _, errs := intentd(t, "backtest", "--demo", "--since", "1d"); code != Failed || !strings.Contains(errs, "no deal was closed since") {
		t.Errorf("exit %d %s", code, errs)
	}
	var got struct {
		Deals struct {
			Won, High, Never int
			No_Trace         int
			Worth            map[string]float64
		}
	}
	if code, out, _ := intentd(t, "backtest", "--demo", "--json"); code != Done || json.Unmarshal([]byte(out), &got) != nil || got.Deals.Won != got.Deals.High+got.Deals.Never+got.Deals.No_Trace || got.Deals.Worth["high"] == 0 {
		t.Errorf("exit %d: %+v\n%s", code, got, out)
	}
}
