package warehouse

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

const clickhouseActive = `SELECT e.loaded AS cursor_time, e.id AS cursor_id, if(e.email = '', l.first, e.email) AS email, e.user_id AS user_id, e.anon AS anonymous_id
FROM DB.ev e LEFT JOIN (SELECT anon, min(email) AS first FROM DB.ev WHERE email != '' AND anon != '' GROUP BY anon) l ON l.anon = e.anon
WHERE (e.loaded, e.id) > (:since, :since_id) ORDER BY e.loaded, e.id LIMIT :limit`

const clickhouseJourneys = `SELECT id AS event_id, at AS time, kind, email, user_id, anon AS anonymous_id, url, title AS page_title FROM DB.ev
WHERE at >= :from AND at < :to AND (lower(email) IN :emails OR user_id IN :user_ids OR has(:anonymous_ids, anon) AND anon != ''
  OR anon != '' AND anon IN (SELECT anon FROM DB.ev WHERE has(:emails, lower(email))))`

func clickhouseSource(t *testing.T, url, db string) *Source {
	t.Helper()
	o := Type.Settings().(*Config)
	o.Dialect, o.URL = "clickhouse", connectors.NewSecret(url)
	o.Active, o.Journeys = strings.ReplaceAll(clickhouseActive, "DB", db), strings.ReplaceAll(clickhouseJourneys, "DB", db)
	return open(t, o)
}

// clickhouseServer is the address of a real engine that may be filled; .ci/run starts one.
func clickhouseServer(t *testing.T) string {
	t.Helper()
	server := os.Getenv("TEST_CLICKHOUSE_URL")
	if server == "" {
		t.Skip("skipped: needs a ClickHouse server: set TEST_CLICKHOUSE_URL to its URL (see .ci/clickhouse)")
	}
	return server
}

func clickhouseDatabase(t *testing.T, server string) string {
	t.Helper()
	db := fmt.Sprintf("t%d_%d", os.Getpid(), databases.next())
	sendClickhouse(t, server+"/", "CREATE DATABASE "+db)
	return db
}

func sendClickhouse(t *testing.T, url, query string) {
	t.Helper()
	resp, err := http.Post(url, "text/plain", strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if out, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 {
		t.Fatalf("%.100s: %s", query, out)
	}
}

// The suite on the real engine.
func TestClickHouseIsASource(t *testing.T) {
	server := clickhouseServer(t)
	send := func(t *testing.T, query string) { t.Helper(); sendClickhouse(t, server+"/", query) }
	clock := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	connectortest.Source(t, func(t *testing.T) connectortest.SourceHarness {
		db := clickhouseDatabase(t, server)
		send(t, "CREATE TABLE "+db+".ev (id String, at DateTime64(6, 'UTC'), kind String, email String, user_id String, anon String, url String, title String, loaded DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY loaded")
		return connectortest.SourceHarness{
			Source: clickhouseSource(t, server, db), Now: testNow,
			Reopen: func(t *testing.T) connectors.Source { return clickhouseSource(t, server, db) },
			Add: func(t *testing.T, events ...connectors.Event) {
				clock = clock.Add(time.Millisecond)
				var rows []string
				for _, e := range events {
					var cells []string
					for _, v := range []string{e.ID, e.Time.UTC().Format("2006-01-02 15:04:05.000000"), e.Kind, e.Email, e.UserID, e.AnonymousID, e.URL, e.PageTitle, clock.Format("2006-01-02 15:04:05.000000")} {
						cells = append(cells, "'"+clickhouseEscape.Replace(v)+"'")
					}
					rows = append(rows, "("+strings.Join(cells, ",")+")")
				}
				send(t, "INSERT INTO "+db+".ev VALUES "+strings.Join(rows, ","))
			},
		}
	})
}

// clickhouseAnswering is a source on a server that answers every query by serve.
func clickhouseAnswering(t *testing.T, serve http.HandlerFunc) *Source {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return clickhouseSource(t, strings.Replace(server.URL, "://", "://reader:hunter2@", 1), "x")
}

const namesLine = `["cursor_time","cursor_id","email"]` + "\n"

func TestWhatClickHouseRefusesIsToldByKind(t *testing.T) {
	fail := func(status, code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-ClickHouse-Exception-Code", fmt.Sprint(code))
			w.WriteHeader(status)
			fmt.Fprintf(w, "Code: %d. DB::Exception: %s (version 26.3.1)\n", code, text)
		}
	}
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		kind  connectors.Kind
		says  string
	}{
		"wrong password": {fail(403, 516, "reader: Authentication failed: password is incorrect"), connectors.Auth, "Authentication failed"},
		"no such table":  {fail(404, 60, "Unknown table expression identifier 'x.ev'. (UNKNOWN_TABLE)"), connectors.Config, "x.ev"},
		"memory":         {fail(500, 241, "(total) memory limit exceeded"), connectors.Transient, "memory"},
		"quota":          {fail(500, 201, "Quota for user reader for 3600s has been exceeded"), connectors.Quota, "Quota"},
		"a proxy's page": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(502)
			fmt.Fprint(w, "<html>bad gateway</html>")
		}, connectors.Transient, "502"},
		"an exception after a 200": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, namesLine, `["2026-11-20 10:00:00.000000","1","ann@example.com"]`, "\nCode: 159. DB::Exception: Timeout exceeded: elapsed 60.1 seconds\n")
		}, connectors.Transient, "Timeout exceeded"},
		"the new form of an exception after a 200": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, namesLine, "__exception__\r\nabcdef\r\nCode: 241. DB::Exception: memory limit exceeded\r\n54 abcdef\r\n__exception__\r\n")
		}, connectors.Transient, "memory limit"},
		"a row cut short": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, namesLine, `["2026-11-20 10:00:00.000000","1","ann@ex`)
		}, connectors.Transient, "cut short"},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := clickhouseAnswering(t, c.serve).Active(t.Context(), nil)
			if connectors.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) || len(page.Items) > 0 || page.Next != nil {
				t.Errorf("got %v of kind %v and %v, want kind %v with %q, and no page", err, connectors.KindOf(err), page, c.kind, c.says)
			}
			if strings.Contains(fmt.Sprint(err), "hunter2") {
				t.Errorf("the error holds the password: %v", err)
			}
		})
	}
}

// A user whose profile says readonly = 1 may not even say that a query is to be ended in time: such a one is asked without.
func TestAUserWhoMaySetNothingIsAskedWithoutSettings(t *testing.T) {
	asked := 0
	s := clickhouseAnswering(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		user, key := r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
		if user != "reader" || key != "hunter2" || r.Header.Get("Authorization") != "" || strings.Contains(r.URL.String(), "hunter2") {
			t.Errorf("signed in as %q with %q, URL %s", user, key, r.URL)
		}
		if r.URL.Query().Has("readonly") {
			w.WriteHeader(500)
			fmt.Fprint(w, "Code: 164. DB::Exception: Cannot modify 'max_execution_time' setting in readonly mode. (READONLY)")
			return
		}
		fmt.Fprint(w, namesLine, `["2026-11-20 10:00:00.000000","1","ann@example.com"]`, "\n")
	})
	for range 2 {
		if page, err := s.Active(t.Context(), nil); err != nil || len(page.Items) != 1 {
			t.Fatal(page, err)
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times, want 3: once with settings, then without", asked)
	}
}
