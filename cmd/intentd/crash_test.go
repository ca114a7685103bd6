package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
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
	"github.com/intentd/intentd/connectors/hubspot"
	"github.com/intentd/intentd/connectors/salesforce"
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

// crashWorld is one CRM, one model and one daemon's files.
type crashWorld struct {
	t       *testing.T
	dir     string
	model   *geminitest.Server
	config  string
	content func() map[string]map[string]string // what reps see, dates of the work itself left out
	jobs    func() int                          // bulk jobs that the CRM took
}

// shownFields are the fields whose content must be that of an undisturbed run.
var shownFields = []string{"score", "tier", "headline", "summary", "reasons", "product", "product_interest", "topics", "stage", "trend", "cools_on", "last_signal_at"}

func crashAddress(i int) string { return fmt.Sprintf("person%d@company%d.example", i, i%40) }

// slow makes every answer of a CRM take its time, as real ones do: kills then meet calls under way.
var slow = sandbox.Fault{Delay: 60 * time.Millisecond, Times: -1}

// hubspot puts the people into a portal and returns the daemon's entry for it.
func (w *crashWorld) hubspot() string {
	portal := sandbox.NewHubSpot(sandbox.HubSpotOptions{Unlimited: true, SearchLag: 50 * time.Millisecond})
	portal.CreateContacts(crashPeople, func(i int) map[string]string {
		return map[string]string{"email": crashAddress(i), "firstname": "Person", "lastname": strconv.Itoa(i)}
	})
	portal.Faults().Add(slow)
	crm := httptest.NewServer(portal)
	w.t.Cleanup(crm.Close)
	names := make([]string, len(shownFields))
	for i, f := range shownFields {
		names[i] = hubspot.DefaultProperty(f)
	}
	w.content = func() map[string]map[string]string { return portal.Content(names...) }
	w.jobs = func() int { return 0 }
	return fmt.Sprintf("{name: hubspot, type: hubspot, base_url: %s, token: pat-na1-sandbox, poll: 10s, lookback: 10s}", crm.URL)
}

// salesforce puts the people into an org, as leads, and returns the daemon's entry for it. First syncs go by bulk jobs.
func (w *crashWorld) salesforce() string {
	org := sandbox.NewSalesforce(sandbox.SalesforceOptions{Unlimited: true, BulkTime: 300 * time.Millisecond})
	org.CreateMany("Lead", crashPeople, func(i int) map[string]string {
		return map[string]string{"Email": crashAddress(i), "FirstName": "Person", "LastName": strconv.Itoa(i), "Company": "Company " + strconv.Itoa(i%40)}
	})
	org.Faults().Add(slow)
	crm := httptest.NewServer(org)
	w.t.Cleanup(crm.Close)
	names := make([]string, len(shownFields))
	for i, f := range shownFields {
		names[i] = salesforce.DefaultField(f)
	}
	w.content = func() map[string]map[string]string { return org.Content("Lead", names...) }
	w.jobs = func() int { return int(org.Counters().Calls("POST jobs/ingest")) }
	return fmt.Sprintf("{name: salesforce, type: salesforce, login_url: %[1]s, instance_url: %[1]s, bulk_threshold: 10, poll: 10s, lookback: 1m, "+
		"auth: {flow: client_credentials, client_id: sandbox-client, client_secret: sandbox-secret}}", crm.URL)
}

// think answers as the model does: what is asked is paid at once, the answer takes its time.
func (w *crashWorld) think(rw http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	w.model.ServeHTTP(answer, r)
	select {
	case <-time.After(100 * time.Millisecond):
	case <-r.Context().Done(): // the daemon was killed
		return
	}
	maps.Copy(rw.Header(), answer.Header())
	rw.WriteHeader(answer.Code)
	_, _ = rw.Write(answer.Body.Bytes())
}

func newCrashWorld(t *testing.T, base time.Time, crm func(*crashWorld) string) *crashWorld {
	t.Helper()
	w := &crashWorld{t: t, dir: t.TempDir(), model: &geminitest.Server{Key: "key"}}
	entry := crm(w)
	model := httptest.NewServer(http.HandlerFunc(w.think))
	t.Cleanup(model.Close)
	w.events(base, 0)
	w.config = filepath.Join(w.dir, "intentd.yaml")
	w.write("intentd.yaml", fmt.Sprintf(`
state: {path: %[1]s/intentd.db}
http: {listen: ""}
write: {brake: 0, interval: 0s}
log: {level: warn}
crms:
  - %[2]s
sources:
  - {name: site, type: jsonl, path: %[1]s/events, poll: 10s}
model: {provider: gemini, base_url: %[3]s, api_key: key, concurrency: %[4]d, daily_budget_usd: 1000}
topics: {win: [CRM]}
products: [{name: Credit cards, match: ["/cards/**"]}]
privacy: {own_hosts: [www.shop.example]}
`, w.dir, entry, model.URL, modelCalls))
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
			fmt.Fprintf(&b, `{"id":"e%d-%d-%d","time":%q,"kind":%q,"email":%q,"url":"https://www.shop.example%s","page_title":"Page %s"}`+"\n",
				n, i, k, at.Format(time.RFC3339), kind, crashAddress(i), page, page)
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
		syncing := false
		for _, first := range st.FirstSync {
			syncing = syncing || first
		}
		if st.Running && left == 0 && !syncing && st.People == crashPeople {
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

func TestInvariants1to3KilledAtManyPointsNothingIsLostOrRepeated(t *testing.T) {
	if testing.Short() {
		t.Skip("kills daemons 80 times: left out with -short")
	}
	for name, crm := range map[string]func(*crashWorld) string{"hubspot": (*crashWorld).hubspot, "salesforce": (*crashWorld).salesforce} {
		t.Run(name, func(t *testing.T) { killManyTimes(t, crm) })
	}
}

func killManyTimes(t *testing.T, crm func(*crashWorld) string) {
	t.Parallel()
	base := time.Now().UTC().Truncate(time.Second)
	calm := newCrashWorld(t, base, crm)
	calm.provision()
	calm.finish()
	calm.events(base, 1)
	calm.finish()
	want := calm.content()
	if len(want) == 0 {
		t.Fatal("the undisturbed run wrote nothing")
	}

	w := newCrashWorld(t, base, crm)
	w.provision()
	random := rand.New(rand.NewPCG(1, uint64(base.Unix())))
	for kill := range crashKills {
		cmd, log := w.start()
		if kill == crashKills/2 {
			w.events(base, 1)
		}
		// A random point of another process: early ones meet the first sync, late ones the model's texts.
		life := 500
		if kill%2 == 1 {
			life = 1500
		}
		time.Sleep(time.Duration(30+random.IntN(life)) * time.Millisecond)
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
	// Equal journeys make equal prompts, which the undisturbed run pays too: what it did not pay was paid again.
	again := paid(w) - paid(calm)
	t.Logf("%d bulk jobs; %d kills, %d prompts, %d of them paid again", w.jobs(), crashKills, paid(w), again)
	if again > crashKills*modelCalls {
		t.Errorf("%d prompts were paid again, more than the %d calls in flight at %d kills", again, crashKills*modelCalls, crashKills)
	}
}

// paid is how many prompts the model answered.
func paid(w *crashWorld) (n int) {
	for _, times := range w.model.Prompts() {
		n += times
	}
	return n
}
