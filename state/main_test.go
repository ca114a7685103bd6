package state

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("STATE_CRASH_CHILD"); path != "" {
		crashChild(path)
		return
	}
	if path := os.Getenv("STATE_FULL_CHILD"); path != "" {
		fullChild(path)
		return
	}
	goleak.VerifyTestMain(m)
}
