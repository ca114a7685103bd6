package rules_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/evaluate"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// today is the day of all labelled journeys.
var today = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// bundled are parts of the bundled set, all of them where none is named.
func bundled(t testing.TB, names ...string) *evaluate.Set {
	t.Helper()
	set, err := evaluate.Bundled(names...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// thirty are the situations that the texts were designed by, at the vendors of the bundled set.
func thirty(t testing.TB) *evaluate.Set {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "thirty.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	vendors, err := os.ReadFile(filepath.Join("..", "evaluate", "data", "vendors.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := evaluate.Read(vendors, b)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// infer takes a labelled journey through the journey builder and the rules.
func infer(t testing.TB, set *evaluate.Set, c *evaluate.Journey, lang string) (intent.Intent, *journey.Journey) {
	t.Helper()
	v := set.Vendors[c.Vendor]
	if v == nil {
		t.Fatalf("%s: no vendor %q", c.Name, c.Vendor)
	}
	by, err := v.Rules(lang)
	if err != nil {
		t.Fatal(err)
	}
	s := set.Subject(c, by.Journey, lang)
	out, err := by.Engine.Infer(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return out, s.Journey
}

// shown is what a rep reads of an intent, with the events it rests on.
func shown(in intent.Intent) string {
	var b strings.Builder
	line := func(name string, s intent.Sentence) {
		if s.Text != "" {
			fmt.Fprintf(&b, "%-5s %s %v\n", name, s.Text, s.Cites)
		}
	}
	line("H", in.Headline)
	for _, s := range in.Sentences {
		line("S", s)
	}
	line("→", in.NextStep)
	line("→low", in.NextLow)
	for _, l := range in.Later {
		fmt.Fprintf(&b, "from  %s\n", l.From.Format("2 Jan 2006"))
		line("  H", l.Headline)
		line("  →", l.NextStep)
	}
	var topics []string
	for _, t := range in.Topics {
		topics = append(topics, t.Name)
	}
	fmt.Fprintf(&b, "%-5s %s · product %s\n", "T", strings.Join(topics, "; "), in.Product)
	for _, m := range in.Marks {
		fmt.Fprintf(&b, "%-5s %s\n", "mark", m.What)
	}
	return b.String()
}

// concluded is what the score says of the journey: the reasons field, stage and product.
func concluded(in intent.Intent, j *journey.Journey, lang string) string {
	r := receipt.Receipt{At: today, Settings: score.Defaults(), Features: j.Features(), Signals: receipt.SignalLines(j), Intent: in}
	next, parts, rule := r.Settings.Show(&r.Features, score.Shown{}, today)
	r.Parts, r.Rule, r.Tier, r.Stage, r.Product, r.Interest = parts, rule, next.Tier, next.Stage, next.Product, next.Interest
	v := fields.Render(&r, fields.Options{Language: lang, Location: time.UTC})
	return "R     " + strings.ReplaceAll(v[connectors.FieldReasons], "\n", "\n      ") + "\n      " +
		v[connectors.FieldStage] + ", " + firstOf(v[connectors.FieldProduct], "no product") + " " + v[connectors.FieldInterest] + "\n"
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// The thirty situations that the texts were designed by are stated with their facts, in both languages, and change on purpose only.
func TestThirty(t *testing.T) {
	set := thirty(t)
	var all strings.Builder
	for i := range set.Journeys {
		for _, lang := range []string{"en", "de"} {
			in, j := infer(t, set, &set.Journeys[i], lang)
			fmt.Fprintf(&all, "%s (%s)\n%s%s\n", set.Journeys[i].Name, lang, shown(in), concluded(in, j, lang))
		}
	}
	golden(t, "thirty.golden", all.String())
}

var update = flag.Bool("rewrite", false, "rewrite the golden files of the labelled journeys")

func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("run with -rewrite if this is meant:\n%s", got)
	}
}
