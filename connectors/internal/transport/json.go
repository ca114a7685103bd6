package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/intentd/intentd/connectors/internal/jsonscan"
)

// Scanner and what goes with it reads large answers.
type Scanner = jsonscan.Scanner

// ErrNotJSON says that an answer is not the JSON that was asked for.
var ErrNotJSON = jsonscan.ErrNotJSON

// EachProperty reads a flat object.
func EachProperty(raw string, f func(name, value string)) { jsonscan.EachProperty(raw, f) }

// Post is a POST of JSON that is as good done twice as once.
func Post(op, path string, body []byte) Request {
	return Request{Op: op, Method: http.MethodPost, Path: path, Body: body, Idempotent: true}
}

// get is a GET.
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
