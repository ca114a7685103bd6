package collector

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Promise: the script of our own takes a page 2 kB at most, and touches the device's storage in one place alone.
func TestScript(t *testing.T) {
	s := newSetup(t, nil)
	w := s.do(httptest.NewRequest(http.MethodGet, "/intentd.js", nil))
	wantCode(t, w, 200)
	text := w.Body.String()
	if len(text) > 2048 || len(text) < 1000 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
		t.Errorf("%d bytes of %s", len(text), w.Header().Get("Content-Type"))
	}
	if strings.Contains(text, "//") || strings.Count(text, "localStorage") != 1 || strings.Contains(text, "cookie") || strings.Contains(text, "sessionStorage") {
		t.Errorf("%s", text)
	}
	again := httptest.NewRequest(http.MethodGet, "/intentd.js", nil)
	again.Header.Set("If-None-Match", w.Header().Get("ETag"))
	wantCode(t, s.do(again), 304)
}
