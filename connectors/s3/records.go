package s3

import (
	"bytes"
	"errors"
	"io"
)

// maxRecord is the longest record in bytes that is read.
const maxRecord = 1 << 20

// Reasons why something in an object is unreadable, beside those of a record.
const (
	reasonSyntax     = "not a JSON object"
	reasonTooLong    = "longer than 1 MiB"
	reasonUnfinished = "the last record is not finished"
	reasonDamaged    = "damaged or cut gzip data: the rest of the object is unreadable"
	reasonForeign    = "neither JSON nor gzip of it"
	reasonArchived   = "archived: its storage class cannot be read without restoring it"
	reasonGone       = "removed or written anew while it was read"
)

// splitter cuts a stream into JSON objects, whatever lies between them: a line feed, nothing, or the commas of a list. A broken one ends
// where the next begins.
type splitter struct {
	in         io.Reader
	buf        []byte
	start, end int    // of what is read and not taken
	record     extent // that begins at start
	over       error  // the stream is at its end
	offset     int64  // of start in the stream
	begun      bool
}

func (s *splitter) reset(in io.Reader, offset int64) {
	if s.buf == nil {
		s.buf = make([]byte, maxRecord+64<<10)
	}
	*s = splitter{in: in, buf: s.buf, offset: offset, begun: offset > 0}
}

// next is the next object, valid until the next call, or the reason why what stands there is none. At the end of the stream it is io.EOF;
// other errors are the stream's.
func (s *splitter) next() (record []byte, reason string, err error) {
	for {
		s.passBetween()
		if b := s.buf[s.start:s.end]; len(b) > 0 {
			if b[0] != '{' {
				if !s.begun {
					s.take(len(b))
					s.over = io.EOF
					return nil, reasonForeign, nil
				}
				return nil, reasonSyntax, s.resume(1)
			}
			s.begun = true
			whole, broken := s.record.see(b)
			n := s.record.length
			switch {
			case whole && n <= maxRecord:
				s.take(n)
				return b[:n], "", nil
			case whole:
				s.take(n)
				return nil, reasonTooLong, nil
			case broken:
				return nil, reasonSyntax, s.resume(n)
			case len(b) > maxRecord:
				return nil, reasonTooLong, s.resume(len(b))
			case s.over != nil && !errors.Is(s.over, io.EOF):
				return nil, "", s.over
			case s.over != nil:
				return nil, reasonUnfinished, s.resume(1)
			}
		} else if s.over != nil {
			return nil, "", s.over
		}
		s.fill()
	}
}

// passBetween takes what may stand between objects.
func (s *splitter) passBetween() {
	for {
		b := s.buf[s.start:s.end]
		if !s.begun && len(b) >= 3 {
			s.take(len(b) - len(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
			b = s.buf[s.start:s.end]
		}
		s.take(len(b) - len(bytes.TrimLeft(b, " \t\r\n,[]")))
		if s.start < s.end || s.over != nil {
			return
		}
		s.fill()
	}
}

func (s *splitter) take(n int) {
	s.start += n
	s.offset += int64(n)
	if n > 0 {
		s.record = extent{}
	}
}

// fill reads more of the stream.
func (s *splitter) fill() {
	if s.over != nil {
		return
	}
	if s.start > 0 {
		copy(s.buf, s.buf[s.start:s.end])
		s.start, s.end = 0, s.end-s.start
	}
	n, err := s.in.Read(s.buf[s.end:])
	s.end += n
	s.over = err
}

// resume passes over a broken record of at least n bytes, up to where the next object may begin: behind a line feed or a closing brace.
func (s *splitter) resume(n int) error {
	s.take(n)
	for before := byte(0); ; {
		b := s.buf[s.start:s.end]
		for i, c := range b {
			if c == '{' && (before == '}' || before == '\n') {
				s.take(i)
				return nil
			}
			if c == '\n' || c > ' ' {
				before = c
			}
		}
		s.take(len(b))
		if s.over != nil {
			return nil
		}
		s.fill()
	}
}

// extent is how far an object was looked through that begins a buffer and may go on behind it.
type extent struct {
	length int // of what was looked through
	depth  int
	quoted bool // in a string
}

// see looks on through b, which begins with the object. whole says that the object ends at length, and broken that it cannot be one: the next
// one seems to begin at length.
func (x *extent) see(b []byte) (whole, broken bool) {
	for x.length < len(b) {
		c, next := b[x.length], byte(0)
		last := x.length+1 == len(b)
		if !last {
			next = b[x.length+1]
		}
		switch {
		case c == '\n' && x.quoted: // in no string
			return false, true
		case c == '\n' && last, c == '\\' && x.quoted && last:
			return false, false
		case c == '\n' && next == '{': // an object is no member, and one in a list is indented
			return false, true
		case c == '"':
			x.quoted = !x.quoted
		case x.quoted:
			if c == '\\' && next != '\n' {
				x.length++
			}
		case c == '{' || c == '[':
			x.depth++
		case c == '}' || c == ']':
			if x.depth--; x.depth == 0 {
				x.length++
				return true, false
			}
		}
		x.length++
	}
	return false, false
}
