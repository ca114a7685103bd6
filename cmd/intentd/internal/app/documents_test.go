package app

import (
	"encoding/json"
	"errors"
	"io"
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
	made := regexp.MustCompile(`(?:Code: |Code = |find[A-Z]\w* += |c\.Code, c\.Fix = |f\.Code, f\.Severity = |add\([^,]+, |\[\]Checked\{\{name, |Checked\{[A-Za-z.]+, |Checked\{"[a-z]+", |Code: )"([a-z0-9]+\.[a-z_]+)"`)
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

// uses are the figures that an expression names, each with a label that it asks for.
var uses = regexp.MustCompile(`intentd_([a-z0-9_]+)(?:\{([^}]*)\})?`)

// askedFor are the labels in the braces behind a figure.
var askedFor = regexp.MustCompile(`([a-z_]+)\s*[=!~]+"`)

// existing counts the figures that an expression names, and complains of those, and of labels, that intentd does not have.
func existing(t *testing.T, where, expr string, alsoLabels ...string) (n int) {
	t.Helper()
	for _, m := range uses.FindAllStringSubmatch(expr, -1) {
		n++
		one, ok := meterNamed[m[1]]
		if !ok {
			t.Errorf("%s: there is no metric intentd_%s", where, m[1])
			continue
		}
		for _, label := range askedFor.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(one.labels, label[1]) && !slices.Contains(alsoLabels, label[1]) {
				t.Errorf("%s: intentd_%s has no label %s", where, m[1], label[1])
			}
		}
	}
	return n
}

// Promise: alert rules speak of figures and labels that intentd has, and lead to a heading of the runbook.
func TestAlertsUseExistingMetrics(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	runbook, err := os.ReadFile(filepath.Join(root, "docs/runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^##+ (.+)$`).FindAllSubmatch(runbook, -1) {
		anchors[strings.ToLower(strings.ReplaceAll(string(m[1]), ".", ""))] = true // as GitHub makes them
	}
	n := 0
	for _, rule := range file.Groups[0].Rules {
		n += existing(t, rule.Alert, rule.Expr)
		if _, anchor, _ := strings.Cut(rule.Annotations["runbook_url"], "/docs/runbook.md#"); !anchors[anchor] {
			t.Errorf("%s: its runbook_url leads to %q, which the runbook does not have", rule.Alert, anchor)
		}
	}
	if n < 10 {
		t.Errorf("only %d uses found", n)
	}
}

// Promise: the dashboard shows figures and labels that intentd has.
func TestDashboardUsesExistingMetrics(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/grafana/intentd.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	n, ids := 0, map[int]bool{}
	for _, panel := range board.Panels {
		if ids[panel.ID] {
			t.Errorf("%s: a second panel %d", panel.Title, panel.ID)
		}
		ids[panel.ID] = true
		for _, target := range panel.Targets {
			found := existing(t, panel.Title, target.Expr, "job")
			if n += found; found == 0 {
				t.Errorf("%s shows nothing of intentd: %s", panel.Title, target.Expr)
			}
			for _, m := range regexp.MustCompile(`\{\{([a-z]+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				first := meterNamed[uses.FindStringSubmatch(target.Expr)[1]]
				if first != nil && !slices.Contains(first.labels, m[1]) {
					t.Errorf("%s: intentd_%s has no label %s", panel.Title, first.name, m[1])
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d uses found", n)
	}
}

// Promise: the unit of an instance is shut in as the unit of a single daemon is.
func TestUnitsAreAlike(t *testing.T) {
	var fences []string
	for _, name := range []string{"intentd.service", "intentd@.service"} {
		text, err := os.ReadFile(filepath.Join(root, "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		_, fence, _ := strings.Cut(string(text), "NoNewPrivileges=")
		fences = append(fences, fence)
	}
	if fences[0] == "" || fences[0] != fences[1] {
		t.Errorf("intentd.service:\n%s\nintentd@.service:\n%s", fences[0], fences[1])
	}
}

// Promise: probes of the manifests ask what intentd answers, and the pod may write to its volumes alone.
func TestManifestsProbeWhatIsAnswered(t *testing.T) {
	for _, name := range []string{"kubernetes/intentd.yaml", "helm/intentd/templates/intentd.yaml"} {
		text, err := os.ReadFile(filepath.Join(root, "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"livenessProbe:            # fails only where a restart helps\n            httpGet: {path: /healthz,", "readinessProbe:           # fails as well where no CRM can be worked for\n            httpGet: {path: /readyz,",
			"runAsNonRoot: true", "readOnlyRootFilesystem: true", "drop: [ALL]", "replicas: 1 ", "mountPath: /var/lib/intentd"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
	}
	for name, want := range map[string]int{"kubernetes/intentd.yaml": 3, "compose.yaml": 1, "helm/intentd/values.yaml": 1, "helm/intentd/Chart.yaml": 1} {
		f, err := os.Open(filepath.Join(root, "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		n, d := 0, yaml.NewDecoder(f)
		for ; ; n++ {
			var one map[string]any
			if err := d.Decode(&one); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if n != want {
			t.Errorf("%s: %d documents, want %d", name, n, want)
		}
	}
}
