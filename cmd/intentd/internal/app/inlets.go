package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
)

// An inlet is where a source is sent its events.
type inlet struct {
	address string
	handler http.Handler
}

// inletAddresses are where the sources of a configuration listen, as one text.
func inletAddresses(inlets map[string]inlet) string {
	var out []string
	for name, in := range inlets {
		out = append(out, name+" "+in.address)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// serveInlets listens for the sources that are sent their events. A request is answered under the configuration in force when it comes.
func (a *App) serveInlets() error {
	for name, in := range a.made.inlets {
		ln, err := net.Listen("tcp", in.address)
		if err != nil {
			fix := "name another address in the source's listen"
			if InUse(err) {
				fix = "another program listens there (ss -ltnp shows which): end it, or name another port in the source's listen"
			}
			a.closeInlets()
			return fmt.Errorf("source %s: listen %s: %w: %s", name, in.address, innermost(err), fix)
		}
		s := &http.Server{
			Handler: a.InletHandler(name), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
			MaxHeaderBytes: 16 << 10,
		}
		a.inlets = append(a.inlets, openInlet{name, ln.Addr().String(), s})
		go func() {
			if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
				a.log.Error("events are no longer taken", "source", name, "error", err)
			}
		}()
		a.log.Info("listens for events", "source", name, "address", ln.Addr().String())
	}
	return nil
}

// openInlet is an inlet that is listened at.
type openInlet struct {
	source, address string
	server          *http.Server
}

// InletHandler takes what a source is sent, whether the app listens or not, under the configuration in force.
func (a *App) InletHandler(source string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		in := a.made.inlets[source]
		a.mu.Unlock()
		in.handler.ServeHTTP(w, r)
	})
}

// endInlets lets requests under way end, as far as ctx allows.
func (a *App) endInlets(ctx context.Context) {
	for _, in := range a.inlets {
		_ = in.server.Shutdown(ctx)
	}
	a.closeInlets()
}

func (a *App) closeInlets() {
	for _, in := range a.inlets {
		_ = in.server.Close()
	}
	a.inlets = nil
}

// Inlet is where a source is sent its events, "" if it is not.
func (a *App) Inlet(source string) string {
	for _, in := range a.inlets {
		if in.source == source {
			return in.address
		}
	}
	return ""
}

// hearing notes which sources saw somebody whom they know, or have something to take, until these are listened to.
type hearing struct {
	mu   sync.Mutex
	of   map[string]bool
	wake chan struct{}
}

func newHearing() *hearing { return &hearing{of: map[string]bool{}, wake: make(chan struct{}, 1)} }

func (h *hearing) from(source string) {
	h.mu.Lock()
	h.of[source] = true
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hearing) take() map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.of
	h.of = map[string]bool{}
	return of
}

// settle is how long people who were seen wait for others, so that a busy site does not cost a commit for each of them.
const settle = 500 * time.Millisecond

// listenAtOnce puts people whom a source was told of into the queue at once. What fails is made good by the source's poll.
func (a *App) listenAtOnce(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.heard.wake:
		}
		for source := range a.heard.take() {
			a.mu.Lock()
			_, told := a.made.inlets[source]
			wakes := a.made.wakers[source]
			a.mu.Unlock()
			if !told && !wakes {
				continue
			}
			if _, err := intake.Listen(ctx, a.pipe, source, a.pipe.Setup().Settle); err != nil && !errors.Is(err, pipeline.ErrBusy) && ctx.Err() == nil {
				a.log.Debug("could not listen at once", "source", source, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(settle):
		}
	}
}
