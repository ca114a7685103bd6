package warehouse

import (
	"slices"
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
			s := open(t, o)
			var people []connectors.Person
			var at connectors.Cursor
			for more := true; more; {
				page, err := s.Active(t.Context(), at)
				if err != nil {
					t.Fatal(err)
				}
				people, at, more = append(people, page.Items...), page.Next, page.More
			}
			ann := connectors.Person{Key: "ann", Emails: []string{"ann@example.com"}}
			if !slices.ContainsFunc(people, func(p connectors.Person) bool {
				return slices.ContainsFunc(p.Emails, func(e string) bool { return e == "ann@example.com" || e == "Ann@example.com" })
			}) {
				t.Errorf("ann is not among the active: %v", people)
			}
			var urls []string
			for e, err := range s.Journeys(t.Context(), []connectors.Person{ann}, connectors.Window{From: testNow.AddDate(0, 0, -30), To: testNow}) {
				if err != nil {
					t.Fatal(err)
				}
				if e.Person != "ann" {
					t.Errorf("%s is given to %q", e.ID, e.Person)
				}
				if e.URL != "" {
					urls = append(urls, e.URL)
				}
			}
			slices.Sort(urls)
			want := []string{"https://www.example.com/demo", "https://www.example.com/pricing"}
			if name == "umami" {
				want[1] += "?plan=pro"
			}
			if !slices.Equal(urls, want) {
				t.Errorf("ann's pages are %q, want %q", urls, want)
			}
		})
	}
}
