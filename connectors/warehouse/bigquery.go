package warehouse

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/auth/credentials"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// bigquery asks BigQuery by its REST interface (jobs.query and jobs.getQueryResults of version 2). A query is paid by the bytes of the
// columns that it reads, 10 MiB at least; its answer is kept for about a day.
type bigquery struct {
	client            *transport.Client
	name              string
	project, location string
	dataset           map[string]string // where names without a dataset are looked for; nil: nowhere
	timeout           time.Duration
	spent             allowance
}

const (
	bigqueryHost  = "https://bigquery.googleapis.com"
	bigqueryScope = "https://www.googleapis.com/auth/bigquery" // querying needs it; what may be read is the role's to say
	bigqueryLeast = 10 << 20                                   // of a query, in bytes
	bigqueryWait  = 10 * time.Second                           // of one call for a query that still runs
)

func newBigquery(o Config, h connectors.Host) (*bigquery, error) {
	address := o.URL.Reveal()
	if address == "" {
		address = bigqueryHost
	}
	base, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("is no URL")
	}
	round := h.HTTP
	if round == nil {
		round = http.DefaultTransport
	}
	creds, err := credentials.DetectDefault(&credentials.DetectOptions{
		Scopes: []string{bigqueryScope}, CredentialsJSON: []byte(o.Key.Reveal()), Client: &http.Client{Transport: round, Timeout: time.Minute},
	})
	if err != nil {
		return nil, errors.New("no usable credentials of Google Cloud: key_file is to name a service account's key, or the machine to have default credentials")
	}
	b := &bigquery{name: h.Name, project: o.Project, location: o.Location, timeout: o.Timeout, spent: newAllowance(h, "bytes", o.DailyBytes, inBytes)}
	if o.Schema != "" {
		project, dataset, ok := strings.Cut(o.Schema, ".")
		if !ok {
			project, dataset = o.Project, o.Schema
		}
		b.dataset = map[string]string{"projectId": project, "datasetId": dataset}
	}
	b.client = transport.New(transport.Options{
		Name: h.Name, Base: base, HTTP: h.HTTP, Now: h.Now, Logger: h.Logger, Timeout: bigqueryWait + 50*time.Second, MaxBytes: 256 << 20,
		Redactor: transport.NewRedactor(o.Key.Reveal()), Classify: classifyBigquery,
		Tokens: transport.NewTokens(func(ctx context.Context) (transport.Grant, error) {
			t, err := creds.Token(ctx)
			if err != nil {
				return transport.Grant{}, &connectors.Error{Kind: connectors.Auth, Op: h.Name + ": sign in", Message: "Google refused the key", Err: err}
			}
			return transport.Grant{Token: t.Value, Expires: t.Expiry}, nil
		}, h.Now),
	})
	return b, nil
}

type bigqueryAsk struct {
	Query           string            `json:"query"`
	UseLegacySQL    bool              `json:"useLegacySql"`
	ParameterMode   string            `json:"parameterMode"`
	QueryParameters []bigqueryParam   `json:"queryParameters"`
	DefaultDataset  map[string]string `json:"defaultDataset,omitempty"`
	Location        string            `json:"location,omitempty"`
	MaxResults      int               `json:"maxResults"`
	TimeoutMs       int64             `json:"timeoutMs"`
	JobTimeoutMs    string            `json:"jobTimeoutMs,omitempty"`
	FormatOptions   bigqueryFormat    `json:"formatOptions"`
	MaxBytesBilled  string            `json:"maximumBytesBilled,omitempty"`
	RequestID       string            `json:"requestId,omitempty"`
	DryRun          bool              `json:"dryRun,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
}

type bigqueryFormat struct {
	UseInt64Timestamp bool `json:"useInt64Timestamp"`
}

type bigqueryParam struct {
	Name  string         `json:"name"`
	Type  map[string]any `json:"parameterType"`
	Value map[string]any `json:"parameterValue"`
}

// bigqueryAnswer is what both calls answer. Every value is a text, null, or an object for what is nested.
type bigqueryAnswer struct {
	JobReference struct {
		JobID    string `json:"jobId"`
		Location string `json:"location"`
	} `json:"jobReference"`
	JobComplete bool   `json:"jobComplete"`
	PageToken   string `json:"pageToken"`
	Processed   string `json:"totalBytesProcessed"`
	Schema      struct {
		Fields []struct {
			Name string `json:"name"`
		} `json:"fields"`
	} `json:"schema"`
	Rows []struct {
		Cells []struct {
			Value json.RawMessage `json:"v"`
		} `json:"f"`
	} `json:"rows"`
}

func (a *bigqueryAnswer) columns() []string {
	var names []string
	for _, f := range a.Schema.Fields {
		names = append(names, strings.ToLower(f.Name))
	}
	return names
}

// question is a statement with its parameters as the API takes them.
func (b *bigquery) question(s *statement, a *args) bigqueryAsk {
	q := bigqueryAsk{
		Query: s.render(func(_ int, p param) string { return "@" + paramNames[p] }), ParameterMode: "NAMED", QueryParameters: []bigqueryParam{},
		DefaultDataset: b.dataset, Location: b.location, FormatOptions: bigqueryFormat{UseInt64Timestamp: true}, Labels: map[string]string{"app": "intentd"},
	}
	sent := map[param]bool{}
	for _, p := range s.params {
		if sent[p] {
			continue
		}
		sent[p] = true
		kind, value := map[string]any{"type": "TIMESTAMP"}, map[string]any{}
		switch p {
		case paramSinceID:
			kind["type"], value["value"] = "STRING", a.sinceID
		case paramLimit:
			kind["type"], value["value"] = "INT64", strconv.Itoa(a.limit)
		case paramEmails, paramUserIDs, paramAnonymousIDs, paramDomains:
			kind["type"], kind["arrayType"] = "ARRAY", map[string]any{"type": "STRING"}
			list := []map[string]any{}
			for _, v := range a.list(p) {
				list = append(list, map[string]any{"value": v})
			}
			value["arrayValues"] = list
		default:
			value["value"] = a.instant(p).UTC().Format("2006-01-02 15:04:05.000000+00:00")
		}
		q.QueryParameters = append(q.QueryParameters, bigqueryParam{paramNames[p], kind, value})
	}
	return q
}

func (b *bigquery) path() string {
	return "/bigquery/v2/projects/" + url.PathEscape(b.project) + "/queries"
}

func (b *bigquery) ask(ctx context.Context, op string, q bigqueryAsk) (a bigqueryAnswer, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	// A repeat is recognised by its requestId for 15 minutes; a plan costs nothing.
	_, err = b.client.Do(ctx, transport.Request{Op: op, Method: http.MethodPost, Path: b.path(), Body: body, Idempotent: true, Decode: func(r *transport.Response) error {
		a = bigqueryAnswer{}
		return json.Unmarshal(r.Body, &a)
	}})
	return a, err
}

// reads is what a query would read, in bytes, and its columns.
func (b *bigquery) reads(ctx context.Context, op string, s *statement, a *args) (int64, []string, error) {
	q := b.question(s, a)
	q.DryRun = true
	plan, err := b.ask(ctx, op, q)
	if err != nil {
		return 0, nil, err
	}
	n, _ := strconv.ParseInt(plan.Processed, 10, 64)
	return n, plan.columns(), nil
}

// priced implements keeper.
func (b *bigquery) priced(ctx context.Context, op string, s *statement, a *args) (string, []string, error) {
	n, columns, err := b.reads(ctx, op, s, a)
	return "would read " + inBytes(n), columns, err
}

// daily implements keeper: every window is planned, which costs nothing.
func (b *bigquery) daily(ctx context.Context, op string, s *statement, r rhythm) (c costs, err error) {
	pass, columns, err := b.reads(ctx, op, s, r.pass)
	if err != nil {
		return c, err
	}
	day, said := pass*int64(r.passes), fmt.Sprintf("%d passes a day read at most %s", r.passes, inBytes(pass*int64(r.passes)))
	if r.again != nil {
		again, _, err := b.reads(ctx, op, s, r.again)
		if err != nil {
			return c, err
		}
		day += again
		said += fmt.Sprintf(", what is read again once a day %s", inBytes(again))
	}
	first, _, err := b.reads(ctx, op, s, r.first)
	if err != nil {
		return c, err
	}
	c = costs{columns: columns, said: fmt.Sprintf("%s; the first pass %s for %s", said, inBytes(first), inDays(r.back))}
	if b.spent.daily > 0 {
		c.said += "; daily_bytes allows " + inBytes(b.spent.daily)
		c.over = day > b.spent.daily
	}
	return c, nil
}

// submit implements keeper. The plan comes first: what a query would read beyond the day's bytes is not run.
func (b *bigquery) submit(ctx context.Context, op string, s *statement, a *args) (answer string, reads int64, err error) {
	reads, _, err = b.reads(ctx, op, s, a)
	if err != nil {
		return "", 0, err
	}
	if reads > 0 && reads == a.unless {
		return "", reads, errUnchanged
	}
	paid := max(reads, bigqueryLeast)
	left, err := b.spent.room(op, paid, "the query reads ", "write a query that reads fewer columns")
	if err != nil {
		return "", 0, err
	}
	b.spent.book(paid)
	q := b.question(s, a)
	q.MaxResults, q.TimeoutMs = 1, 1 // the rows are fetched once the answer's name is stored
	q.JobTimeoutMs = strconv.FormatInt(b.timeout.Milliseconds(), 10)
	if left > 0 {
		q.MaxBytesBilled = strconv.FormatInt(left, 10)
	}
	named, err := json.Marshal(q)
	if err != nil {
		return "", 0, err
	}
	sum := sha256.Sum256(append(named, strings.Repeat("+", a.try)...)) // a job whose answer was lost is not asked for again
	q.RequestID = hex.EncodeToString(sum[:16])
	job, err := b.ask(ctx, op, q)
	if err != nil {
		return "", 0, err
	}
	if job.JobReference.JobID == "" {
		return "", 0, connectors.Errorf(connectors.Transient, op, "BigQuery named no job")
	}
	return job.JobReference.Location + "/" + job.JobReference.JobID, reads, nil
}

// fetch implements keeper. A page may hold fewer rows than asked for: BigQuery bounds it by size, too.
func (b *bigquery) fetch(ctx context.Context, op, answer, page string, limit int, each func(row) error) (next string, err error) {
	location, job, _ := strings.Cut(answer, "/")
	q := url.Values{"maxResults": {strconv.Itoa(limit)}, "formatOptions.useInt64Timestamp": {"true"}, "timeoutMs": {strconv.FormatInt(bigqueryWait.Milliseconds(), 10)}}
	if location != "" {
		q.Set("location", location)
	}
	if page != "" {
		q.Set("pageToken", page)
	}
	var got bigqueryAnswer
	for begun := b.spent.now(); ; {
		resp, err := b.client.Do(ctx, transport.Request{Op: op, Method: http.MethodGet, Path: b.path() + "/" + url.PathEscape(job), Query: q, Idempotent: true,
			Answers: []int{http.StatusNotFound}, Decode: func(r *transport.Response) error {
				got = bigqueryAnswer{}
				return json.Unmarshal(r.Body, &got)
			}})
		if err != nil {
			return "", lostBigquery(err)
		}
		if resp.Status == http.StatusNotFound {
			return "", errNotKept
		}
		if got.JobComplete {
			break
		}
		if b.spent.now().Sub(begun) > b.timeout+bigqueryWait {
			return "", connectors.Errorf(connectors.Transient, op, "the query still runs after %s (timeout)", b.timeout)
		}
	}
	r := row{columns: got.columns()}
	for _, line := range got.Rows {
		if len(line.Cells) != len(r.columns) {
			return "", connectors.Errorf(connectors.Transient, op, "a row has %d cells for %d columns", len(line.Cells), len(r.columns))
		}
		r.values = make([]string, len(line.Cells))
		for i, c := range line.Cells {
			r.values[i] = cellText(bytes.TrimSpace(c.Value))
		}
		if err := each(r); err != nil {
			return "", err
		}
	}
	return got.PageToken, nil
}

// lostBigquery tells of an error that it is the job's own: asked for its answer again, BigQuery would tell the same.
func lostBigquery(err error) error {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case "stopped", "timeout":
		return &lostAnswer{cause: err, slow: true}
	case "resourcesExceeded", "responseTooLarge", "billingTierLimitExceeded", "bytesBilledLimitExceeded", "jobBackendError", "jobInternalError", "invalidQuery":
		return &lostAnswer{cause: err}
	}
	return err
}

// query implements engine: an answer with all its pages.
func (b *bigquery) query(ctx context.Context, op string, s *statement, a *args, each func(row) error) error {
	answer, _, err := b.submit(ctx, op, s, a)
	if err != nil {
		return err
	}
	for page, told := "", false; ; {
		page, err = b.fetch(ctx, op, answer, page, 10_000, func(r row) error {
			if !told && a.columns != nil {
				a.columns(r.columns)
			}
			told = true
			return each(r)
		})
		if err != nil || page == "" {
			return err
		}
	}
}

func (b *bigquery) report() connectors.Report {
	r := b.client.Report()
	r.Used = b.spent.used()
	return r
}

// Close implements engine.
func (b *bigquery) Close() error { return nil }

// bigqueryKinds are the reasons that BigQuery names, by its list of error messages; what it does not name follows the status.
var bigqueryKinds = map[string]connectors.Kind{
	"accessDenied": connectors.Auth, "authError": connectors.Auth, "required": connectors.Auth, "forbidden": connectors.Auth,
	"billingNotEnabled": connectors.Config, "invalid": connectors.Config, "invalidQuery": connectors.Config, "invalidUser": connectors.Auth,
	"notFound": connectors.Config, "resourcesExceeded": connectors.Config, "responseTooLarge": connectors.Config, "billingTierLimitExceeded": connectors.Config,
	"rateLimitExceeded": connectors.RateLimited, "jobRateLimitExceeded": connectors.RateLimited, "quotaExceeded": connectors.Quota, "bytesBilledLimitExceeded": connectors.Quota,
	"backendError": connectors.Transient, "internalError": connectors.Transient, "jobBackendError": connectors.Transient, "jobInternalError": connectors.Transient,
	"stopped": connectors.Transient, "timeout": connectors.Transient, "tableUnavailable": connectors.Transient, "blocked": connectors.Transient,
}

func classifyBigquery(r *transport.Response, _ int) transport.Outcome {
	if r.Status >= 200 && r.Status < 300 {
		return transport.Outcome{}
	}
	o := transport.ByStatus(r)
	var body struct {
		Error struct {
			Message string `json:"message"`
			Errors  []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(r.Body, &body) != nil || body.Error.Message == "" {
		return o
	}
	o.Message = body.Error.Message
	if len(body.Error.Errors) == 0 {
		return o
	}
	o.Code = body.Error.Errors[0].Reason
	kind, known := bigqueryKinds[o.Code]
	if !known || r.Status == http.StatusUnauthorized { // a token that ended is renewed
		return o
	}
	o.Kind, o.Retry = kind, kind == connectors.RateLimited || kind == connectors.Transient && r.Status >= 500
	switch {
	case kind == connectors.Quota:
		o.After = time.Hour
	case o.Code == "accessDenied":
		o.Fix = "give the account the roles BigQuery Job User on the project and BigQuery Data Viewer on the dataset"
	}
	return o
}
