package jsonl

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// maxLine is the longest line in bytes that is read.
const maxLine = 1 << 20

const (
	defaultSettle = time.Minute
	defaultBatch  = 32_768
	maxBatchBytes = 16 << 20
	maxBatchFiles = 1000
	keptGone      = 30 * 24 * time.Hour
	warnEvery     = time.Minute
)

// Options of a feed.
type Options struct {
	// Name is the configured name; it becomes Event.Source.
	Name string
	// Path is a file, a directory (read with all below it, links included, apart from hidden files and those ending in .tmp, .part or
	// ~) or a glob as filepath.Match has it, in which a step ** stands for any number of directories.
	Path string
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// Logger gets a warning for a file with broken lines, at most once a file and minute; nothing if nil.
	Logger *slog.Logger
	// Settle is for how long a file must rest before its last line counts without a line feed, a minute if 0.
	Settle time.Duration
	// BatchEvents bounds the events of one page, 32,768 if 0.
	BatchEvents int
}

// Report tells what was read.
type Report struct {
	Files   int   // looked at
	Read    int   // of them with something new
	Bytes   int64 // of content
	Lines   int64 // read, blank ones apart
	Events  int64 // in them
	Broken  int64 // lines
	Waiting int   // files whose last line is not finished
}

// Feed reads files. All methods are safe for concurrent use.
type Feed struct {
	o   Options
	log *slog.Logger

	taker  sync.Mutex // one Take at a time; guards what is below
	walk   *walk      // under way, nil between two
	memory *memory    // as of the cursor handed out last; nil: to be read from the cursor
	dec    decoder
	buf    []byte
	warned map[string]time.Time

	mu     sync.Mutex
	total  Report
	failed string
	asked  *memory // of the cursor that Intake was last asked about, without its files
}

var (
	_ connectors.Feed         = (*Feed)(nil)
	_ connectors.IntakeReader = (*Feed)(nil)
	_ connectors.Reporter     = (*Feed)(nil)
	_ connectors.Prober       = (*Feed)(nil)
)

// New makes a feed. It touches no file yet.
func New(o Options) *Feed {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Settle <= 0 {
		o.Settle = defaultSettle
	}
	if o.BatchEvents <= 0 {
		o.BatchEvents = defaultBatch
	}
	f := &Feed{o: o, log: o.Logger, warned: map[string]time.Time{}}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	return f
}

// Take reads on from the position, the file changed longest ago first. A page may end within a file; the file stays open until the
// next call goes on from there, while any other cursor starts with a fresh look at the files. A file that cannot be read is told by
// an error after the pages of all others.
func (f *Feed) Take(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Event], error) {
	f.taker.Lock()
	defer f.taker.Unlock()
	page, err := f.take(ctx, from)
	if err != nil || !page.More {
		f.endWalk()
	}
	if err != nil {
		f.memory = nil // it may be ahead of every cursor
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = ""
	if err != nil && !connectors.Interrupted(err) {
		f.failed = err.Error()
	}
	return page, err
}

func (f *Feed) take(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Event], error) {
	if f.walk == nil || !bytes.Equal(f.walk.memory.cursor, from) {
		f.endWalk()
		w, err := f.newWalk(from)
		if err != nil {
			return connectors.Page[connectors.Event]{}, err
		}
		f.walk = w
	}
	return f.walk.page(ctx)
}

func (f *Feed) endWalk() {
	if f.walk != nil {
		f.walk.close()
		f.walk = nil
	}
}

// Intake tells what was read up to a cursor.
func (f *Feed) Intake(at connectors.Cursor) (connectors.Intake, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked == nil || !bytes.Equal(f.asked.cursor, at) {
		m, err := f.recall(at)
		if err != nil {
			return connectors.Intake{}, err
		}
		m.Files = nil
		f.asked = m
	}
	return f.asked.Intake, nil
}

// Total is the sum of all Takes since New; Files and Waiting are those of the last look at the files.
func (f *Feed) Total() Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total
}

// Report tells bytes read and the last error.
func (f *Feed) Report() connectors.Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return connectors.Report{BytesReceived: f.total.Bytes, DailyLimit: -1, DailyRemaining: -1, LastError: f.failed}
}

const (
	fixPath   = "set the source's path to a file, a directory or a glob of JSON-lines files"
	fixRights = "let the user that intentd runs as read the file"
)

// Probe says whether the files are there and can be read.
func (f *Feed) Probe(ctx context.Context) []connectors.Finding {
	files, failures, err := f.list()
	if err != nil {
		return []connectors.Finding{{Code: "jsonl.path", Severity: connectors.Failure, Message: err.Error(), Fix: fixPath}}
	}
	var out []connectors.Finding
	for _, err := range failures {
		out = append(out, connectors.Finding{Code: "jsonl.unreadable", Severity: connectors.Failure, Message: err.Error(), Fix: fixRights})
	}
	if len(files) == 0 {
		out = append(out, connectors.Finding{Code: "jsonl.empty", Severity: connectors.Warning,
			Message: fmt.Sprintf("source %s: no file at %s yet", f.o.Name, f.o.Path), Fix: fixPath})
	}
	for _, found := range files {
		if ctx.Err() != nil {
			return out
		}
		if in, err := os.Open(found.path); err != nil {
			out = append(out, connectors.Finding{Code: "jsonl.unreadable", Severity: connectors.Failure, Message: err.Error(), Fix: fixRights})
		} else {
			in.Close()
		}
	}
	if len(out) == 0 {
		out = append(out, connectors.Finding{Code: "jsonl.ok", Severity: connectors.OK,
			Message: fmt.Sprintf("source %s: %s at %s", f.o.Name, connectors.Counted(len(files), "file"), f.o.Path)})
	}
	return out
}
