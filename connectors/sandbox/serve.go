package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// maxBody is the largest request body taken, in bytes, where the vendor does not take larger ones.
const maxBody = 16 << 20

// request is what a vendor needs to know of an HTTP request.
type request struct {
	method, path, query string
	base                string // scheme and host it was sent to
	uri                 int    // length of path and query in bytes
	header              http.Header
	body                []byte
}

// params are the query's parameters; what cannot be read is left out.
func (q *request) params() url.Values {
	v, _ := url.ParseQuery(q.query)
	return v
}

// form is the body as a form; what cannot be read is left out.
func (q *request) form() url.Values {
	v, _ := url.ParseQuery(string(q.body))
	return v
}

// reply is an answer before it meets the wire. Its header may be nil.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// textReply is an answer of no JSON, htmlReply the page of a proxy that lets nothing through.
func textReply(status int, kind, text string) reply {
	return reply{status: status, header: http.Header{"Content-Type": {kind}}, body: []byte(text)}
}

func htmlReply(status int) reply {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return textReply(status, "text/html", "<html>\r\n<head><title>"+text+"</title></head>\r\n<body>\r\n<center><h1>"+text+"</h1></center>\r\n</body>\r\n</html>\r\n")
}

// vendor is a CRM behind a desk.
type vendor interface {
	// route names what a request asks for; requests are counted under it.
	route(q *request) string
	// answer is the true answer. The desk's lock is held.
	answer(q *request) reply
	// refusal is an error in the vendor's form, for an injected status or rate policy. The desk's lock is held.
	refusal(status int, policy string) reply
	// begin is called when a request arrives: it takes so long before it is answered. The desk's lock is held.
	begin(q *request) time.Duration
	// end is called when it has been answered or its client has gone. The desk's lock is held.
	end(q *request)
}

// desk receives requests for a vendor: it injects faults, counts, and answers over sockets or without.
// Its lock guards all of the vendor's state.
type desk struct {
	mu     sync.Mutex
	now    func() time.Time
	faults Faults
	tally  Counters // but for Faults
	vendor vendor
	random *rand.Rand // the same numbers in every sandbox
	// largest is the largest request body taken, in bytes; 0: maxBody.
	largest int64
}

// open makes a desk ready to take requests for v, whose clock is now.
func (d *desk) open(v vendor, now func() time.Time) {
	d.vendor, d.now, d.random = v, now, rand.New(rand.NewPCG(1, 2))
	d.tally.Routes, d.tally.RateLimited = map[string]map[int]int64{}, map[string]int64{}
}

// secret is n characters that nobody can guess, but for those who know how many were made before.
func (d *desk) secret(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = idDigits[d.random.IntN(len(idDigits))]
	}
	return string(b)
}

// lock guards until unlock is called.
func (d *desk) lock() (unlock func()) {
	d.mu.Lock()
	return d.mu.Unlock
}

// errBroken stands for a connection that breaks without an answer.
var errBroken = errors.New("sandbox: connection reset by peer")

// handle answers one request, after what its fault and the vendor delay it by. cut ≥ 0 is how many bytes of the body reach the
// client before the connection breaks.
func (d *desk) handle(ctx context.Context, q *request) (rep reply, cut int, err error) {
	fault, hit := d.faults.take(q.method, q.path)
	d.mu.Lock()
	delay := fault.Delay + d.vendor.begin(q)
	d.mu.Unlock()
	if delay > 0 {
		t := time.NewTimer(delay)
		select {
		case <-t.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
		t.Stop()
	}
	defer d.lock()()
	defer d.vendor.end(q)
	defer func() { d.tally.request(d.vendor.route(q), rep.status) }()
	if err != nil {
		return reply{}, -1, err
	}
	effect, cut := hit && (fault.Delay == 0 || fault.Reset || fault.Cut > 0 || fault.Status != 0 || fault.HTML || fault.Policy != ""), -1
	if !effect || fault.After || fault.Cut > 0 {
		rep = d.vendor.answer(q)
	}
	switch {
	case !effect:
	case fault.Reset:
		return reply{}, -1, errBroken
	case fault.Cut > 0:
		cut = min(fault.Cut, len(rep.body))
	default:
		rep = d.staged(fault)
	}
	if rep.header == nil {
		rep.header = http.Header{}
	}
	rep.header.Set("Date", d.now().UTC().Format(http.TimeFormat))
	if rep.body != nil && rep.header.Get("Content-Type") == "" {
		rep.header.Set("Content-Type", "application/json;charset=utf-8")
	}
	return rep, cut, nil
}

// staged is the answer a fault puts in place of the true one.
func (d *desk) staged(f Fault) reply {
	rep := d.vendor.refusal(cmp.Or(f.Status, http.StatusInternalServerError), f.Policy)
	rep.header = http.Header{}
	if f.HTML {
		rep = htmlReply(cmp.Or(f.Status, http.StatusBadGateway))
	} else if f.Policy != "" {
		d.tally.RateLimited[f.Policy]++
	}
	if f.Body != "" {
		rep.body = []byte(f.Body)
	}
	if f.RetryAfter != "" {
		rep.header.Set("Retry-After", f.RetryAfter)
	}
	return rep
}

// take reads what the vendor needs of r.
func (d *desk) take(r *http.Request) (*request, error) {
	q := &request{method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, base: base(r), uri: len(r.URL.RequestURI()), header: r.Header}
	if r.Body == nil || r.Body == http.NoBody {
		return q, nil
	}
	defer r.Body.Close()
	largest := cmp.Or(d.largest, maxBody)
	var buf bytes.Buffer
	if 0 < r.ContentLength && r.ContentLength <= largest {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(http.MaxBytesReader(nil, r.Body, largest)); err != nil {
		return nil, fmt.Errorf("sandbox: read request body: %w", err)
	}
	q.body = buf.Bytes()
	return q, nil
}

// base is the scheme and host that a request was sent to.
func base(r *http.Request) string {
	if r.URL.Host != "" {
		return r.URL.Scheme + "://" + r.URL.Host
	}
	return "http://" + r.Host
}

// ServeHTTP answers over a socket.
func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	res, err := d.Transport().RoundTrip(r)
	if err != nil {
		panic(http.ErrAbortHandler) // net/http closes the connection without an answer
	}
	maps.Copy(w.Header(), res.Header)
	w.Header().Set("Content-Length", strconv.FormatInt(res.ContentLength, 10))
	w.WriteHeader(res.StatusCode)
	if _, err := io.Copy(w, res.Body); err != nil {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Transport answers requests to any host without sockets or goroutines, so that it can be used in a testing/synctest
// bubble. It honours the request's context.
func (d *desk) Transport() http.RoundTripper { return roundTripper{d} }

type roundTripper struct{ d *desk }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	q, err := t.d.take(r)
	err = cmp.Or(r.Context().Err(), err)
	if err != nil {
		return nil, err
	}
	rep, cut, err := t.d.handle(r.Context(), q)
	if err != nil {
		return nil, err
	}
	var body io.Reader = bytes.NewReader(rep.body)
	if cut >= 0 {
		body = io.MultiReader(bytes.NewReader(rep.body[:cut]), brokenReader{})
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", rep.status, http.StatusText(rep.status)), StatusCode: rep.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rep.header, Body: io.NopCloser(body), ContentLength: int64(len(rep.body)), Request: r,
	}, nil
}

// brokenReader is the end of a body whose connection broke.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Listen serves on addr, such as "127.0.0.1:0", until ctx ends and returns the base URL once connections are accepted.
func (d *desk) Listen(ctx context.Context, addr string) (string, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	s := &http.Server{Handler: d, ReadHeaderTimeout: 10 * time.Second}
	go s.Serve(ln) // ends with an error of no interest when the server is closed below
	context.AfterFunc(ctx, func() { s.Close() })
	host, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		s.Close()
		return "", fmt.Errorf("sandbox: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// Faults are the faults to inject.
func (d *desk) Faults() *Faults { return &d.faults }
