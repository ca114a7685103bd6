package app

import (
	"bytes"
	"io"
	"net/http"
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
