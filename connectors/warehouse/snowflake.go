package warehouse

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// snowflake asks Snowflake by its SQL API (version 2), signed in by key pair. Its warehouse is paid for while it is awake: from the query that
// wakes it, a minute at least, until it has had nothing to do for a while. An answer is kept for a day.
type snowflake struct {
	client  *transport.Client
	o       Config
	name    string
	spent   allowance // in millionths of a credit
	running awake

	mu      sync.Mutex
	answers map[string]*snowflakeAnswer // the first partitions of those that are being read, by handle; their rows until they are read
}

const (
	snowflakePath  = "/api/v2/statements"
	snowflakeLife  = 59 * time.Minute       // of a token: Snowflake takes none that lives longer than an hour
	snowflakePause = 500 * time.Millisecond // between two questions for a query that still runs, doubled …
	snowflakeLong  = 10 * time.Second       // … up to this
)

func newSnowflake(o Config, h connectors.Host) (*snowflake, error) {
	address := o.URL.Reveal()
	if address == "" {
		address = o.snowflakeHost()
	}
	base, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("url: is no URL")
	}
	key, err := transport.ParseRSAKey(o.Key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("key: is %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(public)
	account, _, _ := strings.Cut(strings.ToUpper(o.Account), ".") // a locator's region is no part of the name
	who := account + "." + strings.ToUpper(o.User)
	issuer := who + ".SHA256:" + base64.StdEncoding.EncodeToString(sum[:])
	s := &snowflake{o: o, name: h.Name, answers: map[string]*snowflakeAnswer{}}
	s.spent = newAllowance(h, "credits", int64(o.DailyCredits*1e6), inCredits)
	redactor := transport.NewRedactor(o.Key.Reveal())
	s.client = transport.New(transport.Options{
		Name: h.Name, Base: base, HTTP: h.HTTP, Now: h.Now, Logger: h.Logger, MaxBytes: 256 << 20, Redactor: redactor, Classify: classifySnowflake,
		Prepare: func(r *http.Request) {
			r.Header.Set("Accept", "application/json")
			r.Header.Set("X-Snowflake-Authorization-Token-Type", "KEYPAIR_JWT")
		},
		Tokens: transport.NewTokens(func(context.Context) (transport.Grant, error) {
			now, _ := s.client.ServerNow()
			token, err := transport.SignJWT(key, struct {
				Iss string `json:"iss"`
				Sub string `json:"sub"`
				Iat int64  `json:"iat"`
				Exp int64  `json:"exp"`
			}{issuer, who, now.Unix(), now.Add(snowflakeLife).Unix()})
			redactor.AddToken(token)
			return transport.Grant{Token: token, Expires: s.spent.now().Add(snowflakeLife)}, err
		}, h.Now),
	})
	return s, nil
}

// snowflakeHost is where an account is reached: an underscore is no part of a host's name.
func (o *Config) snowflakeHost() string {
	return "https://" + strings.ReplaceAll(strings.ToLower(o.Account), "_", "-") + ".snowflakecomputing.com"
}

type snowflakeAsk struct {
	Statement  string                   `json:"statement"`
	Timeout    int64                    `json:"timeout"` // seconds
	Database   string                   `json:"database,omitempty"`
	Schema     string                   `json:"schema,omitempty"`
	Warehouse  string                   `json:"warehouse,omitempty"`
	Role       string                   `json:"role,omitempty"`
	Bindings   map[string]snowflakeBind `json:"bindings,omitempty"` // by place, from 1
	Parameters map[string]string        `json:"parameters"`
}

type snowflakeBind struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// snowflakeAnswer is what the calls answer: rows, or that there are none yet, or why there will be none.
type snowflakeAnswer struct {
	Handle  string `json:"statementHandle"`
	Created int64  `json:"createdOn"` // milliseconds since 1970
	Meta    struct {
		Columns []struct {
			Name string `json:"name"`
			Type string `json:"type"`
		} `json:"rowType"`
		Partitions []struct{} `json:"partitionInfo"`
	} `json:"resultSetMetaData"`
	Data [][]json.RawMessage `json:"data"` // of the partition that was asked for

	status  int
	columns []string
}

// question is a statement with its parameters as the API takes them: a ? at each place, values as texts. Times are bound without a zone, as
// loaders write them; the session is in UTC.
func (s *snowflake) question(st *statement, a *args) snowflakeAsk {
	q := s.ask("")
	q.Bindings = map[string]snowflakeBind{}
	q.Statement = st.render(func(n int, p param) string {
		mark, value, kind := "?", "", "TEXT"
		switch p {
		case paramSinceID:
			value = a.sinceID
		case paramLimit:
			value, kind = strconv.Itoa(a.limit), "FIXED"
		case paramEmails, paramUserIDs, paramAnonymousIDs, paramDomains:
			list, _ := json.Marshal(append([]string{}, a.list(p)...)) // no null
			mark, value = "PARSE_JSON(?)::ARRAY", string(list)
		default:
			mark, value = "TO_TIMESTAMP_NTZ(?)", a.instant(p).UTC().Format("2006-01-02 15:04:05.000000")
		}
		q.Bindings[strconv.Itoa(n+1)] = snowflakeBind{kind, value}
		return mark
	})
	return q
}

func (s *snowflake) ask(text string) snowflakeAsk {
	return snowflakeAsk{
		Statement: text, Timeout: max(1, int64(s.o.Timeout/time.Second)), Database: s.o.Database, Schema: s.o.Schema, Warehouse: s.o.Warehouse, Role: s.o.Role,
		Parameters: map[string]string{"timezone": "UTC", "query_tag": "intentd"},
	}
}

// send submits a statement. What is sent again, with the same salt, is not run again.
func (s *snowflake) send(ctx context.Context, op string, q snowflakeAsk, salt string) (*snowflakeAnswer, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(append(body, salt...))
	return s.call(ctx, transport.Request{Op: op, Method: http.MethodPost, Path: snowflakePath, Body: body, Idempotent: true,
		Query: url.Values{"requestId": {uuidOf(id)}, "retry": {"true"}, "async": {"true"}}})
}

// uuidOf is a UUID of a hash.
func uuidOf(sum [32]byte) string {
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func (s *snowflake) call(ctx context.Context, r transport.Request) (*snowflakeAnswer, error) {
	var got *snowflakeAnswer
	r.Decode = func(resp *transport.Response) error {
		got = &snowflakeAnswer{status: resp.Status}
		return json.Unmarshal(resp.Body, got)
	}
	_, err := s.client.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, c := range got.Meta.Columns {
		got.columns = append(got.columns, strings.ToLower(c.Name))
	}
	return got, nil
}

// submit implements keeper.
func (s *snowflake) submit(ctx context.Context, op string, st *statement, a *args) (string, int64, error) {
	answer, err := s.start(ctx, op, st, a, strconv.Itoa(a.try))
	return answer, 0, err
}

// start submits a query and says the handle of its answer. It may run no longer than the day's credits last.
func (s *snowflake) start(ctx context.Context, op string, st *statement, a *args, salt string) (string, error) {
	w, err := s.warehouse(ctx, op)
	if err != nil {
		return "", err
	}
	left, err := s.spent.room(op, w.least(), "waking "+s.o.Warehouse+" costs ", "take a smaller warehouse")
	if err != nil {
		return "", err
	}
	q := s.question(st, a)
	if left > 0 {
		q.Timeout = min(q.Timeout, max(1, w.seconds(left)-w.sleeps))
	}
	got, err := s.send(ctx, op, q, salt)
	if err != nil {
		return "", err
	}
	if got.Handle == "" {
		return "", connectors.Errorf(connectors.Transient, op, "Snowflake named no statement")
	}
	return got.Handle, nil
}

// first is the first partition of an answer, which alone tells the columns. What the query cost is booked by whoever reads it from its begin.
func (s *snowflake) first(ctx context.Context, op, handle string, begin bool) (*snowflakeAnswer, error) {
	s.mu.Lock()
	known := s.answers[handle]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	w, err := s.warehouse(ctx, op)
	if err != nil {
		return nil, err
	}
	got, err := s.wait(ctx, op, handle)
	if err != nil {
		return nil, err
	}
	if begin {
		s.ran(w, got)
	}
	s.mu.Lock()
	s.answers[handle] = got
	s.mu.Unlock()
	return got, nil
}

// fetch implements keeper. A page is a partition of the answer, which Snowflake cuts as it likes.
func (s *snowflake) fetch(ctx context.Context, op, answer, page string, _ int, each func(row) error) (next string, err error) {
	part, _ := strconv.Atoi(page)
	first, err := s.first(ctx, op, answer, part == 0)
	if err != nil {
		return "", err
	}
	data := first.Data
	if first.Data = nil; part > 0 || data == nil {
		got, err := s.partition(ctx, op, answer, part)
		if err != nil {
			s.forget(answer)
			return "", err
		}
		data = got.Data
	}
	if err := readSnowflake(op, first, data, each); err != nil {
		return "", err
	}
	if part+1 < len(first.Meta.Partitions) {
		return strconv.Itoa(part + 1), nil
	}
	s.forget(answer)
	return "", nil
}

// forget drops what is known of an answer that is read, or cannot be.
func (s *snowflake) forget(answer string) {
	s.mu.Lock()
	delete(s.answers, answer)
	s.mu.Unlock()
}

// wait is the first partition of an answer, once there is one. A query that runs longer than it may is cancelled.
func (s *snowflake) wait(ctx context.Context, op, handle string) (*snowflakeAnswer, error) {
	pause := snowflakePause
	for begun := s.spent.now(); ; pause = min(2*pause, snowflakeLong) {
		got, err := s.partition(ctx, op, handle, 0)
		if err != nil || got.status != http.StatusAccepted {
			return got, err
		}
		if s.spent.now().Sub(begun) > s.o.Timeout+snowflakeLong {
			s.cancel(ctx, op, handle)
			return nil, s.slow(connectors.Errorf(connectors.Transient, op, "the query still ran after %s", s.o.Timeout))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (s *snowflake) slow(e *connectors.Error) error {
	e.Message += fmt.Sprintf(": took longer than %s (timeout), or than the day's credits allow", connectors.Span(s.o.Timeout))
	return &lostAnswer{cause: e, slow: true}
}

func (s *snowflake) partition(ctx context.Context, op, handle string, part int) (*snowflakeAnswer, error) {
	got, err := s.call(ctx, transport.Request{Op: op, Method: http.MethodGet, Path: snowflakePath + "/" + url.PathEscape(handle), Idempotent: true,
		Query: url.Values{"partition": {strconv.Itoa(part)}}})
	var e *connectors.Error
	if !errors.As(err, &e) {
		return got, err
	}
	switch {
	case e.Code == codeGone:
		return nil, errNotKept
	case slowCodes[e.Code]:
		return nil, s.slow(e)
	case e.Kind == connectors.Config, e.Code != "" && e.Kind == connectors.Transient:
		return nil, &lostAnswer{cause: e} // what was asked failed, not the asking
	}
	return nil, err
}

// cancel ends a query whose answer nobody waits for.
func (s *snowflake) cancel(ctx context.Context, op, handle string) {
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	_, _ = s.client.Do(end, transport.Request{Op: op + ": cancel", Method: http.MethodPost, Path: snowflakePath + "/" + url.PathEscape(handle) + "/cancel", Body: []byte("{}"), Idempotent: true})
}

// readSnowflake hands over the rows of a partition.
func readSnowflake(op string, first *snowflakeAnswer, data [][]json.RawMessage, each func(row) error) error {
	r := row{columns: first.columns}
	for _, cells := range data {
		if len(cells) != len(r.columns) {
			return connectors.Errorf(connectors.Transient, op, "a row has %d cells for %d columns", len(cells), len(r.columns))
		}
		r.values = make([]string, len(cells))
		for i, c := range cells {
			r.values[i] = snowflakeText(first.Meta.Columns[i].Type, cellText(c))
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// snowflakeText is a value as the other dialects write it: dates come as days since 1970, times as seconds, those of a zone with the minutes of
// their offset behind them.
func snowflakeText(kind, v string) string {
	switch strings.ToLower(kind) {
	case "date":
		if days, err := strconv.Atoi(v); err == nil {
			return time.Unix(0, 0).UTC().AddDate(0, 0, days).Format(time.DateOnly)
		}
	case "timestamp_ntz", "timestamp_ltz", "timestamp_tz":
		seconds, _, _ := strings.Cut(v, " ")
		if t, err := parseTime(seconds); err == nil {
			return t.Format(time.RFC3339Nano)
		}
	}
	return v
}

// query implements engine: an answer with all its partitions.
func (s *snowflake) query(ctx context.Context, op string, st *statement, a *args, each func(row) error) error {
	handle, err := s.start(ctx, op, st, a, rand.Text())
	if err != nil {
		return err
	}
	err = s.whole(ctx, op, handle, a.columns, each)
	if ctx.Err() != nil {
		s.cancel(ctx, op, handle)
		return ctx.Err()
	}
	if lost := (*lostAnswer)(nil); errors.As(err, &lost) && lost.cause != nil {
		return lost.cause
	}
	return err
}

func (s *snowflake) whole(ctx context.Context, op, handle string, columns func([]string), each func(row) error) error {
	first, err := s.first(ctx, op, handle, true)
	if err != nil {
		return err
	}
	if columns != nil {
		columns(first.columns)
	}
	for page := "0"; page != ""; {
		if page, err = s.fetch(ctx, op, handle, page, 0, each); err != nil {
			return err
		}
	}
	return nil
}

func (s *snowflake) report() connectors.Report {
	r := s.client.Report()
	r.Used = s.spent.used()
	return r
}

// Close implements engine.
func (s *snowflake) Close() error { return nil }

// Codes of failed statements, by Snowflake's documentation and what its drivers tell.
const codeGone = "000709" // no such statement

var slowCodes = map[string]bool{"000604": true, "000630": true} // cancelled; the statement's or the warehouse's timeout

var snowflakeFix = map[string]string{
	"000606": "write warehouse, and grant the role USAGE on it",
	"002043": "write database and schema, or whole names in the query; and grant the role USAGE on both and SELECT on the tables",
	"002003": "write database and schema, or whole names in the query; and grant the role USAGE on both and SELECT on the tables",
	"003001": "grant the role USAGE on the database and the schema and SELECT on the tables",
	"390144": "ALTER USER … SET RSA_PUBLIC_KEY with the public half of this key; account is the name without its region, user the login name",
}

func classifySnowflake(r *transport.Response, _ int) transport.Outcome {
	if r.Status >= 200 && r.Status < 300 {
		return transport.Outcome{}
	}
	var state string
	o, said := transport.ByBody(r, func(body []byte) (string, string) {
		var told struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			State   string `json:"sqlState"`
		}
		_ = json.Unmarshal(body, &told)
		state = told.State
		return told.Code, told.Message
	})
	if !said {
		return o
	}
	o.Fix = snowflakeFix[o.Code]
	switch {
	case r.Status == http.StatusRequestTimeout: // the statement's, not the call's
		o.Kind, o.Retry, o.Code = connectors.Transient, false, "000630"
	case r.Status == http.StatusNotFound && o.Code == "":
		o.Code = codeGone
	case r.Status == http.StatusBadRequest:
		o.Kind = connectors.Config
	case r.Status != http.StatusUnprocessableEntity:
	case slowCodes[o.Code]:
		o.Kind = connectors.Transient
	case o.Code == "090073": // a resource monitor has suspended the warehouse
		o.Kind, o.After = connectors.Quota, time.Hour
	case state == "42501" || strings.HasPrefix(o.Code, "390"):
		o.Kind = connectors.Auth
	default:
		o.Kind = connectors.Config
	}
	return o
}
