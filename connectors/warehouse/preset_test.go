package warehouse

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
)

// Schemas as the tools make them (their columns, bar those that no query names), with one person: an anonymous visit to the prices, then an
// identify, then a visit to the demo's page; and somebody else who must not appear.
var presetSchemas = map[string]string{
	"rudderstack": segmentSchema,
	"segment":     segmentSchema,
	"snowplow": `CREATE SCHEMA atomic; CREATE TABLE atomic.events (event_id uuid, event text, user_id text, domain_userid text, domain_sessionid text, page_url text,
		page_title text, page_referrer text, useragent text, mkt_campaign text, derived_tstamp timestamp, collector_tstamp timestamp, load_tstamp timestamp);
		INSERT INTO atomic.events VALUES
		('00000000-0000-0000-0000-000000000001', 'page_view', NULL, 'd1', 's1', 'https://www.example.com/pricing', 'Pricing', NULL, 'UA', 'autumn', '2026-11-18 10:00', '2026-11-18 10:00', '2026-11-18 10:10'),
		('00000000-0000-0000-0000-000000000001', 'page_view', NULL, 'd1', 's1', 'https://www.example.com/pricing', 'Pricing', NULL, 'UA', 'autumn', '2026-11-18 10:00', '2026-11-18 10:01', '2026-11-18 10:11'),
		('00000000-0000-0000-0000-000000000002', 'page_view', 'ann@example.com', 'd1', 's2', 'https://www.example.com/demo', 'Demo', NULL, 'UA', NULL, '2026-11-19 10:00', '2026-11-19 10:00', '2026-11-19 10:10'),
		('00000000-0000-0000-0000-000000000003', 'page_view', 'bob@example.com', 'd2', 's3', 'https://www.example.com/bob', 'Bob', NULL, 'UA', NULL, '2026-11-19 10:00', '2026-11-19 10:00', '2026-11-19 10:10');`,
	"umami": `CREATE TABLE session (session_id uuid, distinct_id varchar(50), browser text);
		CREATE TABLE website_event (event_id uuid, session_id uuid, visit_id uuid, created_at timestamptz, url_path text, url_query text, referrer_domain text, page_title text, event_type int, event_name text, hostname text);
		INSERT INTO session VALUES ('00000000-0000-0000-0000-0000000000a1', 'ann@example.com'), ('00000000-0000-0000-0000-0000000000b1', 'bob@example.com');
		INSERT INTO website_event VALUES
		('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000c1', '2026-11-18T10:00Z', '/pricing', 'plan=pro', '', 'Pricing', 1, NULL, 'www.example.com'),
		('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000c2', '2026-11-19T10:00Z', '/demo', '', '', 'Demo', 1, '', 'www.example.com'),
		('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-0000000000c3', '2026-11-19T10:00Z', '/bob', '', '', 'Bob', 1, NULL, 'www.example.com');`,
	"product": `CREATE TABLE users (id bigint PRIMARY KEY, email text); CREATE TABLE events (id bigint, user_id bigint, anonymous_id uuid, name text, url text, title text, properties jsonb, occurred_at timestamptz, created_at timestamptz);
		INSERT INTO users VALUES (42, 'Ann@example.com'), (7, 'bob@example.com'), (8, NULL);
		INSERT INTO events VALUES
		(1, NULL, '00000000-0000-0000-0000-0000000000d1', 'page_view', 'https://www.example.com/pricing', 'Pricing', '{"plan":"pro"}', '2026-11-18T10:00Z', '2026-11-18T10:00:01Z'),
		(2, 42, '00000000-0000-0000-0000-0000000000d1', 'demo_request', 'https://www.example.com/demo', 'Demo', '{}', '2026-11-19T10:00Z', '2026-11-19T10:00:01Z'),
		(3, 7, '00000000-0000-0000-0000-0000000000d2', 'page_view', 'https://www.example.com/bob', 'Bob', '{}', '2026-11-19T10:00Z', '2026-11-19T10:00:01Z'),
		(4, NULL, '00000000-0000-0000-0000-0000000000d3', 'page_view', 'https://www.example.com/kiosk', '', '{}', '2026-11-19T10:00Z', '2026-11-19T10:00:01Z'),
		(5, 42, '00000000-0000-0000-0000-0000000000d3', 'log_in', NULL, NULL, '{}', '2026-11-19T10:00Z', '2026-11-19T10:00:01Z'), (6, 7, '00000000-0000-0000-0000-0000000000d3', 'log_in', NULL, NULL, '{}', '2026-11-19T10:00Z', '2026-11-19T10:00:01Z');`,
	"posthog": `CREATE TABLE events (uuid uuid, event text, properties jsonb, distinct_id text, team_id int, timestamp timestamptz);
		INSERT INTO events VALUES
		('00000000-0000-0000-0000-000000000001', '$pageview', '{"$current_url":"https://www.example.com/pricing","title":"Pricing"}', 'anon-1', 1, '2026-11-18T10:00Z'),
		('00000000-0000-0000-0000-000000000004', '$identify', '{"$anon_distinct_id":"anon-1","$set":{"email":"Ann@example.com"}}', '42', 1, '2026-11-18T10:05Z'),
		('00000000-0000-0000-0000-000000000002', '$pageview', '{"$current_url":"https://www.example.com/demo","title":"Demo"}', '42', 1, '2026-11-19T10:00Z'),
		('00000000-0000-0000-0000-000000000002', '$pageview', '{"$current_url":"https://www.example.com/demo","title":"Demo"}', '42', 1, '2026-11-19T10:00Z'),
		('00000000-0000-0000-0000-000000000003', '$pageview', '{"$current_url":"https://www.example.com/bob"}', 'bob@example.com', 1, '2026-11-19T10:00Z');`,
}

const segmentSchema = `CREATE TABLE identifies (id varchar(100), user_id text, anonymous_id text, email text, received_at timestamptz, sent_at timestamptz, timestamp timestamptz);
	CREATE TABLE pages (id varchar(100), user_id text, anonymous_id text, context_page_url text, context_page_title text, context_page_referrer text, context_campaign_name text, received_at timestamptz, sent_at timestamptz, timestamp timestamptz);
	CREATE TABLE tracks (id varchar(100), event text, user_id text, anonymous_id text, context_page_url text, context_page_title text, received_at timestamptz, sent_at timestamptz, timestamp timestamptz);
	INSERT INTO pages VALUES
	('m1', NULL, 'anon-1', 'https://www.example.com/pricing', 'Pricing', NULL, 'autumn', '2026-11-18T10:00Z', NULL, '2026-11-18T10:00Z'),
	('m3', '7', 'anon-2', 'https://www.example.com/bob', 'Bob', NULL, NULL, '2026-11-19T10:00Z', NULL, '2026-11-19T10:00Z');
	INSERT INTO identifies VALUES ('m4', '42', 'anon-1', 'Ann@example.com', '2026-11-18T10:05Z', NULL, '2026-11-18T10:05Z'), ('m5', '7', 'anon-2', 'bob@example.com', '2026-11-18T10:05Z', NULL, '2026-11-18T10:05Z'),
	('m6', '42', 'kiosk', 'ann@example.com', '2026-11-18T10:05Z', NULL, '2026-11-18T10:05Z'), ('m7', '7', 'kiosk', 'bob@example.com', '2026-11-18T10:05Z', NULL, '2026-11-18T10:05Z');
	INSERT INTO tracks VALUES ('m2', 'demo_requested', '42', 'anon-1', 'https://www.example.com/demo', 'Demo', '2026-11-19T10:00Z', NULL, '2026-11-19T10:00Z'),
	('m8', 'shared', NULL, 'kiosk', 'https://www.example.com/kiosk', 'Kiosk', '2026-11-19T10:00Z', NULL, '2026-11-19T10:00Z');`

// clickhouseSchemas are the same in ClickHouse, as RudderStack and PostHog make them there, and as a team may.
var clickhouseSchemas = map[string][]string{
	"rudderstack": {
		`CREATE TABLE identifies (id String, user_id Nullable(String), anonymous_id Nullable(String), email Nullable(String), received_at DateTime64(6, 'UTC'), timestamp Nullable(DateTime64(6, 'UTC'))) ENGINE = ReplacingMergeTree ORDER BY (received_at, id)`,
		`CREATE TABLE pages (id String, user_id Nullable(String), anonymous_id Nullable(String), context_page_url Nullable(String), context_page_title Nullable(String), context_campaign_name Nullable(String), received_at DateTime64(6, 'UTC'), timestamp Nullable(DateTime64(6, 'UTC'))) ENGINE = ReplacingMergeTree ORDER BY (received_at, id)`,
		`CREATE TABLE tracks (id String, event Nullable(String), user_id Nullable(String), anonymous_id Nullable(String), context_page_url Nullable(String), context_page_title Nullable(String), received_at DateTime64(6, 'UTC'), timestamp Nullable(DateTime64(6, 'UTC'))) ENGINE = ReplacingMergeTree ORDER BY (received_at, id)`,
		`INSERT INTO pages VALUES ('m1', NULL, 'anon-1', 'https://www.example.com/pricing', 'Pricing', 'autumn', '2026-11-18 10:00:00', '2026-11-18 10:00:00'), ('m3', '7', 'anon-2', 'https://www.example.com/bob', 'Bob', NULL, '2026-11-19 10:00:00', '2026-11-19 10:00:00')`,
		`INSERT INTO identifies VALUES ('m4', '42', 'anon-1', 'Ann@example.com', '2026-11-18 10:05:00', '2026-11-18 10:05:00'), ('m5', '7', 'anon-2', 'bob@example.com', '2026-11-18 10:05:00', '2026-11-18 10:05:00'),
			('m6', '42', 'kiosk', 'ann@example.com', '2026-11-18 10:05:00', '2026-11-18 10:05:00'), ('m7', '7', 'kiosk', 'bob@example.com', '2026-11-18 10:05:00', '2026-11-18 10:05:00')`,
		`INSERT INTO tracks VALUES ('m2', 'demo_requested', '42', 'anon-1', 'https://www.example.com/demo', 'Demo', '2026-11-19 10:00:00', '2026-11-19 10:00:00'), ('m8', 'shared', NULL, 'kiosk', 'https://www.example.com/kiosk', 'Kiosk', '2026-11-19 10:00:00', '2026-11-19 10:00:00')`,
	},
	"posthog": {
		`CREATE TABLE events (uuid UUID, event String, properties String, timestamp DateTime64(6, 'UTC'), team_id Int64, distinct_id String, elements_chain String, created_at DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY (team_id, toDate(timestamp), event, cityHash64(distinct_id), cityHash64(uuid))`,
		`INSERT INTO events VALUES
		('00000000-0000-0000-0000-000000000001', '$pageview', '{"$current_url":"https://www.example.com/pricing","title":"Pricing"}', '2026-11-18 10:00:00', 1, 'anon-1', '', '2026-11-18 10:00:01'),
		('00000000-0000-0000-0000-000000000004', '$identify', '{"$anon_distinct_id":"anon-1","$set":{"email":"Ann@example.com"}}', '2026-11-18 10:05:00', 1, '42', '', '2026-11-18 10:05:01'),
		('00000000-0000-0000-0000-000000000002', '$pageview', '{"$current_url":"https://www.example.com/demo","title":"Demo"}', '2026-11-19 10:00:00', 1, '42', '', '2026-11-19 10:00:01'),
		('00000000-0000-0000-0000-000000000002', '$pageview', '{"$current_url":"https://www.example.com/demo","title":"Demo"}', '2026-11-19 10:00:00', 1, '42', '', '2026-11-19 10:00:02'),
		('00000000-0000-0000-0000-000000000003', '$pageview', '{"$current_url":"https://www.example.com/bob"}', '2026-11-19 10:00:00', 1, 'bob@example.com', '', '2026-11-19 10:00:01')`,
	},
	"product": {
		`CREATE TABLE users (id UInt64, email Nullable(String)) ENGINE = MergeTree ORDER BY id`,
		`CREATE TABLE events (id UInt64, user_id Nullable(UInt64), anonymous_id Nullable(String), name String, url String, title String, properties String, occurred_at DateTime64(6, 'UTC'), created_at DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY (created_at, id)`,
		`INSERT INTO users VALUES (42, 'Ann@example.com'), (7, 'bob@example.com'), (8, NULL)`,
		`INSERT INTO events VALUES
		(1, NULL, 'd1', 'page_view', 'https://www.example.com/pricing', 'Pricing', '{"plan":"pro"}', '2026-11-18 10:00:00', '2026-11-18 10:00:01'), (2, 42, 'd1', 'demo_request', 'https://www.example.com/demo', 'Demo', '{}', '2026-11-19 10:00:00', '2026-11-19 10:00:01'),
		(3, 7, 'd2', 'page_view', 'https://www.example.com/bob', 'Bob', '{}', '2026-11-19 10:00:00', '2026-11-19 10:00:01'), (4, NULL, 'kiosk', 'page_view', 'https://www.example.com/kiosk', '', '{}', '2026-11-19 10:00:00', '2026-11-19 10:00:01'),
		(5, 42, 'kiosk', 'log_in', '', '', '{}', '2026-11-19 10:00:00', '2026-11-19 10:00:01'), (6, 7, 'kiosk', 'log_in', '', '', '{}', '2026-11-19 10:00:00', '2026-11-19 10:00:01'),
		(9, 8, 'd9', 'page_view', 'https://www.example.com/nobody', '', '{}', '2026-11-19 10:00:00', '2026-11-19 10:00:01')`,
	},
}

func TestPresetsReadTheSchemasTheyAreFor(t *testing.T) {
	for _, name := range presetNames() {
		if preset(name, "postgres", "active", "") == "" {
			continue // for another dialect
		}
		t.Run(name, func(t *testing.T) {
			url := postgresURL(t)
			execSQL(t, url, presetSchemas[name])
			o := Type.Settings().(*Config)
			o.Dialect, o.URL, o.Preset = "postgres", connectors.NewSecret(url), name
			want := []string{"https://www.example.com/demo", "https://www.example.com/pricing"}
			if name == "umami" {
				want[1] += "?plan=pro"
			}
			annIsFound(t, open(t, o), want)
		})
	}
}

func TestPresetsReadClickHouse(t *testing.T) {
	server := clickhouseServer(t)
	for _, name := range presetNames() {
		if preset(name, "clickhouse", "active", "") == "" || sameSchema[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			db := clickhouseDatabase(t, server)
			for _, query := range clickhouseSchemas[name] {
				sendClickhouse(t, server+"/?database="+db, query)
			}
			o := Type.Settings().(*Config)
			o.Dialect, o.URL, o.Preset, o.Schema = "clickhouse", connectors.NewSecret(server), name, db
			annIsFound(t, open(t, o), []string{"https://www.example.com/demo", "https://www.example.com/pricing"})
		})
	}
}

// annIsFound wants ann among those who were active, and her pages, those before she was known among them, without those of anybody else or of
// a device that several share.
func annIsFound(t *testing.T, s *Source, want []string) {
	t.Helper()
	var people []connectors.Person
	var at connectors.Cursor
	for more := true; more; {
		page, err := s.Active(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		people, at, more = append(people, page.Items...), page.Next, page.More
	}
	if !slices.ContainsFunc(people, func(p connectors.Person) bool {
		return slices.ContainsFunc(p.Emails, func(e string) bool { return strings.EqualFold(e, "ann@example.com") })
	}) {
		t.Errorf("ann is not among the active: %v", people)
	}
	var urls []string
	for e, err := range s.Journeys(t.Context(), []connectors.Person{{Key: "ann", Emails: []string{"ann@example.com"}}}, connectors.Window{From: testNow.AddDate(0, 0, -30), To: testNow}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Person != "ann" {
			t.Errorf("%s is given to %q", e.ID, e.Person)
		}
		// What somebody did before they had a name stays nameless: whether it may be joined is for identity.join_anonymous to say.
		if nameless := e.Email == "" && e.UserID == ""; nameless != (strings.Contains(e.URL, "pricing") && !strings.Contains(e.URL, "plan")) {
			t.Errorf("%s says of itself that it is %q, %q", e.URL, e.Email, e.UserID)
		}
		if e.URL != "" {
			urls = append(urls, e.URL)
		}
	}
	slices.Sort(urls)
	if !slices.Equal(urls, want) {
		t.Errorf("ann's pages are %q, want %q", urls, want)
	}
	page, err := s.Active(t.Context(), at)
	if err != nil || len(page.Items) > 0 || page.More {
		t.Errorf("the next poll: %v, %v", page.Items, err)
	}
}

// What is billed has presets that read a window alone, with the columns of an event. They were written from the vendors' documentation: no engine
// of theirs runs here.
func TestPresetsOfWhatIsBilledReadAWindow(t *testing.T) {
	n := 0
	for _, name := range presetNames() {
		for _, dialect := range []string{"bigquery", "snowflake"} {
			text := preset(name, dialect, "events", "site")
			if text == "" {
				continue
			}
			n++
			s, err := parse(text, windowParams...)
			if err != nil || !s.uses(paramFrom) || !s.uses(paramTo) || !reads(text) || strings.Count(text, "(") != strings.Count(text, ")") {
				t.Errorf("%s for %s: %v", name, dialect, err)
			}
			for _, column := range []string{"event_id", "time", "kind", "user_id", "anonymous_id", "url", "page_title"} {
				if !regexp.MustCompile(`(?i)(\bAS |[ .,])` + column + `\b`).MatchString(text) {
					t.Errorf("%s for %s has no column %s", name, dialect, column)
				}
			}
		}
	}
	if n != 11 {
		t.Errorf("%d presets, want 11", n)
	}
}
