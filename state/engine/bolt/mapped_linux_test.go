package bolt

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/state/engine"
)

// However much is written and looked at between, the file's pages do not gather in the process's resident memory.
func TestWhatWasLookedAtDoesNotStayResident(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	e, err := Open(path, Options{Buckets: engine.Buckets{{Name: "a"}}, LockTimeout: time.Second, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	key := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	value := make([]byte, 1000)
	most := int64(0)
	for n := range uint64(40) {
		if err := e.Update(func(tx engine.Tx) error {
			if err := tx.Make(0); err != nil {
				return err
			}
			for i := range uint64(1000) {
				if i%50 == 0 {
					tx.Get(0, key(i*n)) // somewhere in what is there
				}
				if err := tx.Put(0, key(n*1000+i), value); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		most = max(most, residentOf(t, path))
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() < 40<<20 || most > 3*forgetAfter {
		t.Errorf("%d MB of a file of %d MB were resident", most>>20, info.Size()>>20)
	}
}

// residentOf is how many bytes of the mapped file are in the process's memory.
func residentOf(t *testing.T, path string) (bytes int64) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("the kernel does not tell what is resident: ", err)
	}
	_, ours, found := strings.Cut(string(maps), path+"\n")
	if !found {
		t.Fatal("the file is not mapped")
	}
	for line := range strings.Lines(ours) {
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &bytes); err == nil {
			return bytes << 10
		}
	}
	t.Fatal("no resident size in smaps")
	return 0
}
