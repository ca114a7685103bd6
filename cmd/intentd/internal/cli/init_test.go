package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors/sandbox"
)

// portal is a HubSpot to set up with.
func portal(t *testing.T, scopes ...string) string {
	t.Helper()
	base, err := sandbox.NewHubSpot(sandbox.HubSpotOptions{Scopes: scopes}).Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// initIn runs init in a directory of its own, with what is typed or piped; a terminal is there where asked is true.
func initIn(t *testing.T, asked bool, typed string, args ...string) (code int, out string) {
	t.Helper()
	var o output
	code = Run(t.Context(), Process{Args: append([]string{"init"}, args...), Stdin: strings.NewReader(typed), Terminal: asked, Stdout: &o, Stderr: &o})
	return code, o.String()
}

// loaded is the configuration that was made, which loads, and keeps its secrets to its owner and out of the file.
func loaded(t *testing.T, file string, secrets ...string) *config.Config {
	t.Helper()
	cfg, problems := config.Load(file, app.Types)
	if problems.Err() != nil {
		t.Fatalf("%s does not load: %v", file, problems)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range cfg.Secrets() {
		if strings.Contains(string(text), secret) {
			t.Errorf("a secret stands in %s:\n%s", file, text)
		}
	}
	for _, name := range append(secrets, filepath.Base(file)) {
		if info, err := os.Stat(filepath.Join(filepath.Dir(file), name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	return cfg
}

// Promise: a key that may only read is enough to look: what it lacks is said, and nothing of it is a failure before writing is on.
func TestInitWithAKeyThatReads(t *testing.T) {
	t.Chdir(t.TempDir())
	base := portal(t, "crm.objects.contacts.read", "crm.schemas.contacts.read", "crm.objects.deals.read")
	code, out := initIn(t, false, "pat-na1-sandbox\n", "--crm", "hubspot", "--url", base, "--token-file", "-", "--timezone", "Europe/Berlin")
	if code != Done {
		t.Fatalf("exit %d\n%s", code, out)
	}
	wants(t, out, "warning", "the token lacks crm.objects.contacts.write, needed for writing scores", "the credentials work, and are enough to look", "\n  intentd backtest\n")
	if code, stdout, stderr := intentd(t, "doctor", "-c", "intentd.yaml"); code != Done {
		t.Errorf("doctor: exit %d\n%s%s", code, stdout, stderr)
	}
	text, err := os.ReadFile("intentd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("on.yaml", []byte(strings.Replace(string(text), `write: {mode: "off"}`, `write: {mode: "on"}`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := intentd(t, "doctor", "-c", "on.yaml"); code != Failed || !strings.Contains(stdout, "crm.objects.contacts.write") {
		t.Errorf("doctor, with writing on: exit %d\n%s", code, stdout)
	}
}

// Promise: without a terminal flags are enough; the token is tried, and the next command works.
func TestInitByFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	base := portal(t)
	code, out := initIn(t, false, "pat-na1-sandbox\n", "--crm", "hubspot", "--url", base, "--token-file", "-", "--site", "www.larkfield.example", "--timezone", "Europe/Berlin")
	if code != Done {
		t.Fatalf("exit %d\n%s", code, out)
	}
	wants(t, out, "wrote intentd.yaml", "wrote hubspot_token", "the credentials work", "\n  intentd backtest\n")
	cfg := loaded(t, "intentd.yaml", "hubspot_token")
	if cfg.Write.Mode != "off" || cfg.Text.Timezone != "Europe/Berlin" || cfg.Privacy.InternalDomains[0] != "larkfield.example" {
		t.Errorf("%+v %+v %+v", cfg.Write, cfg.Text, cfg.Privacy)
	}
	// As the README goes on; this portal has no deals.
	if code, stdout, stderr := intentd(t, "backtest", "-c", "intentd.yaml"); code != Failed || !strings.Contains(stderr, "no deal was closed") {
		t.Errorf("the next command: exit %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := intentd(t, "provision", "-c", "intentd.yaml"); code != Done {
		t.Errorf("the one after it: exit %d\n%s%s", code, stdout, stderr)
	}
	if _, err := os.Stat("intentd.db"); err == nil {
		t.Error("a set-up made a state file")
	}
}

// Promise: a token that is refused is said so at once, and what to do then.
func TestInitWithRefusedToken(t *testing.T) {
	t.Chdir(t.TempDir())
	code, out := initIn(t, false, "wrong-token\n", "--crm", "hubspot", "--url", portal(t), "--token-file", "-")
	if code != Failed {
		t.Errorf("exit %d", code)
	}
	wants(t, out, "FAILURE", "hubspot.token", "look again:\n\n  intentd doctor")
	if strings.Contains(out, "wrong-token") {
		t.Errorf("a secret is shown:\n%s", out)
	}
	loaded(t, "intentd.yaml", "hubspot_token")
}

// Promise: nothing that exists is overwritten unless it is asked for, and a set-up that fails leaves what was there.
func TestInitOverwritesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	flags := []string{"--offline", "--crm", "hubspot", "--token-file", "-"}
	for _, name := range []string{"intentd.yaml", "hubspot_token"} {
		if err := os.WriteFile(name, []byte("mine"), 0o644); err != nil {
			t.Fatal(err)
		}
		code, out := initIn(t, false, "new", flags...)
		if text, _ := os.ReadFile(name); code != Misused || string(text) != "mine" || !strings.Contains(out, name+" exists already") || !strings.Contains(out, "--force") {
			t.Errorf("%s: exit %d, %q\n%s", name, code, text, out)
		}
		if found, _ := filepath.Glob("*"); len(found) != 1 {
			t.Errorf("left behind: %v", found)
		}
		os.Remove(name)
	}
	if err := os.WriteFile("intentd.yaml", []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out := initIn(t, false, "two words", append(flags, "--force")...)
	if text, _ := os.ReadFile("intentd.yaml"); code != Misused || string(text) != "mine" || !strings.Contains(out, "more than one word") {
		t.Errorf("exit %d, %q\n%s", code, text, out)
	}
	if found, _ := filepath.Glob("*"); len(found) != 1 {
		t.Errorf("left behind: %v", found)
	}
	if code, out := initIn(t, false, "pat-na1-new", append(flags, "--force")...); code != Done || !strings.Contains(out, "not tried") {
		t.Errorf("exit %d\n%s", code, out)
	}
	loaded(t, "intentd.yaml", "hubspot_token")
}

// Promise: five questions make a configuration; a wrong answer is asked for again.
func TestInitAsks(t *testing.T) {
	t.Chdir(t.TempDir())
	typed := strings.Join([]string{"pipedrive", "hubspot", "", "/no/such/file", "pat-na1-sandbox", "collector", "www.larkfield.example", "", "de", "Berlin", "Europe/Berlin", ""}, "\n")
	code, out := initIn(t, true, typed, "--url", portal(t))
	if code != Done {
		t.Fatalf("exit %d\n%s", code, out)
	}
	wants(t, out, "1/5", "It is hubspot or salesforce.", "2/5", "An answer is needed.", "There is no such file.", "3/5", "4/5", "5/5", "There is no time zone \"Berlin\"", "the credentials work", "intentd backtest")
	cfg := loaded(t, "intentd.yaml", "hubspot_token", "browser_write_key", "server_write_key")
	if cfg.Sources[0].Type != "collector" || cfg.Text.Language != "de" || cfg.Model.Provider != config.Rules {
		t.Errorf("%+v", cfg)
	}
}

// Promise: answers that end too early write nothing.
func TestInitBrokenOff(t *testing.T) {
	t.Chdir(t.TempDir())
	code, out := initIn(t, true, "hubspot\npat-na1-sandbox\n", "--offline")
	if found, _ := filepath.Glob("*"); code != Failed || len(found) != 0 || !strings.Contains(out, "nothing was written") {
		t.Errorf("exit %d, %v\n%s", code, found, out)
	}
}

// Promise: Salesforce, event files and a model's key, with files elsewhere that stay there.
func TestInitOfSalesforce(t *testing.T) {
	t.Chdir(t.TempDir())
	base, err := sandbox.NewSalesforce(sandbox.SalesforceOptions{}).Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"secret": "sandbox-secret", "key": "model-key", "events.jsonl": ""} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := []string{"-c", "conf/config.yaml", "--crm", "salesforce", "--url", base, "--client-id", "sandbox-client", "--token-file", "secret", "--journeys", "files", "--path", "events.jsonl"}
	code, out := initIn(t, false, "", flags...)
	if code != Done {
		t.Fatalf("exit %d\n%s", code, out)
	}
	wants(t, out, "the credentials work", "intentd backtest -c conf/config.yaml")
	cfg := loaded(t, "conf/config.yaml")
	if fmt.Sprint(cfg.Secrets()) != "[sandbox-secret]" {
		t.Errorf("secrets: %v", cfg.Secrets())
	}
	if code, out := initIn(t, false, "", append(flags, "--force", "--offline", "--model", "gemini", "--key-file", "key")...); code != Done {
		t.Fatalf("exit %d\n%s", code, out)
	}
	if cfg := loaded(t, "conf/config.yaml"); len(cfg.Secrets()) != 2 || cfg.Model.Provider != "gemini" {
		t.Errorf("%v", cfg.Model)
	}
}

// Promise: what is missing or does not exist is one line, and nothing is written.
func TestInitMisused(t *testing.T) {
	t.Chdir(t.TempDir())
	for want, args := range map[string][]string{
		"--crm is hubspot or salesforce": {},
		"the credentials are missing":    {"--crm", "hubspot"},
		"Salesforce needs --url":         {"--crm", "salesforce", "--token", "x"},
		"both --token and --token-file":  {"--crm", "hubspot", "--token", "x", "--token-file", "y"},
		"there is no \"Berlin\"":         {"--crm", "hubspot", "--token", "x", "--timezone", "Berlin"},
		"--language is en or de":         {"--crm", "hubspot", "--token", "x", "--language", "fr"},
		"--journeys files needs --path":  {"--crm", "hubspot", "--token", "x", "--journeys", "files"},
		"--model gemini needs":           {"--crm", "hubspot", "--token", "x", "--model", "gemini"},
	} {
		code, out := initIn(t, false, "", args...)
		if found, _ := filepath.Glob("*"); code != Misused || len(found) != 0 || !strings.Contains(out, want) || strings.Count(out, "\n") != 1 {
			t.Errorf("%v: exit %d, %v\n%s", args, code, found, out)
		}
	}
}
