package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/operate"
)

const token = "pat-na1-of-the-test"

// scored is an app over a sandbox in which one person has a score.
func scored(t *testing.T) *app.App {
	t.Helper()
	dir := t.TempDir()
	file, events := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "events.jsonl")
	portal := sandbox.NewHubSpot(sandbox.HubSpotOptions{Token: token})
	portal.CreateContact(map[string]string{"email": "ada@one.example"})
	visit := `{"id":"1","time":"` + time.Now().UTC().Format(time.RFC3339) + `","kind":"demo_request","email":"ada@one.example","url":"https://www.example.com/demo"}` + "\n"
	text := "state: {path: s.db}\nhttp: {listen: \"\"}\ncrms: [{name: hubspot, type: hubspot, base_url: \"http://127.0.0.1:1\", token: " + token + "}]\n" +
		"sources: [{name: site, type: jsonl, path: events.jsonl}]\nprivacy: {own_hosts: [www.example.com]}\n"
	for name, content := range map[string]string{file: text, events: visit} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, problems := config.Load(file, app.Types)
	if cfg == nil {
		t.Fatal(problems)
	}
	a, err := app.Open(app.Options{Config: cfg, Path: file, HTTP: portal.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if _, err := app.Provision.Do(t.Context(), a, app.ProvisionArguments{Apply: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// Promise: the tools answer what the command line does, change nothing, and take no key that could name a file, a host or a variable; an
// error holds no secret.
func TestTools(t *testing.T) {
	a := scored(t)
	s := Server("test", func(context.Context) (app.Target, *time.Location, func(), error) { return a, time.UTC, func() {}, nil })
	here, there := sdk.NewInMemoryTransports()
	if _, err := s.Connect(t.Context(), there, nil); err != nil {
		t.Fatal(err)
	}
	c, err := sdk.NewClient(&sdk.Implementation{Name: "test"}, nil).Connect(t.Context(), here, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	call := func(tool string, arguments map[string]any, into any) (failed bool, said string) {
		t.Helper()
		r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: arguments})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(r.StructuredContent); err == nil && into != nil {
			_ = json.Unmarshal(b, into)
		}
		b, _ := json.Marshal(r)
		return r.IsError, string(b)
	}
	tools, err := c.ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) == 0 {
		t.Fatal(err)
	}
	for _, tool := range tools.Tools {
		if !tool.Annotations.ReadOnlyHint || *tool.Annotations.OpenWorldHint || *tool.Annotations.DestructiveHint {
			t.Errorf("%+v", tool)
		}
	}
	var why Why
	if failed, said := call("why", map[string]any{"person": "ada@one.example"}, &why); failed || why.Tier != "high" || !why.Known || len(why.Records) != 1 || !strings.Contains(why.Explanation, "recomputed to the same score") {
		t.Errorf("%+v\n%s", why, said)
	}
	var hot Ranked
	if failed, said := call("hot", map[string]any{"tier": "high"}, &hot); failed || hot.More || len(hot.People) != 1 || hot.People[0].Record != why.Records[0] || hot.People[0].Score != why.Score || len(hot.People[0].Why) == 0 || strings.Contains(said, "ada@") {
		t.Errorf("%+v\n%s", hot, said)
	}
	if failed, said := call("hot", map[string]any{"limit": 51}, nil); !failed {
		t.Error(said)
	}
	var changes Changes
	if failed, said := call("changes", map[string]any{"since": "7d"}, &changes); failed || changes.LeftOut != 0 || len(changes.Changes) != 1 || changes.Changes[0].Record != why.Records[0] || changes.Changes[0].Tier != "high" {
		t.Errorf("%+v\n%s", changes, said)
	}
	if failed, said := call("changes", map[string]any{"since": "lately"}, nil); !failed || !strings.Contains(said, "such as 7d") {
		t.Error(said)
	}
	if failed, said := call("why", map[string]any{"person": "nobody@two.example"}, nil); !failed || !strings.Contains(said, "nobody goes by") {
		t.Error(said)
	}
	var e Simulated
	if failed, said := call("simulate", map[string]any{"change": "scoring: {hand_raise_days: 0, tiers: {high: 90, medium: 80}}"}, &e); failed || e.People != 1 || e.ChangeTier != 1 || len(e.Samples) != 1 || e.Samples[0].From != "high" {
		t.Errorf("%+v\n%s", e, said)
	}
	for _, change := range []string{"", "x", "http: {token_file: /etc/passwd}", "Scoring: {margin: 1}", "crms: []", `scoring: {engine: "${PATH}"}`, "scoring: {tiers: {high: 900}}", "a: &a [*a]"} {
		if failed, said := call("simulate", map[string]any{"change": change}, nil); !failed || strings.Contains(said, token) {
			t.Errorf("%q: %s", change, said)
		}
	}
}

// Promise: what plan --against tells of capacity, simulate does: where high would begin by owner, and why that cannot be told. Owners beyond fifty are counted.
func TestSimulateTellsOfCapacity(t *testing.T) {
	e := &app.Effect{Effect: &operate.Effect{Unread: map[string]string{"scoring.capacity": "not kept"}}, Unknown: []string{"scoring.capacity.high", "topics.win"}}
	for i := range 60 {
		e.Cuts = append(e.Cuts, operate.CutEffect{Owner: "hubspot/7", From: 620, Then: 905 - i, Came: 9})
	}
	s := simulatedOf(e)
	if len(s.Cuts) != 50 || s.CutsLeftOut != 10 || s.Cuts[0] != (Cut{"hubspot/7", 62, 90.5, 9}) {
		t.Errorf("%+v", s)
	}
	if !slices.Equal(s.Unknown, []string{"scoring.capacity.high: not kept", "topics.win"}) {
		t.Errorf("%q", s.Unknown)
	}
}

// Promise: over HTTP neither a web page nor a name that was bound to this machine's address gets an answer.
func TestHandlerRefusesWebPages(t *testing.T) {
	s := httptest.NewServer(Handler(Server("test", nil)))
	defer s.Close()
	for name, change := range map[string]func(*http.Request){
		"another host":  func(r *http.Request) { r.Host = "evil.example" },
		"a page's post": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"an origin":     func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		change(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
}
