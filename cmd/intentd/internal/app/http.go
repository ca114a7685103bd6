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
	"github.com/intentd/intentd/connectors/disk"
	"github.com/intentd/intentd/pipeline/operate"
)

// serveHTTP answers /healthz, /readyz and /metrics, where the configuration names an address.
func (a *App) serveHTTP() error {
	listen := a.cfg.HTTP.Listen
	if listen == "" {
		return nil
	}
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		fix := "name another address in http.listen, or set it to \"\" to do without health and metrics"
		if InUse(err) {
			fix = "another program listens there (ss -ltnp shows which): end it, or name another port in http.listen"
		}
		return fmt.Errorf("http.listen %s: %w: %s", listen, innermost(err), fix)
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

// innermost is an error without what wraps it.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// Addr is where HTTP is answered, "" if it is not.
func (a *App) Addr() string { return a.addr }

// Handler answers /healthz (200 while the process lives and works: a restart would mend nothing), /readyz (200 while there is a CRM
// that it can work for) and /metrics. Both probes tell the whole health in their body.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		h := a.Health()
		answer(w, h, h.Alive)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		h := a.Health()
		answer(w, h, a.ready.Load() && h.Status != "failing")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry(), promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	if a.page != nil {
		mux.HandleFunc("/", a.servePage)
	}
	return mux
}

// alive says why a restart would help, nil if it would not: work stands still, or the state does not answer.
func (a *App) alive() error {
	if a.still.Load() {
		return errors.New("work stands still")
	}
	return a.db.Alive()
}

func answer(w http.ResponseWriter, v any, ok bool) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

// Health is ok, degraded (it works, something wants a look) or failing (nothing gets done: an admin is needed, or a restart where
// /healthz says so, too). It names connectors and reasons, never a person.
type Health struct {
	Status  string   `json:"status"`
	Alive   bool     `json:"alive"` // false: a restart would help
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

// deadShare is the share of records with a dead letter from which on it is more than the usual record that a validation rule refuses.
const deadShare = 0.01

// Health looks at what is known; it asks nobody.
func (a *App) Health() Health {
	st := operate.StatusOf(a.pipe)
	h := Health{Alive: true}
	note := func(format string, args ...any) { h.Reasons = append(h.Reasons, fmt.Sprintf(format, args...)) }
	for name, c := range st.Connectors {
		if !c.OK {
			since := c.Since.UTC().Format(time.RFC3339)
			note("%s %s (%s since %s)", name, inWords(c.Kind), c.Kind, since)
		}
		if c.Followed != nil && c.Followed.Trouble(a.o.Now()) != "" {
			note("%s %s", name, c.Followed.Trouble(a.o.Now()))
		}
		if c.Intake != nil && c.Intake.Trouble() != "" {
			note("%s %s", name, c.Intake.Trouble())
		}
	}
	slices.Sort(h.Reasons)
	a.mu.Lock()
	watch, inlets := a.watch, a.made.inlets
	a.mu.Unlock()
	for _, name := range sortedNames(inlets) {
		if why := st.Connectors[name].Report.LastError; why != "" {
			note("%s cannot keep what it is sent: %s", name, why)
		}
	}
	if watch.trouble(a.o.Now()) != nil {
		note("the model gives no texts, so that they come from rules: intentd status says why")
	}
	if st.Batches.Error != "" {
		note("jobs at the model's vendor fail: intentd status says why")
	}
	if free, ok := disk.Free(st.State.Path); ok && free < fullDisk {
		note("the disk is nearly full: %d MiB are free beside the state file", free>>20)
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
	if st.Dead > 0 && float64(st.Dead) >= deadShare*float64(st.Contacts) {
		note("%s among %d records: intentd dead list shows what the CRM said", connectors.Counted(st.Dead, "dead letter"), st.Contacts)
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
	if err := a.alive(); err != nil {
		h.Status, h.Alive = "failing", false
		note("%s", err)
	}
	return h
}
