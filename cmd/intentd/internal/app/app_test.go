package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

func TestMain(m *testing.M) {
	// The model's library starts this one when the program does.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

const token = "pat-na1-test-of-the-app"

// place is an app's surroundings: a portal, an events file, a config file.
type place struct {
	dir, file, events string
	crm               string // further keys of the CRM, each with a comma before it
	sources           string // further entries of sources, each with a comma behind it
	portal            *sandbox.HubSpot
	log               *lockedBuffer
}

// lockedBuffer is a log that goroutines write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newPlace(t *testing.T, o sandbox.HubSpotOptions) *place {
	t.Helper()
	dir, err := os.MkdirTemp("", "ia") // short: the path of a socket is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o.Token = token
	p := &place{dir: dir, file: filepath.Join(dir, "config.yaml"), events: filepath.Join(dir, "events.jsonl"), portal: sandbox.NewHubSpot(o), log: &lockedBuffer{}}
	if err := os.WriteFile(p.events, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.write(t, "")
	return p
}

// write makes the config file; more goes below the usual.
func (p *place) write(t *testing.T, more string) {
	t.Helper()
	text := fmt.Sprintf(`
state: {path: %q}
http: {listen: ""}
crms: [{name: hubspot, type: hubspot, base_url: "http://127.0.0.1:1", token: %q%s}]
sources: [%s{name: site, type: jsonl, path: %q}]
privacy: {own_hosts: [www.example.com]}
%s`, filepath.Join(p.dir, "s.db"), token, p.crm, p.sources, p.events, more)
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *place) open(t *testing.T) *App {
	t.Helper()
	return p.openWith(t, p.portal.Transport())
}

func (p *place) openWith(t *testing.T, network http.RoundTripper) *App {
	t.Helper()
	a, err := p.openBy(network)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (p *place) openBy(network http.RoundTripper) (*App, error) {
	cfg, problems := config.Load(p.file, Types)
	if cfg == nil {
		return nil, problems
	}
	return Open(Options{Config: cfg, Path: p.file, Log: NewLog(p.log, cfg), Version: "test", HTTP: network, LockTimeout: 10 * time.Millisecond})
}

func (p *place) provision(t *testing.T, a *App) {
	t.Helper()
	done, err := Provision.Do(t.Context(), a, ProvisionArguments{Apply: true})
	if err != nil || done[0].Error != "" {
		t.Fatal(err, done)
	}
}

// visit appends an event to the events file.
func (p *place) visit(t *testing.T, id, email, kind, path string) {
	t.Helper()
	p.visitAt(t, time.Now(), id, email, kind, path)
}

func (p *place) visitAt(t *testing.T, at time.Time, id, email, kind, path string) {
	t.Helper()
	f, err := os.OpenFile(p.events, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	line, _ := json.Marshal(map[string]any{"id": id, "time": at, "kind": kind, "email": email, "url": "https://www.example.com" + path, "page_title": "Page " + path, "session_id": id[:2]})
	if _, err := f.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func (p *place) score(t *testing.T, id string) string {
	t.Helper()
	props, ok := p.portal.Contact(id)
	if !ok {
		t.Fatal("no contact", id)
	}
	return props["intent_score"]
}

func stopped(t *testing.T, a *App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// Promise: a daemon left alone for a day takes in the CRM once, follows what people do within two minutes, writes nothing that did
// not change, and makes no more calls than its schedule says.
func TestDayOfADaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		ada := p.portal.CreateContact(map[string]string{"email": "ada@one.example", "firstname": "Ada"})
		ben := p.portal.CreateContact(map[string]string{"email": "ben@two.example"})
		a := p.open(t)
		p.provision(t, a)
		p.visit(t, "a1", "ada@one.example", connectors.KindPageView, "/pricing")
		a.work(t.Context())
		time.Sleep(2 * time.Minute)
		first := p.score(t, ada)
		if first == "" || p.score(t, ben) != "" {
			t.Fatalf("after the first sync: %q and %q\n%s", first, p.score(t, ben), p.log)
		}
		quiet := p.portal.Counters()
		time.Sleep(2 * time.Hour)
		if now := p.portal.Counters(); now.Patches != quiet.Patches {
			t.Errorf("%d writes in two hours without anything new", now.Patches-quiet.Patches)
		} else if calls := now.Requests - quiet.Requests; calls < 110 || calls > 140 {
			t.Errorf("%d calls in two hours of one poll a minute", calls)
		}
		p.visit(t, "b1", "ben@two.example", connectors.KindDemoRequest, "/demo")
		time.Sleep(2 * time.Minute)
		if props, _ := p.portal.Contact(ben); props["intent_tier"] != "high" {
			t.Errorf("two minutes after a demo request: tier %q", props["intent_tier"])
		}
		time.Sleep(22 * time.Hour)
		st := operate.StatusOf(a.pipe)
		if st.Tiers["high"] != 1 || st.Dead != 0 || st.Queue["live"].Depth != 0 || a.Health().Status != "ok" {
			t.Errorf("after a day: %+v, %+v\n%s", st.Tiers, a.Health(), p.log)
		}
		stopped(t, a)
		if log := p.log.String(); strings.Contains(log, "@") || strings.Contains(log, token) {
			t.Errorf("the log names a person or a secret (invariant 11):\n%s", log)
		}
	})
}

// Promise: what can be asked of the state file can be asked of a daemon through its socket, which is its user's alone.
func TestControlSocket(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	id := p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
	p.visit(t, "a1", "ada@one.example", connectors.KindPageView, "/pricing")
	a := p.open(t)
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	socket := a.Config().SocketPath()
	if _, err := Dial(t.Context(), socket); !errors.Is(err, ErrNoDaemon) {
		t.Fatalf("without a daemon: %v", err)
	}
	if err := os.WriteFile(socket, []byte("left by a kill"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stopped(t, a)
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != os.ModeSocket {
		t.Fatalf("socket: %v, %v", info.Mode(), err)
	}
	client, err := Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.http.CloseIdleConnections()
	if _, err := Open(Options{Config: a.Config(), LockTimeout: time.Millisecond}); !errors.Is(err, state.ErrLocked) {
		t.Errorf("a second process: %v", err)
	}
	for _, target := range []Target{a, client} {
		r, err := Explain.Do(t.Context(), target, Who{Who: id})
		if err != nil || strings.TrimSuffix(r.Written[connectors.FieldScore], ".0") != p.score(t, id) {
			t.Errorf("%T: explain: %v, the CRM says %s", target, err, p.score(t, id))
		}
		if _, err := Explain.Do(t.Context(), target, Who{Who: "nobody@nowhere.example"}); err == nil || !strings.Contains(err.Error(), "no such person") {
			t.Errorf("%T: explain nobody: %v", target, err)
		}
		if _, err := PlanAgainst.Do(t.Context(), target, EffectArguments{Against: File{Text: "nonsense: 1", Path: "/new.yaml"}}); !errors.As(err, &Misused{}) || !strings.Contains(err.Error(), "new.yaml: line 1: nonsense") {
			t.Errorf("%T: a file with mistakes to compare with: %v", target, err)
		}
		st, err := StatusOf.Do(t.Context(), target, Nothing{})
		if err != nil || !st.Running || st.People != 1 || st.Tiers["low"]+st.Tiers["medium"]+st.Tiers["high"] != 1 {
			t.Errorf("%T: status: %+v, %v", target, st, err)
		}
		if _, err := Pause.Do(t.Context(), target, Nothing{}); err != nil || !operate.StatusOf(a.pipe).Paused {
			t.Errorf("%T: pause: %v", target, err)
		}
		if _, err := Resume.Do(t.Context(), target, Nothing{}); err != nil || operate.StatusOf(a.pipe).Paused {
			t.Errorf("%T: resume: %v", target, err)
		}
		if letters, err := DeadList.Do(t.Context(), target, Nothing{}); err != nil || len(letters) != 0 {
			t.Errorf("%T: dead list: %v, %v", target, letters, err)
		}
		var copy bytes.Buffer
		if n, err := target.Backup(t.Context(), &copy); err != nil || n != int64(copy.Len()) || n == 0 {
			t.Errorf("%T: backup: %d bytes, %v", target, n, err)
		}
		found, err := Examine.Do(t.Context(), target, File{})
		if err != nil || len(found) < 3 {
			t.Errorf("%T: examine: %v, %v", target, found, err)
		}
	}
	if err := client.call(t.Context(), "no_such", Nothing{}, &Nothing{}); err == nil {
		t.Error("an unknown operation was carried out")
	}
	if _, err := Forget.Do(t.Context(), client, Who{Who: id}); err != nil || p.score(t, id) != "" {
		t.Errorf("forget: %v, score %q", err, p.score(t, id))
	}
}

// Promise: a bad file keeps the old configuration running; a good one is swapped in, and scores follow it.
func TestReload(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	id := p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
	p.visit(t, "a1", "ada@one.example", connectors.KindPageView, "/pricing")
	a := p.open(t)
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := p.score(t, id)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stopped(t, a)
	was := a.pipe.Setup()
	for name, more := range map[string]string{
		"a mistake":        "scoring: {weights: {volume: 1}}\n",
		"broken YAML":      "scoring: [\n",
		"another log form": "log: {format: json}\n",
	} {
		p.write(t, more)
		if _, err := a.Reload(t.Context()); err == nil || a.pipe.Setup() != was || a.reloadErr.Load() == nil {
			t.Errorf("%s: %v", name, err)
		}
		if h := a.Health(); h.Status != "degraded" {
			t.Errorf("%s: %+v", name, h)
		}
	}
	p.write(t, "scoring: {weights: {volume: 0.1, recency: 0.8, topics: 0.1}}\nprivacy: {own_hosts: [www.example.com], internal_domains: [example.org]}\n")
	if _, err := a.Reload(t.Context()); err == nil {
		t.Error("a key given twice was taken")
	}
	p.write(t, "scoring: {weights: {volume: 0.1, recency: 0.8, topics: 0.1}}\n")
	if problems, err := a.Reload(t.Context()); err != nil {
		t.Fatal(err, problems)
	}
	if a.reloadErr.Load() != nil || a.pipe.Setup() == was {
		t.Error("not swapped")
	}
	deadline := time.Now().Add(10 * time.Second)
	for p.score(t, id) == before && time.Now().Before(deadline) {
		select {
		case <-a.db.Wake():
		case <-time.After(5 * time.Millisecond):
		}
	}
	if after := p.score(t, id); after == before {
		t.Errorf("the score is still %s\n%s", before, p.log)
	}
}

// Promise: what failed in the background earlier is counted, and does not refuse a right configuration.
func TestReloadAfterABackgroundError(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	a := p.open(t)
	defer a.Close()
	a.db.NoteRun(state.Run{Name: "a job whose start cannot be kept", Last: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)})
	for range 2 {
		if problems, err := a.Reload(t.Context()); err != nil {
			t.Error(problems, err)
		}
	}
	if st := a.db.Stats(); st.LaterFailed != 1 {
		t.Errorf("%d counted", st.LaterFailed)
	}
}

// Promise: a configuration that changed while nothing ran is noticed at the next start.
func TestConfigChangedBetweenRuns(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	id := p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
	p.visit(t, "a1", "ada@one.example", connectors.KindPageView, "/pricing")
	a := p.open(t)
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := p.score(t, id)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	p.write(t, "scoring: {weights: {volume: 0.1, recency: 0.8, topics: 0.1}}\n")
	a = p.open(t)
	defer a.Close()
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.score(t, id) == before {
		t.Error("the score did not follow")
	}
}

// Promise: health says ok, degraded or failing for the right reasons, and metrics are well formed and name nobody.
func TestHealthAndMetrics(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
	p.visit(t, "a1", "ada@one.example", connectors.KindDemoRequest, "/demo")
	a := p.open(t)
	p.provision(t, a)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	if code, _ := get("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("before the start: /readyz %d", code)
	}
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, _ := get("/readyz"); code != http.StatusOK {
		t.Errorf("/readyz %d", code)
	}
	if code, body := get("/healthz"); code != http.StatusOK || !strings.Contains(body, `"ok"`) {
		t.Errorf("/healthz %d %s", code, body)
	}
	code, text := get("/metrics")
	for _, want := range []string{`intentd_people_scored{tier="high"} 1`, `intentd_build_info{go=`, `intentd_connector_up{connector="hubspot"} 1`, `intentd_last_good_seconds{connector="hubspot",work="poll"}`, "intentd_dead_letters 0", "go_goroutines"} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics %d lacks %s\n%s", code, want, text)
		}
	}
	if strings.Contains(text, "@") || strings.Contains(text, token) {
		t.Error("metrics name a person or a secret (invariant 11)")
	}
	families, err := a.registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, lint := range problems {
		if strings.HasPrefix(lint.Metric, "intentd_") {
			t.Errorf("%s: %s", lint.Metric, lint.Text)
		}
	}
	if err := operate.Pause(a.pipe); err != nil {
		t.Fatal(err)
	}
	if code, body := get("/healthz"); code != http.StatusOK || !strings.Contains(body, "degraded") || !strings.Contains(body, "paused") {
		t.Errorf("paused: /healthz %d %s", code, body)
	}
	stopped(t, a)

	// A token that is refused.
	p.portal = sandbox.NewHubSpot(sandbox.HubSpotOptions{Token: "another"})
	a = p.open(t)
	defer a.Close()
	if _, err := a.Once(t.Context()); err == nil {
		t.Error("a refused token is no error")
	}
	// A restart would mend nothing: the process lives, and is not ready.
	code, body := get("/healthz")
	if code != http.StatusOK || !strings.Contains(body, "failing") || !strings.Contains(body, "auth") || strings.Contains(body, token) {
		t.Errorf("refused: /healthz %d %s", code, body)
	}
	if code, _ := get("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("refused: /readyz %d", code)
	}
	a.still.Store(true)
	if code, body := get("/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "stands still") {
		t.Errorf("standing still: /healthz %d %s", code, body)
	}
}

// Promise (invariant 11): whatever is logged in whatever form, no secret gets through, and at info no e-mail address.
func TestInvariant11TheLogHidesSecretsAndAddresses(t *testing.T) {
	const secret = `pat-na1-"quoted" & more`
	cfg := config.Default()
	cfg.Model.Settings = &gemini.Config{APIKey: connectors.NewSecret(secret)}
	for _, format := range []string{"text", "json"} {
		cfg.Log = config.Log{Level: "debug", Format: format}
		var out bytes.Buffer
		l := NewLog(&out, cfg)
		say := func(log *slog.Logger, do func(msg string, args ...any)) {
			do("key "+secret+" of ada@one.example", "error", fmt.Errorf("GET https://x/?key=pat-na1-%%22quoted%%22+%%26+more: %s; ada%%40one.example", secret), "err", errors.New(secret), "b", []byte(secret), "any", struct{ S string }{secret})
		}
		say(l.Logger, l.Info)
		say(l.Logger, l.With("who", "ben@two.example", "key", secret).WithGroup("g").Warn)
		if text := out.String(); strings.Contains(text, "quoted") || strings.Contains(text, "one.example") || strings.Contains(text, "two.example") {
			t.Errorf("%s: %s", format, text)
		}
		if n := strings.Count(out.String(), "\n"); n != 2 {
			t.Errorf("%s: %d lines", format, n)
		}
		out.Reset()
		l.Debug("to ada@one.example with " + secret)
		if text := out.String(); !strings.Contains(text, "ada@one.example") || strings.Contains(text, "quoted") {
			t.Errorf("%s at debug: %s", format, text)
		}
		out.Reset()
		next := *cfg
		next.Log.Level = "warn"
		next.Model.Settings = &gemini.Config{APIKey: connectors.NewSecret("the-next-one")}
		l.Follow(&next)
		l.Info("silent")
		l.Error("the-next-one")
		if text := out.String(); strings.Contains(text, "silent") || strings.Contains(text, "the-next-one") {
			t.Errorf("%s after a reload: %s", format, text)
		}
	}
}

// Promise: the watchdog is told while work is done or there is none, and no longer once work stands still.
func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var done int64
		waiting := errors.New("people wait")
		var idle error
		told := 0
		w := &watchdog{
			interval: time.Minute, patience: time.Minute, still: new(atomic.Bool), log: slog.New(slog.DiscardHandler),
			done: func() string { mu.Lock(); defer mu.Unlock(); return fmt.Sprint(done) },
			idle: func(context.Context) error { mu.Lock(); defer mu.Unlock(); return idle },
			tell: func(s string) {
				mu.Lock()
				defer mu.Unlock()
				if s == daemon.SdNotifyWatchdog {
					told++
				}
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go w.run(ctx)
		during := func(d time.Duration) int {
			mu.Lock()
			told = 0
			mu.Unlock()
			time.Sleep(d)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return told
		}
		if n := during(10 * time.Minute); n != 40 {
			t.Errorf("idle: told %d times", n)
		}
		mu.Lock()
		idle = waiting
		mu.Unlock()
		for range 10 {
			mu.Lock()
			done++
			mu.Unlock()
			if n := during(time.Minute); n != 4 {
				t.Errorf("at work: told %d times a minute", n)
			}
		}
		during(time.Minute)
		if n := during(10 * time.Minute); n != 0 || !w.still.Load() {
			t.Errorf("standing still: told %d times", n)
		}
		mu.Lock()
		done++
		mu.Unlock()
		if n := during(time.Minute); n == 0 || w.still.Load() {
			t.Error("not told again when work went on")
		}
	})
}

// Promise: a port that is taken is told at the start, and nothing is left running.
func TestPortTaken(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	busy := httptest.NewServer(http.NotFoundHandler())
	defer busy.Close()
	a := p.open(t)
	a.cfg.HTTP.Listen = strings.TrimPrefix(busy.URL, "http://")
	if err := a.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "http.listen") {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(a.cfg.SocketPath()); err == nil {
		t.Error("the socket was left behind")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
