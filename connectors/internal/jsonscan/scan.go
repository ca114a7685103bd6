// Package jsonscan reads JSON from left to right without building values of it: a line of a file costs a tenth of what encoding/json
// takes, and a page of records is walked through once.
//
// It accepts what encoding/json accepts (RFC 8259), and replaces bytes that are not UTF-8 as that does; the fuzzers hold it to it. What
// it returns shares the memory of the text where nothing in it is escaped.
package jsonscan

import (
	"errors"
	"math/bits"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrNotJSON says that the text is not the JSON that was asked for.
var ErrNotJSON = errors.New("not the JSON that was asked for")

// maxDepth bounds the nesting, as encoding/json does.
const maxDepth = 10_000

// Scanner stands in a text. After an error it is of no further use.
type Scanner struct {
	S       string
	i       int
	depth   int    // of the objects and lists that are being read
	scratch []byte // for strings with escapes
}

// Kind is what a value is.
type Kind uint8

const (
	None   Kind = iota // there is no value
	Null               // null
	String             // a string
	Number             // a number
	Bool               // true or false
	Nested             // an object or a list
)

// Value is a value as text: a string without its quotes, anything else as it is written, null empty.
type Value struct {
	Kind Kind
	Text string
}

// Reset begins with another text.
func (p *Scanner) Reset(s string) { *p = Scanner{S: s, scratch: p.scratch} }

// Offset is how much of the text is read.
func (p *Scanner) Offset() int { return p.i }

// End says whether nothing but space is left.
func (p *Scanner) End() bool {
	p.space()
	return p.i == len(p.S)
}

// Next is the first byte of the next value; 0 if there is none.
func (p *Scanner) Next() byte {
	p.space()
	return p.peek()
}

// Nested says whether the next value is an object or a list.
func (p *Scanner) Nested() bool {
	c := p.Next()
	return c == '{' || c == '['
}

// Object calls member with the name of each member; it must read the value. A null is an empty object.
func (p *Scanner) Object(member func(name string) error) error {
	return p.each('{', '}', func() error {
		name, err := p.str()
		if err != nil {
			return err
		}
		if p.space(); !p.eat(':') {
			return ErrNotJSON
		}
		return member(name)
	})
}

// List calls element at the beginning of each element; it must read it. A null is an empty list.
func (p *Scanner) List(element func() error) error { return p.each('[', ']', element) }

func (p *Scanner) each(opening, closing byte, one func() error) error {
	if p.space(); !p.eat(opening) {
		if p.word("null") {
			return nil
		}
		return ErrNotJSON
	}
	if p.depth++; p.depth > maxDepth {
		return ErrNotJSON
	}
	if p.space(); !p.eat(closing) {
		for {
			if err := one(); err != nil {
				return err
			}
			if p.space(); p.eat(closing) {
				break
			}
			if !p.eat(',') {
				return ErrNotJSON
			}
			p.space()
		}
	}
	p.depth--
	return nil
}

// Value reads any value.
func (p *Scanner) Value() (Value, error) {
	from := p.skipSpace()
	switch c := p.peek(); {
	case c == '"':
		s, err := p.str()
		return Value{String, s}, err
	case c == '-' || c >= '0' && c <= '9':
		if !p.number() {
			return Value{}, ErrNotJSON
		}
		return Value{Number, p.S[from:p.i]}, nil
	case c == '{' || c == '[':
		if !p.skip(p.depth + 1) {
			return Value{}, ErrNotJSON
		}
		return Value{Nested, strings.ToValidUTF8(p.S[from:p.i], "\uFFFD")}, nil
	case p.word("null"):
		return Value{Kind: Null}, nil
	case p.word("true"), p.word("false"):
		return Value{Bool, p.S[from:p.i]}, nil
	}
	return Value{}, ErrNotJSON
}

// Text reads a string, number or literal; null is "".
func (p *Scanner) Text() (string, error) {
	if p.Nested() {
		return "", ErrNotJSON
	}
	v, err := p.Value()
	return v.Text, err
}

// Raw passes over a value and returns it as it is written.
func (p *Scanner) Raw() (string, error) {
	from := p.skipSpace()
	if c := p.peek(); c == '{' || c == '[' {
		if !p.skip(p.depth + 1) {
			return "", ErrNotJSON
		}
	} else if _, err := p.Value(); err != nil {
		return "", err
	}
	return p.S[from:p.i], nil
}

// scanners are used again for the room that they unescape strings in: a record has a few long ones, and there are many records.
var scanners = sync.Pool{New: func() any { return new(Scanner) }}

// EachProperty calls f with the name and value of every property of a flat object. A null is "", a value that is no string stands as
// it is written, and an object or list is left out. It stops at what is no JSON.
func EachProperty(raw string, f func(name, value string)) {
	p := scanners.Get().(*Scanner)
	p.Reset(raw)
	defer func() {
		if p.Reset(""); cap(p.scratch) <= 64<<10 { // one huge string must not keep its memory
			scanners.Put(p)
		}
	}()
	p.Object(func(name string) error {
		if p.Nested() {
			_, err := p.Raw()
			return err
		}
		value, err := p.Text()
		if err == nil {
			f(name, value)
		}
		return err
	})
}

// skip passes over an object or list that is nested depth deep.
func (p *Scanner) skip(depth int) bool {
	if depth > maxDepth {
		return false
	}
	closing := byte(']')
	if p.S[p.i] == '{' {
		closing = '}'
	}
	p.i++
	p.space()
	if p.eat(closing) {
		return true
	}
	for {
		if closing == '}' {
			if !p.skipString() {
				return false
			}
			p.space()
			if !p.eat(':') {
				return false
			}
			p.space()
		}
		switch c := p.peek(); {
		case c == '{' || c == '[':
			if !p.skip(depth + 1) {
				return false
			}
		case c == '"':
			if !p.skipString() {
				return false
			}
		default:
			if _, err := p.Value(); err != nil {
				return false
			}
		}
		p.space()
		if p.eat(closing) {
			return true
		}
		if !p.eat(',') {
			return false
		}
		p.space()
	}
}

// skipString passes over a string. Only one with escapes is read for it.
func (p *Scanner) skipString() bool {
	if p.peek() != '"' {
		return false
	}
	for i := run(p.S, p.i+1); i < len(p.S); i = run(p.S, i+1) {
		switch c := p.S[i]; {
		case c == '"':
			p.i = i + 1
			return true
		case c == '\\':
			_, err := p.str()
			return err == nil
		case c < ' ':
			return false
		}
	}
	return false
}

func (p *Scanner) space() {
	if p.i < len(p.S) && p.S[p.i] <= ' ' {
		p.moreSpace()
	}
}

func (p *Scanner) moreSpace() {
	for p.i < len(p.S) {
		switch p.S[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *Scanner) skipSpace() int {
	p.space()
	return p.i
}

func (p *Scanner) peek() byte {
	if p.i < len(p.S) {
		return p.S[p.i]
	}
	return 0
}

func (p *Scanner) eat(c byte) bool {
	if p.i < len(p.S) && p.S[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *Scanner) word(w string) bool {
	if !strings.HasPrefix(p.S[p.i:], w) {
		return false
	}
	p.i += len(w)
	return true
}

func (p *Scanner) digits() bool {
	from := p.i
	for p.i < len(p.S) && p.S[p.i] >= '0' && p.S[p.i] <= '9' {
		p.i++
	}
	return p.i > from
}

func (p *Scanner) number() bool {
	p.eat('-')
	if !p.eat('0') && !p.digits() {
		return false
	}
	if p.eat('.') && !p.digits() {
		return false
	}
	if p.eat('e') || p.eat('E') {
		if !p.eat('+') {
			p.eat('-')
		}
		return p.digits()
	}
	return true
}

func (p *Scanner) str() (string, error) {
	if !p.eat('"') {
		return "", ErrNotJSON
	}
	s, from, ascii := p.S, p.i, true
	for i := run(s, from); i < len(s); i = run(s, i+1) {
		switch c := s[i]; {
		case c == '"':
			p.i = i + 1
			if ascii || utf8.ValidString(s[from:i]) {
				return s[from:i], nil
			}
			return validByByte(s[from:i]), nil
		case c == '\\':
			if text, ok := p.escaped(from, i); ok {
				return text, nil
			}
			return "", ErrNotJSON
		case c < ' ':
			return "", ErrNotJSON
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", ErrNotJSON
}

// run is where in s, from i on, the next byte stands that is not simply a string's: a quotation mark, a backslash, a control character, or
// of a character beyond ASCII. Eight bytes are looked at in one step: most of what is read from outside are strings.
func run(s string, i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		// A byte is less than n where taking n away borrows; the lowest byte that is found is one, whatever was borrowed above it.
		if found := ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*' ')&^x | x) & high; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c == '"' || c == '\\' || c < ' ' || c >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// escaped goes on with a string at its first backslash.
func (p *Scanner) escaped(from, at int) (string, bool) {
	b := append(p.scratch[:0], p.S[from:at]...)
	defer func() { p.scratch = b[:0] }()
	for p.i = at; p.i < len(p.S); {
		c := p.S[p.i]
		p.i++
		switch {
		case c == '"':
			return validByByte(string(b)), true
		case c < ' ':
			return "", false
		case c != '\\':
			end := run(p.S, p.i)
			b = append(b, p.S[p.i-1:end]...)
			p.i = end
			continue
		}
		if p.i == len(p.S) {
			return "", false
		}
		c = p.S[p.i]
		p.i++
		switch c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r, ok := p.hex4()
			if !ok {
				return "", false
			}
			if utf16.IsSurrogate(r) {
				back := p.i
				low := rune(utf8.RuneError)
				if p.eat('\\') && p.eat('u') {
					if low, ok = p.hex4(); !ok {
						return "", false
					}
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					p.i = back // the second one stands for itself
				}
			}
			b = utf8.AppendRune(b, r)
		default:
			return "", false
		}
	}
	return "", false
}

func (p *Scanner) hex4() (rune, bool) {
	if len(p.S)-p.i < 4 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.S[p.i : p.i+4]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	p.i += 4
	return r, true
}

// validByByte replaces every byte that is not part of valid UTF-8 by U+FFFD.
func validByByte(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
