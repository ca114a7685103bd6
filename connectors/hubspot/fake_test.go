package hubspot

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// fake answers requests by hand and remembers them.
type fake struct {
	mu      sync.Mutex
	answer  func(r seen) reply
	request []seen
}

// seen is a request as it came.
type seen struct {
	n                   int // of the requests so far, from 1
	method, path, query string
	auth, body          string
}

// reply is an answer by hand.
type reply struct {
	status  int
	body    string
	headers map[string]string
}

func ok(body string) reply { return reply{status: 200, body: body} }

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := connectortest.TakeBody(r)
	if err != nil {
		return nil, err
	}
	s := seen{method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, auth: r.Header.Get("Authorization"), body: body}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.n = len(f.request) + 1
	f.request = append(f.request, s)
	a := f.answer(s)
	return connectortest.Answer(r, a.status, a.headers, a.body), nil
}

// inputs are the ids of a batch request.
func (s seen) inputs() []string {
	var b struct{ Inputs []struct{ ID string } }
	json.Unmarshal([]byte(s.body), &b)
	ids := make([]string, len(b.Inputs))
	for i := range ids {
		ids[i] = b.Inputs[i].ID
	}
	return ids
}

// batch is the answer to a batch that all went well.
func batch(ids ...string) reply {
	var rows []string
	for _, id := range ids {
		rows = append(rows, fmt.Sprintf(`{"id":%q,"properties":{"email":"p%s@example.com"},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-11-19T08:17:00.5Z"}`, id, id))
	}
	return ok(`{"status":"COMPLETE","results":[` + strings.Join(rows, ",") + `]}`)
}

func connect(t testing.TB, answer func(seen) reply, change ...func(*Options)) (*Client, *fake) {
	t.Helper()
	f := &fake{answer: answer}
	o := Options{Token: "pat-na1-unit-test-token", HTTP: f}
	for _, ch := range change {
		ch(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, f
}

func ref(id string) connectors.Ref {
	return connectors.Ref{CRM: "hubspot", Object: Contacts, ID: id}
}

func score(id, value string) connectors.Patch {
	return connectors.Patch{Ref: ref(id), Fields: map[string]string{connectors.FieldScore: value}}
}

func readAll(r io.ReadCloser) string {
	defer r.Close()
	b, _ := io.ReadAll(r)
	return string(b)
}
