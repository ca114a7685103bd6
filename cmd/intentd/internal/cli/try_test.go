package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Promise: any journey is tried in a minute, broken input is one sentence with what to do, and nothing is written.
func TestTry(t *testing.T) {
	t.Chdir(t.TempDir())
	const at = "2026-11-28T12:00:00Z"
	try := func(text string, more ...string) (int, string, string) {
		t.Helper()
		if err := os.WriteFile("f", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return intentd(t, append([]string{"try", "f", "--now", at}, more...)...)
	}
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"the source's own steps", `[{"step":1,"page":"Cards","action":"click","element":"Cards","screenshot":"1.png"},{"step":2,"page":"Cards","action":"scroll"},{"step":3,"page":"Cards","action":"Clicked on it","element":"Know more"}]`,
			[]string{"JSON array, 3 of 3 records", "48.0  low", "recency is full", "28 Nov 2026 12:00  click           Know more, Cards"}},
		{"CSV", "step;page;action\n2;/pricing;view\n1;/demo;submit\n", []string{"CSV, 2 of 2", "content_view, 60"}},
		{"a list in an object", `{"user":{"email":"a@b.example"},"steps":[{"page":"/pricing"},{"page":"/demo","action":"submit","element":"Request a demo"}]}`,
			[]string{"email a@b.example", "68.0  high", "Wants a demo"}},
		{"Segment, with a line of nothing", `{"type":"track","event":"Demo Requested","messageId":"1","anonymousId":"a","userId":"u","timestamp":"2026-11-28T09:00:00Z"}` + "\nnothing\n",
			[]string{"1 of 2 records read", "not a JSON object (line 2)", "64.5  high"}},
		{"several people", `{"time":"2026-11-27T10:00:00Z","kind":"demo_request","email":"a@b.example"}` + "\n" + `{"time":"2026-11-27T10:00:00Z","kind":"frobnicated","email":"c@d.example"}`,
			[]string{"2 people", "kinds frobnicated (1)", "no score: no rule for this kind"}},
	} {
		code, out, errs := try(c.text)
		if code != Done || errs != "" {
			t.Errorf("%s: exit %d %s", c.name, code, errs)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, out)
			}
		}
	}
	for text, want := range map[string]string{
		"": "it is empty; put", "hello": "line 1 is neither JSON nor", `{"a":1}`: "line 1: no kind", "[]": "no step", "\x00\x01": "not text",
	} {
		if code, out, errs := try(text); code != Failed || out != "" || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: exit %d\n%s%s", text, code, out, errs)
		}
	}
	t.Setenv("GEMINI_API_KEY", "")
	if code, _, errs := try(`{"page":"/"}`, "--model", "gemini"); code != Failed || !strings.Contains(errs, "set GEMINI_API_KEY") {
		t.Errorf("without a key: %d %s", code, errs)
	}
	if left, _ := filepath.Glob("*"); len(left) != 1 {
		t.Errorf("files were written: %v", left)
	}
}
