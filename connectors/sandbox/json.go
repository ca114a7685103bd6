package sandbox

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader reads a JSON text in one pass without building values of it: batches of a hundred records are what this
// package must read fast. The first mistake sticks in err, and whatever is asked for after it is empty.
type jsonReader struct {
	b     []byte
	i     int
	depth int
	err   error
}

// maxDepth bounds nesting, so that a hostile body cannot exhaust the stack.
const maxDepth = 64

// syntaxError says where a body is no JSON, or not the JSON that was expected.
type syntaxError struct {
	line, column int
	what         string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("Invalid input JSON on line %d, column %d: %s", e.line, e.column, e.what)
}

func (r *jsonReader) fail(what string) {
	if r.err != nil {
		return
	}
	e := &syntaxError{line: 1, column: 1, what: what}
	for _, c := range r.b[:min(r.i, len(r.b))] {
		e.column++
		if c == '\n' {
			e.line, e.column = e.line+1, 1
		}
	}
	r.err = e
}

func (r *jsonReader) space() {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return
		}
	}
}

// peek is the first byte of the next value, 0 at the end or after an error.
func (r *jsonReader) peek() byte {
	if r.err != nil {
		return 0
	}
	r.space()
	if r.i >= len(r.b) {
		return 0
	}
	return r.b[r.i]
}

// end checks that nothing follows.
func (r *jsonReader) end() {
	if r.peek(); r.err == nil && r.i < len(r.b) {
		r.fail("Unexpected content after the value")
	}
}

func (r *jsonReader) expect(c byte, what string) bool {
	if r.peek() != c {
		r.fail("Expected " + what)
		return false
	}
	r.i++
	return true
}

// object reads an object; field is called at each value and must read it.
func (r *jsonReader) object(field func(key []byte)) {
	if !r.expect('{', "an object") {
		return
	}
	if r.depth++; r.depth > maxDepth {
		r.fail("Nested too deeply")
		return
	}
	if r.peek() == '}' {
		r.i++
		r.depth--
		return
	}
	for r.err == nil {
		key := r.str()
		if !r.expect(':', "':'") {
			return
		}
		field(key)
		switch r.peek() {
		case ',':
			r.i++
		case '}':
			r.i++
			r.depth--
			return
		default:
			r.fail("Expected ',' or '}'")
		}
	}
}

// array reads an array; item is called at each element and must read it.
func (r *jsonReader) array(item func()) {
	if !r.expect('[', "an array") {
		return
	}
	if r.depth++; r.depth > maxDepth {
		r.fail("Nested too deeply")
		return
	}
	if r.peek() == ']' {
		r.i++
		r.depth--
		return
	}
	for r.err == nil {
		item()
		switch r.peek() {
		case ',':
			r.i++
		case ']':
			r.i++
			r.depth--
			return
		default:
			r.fail("Expected ',' or ']'")
		}
	}
}

// str reads a string. The result lies in the body where nothing is escaped and is not to be changed.
func (r *jsonReader) str() []byte {
	if !r.expect('"', "a string") {
		return nil
	}
	start := r.i
	for r.i < len(r.b) {
		switch c := r.b[r.i]; {
		case c == '"':
			r.i++
			return r.b[start : r.i-1]
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			r.fail("Illegal unquoted control character in a string")
			return nil
		default:
			r.i++
		}
	}
	r.fail("Unexpected end of a string")
	return nil
}

// escaped goes on with a string from its first backslash.
func (r *jsonReader) escaped(start int) []byte {
	out := append(make([]byte, 0, r.i-start+64), r.b[start:r.i]...)
	for r.i < len(r.b) {
		c := r.b[r.i]
		switch {
		case c == '"':
			r.i++
			return out
		case c < ' ':
			r.fail("Illegal unquoted control character in a string")
			return nil
		case c != '\\':
			out = append(out, c)
			r.i++
			continue
		}
		if r.i+1 >= len(r.b) {
			break
		}
		esc := r.b[r.i+1]
		r.i += 2
		if at := strings.IndexByte(`"\/bfnrt`, esc); at >= 0 {
			out = append(out, "\"\\/\b\f\n\r\t"[at])
			continue
		}
		if esc != 'u' {
			r.fail("Unrecognized character escape")
			return nil
		}
		u := r.hex4()
		if utf16.IsSurrogate(u) && r.i+1 < len(r.b) && r.b[r.i] == '\\' && r.b[r.i+1] == 'u' {
			mark := r.i
			r.i += 2
			if both := utf16.DecodeRune(u, r.hex4()); both != utf8.RuneError {
				u = both
			} else {
				r.i = mark // a lone surrogate becomes U+FFFD
			}
		}
		if r.err != nil {
			return nil
		}
		out = utf8.AppendRune(out, u)
	}
	r.fail("Unexpected end of a string")
	return nil
}

func (r *jsonReader) hex4() rune {
	if r.i+4 > len(r.b) {
		r.fail("Unexpected end of a string")
		return 0
	}
	var u rune
	for _, c := range r.b[r.i : r.i+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			r.fail("Expected a hexadecimal digit")
			return 0
		}
		u = u<<4 | rune(c)
	}
	r.i += 4
	return u
}

// skip reads any value.
func (r *jsonReader) skip() {
	switch c := r.peek(); {
	case c == '{':
		r.object(func([]byte) { r.skip() })
	case c == '[':
		r.array(r.skip)
	case c == '"':
		r.str()
	case c == 't':
		r.word("true")
	case c == 'f':
		r.word("false")
	case c == 'n':
		r.word("null")
	case c == '-' || '0' <= c && c <= '9':
		n := decimalLength(r.b[r.i:], true)
		if n == 0 {
			r.fail("Invalid number")
			return
		}
		r.i += n
	default:
		r.fail("Expected a value")
	}
}

func (r *jsonReader) word(w string) {
	if r.i+len(w) > len(r.b) || string(r.b[r.i:r.i+len(w)]) != w {
		r.fail("Unrecognized token")
		return
	}
	r.i += len(w)
}

// decimalLength is how much of the start of b is a decimal number in JSON's grammar, 0 if nothing.
func decimalLength[T []byte | string](b T, exponent bool) int {
	i := 0
	digits := func() bool {
		from := i
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return 0
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return 0
		}
	}
	if exponent && i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	return i
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string.
func appendQuoted[T []byte | string](dst []byte, s T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
