package pipeline_test

import (
	"bytes"
	"os"
	"testing"
)

// assertNotInFile says that no trace of text is left in the bytes of a file.
func assertNotInFile(t *testing.T, path, text string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(text)) {
		t.Fatalf("%q is still in %s", text, path)
	}
}
