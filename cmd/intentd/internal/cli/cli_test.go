package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/connectors/warehouse/throwaway"
)

func TestMain(m *testing.M) {
	// The model's library starts the first when the program does; the default client keeps a connection for the others.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// output is what a command writes while a test reads it.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func intentd(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs output
	code = Run(t.Context(), Process{Args: args, Stdout: &out, Stderr: &errs, Version: "1.2.3"})
	return code, out.String(), errs.String()
}

// Promise: a mistake in the command line is exit code 2 and one line that helps.
func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"rum"}, "did you mean run?"},
		{[]string{"nonsense"}, "there is no command"},
		{[]string{"run", "now"}, "takes no argument"},
		{[]string{"run", "--colour"}, "unknown flag: --colour (intentd run --help)"},
		{[]string{"explain"}, "explain needs an e-mail address or a record id"},
		{[]string{"explain", "a", "b"}, "takes 1 argument"},
		{[]string{"plan", "a", "b"}, "one person at most"},
		{[]string{"plan", "--limit", "0"}, "--limit"},
		{[]string{"backup"}, "a file to write to"},
		{[]string{"dead"}, "dead needs list, retry or drop"},
		{[]string{"dead", "bury"}, "there is no dead bury"},
		{[]string{"dead", "drop"}, "name one record"},
		{[]string{"dead", "retry", "--all", "hubspot/contacts/1"}, "name one record"},
		{[]string{"sandbox", "--tier", "gold"}, "--tier"},
		{[]string{"demo", "--language", "fr"}, "--language"},
	} {
		code, stdout, stderr := intentd(t, c.args...)
		if code != Misused || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d\n%s%s", c.args, code, stdout, stderr)
		}
	}
}

// Promise: every command of the manual exists and explains itself.
func TestHelp(t *testing.T) {
	c := &command{}
	seen := map[string]bool{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		seen[strings.TrimPrefix(cmd.CommandPath(), "intentd ")] = true
		if cmd.Short == "" {
			t.Errorf("%s has no help", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(c.root())
	for _, name := range strings.Fields("demo init run once plan explain doctor provision dead pause resume release forget export backup compact status healthcheck sandbox completion version") {
		if !seen[name] {
			t.Errorf("there is no command %s", name)
		}
		if code, stdout, _ := intentd(t, name, "--help"); code != Done || !strings.Contains(stdout, "Usage:") || !strings.Contains(stdout, "--config") {
			t.Errorf("%s --help: exit %d\n%s", name, code, stdout)
		}
	}
	if code, stdout, _ := intentd(t); code != Done || !strings.Contains(stdout, "Exit codes") {
		t.Errorf("without arguments: exit %d\n%s", code, stdout)
	}
	for _, asked := range []string{"version", "--version"} {
		if code, stdout, _ := intentd(t, asked); code != Done || !strings.HasPrefix(stdout, "intentd 1.2.3 (go") {
			t.Errorf("%s: exit %d %s", asked, code, stdout)
		}
	}
}

// Promise: a configuration with mistakes is exit code 2, with all of them.
func TestBadConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("crms: [{name: hubspot, type: hubspot, polls: 1m}]\nlog: {level: loud}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"run"}, {"once"}, {"status"}, {"plan"}, {"provision"}, {"doctor"}} {
		code, stdout, stderr := intentd(t, append(args, "-c", file)...)
		all := stdout + stderr
		if code != Misused || !strings.Contains(all, "polls") || !strings.Contains(all, "access token is missing") || !strings.Contains(all, "loud") {
			t.Errorf("%v: exit %d\n%s", args, code, all)
		}
	}
	if code, _, stderr := intentd(t, "run", "-c", filepath.Join(t.TempDir(), "none.yaml")); code != Misused || !strings.Contains(stderr, "-c FILE") {
		t.Errorf("no file: exit %d %s", code, stderr)
	}
}

// world is a sandbox, some people, a configuration.
type world struct {
	dir, file, events, token, http string
	portal                         *sandbox.HubSpot
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "ic") // short: the path of a socket is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{dir: dir, file: filepath.Join(dir, "config.yaml"), events: filepath.Join(dir, "events.jsonl"), token: filepath.Join(dir, "token"), portal: sandbox.NewHubSpot(sandbox.HubSpotOptions{})}
	base, err := w.portal.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.http = ln.Addr().String()
	ln.Close()
	w.put(t, w.token, "pat-na1-sandbox\n")
	w.put(t, w.events, fmt.Sprintf(`{"id":"e1","time":%q,"kind":"demo_request","email":"ada@one.example","url":"https://www.example.com/demo","page_title":"Demo"}`+"\n", time.Now().Format(time.RFC3339)))
	w.put(t, w.file, fmt.Sprintf("state: {path: %q}\nhttp: {listen: %q}\ncrms: [{name: hubspot, type: hubspot, base_url: %q, token_file: %q}]\nsources: [{name: site, type: jsonl, path: %q}]\nprivacy: {own_hosts: [www.example.com]}\n",
		filepath.Join(dir, "s.db"), w.http, base, w.token, w.events))
	w.portal.CreateContact(map[string]string{"email": "ada@one.example", "firstname": "Ada"})
	w.portal.CreateContact(map[string]string{"email": "ben@two.example"})
	return w
}

func (w *world) put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// do runs a command on the world and wants an exit code.
func (w *world) do(t *testing.T, want int, args ...string) string {
	t.Helper()
	code, stdout, stderr := intentd(t, append(args, "-c", w.file)...)
	if code != want {
		t.Fatalf("intentd %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, stdout, stderr)
	}
	return stdout + stderr
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("lacks %q:\n%s", part, text)
		}
	}
}

// Promise: the way of a new user, from doctor to forget, without a daemon; looking leaves no state behind.
func TestFromDoctorToForget(t *testing.T) {
	w := newWorld(t)
	wants(t, w.do(t, Failed, "doctor"), "hubspot.property_missing", "intentd provision --apply", "1 failure")
	wants(t, w.do(t, Done, "provision"), "create", "run it again with --apply")
	wants(t, w.do(t, Done, "plan"), "hubspot/contacts/1", "intent_score", "first sync of hubspot: 2 records")
	wants(t, w.do(t, Failed, "status"), "has not run")
	if _, err := os.Stat(filepath.Join(w.dir, "s.db")); err == nil {
		t.Fatal("a look made a state file")
	}
	wants(t, w.do(t, Done, "provision", "--apply"), "created contacts intent_score", "16 steps done")
	wants(t, w.do(t, Done, "provision"), "nothing to do")
	wants(t, w.do(t, Done, "doctor"), "0 failures")
	wants(t, w.do(t, Done, "once"), "1 record written, 0 dead letters")
	wants(t, w.do(t, Done, "explain", "ada@one.example"), "high", "hand_raise", "recomputed to the same score")
	wants(t, w.do(t, Failed, "explain", "ben@two.example"), "no score")
	wants(t, w.do(t, Failed, "explain", "eve@three.example"), "no such person")
	wants(t, w.do(t, Done, "status"), "2 known", "1 high", "no daemon runs")
	wants(t, w.do(t, Done, "pause"), "paused")
	wants(t, w.do(t, Degraded, "status"), "paused by an admin")
	wants(t, w.do(t, Done, "resume"), "the pause is over")
	wants(t, w.do(t, Done, "resume"), "nothing was held")
	wants(t, w.do(t, Done, "dead", "list"), "no dead letters")
	wants(t, w.do(t, Failed, "dead", "drop", "hubspot/contacts/9"), "no dead letter")
	wants(t, w.do(t, Done, "export", "ada@one.example", "--json"), `"receipts"`, "e1")
	wants(t, w.do(t, Done, "export", "ada@one.example"), "Record hubspot/contacts/1", "Ada", "intentd: tier", "high", "demo request", "https://www.example.com/demo", "1 event", "e1")

	copied := filepath.Join(w.dir, "copy.db")
	w.do(t, Done, "backup", copied)
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("backup: %v, %v", info, err)
	}
	wants(t, w.do(t, Failed, "backup", copied), "exists already")
	wants(t, w.do(t, Failed, "backup", filepath.Join(w.dir, "nowhere", "copy.db")), "there is no directory")
	wants(t, w.do(t, Done, "compact"), "state: ", "event store: ")
	wants(t, w.do(t, Done, "forget", "ada@one.example"), "event files at "+w.events, "history of each property", "1 event erased", "fields emptied in 1 record of the CRM", "hubspot/contacts/1")
	wants(t, w.do(t, Done, "forget", "eve@three.example"), "nobody in the state goes by eve@three.example", "they stay away")
	wants(t, w.do(t, Failed, "explain", "ada@one.example"), "no such person")
	wants(t, w.do(t, Done, "provision", "--remove", "--apply"), "removed contacts intent_score")
	wants(t, w.do(t, Failed, "healthcheck"), "does not answer")
}

// Promise: state and event store come back from a copy as they were, and work goes on from there.
func TestBackupAndRestore(t *testing.T) {
	w := newWorld(t)
	w.do(t, Done, "provision", "--apply")
	w.do(t, Done, "once")
	before := w.do(t, Done, "export", "ada@one.example", "--json")
	state, store := filepath.Join(w.dir, "s.db"), filepath.Join(w.dir, "s.events")
	file, events := filepath.Join(w.dir, "copy.db"), filepath.Join(w.dir, "copy.events")
	wants(t, w.do(t, Done, "backup", file, "--events", events), file, events)
	wants(t, w.do(t, Failed, "backup", filepath.Join(w.dir, "second.db"), "--events", events), "is not empty")
	if _, err := os.Stat(filepath.Join(w.dir, "second.db")); err == nil {
		t.Error("a copy was begun although its events have no place")
	}
	if err := errors.Join(os.Remove(state), os.RemoveAll(store), os.Rename(file, state), os.Rename(events, store)); err != nil {
		t.Fatal(err)
	}
	w.put(t, w.events, "") // the files are long gone
	if after := w.do(t, Done, "export", "ada@one.example", "--json"); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	patches := w.portal.Counters().Patches
	wants(t, w.do(t, Done, "once"), "0 records written")
	if n := w.portal.Counters().Patches - patches; n != 0 {
		t.Errorf("%d records were written again", n)
	}
}

// Promise: without a daemon, status tells what the last work ended with, and nothing that only a daemon knows.
func TestStatusWithoutDaemon(t *testing.T) {
	w := newWorld(t)
	w.do(t, Done, "provision", "--apply")
	w.do(t, Done, "once")
	text := w.do(t, Done, "status")
	wants(t, text, "no daemon runs", "last good poll", "none: texts come from rules")
	for _, not := range []string{"since start", "left today", "ok:", "calls"} {
		if strings.Contains(text, not) {
			t.Errorf("tells %q:\n%s", not, text)
		}
	}
	w.put(t, w.token, "wrong\n")
	wants(t, w.do(t, Failed, "once"), "refuses the credentials", "intentd doctor says what to do")
	wants(t, w.do(t, Done, "status"), "last poll/hubspot failed", "check the token")
}

// Promise: what is printed with --json is JSON.
func TestJSON(t *testing.T) {
	w := newWorld(t)
	w.do(t, Done, "provision", "--apply")
	w.do(t, Done, "once")
	for _, args := range [][]string{{"status"}, {"plan"}, {"explain", "ada@one.example"}, {"doctor"}, {"provision"}, {"dead", "list"}, {"pause"}, {"resume"}, {"compact"}, {"once"}, {"version"}, {"forget", "ada@one.example"}} {
		code, stdout, stderr := intentd(t, append(args, "--json", "-c", w.file)...)
		if !json.Valid([]byte(stdout)) || strings.Count(stdout, "\n") < 1 {
			t.Errorf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
}

// Promise: once ends with 0 only if all was done; where people wait it says why.
func TestOnceSaysWhyPeopleWait(t *testing.T) {
	w := newWorld(t)
	w.do(t, Done, "provision", "--apply")
	w.do(t, Done, "once")
	w.do(t, Done, "pause")
	w.put(t, w.events, fmt.Sprintf(`{"id":"e2","time":%q,"kind":"demo_request","email":"ben@two.example","url":"https://www.example.com/demo","page_title":"Demo"}`+"\n", time.Now().Format(time.RFC3339)))
	wants(t, w.do(t, Degraded, "once"), "1 waiting", "not done: 1 person waiting (an admin paused writing: intentd resume)")
	w.do(t, Done, "resume")
	wants(t, w.do(t, Done, "once"), "1 record written", "0 waiting")
}

// Promise: release says plainly whose fields it wants and what there is.
func TestRelease(t *testing.T) {
	w := newWorld(t)
	w.do(t, Done, "provision", "--apply")
	w.do(t, Done, "once")
	wants(t, w.do(t, Done, "release", "--all"), "no field is held")
	wants(t, w.do(t, Misused, "release"), "name one person, or --all")
	wants(t, w.do(t, Misused, "release", "--all", "--field", "headlin"), "did you mean headline")
	wants(t, w.do(t, Failed, "release", "eve@three.example"), "no such person")
}

// Promise: the completion scripts know the commands.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, out, _ := intentd(t, "completion", shell); code != Done || !strings.Contains(out, "intentd") {
			t.Errorf("%s: exit %d", shell, code)
		}
	}
	if code, out, _ := intentd(t, "__complete", "do"); code != Done || !strings.Contains(out, "doctor") {
		t.Errorf("exit %d: %s", code, out)
	}
	if code, _, stderr := intentd(t, "completion", "tcsh"); code != Misused || !strings.Contains(stderr, "bash, zsh or fish") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// Promise: dead letters make the exit code 3, and say in the CRM's words what is wrong.
func TestDeadLetters(t *testing.T) {
	w := newWorld(t)
	w.do(t, Done, "provision", "--apply")
	w.portal.AddRule(sandbox.Rule{When: "intent_tier", Is: "high", Require: "phone"})
	wants(t, w.do(t, Degraded, "once"), "1 dead letter")
	wants(t, w.do(t, Done, "dead", "list"), "hubspot/contacts/1  Ada", "phone", "→ correct the record", "dead retry hubspot/contacts/1")
	wants(t, w.do(t, Done, "dead", "retry", "--all"), "1 dead letter queued again")
	w.do(t, Degraded, "once")
	wants(t, w.do(t, Done, "dead", "drop", "hubspot/contacts/1"), "1 dead letter dropped")
	wants(t, w.do(t, Done, "dead", "list"), "no dead letters")
}

// Promise: the daemon answers health and its socket, reads its configuration again when asked, and ends within its grace.
func TestDaemon(t *testing.T) {
	w := newWorld(t)
	w.do(t, Done, "provision", "--apply")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reload := make(chan os.Signal)
	var log output
	ended := make(chan int)
	go func() {
		ended <- Run(ctx, Process{Args: []string{"run", "-c", w.file}, Stdout: &log, Stderr: &log, Version: "1.2.3", Reload: reload})
	}()
	until := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !ok(); {
			if time.Now().After(deadline) {
				t.Fatalf("%s did not come\n%s", what, &log)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	defer http.DefaultClient.CloseIdleConnections()
	until("health", func() bool { code, _, _ := intentd(t, "healthcheck", "-c", w.file); return code == Done })
	until("the first score", func() bool { props, _ := w.portal.Contact("1"); return props["intent_tier"] == "high" })
	until("the acknowledgement", func() bool { return strings.Contains(w.do(t, Done, "status"), "1 high") })

	// A plan is the edited file's, before it is in force.
	inForce, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, w.do(t, Done, "plan", "ada@one.example"), "0 would be written")
	w.put(t, w.file, string(inForce)+"scoring: {hand_raise_days: 0, tiers: {high: 99, medium: 90}}\n")
	wants(t, w.do(t, Done, "plan", "ada@one.example"), "high → low", "1 would be written", "until it is reloaded")
	w.put(t, w.file, string(inForce)+"scoring: {tires: {high: 70}}\n")
	wants(t, w.do(t, Misused, "plan"), "did you mean tiers?", "1 mistake in")
	w.put(t, w.file, string(inForce))
	wants(t, w.do(t, Done, "status"), "ok: running since")
	wants(t, w.do(t, Done, "explain", "1"), "hand_raise")
	wants(t, w.do(t, Done, "doctor"), "daemon.running", "0 failures")
	wants(t, w.do(t, Failed, "once"), "a daemon runs")
	wants(t, w.do(t, Done, "backup", filepath.Join(w.dir, "hot.db"), "--events", filepath.Join(w.dir, "hot.events")), "hot.events")

	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, w.file, string(text)+"nonsense: 1\n")
	reload <- syscall.SIGHUP
	until("the refusal", func() bool { return strings.Contains(log.String(), "the old one goes on") })
	// The broken file does not come between an admin and the daemon, that works well.
	wants(t, w.do(t, Degraded, "status"), "the last reload was refused", "nonsense", "goes on with the configuration it read before")
	w.do(t, Done, "pause")
	w.do(t, Done, "resume")
	wants(t, w.do(t, Done, "explain", "1"), "hand_raise")
	wants(t, w.do(t, Done, "healthcheck"), "the last reload was refused")
	wants(t, w.do(t, Misused, "doctor"), "config.invalid", "daemon.running")
	wants(t, w.do(t, Misused, "plan"), "nonsense")
	w.put(t, w.file, string(text)+"http: [\n")
	wants(t, w.do(t, Degraded, "status"), "the last reload was refused", "not readable as YAML")
	w.put(t, w.file, string(text))
	wants(t, w.do(t, Degraded, "status"), "the last reload was refused", "nonsense")
	reload <- syscall.SIGHUP
	until("the reload", func() bool { return strings.Contains(log.String(), "was read again") })
	w.do(t, Done, "status")

	stop()
	select {
	case code := <-ended:
		if code != Done {
			t.Errorf("exit %d\n%s", code, &log)
		}
	case <-time.After(grace):
		t.Fatalf("does not end\n%s", &log)
	}
	if strings.Contains(log.String(), "@") || strings.Contains(log.String(), "pat-na1") {
		t.Errorf("the log names a person or a secret:\n%s", &log)
	}
	wants(t, w.do(t, Done, "status"), "no daemon runs")
}

// ranks is the table of people in what the demo prints.
var ranks = regexp.MustCompile(`(?s)  #  Name.*?\n\n[A-Z]`)

// Promise: the demo needs nothing, ranks people, and adds up.
func TestDemo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // another demo on this machine may be under way
	code, stdout, stderr := intentd(t, "demo")
	if code != Done {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	wants(t, stdout, "high", "medium", "low", "recomputed to the same score", "What to try next")
	if code, stdout, _ := intentd(t, "demo", "--json"); code != Done || !json.Valid([]byte(stdout)) {
		t.Errorf("--json: exit %d", code)
	}
	// Whichever way the journeys come, the scores are the same.
	code, sent, stderr := intentd(t, "demo", "--source", "collector")
	leads := func(text string) string {
		before, _, _ := strings.Cut(text, "What to try next")
		return ranks.FindString(before)
	}
	if code != Done || leads(stdout) == "" || leads(sent) != leads(stdout) {
		t.Errorf("--source collector: exit %d, %s\n%s\nwant\n%s", code, stderr, leads(sent), leads(stdout))
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "intentd-demo-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Promise: out of a database the demo's journeys give the same scores, and nothing of them stays there.
func TestDemoOutOfADatabase(t *testing.T) {
	leads := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := intentd(t, append([]string{"demo"}, args...)...)
		if strings.Contains(stderr, throwaway.ErrMissing.Error()) {
			t.Skip("skipped: needs PostgreSQL's programs: " + stderr)
		}
		table := ranks.FindString(stdout)
		if code != Done || table == "" || stderr != "" {
			t.Fatalf("%q: exit %d, %s%s", args, code, stderr, stdout)
		}
		return table
	}
	t.Run("postgres", func(t *testing.T) {
		if of, file := leads("--source", "postgres"), leads(); of != file {
			t.Errorf("got\n%s\nwant\n%s", of, file)
		}
	})
	t.Run("clickhouse", func(t *testing.T) {
		server := os.Getenv("TEST_CLICKHOUSE_URL")
		if server == "" {
			t.Skip("skipped: needs a ClickHouse server: set TEST_CLICKHOUSE_URL to its URL (see .ci/clickhouse)")
		}
		if of, file := leads("--source", "clickhouse", "--database", server), leads(); of != file {
			t.Errorf("got\n%s\nwant\n%s", of, file)
		}
		resp, err := http.Post(server+"/?default_format=TSV", "text/plain", strings.NewReader("SELECT count() FROM system.databases WHERE name LIKE 'intentd_demo_%'"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if left, _ := io.ReadAll(resp.Body); strings.TrimSpace(string(left)) != "0" {
			t.Errorf("%s schemas are left", left)
		}
	})
	for _, args := range [][]string{{"--source", "clickhouse"}, {"--source", "oracle"}, {"--database", "postgres://x"}} {
		if code, _, stderr := intentd(t, append([]string{"demo"}, args...)...); code != Misused || strings.Count(strings.TrimSpace(stderr), "\n") > 3 {
			t.Errorf("%q: exit %d, %s", args, code, stderr)
		}
	}
	if code, _, stderr := intentd(t, "demo", "--source", "postgres", "--database", "postgres://nobody:hunter2@127.0.0.1:1/x"); code != Failed || strings.Contains(stderr, "hunter2") || !strings.Contains(stderr, "--database") {
		t.Errorf("a server that is not there: exit %d, %s", code, stderr)
	}
}

// Promise: a command that serves until it is stopped ends when it is.
func TestServing(t *testing.T) {
	for _, c := range []struct{ args, want []string }{
		{[]string{"sandbox", "--listen", "127.0.0.1:0", "--contacts", "10"}, []string{"base_url: http://127.0.0.1:", "token: pat-na1-sandbox", "10 contacts"}},
		{[]string{"demo", "--serve"}, []string{"intentd -c ", "status", "http://127.0.0.1:", ">> ", "/signin?link=", " backtest\n", " learn\n"}},
		{[]string{"demo", "--serve", "--source", "collector"}, []string{"curl -u ", "/v1/track"}},
	} {
		args := c.args
		ctx, stop := context.WithCancel(t.Context())
		var out output
		ended := make(chan int)
		go func() { ended <- Run(ctx, Process{Args: args, Stdout: &out, Stderr: &out}) }()
		for deadline := time.Now().Add(20 * time.Second); !strings.Contains(out.String(), "Ctrl-C") && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		wants(t, out.String(), c.want...)
		stop()
		if code := <-ended; code != Done {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}

// Promise: nothing of a source vanishes without a count, and a poll of which most is unreadable is no success.
func TestUnreadableSource(t *testing.T) {
	w := newWorld(t)
	w.do(t, Done, "provision", "--apply")
	w.do(t, Done, "once")
	now := time.Now().Format(time.RFC3339)
	add := func(lines ...string) {
		t.Helper()
		f, err := os.OpenFile(w.events, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	add("secret@example.com", `{"kind":"click","email":"ada@one.example"}`, fmt.Sprintf(`{"id":"e2","time":%q,"kind":"widget_frobnicated","email":"ada@one.example"}`, now))
	wants(t, w.do(t, Degraded, "once"), "degraded: site could not read 2 of the 3 lines of its last poll, mostly: no")
	wants(t, w.do(t, Degraded, "status"), "2 events kept", "2 unreadable", "1 of unknown kinds", "100 % of the people in a CRM")
	doctor := w.do(t, Done, "doctor")
	wants(t, doctor, "2 of 4 lines could not be read", "line 2", "line 3", "widget_frobnicated (1)")
	if strings.Contains(doctor, "secret@") {
		t.Error("the content of an unreadable line is told")
	}
	add(fmt.Sprintf(`{"id":"e3","time":%q,"kind":"page_view","email":"ada@one.example","url":"https://www.example.com/pricing"}`, now))
	w.do(t, Done, "once")
	wants(t, w.do(t, Done, "status"), "2 unreadable")
}
