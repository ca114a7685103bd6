package intent

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func subject(j *[]ev, key, language string) Subject {
	return Subject{Journey: makeJourney(key, *j...), Now: testNow, Language: language, Location: berlin}
}

func render(in Intent) string {
	var b strings.Builder
	line := func(name string, s Sentence) { fmt.Fprintf(&b, "%-9s %s %v\n", name, s.Text, s.Cites) }
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

// The rules' notes read as a colleague would write them, in both languages.
func TestRulesGolden(t *testing.T) {
	r := NewRules(RulesOptions{Products: products, Hosts: []string{"example.com"}})
	for _, lang := range []string{"en", "de"} {
		for _, c := range typical {
			t.Run(lang+"/"+c.name, func(t *testing.T) {
				in, err := r.Infer(t.Context(), subject(&c.events, "p", lang))
				if err != nil {
					t.Fatal(err)
				}
				got, file := render(in), filepath.Join("testdata", "rules", c.name+"."+lang+".txt")
				if *update {
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("got\n%swant\n%s", got, want)
				}
			})
		}
	}
}

// Every text of the rules engine cites events of the journey and is plain; a headline has at most 110 characters, a summary at most three
// sentences and, with its next step, 400 characters.
func TestRulesKeepTheForm(t *testing.T) {
	r := NewRules(RulesOptions{Products: products, Hosts: []string{"example.com"}})
	for _, lang := range []string{"en", "de"} {
		for _, c := range typical {
			in, _ := r.Infer(t.Context(), subject(&c.events, "p", lang))
			checkForm(t, c.name+"/"+lang, in, len(c.events))
			if n := utf8.RuneCountInString(in.Headline.Text); n > headlineMax || strings.Contains(in.Headline.Text, "…") {
				t.Errorf("%s/%s: the headline %q has %d characters", c.name, lang, in.Headline.Text, n)
			}
			length := len("Nächster Schritt: ") + utf8.RuneCountInString(in.NextStep.Text)
			for _, s := range in.Sentences {
				length += 1 + utf8.RuneCountInString(s.Text)
			}
			if n := len(in.Sentences); n > reasonsMax || length > summaryMax {
				t.Errorf("%s/%s: %d sentences, %d characters", c.name, lang, n, length)
			}
		}
	}
}

// checkForm asserts what holds for every Intent of any engine.
func checkForm(t *testing.T, name string, in Intent, events int) {
	t.Helper()
	ids := map[string]bool{}
	for i := range events {
		ids[fmt.Sprintf("p-e%d", i+1)] = true
	}
	check := func(what string, s Sentence) {
		t.Helper()
		if s.Text == "" || len(s.Cites) == 0 {
			t.Errorf("%s: %s %q cites %v", name, what, s.Text, s.Cites)
		}
		for _, c := range s.Cites {
			if !ids[c] {
				t.Errorf("%s: %s cites %q, which does not exist", name, what, c)
			}
		}
		if hasLink(s.Text, []string{"example.com"}) || isRelative(s.Text) || plain(s.Text, 10000) != s.Text {
			t.Errorf("%s: %s %q is not plain", name, what, s.Text)
		}
	}
	check("headline", in.Headline)
	check("next step", in.NextStep)
	for _, s := range in.Sentences {
		check("sentence", s)
	}
	for _, tp := range in.Topics {
		check("topic", Sentence{Text: tp.Name, Cites: tp.Cites})
	}
	if in.Product != "" && !contains(products, in.Product) {
		t.Errorf("%s: product %q is not in the catalogue", name, in.Product)
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Nobody without a signal gets a text.
func TestRulesSayNothingOfNobody(t *testing.T) {
	r := NewRules(RulesOptions{})
	for _, s := range []Subject{{Now: testNow}, {Journey: makeJourney("p"), Now: testNow}, {Journey: makeJourney("p", ev{at: "3 Nov 10:00", kind: "scroll"}), Now: testNow}} {
		in, err := r.Infer(t.Context(), s)
		if err != nil || in.Headline.Text != "" || len(in.Sentences) != 0 {
			t.Errorf("got %+v, %v", in, err)
		}
	}
}

// Two runs over the same journey say the same, whatever was inferred in between.
func TestRulesAreDeterministic(t *testing.T) {
	r := NewRules(RulesOptions{Products: products})
	first := map[string]string{}
	for round := range 3 {
		for _, c := range typical {
			in, _ := r.Infer(t.Context(), subject(&c.events, "p", "en"))
			if got := render(in); round == 0 {
				first[c.name] = got
			} else if got != first[c.name] {
				t.Errorf("%s: round %d differs:\n%s\n%s", c.name, round, got, first[c.name])
			}
		}
	}
}

// A broken signal index, product or count never brings the engine down.
func TestRulesSurviveOddJourneys(t *testing.T) {
	r := NewRules(RulesOptions{})
	j := makeJourney("p", view("3 Nov 10:00", "/", "Home", 9, 0), ev{at: "4 Nov 10:00", kind: "page_view", typ: score.WebVisit, props: map[string]string{connectors.PropCount: "-5"}})
	j.Sessions[0].Steps[0].Signal = 99
	in, err := r.Infer(t.Context(), Subject{Journey: j, Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	_ = render(in)
	in, _ = r.Infer(t.Context(), Subject{Journey: makeJourney("p", view("3 Nov 10:00", "/", "Home", 9, 0)), Now: time.Time{}})
	_ = render(in)
}

// BenchmarkRules measures a note for a journey of 20 events.
func BenchmarkRules(b *testing.B) {
	var events []ev
	for i := range 20 {
		c := typical[0].events[i%5]
		c.at = fmt.Sprintf("%d Nov 10:%02d", 1+i/2, i)
		c.title = fmt.Sprintf("Page %d | Example", i%7)
		c.topics = []string{"fees", "cards"}
		events = append(events, c)
	}
	r := NewRules(RulesOptions{Products: products})
	s := Subject{Journey: makeJourney("p", events...), Now: testNow, Language: "en", Location: berlin}
	b.ReportAllocs()
	for b.Loop() {
		_ = r.note(s)
	}
}

// Facts are told apart by the number of their act: none may be missing, and none may have another's.
func TestEveryActHasTraits(t *testing.T) {
	acts := slices.Concat(slices.Collect(maps.Values(kindActs)), slices.Collect(maps.Keys(english.heads)), slices.Collect(maps.Keys(english.clauses)), slices.Collect(maps.Keys(english.was)))
	for _, row := range formActs {
		acts = append(acts, row.act)
	}
	for _, row := range segmentActs {
		acts = append(acts, row.act)
	}
	of := map[uint8]Act{}
	for _, a := range append(acts, ActVisit, ActRefuse, ActMet, ActPublicAsk, ActOurQuote, ActOurTouch, ActNews, ActForm, ActRead) {
		is := traitsOf[a]
		if other, taken := of[is.number]; is.number == 0 || taken && other != a {
			t.Errorf("%s has the number %d, which is %q's", a, is.number, other)
		}
		of[is.number] = a
	}
}
