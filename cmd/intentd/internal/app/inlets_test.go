package app

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors/sandbox"
)

const (
	siteKey   = "write-key-of-the-site"
	serverKey = "write-key-of-the-server"
)

// withCollector gives a place a collector that nobody polls within an hour.
func (p *place) withCollector(t *testing.T, listen string) {
	t.Helper()
	p.sources = fmt.Sprintf("{name: web, type: collector, listen: %q, poll: '@every 1h', write_keys: [{key: %s}, {key: %s, trusted: true}]}, ", listen, siteKey, serverKey)
	p.write(t, "")
}

// send sends a batch of calls by a key to where a source of an app takes them.
func send(t *testing.T, h http.Handler, key, calls string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v1/batch", strings.NewReader(`{"batch":[`+calls+`]}`))
	r.SetBasicAuth(key, "")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

const pricing = `{"type":"page","messageId":"m1","anonymousId":"v1","context":{"page":{"url":"https://www.example.com/pricing","title":"Prices"},"consent":{"categoryPreferences":{"analytics":true}}}}`

// Promise: whom a server names is in the CRM within seconds, with what they did before they were known, whenever the source is polled.
func TestIdentifiedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.withCollector(t, "127.0.0.1:0")
		ada := p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
		a := p.open(t)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(2 * time.Minute)
		web := a.inletOf("web")
		send(t, web, siteKey, pricing)
		time.Sleep(2 * time.Minute)
		if got := p.score(t, ada); got != "" {
			t.Fatalf("scored %s by what nobody knows to be theirs", got)
		}
		send(t, web, serverKey, `{"type":"identify","messageId":"m2","userId":"42","anonymousId":"v1","traits":{"email":"ada@one.example"}}`)
		time.Sleep(5 * time.Second)
		if p.score(t, ada) == "" {
			t.Errorf("no score 5 s after the server said who it is\n%s", p.log)
		}
		stopped(t, a)
	})
}

// Promise: events are taken while the daemon runs and not before or after; a port that is taken is told with the fix; who listens where
// needs a restart, keys do not.
func TestInletOfADaemon(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := newPlace(t, sandbox.HubSpotOptions{})
	p.withCollector(t, taken.Addr().String())
	a := p.open(t)
	if err := a.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "another program listens there") {
		t.Fatalf("a port that is taken: %v", err)
	}
	a.Close()
	p.withCollector(t, "127.0.0.1:0")
	a = p.open(t)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	url := "http://" + a.Inlet("web") + "/v1/batch"
	post := func(key string) (int, error) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"batch":[`+pricing+`]}`))
		r.SetBasicAuth(key, "")
		resp, err := client.Do(r)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		return resp.StatusCode, nil
	}
	if code, err := post(siteKey); code != 200 {
		t.Errorf("%d, %v", code, err)
	}
	old := p.sources
	p.sources = strings.Replace(old, siteKey, "another-write-key", 1)
	p.write(t, "")
	if problems, err := a.Reload(t.Context()); err != nil {
		t.Fatal(problems, err)
	}
	if code, _ := post(siteKey); code != http.StatusUnauthorized {
		t.Errorf("the key of before: %d", code)
	}
	if code, _ := post("another-write-key"); code != 200 {
		t.Errorf("the new key: %d", code)
	}
	p.sources = strings.Replace(old, "127.0.0.1:0", "127.0.0.1:1", 1)
	p.write(t, "")
	if _, err := a.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "restart") {
		t.Errorf("another port: %v", err)
	}
	st, err := StatusOf.Do(t.Context(), a, Nothing{})
	if i := st.Connectors["web"].Intake; err != nil || i == nil || i.Events != 1 || i.LeftOut["told before"] != 1 || i.Unread() != 1 {
		t.Errorf("status: %+v, %v", i, err)
	}
	stopped(t, a)
	if _, err := post(siteKey); err == nil {
		t.Error("events are taken after the end")
	}
	if log := p.log.String(); strings.Contains(log, siteKey) {
		t.Errorf("the log shows a key:\n%s", log)
	}
}
