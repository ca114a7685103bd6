package clickstream

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// damageable is a closed store of some people, and the bytes of its main file.
func damageable(t *testing.T) (dir string, main []byte) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir, Options{})
	for round := range 20 {
		var batch []connectors.Event
		for i := range 100 {
			batch = append(batch, at(-round*100-i, fmt.Sprintf("e=p%d a=d%d", round*50+i, round*100+i)))
		}
		take(t, s, batch...)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	main, err := os.ReadFile(filepath.Join(dir, mainFile))
	if err != nil {
		t.Fatal(err)
	}
	return dir, main
}

// A damaged main file ends in an error, whatever is damaged and wherever it is met, never in a crash; and what Verify passes over is
// told as it was.
func TestDamagedMainFile(t *testing.T) {
	dir, whole := damageable(t)
	r := rand.New(rand.NewPCG(7, 8))
	refused, found := 0, 0
	for i := range 120 {
		b := slices.Clone(whole)
		at := r.IntN(len(b))
		switch i % 4 {
		case 0: // a bit
			b[at] ^= 1 << r.IntN(8)
		case 1: // a page of zeros
			clear(b[at&^4095 : at&^4095+4096])
		case 2: // a page of something else
			for k := range b[at&^4095 : at&^4095+4096] {
				b[at&^4095+k] = byte(r.Uint32())
			}
		case 3: // cut off
			b = b[:at]
		}
		if err := os.WriteFile(filepath.Join(dir, mainFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		// Half of them as after a crash, half as though the file had been closed in order.
		os.Remove(filepath.Join(dir, cleanFile))
		if r.IntN(2) == 0 {
			if err := os.WriteFile(filepath.Join(dir, cleanFile), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(dir, Options{NoSync: true, Now: func() time.Time { return present }})
		if err != nil {
			refused++
			if connectors.KindOf(err) != connectors.Config {
				t.Errorf("damage %d at %d: %v (%v)", i, at, err, connectors.KindOf(err))
			}
			continue
		}
		if err := s.Verify(t.Context()); err != nil {
			found++
			if connectors.KindOf(err) != connectors.Config {
				t.Errorf("damage %d at %d: %v (%v)", i, at, err, connectors.KindOf(err))
			}
		}
		_, _ = s.Active(t.Context(), nil)
		for _, err := range s.Journeys(t.Context(), []connectors.Person{by("e=p7"), by("a=d999")}, ever) {
			if err != nil {
				break
			}
		}
		s.Close()
	}
	if refused < 20 || refused+found < 50 {
		t.Errorf("of 120 damages %d were refused and %d found: the test does no damage any more", refused, found)
	}
}

// A store that was not closed in order opens as it was.
func TestOpenAfterCrash(t *testing.T) {
	dir, _ := damageable(t)
	if err := os.Remove(filepath.Join(dir, cleanFile)); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, cleanFile)); err == nil {
		t.Error("an open store says that it is closed in order")
	}
}
