package connectortest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Clock is the present of a stand-in.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock stands at a time.
func NewClock(at time.Time) *Clock { return &Clock{now: at} }

// Now is its time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Later moves it.
func (c *Clock) Later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Wire is a stand-in for a server as the client's transport: without sockets, so that it works in any bubble of time.
type Wire func(w http.ResponseWriter, r *http.Request)

// RoundTrip implements http.RoundTripper.
func (serve Wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	serve(w, r)
	return w.Result(), nil
}

// Reply answers with a status, a body and further headers.
func Reply(w http.ResponseWriter, status int, body string, header http.Header) {
	for k, v := range header {
		w.Header()[k] = v
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// NoProblem checks that settings have no mistake.
func NoProblem(t *testing.T, o connectors.Settings) {
	t.Helper()
	var problems []connectors.Problem
	o.Check(connectors.NewCheck("sources[0]", &problems))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
}

// OneProblem checks that settings have one mistake, which is told at its key with what to do about it.
func OneProblem(t *testing.T, o connectors.Settings, key string) {
	t.Helper()
	var problems []connectors.Problem
	o.Check(connectors.NewCheck("sources[0]", &problems))
	if len(problems) != 1 || problems[0].Path != "sources[0]."+key || problems[0].Fix == "" {
		t.Errorf("%s: %+v", key, problems)
	}
}
