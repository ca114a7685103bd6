package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/intentd/intentd/connectors"
)

// serveHTTP answers /healthz, /readyz and /metrics, where the configuration names an address.
func (a *App) serveHTTP() error {
	listen := a.cfg.HTTP.Listen
	if listen == "" {
		return nil
	}
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	a.addr = ln.Addr().String()
	a.http = &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go func() {
		if err := a.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("health and metrics are no longer answered", "error", err)
		}
	}()
	return nil
}

// Addr is where HTTP is answered, "" if it is not.
func (a *App) Addr() string { return a.addr }

// Handler answers /healthz, /readyz and /metrics.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		h := a.Health()
		answer(w, h, h.Status != "failing")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		ready := a.ready.Load()
		answer(w, map[string]bool{"ready": ready}, ready)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry(), promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	return mux
}

func answer(w http.ResponseWriter, v any, ok bool) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

// Health is what /healthz tells: ok, degraded (it works, something wants a look) or failing (a restart or an admin is
// needed). It names connectors and reasons, never a person.
type Health struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons,omitempty"`
}

// inWords says what a connector's trouble means for whoever is on call.
func inWords(kind string) string {
	switch kind {
	case connectors.Transient.String():
		return "does not answer as it should"
	case connectors.RateLimited.String():
		return "asks to be called less often"
	case connectors.Quota.String():
		return "has used up its calls"
	case connectors.Auth.String():
		return "refuses the credentials"
	case connectors.Config.String():
		return "needs something set right"
	}
	return "is in trouble"
}

// Health looks at what is known; it asks nobody.
func (a *App) Health() Health {
	st := a.pipe.Status()
	var h Health
	note := func(format string, args ...any) { h.Reasons = append(h.Reasons, fmt.Sprintf(format, args...)) }
	for name, c := range st.Connectors {
		if !c.OK {
			since := c.Since.UTC().Format(time.RFC3339)
			note("%s %s (%s since %s)", name, inWords(c.Kind), c.Kind, since)
		}
		if c.Intake != nil && c.Intake.Trouble() != "" {
			note("%s %s", name, c.Intake.Trouble())
		}
	}
	slices.Sort(h.Reasons)
	a.mu.Lock()
	watch := a.watch
	a.mu.Unlock()
	if watch.trouble(a.o.Now()) != nil {
		note("the model refuses: texts come from rules")
	}
	if st.Paused {
		note("paused by an admin")
	}
	if st.Brake != "" {
		note("writing is stopped by the brake: look at intentd status")
	}
	if st.Clock != "" {
		note("the clock is not trusted")
	}
	if st.Dead > 0 {
		what := "dead letters"
		if st.Dead == 1 {
			what = "dead letter"
		}
		note("%d %s: intentd dead list shows what the CRM said", st.Dead, what)
	}
	if a.reloadErr.Load() != nil {
		note("the last reload was refused: the old configuration goes on")
	}
	h.Status = "ok"
	if len(h.Reasons) > 0 {
		h.Status = "degraded"
	}
	broken := 0
	for _, crm := range a.pipe.Setup().CRMs {
		if c := st.Connectors[crm.Name]; c.Kind == connectors.Auth.String() || c.Kind == connectors.Config.String() {
			broken++
		}
	}
	if n := len(a.pipe.Setup().CRMs); n > 0 && broken == n {
		h.Status = "failing"
		note("no CRM can be used: intentd doctor says what to do")
	}
	return h
}
