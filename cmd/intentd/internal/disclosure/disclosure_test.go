package disclosure_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/cmd/intentd/internal/disclosure"
	"github.com/intentd/intentd/connectors"
)

var update = flag.Bool("update", false, "write the documents of the example anew")

const root = "../../../.."

// Promise: docs/data-flow.md is what intentd privacy prints of the shipped example, and so is its German sister.
func TestDocumentsOfTheExample(t *testing.T) {
	t.Setenv("HUBSPOT_TOKEN", "a")
	t.Setenv("GEMINI_API_KEY", "b")
	t.Chdir(root) // paths are told as whoever stands beside the example would write them
	const example = "config.example.yaml"
	cfg, problems := config.Load(example, app.Types)
	if cfg == nil {
		t.Fatal(problems)
	}
	for language, file := range map[string]string{"en": "data-flow.md", "de": "data-flow.de.md"} {
		got, err := disclosure.Document(cfg, example, language)
		if err != nil {
			t.Fatal(err)
		}
		file = filepath.Join("docs", file)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || string(want) != got {
			t.Errorf("%s is not what intentd privacy prints of the example (%v): go test ./cmd/intentd/internal/disclosure -update", file, err)
		}
	}
}

// load is a configuration with what stands in text beside a HubSpot.
func load(t *testing.T, text string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "intentd.yaml")
	if !strings.Contains(text, "crms:") {
		text = "crms: [{name: hubspot, type: hubspot, token: token-of-hubspot}]\n" + text
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(file, app.Types)
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	return cfg
}

func documents(t *testing.T, cfg *config.Config) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, language := range disclosure.Languages {
		text, err := disclosure.Document(cfg, "intentd.yaml", language)
		if err != nil {
			t.Fatal(err)
		}
		out[language] = text
	}
	return out
}

// Promise: what a configuration does differently stands in the document, in both languages alike.
func TestDocumentFollowsTheConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		config    string
		has, lack []string // in every language
	}{
		"rules":          {"model: {provider: rules}", []string{"`write.mode: off`"}, []string{"googleapis", "screenshots", "HMAC"}},
		"asked":          {"sources: [{name: dwh, type: warehouse, dialect: postgres, url: 'postgres://reader:secret-of-dwh@db.example.com/events', preset: umami}]", []string{"db.example.com"}, []string{"clickstream.retention"}},
		"taken":          {"sources: [{name: dwh, type: warehouse, dialect: postgres, mode: take, events: 'SELECT 1 AS x WHERE :since < :limit AND :since_id < 1', url: 'postgres://reader:secret-of-dwh@db.example.com/events'}]", []string{"db.example.com", "clickstream.retention"}, nil},
		"received":       {"sources: [{name: web, type: collector, write_keys: [{key: secret-of-the-page}]}]", []string{"127.0.0.1:8788", "clickstream.retention", "30 "}, nil},
		"a command":      {"sources: [{name: out, type: exec, command: [/bin/true, --token, secret-of-the-command]}]", []string{"/bin/true"}, nil},
		"feeds":          {"crms: [{name: hub, type: hubspot, token: token-of-hubspot, engagement: off, feeds: [forms, email]}]", []string{"`feeds: [forms]`", "`feeds: [email]`", "clickstream.retention"}, []string{"| hub | "}},
		"consent":        {"crms: [{name: hub, type: hubspot, token: token-of-hubspot, consent: {property: legal, granted: [Yes], denied: [Withdrawn]}}]\nsources: [{name: web, type: collector, consent: granted, write_keys: [{key: secret-of-the-page}]}]", []string{"`legal` ", "`Withdrawn`", "`Yes`"}, nil},
		"profile":        {"crms: [{name: hub, type: hubspot, token: token-of-hubspot, learning_profile: [jobtitle, industry]}]", []string{"| hub (hubspot", "`industry`", "`jobtitle`, `industry` "}, nil},
		"jobs":           {"model: {provider: gemini, api_key: secret-of-gemini, batch: true}", []string{"`model.batch: false`", "500"}, []string{"keep_emails"}},
		"addresses sent": {"model: {provider: gemini, api_key: secret-of-gemini}\nprivacy: {redact: {keep_emails: true, keep_names: true, drop_typed: true}}", []string{"`keep_emails`", "`keep_names`", "`drop_typed`"}, []string{"keep_phones"}},
		"a house model":  {"model: {provider: openai, name: llama, base_url: 'http://127.0.0.1:11434/v1', prices: free}", []string{"127.0.0.1:11434"}, []string{"googleapis"}},
		"all joined":     {"identity: {join_anonymous: always}", []string{"join_anonymous: always"}, []string{"consented`"}},
		"other fields":   {"privacy: {retention: {receipts: 30d, history: 120d}}\nwrite: {scope: {list: [{property: segment, value: pilot}], owner: ['7']}, mode: canary}", []string{"30 ", "120 ", "`segment`", "`canary`"}, nil},
		"the page":       {"http: {page: true, token: secret-of-the-page-of-intentd, trust_header: {name: X-User, from: [10.0.0.7]}}", []string{"`http.page: false`", "`intentd page`", "oken", "`X-User`", "10.0.0.7"}, nil},
		"tasks":          {"alerts: [{name: calls, type: crm_task, crm: hubspot, show: [headline]}]", []string{"| calls (", "`forget`"}, []string{"| calls (crm_task"}},
		"no page":        {"http: {page: false}", []string{"`http.listen: \"\"`"}, []string{"http.page", "intentd page"}},
		"debug":          {"log: {level: debug}\nhttp: {listen: ''}", []string{"debug"}, []string{"/metrics"}},
	} {
		t.Run(name, func(t *testing.T) {
			texts := documents(t, load(t, c.config))
			for language, text := range texts {
				for _, has := range c.has {
					if !strings.Contains(text, has) {
						t.Errorf("%s: %q is not told", language, has)
					}
				}
				for _, lack := range append(c.lack, "secret-of", "token-of", "<no value>") {
					if strings.Contains(text, lack) {
						t.Errorf("%s: tells of %q", language, lack)
					}
				}
			}
			if rows := func(text string) int { return strings.Count(text, "\n|") }; rows(texts["en"]) != rows(texts["de"]) {
				t.Errorf("%d rows in English, %d in German", rows(texts["en"]), rows(texts["de"]))
			}
		})
	}
}

// Promise: every connector there is says where its system is and what it reads.
func TestEveryConnectorDiscloses(t *testing.T) {
	check := func(name string, settings connectors.Settings) {
		if _, ok := settings.(connectors.Discloser); !ok {
			t.Errorf("%s does not implement connectors.Discloser", name)
		}
	}
	for name, made := range app.Types.CRMs {
		check(name, made.Settings())
	}
	for name, made := range app.Types.Sources {
		check(name, made.Settings())
	}
	for name, made := range app.Types.Models {
		check(name, made.Settings())
	}
}

// Promise: a language that there is no document in is a mistake that names those there are.
func TestUnknownLanguage(t *testing.T) {
	if _, err := disclosure.Document(load(t, ""), "intentd.yaml", "fr"); err == nil || !strings.Contains(err.Error(), "en or de") {
		t.Errorf("got %v", err)
	}
}
