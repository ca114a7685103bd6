package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/connectors/sandbox"
)

// The crash test runs the real daemon: this test binary re-executes itself as intentd, against a HubSpot sandbox and a model
// stand-in that live in the test and count.

const asDaemon = "INTENTD_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// crashKills is how many times the daemon is killed; modelCalls how many model calls it makes at once.
const (
	crashKills  = 40
	crashPeople = 150
	modelCalls  = 4
)

// crashWorld is one portal, one model and one daemon's files.
type crashWorld struct {
	t      *testing.T
	dir    string
	portal *sandbox.HubSpot
	model  *geminitest.Server
	config string
}

func newCrashWorld(t *testing.T, base time.Time) *crashWorld {
	t.Helper()
	w := &crashWorld{t: t, dir: t.TempDir(), model: &geminitest.Server{Key: "key"}}
	w.portal = sandbox.NewHubSpot(sandbox.HubSpotOptions{Unlimited: true, SearchLag: 50 * time.Millisecond})
	w.portal.CreateContacts(crashPeople, func(i int) map[string]string {
		return map[string]string{"email": fmt.Sprintf("person%d@company%d.example", i, i%40), "firstname": "Person", "lastname": strconv.Itoa(i)}
	})
	crm, model := httptest.NewServer(w.portal), httptest.NewServer(w.model)
	t.Cleanup(crm.Close)
	t.Cleanup(model.Close)
	w.events(base, 0)
	w.config = filepath.Join(w.dir, "intentd.yaml")
	w.write("intentd.yaml", fmt.Sprintf(`
state: {path: %[1]s/intentd.db}
http: {listen: ""}
write: {brake: 0}
log: {level: warn}
crms:
  - {name: hubspot, type: hubspot, base_url: %[2]s, token: pat-na1-sandbox, poll: 10s, lookback: 10s}
sources:
  - {name: site, type: jsonl, path: %[1]s/events, poll: 10s}
model: {provider: gemini, base_url: %[3]s, api_key: key, concurrency: %[4]d, daily_budget_usd: 1000}
topics: {win: [CRM]}
products: [{name: Credit cards, match: ["/cards/**"]}]
privacy: {own_hosts: [www.shop.example]}
`, w.dir, crm.URL, model.URL, modelCalls))
	return w
}

func (w *crashWorld) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// events writes what every other person did, those with number n modulo 2: a person's events come at once, since a second write
// within the hour waits by design. Ages stay clear of whole days, so that minutes do not change a score.
func (w *crashWorld) events(base time.Time, n int) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Join(w.dir, "events"), 0o700); err != nil {
		w.t.Fatal(err)
	}
	var b strings.Builder
	pages := []string{"/pricing", "/cards/gold", "/cards/compare", "/blog/crm", "/about", "/case-studies/acme"}
	for i := n; i < crashPeople; i += 2 {
		for k := range 4 {
			at := base.Add(-time.Duration((i*7+k*5+n)%40*24+6) * time.Hour).Add(time.Duration(k) * time.Minute)
			kind := "page_view"
			if k == 3 && i%9 == 0 {
				kind = "demo_request"
			}
			page := pages[(i+k+n)%len(pages)]
			fmt.Fprintf(&b, `{"id":"e%d-%d-%d","time":%q,"kind":%q,"email":"person%d@company%d.example","url":"https://www.shop.example%s","page_title":"Page %s"}`+"\n",
				n, i, k, at.Format(time.RFC3339), kind, i, i%40, page, page)
		}
	}
	w.write(filepath.Join("events", fmt.Sprintf("part%d.jsonl", n)), b.String())
}

func (w *crashWorld) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append(args, "-c", w.config)...)
	cmd.Env = append(os.Environ(), asDaemon+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.Dir = w.dir
	return cmd
}

func (w *crashWorld) start() (*exec.Cmd, *strings.Builder) {
	w.t.Helper()
	cmd := w.command("run")
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return cmd, &log
}

// provision makes the properties, as an admin does once.
func (w *crashWorld) provision() {
	w.t.Helper()
	if out, err := w.command("provision", "--apply").CombinedOutput(); err != nil {
		w.t.Fatalf("provision: %v\n%s", err, out)
	}
}

// finish lets the daemon run until nothing is left to do, and stops it.
func (w *crashWorld) finish() {
	w.t.Helper()
	cmd, log := w.start()
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			w.t.Errorf("the daemon ended with %v\n%s", err, log)
		}
	}()
	quiet, deadline := 0, time.Now().Add(90*time.Second)
	for time.Now().Before(deadline) {
		time.Sleep(200 * time.Millisecond) // another process: there is nothing else to wait on
		out, err := w.command("status", "--json").Output()
		if err != nil {
			continue
		}
		var st struct {
			Running   bool
			Journal   int
			Queue     map[string]struct{ Depth int }
			FirstSync map[string]bool `json:"first_sync"`
			People    int
		}
		if err := json.Unmarshal(out, &st); err != nil {
			w.t.Fatalf("status: %v\n%s", err, out)
		}
		left := st.Journal
		for _, lane := range st.Queue {
			left += lane.Depth
		}
		if st.Running && left == 0 && !st.FirstSync["hubspot"] && st.People == crashPeople {
			quiet++
		} else {
			quiet = 0
		}
		if quiet >= 5 {
			return
		}
	}
	out, _ := w.command("status").CombinedOutput()
	w.t.Fatalf("the daemon did not come to rest:\n%s\n%s", out, log)
}

// content is what reps see, dates of the work itself left out.
func (w *crashWorld) content() map[string]map[string]string {
	return w.portal.Content("intent_score", "intent_tier", "intent_headline", "intent_summary", "intent_reasons", "intent_product",
		"intent_product_interest", "intent_topics", "intent_stage", "intent_trend", "intent_cools_on", "intent_last_signal_at")
}

func TestInvariants1to3KilledAtManyPointsNothingIsLostOrRepeated(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a daemon 40 times: left out with -short")
	}
	base := time.Now().UTC().Truncate(time.Second)
	calm := newCrashWorld(t, base)
	calm.provision()
	calm.finish()
	calm.events(base, 1)
	calm.finish()
	want := calm.content()
	if len(want) == 0 {
		t.Fatal("the undisturbed run wrote nothing")
	}

	w := newCrashWorld(t, base)
	w.provision()
	random := rand.New(rand.NewPCG(1, uint64(base.Unix())))
	for kill := range crashKills {
		cmd, log := w.start()
		if kill == crashKills/2 {
			w.events(base, 1)
		}
		time.Sleep(time.Duration(30+random.IntN(500)) * time.Millisecond) // a random point of another process
		if err := cmd.Process.Kill(); err != nil {
			t.Fatalf("kill %d: %v\n%s", kill, err, log)
		}
		err := cmd.Wait()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("kill %d: the daemon had ended by itself: %v\n%s", kill, err, log)
		}
	}
	w.finish()
	got := w.content()
	differ := 0
	for id := range want {
		if !maps.Equal(got[id], want[id]) {
			if differ++; differ <= 3 {
				t.Errorf("contact %s after %d kills:\n got %v\nwant %v", id, crashKills, got[id], want[id])
			}
		}
	}
	if differ > 0 || len(got) != len(want) {
		t.Errorf("%d of %d contacts differ from the undisturbed run", differ, len(want))
	}
	again := 0
	for _, n := range w.model.Prompts() {
		again += n - 1
	}
	t.Logf("%d kills, %d prompts, %d of them paid again (undisturbed: %d prompts)", crashKills, len(w.model.Prompts()), again, len(calm.model.Prompts()))
	if again > crashKills*modelCalls {
		t.Errorf("%d prompts were paid again, more than the %d calls in flight at %d kills", again, crashKills*modelCalls, crashKills)
	}
}
