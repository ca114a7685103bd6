package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Promise: every command has its page, and equal sources give equal files.
func TestManualIsReproducible(t *testing.T) {
	t.Setenv("INTENTD_CONFIG", "")
	t.Setenv("TZ", "UTC")
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		if err := write(dir, "1.2.3", "1700000000"); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(filepath.Join(first, "*", "*"))
	if err != nil || len(names) < 20 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		a, _ := os.ReadFile(name)
		b, _ := os.ReadFile(filepath.Join(second, strings.TrimPrefix(name, first)))
		if len(a) == 0 || string(a) != string(b) {
			t.Errorf("%s: %d and %d bytes", filepath.Base(name), len(a), len(b))
		}
	}
	page, err := os.ReadFile(filepath.Join(first, "man", "intentd-init.1"))
	if err != nil || !strings.Contains(string(page), "Nov 2023") || !strings.Contains(string(page), "intentd 1.2.3") || !strings.Contains(string(page), "token-file") {
		t.Errorf("%v\n%s", err, page)
	}
}
