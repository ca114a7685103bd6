package clickstream

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

const childDir = "CLICKSTREAM_TEST_DIR"

// inChild runs what TestKilledDuringIntake kills: it takes in numbered batches for ever, each with its number as the offset.
func inChild() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	s, err := Open(dir, Options{Partition: 24 * time.Hour, Now: func() time.Time { return present }})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	n, err := nextBatch(s)
	for ; err == nil; n++ {
		_, err = s.Ingest(Batch{Source: "site", Events: numbered(n), Cursor: connectors.Cursor(strconv.Itoa(n + 1))})
		fmt.Println(n)
	}
	fmt.Println("error:", err)
	os.Exit(1)
	return true
}

func nextBatch(s *Store) (int, error) {
	cursor, err := s.Cursor("site")
	if err != nil || cursor == nil {
		return 0, err
	}
	return strconv.Atoi(string(cursor))
}

const perBatch = 60

// numbered is batch n: a person of three days, with a device that becomes known in the next batch.
func numbered(n int) []connectors.Event {
	events := make([]connectors.Event, perBatch)
	for i := range events {
		events[i] = connectors.Event{
			ID: fmt.Sprintf("%d-%d", n, i), Kind: connectors.KindPageView,
			Time:        present.Add(-time.Duration(i*73) * time.Minute),
			AnonymousID: fmt.Sprintf("device-%d", n),
			URL:         fmt.Sprintf("/%d/%d", n, i),
		}
	}
	if n > 0 {
		events[0].AnonymousID, events[0].Email = fmt.Sprintf("device-%d", n-1), fmt.Sprintf("p%d@example.com", n-1)
	}
	return events
}

// TestKilledDuringIntake: events, links, feed and offsets are one commit. Whenever the process is killed, what the offset
// says was taken in is there, once, and nothing else.
func TestKilledDuringIntake(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes")
	}
	dir := t.TempDir()
	kills, batches := 20, 0
	for range kills {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for at := 1 + rand.IntN(8); at > 0 && lines.Scan(); at-- {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Error(lines.Text())
			}
		}
		// Somewhere within one of the batches under way: each takes a few milliseconds.
		for until := time.Now().Add(time.Duration(rand.IntN(20_000)) * time.Microsecond); time.Now().Before(until); {
			runtime.Gosched()
		}
		child.Process.Kill()
		child.Wait()
	}
	s := open(t, dir, Options{})
	n, err := nextBatch(s)
	if err != nil {
		t.Fatal(err)
	}
	batches = n
	if batches < kills {
		t.Fatalf("only %d batches were taken in", batches)
	}
	st, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if want := uint64(batches * perBatch); st.Events != want {
		t.Errorf("%d events, want %d", st.Events, want)
	}
	var people []connectors.Person
	for i := range batches - 1 {
		people = append(people, connectors.Person{Key: strconv.Itoa(i), Emails: []string{fmt.Sprintf("p%d@example.com", i)}})
	}
	seen := map[string]int{}
	for e, err := range s.Journeys(t.Context(), people, connectors.Window{From: present.AddDate(0, -1, 0), To: present.Add(time.Hour)}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[e.ID]++
	}
	for b := range batches - 1 {
		for i := range perBatch {
			if b > 0 && i == 0 {
				continue // the form of the person before
			}
			if id := fmt.Sprintf("%d-%d", b, i); seen[id] != 1 {
				t.Fatalf("event %s is there %d times, want once", id, seen[id])
			}
		}
	}
	told := map[string]bool{}
	page, err := s.Active(t.Context(), nil)
	for ; err == nil; page, err = s.Active(t.Context(), page.Next) {
		for _, p := range page.Items {
			told[p.Emails[0]] = true
		}
		if !page.More {
			break
		}
	}
	if err != nil || len(told) != batches-1 {
		t.Errorf("the feed tells %d people, want %d: %v", len(told), batches-1, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) > st.Segments+1 {
		t.Errorf("%d files for %d segments: what the kills left lies about", len(files), st.Segments)
	}
}
