package exec

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
	"github.com/intentd/intentd/connectors/jsonl"
)

const (
	maxOutput = 16 << 20        // bytes that a run may print
	maxCursor = 64 << 10        // bytes of a cursor: it goes through the environment
	maxErrors = 4 << 10         // bytes of standard error that are kept, the last ones
	lastWords = 2 * time.Second // after its end, for what it started and left behind
)

// Feed takes in what a command prints. It is safe for concurrent use.
type Feed struct {
	name string
	o    Config
	now  func() time.Time

	mu     sync.Mutex
	runs   int64
	bytes  int64
	failed string
}

var (
	_ connectors.Feed         = (*Feed)(nil)
	_ connectors.IntakeReader = (*Feed)(nil)
	_ connectors.Reporter     = (*Feed)(nil)
	_ connectors.Prober       = (*Feed)(nil)
)

// position is a cursor of the feed: the command's own, and the counts of what was read up to it.
type position struct {
	Version int               `json:"v"`
	Cursor  string            `json:"c,omitempty"`
	Intake  connectors.Intake `json:"in,omitzero"`
}

const positionVersion = 1

func (f *Feed) position(from connectors.Cursor) (at position, err error) {
	if from == nil {
		return position{Version: positionVersion}, nil
	}
	if err := json.Unmarshal(from, &at); err != nil || at.Version != positionVersion {
		return at, connectors.Errorf(connectors.Config, f.op(), "the stored position cannot be read; it is another type's or a newer release's")
	}
	return at, nil
}

func (f *Feed) op() string { return f.name + ": run " + filepath.Base(f.o.Command[0]) }

// Take runs the command once.
func (f *Feed) Take(ctx context.Context, from connectors.Cursor) (page connectors.Page[connectors.Event], err error) {
	at, err := f.position(from)
	if err != nil {
		return page, err
	}
	out, err := f.run(ctx, at.Cursor)
	f.note(len(out), err)
	if err != nil {
		return page, err
	}
	before := at.Cursor
	if page.Items, page.More, err = f.read(out, &at); err != nil {
		return connectors.Page[connectors.Event]{}, err
	}
	page.More = page.More && at.Cursor != before // else it would be asked the same for ever
	page.Next = transport.Encode(at)
	return page, nil
}

// read reads what a run printed, and moves at behind it.
func (f *Feed) read(out []byte, at *position) (events []connectors.Event, more bool, err error) {
	in := &at.Intake
	read, unreadable := int64(0), int64(0)
	var lines jsonl.Lines
	for n, line := int64(1), []byte(nil); len(out) > 0; n++ {
		line, out, _ = bytes.Cut(out, []byte("\n"))
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if cursor, again, ok := control(line); ok {
			if len(cursor) > maxCursor {
				return nil, false, connectors.Errorf(connectors.Config, f.op(), "it printed a cursor longer than %d KB", maxCursor>>10)
			}
			at.Cursor, more = cursor, again
			continue
		}
		read++
		e := connectors.Event{Source: f.name}
		if reason := lines.Event(string(line), &e); reason != "" {
			unreadable++
			in.CountUnreadable(connectors.Unreadable{Where: filepath.Base(f.o.Command[0]), Line: n, Reason: reason, Time: f.now()})
			continue
		}
		events = append(events, e)
	}
	if in.Read += read; read > 0 {
		in.LatestRead, in.LatestUnreadable = read, unreadable
	}
	return events, more, nil
}

// control reads a line {"cursor": …, "more": …}, which has no other keys. A cursor that is not text is kept as its JSON.
func control(line []byte) (cursor string, more, ok bool) {
	if !bytes.Contains(line, []byte(`"cursor"`)) {
		return "", false, false
	}
	var c struct {
		Cursor json.RawMessage `json:"cursor"`
		More   bool            `json:"more"`
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if d.Decode(&c) != nil || c.Cursor == nil || d.More() {
		return "", false, false
	}
	if json.Unmarshal(c.Cursor, &cursor) != nil {
		cursor = string(c.Cursor)
	}
	return cursor, c.More, true
}

// run runs the command and returns what it printed.
func (f *Feed) run(ctx context.Context, cursor string) ([]byte, error) {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, f.o.Timeout)
	defer cancel()
	cmd := osexec.CommandContext(ctx, f.o.Command[0], f.o.Command[1:]...)
	group(cmd)
	cmd.WaitDelay = lastWords
	cmd.Env = f.environment(cursor)
	out := &bounded{most: maxOutput, over: cancel}
	said := &tail{}
	cmd.Stdout, cmd.Stderr = out, said
	err := cmd.Run()
	endGroup(cmd)
	fail := func(kind connectors.Kind, fix, format string, args ...any) error {
		e := connectors.Errorf(kind, f.op(), format, args...)
		if e.Fix = fix; said.lastLine() != "" {
			e.Message = transport.NewRedactor().Clean(e.Message + ": " + said.lastLine())
		}
		return e
	}
	switch {
	case whole.Err() != nil:
		return nil, &connectors.Error{Kind: connectors.Transient, Op: f.op(), Err: whole.Err()}
	case out.full:
		return nil, fail(connectors.Config, `print at most that in a run, then {"cursor": …, "more": true}`, "it printed more than %d MB", maxOutput>>20)
	case ctx.Err() != nil:
		return nil, fail(connectors.Transient, "print less in a run, or raise the source's timeout", "it took longer than %s and was killed", connectors.Span(f.o.Timeout))
	case errors.Is(err, osexec.ErrWaitDelay):
		return nil, fail(connectors.Transient, "let it end what it starts", "it ended, and left something behind that holds its output")
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission), errors.Is(err, osexec.ErrNotFound), errors.Is(err, osexec.ErrDot):
		return nil, fail(connectors.Config, "name a program that the user that intentd runs as may execute, by its whole path", "it cannot be started: %v", err)
	case err != nil:
		return nil, fail(connectors.Transient, "run it by hand as the user that intentd runs as", "it failed: %v", err)
	}
	return out.kept.Bytes(), nil
}

// environment is what the command sees: what every program needs, what the config names, and the cursor.
func (f *Feed) environment(cursor string) (env []string) {
	for _, name := range append([]string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"}, f.o.Env...) {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, "INTENTD_CURSOR="+cursor, "INTENTD_SOURCE="+f.name)
}

// bounded keeps what is written to it, up to a bound at which it calls over.
type bounded struct {
	kept bytes.Buffer // not embedded: its ReadFrom would go past Write
	most int
	full bool
	over func()
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.kept.Len()+len(p) > b.most {
		b.full = true
		b.over()
		return 0, io.ErrShortWrite
	}
	return b.kept.Write(p)
}

// tail keeps the last that is written to it.
type tail struct{ kept bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	n, err := t.kept.Write(p)
	t.kept.Next(max(0, t.kept.Len()-maxErrors))
	return n, err
}

// lastLine is the last line of it, "" if nothing was written.
func (t *tail) lastLine() string {
	text := strings.TrimSpace(t.kept.String())
	return text[strings.LastIndexByte(text, '\n')+1:]
}

func (f *Feed) note(n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs++
	f.bytes += int64(n)
	if f.failed = ""; err != nil && !connectors.Interrupted(err) {
		f.failed = err.Error()
	}
}

// Intake tells what was read up to a cursor.
func (f *Feed) Intake(at connectors.Cursor) (connectors.Intake, error) {
	p, err := f.position(at)
	return p.Intake, err
}

// Report tells of the runs since the start.
func (f *Feed) Report() connectors.Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return connectors.Report{Calls: f.runs, BytesReceived: f.bytes, DailyLimit: -1, DailyRemaining: -1, LastError: f.failed}
}

// Probe says whether the program is there. It is not run: that may move something at its end.
func (f *Feed) Probe(context.Context) []connectors.Finding {
	path, err := osexec.LookPath(f.o.Command[0])
	if err != nil && !errors.Is(err, osexec.ErrDot) {
		return []connectors.Finding{{Code: "exec.program", Severity: connectors.Failure, Message: "source " + f.name + ": " + err.Error(),
			Fix: "install it, let the user that intentd runs as execute it, or correct command"}}
	}
	f.mu.Lock()
	failed := f.failed
	f.mu.Unlock()
	if failed != "" {
		return []connectors.Finding{{Code: "exec.failed", Severity: connectors.Failure, Message: "source " + f.name + ": the last run failed: " + failed,
			Fix: "run it by hand as the user that intentd runs as"}}
	}
	return []connectors.Finding{{Code: "exec.ok", Severity: connectors.OK, Message: fmt.Sprintf("source %s: runs %s, at most %s a run", f.name, cmp.Or(path, f.o.Command[0]), connectors.Span(f.o.Timeout))}}
}
