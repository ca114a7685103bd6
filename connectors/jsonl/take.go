package jsonl

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
)

// batch is what goes into the store in one commit.
type batch struct {
	events  []connectors.Event
	bytes   int
	offsets map[string][]byte
}

// taking is one Take.
type taking struct {
	*Source
	ctx     context.Context
	rep     Report
	b       batch
	spare   []connectors.Event // of the batch before, to be used again
	pending chan error         // result of the commit under way; nil if none is
	taken   int64              // events accepted by it
	noted   bool               // broken lines were met that are not saved yet
}

// Take takes in what is new since the last one, oldest file first. What it read before an error stays taken in. A file that
// cannot be read is told by the error after the others were read.
func (s *Source) Take(ctx context.Context) (Report, error) {
	s.taker.Lock()
	defer s.taker.Unlock()
	start := s.o.Now()
	t := &taking{Source: s, ctx: ctx, b: batch{offsets: map[string][]byte{}}}
	err := t.take()
	if werr := t.wait(); err == nil {
		err = werr
	}
	if err != nil {
		s.positions = nil // memory may be ahead of the store
	}
	t.rep.Duration = s.o.Now().Sub(start)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := t.rep
	s.total = Report{
		Files: r.Files, Read: s.total.Read + r.Read, Bytes: s.total.Bytes + r.Bytes, Lines: s.total.Lines + r.Lines,
		Events: s.total.Events + r.Events, Broken: s.total.Broken + r.Broken, Waiting: r.Waiting, Duration: s.total.Duration + r.Duration,
	}
	s.failed = ""
	if err != nil && !connectors.Interrupted(err) {
		s.failed = err.Error()
	}
	return r, err
}

func (t *taking) take() error {
	if err := t.load(); err != nil {
		return err
	}
	files, failures, err := t.list()
	if err != nil {
		return err
	}
	t.rep.Files = len(files)
	// Files are recognised by the positions as they were before any was read: a rotated copy goes on where its original
	// was, while the original starts anew.
	before := make(map[string]position, len(t.positions))
	for k, p := range t.positions {
		before[k] = *p
	}
	held := map[string]bool{} // positions that a file of the directory is at
	byInode := map[[2]uint64]string{}
	for k, p := range before {
		inode := [2]uint64{p.Dev, p.Ino} // may have been another file's before
		if old, ok := byInode[inode]; !ok || before[old].older(&p) {
			byInode[inode] = k
		}
	}
	for _, f := range files {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		key := byInode[[2]uint64{f.dev, f.ino}]
		if err := t.file(f, key, before, held); err != nil {
			if fatal(err) {
				return err
			}
			failures = append(failures, err)
		}
	}
	t.age(held)
	if err := t.flush(); err != nil {
		return err
	}
	return errors.Join(failures...)
}

// fatal errors concern the store or the context, not one file.
func fatal(err error) bool {
	_, one := errors.AsType[*fileError](err)
	return !one
}

// fileError concerns one file.
type fileError struct{ err *connectors.Error }

func (e *fileError) Error() string { return e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

func (s *Source) fileFailed(err error) error { // err names the file
	return &fileError{&connectors.Error{Kind: connectors.Config, Op: "jsonl: source " + s.o.Name, Err: err, Fix: fixRights}}
}

// rested says whether nobody has written to the file for a while.
func (t *taking) rested(f found) bool { return t.o.Now().Sub(f.changed) >= t.o.Settle }

// file takes in what is new in one file. key is the position with the file's inode, "" if there is none.
func (t *taking) file(f found, key string, before map[string]position, held map[string]bool) error {
	if p, ok := before[key]; ok && f.unchanged(&p) && (!p.Waiting || p.Settled || !t.rested(f)) {
		held[key] = true
		if p.Waiting {
			t.rep.Waiting++
		}
		if p.Path != f.path || !p.Gone.IsZero() {
			t.positions[key].Path, t.positions[key].Gone = f.path, time.Time{}
			t.save(key)
		}
		return nil
	}
	c, err := openContent(f)
	if err != nil {
		return t.fileFailed(err)
	}
	defer c.f.Close()
	key, p, err := t.recognise(c, key, before)
	if err != nil {
		return t.fileFailed(err)
	}
	held[key] = true
	return t.read(c, key, p)
}

// recognise finds the position that c goes on from and stands there: that of its inode, or of a file with the same
// content, or the start.
func (t *taking) recognise(c *content, inode string, before map[string]position) (string, *position, error) {
	if p, ok := before[inode]; ok {
		same, err := c.resume(&p)
		if err != nil {
			return "", nil, err
		}
		if same {
			return inode, t.positions[inode], nil
		}
	}
	key := t.newKey(c.info)
	p := &position{}
	var originals []position
	for k, o := range before {
		if k != inode && o.Offset > 0 && c.beginsLike(&o) {
			originals = append(originals, o)
		}
	}
	// The one that was read furthest first, so that a copy is read again as little as possible.
	slices.SortFunc(originals, func(a, b position) int { return cmp.Compare(b.Offset, a.Offset) })
	for _, o := range originals {
		same, err := c.resume(&o)
		if err != nil {
			return "", nil, err
		}
		if same {
			p.Offset, p.Lines, p.Head, p.Tail, p.Skipping = o.Offset, o.Lines, o.Head, o.Tail, o.Skipping
			t.positions[key] = p
			return key, p, nil
		}
	}
	t.positions[key] = p
	return key, p, c.start(0, 0)
}

func (t *taking) newKey(f found) string {
	id := fmt.Sprintf("%d %d %s %d", f.dev, f.ino, f.path, t.o.Now().UnixNano())
	for n := 0; ; n++ {
		key := "f" + strconv.FormatUint(xxhash.Sum64String(id+strconv.Itoa(n)), 36)
		if _, ok := t.positions[key]; !ok {
			return key
		}
	}
}

// read takes in lines from where c stands to its end.
func (t *taking) read(c *content, key string, p *position) error {
	f := c.info
	p.Path, p.Dev, p.Ino, p.Gone = f.path, f.dev, f.ino, time.Time{}
	p.Size, p.Changed = unfinished, time.Time{}
	p.Waiting, p.Settled, p.Damaged = false, false, false
	if len(t.buf) == 0 {
		t.buf = make([]byte, MaxLine+64<<10)
	}
	start, end := 0, 0 // what is read and not taken, in t.buf
	first := p.Offset == 0
	advanced := false
	// took moves the position behind n bytes.
	took := func(n int) {
		p.Offset += int64(n)
		start += n
		advanced = true
	}
	mark := func() { // the position as it is saved
		if start > 0 {
			p.Tail = printOf(t.buf[max(0, start-tailBytes):start])
		}
		if n := min(int64(len(c.head)), p.Offset, headBytes); n > p.Head.Len {
			p.Head = printOf(c.head[:n])
		}
		if c.gz {
			p.Member, p.MemberBase = c.memberOf(p.Offset)
		}
		t.save(key)
	}
	var over error
	for over == nil {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		if start > tailBytes && (end == len(t.buf) || start > len(t.buf)/2) {
			keep := start - tailBytes // the bytes before the position stay for its fingerprint
			copy(t.buf, t.buf[keep:end])
			start, end = start-keep, end-keep
		}
		n, err := c.Read(t.buf[end:])
		end += n
		t.rep.Bytes += int64(n)
		over = err
		for {
			nl := bytes.IndexByte(t.buf[start:end], '\n')
			if nl < 0 {
				break
			}
			if p.Unended {
				p.Unended = false // counted when its beginning was read
			} else {
				p.Lines++
			}
			if p.Skipping { // the rest of a line that was too long and is told already
				p.Skipping = false
			} else {
				t.line(afterMark(t.buf[start:start+nl], first), f.path, p.Lines)
			}
			first = false
			took(nl + 1)
			if t.full() {
				mark()
				if err := t.flush(); err != nil {
					return err
				}
			}
		}
		switch {
		case p.Skipping && end > start:
			took(end - start)
		case end-start > MaxLine:
			t.broken(f.path, p.Lines+1, reasonTooLong)
			p.Skipping = true
			took(end - start)
		}
	}
	switch {
	case ended(over):
	case damaged(over):
		p.Damaged = true
		t.broken(f.path, p.Lines+1, reasonGzip)
		advanced = true
	default:
		mark() // the lines before it are in the batch
		return t.fileFailed(over)
	}
	if rest := t.buf[start:end]; len(rest) > 0 && !p.Damaged {
		p.Waiting = true
		if t.rested(f) {
			p.Settled = true
			if rest = afterMark(rest, first); json.Valid(bytes.TrimSpace(rest)) {
				p.Waiting, p.Unended = false, true
				p.Lines++
				t.line(rest, f.path, p.Lines)
				took(end - start)
			}
		}
		if p.Waiting {
			t.rep.Waiting++
		}
	}
	if advanced {
		t.rep.Read++
	}
	p.Size, p.Changed = f.size, f.changed
	mark()
	return nil
}

// afterMark is a line without the byte order mark that a first one may have.
func afterMark(line []byte, first bool) []byte {
	if !first {
		return line
	}
	return bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
}

// line reads one line into the batch.
func (t *taking) line(b []byte, file string, number int64) {
	b = bytes.TrimSuffix(b, []byte("\r"))
	if len(bytes.TrimSpace(b)) == 0 {
		return
	}
	t.rep.Lines++
	if len(b) > MaxLine {
		t.broken(file, number, reasonTooLong)
		return
	}
	n := len(t.b.events)
	t.b.events = append(t.b.events, connectors.Event{})
	if reason := t.dec.event(string(b), &t.b.events[n]); reason != "" {
		t.b.events = t.b.events[:n]
		t.broken(file, number, reason)
		return
	}
	t.b.events[n].Source = t.o.Name
	t.b.bytes += len(b)
}

// broken remembers a broken line.
func (t *taking) broken(file string, number int64, reason string) {
	t.rep.Broken++
	now := t.o.Now().UTC()
	t.mu.Lock()
	t.Source.broken = append(t.Source.broken, Broken{File: file, Line: number, Reason: reason, Time: now})
	if n := len(t.Source.broken); n > keptBroken {
		t.Source.broken = slices.Delete(t.Source.broken, 0, n-keptBroken)
	}
	t.mu.Unlock()
	t.noted = true
	if last, ok := t.warned[file]; !ok || now.Sub(last) >= warnEvery {
		if len(t.warned) >= 1000 {
			clear(t.warned)
		}
		t.warned[file] = now
		t.log.Warn("jsonl: a line is broken and passed over; further ones of this file are not told for a minute",
			"source", t.o.Name, "file", file, "line", number, "reason", reason)
	}
}

// save puts the position into the batch as it is now.
func (t *taking) save(key string) {
	b, err := json.Marshal(t.positions[key])
	if err != nil {
		panic("jsonl: a position cannot be encoded: " + err.Error()) // numbers, texts and times of a file system
	}
	t.b.offsets[key] = b
}

func (t *taking) full() bool {
	return len(t.b.events) >= t.o.BatchEvents || t.b.bytes >= maxBatchBytes || len(t.b.offsets) >= maxBatchFiles
}

// flush commits the batch while the next one is being read.
func (t *taking) flush() error {
	if t.noted {
		t.mu.Lock()
		b, err := json.Marshal(t.Source.broken)
		t.mu.Unlock()
		if err != nil {
			return err
		}
		t.b.offsets[keyBroken], t.noted = b, false
	}
	if len(t.b.events) == 0 && len(t.b.offsets) == 0 {
		return nil
	}
	if err := t.wait(); err != nil {
		return err
	}
	out := t.b
	t.b = batch{events: t.spare[:0], offsets: map[string][]byte{}}
	t.spare = out.events
	t.pending = make(chan error, 1)
	go func(done chan<- error) {
		n, err := t.o.Store.Ingest(clickstream.Batch{Source: t.o.Name, Events: out.events, Offsets: out.offsets})
		t.taken = int64(n)
		done <- err
	}(t.pending)
	return nil
}

// wait is for the commit under way.
func (t *taking) wait() error {
	if t.pending == nil {
		return nil
	}
	err := <-t.pending
	t.pending = nil
	t.rep.Events += t.taken
	t.taken = 0
	return err
}

// age marks the positions that no file is at any more, and drops them a month later: until then a copy or archive of the
// file may turn up.
func (t *taking) age(held map[string]bool) {
	now := t.o.Now().UTC()
	for key, p := range t.positions {
		switch {
		case held[key]:
		case p.Gone.IsZero():
			p.Gone = now
			t.save(key)
		case now.Sub(p.Gone) > keptGone:
			delete(t.positions, key)
			t.b.offsets[key] = nil
		}
	}
}
