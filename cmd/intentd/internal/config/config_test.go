package config

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini"
	"github.com/intentd/intentd/connectors/hubspot"
	"github.com/intentd/intentd/connectors/salesforce"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Promise: everything wrong with a file is told at once, each with where it stands and what to do.
func TestProblems(t *testing.T) {
	t.Setenv("TEST_TOKEN", "secret-of-the-test")
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("testdata: %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			_, problems := Load(file, types)
			var b strings.Builder
			for _, p := range problems {
				mark := ""
				if p.Warning {
					mark = "warning: "
				}
				fmt.Fprintf(&b, "%s%s\n", mark, p)
				if p.Fix == "" {
					t.Errorf("no fix: %s", p)
				}
			}
			if dir, err := os.Getwd(); err == nil {
				text := strings.ReplaceAll(b.String(), dir, "/WORKING-DIRECTORY")
				b.Reset()
				b.WriteString(text)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got\n%swant\n%s", &b, want)
			}
			if strings.Contains(b.String(), "secret-of-the-test") {
				t.Error("a problem shows a secret (invariant 11)")
			}
		})
	}
}

const minimal = `
crms: [{name: hubspot, type: hubspot, token: "${TEST_TOKEN}"}]
privacy: {own_hosts: [www.example.com]}
`

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	cfg, problems := Parse([]byte(text), types)
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	return cfg
}

// Promise: the shipped example loads as it is, and names every key there is.
func TestExample(t *testing.T) {
	const path = "../../../../config.example.yaml"
	t.Setenv("HUBSPOT_TOKEN", "a")
	t.Setenv("GEMINI_API_KEY", "b")
	cfg, problems := Load(path, types)
	for _, p := range problems {
		if !strings.HasSuffix(p.Path, "path") || !p.Warning { // its events directory does not exist here
			t.Error(p)
		}
	}
	if cfg == nil {
		t.FailNow()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range allKeys() {
		if !strings.Contains(string(text), key+":") {
			t.Errorf("config.example.yaml does not tell of %q", key)
		}
	}
}

// Promise: a file of the release before means what it meant: high_strength is read as evidence.strength, with the line to write.
func TestFormerNameOfEvidenceStrength(t *testing.T) {
	const before = "privacy: {own_hosts: [example.com]}\nscoring: {high_strength: 70"
	t.Setenv("TEST_TOKEN", "t")
	for text, want := range map[string]int{before + "}\n": 70, before + ", evidence: {strength: 50}}\n": 50} {
		cfg, problems := Parse([]byte("crms: [{name: hubspot, type: hubspot, token: \"${TEST_TOKEN}\"}]\n"+text), types)
		if cfg == nil || cfg.Scoring.Evidence.Strength != want || cfg.Scoring.Evidence.Days != 30 {
			t.Fatalf("%v", problems)
		}
		if w := problems.Warnings(); len(w) != 1 || w[0].Path != "scoring.high_strength" || !strings.Contains(w[0].Fix, "evidence") {
			t.Errorf("%v", w)
		}
	}
}

// Promise: environment and systemd credentials are honoured, in that order, and a reload sees what changed in them.
func TestSecretsFromOutside(t *testing.T) {
	const text = "crms: [{name: hub-spot, type: hubspot}]\nmodel: {provider: gemini}\nprivacy: {own_hosts: [a.example]}\n"
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for name, value := range map[string]string{"hub-spot_token": "from-credential\n", "model_api_key": "key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	token := func() string { return mustParse(t, text).CRMs[0].Settings.(*hubspot.Config).Token.Reveal() }
	if got := token(); got != "from-credential" {
		t.Errorf("token %q", got)
	}
	t.Setenv("INTENTD_HUB_SPOT_TOKEN", "from-environment")
	if got := token(); got != "from-environment" {
		t.Errorf("token %q", got)
	}
	cfg := mustParse(t, text)
	if got := cfg.Secrets(); len(got) != 2 || got[0] != "from-environment" || got[1] != "key" {
		t.Errorf("secrets %q", got)
	}
}

// Promise: every plain value can be overridden by INTENTD_<SECTION>_<KEY>, with the same checks.
func TestEnvironmentOverrides(t *testing.T) {
	t.Setenv("TEST_TOKEN", "t")
	t.Setenv("INTENTD_STATE_PATH", "/var/lib/intentd/intentd.db")
	t.Setenv("INTENTD_MODEL_CONCURRENCY", "3")
	t.Setenv("INTENTD_MODEL_DAILY_BUDGET_USD", "1.5")
	t.Setenv("INTENTD_MODEL_TEMPERATURE", "0")
	t.Setenv("INTENTD_WINDOW_SCORE", "60d")
	t.Setenv("INTENTD_MODEL_PROVIDER", "gemini")
	t.Setenv("INTENTD_MODEL_API_KEY", "k")
	cfg := mustParse(t, minimal)
	model := cfg.Model.Settings.(*gemini.Config)
	if cfg.State.Path != "/var/lib/intentd/intentd.db" || cfg.Model.Concurrency != 3 || cfg.Model.DailyBudgetUSD != 1.5 || cfg.Window.Score != 60*day ||
		model.Temperature == nil || *model.Temperature != 0 || model.APIKey.IsZero() {
		t.Errorf("%+v", cfg)
	}
	if got, want := cfg.SocketPath(), "/var/lib/intentd/intentd.sock"; got != want {
		t.Errorf("socket %s, want %s", got, want)
	}
	t.Setenv("INTENTD_MODEL_CONCURENCY", "5")
	if _, problems := Parse([]byte(minimal), types); problems.Err() != nil || len(problems) != 1 || problems[0].Fix != "did you mean INTENTD_MODEL_CONCURRENCY?" {
		t.Errorf("a misspelt variable: %v", problems)
	}
	t.Setenv("INTENTD_MODEL_CONCURRENCY", "many")
	if _, problems := Parse([]byte(minimal), types); problems.Err() == nil || problems[0].Path != "model.concurrency" {
		t.Errorf("problems %v", problems)
	}
}

// Promise: an own setting reaches Config unharmed: names keep their case where they stand in values, and a list replaces the
// built-in one.
func TestValuesArrive(t *testing.T) {
	t.Setenv("TEST_TOKEN", "t")
	cfg := mustParse(t, `
crms:
  - name: hubspot
    type: hubspot
    token: ${TEST_TOKEN}
    lookback: 10m
    fields: {score: Intent_Score__c, Tier: Intent_Tier__c}
sources: [{name: site, type: jsonl, path: .}]
write: {mode: on, scope: {list: [{property: Segment__c, value: Pilot A}]}}
model: {prices: [{model: Gemini-Next.5, in: 1, out: 2.5}]}
scoring: {strengths: {hand_raise: 99}, half_life_days: 14.556, rules: [{kind: webinar, signal: hand_raise}, {form: "Offer*", ignore: true}]}
products: [{name: Credit Cards, match: "/cards/**"}]
privacy: {own_hosts: [www.example.com], drop_query_params: [Secret], customers: []}
`)
	crm := cfg.CRMs[0]
	if crm.Fields["score"] != "Intent_Score__c" || crm.Fields["tier"] != "Intent_Tier__c" || crm.Poll != "@every 1m" || crm.Settings.(*hubspot.Config).Lookback != 10*time.Minute {
		t.Errorf("crm %+v", crm)
	}
	if l := cfg.Write.Scope.List[0]; l.Property != "Segment__c" || l.Value != "Pilot A" || cfg.Write.Mode != "on" {
		t.Errorf("write %+v", cfg.Write)
	}
	if p := cfg.Model.Prices[0]; p.Model != "Gemini-Next.5" || p.Out != 2.5 {
		t.Errorf("price %+v", p)
	}
	if d := cfg.Privacy.DropQueryParams; len(d) != 1 || d[0] != "Secret" || len(cfg.Privacy.Customers) != 0 {
		t.Errorf("privacy %+v", cfg.Privacy)
	}
	if got := cfg.Scoring.Decay(); got < 20.99 || got > 21.01 {
		t.Errorf("time constant %v", got)
	}
	if r := cfg.Scoring.Rules[1]; r.Form != "Offer*" || !r.Ignore || cfg.Products[0].Match[0] != "/cards/**" || cfg.Scoring.Strengths["hand_raise"] != 99 {
		t.Errorf("rule %+v", r)
	}
}

// Thinking is a level for each stage or one for both, prices are a list or the word free.
func TestOneTextForMany(t *testing.T) {
	for model, want := range map[string]string{
		"thinking: high":                             "{high high} 0",
		"thinking: \"\"":                             "{ } 0",
		"thinking: {stage2: medium}":                 "{minimal medium} 0",
		"prices: free, name: any":                    "{minimal low} 1",
		"prices: [{model: gemini-9, in: 1, out: 2}]": "{minimal low} 1",
	} {
		cfg, problems := Parse([]byte("crms: [{name: h, type: hubspot, token: t}]\nmodel: {provider: gemini, api_key: k, "+model+"}\nprivacy: {own_hosts: [a.example]}\n"), types)
		if err := problems.Err(); err != nil {
			t.Errorf("%s: %v", model, err)
			continue
		}
		if got := fmt.Sprintf("%v %d", cfg.Model.Settings.(*gemini.Config).Thinking, len(cfg.Model.Prices)); got != want {
			t.Errorf("%s: %s, want %s", model, got, want)
		}
	}
	for model, path := range map[string]string{"thinking: hard": "model.thinking", "thinking: {stage1: hard}": "model.thinking.stage1", "prices: cheap": "model.prices"} {
		_, problems := Parse([]byte("crms: [{name: h, type: hubspot, token: t}]\nmodel: {provider: gemini, api_key: k, "+model+"}\nprivacy: {own_hosts: [a.example]}\n"), types)
		if problems.Err() == nil || !slices.ContainsFunc(problems, func(p Problem) bool { return p.Path == path && p.Fix != "" }) {
			t.Errorf("%s: %v", model, problems)
		}
	}
}

// Promise (invariant 11): a secret prints itself nowhere.
func TestInvariant11ASecretPrintsItselfNowhere(t *testing.T) {
	s := connectors.NewSecret("pat-na1-hidden")
	all := fmt.Sprintf("%v %s %q %+v %#v %d %v %+v", s, s, s, s, s, s, &s, struct{ T connectors.Secret }{s})
	b, _ := json.Marshal(map[string]any{"a": s, "b": &s})
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", s, "all", struct{ T connectors.Secret }{s})
	for _, text := range []string{all, string(b), log.String()} {
		if strings.Contains(text, "pat-na1") {
			t.Errorf("shows the secret: %s", text)
		}
	}
	if s.Reveal() != "pat-na1-hidden" {
		t.Error("lost")
	}
}

// Promise: a secret file that others can read is told as a warning.
func TestSecretFileMode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for _, c := range []struct {
		mode os.FileMode
		warn bool
	}{{0o600, false}, {0o400, false}, {0o640, true}, {0o604, true}} {
		if err := os.WriteFile(file, []byte("t\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		_, problems := Parse([]byte("crms: [{name: hubspot, type: hubspot, token_file: "+file+"}]\nprivacy: {own_hosts: [a.example]}\n"), types)
		if problems.Err() != nil || (len(problems) == 1) != c.warn {
			t.Errorf("mode %o: %v", c.mode, problems)
		}
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * day, "1w": 7 * day, "1d12h": 36 * time.Hour, "30m": 30 * time.Minute, "1.5h": 90 * time.Minute, "0": 0, "250ms": 250 * time.Millisecond} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "5", "5x", "-1d", "1d5", "99999999999999999999d", "1e9h"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

func TestSuggest(t *testing.T) {
	for word, want := range map[string]string{"scoer": "did you mean score?", "teir": "did you mean tier?", "x": "write one of score, tier"} {
		if got := connectors.Suggest(word, []string{"score", "tier"}); got != want {
			t.Errorf("%s: %s", word, got)
		}
	}
}

// Promise: no file, however strange, makes the reader panic, and a Config without errors is complete.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range append(files, "../../../../config.example.yaml") {
		if b, err := os.ReadFile(file); err == nil {
			f.Add(b)
		}
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("<<: {log: {level: info}}\n? [a]\n: b"))
	f.Add([]byte("log: !!binary x"))
	f.Add([]byte("http.listen: x\nhttp: {listen: y}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, problems := Parse(data, types)
		if (cfg == nil) != (problems.Err() != nil) {
			t.Fatal("a config with errors, or neither")
		}
		if cfg != nil && (len(cfg.CRMs) == 0 || cfg.CRMs[0].Settings == nil) {
			t.Fatal("incomplete")
		}
	})
}

// The example's commented entries load as well once their comment signs are taken away.
func TestExampleCommented(t *testing.T) {
	b, err := os.ReadFile("../../../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "\n  # - name: ", "\n  - name: ")
	text = strings.ReplaceAll(text, "\n  #   ", "\n    ")
	t.Setenv("HUBSPOT_TOKEN", "pat-na1-example")
	t.Setenv("GEMINI_API_KEY", "example")
	t.Setenv("WAREHOUSE_URL", "postgres://reader:example@db.example.com/events")
	t.Setenv("AMPLITUDE_SECRET", "of-the-project")
	t.Setenv("MIXPANEL_SECRET", "of-the-service-account")
	t.Setenv("POSTHOG_TOKEN", "phx_example")
	t.Setenv("MATOMO_TOKEN", "0123456789abcdef")
	t.Setenv("UMAMI_PASSWORD", "example")
	t.Setenv("SITE_WRITE_KEY", "of-the-site")
	t.Setenv("SERVER_WRITE_KEY", "of-the-server-0123456789")
	t.Setenv("SLACK_WEBHOOK", "https://hooks.slack.com/services/T0/B0/x")
	t.Setenv("SLACK_TOKEN", "xoxb-example")
	t.Setenv("TEAMS_URL", "https://example.environment.api.powerplatform.com/x?sig=y")
	t.Setenv("BUS_URL", "https://bus.example.com/in")
	t.Setenv("BUS_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=")
	t.Setenv("SMTP_PASSWORD", "example")
	t.Setenv("SALESFORCE_KEY", "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----")
	cfg, problems := Parse([]byte(text), types)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if len(cfg.CRMs) != 2 {
		t.Fatalf("%d CRMs, want HubSpot and Salesforce", len(cfg.CRMs))
	}
	if len(cfg.Alerts) != 6 || cfg.Alerts[5].CRM != "hubspot" || cfg.Alerts[4].Password.IsZero() || cfg.Alerts[0].On[0] != "high" {
		t.Fatalf("the alerts read as %+v", cfg.Alerts)
	}
	o, ok := cfg.CRMs[1].Settings.(*salesforce.Config)
	if !ok || o.Auth.Flow != "jwt" || o.Auth.Username == "" || o.Auth.Key.IsZero() || len(o.Objects) != 2 {
		t.Fatalf("the Salesforce entry reads as %+v", cfg.CRMs[1])
	}
}

var notConnectors = strings.NewReplacer("intentd/connectors/identity", "", "intentd/connectors/disk", "", "intentd/connectors/notify", "")

// Promise: the package names no connector: what there is comes as a table.
func TestNamesNoConnector(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") && strings.Contains(notConnectors.Replace(string(text)), `intentd/connectors/`) {
			t.Errorf("%s imports a connector", file)
		}
	}
}
