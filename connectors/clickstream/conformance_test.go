package clickstream

import (
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if inChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

var present = time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)

// open opens a store without fsync and closes it with the test.
func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return present }
	}
	o.NoSync = true
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func take(t testing.TB, s *Store, events ...connectors.Event) {
	t.Helper()
	n, err := s.Ingest(Batch{Source: "site", Events: events})
	if err != nil || n != len(events) {
		t.Fatalf("took in %d of %d events: %v", n, len(events), err)
	}
}

func TestSourceConformance(t *testing.T) {
	connectortest.Source(t, func(t *testing.T) connectortest.SourceHarness {
		dir := t.TempDir()
		s := open(t, dir, Options{PageSize: 100})
		return connectortest.SourceHarness{
			Source: s, Now: present,
			Add: func(t *testing.T, events ...connectors.Event) { take(t, s, events...) },
			Reopen: func(t *testing.T) connectors.Source {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = open(t, dir, Options{PageSize: 100})
				return s
			},
		}
	})
}
