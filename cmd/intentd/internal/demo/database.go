package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/intentd/intentd/connectors"
)

// Database is a schema of a team's own database with one plain table of events, which the demo's journeys are loaded into.
type Database struct {
	Dialect string // postgres or clickhouse
	URL     string
	Schema  string // made by Fill, gone with Drop
}

// columns of the table, in the order of its rows. What is missing has a default.
const columns = "id, at, kind, email, phone, user_id, anonymous_id, session_id, url, page_title, element_text, element_id, referrer, user_agent, ip, consent, properties"

// Fill makes the schema and its table, and loads the events.
func (d *Database) Fill(ctx context.Context, events []connectors.Event) error {
	var err error
	if d.Dialect == "clickhouse" {
		err = d.fillClickhouse(ctx, events)
	} else {
		err = d.fillPostgres(ctx, events)
	}
	if err != nil {
		return fmt.Errorf("load the journeys into %s: %w", d.Dialect, err)
	}
	return nil
}

// Drop removes the schema with all that is in it.
func (d *Database) Drop(ctx context.Context) error {
	if d.Dialect == "clickhouse" {
		return d.send(ctx, "DROP DATABASE IF EXISTS "+d.Schema, nil)
	}
	return d.connected(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+d.Schema+" CASCADE")
		return err
	})
}

// cells are an event as a row of the table.
func cells(e *connectors.Event) []any {
	properties, _ := json.Marshal(e.Properties)
	if e.Properties == nil {
		properties = []byte("{}")
	}
	return []any{e.ID, e.Time, e.Kind, e.Email, e.Phone, e.UserID, e.AnonymousID, e.Session, e.URL, e.PageTitle, e.ElementText, e.ElementID, e.Referrer, e.UserAgent, e.IP, e.Consent,
		string(properties)}
}

func (d *Database) connected(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, d.URL)
	if err != nil {
		return errors.New("cannot connect to the server that --database names") // the driver's own words may hold the URL
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

func (d *Database) fillPostgres(ctx context.Context, events []connectors.Event) error {
	return d.connected(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf(`CREATE SCHEMA %[1]s; SET search_path = %[1]s;
			CREATE TABLE events (id text NOT NULL DEFAULT gen_random_uuid()::text, at timestamptz NOT NULL DEFAULT now(), kind text NOT NULL, email text, phone text, user_id text, anonymous_id text,
				session_id text, url text, page_title text, element_text text, element_id text, referrer text, user_agent text, ip text, consent text, properties jsonb, loaded_at timestamptz NOT NULL DEFAULT now());
			CREATE INDEX ON events (loaded_at, id); CREATE INDEX ON events (lower(email)); CREATE INDEX ON events (anonymous_id)`, d.Schema))
		if err != nil {
			return err
		}
		rows := make([][]any, len(events))
		for i := range events {
			rows[i] = cells(&events[i])
		}
		_, err = conn.CopyFrom(ctx, pgx.Identifier{d.Schema, "events"}, strings.Split(columns, ", "), pgx.CopyFromRows(rows))
		return err
	})
}

func (d *Database) fillClickhouse(ctx context.Context, events []connectors.Event) error {
	err := d.send(ctx, "CREATE DATABASE "+d.Schema, nil)
	if err == nil {
		err = d.send(ctx, "CREATE TABLE "+d.Schema+`.events (id String DEFAULT toString(generateUUIDv4()), at DateTime64(3, 'UTC') DEFAULT now64(3), kind String, email String, phone String, user_id String,
			anonymous_id String, session_id String, url String, page_title String, element_text String, element_id String, referrer String, user_agent String, ip String, consent String, properties String,
			loaded_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY (loaded_at, id)`, nil)
	}
	if err != nil {
		return err
	}
	var rows bytes.Buffer
	for i := range events {
		row := cells(&events[i])
		row[1] = events[i].Time.UTC().Format("2006-01-02 15:04:05.000")
		line, err := json.Marshal(row)
		if err != nil {
			return err
		}
		rows.Write(append(line, '\n'))
	}
	return d.send(ctx, "INSERT INTO "+d.Schema+".events ("+columns+") FORMAT JSONCompactEachRow", rows.Bytes())
}

// send runs a statement at ClickHouse's HTTP interface.
func (d *Database) send(ctx context.Context, query string, data []byte) error {
	u, err := url.Parse(d.URL)
	if err != nil {
		return errors.New("--database is no URL")
	}
	user := u.User
	u.User = nil
	u.RawQuery = url.Values{"query": {query}}.Encode()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(data))
	if err != nil {
		return err
	}
	if password, ok := user.Password(); ok || user.Username() != "" {
		req.SetBasicAuth(user.Username(), password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return errors.New("the server that --database names does not answer")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return fmt.Errorf("the server refused it: %s", bytes.TrimSpace(said))
	}
	return nil
}

// AddRow is a command that has somebody ask for a demo. urlFile holds the URL.
func (d *Database) AddRow(urlFile string) string {
	insert := "INSERT INTO " + d.Schema + ".events (kind, email, url) VALUES ('demo_request', 'EMAIL', 'https://www.larkfield.example/demo')"
	if d.Dialect == "clickhouse" {
		return `curl "$(cat ` + urlFile + `)" -d "` + insert + `"`
	}
	return `psql "$(cat ` + urlFile + `)" -c "` + insert + `"`
}
