package umami

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Codes of errors that are no code of Umami's.
const (
	codeRefused  = "refused"   // the credentials, or the website is not theirs: Umami answers both alike
	codeUnknown  = "not_found" // a website, or a route that this version lacks
	codeTooOld   = "too_old"   // it does not filter by distinct id
	fixRefused   = "see whether the user (or API key) may view the website of website_id, and whether password_file (or api_key_file) holds what is in force"
	fixTooOld    = "update Umami to version 3"
	fixNotUmamis = "write the website's ID as website_id, and the address of Umami's pages as base_url"
)

// classify says what an answer means: {"error":{"message","code","status"}}.
func classify(r *transport.Response, _ int) transport.Outcome {
	o, spoke := transport.ByBody(r, func(body []byte) (code, message string) {
		var f struct {
			Error struct{ Code, Message string } `json:"error"`
		}
		_ = transport.Unmarshal(body, &f)
		return f.Error.Code, f.Error.Message
	})
	switch {
	case !spoke:
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		o.Code, o.Fix = codeRefused, fixRefused
	case r.Status == http.StatusNotFound:
		o.Code, o.Fix = codeUnknown, fixNotUmamis
	case r.Status == http.StatusBadRequest:
		o.Kind, o.Fix = connectors.Config, fixTooOld
	}
	return o
}

// span is a time that is asked about; both ends are in it, to the millisecond.
type span struct{ from, to time.Time }

// page asks for one page of a list.
func (s *Source) page(ctx context.Context, op, list string, w span, distinct string, number, size int, data any) (count int, err error) {
	q := url.Values{"startAt": {strconv.FormatInt(w.from.UnixMilli(), 10)}, "endAt": {strconv.FormatInt(w.to.UnixMilli(), 10)}, "distinctId": {distinct},
		"page": {strconv.Itoa(number)}, "pageSize": {strconv.Itoa(size)}}
	r := transport.Get(op, s.website+list)
	r.Query = q
	answer, _, err := transport.Do[struct {
		Data  json.RawMessage `json:"data"`
		Count loose           `json:"count"`
	}](ctx, s.HTTP, r)
	if err != nil {
		return 0, err
	}
	if err := transport.Lenient(json.Unmarshal(answer.Data, data)); err != nil {
		return 0, connectors.Errorf(connectors.Transient, s.Name+": "+op, "an answer without data")
	}
	count, _ = strconv.Atoi(string(answer.Count))
	return count, nil
}

// anybody finds whoever is identified: Umami's filters match by regular expression, whatever the case.
const anybody = "re.."

// nobodyAtAll is a distinct id that nobody has.
const nobodyAtAll = "nobody@intentd.invalid"

// ready finds out once whether this Umami filters by distinct id. One that does not answers with everybody's.
func (s *Source) ready(ctx context.Context) error {
	if s.filters.Load() {
		return nil
	}
	var got []session
	now := s.Now()
	count, err := s.page(ctx, "see whether it filters by distinct id", "/sessions", span{now.Add(-s.o.Back), now}, equalTo([]string{nobodyAtAll}), 1, 1, &got)
	if err != nil {
		return err
	}
	if count+len(got) > 0 {
		e := connectors.Errorf(connectors.Config, s.Name+": filter by distinct id", "this version of Umami does not filter by distinct id, and would answer with everybody's events")
		e.Code, e.Fix = codeTooOld, fixTooOld
		return e
	}
	s.filters.Store(true)
	return nil
}

// equalTo is a filter for ids, each whole, whatever the case. A filter by equality takes commas for its own.
func equalTo(ids []string) string {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = quote(id)
	}
	return "re.^(" + strings.Join(quoted, "|") + ")$"
}

// quote is a text as a regular expression for itself, for Postgres's engine as for ClickHouse's.
func quote(v string) string {
	var b strings.Builder
	for i := range len(v) {
		if strings.IndexByte(`.^$*+?()[]{}|\`, v[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(v[i])
	}
	return b.String()
}

// longestFilter bounds a filter, as it stands in an address: servers and proxies take 8 kB.
const longestFilter = 6000

// filters are filters for ids, each short enough.
func filters(ids []string) (out []string) {
	from, size := 0, 0
	for i, id := range ids {
		n := len(url.QueryEscape("|" + quote(id)))
		if size+n > longestFilter && i > from {
			out, from, size = append(out, equalTo(ids[from:i])), i, 0
		}
		size += n
	}
	if from < len(ids) {
		out = append(out, equalTo(ids[from:]))
	}
	return out
}

// loose is a text, which Umami writes as a number where its database's driver does.
type loose string

// UnmarshalJSON implements json.Unmarshaler.
func (l *loose) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil && b[0] != '{' && b[0] != '[' && string(b) != "null" {
		s = string(b)
	}
	*l = loose(s)
	return nil
}
