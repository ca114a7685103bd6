package geminitest_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
)

func prompt(marker string) connectors.Prompt {
	return connectors.Prompt{
		User:   marker + "\n" + `[{"id":"1","kind":"click","title":"Pricing","element":"Book a demo"},{"id":"2","kind":"page_view","title":"Home"}]` + "\n" + marker,
		Schema: json.RawMessage(`{"type":"object","properties":{"answers":{"type":"array","items":{"type":"object","properties":{"screen_context":{"type":"array"}}}}}}`),
	}
}

// The same prompt under another marker is the same prompt: same answer, counted as asked twice.
func TestCountsByContent(t *testing.T) {
	s := &geminitest.Server{}
	var answers [][]byte
	for _, marker := range []string{"DATA-1111111111111111", "DATA-2222222222222222"} {
		c, err := s.Generate(t.Context(), prompt(marker))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, c.JSON)
	}
	if !bytes.Equal(answers[0], answers[1]) {
		t.Errorf("%s\n%s", answers[0], answers[1])
	}
	for _, counts := range []map[string]int{s.Prompts(), s.Entries()} {
		for k, n := range counts {
			if n != 2 {
				t.Errorf("%s was counted %d times", k, n)
			}
		}
	}
	if len(s.Prompts()) != 1 || len(s.Entries()) != 2 || s.Purposes()["stage1"] != 2 {
		t.Errorf("%v %v %v", s.Prompts(), s.Entries(), s.Purposes())
	}
	s.Reset()
	if len(s.Prompts()) != 0 {
		t.Error("not reset")
	}
}

// Topic pairs that share a word match.
func TestTopics(t *testing.T) {
	raw := geminitest.Derive(connectors.Prompt{
		User:   `{"read":[{"n":1,"topic":"crm integration"},{"n":2,"topic":"fees"}],"wanted":[{"n":1,"topic":"CRM"}]}`,
		Schema: json.RawMessage(`{"type":"object","properties":{"pairs":{"type":"array"}}}`),
	})
	if string(raw) != `{"pairs":[{"read":1,"wanted":1}]}` {
		t.Errorf("got %s", raw)
	}
}

// Faults come once each, in order, and then no more.
func TestFaultsQueue(t *testing.T) {
	s := &geminitest.Server{}
	s.FailNext(geminitest.Blocked, geminitest.None, geminitest.RateDay)
	var kinds []connectors.Kind
	for range 4 {
		_, err := s.Generate(t.Context(), prompt("DATA-1111111111111111"))
		kinds = append(kinds, connectors.KindOf(err))
	}
	want := []connectors.Kind{connectors.Rejected, 0, connectors.Quota, 0}
	for i := range want {
		if kinds[i] != want[i] {
			t.Errorf("request %d: %v, want %v", i, kinds[i], want[i])
		}
	}
}
