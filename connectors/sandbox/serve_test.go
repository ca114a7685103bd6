package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		promise string
		fault   Fault
		status  int    // 0: the request fails
		holds   string // part of the answer
		broken  bool   // the body breaks off
		applied bool   // the write took effect
	}{
		{promise: "a status", fault: Fault{Status: 423}, status: 423, holds: "locked"},
		{promise: "a status of no body's own", fault: Fault{Status: 521}, status: 521, holds: `"status":"error"`},
		{promise: "a given body", fault: Fault{Status: 502, Body: "gone"}, status: 502, holds: "gone"},
		{promise: "nothing said is a 500", fault: Fault{}, status: 500, holds: `"status":"error"`},
		{promise: "a proxy's page", fault: Fault{HTML: true}, status: 502, holds: "<html>"},
		{promise: "a proxy's page with success", fault: Fault{HTML: true, Status: 200}, status: 200, holds: "<html>"},
		{promise: "a policy", fault: Fault{Policy: "DAILY"}, status: 429, holds: `"policyName":"DAILY"`},
		{promise: "a connection that breaks", fault: Fault{Reset: true}},
		{promise: "a connection that breaks after the write", fault: Fault{Reset: true, After: true}, applied: true},
		{promise: "a lost answer", fault: Fault{Status: 504, After: true}, status: 504, applied: true},
		{promise: "a body that breaks off", fault: Fault{Cut: 20}, status: 200, holds: `{"status":"COMPLETE",`[:20], broken: true, applied: true},
		{promise: "another path", fault: Fault{Path: "/search"}, status: 200, applied: true},
		{promise: "another method", fault: Fault{Method: "GET"}, status: 200, applied: true},
		{promise: "skipping the first", fault: Fault{Skip: 1}, status: 200, applied: true},
	} {
		t.Run(c.promise, func(t *testing.T) {
			for way, client := range map[string]func(*HubSpot, context.Context) (*http.Client, string){
				"transport": func(h *HubSpot, _ context.Context) (*http.Client, string) {
					return &http.Client{Transport: h.Transport()}, "https://api.hubapi.com"
				},
				"socket": func(h *HubSpot, ctx context.Context) (*http.Client, string) {
					url, err := h.Listen(ctx, "127.0.0.1:0")
					if err != nil {
						t.Fatal(err)
					}
					return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, url
				},
			} {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				h := NewHubSpot(HubSpotOptions{})
				id := h.CreateContact(nil)
				in := h.Faults().Add(c.fault)
				hc, base := client(h, ctx)
				q, _ := http.NewRequestWithContext(ctx, "POST", base+dated+"/batch/update", strings.NewReader(`{"inputs":[{"id":"1","properties":{"city":"Ulm"}}]}`))
				q.Header.Set("Authorization", "Bearer pat-na1-sandbox")
				q.Header.Set("Content-Type", "application/json")
				res, err := hc.Do(q)
				var body []byte
				if err == nil {
					var readErr error
					body, readErr = io.ReadAll(res.Body)
					res.Body.Close()
					if (readErr != nil) != c.broken {
						t.Errorf("%s: reading the body: %v", way, readErr)
					}
				}
				switch {
				case c.status == 0 && err == nil:
					t.Errorf("%s: answered %d", way, res.StatusCode)
				case c.status != 0 && err != nil:
					t.Errorf("%s: %v", way, err)
				case c.status != 0 && (res.StatusCode != c.status || !bytes.Contains(body, []byte(c.holds))):
					t.Errorf("%s: %d %s", way, res.StatusCode, body)
				}
				if props, _ := h.Contact(id); (props["city"] == "Ulm") != c.applied {
					t.Errorf("%s: applied is %v", way, !c.applied)
				}
				other := c.fault.Path != "" || c.fault.Method != "" || c.fault.Skip > 0
				if want := map[bool]int{true: 0, false: 1}[other]; in.Count() != want || h.Faults().Total() != want {
					t.Errorf("%s: counted %d, want %d", way, in.Count(), want)
				}
			}
		})
	}
}

func TestFaultsEnd(t *testing.T) {
	p := newPortal(t, HubSpotOptions{Unlimited: true})
	f := p.Faults().Add(Fault{Path: "/contacts", Status: 503, Times: 2, RetryAfter: "7"})
	for _, want := range []int{503, 503, 200} {
		a := p.want(want, p.ask("GET", dated, nil))
		if want == 503 && (a.header.Get("Retry-After") != "7") {
			t.Errorf("headers %v", a.header)
		}
	}
	forever := p.Faults().Add(Fault{Status: 503, Times: -1})
	for range 5 {
		p.want(503, p.ask("GET", dated, nil))
	}
	forever.Remove()
	p.want(200, p.ask("GET", dated, nil))
	p.Faults().Add(Fault{Times: -1})
	p.Faults().Clear()
	p.want(200, p.ask("GET", dated, nil))
	if f.Count() != 2 || forever.Count() != 5 || p.Counters().Faults != 7 {
		t.Errorf("counted %d, %d and %d", f.Count(), forever.Count(), p.Counters().Faults)
	}
}

func TestTransportRunsUnderSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHubSpot(HubSpotOptions{SearchLag: time.Minute})
		h.CreateContact(nil)
		hc := &http.Client{Transport: h.Transport()}
		search := func(ctx context.Context) (*http.Response, error) {
			q, _ := http.NewRequestWithContext(ctx, "POST", "https://any.host"+dated+"/search", strings.NewReader(`{}`))
			q.Header.Set("Authorization", "Bearer pat-na1-sandbox")
			q.Header.Set("Content-Type", "application/json")
			return hc.Do(q)
		}
		total := func() string {
			res, err := search(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(res.Body)
			if res.Header.Get("Date") != time.Now().UTC().Format(http.TimeFormat) {
				t.Errorf("Date is %q", res.Header.Get("Date"))
			}
			return string(b[:9])
		}
		if got := total(); got != `{"total":` {
			t.Fatal(got)
		}
		time.Sleep(time.Minute)
		h.Faults().Add(Fault{Delay: time.Hour})
		start := time.Now()
		total()
		if d := time.Since(start); d != time.Hour {
			t.Errorf("a delay of an hour took %v", d)
		}
		h.Faults().Add(Fault{Delay: time.Hour, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err := search(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("a request under a deadline ended with %v after %v", err, time.Since(start))
		}
		h.Faults().Clear()
		if _, err := search(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a request after its deadline ended with %v", err)
		}
	})
}

func TestListenEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	h := NewHubSpot(HubSpotOptions{})
	url, err := h.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hc := &http.Client{Transport: &http.Transport{}}
	res, err := hc.Get(url + "/account-info/v3/details")
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if res.StatusCode != 401 {
		t.Errorf("without a token: %d", res.StatusCode)
	}
	cancel()
	for {
		if _, err := hc.Get(url); err != nil {
			break
		}
	}
	hc.CloseIdleConnections()
	if _, err := h.Listen(t.Context(), "nowhere:-1"); err == nil {
		t.Error("listened nowhere")
	}
}

func TestRollingWindow(t *testing.T) {
	start := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	r := &rolling{max: 2, span: 10 * time.Second}
	for _, c := range []struct {
		at   time.Duration
		ok   bool
		wait time.Duration
	}{{0, true, 0}, {4, true, 0}, {5, false, 5}, {9, false, 1}, {10, true, 0}, {10, false, 4}, {14, true, 0}, {15, false, 5}} {
		wait, ok := r.allow(start.Add(c.at * time.Second))
		if ok != c.ok || wait != c.wait*time.Second {
			t.Errorf("at %d s: %v %v, want %v %v", c.at, ok, wait, c.ok, c.wait)
		}
	}
	if n := r.used(start.Add(15 * time.Second)); n != 2 {
		t.Errorf("used %d", n)
	}
}
