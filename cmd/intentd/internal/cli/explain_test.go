package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// Promise: explain --event says of each event what it counts as under the configuration, by a rule or without one, and asks nobody.
func TestExplainEvents(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(file, []byte(`{"time":"2026-11-28T10:00:00Z","kind":"demo_request","email":"ada@one.example","url":"https://www.example.com/demo"}
{"time":"2026-11-28T10:01:00Z","kind":"heat_map","email":"ada@one.example","url":"https://www.example.com/a"}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, w.do(t, Done, "explain", "--event", file), "counts as hand_raise, 95", "does not count: no rule for this kind")
	b, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.file, append(b, "\nscoring: {rules: [{kind: heat_map, signal: content_view}]}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, w.do(t, Done, "explain", "--event", file), "counts as hand_raise, 95", "counts as content_view, 60")
	if code, _, _ := intentd(t, "explain", "--event", file, "ada@one.example", "-c", w.file); code != Misused {
		t.Errorf("a person and events: exit code %d", code)
	}
}
