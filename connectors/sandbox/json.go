package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

func jsonReply(status int, v any) reply { return reply{status: status, body: marshal(v)} }

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

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string. Records are rendered by hand: encoding/json takes several times as long for them,
// and they are nearly all that a sandbox says.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
