package web

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Promise: in a real browser a link signs in by itself, and no page breaks its policy or fails in its script.
func TestInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("skipped: needs Chromium, which is not here")
	}
	w := newWorld(t, "en", "")
	w.signIn()
	link, _ := w.page.Link()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/signin" && r.URL.Path != "/" { // the browser begins anew for each page
			r.AddCookie(&http.Cookie{Name: cookieName, Value: w.cookie})
		}
		w.Handler().ServeHTTP(rw, r)
	}))
	defer server.Close()
	for path, holds := range map[string]string{link: `<data id="people" value="3">`, "/person/p1": `<data id="score"`, "/people": `<tr data-person="p1"`} {
		cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=5000", "--dump-dom", server.URL+path)
		var said strings.Builder
		cmd.Stderr = &said
		page, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, said.String())
		}
		if !strings.Contains(string(page), holds) {
			t.Errorf("%s leads to\n%s", path, page)
		}
		if found := regexp.MustCompile(`.*:CONSOLE.*`).FindString(said.String()); found != "" {
			t.Errorf("%s: the browser says %s", path, found)
		}
	}
}
