package twostage

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/intenttest"
	"github.com/intentd/intentd/pipeline/intent/rules"
	"github.com/intentd/intentd/pipeline/score"
)

// Every value that a model may choose is defined in the prompt, and every field of both schemas described there or in the prompt.
func TestEveryChoiceIsDefined(t *testing.T) {
	enum := regexp.MustCompile(`"(\w+)":\{"type":"string","description":"([^"]+)","enum":(\[[^\]]*\])`)
	found := 0
	for _, m := range enum.FindAllStringSubmatch(string(stage2Schema(nil)), -1) {
		var values []string
		if err := json.Unmarshal([]byte(m[3]), &values); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if found++; !strings.Contains(m[2], v+": ") {
				t.Errorf("%s %q has no definition", m[1], v)
			}
		}
	}
	if found != 12 {
		t.Errorf("%d values found, want 12", found)
	}
	var fields func(raw json.RawMessage, prompt string)
	fields = func(raw json.RawMessage, prompt string) {
		var s struct {
			Properties map[string]json.RawMessage
			Items      json.RawMessage
			Defs       map[string]json.RawMessage `json:"$defs"`
		}
		if json.Unmarshal(raw, &s) != nil {
			return
		}
		for name, p := range s.Properties {
			told := strings.Contains(prompt, "- "+name+":")
			if !bytes.Contains(p, []byte(`"description":`)) && !told {
				t.Errorf("%s is neither described nor told", name)
			}
			fields(p, prompt)
		}
		for _, d := range s.Defs {
			fields(d, prompt)
		}
		if len(s.Items) > 0 {
			fields(s.Items, prompt)
		}
	}
	fields(stage1Schema, stage1System)
	fields(stage2Schema(intenttest.Products), stage2System)
}

// Today's date stands in stage 2 alone, behind the data, in the person's own time zone; the task stands there once more.
func TestTodayIsToldToStage2Only(t *testing.T) {
	model := &geminitest.Server{}
	s := demo("p")
	infer(t, engine(model, newMemory()), s)
	today := "Today is " + s.Now.In(s.Location).Format("2 Jan 2006")
	for _, p := range model.Last() {
		if strings.Contains(p.System, "Today") || strings.Contains(p.User, today) != (p.Purpose == "stage2") {
			t.Errorf("%s: %s", p.Purpose, p.User)
		}
		if want := map[string]string{"stage1": stage1Task, "stage2": stage2Task(s.Now.In(s.Location))}[p.Purpose]; !strings.HasSuffix(p.User, "\n"+want) {
			t.Errorf("%s does not end with its task:\n%s", p.Purpose, p.User)
		}
	}
}

// A neighbour is told by kind, page and what was clicked; scrolls and time spent are told in stage 2, and asked of nobody.
func TestNeighboursAndSilentSteps(t *testing.T) {
	model := &geminitest.Server{}
	events := []intenttest.Event{
		intenttest.View("19 Nov 09:00", "/cards", "Credit cards | Example", 1, score.ProductPage),
		{At: "19 Nov 09:01", Kind: connectors.KindClick, URL: "https://example.com/cards", Title: "Credit cards | Example", Element: "Compare fees"},
		{At: "19 Nov 09:02", Kind: connectors.KindScroll, URL: "https://example.com/cards", Title: "Credit cards | Example"},
		{At: "19 Nov 09:03", Kind: connectors.KindDwell, URL: "https://example.com/cards", Title: "Credit cards | Example"},
		intenttest.View("19 Nov 09:04", "/pricing", "Pricing | Example", 1, score.PricePage),
		{At: "19 Nov 09:05", Kind: connectors.KindQuoteRequest, URL: "https://example.com/quote", Title: "Quote | Example", Type: score.HandRaise, Name: "Quote"},
	}
	infer(t, engine(model, newMemory()), intenttest.Subject(&events, "p", "en"))
	var stage1, stage2 string
	for _, p := range model.Last() {
		if p.Purpose == "stage1" {
			stage1 += p.User
		} else {
			stage2 = p.User
		}
	}
	for _, want := range []string{`"after":"click “Compare fees”"`, `"before":"dwell /cards"`, `"before":"page_view"`, `"kind":"quote_request"`} {
		if !strings.Contains(stage1, want) {
			t.Errorf("stage 1 misses %s:\n%s", want, stage1)
		}
	}
	if strings.Contains(stage1, `"kind":"scroll"`) || strings.Contains(stage1, `"kind":"dwell"`) {
		t.Errorf("stage 1 is asked about what needs no model:\n%s", stage1)
	}
	for _, want := range []string{`["s3","scroll"]`, `["s4","dwell"]`} {
		if !strings.Contains(stage2, want) {
			t.Errorf("stage 2 misses %s:\n%s", want, stage2)
		}
	}
}

// Who somebody is, what speaks against a purchase and what the next step is once time has passed come with a model's texts, too; for whom
// no sales step is fit, the model gets no word in it.
func TestAModelsAnswerFollowsTheRules(t *testing.T) {
	model := &geminitest.Server{}
	student := demo("p")
	student.Profile.JobTitle = "Student"
	rules := rules.New(rules.Options{Products: intenttest.Products, Hosts: []string{"example.com"}})
	for name, s := range map[string]intent.Subject{"student": student, "buyer": demo("q")} {
		in := infer(t, engine(model, newMemory()), s)
		want, _ := rules.Infer(t.Context(), s)
		if in.Engine != "stand-in" || in.Class != want.Class || !slices.Equal(in.Marks, want.Marks) || in.NextLow.Text != want.NextLow.Text {
			t.Errorf("%s: class %q, marks %v, low %q; by rules %q, %v, %q", name, in.Class, in.Marks, in.NextLow.Text, want.Class, want.Marks, want.NextLow.Text)
		}
		if own := in.NextStep.Text != want.NextStep.Text; own != (name == "buyer") {
			t.Errorf("%s: next step %q", name, in.NextStep.Text)
		}
		if len(in.Later) != len(want.Later) {
			t.Errorf("%s: %d later texts, by rules %d", name, len(in.Later), len(want.Later))
		}
		for i, l := range in.Later {
			if l.Headline.Text != in.Headline.Text || l.NextStep.Text != want.Later[i].NextStep.Text {
				t.Errorf("%s: later %+v", name, l)
			}
		}
	}
}

// One person's words that spoil every call are not asked about without end.
func TestOnePersonsWordsCostFewRefusals(t *testing.T) {
	model := &geminitest.Server{}
	model.FailWhen("Stranger", geminitest.Blocked)
	var events []intenttest.Event
	for i := range 40 {
		events = append(events, intenttest.Event{At: "19 Nov 10:" + string(rune('0'+i/10)) + string(rune('0'+i%10)), Kind: "page_view", URL: "https://else.test/" + string(rune('a'+i)), Title: "Stranger " + string(rune('A'+i)), Type: score.WebVisit, Foreign: true})
	}
	in := infer(t, engine(model, newMemory(), func(o *Options) { o.Concurrency = 1 }), intenttest.Subject(&events, "p", "en"))
	if n := total(model.Purposes()); in.Degraded == "" || n > privateRefusals {
		t.Errorf("%d calls for one person's words, degraded %q", n, in.Degraded)
	}
}
