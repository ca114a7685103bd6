package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors/jsonl"
)

// Promise: whatever is wrong with a file, the daemon that runs on its state is found, as far as the file still tells where.
func TestWhereabouts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	t.Setenv("TEST_PLACE", "/srv")
	usual := filepath.Join(filepath.Dir(file), "intentd.db")
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
	if got := Whereabouts(filepath.Join(filepath.Dir(file), "none")).State.Path; got != usual {
		t.Errorf("no file: %s", got)
	}
	t.Setenv("INTENTD_STATE_PATH", "/env/s.db")
	if got := Whereabouts(file).State.Path; got != "/env/s.db" {
		t.Errorf("with INTENTD_STATE_PATH: %s", got)
	}
}

// Promise: paths are relative to the config file; what is there relative to the working directory only is used as before, and told.
func TestRelativePaths(t *testing.T) {
	dir, here := t.TempDir(), t.TempDir()
	t.Chdir(here)
	file := filepath.Join(dir, "config.yaml")
	put := func(path string) {
		if err := os.WriteFile(path, []byte("secret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, []byte(`state: {path: old.db}
crms:
  - name: hubspot
    type: hubspot
    token_file: token
sources: [{name: a, type: jsonl, path: "new/*.jsonl"}, {name: b, type: jsonl, path: "old/*.jsonl"}]
privacy: {own_hosts: [a.example]}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{filepath.Join(dir, "new"), "old"} {
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(dir, "new", "x.jsonl"))
	put("old/x.jsonl")
	put("old.db")
	put("token")
	if err := os.Chmod("token", 0o644); err != nil {
		t.Fatal(err)
	}
	cfg, problems := Load(file, types)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if got := cfg.State.Path; got != "old.db" || Whereabouts(file).State.Path != got {
		t.Errorf("the state that is there is not used: %s", got)
	}
	if got := cfg.Sources[0].Settings.(*jsonl.Config).Path; got != filepath.Join(dir, "new/*.jsonl") {
		t.Errorf("events %s", got)
	}
	var told []string
	for _, p := range problems {
		told = append(told, p.String())
	}
	want := []string{
		"line 1: state.path: old.db is there relative to the working directory only; relative paths are relative to the config file — write " + filepath.Join(here, "old.db"),
		"line 5: crms[0].token_file: token is there relative to the working directory only; relative paths are relative to the config file — write " + filepath.Join(here, "token"),
		"line 5: crms[0].token_file: token can be read by others (mode 0644) — chmod 0600 token",
		"line 6: sources[1].path: old/*.jsonl is there relative to the working directory only; relative paths are relative to the config file — write " + filepath.Join(here, "old/*.jsonl"),
	}
	if !slices.Equal(told, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	put(filepath.Join(dir, "old.db"))
	if cfg, problems = Load(file, types); cfg == nil || cfg.State.Path != filepath.Join(dir, "old.db") || !strings.Contains(problems[0].Message, "twice") {
		t.Errorf("with two states: %v", problems)
	}
	t.Setenv("INTENTD_STATE_PATH", "from-here.db")
	if cfg, _ = Load(file, types); cfg == nil || cfg.State.Path != "from-here.db" {
		t.Errorf("a path in the environment: %+v", cfg)
	}
}
