package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/intentd/intentd/connectors"
)

// Outcome is what an answer means.
type Outcome struct {
	Kind               connectors.Kind // 0: it is good
	Code, Message, Fix string          // the vendor's own code and words, what the admin can do
	Retry              bool            // another attempt may succeed: for calls declared idempotent
	Refused            bool            // the vendor did nothing: another attempt is harmless for every call
	Renew              bool            // the token is stale
	After              time.Duration   // at least so long before the next attempt; RateLimited holds all workers for it
	Until              time.Time       // RateLimited, Quota: when to go on, where it is a point in time
	All                bool            // RateLimited: hold every bucket, not only the call's
}

// ByStatus is what an answer means by its status and form alone: what a vendor's Classify falls back on.
func ByStatus(r *Response) Outcome {
	s := r.Status
	message := strconv.Itoa(s)
	if t := http.StatusText(s); t != "" {
		message += " " + t
	}
	o := Outcome{Message: message}
	after, _ := r.RetryAfter()
	o.After = after
	switch {
	case s >= 200 && s < 300:
		if r.HTML() {
			return unreadable(r)
		}
		return Outcome{}
	case s == http.StatusUnauthorized:
		o.Kind, o.Renew = connectors.Auth, true
	case s == http.StatusTooManyRequests:
		o.Kind, o.Refused = connectors.RateLimited, true
		o.After = max(after, time.Second) // also where it says 0: others wait, too
	case r.HTML():
		return unreadable(r) // a proxy or a maintenance page speaks, not the API
	case s == http.StatusForbidden:
		o.Kind = connectors.Auth
	case s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusGone:
		o.Kind = connectors.Config
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s >= 500:
		o.Kind, o.Retry = connectors.Transient, true
	case s >= 400:
		o.Kind = connectors.Rejected
	default:
		o.Kind, o.Retry = connectors.Transient, true
	}
	return o
}

// ByBody is what an answer means by its status and form, in the words and with the code that read finds in its body. It says
// false where the vendor's API did not speak: there is no failure, or a proxy or a web page tells of one, and the body holds
// nothing more to go by.
func ByBody(r *Response, read func(body []byte) (code, message string)) (Outcome, bool) {
	if r.Status == http.StatusRequestURITooLong { // said by a proxy, in a page of its own
		return Outcome{Kind: connectors.Config, Message: "the request is too long", Fix: "shorten the list of inputs"}, false
	}
	o := ByStatus(r)
	if o.Kind == 0 || r.HTML() {
		return o, false
	}
	code, message := read(r.Body)
	if message != "" {
		o.Message = message
	}
	o.Code = code
	return o, true
}

// ErrorWords is what a body says of a failure, for ByBody: {"error": {"message": …}}, {"error": …} or plain text.
func ErrorWords(body []byte) (code, message string) {
	var said struct {
		Error json.RawMessage `json:"error"`
	}
	var inner struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &said) == nil && said.Error != nil {
		if json.Unmarshal(said.Error, &message) == nil {
			return "", message
		}
		if json.Unmarshal(said.Error, &inner) == nil {
			return "", inner.Message
		}
	}
	return "", strings.TrimSpace(string(body))
}

// WaitUntold has a limit that does not say when it ends be waited for so long.
func (o *Outcome) WaitUntold(r *Response, wait time.Duration) {
	if _, told := r.RetryAfter(); o.Kind == connectors.RateLimited && !told {
		o.After = wait
	}
}

// unreadable is the outcome of an answer that is not what was asked for.
func unreadable(r *Response) Outcome {
	message := fmt.Sprintf("unreadable answer (status %d, %d bytes)", r.Status, len(r.Body))
	if r.HTML() {
		message = fmt.Sprintf("an HTML page in place of an answer (status %d)", r.Status)
	}
	return Outcome{Kind: connectors.Transient, Message: message, Retry: true}
}

// HTML says whether the answer is a web page, which no API used here ever gives. What is said to be XML is none: file stores speak it.
func (r *Response) HTML() bool {
	if htmlType(r.Header) {
		return true
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.HasSuffix(strings.ToLower(strings.TrimSpace(kind)), "/xml") {
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(r.Body, " \t\r\n\xef\xbb\xbf"), []byte("<"))
}

func htmlType(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(h.Get("Content-Type"))), "text/html")
}

// RetryAfter is the wait the Retry-After header asks for, in seconds or as a date, and whether it told one.
func (r *Response) RetryAfter() (time.Duration, bool) {
	h := strings.TrimSpace(r.Header.Get("Retry-After"))
	if h == "" {
		return 0, false
	}
	if s, err := strconv.ParseFloat(h, 64); err == nil {
		if !(s >= 0) || s > 1e8 {
			return 0, false
		}
		return time.Duration(s * float64(time.Second)), true
	}
	t, err := http.ParseTime(h)
	if err != nil {
		return 0, false
	}
	from := r.Date
	if from.IsZero() {
		return 0, false // whose clock?
	}
	return max(t.Sub(from), 0), true
}

var (
	errTooLarge = errors.New("the answer is larger than the cap")
	errEncoding = errors.New("the answer is compressed in a way it does not keep")
)

// body is a reusable buffer that answers are read into.
type body struct {
	buf bytes.Buffer
	gz  *gzip.Reader
}

var bodies = sync.Pool{New: func() any { return new(body) }}

// maxKept is the largest buffer kept for reuse.
const maxKept = 4 << 20

func (b *body) bytes() []byte { return b.buf.Bytes() }

func (b *body) release() {
	if b.buf.Cap() <= maxKept {
		b.buf.Reset()
		bodies.Put(b)
	}
}

// read reads resp to its end, unfolds gzip, and returns how many bytes came over the wire.
func (b *body) read(resp *http.Response, limit int64) (int64, error) {
	b.buf.Reset()
	return b.pour(resp, func(src io.Reader, folded bool) error {
		if n := resp.ContentLength; n > 0 && n <= limit && !folded {
			b.buf.Grow(int(min(n, maxKept)) + bytes.MinRead)
		}
		n, err := b.buf.ReadFrom(io.LimitReader(src, limit+1))
		if err == nil && n > limit {
			err = errTooLarge
		}
		return err
	})
}

// stream gives resp to to as it comes, gzip unfolded, and reads what to leaves.
func (b *body) stream(resp *http.Response, to func(io.Reader) error) (int64, error) {
	return b.pour(resp, func(src io.Reader, _ bool) error {
		if err := to(src); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, src)
		return err
	})
}

// pour gives the body of resp, gzip unfolded, to a function, and returns how many bytes came over the wire.
func (b *body) pour(resp *http.Response, to func(src io.Reader, folded bool) error) (int64, error) {
	wire := &counted{r: resp.Body}
	var src io.Reader = wire
	folded := false
	switch enc := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))); enc {
	case "", "identity":
	case "gzip", "x-gzip":
		if b.gz == nil {
			b.gz = new(gzip.Reader)
		}
		if err := b.gz.Reset(wire); err != nil {
			if err == io.EOF && (resp.StatusCode == http.StatusNoContent || resp.ContentLength == 0) {
				return wire.n, nil // an empty body marked as compressed
			}
			if errors.Is(err, gzip.ErrHeader) {
				err = errEncoding
			}
			return wire.n, noEOF(err)
		}
		src, folded = b.gz, true
	default:
		return 0, errEncoding
	}
	err := to(src, folded)
	if errors.Is(err, gzip.ErrChecksum) {
		err = errEncoding
	}
	return wire.n, noEOF(err)
}

// noEOF turns an end of data before its time into the error that says so.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
