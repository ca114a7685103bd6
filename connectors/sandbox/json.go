package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// marshal renders what cannot fail to render.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Errorf("sandbox: %w", err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}

func jsonReply(status int, v any) reply {
	return reply{status: status, body: appendJSON(make([]byte, 0, 4096), v)}
}

// decode reads a request's body. The error says in a client's words what is wrong with it.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) {
		return errors.New("on line 1, column 1: Invalid UTF-8")
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("on line 1, column 1: %w", err)
	}
	return nil
}

// members is a JSON object that is told in its order.
type members []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements [json.Marshaler] for what encoding/json renders around it.
func (m members) MarshalJSON() ([]byte, error) { return appendJSON(nil, m), nil }

// appendJSON appends a value. What records are told by is written here: encoding/json takes five times as long for it, and a
// sandbox shares its machine with what is measured against it.
func appendJSON(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendQuoted(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case func(b []byte) []byte: // what appends itself
		return v(b)
	case members:
		return appendEach(b, "{}", v, func(b []byte, m member) []byte { return appendJSON(append(appendQuoted(b, m.name), ':'), m.value) })
	case []members:
		return appendEach(b, "[]", v, func(b []byte, m members) []byte { return appendJSON(b, m) })
	case []any:
		return appendEach(b, "[]", v, appendJSON)
	}
	return append(b, marshal(value)...)
}

// appendEach appends what stands between two brackets.
func appendEach[T any](b []byte, brackets string, list []T, one func(b []byte, x T) []byte) []byte {
	b = append(b, brackets[0])
	for i, x := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, x)
	}
	return append(b, brackets[1])
}

// appendQuoted appends a text. What needs escaping, or may, is left to encoding/json.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return append(b, marshal(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// appendValue appends a text, null for an empty one.
func appendValue(b []byte, text string) []byte {
	if text == "" {
		return append(b, "null"...)
	}
	return appendQuoted(b, text)
}
