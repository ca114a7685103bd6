package salesforce

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// fake answers requests by hand, or hands them on to an org, and remembers them.
type fake struct {
	mu      sync.Mutex
	next    http.RoundTripper // where answer says nothing
	answer  func(r seen) reply
	request []seen
}

// seen is a request as it came.
type seen struct {
	n                         int // of the requests so far, from 1
	method, host, path, query string
	header                    http.Header
	body                      string
}

// reply is an answer by hand; the zero reply is none.
type reply struct {
	status int
	body   string
	header map[string]string
}

func ok(body string) reply { return reply{status: 200, body: body} }

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := connectortest.TakeBody(r)
	if err != nil {
		return nil, err
	}
	s := seen{method: r.Method, host: r.URL.Host, path: r.URL.Path, header: r.Header.Clone(), query: r.URL.Query().Get("q"), body: body}
	f.mu.Lock()
	s.n = len(f.request) + 1
	f.request = append(f.request, s)
	var a reply
	if f.answer != nil {
		a = f.answer(s)
	}
	f.mu.Unlock()
	if a.status == 0 {
		return f.next.RoundTrip(r)
	}
	return connectortest.Answer(r, a.status, a.header, a.body), nil
}

// count is how many requests had a part in their method and path.
func (f *fake) count(part string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, s := range f.request {
		if strings.Contains(s.method+" "+s.path, part) {
			n++
		}
	}
	return n
}

// watched is a client of the org whose requests are seen, and may be answered, on the way.
func (p *org) watched(t testing.TB, answer func(seen) reply, change ...func(*Options)) (*Client, *fake) {
	t.Helper()
	f := &fake{next: p.Transport(), answer: answer}
	return p.connect(t, append(change, func(o *Options) { o.HTTP = f })...), f
}

func score(ref connectors.Ref, value string) connectors.Patch {
	return connectors.Patch{Ref: ref, Fields: map[string]string{connectors.FieldScore: value}}
}

func asError(t testing.TB, err error) *connectors.Error {
	t.Helper()
	e, ok := err.(*connectors.Error)
	if !ok {
		t.Fatalf("%v is no *connectors.Error", err)
	}
	return e
}
