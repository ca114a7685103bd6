package cli

import (
	"encoding/json"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors/openai/openaitest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const tryNow = "2026-11-28T12:00:00Z"

// What is shown of a journey at hand, texts by rules, changes on purpose only: of each file in testdata/try, in both languages.
func TestTryGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "try", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, file := range files {
		ext := filepath.Ext(file)
		if ext == ".txt" {
			continue
		}
		for _, lang := range []string{"en", "de"} {
			tried++
			code, out, errs := intentd(t, "try", file, "--now", tryNow, "--language", lang)
			if code != Done || errs != "" {
				t.Errorf("%s (%s): exit %d %s", file, lang, code, errs)
			}
			golden := strings.TrimSuffix(file, ext) + "." + lang + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || out != string(want) {
				t.Errorf("%s (%s): run with -update if this is meant: %v\n%s", file, lang, err, out)
			}
		}
	}
	if tried < 12 {
		t.Errorf("only %d journeys tried", tried)
	}
}

// tried is what scripts read of try --json.
type tried struct {
	Read struct {
		Format  string `json:"format"`
		Records int    `json:"records"`
	} `json:"read"`
	Model  string `json:"model"`
	People []struct {
		Name   string            `json:"name"`
		IDs    []string          `json:"ids"`
		Fields map[string]string `json:"fields"`
		Steps  []struct {
			Kind, Signal, Summary string
			Context               []string
		} `json:"steps"`
	} `json:"people"`
}

func tryJSON(t *testing.T, args ...string) (out tried) {
	t.Helper()
	code, text, errs := intentd(t, append([]string{"try", "--now", tryNow, "--json"}, args...)...)
	if code != Done || errs != "" {
		t.Fatalf("exit %d %s", code, errs)
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil || len(out.People) == 0 {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// With --json a script gets the same as a reader, by name, and --language changes the texts and nothing else.
func TestTryJSON(t *testing.T) {
	file := filepath.Join("testdata", "try", "segment_quote.jsonl")
	en, de := tryJSON(t, file), tryJSON(t, file, "--language", "de")
	if en.Read.Records != 4 || en.Model != "" || len(en.People) != 1 {
		t.Errorf("%+v", en)
	}
	who, wer := en.People[0], de.People[0]
	if who.Name != "buyer@harrow-halls.example" || len(who.Steps) != 4 || who.Steps[3].Signal != "hand_raise" {
		t.Errorf("%+v", who)
	}
	for field, want := range map[string][2]string{
		"score": {who.Fields["score"], who.Fields["score"]}, "tier": {"high", "high"}, "stage": {"deciding", "deciding"},
		"headline": {"Wants a quote for 120 panels on two halls, budget EUR 90,000, delivery by March (26 Nov)", "Bittet um Angebot über 120 Module auf zwei Hallen, Budget 90.000 EUR (Anfrage vom 26. Nov.)"},
	} {
		if who.Fields[field] != want[0] || wer.Fields[field] != want[1] || want[0] == "" {
			t.Errorf("%s: %q and %q, want %q", field, who.Fields[field], wer.Fields[field], want)
		}
	}
	if !strings.Contains(who.Fields["summary"], "Next step: ") || !strings.Contains(wer.Fields["summary"], "Nächster Schritt: ") {
		t.Errorf("%q\n%q", who.Fields["summary"], wer.Fields["summary"])
	}
	if code, _, errs := intentd(t, "try", file, "--language", "fr"); code != Misused || !strings.Contains(errs, "en or de") {
		t.Errorf("--language fr: exit %d %s", code, errs)
	}
}

// A model behind OPENAI_BASE_URL, here one of this machine, writes the texts: stage 1 sees the pictures of --screenshots, each step has its
// summary, and the key goes to it alone.
func TestTryWithAServerOfYourOwn(t *testing.T) {
	stand := &openaitest.Server{Key: "sesame"}
	server := httptest.NewServer(stand)
	defer server.Close()
	t.Setenv("OPENAI_BASE_URL", server.URL+"/v1")
	t.Setenv("OPENAI_API_KEY", "sesame")
	dir := t.TempDir()
	picture := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82")
	for _, name := range []string{"1.png", "3.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join("testdata", "try", "steps_of_a_screen.json")
	got := tryJSON(t, file, "--model", "local-model", "--screenshots", dir)
	if got.Model != "local-model" {
		t.Errorf("model %q", got.Model)
	}
	first, second := 0, 0 // pictures seen by each stage
	for _, p := range stand.Stand.Last() {
		if strings.Contains(string(p.Schema), "screen_context") {
			first += len(p.Images)
		} else if strings.Contains(string(p.Schema), "headline") {
			second += 1 + len(p.Images)
		}
	}
	if first != 2 || second != 1 {
		t.Errorf("stage 1 saw %d pictures; stage 2, which sees none, was asked %d times", first, second)
	}
	for _, s := range got.People[0].Steps {
		if s.Kind != "scroll" && s.Summary == "" {
			t.Errorf("no summary: %+v", s)
		}
	}
	code, out, errs := intentd(t, "try", file, "--now", tryNow, "--model", "local-model", "--language", "de")
	if code != Done || !strings.Contains(out, "What a rep would read (by local-model)") || !strings.Contains(out, "its price is not known here") || strings.Contains(out+errs, "sesame") {
		t.Errorf("exit %d %s\n%s", code, errs, out)
	}
	if !strings.Contains(out, "Befasst sich mit") {
		t.Errorf("not in German:\n%s", out)
	}

	t.Setenv("OPENAI_BASE_URL", "http://models.example.com/v1")
	if code, _, errs := intentd(t, "try", file, "--model", "local-model"); code != Failed || !strings.Contains(errs, "OPENAI_BASE_URL") {
		t.Errorf("plain http to a stranger: exit %d %s", code, errs)
	}
	t.Setenv("OPENAI_BASE_URL", "")
	t.Setenv("OPENAI_API_KEY", "")
	if code, _, errs := intentd(t, "try", file, "--model", "gpt-5-mini"); code != Failed || !strings.Contains(errs, "set OPENAI_API_KEY") {
		t.Errorf("without a key: exit %d %s", code, errs)
	}
}

// Where the server refuses, the texts are the rules', and what it refused is said.
func TestTryWithAServerThatRefuses(t *testing.T) {
	stand := &openaitest.Server{Key: "another"}
	server := httptest.NewServer(stand)
	defer server.Close()
	t.Setenv("OPENAI_BASE_URL", server.URL+"/v1")
	t.Setenv("OPENAI_API_KEY", "sesame")
	code, out, errs := intentd(t, "try", filepath.Join("testdata", "try", "segment_quote.jsonl"), "--now", tryNow, "--model", "local-model")
	if code != Done || !strings.Contains(out, "these are the rules' texts: ") || !strings.Contains(out, "local-model said: ") || !strings.Contains(out, "Wants a quote for 120 panels") || strings.Contains(out+errs, "sesame") {
		t.Errorf("exit %d %s\n%s", code, errs, out)
	}
}
