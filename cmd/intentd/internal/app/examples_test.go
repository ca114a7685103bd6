package app

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
)

// placeholders sets every variable that a configuration names, to what a secret of its kind looks like.
func placeholders(t *testing.T, text string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)\}`).FindAllStringSubmatch(text, -1) {
		value := "placeholder-" + strings.ToLower(m[1])
		switch m[1] {
		case "WAREHOUSE_URL":
			value = "https://reader:placeholder@db.example.com:8443"
			if strings.Contains(text, "dialect: postgres") {
				value = "postgres://reader:placeholder@db.example.com/events"
			}
		case "SALESFORCE_KEY", "SNOWFLAKE_KEY":
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				t.Fatal(err)
			}
			der, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			value = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		case "BIGQUERY_KEY":
			value = `{"type":"service_account","client_email":"reader@example-project.iam.gserviceaccount.com"}`
		}
		t.Setenv(m[1], value)
	}
}

// Promise: every example loads, and there is one for every type of CRM and source.
func TestExamplesLoad(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "examples", "*.yaml"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	shown := map[string]bool{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			placeholders(t, string(text))
			cfg, problems := config.Load(file, Types)
			if problems.Err() != nil {
				t.Fatal(problems)
			}
			for _, p := range problems {
				if p.Path != "sources[0].path" && p.Path != "sources[0].command" { // what is on your machine only
					t.Error(p)
				}
			}
			for _, crm := range cfg.CRMs {
				shown[crm.Type] = true
			}
			for _, source := range cfg.Sources {
				shown[source.Type] = true
			}
			for _, m := range regexp.MustCompile(`docs/[a-z0-9-]+\.md`).FindAllString(string(text), -1) {
				if _, err := os.Stat(filepath.Join(root, m)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for name := range Types.CRMs {
		if !shown[name] {
			t.Errorf("examples/ shows no CRM of type %s", name)
		}
	}
	for name := range Types.Sources {
		if !shown[name] {
			t.Errorf("examples/ shows no source of type %s", name)
		}
	}
}
