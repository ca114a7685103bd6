package app

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/connectors/openai/openaitest"
	"github.com/intentd/intentd/pipeline/intent/evaluate"
)

// few are the first journeys of the bundled set.
func few(t *testing.T, n int) *evaluate.Set {
	t.Helper()
	set, err := evaluate.Bundled()
	if err != nil {
		t.Fatal(err)
	}
	set.Journeys = set.Journeys[:n]
	return set
}

// A model writes over its vendor's wire, judges where it is asked to, and both are paid and told apart.
func TestEvaluateByModel(t *testing.T) {
	server := &geminitest.Server{Key: "k", Answer: func(p connectors.Prompt) []byte {
		if !strings.Contains(p.System, "labelled as the facts") {
			return nil
		}
		return []byte(`{"stated":[0],"held":[]}`)
	}}
	o := EvaluateOptions{Model: "gemini", GeminiKey: "k", HTTP: server, Set: few(t, 6)}
	e, err := Evaluate(t.Context(), o)
	if err != nil || !strings.HasPrefix(e.Engine, "gemini-") || e.Judge != "matcher" || len(e.Degraded) > 0 || e.Usage.Calls < 6 || e.Usage.MicroUSD == 0 || !e.Priced || e.Bundled {
		t.Fatalf("%+v, %v", e, err)
	}
	for judge, model := range map[string]string{JudgeModel: "gemini", "gemini": config.Rules} {
		o.Judge, o.Model, o.Set = judge, model, few(t, 6)
		e, err := Evaluate(t.Context(), o)
		if err != nil || e.All.Stated != 6 || e.All.Right != 0 || e.Judging.Calls != 6 || e.Judging.MicroUSD == 0 || (e.Usage.Calls > 0) != (model == "gemini") || !strings.HasPrefix(e.Judge, "gemini-") {
			t.Errorf("judge %s: %+v, %v", judge, e, err)
		}
	}
	o = EvaluateOptions{Model: "gemini", GeminiKey: "wrong", HTTP: server, Set: few(t, 6)}
	if e, err = Evaluate(t.Context(), o); err != nil || len(e.Degraded) == 0 || e.Trouble == "" || strings.Contains(e.Trouble, "wrong") {
		t.Errorf("with a key that is refused: %+v, %v", e, err)
	}
}

// A server that speaks OpenAI's language writes and judges, by strict schemas.
func TestEvaluateByOpenAI(t *testing.T) {
	server := &openaitest.Server{Key: "k", Stand: geminitest.Server{Answer: func(p connectors.Prompt) []byte {
		if !strings.Contains(p.System, "labelled as the facts") {
			return nil
		}
		return []byte(`{"stated":[0],"held":[0]}`)
	}}}
	e, err := Evaluate(t.Context(), EvaluateOptions{Model: "gpt-5-mini", OpenAIKey: "k", Judge: JudgeModel, HTTP: server, Set: few(t, 4)})
	if err != nil || e.Engine != "gpt-5-mini" || e.Judge != "gpt-5-mini" || len(e.Degraded)+len(e.Unjudged) > 0 || e.All.Stated != 4 || e.Usage.Calls < 4 || e.Judging.Calls != 4 {
		t.Errorf("%+v, %v", e, err)
	}
}

// Journeys that name no vendor are read under the configuration: its site, products and competitors.
func TestEvaluateUnderTheConfig(t *testing.T) {
	const own = "as_of: 28 Nov 2026\njourneys:\n- {name: a, facts: [quote, Pressline, compared / compares, Rivalix], events: [\"24 Nov | page_view | /compare/rivalix | Pressline vs Rivalix\", \"26 Nov | form_submit | /pressline/quote | Quote | form=Request a quote\"]}\n"
	read := func() *evaluate.Set {
		set, err := evaluate.Read([]byte(own))
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	if _, err := Evaluate(t.Context(), EvaluateOptions{Set: read()}); err == nil || !strings.Contains(err.Error(), "names no vendor") {
		t.Errorf("without a configuration: %v", err)
	}
	cfg := config.Default()
	cfg.Privacy.OwnHosts, cfg.Products = []string{"www.own.example"}, []config.Product{{Name: "Pressline", Match: []string{"/pressline/**"}}}
	cfg.Competitors = []config.Competitor{{Name: "Rivalix"}}
	e, err := Evaluate(t.Context(), EvaluateOptions{Config: cfg, Set: read()})
	if err != nil || e.All.Recall != 1 || e.All.F1 != 1 {
		b, _ := json.Marshal(e)
		t.Errorf("%s, %v", b, err)
	}
}
