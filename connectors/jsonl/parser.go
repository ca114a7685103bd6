package jsonl

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// parser is a strict JSON reader (RFC 8259) over one line that hands out values as texts. It accepts what encoding/json
// accepts, and replaces invalid UTF-8 as that does; FuzzLine holds it to it.
type parser struct {
	s       string
	i       int
	scratch []byte // for strings with escapes
}

// maxDepth bounds the nesting, as encoding/json does.
const maxDepth = 10_000

type valueKind uint8

const (
	noValue valueKind = iota
	nullValue
	stringValue
	numberValue
	boolValue
	otherValue // object or array, as its source text
)

type value struct {
	kind valueKind
	text string
}

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *parser) eat(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

// key reads a key and the colon, and stands on the value.
func (p *parser) key() (string, bool) {
	k, ok := p.str()
	if !ok {
		return "", false
	}
	p.space()
	if !p.eat(':') {
		return "", false
	}
	p.space()
	return k, true
}

// value reads any value. depth counts the containers around it.
func (p *parser) value(depth int) (value, bool) {
	switch c := p.peek(); {
	case c == '"':
		s, ok := p.str()
		return value{stringValue, s}, ok
	case c == '-' || c >= '0' && c <= '9':
		from := p.i
		ok := p.number()
		return value{numberValue, p.s[from:p.i]}, ok
	case c == '{' || c == '[':
		from := p.i
		ok := p.skip(depth + 1)
		return value{otherValue, strings.ToValidUTF8(p.s[from:p.i], "\uFFFD")}, ok
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(p.s[p.i:], word) {
			p.i += len(word)
			if word == "null" {
				return value{kind: nullValue}, true
			}
			return value{boolValue, word}, true
		}
	}
	return value{}, false
}

// skip passes over an object or array that is nested depth deep.
func (p *parser) skip(depth int) bool {
	if depth > maxDepth {
		return false
	}
	closing := byte(']')
	if p.s[p.i] == '{' {
		closing = '}'
	}
	p.i++
	p.space()
	if p.eat(closing) {
		return true
	}
	for {
		if closing == '}' {
			if _, ok := p.key(); !ok {
				return false
			}
		}
		if c := p.peek(); c == '{' || c == '[' {
			if !p.skip(depth + 1) {
				return false
			}
		} else if _, ok := p.value(depth); !ok {
			return false
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

// flatObject reads an object into texts; what is nested stays JSON, and null is as good as absent.
func (p *parser) flatObject() (map[string]string, bool) {
	p.i++
	p.space()
	if p.eat('}') {
		return nil, true
	}
	m := map[string]string{}
	for {
		k, ok := p.key()
		if !ok {
			return nil, false
		}
		v, ok := p.value(2)
		if !ok {
			return nil, false
		}
		if v.kind == nullValue {
			delete(m, k)
		} else {
			m[k] = v.text
		}
		p.space()
		if p.eat('}') {
			return m, true
		}
		if !p.eat(',') {
			return nil, false
		}
		p.space()
	}
}

func (p *parser) digits() bool {
	from := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i > from
}

func (p *parser) number() bool {
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

// str reads a string. Without escapes it shares the memory of the line.
func (p *parser) str() (string, bool) {
	if !p.eat('"') {
		return "", false
	}
	s, from, ascii := p.s, p.i, true
	for i := from; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			p.i = i + 1
			if ascii || utf8.ValidString(s[from:i]) {
				return s[from:i], true
			}
			return validByByte(s[from:i]), true
		case c == '\\':
			return p.escaped(from, i)
		case c < ' ':
			return "", false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", false
}

// escaped goes on with a string at its first backslash.
func (p *parser) escaped(from, at int) (string, bool) {
	b := append(p.scratch[:0], p.s[from:at]...)
	defer func() { p.scratch = b[:0] }()
	for p.i = at; p.i < len(p.s); {
		c := p.s[p.i]
		p.i++
		switch {
		case c == '"':
			return validByByte(string(b)), true
		case c < ' ':
			return "", false
		case c != '\\':
			b = append(b, c)
			continue
		}
		if p.i == len(p.s) {
			return "", false
		}
		c = p.s[p.i]
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

func (p *parser) hex4() (rune, bool) {
	if len(p.s)-p.i < 4 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.s[p.i : p.i+4]) {
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
