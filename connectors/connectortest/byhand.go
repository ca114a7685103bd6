package connectortest

import (
	"io"
	"net/http"
	"strings"
)

// TakeBody reads the body of a request and puts it back, for RoundTrippers that look at requests on their way.
func TakeBody(r *http.Request) (string, error) {
	if r.Body == nil {
		return "", nil
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	r.Body.Close()
	r.Body = io.NopCloser(strings.NewReader(string(b)))
	return string(b), nil
}

// Answer is an answer to r made by hand. A body is JSON unless the headers tell otherwise.
func Answer(r *http.Request, status int, headers map[string]string, body string) *http.Response {
	h := http.Header{}
	for k, v := range headers {
		h.Set(k, v)
	}
	if body != "" && h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}
