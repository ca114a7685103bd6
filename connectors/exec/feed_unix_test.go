//go:build unix

package exec

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// The test binary is the command, too: FEED_DIR names where its events lie.
func TestMain(m *testing.M) {
	if dir := os.Getenv("FEED_DIR"); dir != "" && len(os.Args) > 1 && os.Args[1] == "print" {
		os.Exit(command(dir, os.Args[2:]))
	}
	os.Exit(m.Run())
}

// command prints three events behind the cursor, which counts lines.
func command(dir string, args []string) int {
	if len(args) > 0 {
		switch args[0] {
		case "hang":
			fmt.Println(`{"cursor":"lost"}`)
			time.Sleep(time.Hour)
		case "flood":
			for {
				if _, err := fmt.Println(strings.Repeat(" ", 1000)); err != nil {
					return 1
				}
			}
		case "say":
			fmt.Println(args[1])
			return 0
		case "environment":
			fmt.Printf("{\"cursor\":%q}\n", strings.Join(os.Environ(), "\n"))
			return 0
		}
	}
	if left, err := os.ReadFile(filepath.Join(dir, "fail")); err == nil {
		if n, _ := strconv.Atoi(string(left)); n > 0 {
			_ = os.WriteFile(filepath.Join(dir, "fail"), []byte(strconv.Itoa(n-1)), 0o600)
			fmt.Println(`{"kind":"page_view","time":1,"email":"half@example.com"}`)
			fmt.Fprintln(os.Stderr, "began\nno answer for ada@one.example, password=hunter22")
			return 3
		}
	}
	all, _ := os.ReadFile(filepath.Join(dir, "events"))
	lines := strings.Split(strings.TrimSpace(string(all)), "\n")
	at, _ := strconv.Atoi(os.Getenv("INTENTD_CURSOR"))
	end := min(at+3, len(lines))
	if len(all) == 0 {
		at, end = 0, 0
	}
	for _, line := range lines[at:end] {
		fmt.Println(line)
	}
	fmt.Printf("{\"cursor\":%d,\"more\":%v}\n", end, end < len(lines) && end > at)
	return 0
}

func feed(t *testing.T, dir string, args ...string) *Feed {
	t.Setenv("FEED_DIR", dir)
	return &Feed{name: "crm-export", now: time.Now, o: Config{Command: append([]string{os.Args[0], "print"}, args...), Timeout: 20 * time.Second, Env: []string{"FEED_DIR"}}}
}

func TestFeed(t *testing.T) {
	connectortest.Feed(t, func(t *testing.T) connectortest.FeedHarness {
		dir := t.TempDir()
		return connectortest.FeedHarness{
			Feed: feed(t, dir), Now: time.Now(), Page: 3,
			Add: func(t *testing.T, events ...connectors.Event) {
				f, err := os.OpenFile(filepath.Join(dir, "events"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				for _, e := range events {
					b, _ := json.Marshal(e)
					fmt.Fprintf(f, "%s\n", b)
				}
			},
			Reopen: func(t *testing.T) connectors.Feed { return feed(t, dir) },
			Fail: func(n int) {
				if err := os.WriteFile(filepath.Join(dir, "fail"), []byte(strconv.Itoa(n)), 0o600); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

// What a command that failed says is told, without secrets and addresses; nothing it printed is kept.
func TestFailureSaysWhatTheCommandSaid(t *testing.T) {
	dir := t.TempDir()
	f := feed(t, dir)
	_ = os.WriteFile(filepath.Join(dir, "fail"), []byte("1"), 0o600)
	page, err := f.Take(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no answer for [e-mail]") || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("%v", err)
	}
	if len(page.Items) > 0 || page.Next != nil || f.Report().LastError == "" {
		t.Errorf("kept %+v", page)
	}
}

// A command that hangs or does not end printing is killed, with what it started.
func TestBounds(t *testing.T) {
	f := feed(t, t.TempDir(), "hang")
	f.o.Timeout = time.Second
	began := time.Now()
	if page, err := f.Take(t.Context(), nil); connectors.KindOf(err) != connectors.Transient || page.Next != nil || !strings.Contains(err.Error(), "longer than 1 second") {
		t.Errorf("%+v, %v", page, err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("killed after %s", took)
	}
	if _, err := feed(t, t.TempDir(), "flood").Take(t.Context(), nil); connectors.KindOf(err) != connectors.Config || !strings.Contains(err.Error(), "more than 16 MB") {
		t.Errorf("%v", err)
	}
	held := filepath.Join(t.TempDir(), "held")
	if err := syscall.Mkfifo(held, 0o600); err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(held, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	shell := &Feed{name: "x", now: time.Now, o: Config{Command: []string{"/bin/sh", "-c", "sleep 3600 >" + held + " 2>&1 & echo '{\"cursor\":1}'"}, Timeout: 5 * time.Second}}
	if page, err := shell.Take(t.Context(), nil); err != nil || page.Next == nil {
		t.Errorf("%+v, %v", page, err)
	}
	_ = end.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := end.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("what the command started outlives it: %v", err)
	}
	if _, err := (&Feed{name: "x", now: time.Now, o: Config{Command: []string{"/no/such/program"}, Timeout: time.Second}}).Take(t.Context(), nil); connectors.KindOf(err) != connectors.Config {
		t.Errorf("a program that is not there: %v", err)
	}
}

// The command sees none of the daemon's secrets.
func TestEnvironment(t *testing.T) {
	t.Setenv("INTENTD_HUBSPOT_TOKEN", "pat-very-secret")
	f := feed(t, t.TempDir(), "environment")
	page, err := f.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	at, _ := f.position(page.Next)
	if !strings.Contains(at.Cursor, "INTENTD_CURSOR=") || !strings.Contains(at.Cursor, "FEED_DIR=") || strings.Contains(at.Cursor, "pat-very-secret") {
		t.Errorf("the command saw %s", at.Cursor)
	}
}

// Lines that are no events are counted with their reason, and a run that says more without moving on ends.
func TestLines(t *testing.T) {
	for said, want := range map[string]string{
		`no json`: "not a JSON object", `{"kind":"page_view","email":"a@b.example"}`: "no time",
		`{"kind":"page_view","time":"2026-11-20T10:00:00Z"}`: "no usable e-mail, phone, user_id, anonymous_id or company_domain",
		`{"cursor":null,"kind":"x"}`:                         "no time",
	} {
		f := feed(t, t.TempDir(), "say", said)
		page, err := f.Take(context.Background(), nil)
		if err != nil {
			t.Errorf("%s: %v", said, err)
			continue
		}
		in, err := f.Intake(page.Next)
		if err != nil || in.Read != 1 || in.Unreadable[want] != 1 || in.LatestUnreadable != 1 {
			t.Errorf("%s: %+v, %v", said, in, err)
		}
	}
	f := feed(t, t.TempDir(), "say", `{"cursor":{"page":7},"more":true}`)
	page, err := f.Take(t.Context(), nil)
	if err != nil || !page.More {
		t.Fatalf("%+v, %v", page, err)
	}
	if at, _ := f.position(page.Next); at.Cursor != `{"page":7}` {
		t.Errorf("the cursor is kept as %q", at.Cursor)
	}
	if page, err = f.Take(t.Context(), page.Next); err != nil || page.More {
		t.Errorf("it says more and does not move: %+v, %v", page, err)
	}
}
