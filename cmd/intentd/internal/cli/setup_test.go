package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Promise: without a command a configuration that is there is named under the help; without a terminal the help is all.
func TestAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	code, out, _ := intentd(t)
	if code != Done || !strings.Contains(out, "Usage:") || strings.Contains(out, "There is a configuration") || strings.Contains(out, "http://") {
		t.Errorf("exit %d\n%s", code, out)
	}
	for _, name := range []string{"intentd.yaml", "other.yaml"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	says := func(file string, args ...string) {
		t.Helper()
		var o output
		p := Process{Args: args, Stdout: &o, Stderr: &o, Terminal: true, Browse: func(link string) { t.Errorf("a browser is sent to %s", link) }}
		if code := Run(t.Context(), p); code != Done || !strings.Contains(o.String(), "Usage:") || !strings.Contains(o.String(), "There is a configuration: "+file) {
			t.Errorf("exit %d\n%s", code, o.String())
		}
	}
	says("intentd.yaml")
	says("other.yaml", "-c", "other.yaml")
	t.Setenv("INTENTD_CONFIG", "other.yaml")
	says("other.yaml")
}

// Promise: at a terminal without a configuration the browser is sent a link that opens the set-up page, on the loopback alone; who ends it there
// leaves nothing behind. A browser that has no link sees nothing.
func TestAloneOpensTheSetup(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("INTENTD_CONFIG", "conf/intentd.yaml") // so that no configuration of this machine is met
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var o output
	opened := ""
	code := Run(ctx, Process{Stdout: &o, Stderr: &o, Terminal: true, Browse: func(link string) {
		defer end()
		opened = link
		for path, want := range map[string]string{link: `name="link"`, link[:strings.Index(link, "/signin")]: "prints a link"} {
			resp, err := http.Get(path)
			if err != nil {
				t.Error(err)
				return
			}
			got := httptest.NewRecorder()
			_ = resp.Write(got)
			if resp.StatusCode != http.StatusOK || !strings.Contains(got.Body.String(), want) || strings.Contains(got.Body.String(), `name="secret"`) {
				t.Errorf("%s answers\n%s", path, got.Body)
			}
		}
	}})
	if code != Done || !strings.HasPrefix(opened, "http://127.0.0.1:") || !strings.Contains(o.String(), opened) {
		t.Errorf("exit %d, %q\n%s", code, opened, o.String())
	}
	if found, _ := filepath.Glob("*"); len(found) != 0 {
		t.Errorf("left behind: %v", found)
	}
}
