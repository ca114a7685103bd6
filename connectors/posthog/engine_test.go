package posthog

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// The suite with the queries run by ClickHouse's own engine, which PostHog has them run by. What PostHog does to a query before is done here as
// its printer does it: properties are taken from JSON, times shown in the project's zone, values put in. TEST_CLICKHOUSE_URL is the address of
// an engine that may be filled; .ci/run starts one.
func TestPostHogIsASourceOnTheRealEngine(t *testing.T) {
	server := os.Getenv("TEST_CLICKHOUSE_URL")
	if server == "" {
		t.Skip("skipped: needs a ClickHouse server: set TEST_CLICKHOUSE_URL to its URL (see .ci/clickhouse)")
	}
	n := 0
	connectortest.Source(t, func(t *testing.T) connectortest.SourceHarness {
		n++
		s := newStandIn(t)
		e := &engine{t: t, s: s, server: server, db: fmt.Sprintf("hogql%d_%d", os.Getpid(), n)}
		s.engine = e.query
		intake := testNow.Add(-time.Hour)
		return connectortest.SourceHarness{
			Source: s.source(nil), Now: testNow,
			Reopen: func(t *testing.T) connectors.Source { return s.source(nil) },
			Add: func(t *testing.T, events ...connectors.Event) {
				intake = intake.Add(time.Second)
				for i, ev := range events {
					ev.Properties = map[string]string{"uuid": fmt.Sprintf("01a22841-0000-7000-8000-%06d%06d", len(s.events), i)}
					w := sent(ev)
					w.UUID = ev.Properties["uuid"]
					s.ingest(intake, w)
				}
			},
		}
	})
}

// engine holds the stand-in's tables in ClickHouse.
type engine struct {
	t          *testing.T
	s          *standIn
	server, db string
	filled     int // events
}

func (e *engine) send(query string) ([]byte, error) {
	resp, err := http.Post(e.server+"/", "text/plain", strings.NewReader(query))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 {
		return nil, fmt.Errorf("%.300s", b)
	}
	return b, nil
}

// literal is a value as PostHog puts it into a query.
func literal(v any) string {
	switch v := v.(type) {
	case string:
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
	case []any:
		var list []string
		for _, one := range v {
			list = append(list, literal(one))
		}
		return "[" + strings.Join(list, ",") + "]"
	default:
		return string(transport.Encode(v))
	}
}

func (e *engine) fill() error {
	if e.filled == len(e.s.events) && e.filled > 0 {
		return nil
	}
	e.filled = len(e.s.events)
	var events, persons, distinct []string
	seen := map[*person]bool{}
	row := func(cells ...any) string {
		var out []string
		for _, c := range cells {
			out = append(out, literal(c))
		}
		return "(" + strings.Join(out, ",") + ")"
	}
	micro := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }
	for _, ev := range e.s.events {
		mode, session := "full", ""
		if ev.propertyless {
			mode = "propertyless"
		}
		events = append(events, row(ev.uuid, ev.event, string(transport.Encode(ev.properties)), micro(ev.at), micro(ev.created), ev.distinct, ev.of.id, string(transport.Encode(ev.atTheTime)), mode, session, ev.chain))
	}
	for id, p := range e.s.persons {
		if !p.known {
			continue
		}
		if distinct = append(distinct, row(id, p.id)); !seen[p] {
			seen[p] = true
			persons = append(persons, row(p.id, string(transport.Encode(p.properties))))
		}
	}
	statements := []string{
		"CREATE DATABASE IF NOT EXISTS " + e.db,
		"CREATE OR REPLACE TABLE " + e.db + ".events (uuid UUID, event String, properties String, timestamp DateTime64(6, 'UTC'), created_at DateTime64(6, 'UTC'), distinct_id String, person_id UUID, person_properties String, person_mode Enum8('full' = 0, 'propertyless' = 1, 'force_upgrade' = 2), `$session_id` String, elements_chain String, `$virt_bot_name` String DEFAULT '') ENGINE = MergeTree ORDER BY (toDate(timestamp), event)",
		"CREATE OR REPLACE TABLE " + e.db + ".persons (id UUID, properties String) ENGINE = MergeTree ORDER BY id",
		"CREATE OR REPLACE TABLE " + e.db + ".person_distinct_ids (distinct_id String, person_id UUID) ENGINE = MergeTree ORDER BY distinct_id",
	}
	for table, rows := range map[string][]string{
		"events (uuid, event, properties, timestamp, created_at, distinct_id, person_id, person_properties, person_mode, `$session_id`, elements_chain)": events, "persons": persons, "person_distinct_ids": distinct,
	} {
		if len(rows) > 0 {
			statements = append(statements, "INSERT INTO "+e.db+"."+table+" VALUES "+strings.Join(rows, ","))
		}
	}
	for _, q := range statements {
		if _, err := e.send(q); err != nil {
			return err
		}
	}
	return nil
}

var (
	propertyPath   = regexp.MustCompile("(person\\.)?properties((?:\\.`[^`]+`)+)")
	placeholderIn  = regexp.MustCompile(`\{(\w+)\}`)
	columnsOfTimes = regexp.MustCompile(`\b(created_at|timestamp)\b`)
	tableNames     = regexp.MustCompile(` FROM (events|persons|person_distinct_ids)\b`)
	parsedTimes    = regexp.MustCompile(`toDateTime\((\{\w+\})\)`)
)

func (e *engine) query(text string, values map[string]any) ([][]any, error) {
	if err := e.fill(); err != nil {
		return nil, err
	}
	text = parsedTimes.ReplaceAllString(text, "parseDateTime64BestEffortOrNull($1, 6, 'Europe/Berlin')")
	text = tableNames.ReplaceAllString(text, " FROM "+e.db+".$1")
	text = columnsOfTimes.ReplaceAllString(text, "toTimeZone($1, 'Europe/Berlin')")
	text = propertyPath.ReplaceAllStringFunc(text, func(x string) string {
		m := propertyPath.FindStringSubmatch(x)
		column := "properties"
		if m[1] != "" {
			column = "person_properties"
		}
		var path []string
		for _, name := range strings.Split(strings.Trim(m[2], ".`"), "`.`") {
			path = append(path, literal(name))
		}
		return "replaceRegexpAll(nullIf(nullIf(JSONExtractRaw(" + column + ", " + strings.Join(path, ", ") + "), ''), 'null'), '^\"|\"$', '')"
	})
	text = placeholderIn.ReplaceAllStringFunc(text, func(x string) string { return literal(values[strings.Trim(x, "{}")]) })
	b, err := e.send(text + " FORMAT JSONCompact")
	if err != nil {
		e.t.Error(err)
		return nil, err
	}
	var answer struct{ Data [][]any }
	return answer.Data, json.Unmarshal(b, &answer)
}
