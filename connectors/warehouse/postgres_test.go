package warehouse

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func execSQL(t *testing.T, url, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%.80s: %v", sql, err)
	}
}

// plainTable is a table of events as a team writes it, and its queries as an admin would.
const plainTable = `CREATE TABLE ev (id text, at timestamptz, kind text, email text, user_id text, anon text, url text, title text, loaded timestamptz)`

const plainActive = `SELECT e.loaded AS cursor_time, e.id AS cursor_id, coalesce(e.email, l.email) AS email, e.user_id, e.anon AS anonymous_id
FROM ev e LEFT JOIN (SELECT anon, min(email) AS email FROM ev WHERE email IS NOT NULL GROUP BY anon) l ON l.anon = e.anon
WHERE (e.loaded, e.id) > (:since, :since_id) ORDER BY e.loaded, e.id LIMIT :limit;`

const plainJourneys = `SELECT id AS event_id, at AS time, kind, email, user_id, anon AS anonymous_id, url, title AS page_title FROM ev
WHERE at >= :from AND at < :to AND (lower(email) = ANY(:emails) OR user_id = ANY(:user_ids) OR anon = ANY(:anonymous_ids)
  OR anon IN (SELECT anon FROM ev WHERE lower(email) = ANY(:emails))) -- the past: of :nobody else`

func plainSource(t *testing.T, url string) *Source {
	t.Helper()
	o := Type.Settings().(*Config)
	o.Dialect, o.URL, o.Active, o.Journeys = "postgres", connectors.NewSecret(url), plainActive, plainJourneys
	return open(t, o)
}

func open(t *testing.T, o *Config) *Source {
	t.Helper()
	connectortest.NoProblem(t, o)
	s, err := o.open(connectors.Host{Name: "dwh", Now: func() time.Time { return testNow }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestPostgresIsASource(t *testing.T) {
	connectortest.Source(t, func(t *testing.T) connectortest.SourceHarness {
		url := postgresURL(t)
		execSQL(t, url, plainTable)
		return connectortest.SourceHarness{
			Source: plainSource(t, url), Now: testNow,
			Reopen: func(t *testing.T) connectors.Source { return plainSource(t, url) },
			Add: func(t *testing.T, events ...connectors.Event) {
				var rows []map[string]any
				for _, e := range events {
					rows = append(rows, map[string]any{"id": e.ID, "at": e.Time, "kind": e.Kind, "email": orNil(e.Email), "user_id": orNil(e.UserID), "anon": orNil(e.AnonymousID), "url": e.URL, "title": e.PageTitle})
				}
				raw, _ := json.Marshal(rows)
				execSQL(t, url, `INSERT INTO ev SELECT id, at, kind, email, user_id, anon, url, title, clock_timestamp() FROM
					json_to_recordset($1::json) AS r(id text, at timestamptz, kind text, email text, user_id text, anon text, url text, title text)`, string(raw))
			},
		}
	})
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func TestASessionCanOnlyRead(t *testing.T) {
	url := postgresURL(t)
	execSQL(t, url, plainTable)
	s := plainSource(t, url)
	var err error
	s.active.query, err = parse("WITH gone AS (DELETE FROM ev RETURNING *) SELECT loaded AS cursor_time, id AS cursor_id FROM gone WHERE loaded > :since LIMIT :limit", activeParams...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.Active(t.Context(), nil); connectors.KindOf(err) != connectors.Config || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("a query that deletes was answered with %v, want a refusal of kind config", err)
	}
}

func TestAQueryEndsAtItsTimeout(t *testing.T) {
	url := postgresURL(t)
	execSQL(t, url, plainTable)
	execSQL(t, url, "INSERT INTO ev VALUES ('1', now(), 'page_view', 'a@example.com', NULL, NULL, '/x', 'X', now())")
	s := plainSource(t, url)
	s.engine.(*postgres).timeout = 100 * time.Millisecond
	s.active.query, _ = parse("SELECT pg_sleep(30), loaded AS cursor_time, id AS cursor_id, email FROM ev WHERE loaded > :since AND id > :since_id LIMIT :limit", activeParams...)
	began := time.Now()
	_, err := s.Active(t.Context(), nil)
	if connectors.KindOf(err) != connectors.Transient || !strings.Contains(err.Error(), "timeout") || time.Since(began) > 10*time.Second {
		t.Errorf("got %v after %v, want a transient error that names the timeout", err, time.Since(began))
	}
	s.active.query, _ = parse(plainActive, activeParams...)
	s.engine.(*postgres).timeout = time.Minute
	if page, err := s.Active(t.Context(), nil); err != nil || len(page.Items) != 1 {
		t.Errorf("the next query got %v, %v", page.Items, err)
	}
}

func TestWrongConfigurationsAreToldByKind(t *testing.T) {
	url := postgresURL(t)
	execSQL(t, url, plainTable)
	for _, c := range []struct {
		name, url, active string
		kind              connectors.Kind
	}{
		{"no such table", url, "SELECT x FROM nowhere WHERE x > :since LIMIT :limit", connectors.Config},
		{"no such database", strings.Replace(url, "/t", "/nowhere", 1), plainActive, connectors.Config},
		{"nobody listens", "postgres://intentd@127.0.0.1:1/x?sslmode=disable", plainActive, connectors.Transient},
		{"no such user", strings.Replace(url, "intentd@", "stranger:hunter2@", 1), plainActive, connectors.Auth},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plainSource(t, c.url)
			s.active.query, _ = parse(c.active, activeParams...)
			_, err := s.Active(t.Context(), nil)
			if connectors.KindOf(err) != c.kind {
				t.Errorf("got %v of kind %v, want kind %v", err, connectors.KindOf(err), c.kind)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds the password: %v", err)
			}
		})
	}
}

func TestALotWithTooManyRowsIsAskedInHalves(t *testing.T) {
	url := postgresURL(t)
	execSQL(t, url, plainTable)
	execSQL(t, url, `INSERT INTO ev SELECT p||'-'||n, '2026-11-19T00:00:00Z'::timestamptz + n * interval '1 second', 'page_view', 'p'||p||'@example.com', NULL, NULL, '/'||n, 'T', now()
		FROM generate_series(1, 8) p, generate_series(1, 100) n`)
	s := plainSource(t, url)
	s.maxRows = 250
	var people []connectors.Person
	for _, e := range []string{"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"} {
		people = append(people, connectors.Person{Key: e, Emails: []string{e + "@example.com"}})
	}
	seen := map[string]bool{}
	for e, err := range s.Journeys(t.Context(), people, connectors.Window{From: testNow.AddDate(0, 0, -30), To: testNow}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[e.Person+e.ID] = true
	}
	if len(seen) != 800 {
		t.Errorf("got %d events, want 800", len(seen))
	}
	s.maxRows = 50
	for _, err := range s.Journeys(t.Context(), people[:1], connectors.Window{From: testNow.AddDate(0, 0, -30), To: testNow}) {
		if err != nil && connectors.KindOf(err) != connectors.Rejected {
			t.Errorf("one person beyond the limit: %v", err)
		}
	}
}

// A row that another transaction wrote earlier and committed later is found by the lookback.
func TestWhatIsCommittedLateIsFound(t *testing.T) {
	url := postgresURL(t)
	execSQL(t, url, plainTable)
	insert := func(id, email, loaded string) {
		execSQL(t, url, "INSERT INTO ev VALUES ($1, $3::timestamptz, 'page_view', $2, NULL, NULL, '/x', 'X', $3::timestamptz)", id, email, loaded)
	}
	insert("2", "bob@example.com", "2026-11-20T10:05:00Z")
	s := plainSource(t, url)
	page, err := s.Active(t.Context(), nil)
	if err != nil || len(page.Items) != 1 || page.More {
		t.Fatal(page, err)
	}
	insert("1", "ann@example.com", "2026-11-20T10:01:00Z")
	page, err = s.Active(t.Context(), page.Next)
	if err != nil || len(page.Items) != 1 || page.Items[0].Emails[0] != "ann@example.com" {
		t.Errorf("got %v, %v: want ann alone", page.Items, err)
	}
}

func TestPostgresIsAFeed(t *testing.T) {
	connectortest.Feed(t, func(t *testing.T) connectortest.FeedHarness {
		url := postgresURL(t)
		execSQL(t, url, plainTable)
		clock := testNow.Add(-time.Hour)
		open := func(t *testing.T) connectors.Feed {
			o := Type.Settings().(*Config)
			o.Dialect, o.URL, o.Mode = "postgres", connectors.NewSecret(url), modeTake
			o.Events = `SELECT loaded AS cursor_time, id AS cursor_id, id AS event_id, at AS time, kind, email, user_id, anon AS anonymous_id, url, title AS page_title
				FROM ev WHERE (loaded, id) > (:since, :since_id) ORDER BY loaded, id LIMIT :limit`
			var problems []connectors.Problem
			if o.Check(connectors.NewCheck("sources[0]", &problems)); len(problems) > 0 {
				t.Fatal(problems)
			}
			f, err := o.openFeed(connectors.Host{Name: "dwh", Now: func() time.Time { return testNow }})
			if err != nil {
				t.Fatal(err)
			}
			f.rows.limit = 100
			t.Cleanup(func() { _ = f.Close() })
			return f
		}
		return connectortest.FeedHarness{
			Feed: open(t), Now: testNow, Reopen: open, Page: 100, Lookback: true,
			Add: func(t *testing.T, events ...connectors.Event) {
				clock = clock.Add(time.Second)
				for _, e := range events {
					execSQL(t, url, "INSERT INTO ev VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", e.ID, e.Time, e.Kind, orNil(e.Email), orNil(e.UserID), orNil(e.AnonymousID), e.URL, e.PageTitle, clock)
				}
			},
		}
	})
}
