package jsonl

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
	"github.com/intentd/intentd/connectors/connectortest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if inChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

// site is a directory of files with a feed on it, a clock and a store.
type site struct {
	t     testing.TB
	dir   string
	store *clickstream.Store
	src   *Feed
	clock atomic.Int64 // Unix seconds; the store reads it in the background
	o     Options
}

func (s *site) now() time.Time { return time.Unix(s.clock.Load(), 0).UTC() }

func newSite(t testing.TB, change func(o *Options)) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "events")}
	s.clock.Store(time.Now().Unix())
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := clickstream.Open(filepath.Join(t.TempDir(), "store"), clickstream.Options{NoSync: true, Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	s.store = store
	s.o = Options{Name: "site", Path: s.dir, Now: s.now}
	if change != nil {
		change(&s.o)
	}
	s.src = New(s.o)
	return s
}

// line is event n of its person, one a second.
func (s *site) line(n int) string {
	return fmt.Sprintf(`{"id":"e%d","time":%d,"kind":"page_view","email":"ann@example.com","url":"/%d"}`, n, s.now().Add(-10*time.Hour).Unix()+int64(n), n)
}

func (s *site) lines(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		b.WriteString(s.line(n) + "\n")
	}
	return b.String()
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) appendTo(name, content string) {
	s.t.Helper()
	f, err := os.OpenFile(s.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) rename(from, to string) {
	s.t.Helper()
	if err := os.Rename(s.path(from), s.path(to)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) take() Report {
	s.t.Helper()
	r, err := s.tryTake(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// tryTake is a poll; the report is that of what it read.
func (s *site) tryTake(ctx context.Context) (Report, error) {
	before := s.src.Total()
	more, err := true, error(nil)
	for more && err == nil {
		more, err = s.store.Fed("site", s.src).Take(ctx)
	}
	r := s.src.Total()
	r.Read -= before.Read
	r.Bytes -= before.Bytes
	r.Lines -= before.Lines
	r.Events -= before.Events
	r.Broken -= before.Broken
	return r, err
}

// examples are the broken lines remembered.
func (s *site) examples() []connectors.Unreadable {
	s.t.Helper()
	cursor, err := s.store.Cursor("site")
	if err != nil {
		s.t.Fatal(err)
	}
	i, err := New(s.o).Intake(cursor)
	if err != nil {
		s.t.Fatal(err)
	}
	return i.Examples
}

// has checks that exactly the events from..to are told, and that they were read once.
func (s *site) has(events int, read int64) {
	s.t.Helper()
	var urls []string
	w := connectors.Window{From: s.now().Add(-12 * time.Hour), To: s.now().Add(time.Hour)}
	for e, err := range s.store.Journeys(context.Background(), []connectors.Person{{Emails: []string{"ann@example.com"}}}, w) {
		if err != nil {
			s.t.Fatal(err)
		}
		urls = append(urls, e.URL)
	}
	if len(urls) != events {
		s.t.Errorf("%d events told, want %d", len(urls), events)
	}
	for i := range urls {
		if i < events && urls[i] != fmt.Sprintf("/%d", i) {
			s.t.Fatalf("event %d is %s", i, urls[i])
		}
	}
	if got := s.src.Total().Lines; got != read {
		s.t.Errorf("%d lines were read, want %d", got, read)
	}
}

func zipped(content string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(content))
	w.Close()
	return b.String()
}

// add appends events to a file.
func (s *site) add(t *testing.T, events ...connectors.Event) {
	t.Helper()
	var b bytes.Buffer
	for _, e := range events {
		line, err := json.Marshal(map[string]any{
			"id": e.ID, "time": e.Time, "kind": e.Kind, "email": e.Email, "user_id": e.UserID, "anonymous_id": e.AnonymousID, "url": e.URL, "page_title": e.PageTitle,
		})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	s.appendTo("events.jsonl", b.String())
}

func TestFeedConformance(t *testing.T) {
	connectortest.Feed(t, func(t *testing.T) connectortest.FeedHarness {
		s := newSite(t, func(o *Options) { o.BatchEvents = 50 })
		return connectortest.FeedHarness{
			Feed: s.src, Now: s.now(), Page: 50, Add: s.add, Reopen: func(t *testing.T) connectors.Feed { return New(s.o) },
		}
	})
}

// Together with the store a feed is a source.
func TestSourceConformance(t *testing.T) {
	connectortest.Source(t, func(t *testing.T) connectortest.SourceHarness {
		s := newSite(t, nil)
		return connectortest.SourceHarness{
			Source: s.store.Fed("site", s.src), Now: s.now(),
			Add: func(t *testing.T, events ...connectors.Event) {
				s.add(t, events...)
				if r := s.take(); r.Events != int64(len(events)) {
					t.Fatalf("took in %d of %d events", r.Events, len(events))
				}
			},
			Reopen: func(t *testing.T) connectors.Source {
				s.src = New(s.o)
				return s.store.Fed("site", s.src)
			},
		}
	})
}

// TestFiles: whatever is done to the files between two polls, every line is told once; and as the count of lines read shows, what
// was read is not read again. Each case runs with a source that lives on and with one restarted before every poll.
func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name   string
		do     func(s *site, poll func())
		events int
		read   int64
	}{
		{"appending", func(s *site, poll func()) {
			s.write("a.jsonl", s.lines(0, 5))
			poll()
			s.appendTo("a.jsonl", s.lines(5, 9))
			poll()
			poll()
		}, 9, 9},
		{"a half-written line waits for its rest", func(s *site, poll func()) {
			s.write("a.jsonl", s.lines(0, 2)+s.line(2)[:20])
			poll()
			s.appendTo("a.jsonl", s.line(2)[20:])
			poll()
			s.appendTo("a.jsonl", "\n"+s.lines(3, 4))
			poll()
		}, 4, 4},
		{"a first line that is not finished", func(s *site, poll func()) {
			s.write("a.jsonl", s.line(0)[:9])
			poll()
			s.appendTo("a.jsonl", s.line(0)[9:]+"\n")
			poll()
		}, 1, 1},
		{"a last line without line feed counts once the file rests", func(s *site, poll func()) {
			s.write("a.jsonl", s.lines(0, 2)+s.line(2))
			poll()
			s.clock.Add(120)
			poll()
			poll()
			s.appendTo("a.jsonl", "\n"+s.lines(3, 4))
			poll()
		}, 4, 4},
		{"rotation by renaming", func(s *site, poll func()) {
			s.write("a.log", s.lines(0, 5))
			poll()
			s.appendTo("a.log", s.lines(5, 7))
			s.rename("a.log", "a.log.1")
			s.write("a.log", s.lines(7, 9))
			poll()
			s.rename("a.log.1", "a.log.2")
			s.rename("a.log", "a.log.1")
			s.write("a.log", s.lines(9, 10))
			poll()
		}, 10, 10},
		{"rotation by copying and truncating", func(s *site, poll func()) {
			s.write("a.log", s.lines(0, 5))
			poll()
			s.appendTo("a.log", s.lines(5, 7))
			s.write("a.log.1", s.lines(0, 7))
			if err := os.Truncate(s.path("a.log"), 0); err != nil {
				s.t.Fatal(err)
			}
			s.appendTo("a.log", s.lines(7, 9))
			poll()
			s.appendTo("a.log", s.lines(9, 10))
			poll()
		}, 10, 10},
		{"truncated, and written to beyond where it was", func(s *site, poll func()) {
			s.write("a.log", s.lines(0, 3))
			poll()
			if err := os.Truncate(s.path("a.log"), 0); err != nil {
				s.t.Fatal(err)
			}
			s.appendTo("a.log", s.lines(3, 20))
			poll()
		}, 20, 20},
		{"rotated into gzip", func(s *site, poll func()) {
			s.write("a.log", s.lines(0, 5))
			poll()
			s.write("a.log.1.gz", zipped(s.lines(0, 7)))
			if err := os.Remove(s.path("a.log")); err != nil {
				s.t.Fatal(err)
			}
			s.write("a.log", s.lines(7, 9))
			poll()
			poll()
		}, 9, 9},
		{"a copy that turns up later", func(s *site, poll func()) {
			s.write("a.log", s.lines(0, 5))
			poll()
			if err := os.Remove(s.path("a.log")); err != nil {
				s.t.Fatal(err)
			}
			poll()
			s.write("archive.log", s.lines(0, 5))
			poll()
		}, 5, 5},
		{"replaced by a file of the same name", func(s *site, poll func()) {
			s.write("a.log", s.lines(0, 5))
			poll()
			s.write("b.tmp", s.lines(5, 12))
			s.rename("b.tmp", "a.log")
			poll()
		}, 12, 12},
		{"two files with the same lines", func(s *site, poll func()) {
			s.write("a.log", s.lines(0, 5))
			s.write("b.log", s.lines(0, 6))
			poll()
			poll()
		}, 6, 11}, // nothing is known of either when both are new: read twice, told once
		{"gzip that grows by members", func(s *site, poll func()) {
			s.write("a.gz", zipped(s.lines(0, 5)))
			poll()
			s.appendTo("a.gz", zipped(s.lines(5, 6)))
			poll()
			s.appendTo("a.gz", zipped("")+zipped(s.lines(6, 9)))
			poll()
		}, 9, 9},
		{"a line over two gzip members", func(s *site, poll func()) {
			s.write("a.gz", zipped(s.lines(0, 2)+s.line(2)[:20]))
			poll()
			s.appendTo("a.gz", zipped(s.line(2)[20:]+"\n"+s.lines(3, 4)))
			poll()
		}, 4, 4},
		{"gzip that is being written", func(s *site, poll func()) {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			write := func(text string) {
				w.Write([]byte(text))
				w.Flush()
				s.appendTo("a.gz", b.String())
				b.Reset()
				poll()
			}
			write(s.lines(0, 5))
			write(s.lines(5, 6) + s.line(6)[:9])
			write(s.line(6)[9:] + "\n")
			w.Close()
			s.appendTo("a.gz", b.String())
			poll()
			s.appendTo("a.gz", zipped(s.lines(7, 8)))
			poll()
		}, 8, 8},
		{"line ends of Windows, a byte order mark and blank lines", func(s *site, poll func()) {
			s.write("a.log", "\xef\xbb\xbf"+strings.ReplaceAll(s.lines(0, 3), "\n", "\r\n")+"\r\n \n\n"+s.lines(3, 4))
			poll()
		}, 4, 4},
		{"directories below, hidden files and unfinished uploads", func(s *site, poll func()) {
			if err := os.MkdirAll(s.path("2026/11"), 0o700); err != nil {
				s.t.Fatal(err)
			}
			s.write("2026/11/a.jsonl", s.lines(0, 3))
			s.write(".hidden", s.lines(3, 4))
			s.write("b.tmp", s.lines(4, 5))
			poll()
			s.rename("b.tmp", "b.jsonl")
			poll()
			_ = os.WriteFile(s.path("2026/11/a.jsonl"), []byte(s.lines(0, 5)), 0o600)
			poll()
		}, 5, 6},
		{"links to a file", func(s *site, poll func()) {
			s.write("a.log", s.lines(0, 3))
			for name, link := range map[string]func(from, to string) error{"current.log": os.Symlink, "z.log": os.Link} {
				if err := link(s.path("a.log"), s.path(name)); err != nil {
					s.t.Fatal(err)
				}
			}
			poll()
			s.appendTo("z.log", s.lines(3, 5))
			poll()
			poll()
		}, 5, 5},
		{"a line that is too long, and what follows", func(s *site, poll func()) {
			s.write("a.log", s.lines(0, 1)+`{"id":"`+strings.Repeat("x", maxLine))
			poll()
			s.appendTo("a.log", strings.Repeat("x", 2*maxLine))
			poll()
			s.appendTo("a.log", "\"}\n"+s.lines(1, 3))
			poll()
		}, 3, 3},
		{"a line of exactly the longest length", func(s *site, poll func()) {
			long := strings.TrimSuffix(s.line(0), "}") + `,"pad":"`
			s.write("a.log", long+strings.Repeat("x", maxLine-len(long)-2)+"\"}\n"+s.lines(1, 2))
			poll()
		}, 2, 2},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/restart=%v", c.name, restart), func(t *testing.T) {
				s := newSite(t, func(o *Options) { o.BatchEvents = 3 })
				var before Report
				c.do(s, func() {
					if restart {
						before.Lines += s.src.Total().Lines
						s.src = New(s.o)
					}
					s.take()
				})
				s.src.mu.Lock()
				s.src.total.Lines += before.Lines
				s.src.mu.Unlock()
				s.has(c.events, c.read)
			})
		}
	}
}

// TestBrokenLines: they are counted, named by file, line and reason, never by content, and hold nothing up.
func TestBrokenLines(t *testing.T) {
	var logged bytes.Buffer
	s := newSite(t, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
	s.write("a.jsonl", s.lines(0, 2)+"secret@example.com\n"+"\n"+`{"time":1,"kind":"secret@example.com"}`+"\n"+s.lines(2, 3)+strings.Repeat("y", maxLine+1)+"\n"+s.lines(3, 4))
	s.write("b.gz", zipped(s.lines(4, 5))[:10]+"\x07damaged damaged damaged") // a kind of block that there is none of
	r := s.take()
	if r.Lines != 6+1 || r.Broken != 4 || r.Events != 4 {
		t.Errorf("%+v", r)
	}
	var got []string
	for _, b := range s.examples() {
		got = append(got, fmt.Sprintf("%s:%d %s", filepath.Base(b.Where), b.Line, b.Reason))
	}
	slices.Sort(got)
	want := []string{"a.jsonl:3 " + reasonSyntax, "a.jsonl:5 " + reasonTime, "a.jsonl:7 " + reasonTooLong, "b.gz:1 " + reasonGzip}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if n := strings.Count(logged.String(), "level=WARN"); n != 2 {
		t.Errorf("%d warnings, want one a file:\n%s", n, logged.String())
	}
	if strings.Contains(logged.String(), "secret@") || strings.Contains(fmt.Sprint(s.examples(), s.store.Fed("site", s.src).Probe(t.Context())), "secret@") {
		t.Error("the content of a broken line is told")
	}
	if r := s.take(); r.Broken != 0 || r.Read != 0 {
		t.Errorf("an idle poll: %+v", r)
	}
	s.clock.Add(120)
	s.appendTo("a.jsonl", strings.Repeat("{\n", 500))
	if r := s.take(); r.Broken != 500 || len(s.examples()) != 3+connectors.KeptExamples {
		t.Errorf("%d broken, %d kept", r.Broken, len(s.examples()))
	}
}

// TestLineNumbers are those an editor shows, whatever was read when.
func TestLineNumbers(t *testing.T) {
	s := newSite(t, nil)
	s.write("a.jsonl", s.line(0))
	s.clock.Add(120)
	s.take() // without its line feed
	s.appendTo("a.jsonl", "\n\nbroken 3\n"+strings.Repeat("z", maxLine+9))
	s.take()
	s.appendTo("a.jsonl", "zzz\nbroken 5\n")
	s.take()
	var got []int64
	for _, b := range s.examples() {
		got = append(got, b.Line)
	}
	if !slices.Equal(got, []int64{3, 4, 5}) {
		t.Errorf("broken lines %d, want 3, 4 and 5", got)
	}
}

// TestMissingPath is a Config error with a fix; an empty directory is none.
func TestMissingPath(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Path = filepath.Join(o.Path, "nothing.jsonl") })
	if _, err := s.tryTake(t.Context()); connectors.KindOf(err) != connectors.Config {
		t.Errorf("got %v", err)
	}
	if f := s.src.Probe(t.Context()); len(f) != 1 || f[0].Severity != connectors.Failure {
		t.Errorf("doctor says %+v", f)
	}
	if s.src.Report().LastError == "" {
		t.Error("the error is not reported")
	}
	s.write("nothing.jsonl", s.lines(0, 1))
	if r := s.take(); r.Events != 1 || s.src.Report().LastError != "" {
		t.Errorf("%+v", r)
	}
	s = newSite(t, func(o *Options) { o.Path = filepath.Join(o.Path, "*.jsonl") })
	if r := s.take(); r.Files != 0 {
		t.Errorf("%+v", r)
	}
	s.write("a.jsonl", s.lines(0, 1))
	s.write("a.txt", s.lines(1, 2))
	if r := s.take(); r.Files != 1 || r.Events != 1 {
		t.Errorf("glob: %+v", r)
	}
}

// TestUnreadableFile holds up no other one.
func TestUnreadableFile(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	s := newSite(t, nil)
	s.write("a.jsonl", s.lines(5, 6))
	if err := os.Chmod(s.path("a.jsonl"), 0); err != nil {
		t.Fatal(err)
	}
	s.write("b.jsonl", s.lines(0, 3))
	r, err := s.tryTake(t.Context())
	if connectors.KindOf(err) != connectors.Config || r.Events != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestCancelled: what was committed stays, the rest of the file is taken in by the next Take though nothing changed in it.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newSite(t, func(o *Options) {
		o.BatchEvents = 10
		o.Logger = slog.New(cancelOnWarning{slog.DiscardHandler, cancel})
	})
	s.write("a.jsonl", s.lines(0, 500)+"broken\n"+strings.Repeat(" ", maxLine)+"\n"+s.lines(500, 1000))
	if _, err := s.tryTake(ctx); !connectors.Interrupted(err) {
		t.Errorf("got %v", err)
	}
	st, err := s.store.Stats()
	if err != nil || st.Accepted == 0 || st.Accepted == 1000 {
		t.Fatalf("%d events were taken in before: %v", st.Accepted, err)
	}
	s.src = New(s.o)
	s.take()
	s.has(1000, int64(1000-st.Accepted)) // the broken line was before
}

// cancelOnWarning ends the context when the first broken line is met.
type cancelOnWarning struct {
	slog.Handler
	cancel context.CancelFunc
}

func (h cancelOnWarning) Enabled(context.Context, slog.Level) bool { return true }

func (h cancelOnWarning) Handle(context.Context, slog.Record) error {
	h.cancel()
	return nil
}

// TestManySmallFiles are taken in by few commits.
func TestManySmallFiles(t *testing.T) {
	s := newSite(t, nil)
	for i := range 300 {
		s.write(fmt.Sprintf("%03d.jsonl", i), s.lines(i, i+1))
	}
	if r := s.take(); r.Events != 300 || r.Read != 300 {
		t.Errorf("%+v", r)
	}
	s.has(300, 300)
	st, err := s.store.Stats()
	if err != nil || st.Segments > 2 {
		t.Errorf("%d segments: %v", st.Segments, err)
	}
}

const childDir = "JSONL_TEST_DIR"

// inChild is what TestKilledDuringTake kills.
func inChild() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	store, err := clickstream.Open(filepath.Join(dir, "store"), clickstream.Options{})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	src := store.Fed("site", New(Options{Name: "site", Path: filepath.Join(dir, "events"), BatchEvents: 50}))
	fmt.Println("ready")
	for {
		if _, err := src.Take(context.Background()); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println("taken")
	}
}

// TestKilledDuringTake: events and file positions are one commit. However often the process is killed while files grow and
// rotate, no line is lost and none is told, or even stored, twice.
func TestKilledDuringTake(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes")
	}
	dir := t.TempDir()
	s := &site{t: t, dir: filepath.Join(dir, "events")}
	s.clock.Store(time.Now().Unix())
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	n := 0
	grow := func(by int) {
		s.appendTo("a.log", s.lines(n, n+by))
		n += by
	}
	grow(700)
	for round := range 15 {
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
		for range 1 + rand.IntN(3) {
			if lines.Scan(); strings.HasPrefix(lines.Text(), "error") {
				t.Error(lines.Text())
			}
			grow(200 + rand.IntN(300))
		}
		if round%3 == 2 {
			s.rename("a.log", fmt.Sprintf("a.log.%d", round))
		}
		grow(300)
		// Somewhere within what they cost: a commit of 50 events takes a few milliseconds.
		for until := time.Now().Add(time.Duration(rand.IntN(40_000)) * time.Microsecond); time.Now().Before(until); {
			runtime.Gosched()
		}
		child.Process.Kill()
		child.Wait()
	}
	store, err := clickstream.Open(filepath.Join(dir, "store"), clickstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s.store, s.src = store, New(Options{Name: "site", Path: s.dir})
	if _, err := s.tryTake(t.Context()); err != nil {
		t.Fatal(err)
	}
	st, err := store.Stats()
	if err != nil || st.Events != uint64(n) {
		t.Errorf("%d events stored, want %d: %v", st.Events, n, err)
	}
	s.has(n, s.src.Total().Lines)
}

// BenchmarkTake prints events a second from files to the store with fsync: reading, parsing and intake.
func BenchmarkTake(b *testing.B) {
	const lines = 500_000
	for _, zip := range []bool{false, true} {
		name := "plain"
		if zip {
			name = "gzip"
		}
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			f, err := os.Create(filepath.Join(dir, "a.jsonl"))
			if err != nil {
				b.Fatal(err)
			}
			w := bufio.NewWriter(f)
			z := gzip.NewWriter(w)
			start := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
			size := 0
			for n := range lines {
				p := (n / 5 * 7919) % (lines / 20)
				line := fmt.Sprintf(`{"id":"01f3c2a4-77aa-4a52-9b0f-%012d","time":"%s","kind":"page_view","email":"person%d@company%d.example","anonymous_id":"5f3c9a-%d","session_id":"s%d","url":"https://www.example.com/pricing?ref=%d","page_title":"Example: prices","referrer":"https://www.google.com/","user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/12%d.0.0.0 Safari/537.36"}`+"\n",
					n, start.Add(time.Duration(n)*15*time.Second).Format(time.RFC3339), p, p%5000, p, n/5, p%97, p%9)
				size += len(line)
				if zip {
					z.Write([]byte(line))
				} else {
					w.WriteString(line)
				}
			}
			if zip {
				z.Close()
			}
			w.Flush()
			f.Close()
			b.SetBytes(int64(size))
			for b.Loop() {
				b.StopTimer()
				store, err := clickstream.Open(b.TempDir(), clickstream.Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				r, err := store.Take(b.Context(), "site", New(Options{Name: "site", Path: dir}))
				if err != nil || r.Accepted != lines {
					b.Fatal(r, err)
				}
				b.StopTimer()
				store.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// A cursor of the time when the store kept a position for each file goes on where it stood.
func TestFirstVersionsPositions(t *testing.T) {
	s := newSite(t, nil)
	s.write("a.jsonl", s.lines(0, 5))
	s.write("b.jsonl", s.lines(5, 9))
	s.take()
	cursor, err := s.store.Cursor("site")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.src.recall(cursor)
	if err != nil {
		t.Fatal(err)
	}
	old, err := json.Marshal(map[string]any{"f1a": m.Files[0], "f2b": m.Files[1], "broken": []any{}})
	if err != nil {
		t.Fatal(err)
	}
	s.appendTo("b.jsonl", s.lines(9, 11))
	page, err := New(s.o).Take(t.Context(), old)
	if err != nil || len(page.Items) != 2 || page.More || page.Next[0] != cursorVersion {
		t.Errorf("%d events: %v", len(page.Items), err)
	}
}
