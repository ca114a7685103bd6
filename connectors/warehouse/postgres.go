package warehouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/intentd/intentd/connectors"
)

// postgres asks Postgres and whatever speaks its wire: one session, opened when it is needed, opened anew when it broke.
type postgres struct {
	config  *pgx.ConnConfig
	timeout time.Duration
	schema  string
	lists   bool // the server knows lists as parameters; Redshift does not

	mu   sync.Mutex // one query at a time: the database belongs to others, too
	conn *pgx.Conn

	queries atomic.Int64 // since start
}

func newPostgres(url string, timeout time.Duration, schema string, lists bool) (*postgres, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("is no URL of a Postgres database") // the parser's own words hold the URL
	}
	// Inside a transaction this needs no prepared statement that outlives it, which poolers such as PgBouncer would lose.
	config.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	config.ConnectTimeout = 10 * time.Second
	return &postgres{config: config, timeout: timeout, schema: schema, lists: lists}, nil
}

func (p *postgres) query(ctx context.Context, op string, s *statement, a *args, each func(row) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	// The server ends the statement at its timeout; this is for one that no longer answers.
	bounded, cancel := context.WithTimeout(ctx, p.timeout+15*time.Second)
	defer cancel()
	err := p.run(bounded, s, a, each)
	if err == nil || errors.Is(err, errLeft) || errors.Is(err, errTooMany) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.explain(op, err)
}

func (p *postgres) run(ctx context.Context, s *statement, a *args, each func(row) error) (err error) {
	if p.conn == nil || p.conn.IsClosed() {
		if p.conn, err = pgx.ConnectConfig(ctx, p.config); err != nil {
			return err
		}
	}
	tx, err := p.conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer func() { // rolled back in any case: nothing was written. A session left in mid-answer is of no more use.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if tx.Rollback(end) != nil {
			_ = p.conn.Close(end)
		}
	}()
	settings := fmt.Sprintf("SET LOCAL statement_timeout = %d; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'", p.timeout.Milliseconds())
	if !p.lists { // Redshift takes no SET LOCAL; the session is ours alone
		settings = strings.ReplaceAll(settings, "SET LOCAL", "SET")
	}
	if p.schema != "" {
		settings += "; SET LOCAL search_path = " + pgx.Identifier{p.schema}.Sanitize() + ", public"
	}
	if _, err := tx.Exec(ctx, settings, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	query, values := p.bind(s, a)
	p.queries.Add(1)
	rows, err := tx.Query(ctx, query, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, values...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var r row
	for _, f := range rows.FieldDescriptions() {
		r.columns = append(r.columns, strings.ToLower(f.Name))
	}
	r.values = make([]string, len(r.columns))
	if a.columns != nil {
		a.columns(r.columns)
	}
	for rows.Next() {
		for i, raw := range rows.RawValues() {
			r.values[i] = string(raw)
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// bind is the statement with $1, $2 … and their values; each parameter is one value however often it is named.
func (p *postgres) bind(s *statement, a *args) (query string, values []any) {
	place := map[param]string{}
	query = s.render(func(_ int, at param) string {
		if mark, ok := place[at]; ok {
			return mark
		}
		add := func(v any) string {
			values = append(values, v)
			return fmt.Sprintf("$%d", len(values))
		}
		switch at {
		case paramSinceID:
			place[at] = add(a.sinceID)
		case paramLimit:
			place[at] = add(a.limit)
		case paramEmails, paramUserIDs, paramAnonymousIDs, paramDomains:
			if list := a.list(at); p.lists {
				place[at] = add(list)
			} else {
				place[at] = p.spread(list, add)
			}
		default:
			place[at] = add(a.instant(at))
		}
		return place[at]
	})
	return query, values
}

// spread writes a list as its members, for IN (:emails); an empty one as a null, which equals nothing.
func (p *postgres) spread(list []string, add func(any) string) string {
	if len(list) == 0 {
		return "NULL"
	}
	marks := make([]string, len(list))
	for i, v := range list {
		marks[i] = add(v)
	}
	return strings.Join(marks, ", ")
}

// explain gives an error its kind, by the class of its SQLSTATE.
func (p *postgres) explain(op string, err error) error {
	e := &connectors.Error{Kind: connectors.Transient, Op: op, Err: err}
	var refused *pgconn.PgError
	var unreachable *pgconn.ConnectError
	switch {
	case errors.As(err, &refused):
		e.Code, e.Message, e.Err = refused.Code, refused.Message, nil
		switch {
		case refused.Code == "57014":
			e.Message = fmt.Sprintf("took longer than %s (timeout); an index on the columns it asks by, or fewer people_per_query, helps", p.timeout)
		case strings.HasPrefix(refused.Code, "28"), refused.Code == "42501":
			e.Kind = connectors.Auth
		case strings.HasPrefix(refused.Code, "3D"), strings.HasPrefix(refused.Code, "3F"), strings.HasPrefix(refused.Code, "42"),
			strings.HasPrefix(refused.Code, "22"), strings.HasPrefix(refused.Code, "25"), strings.HasPrefix(refused.Code, "0A"):
			e.Kind = connectors.Config
		}
	case errors.As(err, &unreachable):
		// Its own words name the user and the database, not the password.
		e.Message, e.Err = fmt.Sprintf("cannot reach %s: %v", net.JoinHostPort(p.config.Host, fmt.Sprint(p.config.Port)), errors.Unwrap(unreachable)), nil
	}
	return e
}

func (p *postgres) report() connectors.Report {
	return connectors.Report{Calls: p.queries.Load(), DailyLimit: -1, DailyRemaining: -1}
}

// Close implements engine.
func (p *postgres) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return p.conn.Close(ctx)
}
