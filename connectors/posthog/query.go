package posthog

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// question is the body of a call. refresh says that no answer of before will do: PostHog gives the same query the same answer for hours otherwise.
type question struct {
	Query   hogQL  `json:"query"`
	Refresh string `json:"refresh"`
	Name    string `json:"name"` // in PostHog's own log of queries
}

type hogQL struct {
	Kind   string         `json:"kind"`
	Query  string         `json:"query"`
	Values map[string]any `json:"values"` // for {name} in the query
}

// ask runs a query and hands over each row as it comes. begin is told before the rows of each attempt. An error of each ends it and comes
// back.
func (s *Source) ask(ctx context.Context, op, query string, values map[string]any, begin func(), each func(row []json.RawMessage) error) error {
	var stop error
	r := transport.Post(op, "/api/projects/"+s.o.ProjectID+"/query/", transport.Encode(question{hogQL{"HogQLQuery", query, values}, "force_blocking", "intentd"}))
	r.Stream = func(body io.Reader) error {
		begin()
		err := readResults(body, func(row []json.RawMessage) error {
			stop = each(row)
			return stop
		})
		if stop != nil {
			return nil // what each says is no fault of the answer
		}
		return err
	}
	if _, err := s.HTTP.Do(ctx, r); err != nil {
		return err
	}
	return stop
}

// readResults hands over the rows of an answer: {"results": [[…], …], …}. What is no such answer is an error.
func readResults(body io.Reader, each func(row []json.RawMessage) error) error {
	d := json.NewDecoder(bufio.NewReaderSize(body, 64<<10))
	if err := expect(d, '{'); err != nil {
		return err
	}
	rows := false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if key != "results" {
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return err
			}
			continue
		}
		rows = true
		if err := expect(d, '['); err != nil {
			return err
		}
		for d.More() {
			var row []json.RawMessage
			if err := transport.Lenient(d.Decode(&row)); err != nil {
				return err
			}
			if err := each(row); err != nil {
				return err
			}
		}
		if err := expect(d, ']'); err != nil {
			return err
		}
	}
	if err := expect(d, '}'); err != nil {
		return err
	}
	if !rows {
		return errors.New("an answer without results")
	}
	return nil
}

func expect(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err == nil && t != want {
		err = fmt.Errorf("%v where %v was expected", t, want)
	}
	return err
}

// text is a cell as text; "" for null. Lists and objects stay JSON.
func text(cell json.RawMessage) string {
	var s string
	if json.Unmarshal(cell, &s) == nil {
		return s
	}
	if string(cell) == "null" {
		return ""
	}
	return string(cell)
}

func texts(cells []json.RawMessage) []string {
	out := make([]string, len(cells))
	for i, cell := range cells {
		out[i] = text(cell)
	}
	return out
}

// Codes of errors that are no code of PostHog's.
const (
	codeTooMuch = "too_much"      // for PostHog: fewer people, or less time, may be less
	codeScope   = "scope_missing" // of the API key
	codeProject = "project"       // unknown, or not the key's
)

// failure is what PostHog says of an error.
type failure struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func readFailure(body []byte) (code, message string) {
	var f failure
	_ = transport.Unmarshal(body, &f)
	return f.Code, f.Detail
}

// classify says what an answer means, by PostHog's rules (posthog/exceptions.py, posthog/errors.py, posthog/rate_limit.py).
func classify(r *transport.Response, _ int) transport.Outcome {
	o, spoke := transport.ByBody(r, readFailure)
	if !spoke || o.Code == "" {
		return o
	}
	about := strings.ToLower(o.Message)
	switch {
	case r.Status == http.StatusUnauthorized:
		o.Fix = "make a new personal API key with the scope query:read (PostHog: Settings → Personal API keys) and put it where token_file says"
	case r.Status == http.StatusForbidden && strings.Contains(about, "scope"):
		o.Code, o.Fix = codeScope, "give the key the scope query:read (PostHog: Settings → Personal API keys → the key → Edit)"
	case r.Status == http.StatusForbidden, r.Status == http.StatusNotFound:
		o.Kind, o.Code = connectors.Config, codeProject
		o.Fix = "write the project's ID as project_id (PostHog: Settings → Project → General), and let the key reach that project; base_url must be its region's"
	case r.Status == http.StatusGatewayTimeout, r.Status == 512, r.Status == 513, o.Code == "too_many_bytes", strings.Contains(about, "query size exceeded"):
		// Too slow, too slow as estimated, out of memory, more than may be read, too long a query.
		o.Kind, o.Code, o.Retry = connectors.Rejected, codeTooMuch, false
	case r.Status == http.StatusBadRequest:
		o.Kind, o.Fix = connectors.Config, "update PostHog, or intentd: the one does not know the other's query"
	}
	return o
}

// tooMuch says whether an error is of a query that asked for too much at once.
func tooMuch(err error) bool {
	var e *connectors.Error
	return errors.As(err, &e) && e.Code == codeTooMuch
}
