package main

import (
	"os"
	"os/exec"
	"testing"
)

// Promise: a reader that goes away (intentd demo | head -1) leaves no temporary files behind: they hold people's data.
func TestReaderGoesAway(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "demo", "--json")
	cmd.Env = append(os.Environ(), asDaemon+"=1", "TMPDIR="+dir)
	cmd.Stdout = w
	err = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit %d, %v", code, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
