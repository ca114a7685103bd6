package jsonl

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/records"
)

// TestNative: what trackers write is read as it is, by the keys of their own documentation.
func TestNative(t *testing.T) {
	noon := time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)
	after := noon.Add(2 * time.Second)
	for _, c := range []struct {
		name, line string
		want       connectors.Event
	}{
		{"Segment, page", `{"type":"page","name":"Home","messageId":"m1","anonymousId":"an","timestamp":"2026-11-19T12:00:00Z","receivedAt":"2026-11-19T12:00:02Z","context":{"page":{"url":"https://w.example/p","title":"Prices","referrer":"https://r.example/"},"userAgent":"UA","ip":"192.0.2.1","campaign":{"name":"nov","source":"x"}},"properties":{"path":"/p","plan":"pro"}}`,
			connectors.Event{ID: "m1", Time: noon, Received: after, Kind: connectors.KindPageView, AnonymousID: "an", URL: "https://w.example/p", PageTitle: "Prices", Referrer: "https://r.example/", UserAgent: "UA", IP: "192.0.2.1", Properties: map[string]string{"plan": "pro", "campaign": "nov"}}},
		{"Segment, identify", `{"type":"identify","messageId":"m2","anonymousId":"an","userId":"u1","timestamp":"2026-11-19T12:00:00Z","traits":{"email":"Ann@Example.com","phone":"+49 30 123456"},"context":{}}`,
			connectors.Event{ID: "m2", Time: noon, Kind: connectors.KindIdentify, UserID: "u1", AnonymousID: "an", Email: "ann@example.com", Phone: "+4930123456"}},
		{"RudderStack, track", `{"type":"track","event":"Demo Requested","messageId":"m3","userId":"u1","originalTimestamp":"2026-11-19T12:00:00.000Z","context":{"traits":{"email":"ann@example.com"},"sessionId":1795089600,"consent":{"categoryPreferences":{"Analytics":true}}},"properties":{"seats":40,"form_name":"Demo","items":[{"a":1}]}}`,
			connectors.Event{ID: "m3", Time: noon, Kind: "Demo Requested", UserID: "u1", Email: "ann@example.com", Session: "1795089600", Consent: "granted", Properties: map[string]string{"seats": "40", "form_name": "Demo", "form": "Demo", "items": `[{"a":1}]`}}},
		{"Segment, alias and a refused consent", `{"type":"alias","messageId":"m4","userId":"u1","previousId":"an","timestamp":"2026-11-19T12:00:00Z","context":{"consent":{"categoryPreferences":{"Analytics":false}}}}`,
			connectors.Event{ID: "m4", Time: noon, Kind: connectors.KindIdentify, UserID: "u1", AnonymousID: "an", Consent: "denied"}},
		{"PostHog, a visitor", `{"uuid":"01","event":"$pageview","distinct_id":"d1","timestamp":"2026-11-19T12:00:00.000Z","created_at":"2026-11-19T12:00:02Z","properties":{"$current_url":"https://w.example/p","title":"Prices","$session_id":"s1","$referrer":"https://r.example/","utm_campaign":"nov","$lib":"web","plan":"pro"}}`,
			connectors.Event{ID: "01", Time: noon, Received: after, Kind: "$pageview", AnonymousID: "d1", Session: "s1", URL: "https://w.example/p", PageTitle: "Prices", Referrer: "https://r.example/", Properties: map[string]string{"plan": "pro", "campaign": "nov", "utm_campaign": "nov"}}},
		{"PostHog, a visitor who became known", `{"uuid":"02","event":"$identify","distinct_id":"u1","timestamp":"2026-11-19T12:00:00Z","properties":{"$anon_distinct_id":"d1","$set":{"email":"ann@example.com"}}}`,
			connectors.Event{ID: "02", Time: noon, Kind: "$identify", UserID: "u1", AnonymousID: "d1", Email: "ann@example.com"}},
		{"PostHog, known, on a device", `{"uuid":"03","event":"$pageview","distinct_id":"u1","timestamp":"2026-11-19T12:00:00Z","properties":{"$device_id":"d1","$current_url":"https://w.example/"}}`,
			connectors.Event{ID: "03", Time: noon, Kind: "$pageview", UserID: "u1", AnonymousID: "d1", URL: "https://w.example/"}},
		{"PostHog, not yet known, on a device", `{"uuid":"04","event":"$pageview","distinct_id":"d1","timestamp":"2026-11-19T12:00:00Z","properties":{"$device_id":"d1","$current_url":"https://w.example/"}}`,
			connectors.Event{ID: "04", Time: noon, Kind: "$pageview", AnonymousID: "d1", URL: "https://w.example/"}},
		{"PostHog, from a server", `{"uuid":"05","event":"invoice paid","distinct_id":"u1","timestamp":"2026-11-19T12:00:00Z","properties":{"$lib":"posthog-node","plan":"pro"}}`,
			connectors.Event{ID: "05", Time: noon, Kind: "invoice paid", UserID: "u1", Properties: map[string]string{"plan": "pro"}}},
		{"PostHog, a click", `{"uuid":"06","event":"$autocapture","distinct_id":"d1","timestamp":"2026-11-19T12:00:00Z","elements_chain":"button.cta:attr__class=\"cta\"attr__id=\"buy\"text=\"Know \\\"more\\\"; now\";div:text=\"other\"","properties":{"$event_type":"click","$session_id":"s"}}`,
			connectors.Event{ID: "06", Time: noon, Kind: connectors.KindClick, AnonymousID: "d1", Session: "s", ElementText: `Know "more"; now`, ElementID: "buy"}},
		{"GA4", `{"event_date":"20261119","event_timestamp":"1795089600000000","event_name":"page_view","user_id":"u1","user_pseudo_id":"1.2","event_params":[{"key":"page_location","value":{"string_value":"https://w.example/p","int_value":null}},{"key":"page_title","value":{"string_value":"Prices"}},{"key":"ga_session_id","value":{"int_value":"17"}},{"key":"campaign","value":{"string_value":"nov"}}]}`,
			connectors.Event{ID: records.ContentID("1.2", "u1", "page_view", "1795089600000000", "", "", "https://w.example/p"), Time: noon, Kind: "page_view", UserID: "u1", AnonymousID: "1.2", Session: "1.2.17", URL: "https://w.example/p", PageTitle: "Prices", Properties: map[string]string{"campaign": "nov"}}},
		{"GA4 without consent", `{"event_timestamp":1795089600000000,"event_name":"form_submit","user_pseudo_id":"1.2","event_params":[{"key":"form_name","value":{"string_value":"Demo"}}],"privacy_info":{"analytics_storage":"No"}}`,
			connectors.Event{ID: records.ContentID("1.2", "", "form_submit", "1795089600000000", "", "", ""), Time: noon, Kind: "form_submit", AnonymousID: "1.2", Consent: "denied", Properties: map[string]string{"form": "Demo", "form_name": "Demo"}}},
		{"Mixpanel", `{"event":"$mp_web_page_view","properties":{"time":1795089600,"distinct_id":"u1","$insert_id":"i1","current_page_title":"Prices","current_url_path":"/p","current_domain":"w.example","mp_processing_time_ms":1795089602000,"plan":"pro"}}`,
			connectors.Event{ID: "i1", Time: noon, Received: after, Kind: "$mp_web_page_view", UserID: "u1", URL: "https://w.example/p", PageTitle: "Prices", Properties: map[string]string{"plan": "pro"}}},
		{"Mixpanel, a visitor", `{"event":"Signed Up","properties":{"time":1795089600,"distinct_id":"$device:d1","$device_id":"d1","$insert_id":"i2"}}`,
			connectors.Event{ID: "i2", Time: noon, Kind: "Signed Up", AnonymousID: "d1"}},
		{"Snowplow", `{"event_id":"e1","event_name":"page_view","collector_tstamp":"2026-11-19 12:00:01.000","derived_tstamp":"2026-11-19 12:00:00.000","load_tstamp":"2026-11-19 12:00:02.000","domain_userid":"d1","user_id":"u1","domain_sessionid":"s1","page_url":"https://w.example/p","page_title":"Prices","mkt_campaign":"nov"}`,
			connectors.Event{ID: "e1", Time: noon, Received: after, Kind: "page_view", UserID: "u1", AnonymousID: "d1", Session: "s1", URL: "https://w.example/p", PageTitle: "Prices", Properties: map[string]string{"campaign": "nov"}}},
		{"Snowplow, a structured event", `{"event_id":"e2","event":"struct","se_category":"shop","se_action":"add-to-cart","derived_tstamp":"2026-11-19T12:00:00Z","domain_userid":"d1"}`,
			connectors.Event{ID: "e2", Time: noon, Kind: "add-to-cart", AnonymousID: "d1", Properties: map[string]string{"se_category": "shop", "se_action": "add-to-cart"}}},
		{"Snowplow, an event of its own fields", `{"event_id":"e3","event_name":"link_click","derived_tstamp":"2026-11-19T12:00:00Z","domain_userid":"d1","unstruct_event_com_snowplowanalytics_snowplow_link_click_1":{"targetUrl":"https://w.example/p","elementId":"buy","elementContent":"Buy"}}`,
			connectors.Event{ID: "e3", Time: noon, Kind: "link_click", AnonymousID: "d1", ElementID: "buy", ElementText: "Buy", Properties: map[string]string{"targetUrl": "https://w.example/p"}}},
		{"Amplitude", `{"uuid":"x","$insert_id":"i1","event_type":"[Amplitude] Page Viewed","user_id":"u1","device_id":"d1","session_id":1795089600000,"event_time":"2026-11-19 12:00:00.000000","server_upload_time":"2026-11-19 12:00:02.000000","event_properties":{"[Amplitude] Page Title":"Prices","[Amplitude] Page URL":"https://w.example/p","plan":"pro"},"user_properties":{"email":"ann@example.com"}}`,
			connectors.Event{ID: "i1", Time: noon, Received: after, Kind: "[Amplitude] Page Viewed", UserID: "u1", AnonymousID: "d1", Session: "d1.1795089600000", Email: "ann@example.com", URL: "https://w.example/p", PageTitle: "Prices", Properties: map[string]string{"plan": "pro"}}},
		{"nobody's, by other names of our keys", `{"eventId":"9","timestamp":"2026-11-19T12:00:00Z","event":"page view","emailAddress":"ann@example.com","page_url":"https://w.example/p","title":"Prices","plan":"pro"}`,
			connectors.Event{ID: "9", Time: noon, Kind: "page view", Email: "ann@example.com", URL: "https://w.example/p", PageTitle: "Prices", Properties: map[string]string{"plan": "pro"}}},
		{"ours, the address under another name", `{"id":"9","time":"2026-11-19T12:00:00Z","kind":"click","mail":"ann@example.com","title":"of the form"}`,
			connectors.Event{ID: "9", Time: noon, Kind: "click", Email: "ann@example.com", Properties: map[string]string{"title": "of the form"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d decoder
			var got connectors.Event
			length, reason := d.event(c.line, &got)
			if length != len(c.line) || reason != "" {
				t.Fatalf("%d of %d bytes, %q", length, len(c.line), reason)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestUnknownAddressKey: an address that cannot be attributed is told with its key, never with itself.
func TestUnknownAddressKey(t *testing.T) {
	var d decoder
	for line, want := range map[string]string{
		`{"time":1795089600,"kind":"click","korrespondenz":"ann@example.com"}`:      reasonIdentifier + "; an address stands under the key korrespondenz",
		`{"time":1795089600,"kind":"click","bob@example.com":"ann@example.com"}`:    reasonIdentifier,
		`{"time":1795089600,"kind":"click","properties":{"kunde":"a@example.com"}}`: reasonIdentifier + "; an address stands under the key kunde",
	} {
		if _, reason := d.event(line, &connectors.Event{}); reason != want {
			t.Errorf("%s: got %q, want %q", line, reason, want)
		}
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 11, 28, 10, 36, 13, 0, time.UTC)
	for _, s := range []string{
		"2026-11-28 10:36:13.000000+00", "2026-11-28T10:36:13+00", "2026-11-28 10:36:13.000 +0000", "2026-11-28 10:36:13 Z", "Sat, 28 Nov 2026 10:36:13 GMT", "2026-11-28T11:36:13+01",
		"2026-11-28 10:36:13 UTC", "2026-11-28 10:36:13 GMT", "Sat, 28 Nov 2026 11:36:13 +0100", "2026-11-28T10:36:13.000+0000", "2026/11/28 10:36:13", "28/Nov/2026:10:36:13 +0000", "1795862173", "1795862173.0", "1.795862173e9", " 2026-11-28T10:36:13Z ",
	} {
		if got, ok := records.ParseTime(s); !ok || !got.Equal(want) {
			t.Errorf("%q is read as %v (%v)", s, got, ok)
		}
	}
	if got, ok := records.ParseTime("2026-11-28T10:36Z"); !ok || !got.Equal(want.Truncate(time.Minute)) {
		t.Errorf("a time without seconds is read as %v (%v)", got, ok)
	}
}

// TestWaysOfWriting: however several objects are put into a file, each is an event, and each is read once.
func TestWaysOfWriting(t *testing.T) {
	wide := func(s string, order func(hi, lo byte) []byte) string {
		var b strings.Builder
		for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
			b.Write(order(byte(u>>8), byte(u)))
		}
		return b.String()
	}
	little, big := func(hi, lo byte) []byte { return []byte{lo, hi} }, func(hi, lo byte) []byte { return []byte{hi, lo} }
	pretty := func(s *site, from, to int) string {
		var b strings.Builder
		for n := from; n < to; n++ {
			b.WriteString("  {\n    " + strings.TrimSuffix(strings.ReplaceAll(strings.TrimPrefix(s.line(n), "{"), `,"`, ",\n    \""), "}") + ",\n    \"properties\": {\n      \"a\": \"}{\\\"\"\n    }\n  }")
			if n < to-1 {
				b.WriteString(",\n")
			}
		}
		return b.String()
	}
	for _, c := range []struct {
		name   string
		do     func(s *site, poll func())
		events int
		broken int64
	}{
		{"several on one line", func(s *site, poll func()) {
			s.write("a.json", s.line(0)+s.line(1)+" "+s.line(2)+"\n"+s.line(3)+", "+s.line(4)+"\n")
			poll()
		}, 5, 0},
		{"a list on one line", func(s *site, poll func()) {
			s.write("a.json", "["+s.line(0)+","+s.line(1)+"]\n")
			poll()
			s.appendTo("a.json", "[]\n["+s.line(2)+"]")
			s.clock.Add(120)
			poll()
		}, 3, 0},
		{"a list, an object a line", func(s *site, poll func()) {
			s.write("a.json", "[\n"+s.line(0)+",\n"+s.line(1)+"\n]\n")
			poll()
		}, 2, 0},
		{"a list in which each key has a line", func(s *site, poll func()) {
			s.write("a.json", "[\n"+pretty(s, 0, 9)+"\n]\n"+s.lines(9, 10))
			poll()
			s.appendTo("a.json", pretty(s, 10, 12))
			s.clock.Add(120)
			poll()
			poll()
		}, 12, 0},
		{"an object over several lines that is not finished yet", func(s *site, poll func()) {
			text := pretty(s, 0, 2) + "\n"
			s.write("a.json", text[:len(text)-30])
			poll()
			s.appendTo("a.json", text[len(text)-30:])
			poll()
		}, 2, 0},
		{"a brace alone and whole lines behind it", func(s *site, poll func()) {
			s.write("a.json", "{\n"+s.lines(0, 3)+"{\n\"id\": \"x\n"+s.lines(3, 5))
			poll()
		}, 5, 3},
		{"an object over several lines that never ends", func(s *site, poll func()) {
			s.write("a.json", s.lines(0, 1)+"{\n\"id\": 1,\n"+s.lines(1, 3))
			s.clock.Add(120)
			poll()
		}, 3, 2},
		{"objects without a line feed, more of them than a line may be long", func(s *site, poll func()) {
			var b strings.Builder
			for n := range 20_000 {
				b.WriteString(s.line(n))
			}
			s.write("a.json", b.String())
			s.clock.Add(120)
			poll()
		}, 20_000, 0},
		{"a long list on one line", func(s *site, poll func()) {
			s.write("a.json", "["+strings.ReplaceAll(strings.TrimSuffix(s.lines(0, 20_000), "\n"), "\n", ",")+"]\n"+s.lines(20_000, 20_001))
			poll()
		}, 20_001, 0},
		{"UTF-16, little-endian, growing", func(s *site, poll func()) {
			text := wide(s.lines(0, 5), little)
			s.write("a.json", text[:len(text)-31])
			poll()
			s.write("a.json", text)
			poll()
		}, 5, 0},
		{"UTF-16, big-endian, in gzip", func(s *site, poll func()) {
			s.write("a.json.gz", zipped(wide(s.lines(0, 5), big)))
			poll()
			poll()
		}, 5, 0},
		{"a last line that is cut off", func(s *site, poll func()) {
			s.write("a.json", s.lines(0, 2)+s.line(2)[:20])
			s.clock.Add(120)
			poll()
			poll()
		}, 2, 1},
		{"a folder behind a link", func(s *site, poll func()) {
			elsewhere := filepath.Join(s.t.TempDir(), "real", "deep")
			if err := os.MkdirAll(elsewhere, 0o700); err != nil {
				s.t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(elsewhere, "a.jsonl"), []byte(s.lines(0, 3)), 0o600); err != nil {
				s.t.Fatal(err)
			}
			for _, link := range []string{s.path("in"), filepath.Join(elsewhere, "back")} {
				if err := os.Symlink(filepath.Dir(elsewhere), link); err != nil {
					s.t.Fatal(err)
				}
			}
			poll()
		}, 3, 0},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/restart=%v", c.name, restart), func(t *testing.T) {
				s := newSite(t, func(o *Options) { o.BatchEvents = 3000 })
				var lines, broken int64
				c.do(s, func() {
					if restart {
						s.src = New(s.o)
					}
					r := s.take()
					lines += r.Lines
					broken += r.Broken
				})
				if broken != c.broken {
					t.Errorf("%d broken, want %d: %+v", broken, c.broken, s.examples())
				}
				s.src.total.Lines = lines
				s.has(c.events, lines)
				if lines-broken > int64(c.events) {
					t.Errorf("%d events were read %d times", c.events, lines-broken)
				}
			})
		}
	}
}

// TestPaths: a source may name a link to a folder, and ** in a pattern.
func TestPaths(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a.jsonl", "x/b.jsonl", "x/y/c.jsonl", "x/y/d.txt", "z/logs/e.jsonl", ".h/f.jsonl"} {
		path := filepath.Join(root, "real", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(root, "real"), filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"link":               "a.jsonl x/b.jsonl x/y/c.jsonl x/y/d.txt z/logs/e.jsonl",
		"link/":              "a.jsonl x/b.jsonl x/y/c.jsonl x/y/d.txt z/logs/e.jsonl",
		"link/*.jsonl":       "a.jsonl",
		"link/*":             "a.jsonl x/b.jsonl x/y/c.jsonl x/y/d.txt z/logs/e.jsonl",
		"link/**/*.jsonl":    "a.jsonl x/b.jsonl x/y/c.jsonl z/logs/e.jsonl",
		"link/**":            "a.jsonl x/b.jsonl x/y/c.jsonl x/y/d.txt z/logs/e.jsonl",
		"link/x/**/*.jsonl":  "x/b.jsonl x/y/c.jsonl",
		"link/**/y/*":        "x/y/c.jsonl x/y/d.txt",
		"link/[xz]/**/*.txt": "x/y/d.txt",
		"li*/**/logs/**":     "z/logs/e.jsonl",
	} {
		files, failures, err := New(Options{Path: filepath.Join(root) + "/" + path}).list()
		var got []string
		for _, f := range files {
			got = append(got, strings.TrimPrefix(strings.TrimPrefix(f.path, root), "/link/"))
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want || len(failures) > 0 || err != nil {
			t.Errorf("%s: got %q, want %q: %v %v", path, got, want, failures, err)
		}
	}
}
