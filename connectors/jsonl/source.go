package jsonl

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
)

// MaxLine is the longest line in bytes that is read.
const MaxLine = 1 << 20

const (
	defaultSettle = time.Minute
	defaultBatch  = 32_768
	maxBatchBytes = 16 << 20
	maxBatchFiles = 1000
	keptBroken    = 100
	keptGone      = 30 * 24 * time.Hour
	warnEvery     = time.Minute
)

// Options of a source.
type Options struct {
	// Name is the configured name; it becomes Event.Source.
	Name string
	// Path is a file, a directory (read with all below it, apart from hidden files and those ending in .tmp, .part or ~) or a
	// glob as filepath.Match has it.
	Path string
	// Store takes the events. It is best not shared by sources whose user ids or anonymous ids mean different people.
	Store *clickstream.Store
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// Logger gets a warning for a file with broken lines, at most once a file and minute; nothing if nil.
	Logger *slog.Logger
	// Settle is for how long a file must rest before its last line counts without a line feed, a minute if 0.
	Settle time.Duration
	// BatchEvents bounds the events of one commit, 32,768 if 0.
	BatchEvents int
}

// Report tells what one Take did.
type Report struct {
	Files    int   // looked at
	Read     int   // of them with something new
	Bytes    int64 // of content
	Lines    int64 // read, blank ones apart
	Events   int64 // accepted by the store
	Broken   int64 // lines
	Waiting  int   // files whose last line is not finished
	Duration time.Duration
}

// Broken is a line, or the rest of a damaged file, that could not be read.
type Broken struct {
	File   string    `json:"file"`
	Line   int64     `json:"line"` // from 1
	Reason string    `json:"reason"`
	Time   time.Time `json:"time"` // when it was met
}

// Source takes in and tells. All methods are safe for concurrent use.
type Source struct {
	o     Options
	log   *slog.Logger
	told  connectors.Source
	taker sync.Mutex // one Take at a time; guards what is below

	positions map[string]*position
	dec       decoder
	buf       []byte
	warned    map[string]time.Time

	mu     sync.Mutex
	total  Report
	broken []Broken // the newest last
	failed string
}

var (
	_ connectors.Source    = (*Source)(nil)
	_ connectors.Forgetter = (*Source)(nil)
	_ connectors.Reporter  = (*Source)(nil)
	_ connectors.Prober    = (*Source)(nil)
)

// New makes a source. It touches no file yet.
func New(o Options) *Source {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Settle <= 0 {
		o.Settle = defaultSettle
	}
	if o.BatchEvents <= 0 {
		o.BatchEvents = defaultBatch
	}
	s := &Source{o: o, log: o.Logger, told: o.Store.For(o.Name), warned: map[string]time.Time{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Active tells who did something since from, as of the last Take.
func (s *Source) Active(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	return s.told.Active(ctx, from)
}

// Journeys tells the journeys of people, as of the last Take.
func (s *Source) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return s.told.Journeys(ctx, people, w)
}

// Forget erases a person from the store. What the files themselves still hold is the admin's; it is not read again.
func (s *Source) Forget(ctx context.Context, p connectors.Person) (int, error) {
	return s.o.Store.Forget(ctx, p)
}

// Compact writes the store's main file anew, so that nothing of forgotten people stays in its free pages.
func (s *Source) Compact(ctx context.Context) error { return s.o.Store.Compact(ctx) }

// Broken are the broken lines met last, a hundred at most, the newest last; they survive a restart.
func (s *Source) Broken() []Broken {
	s.mu.Lock()
	if s.broken != nil {
		defer s.mu.Unlock()
		return slices.Clone(s.broken)
	}
	s.mu.Unlock()
	offsets, err := s.o.Store.Offsets(s.o.Name)
	if err != nil {
		return nil
	}
	return storedBroken(offsets)
}

// Total is the sum of all Takes since New; Files and Waiting are those of the last.
func (s *Source) Total() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// Report tells bytes read and the last error.
func (s *Source) Report() connectors.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return connectors.Report{BytesReceived: s.total.Bytes, DailyLimit: -1, DailyRemaining: -1, LastError: s.failed}
}

// Probe says whether the files are there and can be read, and what is broken in them.
func (s *Source) Probe(ctx context.Context) []connectors.Finding {
	files, failures, err := s.list()
	if err != nil {
		return []connectors.Finding{{Code: "jsonl.path", Severity: connectors.Failure, Message: err.Error(), Fix: fixPath}}
	}
	var out []connectors.Finding
	for _, err := range failures {
		out = append(out, connectors.Finding{Code: "jsonl.unreadable", Severity: connectors.Failure, Message: err.Error(), Fix: fixRights})
	}
	if len(files) == 0 {
		out = append(out, connectors.Finding{Code: "jsonl.empty", Severity: connectors.Warning,
			Message: fmt.Sprintf("source %s: no file at %s yet", s.o.Name, s.o.Path), Fix: fixPath})
	}
	for _, f := range files {
		if ctx.Err() != nil {
			return out
		}
		if in, err := os.Open(f.path); err != nil {
			out = append(out, connectors.Finding{Code: "jsonl.unreadable", Severity: connectors.Failure, Message: err.Error(), Fix: fixRights})
		} else {
			in.Close()
		}
	}
	if b := s.Broken(); len(b) > 0 {
		last := b[len(b)-1]
		out = append(out, connectors.Finding{Code: "jsonl.broken_lines", Severity: connectors.Warning,
			Message: fmt.Sprintf("source %s: %d broken lines lately, the last in %s, line %d: %s", s.o.Name, len(b), last.File, last.Line, last.Reason),
			Fix:     "see the line in the file and correct what writes it; other lines are not held up"})
	}
	if len(out) == 0 {
		out = append(out, connectors.Finding{Code: "jsonl.ok", Severity: connectors.OK,
			Message: fmt.Sprintf("source %s: %d files at %s", s.o.Name, len(files), s.o.Path)})
	}
	return out
}

const (
	fixPath   = "set the source's path to a file, a directory or a glob of JSON-lines files"
	fixRights = "let the user that intentd runs as read the file"
	// keyBroken is where Broken is kept among the offsets. Positions are under "f" and a number.
	keyBroken = "broken"
)

func storedBroken(offsets map[string][]byte) []Broken {
	var b []Broken
	if json.Unmarshal(offsets[keyBroken], &b) != nil {
		return nil // it only informs
	}
	return b
}

// load reads the positions, once.
func (s *Source) load() error {
	if s.positions != nil {
		return nil
	}
	offsets, err := s.o.Store.Offsets(s.o.Name)
	if err != nil {
		return err
	}
	positions := map[string]*position{}
	for k, v := range offsets {
		if !strings.HasPrefix(k, "f") {
			continue
		}
		var p position
		if err := json.Unmarshal(v, &p); err != nil {
			return &connectors.Error{Kind: connectors.Config, Op: "jsonl: read positions of " + s.o.Name, Err: err}
		}
		positions[k] = &p
	}
	s.mu.Lock()
	if s.broken == nil {
		s.broken = storedBroken(offsets)
	}
	s.mu.Unlock()
	s.positions = positions
	return nil
}

// list finds the files, the one changed longest ago first: rotated ones come before the one being written.
// What cannot be looked at is told by failures and does not hold up the rest.
func (s *Source) list() (files []found, failures []error, err error) {
	fail := func(err error) ([]found, []error, error) {
		return nil, nil, &connectors.Error{Kind: connectors.Config, Op: "jsonl: source " + s.o.Name, Err: err, Fix: fixPath}
	}
	var paths []string
	info, err := os.Stat(s.o.Path)
	switch {
	case err == nil && info.IsDir():
		err = filepath.WalkDir(s.o.Path, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil && path == s.o.Path:
				return err
			case errors.Is(err, fs.ErrNotExist): // rotated away since it was listed
				return nil
			case err != nil:
				failures = append(failures, s.fileFailed(err))
				return nil
			case path == s.o.Path:
				return nil
			case strings.HasPrefix(d.Name(), ".") && d.IsDir():
				return fs.SkipDir
			case d.IsDir(), passedOver(d.Name()):
				return nil
			}
			paths = append(paths, path)
			return nil
		})
		if err != nil {
			return fail(err)
		}
	case err == nil:
		paths = []string{s.o.Path}
	case strings.ContainsAny(s.o.Path, `*?[`):
		if paths, err = filepath.Glob(s.o.Path); err != nil {
			return fail(err)
		}
	default:
		return fail(err)
	}
	known := map[[2]uint64]bool{}
	for _, path := range paths {
		f, ok, err := stat(path)
		switch inode := [2]uint64{f.dev, f.ino}; {
		case err != nil:
			failures = append(failures, s.fileFailed(err))
		case ok && !known[inode]: // a link to another one's file is passed over
			known[inode] = true
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b found) int { return cmp.Or(a.changed.Compare(b.changed), strings.Compare(a.path, b.path)) })
	return files, failures, nil
}

func passedOver(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".part") || strings.HasSuffix(name, "~")
}
