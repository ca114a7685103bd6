package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"
)

// ErrNotJSON says that an answer is not the JSON that was asked for.
var ErrNotJSON = errors.New("not the JSON that was asked for")

// Post is a POST of JSON that is as good done twice as once.
func Post(op, path string, body []byte) Request {
	return Request{Op: op, Method: http.MethodPost, Path: path, Body: body, Idempotent: true}
}

// Get is a GET.
func Get(op, path string) Request {
	return Request{Op: op, Method: http.MethodGet, Path: path, Idempotent: true}
}

// Do makes a call whose answer is a JSON object, decoded afresh into a new T on each attempt.
func Do[T any](ctx context.Context, c *Client, r Request) (*T, *Response, error) {
	var v *T
	r.Decode = func(a *Response) error {
		v = new(T)
		return Unmarshal(a.Body, v)
	}
	a, err := c.Do(ctx, r)
	if err != nil {
		return nil, a, err
	}
	return v, a, nil
}

// Unmarshal reads an answer. A field of an unexpected type is left out rather than failing the answer; anything that is not
// an object is no answer.
func Unmarshal(b []byte, v any) error {
	if b = bytes.TrimSpace(b); len(b) == 0 || b[0] != '{' {
		return ErrNotJSON
	}
	return Lenient(json.Unmarshal(b, v))
}

// Lenient forgives json.Unmarshal a field of an unexpected type.
func Lenient(err error) error {
	if mismatch := (*json.UnmarshalTypeError)(nil); errors.As(err, &mismatch) {
		return nil
	}
	return err
}

// Encode is v as JSON, for bodies and cursors: strings, numbers, and structs and lists of them. It panics for what has no JSON.
func Encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("transport: encode: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// EachProperty calls f with the name and value of every property of a flat object. A null is "", a value that is no string
// stands as it is written, and an object or list is left out. It stops at what is no JSON.
func EachProperty(raw string, f func(name, value string)) {
	p := Scanner{S: raw}
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

// Scanner reads JSON from left to right, without building values of it: a page of records would be walked through four times
// by encoding/json. It checks structure, not the spelling of numbers and literals. What it returns shares S's memory.
type Scanner struct {
	S string
	i int
}

// End says whether nothing but space is left.
func (p *Scanner) End() bool {
	p.space()
	return p.i == len(p.S)
}

// Nested says whether the next value is an object or a list.
func (p *Scanner) Nested() bool {
	p.space()
	return p.i < len(p.S) && (p.S[p.i] == '{' || p.S[p.i] == '[')
}

func (p *Scanner) space() {
	for p.i < len(p.S) && (p.S[p.i] == ' ' || p.S[p.i] == '\n' || p.S[p.i] == '\t' || p.S[p.i] == '\r') {
		p.i++
	}
}

// next passes over c and the space before it.
func (p *Scanner) next(c byte) bool {
	p.space()
	if p.i >= len(p.S) || p.S[p.i] != c {
		return false
	}
	p.i++
	return true
}

// Object calls member with the name of each member; it must read the value. A null is an empty object.
func (p *Scanner) Object(member func(name string) error) error {
	if !p.next('{') {
		return p.null()
	}
	if p.next('}') {
		return nil
	}
	for {
		name, err := p.Str()
		if err != nil {
			return err
		}
		if !p.next(':') {
			return ErrNotJSON
		}
		if err := member(name); err != nil {
			return err
		}
		if p.next('}') {
			return nil
		}
		if !p.next(',') {
			return ErrNotJSON
		}
	}
}

// List calls element at the beginning of each element; it must read it. A null is an empty list.
func (p *Scanner) List(element func() error) error {
	if !p.next('[') {
		return p.null()
	}
	if p.next(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if p.next(']') {
			return nil
		}
		if !p.next(',') {
			return ErrNotJSON
		}
	}
}

func (p *Scanner) null() error {
	if strings.HasPrefix(p.S[p.i:], "null") {
		p.i += len("null")
		return nil
	}
	return ErrNotJSON
}

// Str reads a string.
func (p *Scanner) Str() (string, error) {
	start, end, escaped := p.quoted()
	if end < 0 {
		return "", ErrNotJSON
	}
	s := p.S[start:end]
	if utf8.ValidString(s) {
		if !escaped {
			return s, nil
		}
		if text, ok := unescaped(s); ok {
			return text, nil
		}
	}
	var text string
	err := json.Unmarshal([]byte(p.S[start-1:end+1]), &text)
	return text, err
}

// unescaped is the inside of a string whose escapes stand for one character each, as line breaks and quotes do; ok is false
// for any other: encoding/json, which is slow to begin with, reads those.
func unescaped(s string) (text string, ok bool) {
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			b.WriteString(s)
			return b.String(), true
		}
		b.WriteString(s[:i])
		if i+1 == len(s) {
			return "", false
		}
		c := s[i+1]
		switch c {
		case '"', '\\', '/':
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		default:
			return "", false
		}
		b.WriteByte(c)
		s = s[i+2:]
	}
}

// quoted passes over a string and tells where its inside lies; end is −1 if there is none.
func (p *Scanner) quoted() (start, end int, escaped bool) {
	p.space()
	if p.i >= len(p.S) || p.S[p.i] != '"' {
		return 0, -1, false
	}
	start = p.i + 1
	for i := start; ; {
		j := strings.IndexByte(p.S[i:], '"')
		if j < 0 {
			return 0, -1, false
		}
		if !escaped {
			escaped = strings.IndexByte(p.S[i:i+j], '\\') >= 0
		}
		j += i
		slashes := 0
		for k := j - 1; k >= start && p.S[k] == '\\'; k-- {
			slashes++
		}
		if slashes%2 == 0 {
			p.i = j + 1
			return start, j, escaped
		}
		i = j + 1
	}
}

// Text reads a string, or a number or literal as it is written; null is "".
func (p *Scanner) Text() (string, error) {
	p.space()
	if p.i < len(p.S) && p.S[p.i] == '"' {
		return p.Str()
	}
	start := p.i
	for p.i < len(p.S) {
		switch p.S[p.i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
		case '{', '[', '"', ':':
			return "", ErrNotJSON
		default:
			p.i++
			continue
		}
		break
	}
	switch s := p.S[start:p.i]; s {
	case "":
		return "", ErrNotJSON
	case "null":
		return "", nil
	default:
		return s, nil
	}
}

// Raw passes over a value and returns it as it stands.
func (p *Scanner) Raw() (string, error) {
	p.space()
	start := p.i
	for depth := 0; p.i < len(p.S); {
		switch p.S[p.i] {
		case '"':
			if _, end, _ := p.quoted(); end < 0 {
				return "", ErrNotJSON
			}
		case '{', '[':
			depth++
			p.i++
		case '}', ']':
			if depth--; depth < 0 {
				return "", ErrNotJSON
			}
			p.i++
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return "", ErrNotJSON
			}
			p.i++
		default:
			if depth == 0 {
				_, err := p.Text()
				return p.S[start:p.i], err
			}
			p.i++
		}
		if depth == 0 {
			return p.S[start:p.i], nil
		}
	}
	return "", ErrNotJSON
}
