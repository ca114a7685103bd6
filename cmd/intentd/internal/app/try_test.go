package app

import (
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/connectors/jsonl"
)

// With a model each step that it looked at has its summary, and the texts are the model's.
func TestTryWithAModel(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	read, err := jsonl.ReadJourney(strings.NewReader(`[{"page":"/pricing"},{"page":"/demo","action":"submit","element":"Request a demo","email":"a@b.example"}]`), now)
	if err != nil {
		t.Fatal(err)
	}
	read.Events[0].Email = "a@b.example"
	got, err := Try(t.Context(), read, TryOptions{Model: "gemini", GeminiKey: "key", Now: now, HTTP: &geminitest.Server{Key: "key"}})
	if err != nil {
		t.Fatal(err)
	}
	p := got.People[0]
	if in := p.Receipt.Intent; in.Degraded != "" || in.Engine != got.Model || in.Usage.Calls != 2 {
		t.Errorf("by %q, degraded %q, usage %+v", in.Engine, in.Degraded, in.Usage)
	}
	for _, s := range p.Steps {
		if s.Summary == "" {
			t.Errorf("no summary: %+v", s)
		}
	}
}
