package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline"
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

// Promise: explain --source asks one source and says of each row what became of it, of a person and of who was active, in the words of the
// pipeline. It moves no cursor, and what the log says names nobody.
func TestExplainSource(t *testing.T) {
	w := newWorld(t)
	old, now := time.Now().AddDate(-3, 0, 0).Format(time.RFC3339), time.Now().Add(-time.Minute).Format(time.RFC3339)
	line := func(id, at, kind, email, page string) string {
		return fmt.Sprintf(`{"id":%q,"time":%q,"kind":%q,"email":%q,"url":"https://www.example.com%s"}`+"\n", id, at, kind, email, page)
	}
	w.put(t, w.events, line("e1", now, "demo_request", "ada@one.example", "/demo")+line("e2", now, "page_view", "ada@one.example", "/login")+
		line("e3", old, "page_view", "ada@one.example", "/a")+line("e4", now, "page_view", "carl@three.example", "/b"))
	w.do(t, Done, "provision", "--apply")
	w.do(t, Done, "once")
	for _, again := range []bool{false, true} { // the cursor stays where it is
		out := w.do(t, Done, "explain", "--source", "site", "ada@one.example")
		wants(t, out, "site was asked about ada@one.example, hubspot/contacts/1", "The event store", "counts as hand_raise, 95", "does not count: excluded page", "it keeps 3 events of site", "1 were left out on their way in: older than the retention")
		if strings.Contains(out, "carl@three.example") {
			t.Errorf("names somebody else (again: %v):\n%s", again, out)
		}
	}
	wants(t, w.do(t, Done, "explain", "--source", "site", "carl@three.example"), "nobody in a CRM goes by it", "/b", "counts as web_visit")
	wants(t, w.do(t, Done, "explain", "--source", "site"), "site was asked who was active", "0 rows")
	wants(t, w.do(t, Failed, "explain", "--source", "nowhere"), `no source is named "nowhere": there are hubspot`, "site")
	w.put(t, w.events, line("e5", now, "page_view", "ben@two.example", "/c"))
	var told pipeline.Told
	if err := json.Unmarshal([]byte(w.do(t, Done, "explain", "--source", "site", "ada@one.example", "--json")), &told); err != nil || told.Signals != 1 || told.Asked[0].Read != 2 {
		t.Errorf("as JSON: %+v, %v", told, err)
	}
	if code, _, _ := intentd(t, "explain", "--source", "site", "--event", "x", "-c", w.file); code != Misused {
		t.Errorf("two questions at once: exit code %d", code)
	}
}
