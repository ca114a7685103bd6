package clickstream

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/intentd/intentd/connectors"
)

// together gives batches at one time, and returns how many events of each were accepted.
func together(t *testing.T, s *Store, batches ...Batch) ([]int, []error) {
	t.Helper()
	accepted, errs := make([]int, len(batches)), make([]error, len(batches))
	var wg sync.WaitGroup
	s.intake.Lock() // as though a commit were under way
	for i, b := range batches {
		wg.Go(func() { accepted[i], errs[i] = s.Ingest(b) })
		for n := 0; n <= i; runtime.Gosched() {
			s.batches.mu.Lock()
			n = len(s.batches.waiting)
			s.batches.mu.Unlock()
		}
	}
	s.intake.Unlock()
	wg.Wait()
	return accepted, errs
}

// Batches that wait at the same time share a commit; each is told what became of its own events.
func TestBatchesShareCommits(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	accepted, errs := together(t, s,
		Batch{Source: "a", Events: []connectors.Event{at(1, "e=ann"), at(2, "")}, Cursor: connectors.Cursor("1")},
		Batch{Source: "a", Events: []connectors.Event{at(3, "e=ann"), at(4, "e=bob"), at(1, "e=ann")}},
		Batch{Source: "b", Events: []connectors.Event{at(5, "e=ann")}},
		Batch{Source: "a", Events: []connectors.Event{at(6, "e=bob")}, Cursor: connectors.Cursor("2")},
	)
	if got := fmt.Sprint(accepted, errs); got != "[1 2 1 1] [<nil> <nil> <nil> <nil>]" {
		t.Errorf("accepted and errors: %s", got)
	}
	if st := stats(t, s); st.Segments != 3 || st.Events != 5 {
		t.Errorf("%d events in %d commits, want 5 in 3: a, a · b · a", st.Events, st.Segments)
	}
	for source, want := range map[string]string{"a": "2", "b": ""} {
		if c, err := s.Cursor(source); string(c) != want || err != nil {
			t.Errorf("cursor of %s: %q, %v", source, c, err)
		}
	}
	for source, want := range map[string]int64{"a": 4, "b": 1} {
		if i, err := s.Intake(source); i.Events != want || err != nil {
			t.Errorf("%s: %+v, %v", source, i, err)
		}
	}
}

// When a shared commit fails every batch of it fails, nothing of any is kept, and each can be given again.
func TestSharedCommitFails(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if err := os.Mkdir(segmentPath(dir, 1), 0o700); err != nil {
		t.Fatal(err)
	}
	batches := []Batch{{Source: "a", Events: []connectors.Event{at(1, "e=ann")}}, {Source: "a", Events: []connectors.Event{at(2, "e=bob")}}}
	if _, errs := together(t, s, batches...); errs[0] == nil || errs[1] == nil {
		t.Errorf("errors: %v", errs)
	}
	if accepted, errs := together(t, s, batches...); fmt.Sprint(accepted, errs) != "[1 1] [<nil> <nil>]" {
		t.Errorf("again: %v %v", accepted, errs)
	}
}
