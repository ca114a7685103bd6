package mixpanel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/klauspost/compress/s2"
	"golang.org/x/time/rate"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/spool"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// queries is the bucket of the query API, which has limits of its own.
const queries = "queries"

// spoolLimit bounds the answer of one call, compressed as it is kept.
const spoolLimit = 4 << 30

// paced keeps calls, and what is repeated of them, as far apart as a limit for a second wants.
type paced struct {
	http.RoundTripper
	limit *rate.Limiter
}

func (p paced) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := p.limit.Wait(r.Context()); err != nil {
		return nil, err
	}
	return p.RoundTripper.RoundTrip(r)
}

// export asks for the events of some days and keeps them, compressed.
func (f *Feed) export(ctx context.Context, from, to time.Time) (*os.File, error) {
	span := from.Format(time.DateOnly)
	if to.After(from) {
		span += " to " + to.Format(time.DateOnly)
	}
	r := exportOf(f.o.ProjectID, from, to)
	r.Op = "export " + span
	file, _, err := spool.Download(ctx, f.client, r, spool.Options{Dir: f.o.TempDir, Limit: spoolLimit}, keep)
	return file, err
}

// exportOf asks for the events of some days.
func exportOf(project string, from, to time.Time) transport.Request {
	query := url.Values{"project_id": {project}, "from_date": {from.Format(time.DateOnly)}, "to_date": {to.Format(time.DateOnly)}, "time_in_ms": {"true"}}
	return transport.Request{Method: http.MethodGet, Path: "/api/2.0/export", Query: query, Idempotent: true, Header: http.Header{"Accept": {"text/plain"}}}
}

// keep writes an answer down. One that does not end in a whole line was broken off: Mixpanel says so in its last line, under the status
// of success.
func keep(w io.Writer, answer io.Reader) error {
	packed := s2.NewWriter(w, s2.WriterConcurrency(1))
	end := &tail{}
	if _, err := io.Copy(io.MultiWriter(packed, end), answer); err != nil {
		return err
	}
	if last := bytes.TrimSpace(end.kept); len(last) > 0 && last[len(last)-1] != '}' {
		return io.ErrUnexpectedEOF
	}
	return packed.Close()
}

// tail keeps the last bytes that are written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-64):]...)
	t.kept = t.kept[max(0, len(t.kept)-64):]
	return len(p), nil
}

// profile is what is read of a person's profile.
type profile struct {
	ID         json.RawMessage `json:"$distinct_id"` // text or a number
	Properties struct {
		Email    string `json:"$email"`
		LastSeen string `json:"$last_seen"`
	} `json:"$properties"`
}

func (p profile) id() (text string) {
	if json.Unmarshal(p.ID, &text) != nil {
		return string(p.ID)
	}
	return text
}

// profiles is a page of the profiles that have an address. Session names the list for the pages behind the first.
type profiles struct {
	Page     int       `json:"page"`
	PageSize int       `json:"page_size"`
	Session  string    `json:"session_id"`
	Results  []profile `json:"results"`
}

func (f *Feed) profilesPage(ctx context.Context, session string, page int) (*profiles, error) {
	form := url.Values{"where": {`defined(properties["$email"])`}, "output_properties": {`["$email","$last_seen"]`}}
	if session != "" {
		form.Set("session_id", session)
		form.Set("page", strconv.Itoa(page))
	}
	list, _, err := transport.Do[profiles](ctx, f.client, transport.Request{
		Op: "read profiles", Method: http.MethodPost, Base: f.query, Path: "/api/query/engage", Query: url.Values{"project_id": {f.o.ProjectID}},
		Body: []byte(form.Encode()), Type: "application/x-www-form-urlencoded", Idempotent: true, Bucket: queries,
	})
	return list, err
}

// limitWait is how long a limit of an hour is waited for where the answer does not say.
const limitWait = 10 * time.Minute

// classify says what an answer means.
func classify(r *transport.Response, _ int) transport.Outcome {
	o, told := transport.ByBody(r, transport.ErrorWords)
	if !told {
		return o
	}
	o.WaitUntold(r, limitWait)
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		o.Fix = "check username and secret of the service account, and give it access to the project (Project Settings, Service Accounts)"
	case http.StatusPaymentRequired:
		o.Kind, o.Fix = connectors.Config, "the project's plan has no raw export: use another plan, or a source of another type"
	case http.StatusBadRequest:
		o.Kind, o.Fix = connectors.Config, "check project_id and region; for a project made before 2023 set timezone to the project's"
	case http.StatusNotFound:
		o.Fix = "check region, or base_url"
	}
	return o
}

// refused says that the list of profiles is not kept any more.
func refused(err error) bool {
	var e *connectors.Error
	return errors.As(err, &e) && e.Kind == connectors.Config
}
