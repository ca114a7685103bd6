package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// Promise: whatever a network does to the CRM's answers, the daemon goes on, and scores arrive once it is over. Nothing panics and
// nothing becomes a dead letter.
func TestCRMAnswersBadly(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"HTML instead of JSON":   {HTML: true, Times: 6},
		"HTML with status 200":   {HTML: true, Status: http.StatusOK, Times: 6},
		"no JSON":                {Status: http.StatusOK, Body: "null and void", Times: 6},
		"empty answers":          {Status: http.StatusOK, Body: " ", Times: 6},
		"another shape":          {Status: http.StatusOK, Body: `[{"results":"none"}]`, Times: 6},
		"cut bodies":             {Cut: 40, Times: 12},
		"resets":                 {Reset: true, Times: 12},
		"answers lost":           {Path: "/batch/update", Reset: true, After: true, Times: 4},
		"slow answers":           {Delay: 20 * time.Second, Times: 20},
		"never an answer":        {Delay: 24 * time.Hour, Times: 3},
		"broken for a while":     {Status: http.StatusServiceUnavailable, Times: 20},
		"too many calls":         {Policy: "TEN_SECONDLY_ROLLING", RetryAfter: "10", Times: 5},
		"write answers are HTML": {Path: "/batch/update", HTML: true, Times: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
				ada := p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
				p.visit(t, "a1", "ada@one.example", connectors.KindDemoRequest, "/demo")
				a := p.open(t)
				p.provision(t, a)
				injected := p.portal.Faults().Add(f)
				a.work(t.Context())
				for waited := time.Duration(0); p.score(t, ada) == "" && waited < 2*time.Hour; waited += time.Minute {
					time.Sleep(time.Minute)
				}
				time.Sleep(time.Minute)
				if p.score(t, ada) == "" || injected.Count() == 0 {
					t.Errorf("no score after two hours; the fault came %d times\n%s", injected.Count(), p.log)
				}
				if st := operate.StatusOf(a.pipe); st.Dead != 0 || st.Journal != 0 {
					t.Errorf("%d dead letters, %d patches on their way\n%s", st.Dead, st.Journal, p.log)
				}
				stopped(t, a)
				if log := p.log.String(); strings.Contains(log, "@") || strings.Contains(log, token) || strings.Contains(log, "panic") {
					t.Errorf("log:\n%s", log)
				}
			})
		})
	}
}

// Promise: what an admin must set right is said once with its mend, stops the writing, and says when it is over.
func TestSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		ada := p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
		p.visit(t, "a1", "ada@one.example", connectors.KindDemoRequest, "/demo")
		a := p.open(t)
		a.work(t.Context())
		time.Sleep(50 * time.Minute)
		if n := strings.Count(p.log.String(), `job="poll hubspot"`); n != 1 {
			t.Errorf("the poll's failure was said %d times\n%s", n, p.log)
		}
		if !strings.Contains(p.log.String(), "intentd provision --apply") {
			t.Errorf("no mend:\n%s", p.log)
		}
		p.provision(t, a)
		time.Sleep(10 * time.Minute)
		if p.score(t, ada) == "" || !strings.Contains(p.log.String(), "works again") || !strings.Contains(p.log.String(), "met everybody") {
			t.Errorf("after the mend: score %q\n%s", p.score(t, ada), p.log)
		}
		stopped(t, a)
	})
}

// Promise: the credentials of another portal, or none that work, write nothing (invariant 4).
func TestForeignOrRefusedToken(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
	p.visit(t, "a1", "ada@one.example", connectors.KindDemoRequest, "/demo")
	a := p.open(t)
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    sandbox.HubSpotOptions
		kind connectors.Kind
		want string // in the error
		code string // of the doctor
	}{
		"another portal":  {sandbox.HubSpotOptions{Token: token, PortalID: 99}, connectors.Config, "146000001", "state.other_account"},
		"a wrong token":   {sandbox.HubSpotOptions{Token: "another"}, connectors.Auth, "token", "hubspot.token"},
		"a missing scope": {sandbox.HubSpotOptions{Token: token, Scopes: []string{"crm.objects.contacts.read"}}, connectors.Auth, "crm.objects.contacts.write", "hubspot.scope_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			at := p
			if c.kind == connectors.Auth {
				at = newPlace(t, sandbox.HubSpotOptions{}) // a state without a first sync
			}
			portal := sandbox.NewHubSpot(c.o)
			id := portal.CreateContact(map[string]string{"email": "eve@three.example"})
			ada := portal.CreateContact(map[string]string{"email": "ada@one.example"})
			p := &place{dir: at.dir, file: at.file, events: at.events, portal: portal, log: &lockedBuffer{}}
			p.visit(t, "c"+id, "eve@three.example", connectors.KindDemoRequest, "/demo")
			a := p.open(t)
			defer a.Close()
			found, err := Examine.Do(t.Context(), a, File{})
			var text strings.Builder
			for _, f := range found {
				text.WriteString(f.Code + " " + f.Message + " " + f.Fix + "\n")
			}
			if err != nil || !strings.Contains(text.String(), c.code) {
				t.Errorf("the doctor lacks %s: %v\n%s", c.code, err, &text)
			}
			if _, err := a.Once(t.Context()); connectors.KindOf(err) != c.kind || !strings.Contains(err.Error()+text.String(), c.want) {
				t.Errorf("got %v, want %v with %q\n%s", err, c.kind, c.want, &text)
			}
			if n := portal.Counters().Patches; n != 0 || p.score(t, id) != "" || p.score(t, ada) != "" {
				t.Errorf("%d records were written", n)
			}
			if a.Health().Status != "failing" {
				t.Errorf("health: %+v", a.Health())
			}
			if strings.Contains(p.log.String(), "@") {
				t.Errorf("log:\n%s", p.log)
			}
		})
	}
}

// Promise: a model that fails in any way costs a person the model's texts, never the score; they get them once it is well.
func TestModelAnswersBadly(t *testing.T) {
	for _, fault := range geminitest.Faults {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
				ada := p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
				model := &geminitest.Server{Key: "key"}
				model.FailAlways(fault)
				p.write(t, "model: {provider: gemini, api_key: key, base_url: \"http://127.0.0.1:2\"}\n")
				a := p.openWith(t, hosts{"127.0.0.1:2": model, "127.0.0.1:1": p.portal.Transport()})
				p.provision(t, a)
				a.work(t.Context())
				time.Sleep(2 * time.Minute) // a first sync gives rules texts by itself
				p.visit(t, "a1", "ada@one.example", connectors.KindPageView, "/pricing")
				p.visit(t, "a2", "ada@one.example", connectors.KindDemoRequest, "/demo")
				time.Sleep(10 * time.Minute)
				props, _ := p.portal.Contact(ada)
				if props["intent_tier"] != "high" || props["intent_headline"] == "" || props["intent_summary"] == "" {
					t.Fatalf("while the model fails: %v\n%s", props, p.log)
				}
				// An answer of another form is an answer to the connector: the day's share of rules texts tells of it.
				if fault == geminitest.OffSchema {
					if n := scrape(t, a, `intentd_model_people_today{texts="rules"}`); n == "0" || n == "none" {
						t.Errorf("%s people with rules texts in place of the model's", n)
					}
				} else if fault != geminitest.NoUsage { // whatever keeps texts away shows up in health, log, status and metrics
					st, err := StatusOf.Do(t.Context(), a, Nothing{})
					up := scrape(t, a, `intentd_connector_up{connector="model"}`)
					if err != nil || st.Health.Status != "degraded" || st.Model == "" || up != "0" || !strings.Contains(p.log.String(), "look at the model") {
						t.Errorf("the model's silence is silent: %+v, %q, up %s, %v\n%s", st.Health, st.Model, up, err, p.log)
					}
				}
				r, err := Explain.Do(t.Context(), a, Who{Who: ada})
				if err != nil || fault != geminitest.NoUsage && len(r.Degraded) == 0 {
					t.Errorf("not marked: %v, %v", r, err)
				}
				model.FailAlways(geminitest.None)
				// A used-up day's limit is waited out; everything else is over sooner.
				for waited := time.Duration(0); err == nil && (len(r.Degraded) > 0 || r.Intent.Engine == "rules") && waited < 26*time.Hour; waited += 10 * time.Minute {
					time.Sleep(10 * time.Minute)
					r, err = Explain.Do(t.Context(), a, Who{Who: ada})
				}
				if err != nil || len(r.Degraded) != 0 || r.Intent.Engine == "rules" {
					t.Errorf("after it was well again: by %s, degraded %v, %v\n%s", r.Intent.Engine, r.Degraded, err, p.log)
				}
				time.Sleep(time.Minute)
				if h := a.Health(); h.Status != "ok" {
					t.Errorf("well again, yet %+v", h)
				}
				stopped(t, a)
				if log := p.log.String(); strings.Contains(log, "@") || strings.Contains(log, token) {
					t.Errorf("log:\n%s", log)
				}
			})
		})
	}
}

// Promise: what a person changed in our fields is counted in status, metrics and doctor, explained at once, and let go when asked.
func TestHeldFieldsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		ada := p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
		p.visit(t, "a1", "ada@one.example", connectors.KindDemoRequest, "/demo")
		a := p.open(t)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(10 * time.Minute)
		if err := p.portal.UpdateContact(ada, map[string]string{"intent_headline": "Call her, says Anna"}, "7"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		st, err := StatusOf.Do(t.Context(), a, Nothing{})
		if err != nil || st.Held.Records != 1 || st.Held.Fields["headline"] != 1 || scrape(t, a, "intentd_held_records") != "1" || scrape(t, a, `intentd_held_fields{field="headline"}`) != "1" {
			t.Errorf("held: %+v, %v", st.Held, err)
		}
		if r, err := Explain.Do(t.Context(), a, Who{Who: ada}); err != nil || !slices.Equal(r.Held, []string{"headline"}) {
			t.Errorf("explain: %v, %v", r, err)
		}
		found, err := Examine.Do(t.Context(), a, File{})
		if err != nil || !slices.ContainsFunc(found, func(c Checked) bool {
			return c.Code == "write.held" && strings.Contains(c.Message, "headline 1") && strings.Contains(c.Fix, "intentd release")
		}) {
			t.Errorf("doctor: %+v, %v", found, err)
		}
		if done, err := Release.Do(t.Context(), a, ReleaseArguments{Field: "headline"}); err != nil || done.Fields != 1 {
			t.Errorf("release: %+v, %v", done, err)
		}
		time.Sleep(10 * time.Minute)
		if v, _ := p.portal.Contact(ada); v["intent_headline"] == "Call her, says Anna" || scrape(t, a, "intentd_held_records") != "0" {
			t.Errorf("after the release: %v", v)
		}
		stopped(t, a)
	})
}

// scrape is the value of one figure.
func scrape(t *testing.T, a *App, figure string) string {
	t.Helper()
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if value, ok := strings.CutPrefix(line, figure+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "none"
}

// hosts sends requests where they belong.
type hosts map[string]http.RoundTripper

func (h hosts) RoundTrip(req *http.Request) (*http.Response, error) {
	if t, ok := h[req.URL.Host]; ok {
		return t.RoundTrip(req)
	}
	return nil, errors.New("no such host in this test: " + req.URL.Host)
}

// Promise: a daemon that is asked to stop in the middle of a first sync, with calls that hang, ends within its grace, and the
// next one finishes what it began.
func TestStopDuringFirstSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		const people = 8000 // more calls than a 10-second limit allows
		p.portal.CreateContacts(people, func(i int) map[string]string {
			return map[string]string{"email": "p" + string(rune('a'+i%26)) + time.Duration(i).String() + "@one.example", "hs_analytics_num_page_views": "3",
				"hs_analytics_last_timestamp": time.Now().Add(-time.Hour).Format(time.RFC3339)}
		})
		a := p.open(t)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(3 * time.Second)
		if !intake.NeedsFirstSync(a.pipe, "hubspot") {
			t.Error("the first sync was over too soon for this test")
		}
		p.portal.Faults().Add(sandbox.Fault{Delay: time.Hour, Times: -1})
		time.Sleep(2 * time.Second)
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took >= 20*time.Second {
			t.Errorf("stopped after %s", took)
		}
		p.portal.Faults().Clear()
		a = p.open(t)
		a.work(t.Context())
		for waited := 0; waited < 60 && (intake.NeedsFirstSync(a.pipe, "hubspot") || operate.StatusOf(a.pipe).Journal > 0 || operate.StatusOf(a.pipe).Queue["backfill"].Depth > 0); waited++ {
			time.Sleep(time.Minute)
		}
		if st := operate.StatusOf(a.pipe); st.People != people || st.Tiers["low"]+st.Tiers["medium"]+st.Tiers["high"] != people {
			t.Errorf("%d people, %v\n%s", st.People, st.Tiers, p.log)
		}
		stopped(t, a)
	})
}

// Promise: a copy of the event store can be had from a running daemon, without a trace beside the state, and is a store.
func TestBackupEvents(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
	p.visit(t, "a1", "ada@one.example", connectors.KindPageView, "/pricing")
	a := p.open(t)
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(p.dir, copyPrefix+"left-by-a-kill")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stopped(t, a)
	if _, err := os.Stat(left); err == nil {
		t.Error("what a kill left behind is still there")
	}
	client, err := Dial(t.Context(), a.Config().SocketPath())
	if err != nil {
		t.Fatal(err)
	}
	defer client.http.CloseIdleConnections()
	sizes := map[string]int64{}
	for _, target := range []Target{a, client} {
		dir := t.TempDir()
		n, err := target.BackupEvents(t.Context(), dir)
		if err != nil || n == 0 {
			t.Fatalf("%T: %d bytes, %v", target, n, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%T: %s: %v, %v", target, e.Name(), info.Mode(), err)
			}
			if size, again := sizes[e.Name()]; again && size != info.Size() {
				t.Errorf("%s: %d bytes by the one way, %d by the other", e.Name(), size, info.Size())
			}
			sizes[e.Name()] = info.Size()
		}
	}
	if left, _ := filepath.Glob(filepath.Join(p.dir, copyPrefix+"*")); len(left) != 0 {
		t.Errorf("left beside the state: %v", left)
	}
	if c, err := Compact.Do(t.Context(), client, Nothing{}); err != nil || c.After == 0 || c.EventsAfter == 0 {
		t.Errorf("compact: %+v, %v", c, err)
	}
}

// Promise: a copy that breaks off is an error, never half a copy that looks whole.
func TestBackupThatBreaksOff(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	a := p.open(t)
	defer a.Close()
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the answer was not broken off")
			}
		}()
		a.serveBackup(func(_ context.Context, w io.Writer) (int64, error) {
			_, _ = w.Write([]byte("half"))
			return 4, errors.New("the disk is full")
		})(w, httptest.NewRequest(http.MethodGet, "/backup", nil))
	}()
	if _, err := unpack(strings.NewReader("half of a tar archive"), t.TempDir()); err == nil {
		t.Error("half an archive was taken")
	}
}

// Promise: every state that cannot be used is one sentence that names the file.
func TestUnusableStates(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want error
	}{
		"text":      {func(t *testing.T, path string) { writeFile(t, path, "hello\n") }, state.ErrDamaged},
		"noise":     {func(t *testing.T, path string) { writeFile(t, path, strings.Repeat("\x00\xff7", 20000)) }, state.ErrDamaged},
		"directory": {func(t *testing.T, path string) { _ = os.Mkdir(path, 0o700) }, nil},
		"locked": {func(t *testing.T, path string) {
			db, err := state.Open(path, state.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
		}, state.ErrLocked},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, sandbox.HubSpotOptions{})
			path := filepath.Join(p.dir, "s.db")
			c.make(t, path)
			a, err := p.openBy(p.portal.Transport())
			if err == nil {
				a.Close()
				t.Fatal("opened")
			}
			if c.want != nil && !errors.Is(err, c.want) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) {
				t.Errorf("%v", err)
			}
			if f := StateFinding(path, err); f.Fix == "" || f.Code == "" || f.Severity != connectors.Failure {
				t.Errorf("%+v", f)
			}
		})
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Promise: before anybody was inferred, a plan takes about what the benchmark measured for a person's texts (0.00105 USD).
func TestTheEstimateIsNearWhatWasMeasured(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	p.write(t, "model: {provider: gemini, api_key: key}\n")
	a := p.open(t)
	defer a.Close()
	if usd := a.perPerson(a.made); usd < 0.00105/2 || usd > 0.00105*2 {
		t.Errorf("%.5f USD a person", usd)
	}
}

// Promise: with two CRMs the doctor asks about a sync between them, and names our fields on both sides.
func TestDoctorAsksAboutASync(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	text, err := os.ReadFile(p.file)
	if err != nil {
		t.Fatal(err)
	}
	second := fmt.Sprintf(", {name: second, type: hubspot, base_url: \"http://127.0.0.1:1\", token: %q, fields: {score: second_score}}]\nsources", token)
	writeFile(t, p.file, strings.Replace(string(text), "]\nsources", second, 1))
	a := p.open(t)
	defer a.Close()
	found, err := Examine.Do(t.Context(), a, File{})
	if err != nil || !slices.ContainsFunc(found, func(c Checked) bool {
		return c.Code == "write.synced" && c.Severity == connectors.Warning && strings.Contains(c.Message, "intent_score of hubspot, second_score of second")
	}) {
		t.Errorf("%+v, %v", found, err)
	}
}

// Promise: the doctor finds a place where nothing can be kept before run fails on it, and is content with one that is not there yet.
func TestPlaceFindings(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Default()
	cfg.State.Path = filepath.Join(dir, "not", "yet", "s.db")
	if found := PlaceFindings(cfg); len(found) != 0 {
		t.Errorf("a place that can be made: %+v", found)
	}
	writeFile(t, filepath.Join(dir, "file"), "")
	cfg.State.Path = filepath.Join(dir, "file", "s.db") // a file is no directory, for root neither
	found := PlaceFindings(cfg)
	if len(found) != 1 || found[0].Code != "state.read_only" || !strings.Contains(found[0].Message, dir) {
		t.Errorf("%+v", found)
	}
	if os.Getuid() == 0 {
		return // may write anywhere
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	cfg.State.Path = filepath.Join(dir, "s.db")
	if found := PlaceFindings(cfg); len(found) != 1 {
		t.Errorf("a directory that is only read: %+v", found)
	}
}

// Promise: people who wait for a CRM's quota are no standstill: nothing restarts a daemon that waits as it should.
func TestAWaitedOutQuotaIsNoStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
		var used atomic.Bool
		daily := roundTrip(func(req *http.Request) (*http.Response, error) {
			if used.Load() {
				return &http.Response{StatusCode: http.StatusTooManyRequests, Request: req, Header: http.Header{"Content-Type": {"application/json"}},
					Body: io.NopCloser(strings.NewReader(`{"status":"error","message":"You have reached your daily limit.","policyName":"DAILY","errorType":"RATE_LIMIT"}`))}, nil
			}
			return p.portal.Transport().RoundTrip(req)
		})
		a := p.openWith(t, daily)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(5 * time.Minute)
		used.Store(true)
		p.visit(t, "a1", "ada@one.example", connectors.KindDemoRequest, "/demo")
		time.Sleep(time.Hour)
		st := operate.StatusOf(a.pipe)
		if c := st.Connectors["hubspot"]; c.OK || c.Kind != "quota" {
			t.Fatalf("the test is no test: %+v", c)
		}
		if err := a.nothingToDo(t.Context()); err != nil || a.still.Load() {
			t.Errorf("taken for a standstill: %v", err)
		}
		if up := scrape(t, a, `intentd_connector_stopped{connector="hubspot",kind="quota"}`); up != "1" {
			t.Errorf("intentd_connector_stopped is %s", up)
		}
		if h := a.Health(); !h.Alive || h.Status != "degraded" {
			t.Errorf("%+v", h)
		}
		stopped(t, a)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
