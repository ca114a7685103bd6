package jsonl

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// walk is one look at all files, page by page.
type walk struct {
	*Feed
	memory   *memory
	files    []found // still to be looked at
	in       *reading
	failures []error
	told     bool // all pages; the failures are left

	// Files are recognised by the positions as they were before any was read: a rotated copy goes on where its original was,
	// while the original starts anew.
	before  map[*position]position
	byInode map[inode]*position
	held    map[*position]bool // positions that a file is at

	events   []connectors.Event // of the present page
	bytes    int
	touched  int // files whose position changed since the last page
	lines    int64
	unread   int64
	rep      Report
	reported Report
}

func (f *Feed) newWalk(from connectors.Cursor) (*walk, error) {
	w := &walk{Feed: f, memory: f.memory, before: map[*position]position{}, byInode: map[inode]*position{}, held: map[*position]bool{}}
	if w.memory == nil || !bytes.Equal(w.memory.cursor, from) {
		var err error
		if w.memory, err = f.recall(from); err != nil {
			return nil, err
		}
		f.memory = w.memory
	}
	var err error
	if w.files, w.failures, err = f.list(); err != nil {
		return nil, err
	}
	w.rep.Files = len(w.files)
	for _, p := range w.memory.Files {
		w.before[p] = *p
		id := inode{Dev: p.Dev, Ino: p.Ino} // may have been another file's before
		if old, ok := w.byInode[id]; !ok || old.older(p) {
			w.byInode[id] = p
		}
	}
	return w, nil
}

func (w *walk) close() {
	if w.in != nil {
		w.in.c.f.Close()
		w.in = nil
	}
}

// page reads on until a page is full or all files are read.
func (w *walk) page(ctx context.Context) (page connectors.Page[connectors.Event], err error) {
	if w.told {
		return page, errors.Join(w.failures...)
	}
	w.events, w.bytes, w.touched = nil, 0, 0
	for err == nil && !w.full() && (w.in != nil || len(w.files) > 0) {
		if err = ctx.Err(); err != nil {
			break
		}
		if w.in == nil {
			err = w.open()
		} else {
			err = w.read(ctx)
		}
		if one, ok := errors.AsType[*fileError](err); ok {
			w.failures, err = append(w.failures, one), nil
			w.close()
		}
	}
	w.count()
	if err != nil {
		return page, err
	}
	page.Items = w.events
	page.More = w.in != nil || len(w.files) > 0
	if !page.More {
		w.age()
		if w.lines > 0 {
			w.memory.Intake.LatestRead, w.memory.Intake.LatestUnreadable = w.lines, w.unread
			w.touched++
		}
	}
	page.Next = w.memory.cursor
	if w.touched > 0 || page.Next == nil {
		page.Next = w.memory.save()
	}
	if !page.More && len(w.failures) > 0 && w.touched > 0 {
		w.told, page.More = true, true
	} else if !page.More {
		err = errors.Join(w.failures...)
	}
	return page, err
}

// count adds what was read since the last page to the feed's total.
func (w *walk) count() {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, r, old := &w.total, w.rep, w.reported
	t.Files, t.Waiting = r.Files, r.Waiting
	t.Read += r.Read - old.Read
	t.Bytes += r.Bytes - old.Bytes
	t.Lines += r.Lines - old.Lines
	t.Events += r.Events - old.Events
	t.Broken += r.Broken - old.Broken
	w.reported = r
}

func (w *walk) full() bool {
	return len(w.events) >= w.o.BatchEvents || w.bytes >= maxBatchBytes || w.touched >= maxBatchFiles
}

// fileError concerns one file; any other error ends the walk.
type fileError struct{ err *connectors.Error }

func (e *fileError) Error() string { return e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

func (f *Feed) fileFailed(err error) error { // err names the file
	return &fileError{&connectors.Error{Kind: connectors.Config, Op: "jsonl: source " + f.o.Name, Err: err, Fix: fixRights}}
}

// rested says whether nobody has written to the file for a while.
func (w *walk) rested(f found) bool { return w.o.Now().Sub(f.changed) >= w.o.Settle }

// open opens the next file at its position, or passes over it if nothing in it is new.
func (w *walk) open() error {
	f := w.files[0]
	w.files = w.files[1:]
	at := w.byInode[f.inode]
	if p, ok := w.before[at]; ok && f.unchanged(&p) && (!p.Waiting || p.Settled || !w.rested(f)) {
		w.held[at] = true
		if p.Waiting {
			w.rep.Waiting++
		}
		if p.Path != f.path || !p.Gone.IsZero() {
			at.Path, at.Gone = f.path, time.Time{}
			w.touched++
		}
		return nil
	}
	c, err := openContent(f)
	if err != nil {
		return w.fileFailed(err)
	}
	p, err := w.recognise(c, at)
	if err != nil {
		c.f.Close()
		return w.fileFailed(err)
	}
	w.held[p] = true
	w.start(c, p)
	return nil
}

// recognise finds the position that c goes on from and stands there: that of its inode, or of a file with the same
// content, or the start.
func (w *walk) recognise(c *content, known *position) (*position, error) {
	if p, ok := w.before[known]; ok {
		same, err := c.resume(&p)
		if err != nil {
			return nil, err
		}
		if same {
			return known, nil
		}
	}
	p := &position{}
	var originals []position
	for at, o := range w.before {
		if at != known && o.Offset > 0 && c.beginsLike(&o) {
			originals = append(originals, o)
		}
	}
	// The one that was read furthest first, so that a copy is read again as little as possible.
	slices.SortFunc(originals, func(a, b position) int { return cmp.Compare(b.Offset, a.Offset) })
	for _, o := range originals {
		same, err := c.resume(&o)
		if err != nil {
			return nil, err
		}
		if same {
			p.Offset, p.Lines, p.Head, p.Tail, p.Skipping = o.Offset, o.Lines, o.Head, o.Tail, o.Skipping
			w.memory.Files = append(w.memory.Files, p)
			return p, nil
		}
	}
	w.memory.Files = append(w.memory.Files, p)
	return p, c.start(0, 0)
}

// reading is a file being read. What is read and not taken lies in the feed's buffer from start to end.
type reading struct {
	c          *content
	p          *position
	start, end int
	advanced   bool
	over       error // the file is read to its end
	value      spread
}

func (w *walk) start(c *content, p *position) {
	p.Path, p.Dev, p.Ino, p.Gone = c.info.path, c.info.Dev, c.info.Ino, time.Time{}
	p.Size, p.Changed = unfinished, time.Time{}
	p.Waiting, p.Settled, p.Damaged = false, false, false
	if len(w.buf) == 0 {
		w.buf = make([]byte, maxLine+64<<10)
	}
	w.in = &reading{c: c, p: p}
}

// took moves the position behind n bytes.
func (r *reading) took(n int) {
	r.p.Offset += int64(n)
	r.start += n
	r.advanced = true
}

// mark brings the position's fingerprints up to date.
func (w *walk) mark() {
	r := w.in
	if r.start > 0 {
		r.p.Tail = printOf(w.buf[max(0, r.start-tailBytes):r.start])
	}
	if n := min(int64(len(r.c.head)), r.p.Offset, headBytes); n > r.p.Head.Len {
		r.p.Head = printOf(r.c.head[:n])
	}
	if r.c.gz {
		r.p.Member, r.p.MemberBase = r.c.memberOf(r.p.Offset)
	}
	w.touched++
}

// read takes in lines until the page is full or the file is read to its end.
func (w *walk) read(ctx context.Context) error {
	r := w.in
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.wholeLines()
		if w.full() {
			w.mark()
			return nil
		}
		if r.over != nil {
			if err := w.finish(); err != nil || w.in == nil {
				return err
			}
			continue
		}
		if r.start > tailBytes && (r.end == len(w.buf) || r.start > len(w.buf)/2) {
			keep := r.start - tailBytes // the bytes before the position stay for its fingerprint
			copy(w.buf, w.buf[keep:r.end])
			r.start, r.end = r.start-keep, r.end-keep
		}
		n, err := r.c.Read(w.buf[r.end:])
		r.end += n
		w.rep.Bytes += int64(n)
		r.over = err
	}
}

// wholeLines takes in the lines of the buffer that are complete, as far as the page has room.
func (w *walk) wholeLines() {
	r, p := w.in, w.in.p
	for !w.full() {
		from := r.start + r.value.length
		nl := bytes.IndexByte(w.buf[from:r.end], '\n')
		if nl < 0 {
			break
		}
		if !p.Skipping && r.value.goesOn(w.buf[from:from+nl]) {
			continue
		}
		b := w.buf[r.start : from+nl]
		number := p.Lines + 1
		if p.Unended {
			p.Unended = false // counted when its beginning was read
		} else {
			p.Lines += 1 + int64(bytes.Count(b, newline))
		}
		if p.Skipping { // the rest of a line that was too long and is told already
			p.Skipping = false
		} else if left := w.objects(b, number); len(left) > 0 {
			w.counted(len(left))
			w.broken(number, reasonOf(left))
		}
		r.took(len(b) + 1)
	}
	switch {
	case w.full():
	case p.Skipping && r.end > r.start:
		r.took(r.end - r.start)
	case r.end-r.start > maxLine:
		w.tooLong()
	}
}

var newline = []byte("\n")

// reasonOf is why what is left of a line is broken.
func reasonOf(left []byte) string {
	if len(left) > maxLine {
		return reasonTooLong
	}
	return reasonSyntax
}

// tooLong takes from a line without end the objects that are complete. If there is none the line is passed over.
func (w *walk) tooLong() {
	r, p := w.in, w.in.p
	r.value.giveUp()
	b := w.buf[r.start:r.end]
	left := w.objects(b, p.Lines+1)
	if len(left) > maxLine {
		w.memory.Intake.Read++
		w.broken(p.Lines+1, reasonTooLong)
		p.Skipping, left = true, nil
	}
	p.Lines += int64(bytes.Count(b[:len(b)-len(left)], newline))
	r.took(len(b) - len(left))
}

// finish ends the reading of a file at its present end.
func (w *walk) finish() error {
	r, p := w.in, w.in.p
	switch {
	case ended(r.over):
	case damaged(r.over):
		p.Damaged = true
		w.memory.Intake.Read++
		w.broken(p.Lines+1, reasonGzip)
		r.advanced = true
	default:
		w.mark() // the lines before it are in the page
		return w.fileFailed(r.over)
	}
	if r.end > r.start && !p.Damaged {
		p.Waiting = true
		if w.rested(r.c.info) {
			p.Settled = true
			if !w.lastLine() {
				return nil
			}
		}
		if p.Waiting {
			w.rep.Waiting++
		}
	}
	if r.advanced {
		w.rep.Read++
	}
	p.Size, p.Changed = r.c.info.size, r.c.info.changed
	w.mark()
	w.close()
	return nil
}

// lastLine takes in the end of a file that rests and ends without a line feed, as far as it is whole. It says false if that is to be
// looked at again, line by line.
func (w *walk) lastLine() bool {
	r, p := w.in, w.in.p
	b := w.buf[r.start:r.end]
	left := w.objects(b, p.Lines+1)
	switch {
	case len(left) == 0:
		p.Waiting, p.Unended = false, true
		p.Lines += 1 + int64(bytes.Count(b, newline))
	case r.value.length > 0: // an object over several lines that does not end: each of them may be one
		r.value.giveUp()
		return false
	default:
		w.memory.Intake.Read++
		w.broken(p.Lines+1, reasonUnfinished)
	}
	r.took(len(b) - len(left))
	return true
}

// objects reads the objects of a line into the page: one as a rule, or several, as a list or without anything between them. It
// returns what is left from the first on that is not whole.
func (w *walk) objects(b []byte, number int64) (left []byte) {
	if w.in.p.Offset == 0 {
		b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	}
	if b = betweenObjects(b); len(b) == 0 {
		return nil
	}
	text := string(b)
	for len(text) > 0 {
		n := len(w.events)
		w.events = append(w.events, connectors.Event{})
		length, reason := w.dec.event(text, &w.events[n])
		if reason != "" || length > maxLine {
			w.events = w.events[:n]
		}
		if length == 0 {
			break
		}
		w.counted(length)
		switch {
		case length > maxLine:
			w.broken(number, reasonTooLong)
		case reason != "":
			w.broken(number, reason)
		default:
			w.events[n].Source = w.o.Name
			w.rep.Events++
		}
		b = betweenObjects(b[length:])
		text = text[len(text)-len(b):]
	}
	return b
}

// counted counts an object, or a line that is none.
func (w *walk) counted(length int) {
	w.bytes += length
	w.lines++
	w.rep.Lines++
	w.memory.Intake.Read++
}

// betweenObjects cuts off what may stand before an object.
func betweenObjects(b []byte) []byte {
	if len(b) > 0 && b[0] == '{' {
		return b
	}
	return bytes.TrimLeft(b, " \t\r\n,[]")
}

// broken counts and remembers a broken line.
func (w *walk) broken(number int64, reason string) {
	file, now := w.in.c.info.path, w.o.Now().UTC()
	w.rep.Broken++
	w.unread++
	w.memory.Intake.CountUnreadable(connectors.Unreadable{Where: file, Line: number, Reason: reason, Time: now})
	if last, ok := w.warned[file]; !ok || now.Sub(last) >= warnEvery {
		if len(w.warned) >= 1000 {
			clear(w.warned)
		}
		w.warned[file] = now
		w.log.Warn("jsonl: a line is broken and passed over; further ones of this file are not told for a minute",
			"source", w.o.Name, "file", file, "line", number, "reason", reason)
	}
}

// age marks the positions that no file is at any more, and drops them a month later: until then a copy or archive of the
// file may turn up.
func (w *walk) age() {
	now := w.o.Now().UTC()
	w.memory.Files = slices.DeleteFunc(w.memory.Files, func(p *position) bool {
		switch {
		case w.held[p]:
		case p.Gone.IsZero():
			p.Gone = now
			w.touched++
		case now.Sub(p.Gone) > keptGone:
			w.touched++
			return true
		}
		return false
	})
}
