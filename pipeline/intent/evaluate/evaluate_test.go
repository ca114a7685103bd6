package evaluate

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/twostage"
)

func bundled(t *testing.T) *Set {
	t.Helper()
	set, err := Bundled()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func run(t *testing.T, set *Set, o Options) *Result {
	t.Helper()
	r, err := Run(t.Context(), set, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The bundled set is large, of several industries and both languages, and has a group for each.
func TestBundled(t *testing.T) {
	r := run(t, bundled(t), Options{})
	industries := map[string]bool{}
	for _, g := range r.Groups {
		industries[g.Industry] = true
	}
	if r.All.Journeys < 60 || len(industries) < 9 || industries["of your own"] || r.Of("", "de").Journeys < 30 || r.Of("energy", "de") == nil {
		t.Errorf("%d journeys of %v", r.All.Journeys, industries)
	}
	if f := &r.All; f.F1 < 0.85 || f.Low == nil || *f.Low > f.F1 || *f.High < f.F1 || r.Engine != "rules" || r.Judge != "matcher" {
		t.Errorf("%+v", r.All)
	}
	if r.Unseen == nil || r.Unseen.Journeys < 20 || r.Unseen.Journeys > 60 || !strings.Contains(strings.Join(Remarks(r, true), "\n"), "new to them: F1 "+r.Unseen.Limits()) {
		t.Errorf("what the rules were not mended by is not told apart: %+v, %q", r.Unseen, Remarks(r, true))
	}
	again := run(t, bundled(t), Options{Concurrency: 4})
	if a, b := encoded(t, r), encoded(t, again); a != b {
		t.Error("two runs differ")
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// worse is an engine whose texts something befalls.
type worse struct {
	intent.Engine
	befalls func(*intent.Intent)
}

func (w worse) Infer(ctx context.Context, s intent.Subject) (intent.Intent, error) {
	in, err := w.Engine.Infer(ctx, s)
	w.befalls(&in)
	return in, err
}

// An engine that leaves out, makes up or alters has worse figures, on the side that it fails on.
func TestBrokenEngineLowersTheFigure(t *testing.T) {
	good := run(t, bundled(t), Options{}).All
	digit := regexp.MustCompile(`\d`)
	for name, c := range map[string]struct {
		befalls           func(*intent.Intent)
		recall, precision bool // falls
	}{
		"says the headline alone": {func(in *intent.Intent) { in.Sentences, in.NextStep = nil, intent.Sentence{} }, true, false},
		"says nothing":            {func(in *intent.Intent) { *in = intent.Intent{Engine: "rules"} }, true, true},
		"adds what nobody asked": {func(in *intent.Intent) {
			in.Sentences = append(in.Sentences, intent.Sentence{Text: "Is a pleasant person", Cites: in.Headline.Cites})
		}, false, true},
		"alters figures": {func(in *intent.Intent) { in.Headline.Text = digit.ReplaceAllString(in.Headline.Text, "7") }, true, true},
		"cites nothing": {func(in *intent.Intent) {
			in.Headline.Cites = nil
			for i := range in.Sentences {
				in.Sentences[i].Cites = nil
			}
		}, false, true},
	} {
		r := run(t, bundled(t), Options{Reading: func(v *Vendor, lang string) (Reading, error) {
			by, err := v.Rules(lang)
			by.Engine = worse{by.Engine, c.befalls}
			return by, err
		}})
		if f := &r.All; (f.Recall < good.Recall-0.05) != c.recall || (f.Precision < good.Precision-0.05) != c.precision || f.F1 >= good.F1-0.01 {
			t.Errorf("%s: recall %.2f, precision %.2f, F1 %.2f, of %.2f, %.2f, %.2f", name, f.Recall, f.Precision, f.F1, good.Recall, good.Precision, good.F1)
		}
		if name == "alters figures" && r.Unshown < 50 {
			t.Errorf("%s: found in %d statements", name, r.Unshown)
		}
	}
}

// some are the first journeys of the bundled set.
func some(t *testing.T, n int) *Set {
	t.Helper()
	set := bundled(t)
	set.Journeys = set.Journeys[:n]
	return set
}

// A model's texts are evaluated as the rules' are, with what they cost; where it fails, the rules' texts are, and that is told.
func TestModel(t *testing.T) {
	model := &geminitest.Server{In: 0.3, Out: 2.5}
	by := Options{Concurrency: 2, Reading: func(v *Vendor, lang string) (Reading, error) {
		r, err := v.Rules(lang)
		r.Engine = twostage.New(twostage.Options{Model: model, ModelName: "stand-in", Hosts: []string{v.Host}, Language: lang})
		return r, err
	}}
	r := run(t, some(t, 8), by)
	if r.Usage != model.Usage() || r.Usage.Calls < 8 || r.Usage.MicroUSD == 0 || len(r.Degraded) > 0 || r.All.Statements == 0 || r.Judging.Calls != 0 {
		t.Errorf("usage %+v of %+v, degraded %v, %+v", r.Usage, model.Usage(), r.Degraded, r.All)
	}
	model.FailAlways(geminitest.Blocked)
	r = run(t, some(t, 8), by)
	if total(r.Degraded) != 8 || !strings.Contains(strings.Join(Remarks(r, true), "\n"), "8 of 8 texts by rules") {
		t.Errorf("degraded %v: %v", r.Degraded, Remarks(r, true))
	}
}

// A judge's word counts in the matcher's place, but for figures and days; where it has none the matcher's does, and that is told.
func TestJudge(t *testing.T) {
	var answer func(facts, statements int) any
	model := &geminitest.Server{In: 1, Out: 1, Answer: func(p connectors.Prompt) []byte {
		var q struct{ Facts, Statements []string }
		if json.Unmarshal([]byte(p.User), &q) != nil || p.Purpose != "judge" {
			t.Errorf("asked %s: %s", p.Purpose, p.User)
		}
		b, _ := json.Marshal(answer(len(q.Facts), len(q.Statements)))
		return b
	}}
	upTo := func(n int) []int {
		out := []int{}
		for i := range n {
			out = append(out, i)
		}
		return out
	}
	by := Options{Judge: &Judge{Model: model, Name: "stand-in"}}
	type lists map[string][]int
	answer = func(facts, statements int) any { return lists{"stated": upTo(facts), "held": upTo(statements)} }
	if r := run(t, some(t, 20), by); r.All.Recall != 1 || r.All.Precision != 1 || r.Judging.Calls != 20 || r.Judging.MicroUSD == 0 || r.Judge != "stand-in" {
		t.Errorf("agrees with all: %+v, %+v", r.All, r.Judging)
	}
	answer = func(int, int) any { return lists{"stated": {}, "held": {}} }
	if r := run(t, some(t, 20), by); r.All.F1 != 0 {
		t.Errorf("agrees with nothing: %+v", r.All)
	}
	plainly := run(t, some(t, 20), Options{}).All
	for name, a := range map[string]any{"too high": lists{"stated": {99}, "held": {}}, "below": lists{"stated": {}, "held": {-1}}, "no list": lists{"stated": {}}, "no object": []int{1}} {
		answer = func(int, int) any { return a }
		r := run(t, some(t, 20), by)
		if total(r.Unjudged) != 20 || r.All.Stated != plainly.Stated || r.All.Right != plainly.Right {
			t.Errorf("%s: %v, %+v", name, r.Unjudged, r.All)
		}
	}
	answer = func(facts, statements int) any { return lists{"stated": upTo(facts), "held": upTo(statements)} }
	by.Reading = func(v *Vendor, lang string) (Reading, error) {
		r, err := v.Rules(lang)
		r.Engine = worse{r.Engine, func(in *intent.Intent) { in.Headline.Text += ", for 98765 users" }}
		return r, err
	}
	if r := run(t, some(t, 20), by); r.Unshown < 20 {
		t.Errorf("a judge vouches for a figure that no step shows: %+v", r.All)
	}
}

// A stopped run is no result.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, bundled(t), Options{}); err == nil {
		t.Error("a result of a stopped run")
	}
}

// What cannot be read, or not be evaluated, is said with what to do.
func TestRead(t *testing.T) {
	const good = "as_of: 28 Nov 2026\nvendors: {v: {host: v.example}}\njourneys:\n- {name: a, vendor: v, facts: [quote], also: [prices], events: [\"26 Nov | form_submit | /quote | Quote | form=Request a quote\", \"2026-11-25 | page_view | /pricing | Pricing\"]}\n"
	set, err := Read([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, set, Options{})
	if r.All.Recall != 1 || r.All.Precision != 1 || r.Cases[0].Industry != "of your own" {
		t.Errorf("what need not be stated counts against a text: %+v", r.Cases)
	}
	for _, c := range []struct{ old, new, want string }{
		{"as_of: 28 Nov 2026", "", "as_of is missing"},
		{"28 Nov 2026", "soon", `"soon" is no day`},
		{"26 Nov", "29 Nov", "lies after as_of"},
		{"26 Nov", "Nov 26", `"Nov 26" is no day`},
		{"vendor: v", "vendor: w", `no vendor "w"`},
		{"vendor: v", "vendor: v, lang: fr", "en or de"},
		{"name: a", "name: ''", "name of its own"},
		{"facts", "fact", "field fact not found"},
		{"26 Nov | form_submit | /quote | Quote | form=Request a quote", "26 Nov", "is no event"},
		{"facts: [quote]", "facts: []", "has no facts"},
	} {
		set, err := Read([]byte(strings.Replace(good, c.old, c.new, 1)))
		if err == nil {
			err = set.Labelled()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v", c.new, c.old, err)
		}
	}
}

// Wordings are found at the border of words, with an ending but with no other figure.
func TestStates(t *testing.T) {
	for _, c := range []struct {
		text, fact string
		want       bool
	}{
		{"Wants a quote for 40 users", "40 users", true}, {"Wants a quote for 140 users", "40 users", false}, {"by 1 March", "1 Mar / 1 March", true}, {"on 26 Nov", "2 / 6", false},
		{"Budget of EUR 90k", "budget + 90", true}, {"Budget of EUR 900", "budget + 90", false}, {"Übersetzung", "setzung", false}, {"für fünf Ärzte", "ärzte", true}, {"quotes", "quote", true}, {"", "", false},
	} {
		if got := States(c.text, c.fact); got != c.want {
			t.Errorf("%q states %q: %v", c.text, c.fact, got)
		}
	}
}
