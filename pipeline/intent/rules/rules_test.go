package rules

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/intenttest"
	"github.com/intentd/intentd/pipeline/score"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The rules' notes read as a colleague would write them, in both languages.
func TestRulesGolden(t *testing.T) {
	r := New(Options{Products: intenttest.Products, Hosts: []string{"example.com"}})
	for _, lang := range []string{"en", "de"} {
		for _, c := range intenttest.Typical {
			t.Run(lang+"/"+c.Name, func(t *testing.T) {
				in, err := r.Infer(t.Context(), intenttest.Subject(&c.Events, "p", lang))
				if err != nil {
					t.Fatal(err)
				}
				got, file := intenttest.Render(in), filepath.Join("testdata", "rules", c.Name+"."+lang+".txt")
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
	r := New(Options{Products: intenttest.Products, Hosts: []string{"example.com"}})
	for _, lang := range []string{"en", "de"} {
		for _, c := range intenttest.Typical {
			in, _ := r.Infer(t.Context(), intenttest.Subject(&c.Events, "p", lang))
			intenttest.CheckForm(t, c.Name+"/"+lang, in, len(c.Events))
			if n := utf8.RuneCountInString(in.Headline.Text); n > headlineMax || strings.Contains(in.Headline.Text, "…") {
				t.Errorf("%s/%s: the headline %q has %d characters", c.Name, lang, in.Headline.Text, n)
			}
			length := len("Nächster Schritt: ") + utf8.RuneCountInString(in.NextStep.Text)
			for _, s := range in.Sentences {
				length += 1 + utf8.RuneCountInString(s.Text)
			}
			if n := len(in.Sentences); n > reasonsMax || length > summaryMax {
				t.Errorf("%s/%s: %d sentences, %d characters", c.Name, lang, n, length)
			}
		}
	}
}

// Nobody without a signal gets a text.
func TestRulesSayNothingOfNobody(t *testing.T) {
	r := New(Options{})
	for _, s := range []intent.Subject{{Now: intenttest.Now}, {Journey: intenttest.Journey("p"), Now: intenttest.Now}, {Journey: intenttest.Journey("p", intenttest.Event{At: "3 Nov 10:00", Kind: "scroll"}), Now: intenttest.Now}} {
		in, err := r.Infer(t.Context(), s)
		if err != nil || in.Headline.Text != "" || len(in.Sentences) != 0 {
			t.Errorf("got %+v, %v", in, err)
		}
	}
}

// Two runs over the same journey say the same, whatever was inferred in between.
func TestRulesAreDeterministic(t *testing.T) {
	r := New(Options{Products: intenttest.Products})
	first := map[string]string{}
	for round := range 3 {
		for _, c := range intenttest.Typical {
			in, _ := r.Infer(t.Context(), intenttest.Subject(&c.Events, "p", "en"))
			if got := intenttest.Render(in); round == 0 {
				first[c.Name] = got
			} else if got != first[c.Name] {
				t.Errorf("%s: round %d differs:\n%s\n%s", c.Name, round, got, first[c.Name])
			}
		}
	}
}

// A broken signal index, product or count never brings the engine down.
func TestRulesSurviveOddJourneys(t *testing.T) {
	r := New(Options{})
	j := intenttest.Journey("p", intenttest.View("3 Nov 10:00", "/", "Home", 9, 0), intenttest.Event{At: "4 Nov 10:00", Kind: "page_view", Type: score.WebVisit, Props: map[string]string{connectors.PropCount: "-5"}})
	j.Sessions[0].Steps[0].Signal = 99
	in, err := r.Infer(t.Context(), intent.Subject{Journey: j, Now: intenttest.Now})
	if err != nil {
		t.Fatal(err)
	}
	_ = intenttest.Render(in)
	in, _ = r.Infer(t.Context(), intent.Subject{Journey: intenttest.Journey("p", intenttest.View("3 Nov 10:00", "/", "Home", 9, 0)), Now: time.Time{}})
	_ = intenttest.Render(in)
}

// BenchmarkRules measures a note for a journey of 20 events.
func BenchmarkRules(b *testing.B) {
	var events []intenttest.Event
	for i := range 20 {
		c := intenttest.Typical[0].Events[i%5]
		c.At = fmt.Sprintf("%d Nov 10:%02d", 1+i/2, i)
		c.Title = fmt.Sprintf("Page %d | Example", i%7)
		c.Topics = []string{"fees", "cards"}
		events = append(events, c)
	}
	r := New(Options{Products: intenttest.Products})
	s := intent.Subject{Journey: intenttest.Journey("p", events...), Now: intenttest.Now, Language: "en", Location: intenttest.Berlin}
	b.ReportAllocs()
	for b.Loop() {
		_ = r.Note(s)
	}
}
