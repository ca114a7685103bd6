package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../../../.."

// codes are all finding codes that stand in the sources: texts of the form "about.what" where a finding is made.
func codes(t *testing.T) []string {
	t.Helper()
	made := regexp.MustCompile(`(?:Code: |Code = |find[A-Z]\w* += |c\.Code, c\.Fix = |f\.Code, f\.Severity = |add\([^,]+, |\[\]Checked\{\{name, |Checked\{name, |Checked\{"[a-z]+", |Code: )"([a-z0-9]+\.[a-z_]+)"`)
	var all []string
	for _, dir := range []string{"connectors", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range made.FindAllSubmatch(text, -1) {
				all = append(all, string(m[1]))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Promise: every code of the doctor has its heading in the runbook, and the runbook has none that no longer exists.
func TestRunbookKnowsEveryCode(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	var headings []string
	for _, m := range regexp.MustCompile(`(?m)^### ([a-z0-9]+\.[a-z_]+)$`).FindAllSubmatch(text, -1) {
		headings = append(headings, string(m[1]))
	}
	slices.Sort(headings)
	found := codes(t)
	if len(found) < 30 {
		t.Fatalf("only %d codes found in the sources: the test no longer sees them", len(found))
	}
	for _, code := range found {
		if !slices.Contains(headings, code) {
			t.Errorf("docs/runbook.md does not tell of %s", code)
		}
	}
	for _, h := range headings {
		if !slices.Contains(found, h) {
			t.Errorf("docs/runbook.md tells of %s, which nothing reports", h)
		}
	}
	alerts, err := os.ReadFile(filepath.Join(root, "deploy/alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`runbook: ([a-z_., ]+)`).FindAllSubmatch(alerts, -1) {
		for code := range strings.SplitSeq(string(m[1]), ", ") {
			if !slices.Contains(headings, strings.TrimSpace(code)) {
				t.Errorf("deploy/alerts.yaml points to %q, which the runbook does not have", code)
			}
		}
	}
}

// Promise: alert rules speak of figures and labels that intentd has.
func TestAlertsUseExistingMetrics(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	use := regexp.MustCompile(`intentd_([a-z0-9_]+)(?:\{([a-z]+)[=!~]+"[^"]*"\})?`)
	n := 0
	for _, rule := range file.Groups[0].Rules {
		for _, m := range use.FindAllStringSubmatch(rule.Expr, -1) {
			n++
			one, ok := meterNamed[m[1]]
			if !ok {
				t.Errorf("%s: there is no metric intentd_%s", rule.Alert, m[1])
			} else if m[2] != "" && !slices.Contains(one.labels, m[2]) {
				t.Errorf("%s: intentd_%s has no label %s", rule.Alert, m[1], m[2])
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d uses found", n)
	}
}
