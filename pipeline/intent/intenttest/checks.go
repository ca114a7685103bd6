package intenttest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/plain"
)

// Subject is who did that, as of Now.
func Subject(j *[]Event, key, language string) intent.Subject {
	return intent.Subject{Journey: Journey(key, *j...), Now: Now, Language: language, Location: Berlin}
}

// Render writes in as golden files hold it.
func Render(in intent.Intent) string {
	var b strings.Builder
	line := func(name string, s intent.Sentence) { fmt.Fprintf(&b, "%-9s %s %v\n", name, s.Text, s.Cites) }
	line("headline", in.Headline)
	for _, s := range in.Sentences {
		line("sentence", s)
	}
	line("next", in.NextStep)
	for _, t := range in.Topics {
		fmt.Fprintf(&b, "topic     %s %v trusted=%v\n", t.Name, t.Cites, t.Trusted)
	}
	fmt.Fprintf(&b, "product   %q interest %d stage %d engine %s degraded %q\n", in.Product, in.Interest, in.Stage, in.Engine, in.Degraded)
	return b.String()
}

// CheckForm asserts what holds for every Intent of any engine.
func CheckForm(t *testing.T, name string, in intent.Intent, events int) {
	t.Helper()
	ids := map[string]bool{}
	for i := range events {
		ids[fmt.Sprintf("p-e%d", i+1)] = true
	}
	check := func(what string, s intent.Sentence) {
		t.Helper()
		if s.Text == "" || len(s.Cites) == 0 {
			t.Errorf("%s: %s %q cites %v", name, what, s.Text, s.Cites)
		}
		for _, c := range s.Cites {
			if !ids[c] {
				t.Errorf("%s: %s cites %q, which does not exist", name, what, c)
			}
		}
		if plain.HasLink(s.Text, []string{"example.com"}) || plain.IsRelative(s.Text) || plain.Text(s.Text, 10000) != s.Text {
			t.Errorf("%s: %s %q is not plain", name, what, s.Text)
		}
	}
	check("headline", in.Headline)
	check("next step", in.NextStep)
	for _, s := range in.Sentences {
		check("sentence", s)
	}
	for _, tp := range in.Topics {
		check("topic", intent.Sentence{Text: tp.Name, Cites: tp.Cites})
	}
	if in.Product != "" && !slices.Contains(Products, in.Product) {
		t.Errorf("%s: product %q is not in the catalogue", name, in.Product)
	}
}
