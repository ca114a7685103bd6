package config

import (
	"os"
	"path/filepath"
	"testing"
)

// Promise: whatever is wrong with a file, the daemon that runs on its state is found, as far as the file still tells where.
func TestWhereabouts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	t.Setenv("TEST_PLACE", "/srv")
	usual := Default().State.Path
	for text, want := range map[string]string{
		"state: {path: /a/s.db}\nlog: {level: loud}\nnonsense: 1\n":      "/a/s.db",
		"state:\n  path: /a/s.db\nlog: [\n":                              "/a/s.db",
		"log: {level: info}\nstate:\n  path: /a/s.db\nhttp: }\n\tx: y\n": "/a/s.db",
		"state: {path: \"${TEST_PLACE}/s.db\"}\n":                        "/srv/s.db",
		"log: [\nstate: {path: /a/s.db}\n":                               usual,
		"state: [1]\n":                                                   usual,
		"\n":                                                             usual,
		"":                                                               usual,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Whereabouts(file).State.Path; got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if got := Whereabouts(filepath.Join(t.TempDir(), "none")).State.Path; got != usual {
		t.Errorf("no file: %s", got)
	}
	t.Setenv("INTENTD_STATE_PATH", "/env/s.db")
	if got := Whereabouts(file).State.Path; got != "/env/s.db" {
		t.Errorf("with INTENTD_STATE_PATH: %s", got)
	}
}
