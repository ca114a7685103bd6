package spool

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
)

// maxLine is the longest line in bytes that is read.
const maxLine = 1 << 20

const reasonTooLong = "longer than 1 MiB"

// Position is how far the lines of an answer are read.
type Position struct {
	Lines int64  `json:"n,omitempty"`
	Hash  uint64 `json:"h,omitempty"` // of all of them
}

// Lines reads the lines of an answer.
type Lines struct {
	At Position
	in *bufio.Reader
}

// newLines begins at the first line.
func newLines(r io.Reader) *Lines { return &Lines{in: bufio.NewReaderSize(r, maxLine)} }

// Skip goes on behind a position of an earlier answer to the same question. It says false if the lines before it are other ones now: they are
// to be read again then, from a new beginning.
func (l *Lines) Skip(to Position) (same bool, err error) {
	for l.At.Lines < to.Lines {
		if _, _, err := l.next(); errors.Is(err, io.EOF) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return l.At == to, nil
}

// next is the next line, valid until the next call; long says that it is too long and passed over.
func (l *Lines) next() (line []byte, long bool, err error) {
	line, err = l.in.ReadSlice('\n')
	sum := xxhash.Sum64(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		line, err = l.in.ReadSlice('\n')
		sum = sum*31 + xxhash.Sum64(line)
	}
	if err != nil && (len(line) == 0 || !errors.Is(err, io.EOF)) {
		return nil, false, err
	}
	l.At.Lines++
	l.At.Hash = xxhash.Sum64(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, l.At.Hash), sum))
	return line, long, nil
}

// Page is what lines are read into.
type Page struct {
	Name  string // of the source
	Where string // names the answer
	Most  int    // events
	Now   func() time.Time
	// Read reads a line that is not blank into an event and says why it cannot, "" if it can. An event whose Kind it leaves empty is
	// left out; it counts that itself.
	Read func(line string, e *connectors.Event) (reason string)

	Intake *connectors.Intake
	Poll   *Counts // of the present poll
	Events []connectors.Event
}

// Counts are lines read and unreadable.
type Counts struct {
	Read   int64 `json:"n,omitempty"`
	Unread int64 `json:"x,omitempty"`
}

// Over puts the counts of a poll that is over into the intake.
func (c Counts) Over(in *connectors.Intake) {
	if c.Read > 0 {
		in.LatestRead, in.LatestUnreadable = c.Read, c.Unread
	}
}

// pageBytes bounds the lines of a page.
const pageBytes = 16 << 20

// Fill reads lines until the page is full. At the end of the lines the error is io.EOF; other errors are those of reading.
func (p *Page) Fill(ctx context.Context, l *Lines) error {
	for n := 0; len(p.Events) < p.Most && n < pageBytes; {
		line, long, err := l.next()
		if err != nil {
			return err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		n += len(line)
		p.Intake.Read++
		p.Poll.Read++
		var e connectors.Event
		reason := reasonTooLong
		if !long {
			reason = p.Read(string(line), &e)
		}
		if reason != "" {
			p.Poll.Unread++
			p.Intake.CountUnreadable(connectors.Unreadable{Where: p.Where, Line: l.At.Lines, Reason: reason, Time: p.Now().UTC()})
		} else if e.Kind != "" {
			e.Source = p.Name
			p.Events = append(p.Events, e)
		}
		if l.At.Lines%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
