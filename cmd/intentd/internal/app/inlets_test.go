package app

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
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
		others := p.somebody(60)
		a := p.open(t)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(2 * time.Minute)
		web := a.InletHandler("web")
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
		random := rand.New(rand.NewPCG(1, 2))
		var took []time.Duration
		for i, id := range others {
			send(t, web, siteKey, strings.NewReplacer("m1", fmt.Sprint("page", i), "v1", fmt.Sprint("visitor", i)).Replace(pricing))
			time.Sleep(time.Duration(random.Int64N(int64(30 * time.Second))))
			send(t, web, serverKey, fmt.Sprintf(`{"type":"identify","messageId":"i%d","userId":"u%d","anonymousId":"visitor%d","traits":{"email":"p%d@one%d.example"}}`, i, i, i, i, i))
			took = append(took, p.until(t, id))
		}
		median, text := spread(took)
		t.Logf("identified by a server → score in the CRM: %s", text)
		if median > 5*time.Second {
			t.Error("too late")
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

const identified = `{"type":"identify","messageId":"m2","anonymousId":"v1","traits":{"email":"ada@one.example"}}`

// Promise: what a browser says of who it is counts once something trusted says the same within a day, whichever comes first, and not
// before; until then explain lists it and status counts it.
func TestBrowserIsConfirmed(t *testing.T) {
	for _, of := range []struct {
		name   string
		key    string
		before bool // what vouches comes first
		vouch  func(t *testing.T, p *place, web http.Handler)
		counts bool
		says   string // of why the visitor is them
	}{
		{name: "by nothing", counts: false},
		{name: "by a form", counts: true, says: "a form that was sent (site, 1 Jan 2000 00:04 UTC)", vouch: func(t *testing.T, p *place, _ http.Handler) {
			p.visit(t, "f1", "ada@one.example", "form_submit", "/contact")
		}},
		{name: "by a form of the CRM", counts: true, says: "a conversion in the CRM (hubspot-engagement, 1 Jan 2000 00:04 UTC)", vouch: func(t *testing.T, p *place, _ http.Handler) {
			id, _ := p.portal.ContactByEmail("ada@one.example")
			now := strconv.FormatInt(time.Now().UnixMilli(), 10)
			if err := p.portal.UpdateContact(id, map[string]string{"num_conversion_events": "1", "recent_conversion_date": now, "first_conversion_date": now, "recent_conversion_event_name": "Contact us"}, ""); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "by a form before", before: true, counts: true, says: "a form that was sent (site, 1 Jan 2000 00:02 UTC)", vouch: func(t *testing.T, p *place, _ http.Handler) {
			p.visit(t, "f1", "ada@one.example", "form_submit", "/contact")
		}},
		{name: "by a click on a mail", counts: true, says: "a click on a mail sent to them (site, ", vouch: func(t *testing.T, p *place, _ http.Handler) {
			p.visit(t, "c1", "ada@one.example", "email_click", "/offer")
		}},
		{name: "by a server", counts: true, says: "an identify that is trusted (web, ", vouch: func(t *testing.T, _ *place, web http.Handler) {
			send(t, web, serverKey, `{"type":"identify","messageId":"m3","userId":"42","traits":{"email":"ada@one.example"}}`)
		}},
		{name: "by a server, of the same browser", counts: true, says: "an identify that is trusted (web, ", vouch: func(t *testing.T, _ *place, web http.Handler) {
			send(t, web, serverKey, `{"type":"identify","messageId":"m3","userId":"42","anonymousId":"v1","traits":{"email":"ada@one.example"}}`)
		}},
		{name: "not by a page", counts: false, vouch: func(t *testing.T, p *place, _ http.Handler) {
			p.visit(t, "p1", "ada@one.example", "page_view", "/pricing")
		}},
		{name: "not by somebody else's form", counts: false, vouch: func(t *testing.T, p *place, _ http.Handler) {
			p.visit(t, "f1", "bob@two.example", "form_submit", "/contact")
		}},
		{name: "not by another browser", counts: false, vouch: func(t *testing.T, _ *place, web http.Handler) {
			send(t, web, siteKey, `{"type":"track","event":"form_submit","messageId":"m3","anonymousId":"v2","context":{"traits":{"email":"ada@one.example"}}}`)
		}},
		{name: "not by a form two days before", before: true, counts: false, vouch: func(t *testing.T, p *place, _ http.Handler) {
			p.visitAt(t, time.Now().Add(-50*time.Hour), "f1", "ada@one.example", "form_submit", "/contact")
		}},
		{name: "a key that is trusted", key: serverKey, counts: true},
	} {
		t.Run(of.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
				p.withCollector(t, "127.0.0.1:0")
				p.portal.CreateContact(map[string]string{"email": "ada@one.example"})
				a := p.open(t)
				p.provision(t, a)
				a.work(t.Context())
				time.Sleep(2 * time.Minute)
				web := a.InletHandler("web")
				if of.before && of.vouch != nil {
					of.vouch(t, p, web)
					time.Sleep(5 * time.Minute)
				}
				key := siteKey
				if of.key != "" {
					key = of.key
				}
				send(t, web, siteKey, pricing)
				send(t, web, key, identified)
				time.Sleep(2 * time.Minute)
				if !of.before && of.vouch != nil {
					of.vouch(t, p, web)
				}
				time.Sleep(2 * time.Minute)
				counted, proposed := false, false
				why := ""
				if r, err := Explain.Do(t.Context(), a, Who{Who: "ada@one.example"}); err == nil {
					for _, s := range r.Signals {
						counted = counted || s.Source == "web" && s.EventID == "m1"
					}
					proposed = len(r.Proposals) > 0
					for _, l := range r.Links {
						if l.Value == "v1" {
							why = l.Reason
						}
					}
				} else {
					proposed = strings.Contains(err.Error(), "anonymous_id v1 of web gave their email")
				}
				if counted != of.counts || proposed == of.counts {
					t.Errorf("counts: %v, proposed: %v; want %v, %v\n%s", counted, proposed, of.counts, !of.counts, p.log)
				}
				if of.says != "" && !strings.HasPrefix(why, "gave their email to web, confirmed by "+of.says) {
					t.Errorf("explain says of why the visitor is them: %q", why)
				}
				st, err := StatusOf.Do(t.Context(), a, Nothing{})
				if err != nil {
					t.Fatal(err)
				}
				if i := st.Connectors["web"].Intake; of.key == "" && (i.Proposed < 1 || i.Confirmed > 0 != of.counts) {
					t.Errorf("status: %+v", i)
				}
				stopped(t, a)
			})
		})
	}
}

// Promise: consent that is withdrawn erases what was recorded and what was made of it, empties the CRM's fields and keeps the record; what
// comes later counts once there is another consent.
func TestConsentIsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, sandbox.HubSpotOptions{Now: time.Now})
		p.withCollector(t, "127.0.0.1:0")
		ada := p.portal.CreateContact(map[string]string{"email": "ada@one.example", "firstname": "Ada"})
		a := p.open(t)
		p.provision(t, a)
		a.work(t.Context())
		time.Sleep(2 * time.Minute)
		web := a.InletHandler("web")
		send(t, web, siteKey, pricing)
		send(t, web, serverKey, `{"type":"identify","messageId":"m2","userId":"42","anonymousId":"v1","traits":{"email":"ada@one.example"}}`)
		p.visit(t, "a1", "ada@one.example", "form_submit", "/contact") // of a source of its own
		time.Sleep(2 * time.Minute)
		if p.score(t, ada) == "" {
			t.Fatal("no score to begin with")
		}
		send(t, web, siteKey, `{"type":"track","event":"Consent Withdrawn","messageId":"m3","anonymousId":"v1","context":{"consent":{"categoryPreferences":{"analytics":false}}}}`)
		time.Sleep(5 * time.Minute)
		if props, _ := p.portal.Contact(ada); props["intent_score"] != "" || !strings.HasPrefix(props["intent_reasons"], "No score") || !strings.HasPrefix(props["intent_summary"], "No activity") || props["intent_tier"] != "unknown" || props["firstname"] != "Ada" {
			t.Errorf("the CRM still shows %v\n%s", props, p.log)
		}
		held, err := Export.Do(t.Context(), a, Who{Who: "ada@one.example"})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range held.Events {
			if !e.Withdraws() {
				t.Errorf("still held: %+v", e)
			}
		}
		for _, r := range held.Receipts {
			if len(r.Signals) > 0 {
				t.Errorf("a receipt of before is kept: %+v", r)
			}
		}
		if len(held.Records) != 1 {
			t.Errorf("the record is gone: %+v", held.Records)
		}
		// Without consent nothing counts, with it all does.
		send(t, web, serverKey, `{"type":"track","event":"Demo Requested","messageId":"m4","userId":"42"}`)
		time.Sleep(time.Minute)
		if got := p.score(t, ada); got != "" {
			t.Errorf("scored %s without consent", got)
		}
		send(t, web, serverKey, `{"type":"track","event":"Demo Requested","messageId":"m5","userId":"42","context":{"consent":{"categoryPreferences":{"analytics":true}}}}`)
		time.Sleep(time.Minute)
		if p.score(t, ada) == "" {
			t.Errorf("not scored with consent\n%s", p.log)
		}
		stopped(t, a)
	})
}
