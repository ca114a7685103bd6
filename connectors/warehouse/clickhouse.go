package warehouse

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// clickhouse asks ClickHouse by its HTTP interface: the query is the body, parameters are bound by the server, rows come as lines of JSON.
type clickhouse struct {
	client   *transport.Client
	database string
	timeout  time.Duration
	bare     atomic.Bool // the user may set nothing (readonly = 1 in the profile), which protects as well
}

func newClickhouse(o Config, h connectors.Host) (*clickhouse, error) {
	base, err := url.Parse(o.URL.Reveal())
	if err != nil {
		return nil, errors.New("is no URL")
	}
	user, password := o.User, o.Password.Reveal()
	if base.User != nil {
		user = base.User.Username()
		password, _ = base.User.Password()
		base.User = nil
	}
	database := o.Schema
	if q := base.Query().Get("database"); q != "" {
		database = q
	}
	base.RawQuery = ""
	c := &clickhouse{database: database, timeout: o.Timeout}
	c.client = transport.New(transport.Options{
		Name: h.Name, Base: base, HTTP: h.HTTP, Now: h.Now, Logger: h.Logger, Timeout: o.Timeout + 15*time.Second, MaxBytes: 1 << 40, Tries: 1,
		Redactor: transport.NewRedactor(password), Classify: classifyClickhouse,
		Prepare: func(r *http.Request) {
			if user != "" {
				r.Header.Set("X-ClickHouse-User", user)
				r.Header.Set("X-ClickHouse-Key", password)
			}
		},
	})
	return c, nil
}

// clickhouseType is how the server reads each parameter.
var clickhouseType = [...]string{
	paramSince: "DateTime64(6, 'UTC')", paramSinceID: "String", paramLimit: "UInt32", paramEmails: "Array(String)", paramUserIDs: "Array(String)",
	paramAnonymousIDs: "Array(String)", paramDomains: "Array(String)", paramFrom: "DateTime64(6, 'UTC')", paramTo: "DateTime64(6, 'UTC')",
}

func (c *clickhouse) query(ctx context.Context, op string, s *statement, a *args, each func(row) error) error {
	settings := !c.bare.Load()
	err := c.ask(ctx, op, s, a, settings, each)
	var e *connectors.Error
	if settings && errors.As(err, &e) && e.Code == codeReadonly {
		c.bare.Store(true)
		return c.ask(ctx, op, s, a, false, each)
	}
	return err
}

func (c *clickhouse) ask(ctx context.Context, op string, s *statement, a *args, settings bool, each func(row) error) error {
	q := url.Values{"default_format": {"JSONCompactEachRowWithNames"}}
	if c.database != "" {
		q.Set("database", c.database)
	}
	if settings {
		q.Set("readonly", "2") // reads alone, but settings may follow
		q.Set("max_execution_time", strconv.Itoa(int(c.timeout/time.Second)))
		q.Set("output_format_json_quote_64bit_integers", "0")
	}
	for _, p := range s.params {
		q.Set("param_"+paramNames[p], clickhouseValue(p, a))
	}
	text := s.render(func(_ int, p param) string { return "{" + paramNames[p] + ":" + clickhouseType[p] + "}" })
	var stop error
	_, err := c.client.Do(ctx, transport.Request{
		Op: op, Method: http.MethodPost, Path: "/", Query: q, Body: []byte(text), Type: "text/plain; charset=utf-8",
		Stream: func(body io.Reader) error {
			stop = readRows(body, op, a.columns, each)
			return nil
		},
	})
	if stop != nil {
		return stop
	}
	return err
}

// readRows reads names and rows, a line each. A line that is none is the server's word that the query failed in the midst: it had answered
// with 200 by then.
func readRows(body io.Reader, op string, columns func([]string), each func(row) error) error {
	lines := bufio.NewReaderSize(body, 64<<10)
	var r row
	for {
		line, err := lines.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if line[0] != '[' {
				rest, _ := io.ReadAll(io.LimitReader(lines, 4<<10))
				return failedClickhouse(op, string(line)+"\n"+string(rest))
			}
			var cells []json.RawMessage
			if json.Unmarshal(line, &cells) != nil || r.columns != nil && len(cells) != len(r.columns) {
				return connectors.Errorf(connectors.Transient, op, "the answer was cut short")
			}
			values := make([]string, len(cells))
			for i, cell := range cells {
				values[i] = cellText(cell)
			}
			if r.columns == nil {
				for i := range values {
					values[i] = strings.ToLower(values[i])
				}
				r.columns = values
				if columns != nil {
					columns(values)
				}
			} else {
				r.values = values
				if err := each(r); err != nil {
					return err
				}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &connectors.Error{Kind: connectors.Transient, Op: op, Message: "the answer was cut short", Err: err}
		}
	}
}

// cellText is the text of a value of JSON; "" for null. Objects and lists stay JSON.
func cellText(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if raw[0] == '"' {
		var s string
		_ = json.Unmarshal(raw, &s)
		return s
	}
	return string(raw)
}

// clickhouseValue writes a parameter as the server reads it: times in UTC, lists in brackets, quotes and backslashes escaped. A text is read in
// the form of tab-separated values, where a backslash stands for more than itself.
func clickhouseValue(p param, a *args) string {
	switch p {
	case paramLimit:
		return strconv.Itoa(a.limit)
	case paramSinceID:
		return clickhouseEscape.Replace(a.sinceID)
	case paramEmails, paramUserIDs, paramAnonymousIDs, paramDomains:
		list := a.list(p)
		for i, v := range list {
			list[i] = "'" + clickhouseEscape.Replace(v) + "'"
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	t := a.instant(p)
	if t.Before(time.Unix(0, 0)) {
		t = time.Unix(0, 0)
	}
	return t.UTC().Format("2006-01-02 15:04:05.000000")
}

var clickhouseEscape = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

const codeReadonly = "164"

var clickhouseCode = regexp.MustCompile(`Code: (\d+)\.`)

// failedClickhouse reads an error of the server. Codes are those of its ErrorCodes.cpp.
func failedClickhouse(op, text string) *connectors.Error {
	o := clickhouseOutcome("", text)
	return &connectors.Error{Kind: o.Kind, Op: op, Code: o.Code, Message: o.Message}
}

func clickhouseOutcome(code, text string) transport.Outcome {
	if m := clickhouseCode.FindStringSubmatch(text); m != nil {
		code = m[1]
	}
	if i := strings.Index(text, "DB::Exception: "); i >= 0 {
		text = text[i+len("DB::Exception: "):]
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if text = strings.TrimSuffix(text, ": "); len(text) > 400 {
		text = strings.ToValidUTF8(text[:400], "") + "…"
	}
	o := transport.Outcome{Kind: connectors.Config, Code: code, Message: text}
	switch code {
	case "": // not the database's own words
		o.Kind = connectors.Transient
	case "159", "160", "202", "209", "210", "241", "242", "319", "394", "425", "439", "999":
		// TIMEOUT_EXCEEDED, TOO_SLOW, TOO_MANY_SIMULTANEOUS_QUERIES, SOCKET_TIMEOUT, NETWORK_ERROR, MEMORY_LIMIT_EXCEEDED, TABLE_IS_READ_ONLY,
		// UNKNOWN_STATUS_OF_INSERT, QUERY_WAS_CANCELLED, SYSTEM_ERROR, CANNOT_SCHEDULE_TASK, KEEPER_EXCEPTION
		o.Kind = connectors.Transient
	case "192", "193", "194", "497", "516": // UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, ACCESS_DENIED, AUTHENTICATION_FAILED
		o.Kind = connectors.Auth
	case "201": // QUOTA_EXCEEDED
		o.Kind, o.After = connectors.Quota, time.Hour
	}
	return o
}

func classifyClickhouse(r *transport.Response, _ int) transport.Outcome {
	if r.Status >= 200 && r.Status < 300 {
		return transport.Outcome{}
	}
	code := r.Header.Get("X-ClickHouse-Exception-Code")
	if code == "" && !clickhouseCode.Match(r.Body) {
		return transport.ByStatus(r)
	}
	return clickhouseOutcome(code, string(r.Body))
}

func (c *clickhouse) report() connectors.Report { return c.client.Report() }

// Close implements engine.
func (c *clickhouse) Close() error { return nil }
