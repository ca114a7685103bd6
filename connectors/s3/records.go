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
	start, end int   // of what is read and not taken
	over       error // the stream is at its end
	offset     int64 // of start in the stream
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
			n, whole, broken := objectEnd(b)
			switch {
			case whole && n <= maxRecord:
				s.take(n)
				return b[:n], "", nil
			case broken:
				return nil, reasonSyntax, s.resume(n)
			case whole:
				s.take(n)
				return nil, reasonTooLong, nil
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

// objectEnd is the length of the object that b begins with. whole is false if b ends before it does, and broken true if it cannot be one: the
// next one seems to begin at n.
func objectEnd(b []byte) (n int, whole, broken bool) {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, true, false
			}
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				} else if b[i] == '\n' { // in no string
					return i, false, true
				}
			}
		case '\n':
			if i+1 < len(b) && b[i+1] == '{' { // an object is no member, and one in a list is indented
				return i, false, true
			}
		}
	}
	return len(b), false, false
}
