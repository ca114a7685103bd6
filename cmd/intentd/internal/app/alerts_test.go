package app

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline"
)

// hooks are webhooks beside a CRM's network. What a host answers is as says has it, else 200 and ok.
type hooks struct {
	crm  http.RoundTripper
	mu   sync.Mutex
	says map[string]string // by host: "404 no_service"
	got  map[string][]string
}

func newHooks(crm http.RoundTripper) *hooks {
	return &hooks{crm: crm, says: map[string]string{}, got: map[string][]string{}}
}

func (h *hooks) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Host, ".hooks.example") {
		return h.crm.RoundTrip(r)
	}
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	name, _, _ := strings.Cut(r.URL.Host, ".")
	h.got[name] = append(h.got[name], string(body))
	status, said := http.StatusOK, "ok"
	if own := h.says[name]; own != "" {
		status, said = map[string]int{"404": 404, "429": 429, "500": 500}[own[:3]], own[4:]
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(said))), Request: r, ProtoMajor: 1, ProtoMinor: 1}, nil
}

func (h *hooks) said(name, answer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.says[name] = answer
}

func (h *hooks) posts(name string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.got[name]...)
}

const threeChannels = `
alerts:
  - {name: sales, type: slack, url: "https://slack.hooks.example/services/T0/B0/SECRETSECRETSECRET"}
  - {name: team, type: teams, url: "https://teams.hooks.example/flow?sig=SECRETSECRETSECRET"}
  - {name: bus, type: webhook, url: "https://bus.hooks.example/in", secret: whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=, show: [name, headline]}
`

func statusNow(t *testing.T, a *App) Status {
	t.Helper()
	st, err := StatusOf.Do(t.Context(), a, Nothing{})
	if err != nil || st.Alerts == nil {
		t.Fatal(err, st.Alerts)
	}
	return st
}

// Promise: who enters high by a new signal is told of once by each channel, over restarts, with no personal data that the channel may not
// show; a first sync and a change of the formula tell nobody, and are counted; a dead channel makes dead letters and holds up no other.
func TestAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.write(t, threeChannels)
		net := newHooks(p.portal.Transport())
		p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
		p.visit(t, "a1", "ada@one.example", connectors.KindDemoRequest, "/demo")
		p.portal.CreateContact(map[string]string{"email": "carol@one.example"})
		p.visit(t, "c1", "carol@one.example", connectors.KindPageView, "/pricing")
		a := p.openWith(t, net)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(10 * time.Minute)
		st := statusNow(t, a)
		if st.Tiers["high"] != 1 || len(net.posts("slack")) > 0 || st.Alerts.LeftOut[pipeline.UntoldFirstSync] != 1 {
			t.Fatalf("after the first sync: %v %v %+v", st.Tiers, net.posts("slack"), st.Alerts)
		}

		net.said("teams", "404 gone")
		bob := p.portal.CreateContact(map[string]string{"email": "bob@two.example", "firstname": "Bob", "lastname": "Stone"})
		p.visit(t, "bob1", "bob@two.example", connectors.KindDemoRequest, "/demo")
		time.Sleep(10 * time.Minute)
		slack, bus := net.posts("slack"), net.posts("bus")
		if len(slack) != 1 || len(bus) != 1 || !strings.Contains(slack[0], "record/0-1/"+bob) || strings.Contains(strings.ToLower(slack[0]), "stone") || strings.Contains(slack[0], "bob@") {
			t.Fatalf("slack %v\nbus %v\n%s", slack, bus, p.log)
		}
		if !strings.Contains(bus[0], `"name":"Bob Stone"`) || !strings.Contains(bus[0], `"headline":"`) || !strings.Contains(bus[0], `"tier":"high"`) {
			t.Errorf("%s", bus[0])
		}
		st = statusNow(t, a)
		letters, err := DeadList.Do(t.Context(), a, Nothing{})
		if st.Alerts.Dead != 1 || st.Dead != 1 || st.Alerts.Told != 2 || err != nil || len(letters) != 1 || letters[0].Op != "tell team" || letters[0].Name != "Bob Stone" {
			t.Errorf("%+v %+v %v", st.Alerts, letters, err)
		}
		for series, want := range map[string]string{`intentd_alerts_sent_total{channel="sales",kind="slack"}`: "1", `intentd_alerts_sent_total{channel="team",kind="teams"}`: "0", `intentd_alerts_dead{channel="team",kind="teams"}`: "1",
			`intentd_alerts_dead{channel="bus",kind="webhook"}`: "0", `intentd_alerts_waiting{channel="team",kind="teams"}`: "0"} {
			if got := scrape(t, a, series); got != want {
				t.Errorf("%s %s, want %s", series, got, want)
			}
		}
		stopped(t, a)

		a = p.openWith(t, net)
		a.work(t.Context())
		time.Sleep(5 * time.Minute)
		if n := len(net.posts("slack")); n != 1 || len(net.posts("bus")) != 1 {
			t.Errorf("told %d times after a restart", n)
		}
		net.said("teams", "")
		if n, err := DeadRetry.Do(t.Context(), a, Letters{Ref: "hubspot/contacts/" + bob}); n != 1 || err != nil {
			t.Error(n, err)
		}
		time.Sleep(time.Minute)
		if st = statusNow(t, a); st.Alerts.Dead+st.Alerts.Waiting != 0 || !strings.Contains(net.posts("teams")[len(net.posts("teams"))-1], "AdaptiveCard") {
			t.Errorf("%+v", st.Alerts)
		}

		p.write(t, threeChannels+"scoring: {margin: 0, tiers: {high: 11, medium: 10}, evidence: {key: 1}}\n")
		before := st.Tiers["high"]
		if problems, err := a.Reload(t.Context()); err != nil {
			t.Fatal(problems)
		}
		time.Sleep(10 * time.Minute)
		if st = statusNow(t, a); st.Tiers["high"] != before+1 || len(net.posts("slack")) != 1 || st.Alerts.LeftOut[pipeline.UntoldBackfill] != 1 {
			t.Errorf("after another formula: %v %+v %v", st.Tiers, st.Alerts, net.posts("slack"))
		}
		if err := sample(t, a, AlertSample{Channel: "sales"}); err != nil || !strings.Contains(net.posts("slack")[1], "sample") {
			t.Error(err, net.posts("slack"))
		}
		if err := sample(t, a, AlertSample{Channel: "sale"}); err == nil || !strings.Contains(err.Error(), "sales") {
			t.Error(err)
		}
		stopped(t, a)
		if log := p.log.String(); strings.Contains(log, "SECRETSECRET") || strings.Contains(log, "@") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// Promise: by day everything waits for the quiet hours' end and the daily time, and then comes as one message; who was forgotten or left
// the tier until then is not told of.
func TestAlertsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight, UTC
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.write(t, `
alerts:
  - {name: sales, type: slack, url: "https://slack.hooks.example/x", quiet: "22:00-08:00"}
  - {name: digest, type: slack, url: "https://digest.hooks.example/x", daily: "09:00", language: de}
`)
		net := newHooks(p.portal.Transport())
		p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
		a := p.openWith(t, net)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(10 * time.Minute)
		for _, name := range []string{"bob", "carol", "dave"} {
			p.portal.CreateContact(map[string]string{"email": name + "@two.example"})
			p.visit(t, name, name+"@two.example", connectors.KindDemoRequest, "/demo")
		}
		time.Sleep(7 * time.Hour)
		if st := statusNow(t, a); st.Alerts.Waiting != 6 || len(net.posts("slack"))+len(net.posts("digest")) > 0 {
			t.Fatalf("at seven: %+v %v", st.Alerts, net.posts("slack"))
		}
		if got := scrape(t, a, `intentd_alerts_waiting{channel="digest",kind="slack"}`); got != "3" {
			t.Errorf("the metric says that %s wait for the digest", got)
		}
		if _, err := Forget.Do(t.Context(), a, Who{Who: "dave@two.example"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if posts := net.posts("slack"); len(posts) != 1 || !strings.Contains(posts[0], "2 people are now high") || len(net.posts("digest")) > 0 {
			t.Errorf("at eight: %v %v", posts, net.posts("digest"))
		}
		time.Sleep(time.Hour)
		if posts := net.posts("digest"); len(posts) != 1 || !strings.Contains(posts[0], "Seit gestern neu auf „hoch“: 2") {
			t.Errorf("at nine: %v", posts)
		}
		if st := statusNow(t, a); st.Alerts.Waiting+st.Alerts.Dead != 0 {
			t.Errorf("%+v", st.Alerts)
		}
		stopped(t, a)
	})
}

func sample(t *testing.T, a *App, arg AlertSample) error {
	_, err := SendSample.Do(t.Context(), a, arg)
	return err
}

const taskChannels = `
alerts:
  - {name: tasks, type: crm_task, crm: hubspot, show: [headline], quiet: "22:00-01:00"}
  - {name: aufgaben, type: crm_task, crm: hubspot, language: de, quiet: "22:00-02:00"}
`

// Promise: who enters high by a new signal gets one task in the CRM from each channel, however often HubSpot loses its answer, owned by the
// record's owner; a task leads to no write and no look at the person's journey; while nothing is written to the CRM it waits; whose record is gone by
// then, or is not written any more, gets none.
func TestTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight, UTC
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.write(t, taskChannels)
		p.portal.SetOwner("7", "rep@x.example")
		p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
		a := p.open(t)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(10 * time.Minute)
		comes := func(name string) string {
			id := p.portal.CreateContact(map[string]string{"email": name + "@two.example", "hubspot_owner_id": "7"})
			p.visit(t, name, name+"@two.example", connectors.KindDemoRequest, "/demo")
			return id
		}
		tasks := func(want int, when string) []sandbox.HubSpotTask {
			t.Helper()
			made := p.portal.Tasks()
			if st := statusNow(t, a); len(made) != want || st.Alerts.Dead > 0 {
				t.Fatalf("%s: %d tasks, want %d: %+v\n%v\n%s", when, len(made), want, st.Alerts, made, p.log)
			}
			return made
		}
		reload := func(more string) {
			t.Helper()
			p.write(t, taskChannels+more)
			if problems, err := a.Reload(t.Context()); err != nil {
				t.Fatal(problems)
			}
		}
		bob, carol := comes("bob"), comes("carol")
		lost := p.portal.Faults().Add(sandbox.Fault{Method: "POST", Path: "/objects/2026-09/tasks", Times: 2, After: true, Reset: true})
		time.Sleep(40 * time.Minute)
		tasks(0, "in quiet hours")
		if err := p.portal.Archive(carol); err != nil {
			t.Fatal(err)
		}
		if _, err := Pause.Do(t.Context(), a, Nothing{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(40 * time.Minute)
		tasks(0, "while paused")
		if _, err := Resume.Do(t.Context(), a, Nothing{}); err != nil {
			t.Fatal(err)
		}
		writes := p.portal.Writes()[bob]
		time.Sleep(2 * time.Hour)
		made := tasks(2, "after two lost answers")
		for i, begin := range []string{"A person is now high (", "Eine Person ist jetzt auf „hoch“ ("} {
			if v := made[i].Values; made[i].Contacts[0] != bob || v["hubspot_owner_id"] != "7" || !strings.HasPrefix(v["hs_task_subject"], begin) || v["hs_timestamp"] < time.Now().UTC().Format(time.RFC3339) {
				t.Errorf("%+v", made[i])
			}
		}
		if lost.Count() != 2 || !strings.Contains(made[0].Values["hs_task_body"], "demo") || strings.Contains(made[1].Values["hs_task_body"], "demo") {
			t.Errorf("%d answers lost; %q and %q", lost.Count(), made[0].Values["hs_task_body"], made[1].Values["hs_task_body"])
		}
		if n := p.portal.Writes()[bob] - writes; n != 0 || statusNow(t, a).Alerts.Overtaken != 2 {
			t.Errorf("tasks led to %d writes; %+v", n, statusNow(t, a).Alerts)
		}

		time.Sleep(19 * time.Hour) // ten in the evening
		comes("dave")
		time.Sleep(10 * time.Minute)
		reload("write: {mode: off}\n")
		time.Sleep(5 * time.Hour)
		if tasks(2, "while writing is off"); statusNow(t, a).Alerts.Waiting != 2 {
			t.Errorf("%+v", statusNow(t, a).Alerts)
		}
		reload("write: {mode: canary, scope: {owner: [\"8\"]}}\n")
		time.Sleep(10 * time.Minute)
		if tasks(2, "out of the canary's scope"); statusNow(t, a).Alerts.Waiting != 0 || statusNow(t, a).Alerts.Overtaken != 4 {
			t.Errorf("%+v", statusNow(t, a).Alerts)
		}
		stopped(t, a)
		if log := p.log.String(); strings.Contains(log, "@") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// Promise: a CRM that refuses tasks makes dead letters with its words, which doctor explains beforehand, and holds up no other channel.
func TestTasksRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.write(t, `
alerts:
  - {name: tasks, type: crm_task, crm: hubspot}
  - {name: zulu, type: slack, url: "https://slack.hooks.example/x"}
`)
		net := newHooks(p.portal.Transport())
		p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
		a := p.openWith(t, net)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(10 * time.Minute)
		p.portal.Faults().Add(sandbox.Fault{Method: "POST", Path: "/objects/2026-09/tasks", Times: -1, Status: 403})
		checks, err := Examine.Do(t.Context(), a, File{})
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(checks, func(c Checked) bool { return c.Code == "alerts.tasks" }); i < 0 || checks[i].Severity != connectors.Failure || !strings.Contains(checks[i].Fix, "scopes") {
			t.Errorf("%+v", checks)
		}
		bob := p.portal.CreateContact(map[string]string{"email": "bob@two.example"})
		p.visit(t, "bob", "bob@two.example", connectors.KindDemoRequest, "/demo")
		time.Sleep(10 * time.Minute)
		letters, err := DeadList.Do(t.Context(), a, Nothing{})
		if err != nil || len(letters) != 1 || letters[0].Op != "tell tasks" || !strings.Contains(letters[0].Message, "MISSING_SCOPES") || len(net.posts("slack")) != 1 {
			t.Errorf("%+v %v %v", letters, err, net.posts("slack"))
		}
		p.portal.Faults().Clear()
		if n, err := DeadRetry.Do(t.Context(), a, Letters{Ref: "hubspot/contacts/" + bob}); n != 1 || err != nil {
			t.Error(n, err)
		}
		time.Sleep(time.Minute)
		if n := len(p.portal.Tasks()); n != 1 {
			t.Errorf("%d tasks after the scope was given", n)
		}
		stopped(t, a)
	})
}
