package jsonl

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/jsonscan"
	"github.com/intentd/intentd/connectors/internal/records"
)

func TestLine(t *testing.T) {
	noon := time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)
	const who = `"kind":"click","email":"a@example.com"`
	base := connectors.Event{Time: noon, Kind: "click", Email: "a@example.com"}
	with := func(f func(e *connectors.Event)) connectors.Event {
		e := base
		f(&e)
		return e
	}
	for _, c := range []struct {
		name, line string
		want       connectors.Event
		reason     string
	}{
		{"all keys", `{"id":"1","time":"2026-11-19T12:00:00Z","kind":"click","email":"A@Example.com","phone":"+49 30 123456","user_id":"u","anonymous_id":"an","session_id":"s","url":"/u","page_title":"t","element_text":"et","element_id":"ei","referrer":"r","user_agent":"ua","ip":"192.0.2.1","consent":"granted","screenshot":"a.png","properties":{"k":"v"}}`,
			connectors.Event{ID: "1", Time: noon, Kind: "click", Email: "a@example.com", Phone: "+4930123456", UserID: "u", AnonymousID: "an", Session: "s", URL: "/u", PageTitle: "t", ElementText: "et", ElementID: "ei", Referrer: "r", UserAgent: "ua", IP: "192.0.2.1", Consent: "granted", Screenshot: "a.png", Properties: map[string]string{"k": "v"}}, ""},
		{"numbers and booleans for texts", `{"id":17,"time":1795089600,"kind":"click","email":"a@example.com","user_id":42,"page_title":true}`,
			with(func(e *connectors.Event) { e.ID, e.UserID, e.PageTitle = "17", "42", "true" }), ""},
		{"milliseconds", `{"id":"1","time":1795089600000,` + who + `}`, with(func(e *connectors.Event) { e.ID = "1" }), ""},
		{"microseconds as text", `{"id":"1","time":"1795089600000000",` + who + `}`, with(func(e *connectors.Event) { e.ID = "1" }), ""},
		{"nanoseconds", `{"id":"1","time":1795089600000000000,` + who + `}`, with(func(e *connectors.Event) { e.ID = "1" }), ""},
		{"seconds with a fraction", `{"id":"1","time":1795089600.25,` + who + `}`, with(func(e *connectors.Event) { e.ID, e.Time = "1", noon.Add(250*time.Millisecond) }), ""},
		{"scientific", `{"id":"1","time":1.7950896e9,` + who + `}`, with(func(e *connectors.Event) { e.ID = "1" }), ""},
		{"offset", `{"id":"1","time":"2026-11-19T13:00:00+01:00",` + who + `}`, with(func(e *connectors.Event) { e.ID = "1" }), ""},
		{"no zone is UTC", `{"id":"1","time":"2026-11-19 12:00:00",` + who + `}`, with(func(e *connectors.Event) { e.ID = "1" }), ""},
		{"named UTC", `{"id":"1","time":"2026-11-19 12:00:00.5 UTC",` + who + `}`, with(func(e *connectors.Event) { e.ID, e.Time = "1", noon.Add(time.Second/2) }), ""},
		{"another named zone", `{"id":"1","time":"2026-11-19 12:00:00 CET",` + who + `}`, connectors.Event{}, reasonTime},
		{"unknown keys become properties, given ones win", `{"id":"1","time":1795089600,` + who + `,"form":"Contact","plan":{"name": "pro"},"n":1.50,"gone":null,"properties":{"form":"Demo","deep":[1, 2]}}`,
			with(func(e *connectors.Event) {
				e.ID, e.Properties = "1", map[string]string{"form": "Demo", "plan": `{"name": "pro"}`, "n": "1.50", "deep": "[1, 2]"}
			}), ""},
		{"an object where a text is wanted", `{"id":"1","time":1795089600,` + who + `,"url":{"path":"/"}}`, with(func(e *connectors.Event) { e.ID, e.Properties = "1", map[string]string{"url": `{"path":"/"}`} }), ""},
		{"properties that are none", `{"id":"1","time":1795089600,` + who + `,"properties":"x"}`, with(func(e *connectors.Event) { e.ID, e.Properties = "1", map[string]string{"properties": "x"} }), ""},
		{"nulls", `{"id":"1","time":1795089600,` + who + `,"url":null,"properties":null}`, with(func(e *connectors.Event) { e.ID = "1" }), ""},
		{"the last of equal keys", `{"id":"0","id":"1","time":0,"time":1795089600,` + who + `,"url":"/x","url":null,"a":1,"a":2,"properties":{"b":1},"properties":{"c":1,"c":2}}`,
			with(func(e *connectors.Event) { e.ID, e.Properties = "1", map[string]string{"a": "2", "c": "2"} }), ""},
		{"escapes", `{"id":"\u0031","time":1795089600,` + who + `,"page_title":"a\tb\"c\\\/\u00e9\ud83d\ude00\ud800x"}`, with(func(e *connectors.Event) { e.ID, e.PageTitle = "1", "a\tb\"c\\/é😀\uFFFDx" }), ""},
		{"bytes that are not UTF-8", "{\"id\":\"1\",\"time\":1795089600," + who + ",\"page_title\":\"a\xff\xfeb\"}", with(func(e *connectors.Event) { e.ID, e.PageTitle = "1", "a\uFFFD\uFFFDb" }), ""},
		{"consent as a boolean", `{"id":"1","time":1795089600,` + who + `,"consent":true}`, with(func(e *connectors.Event) { e.ID, e.Consent = "1", "granted" }), ""},
		{"consent in other words is none", `{"id":"1","time":1795089600,` + who + `,"consent":"withdrawn"}`, with(func(e *connectors.Event) { e.ID, e.Consent = "1", "denied" }), ""},
		{"a screenshot elsewhere", `{"id":"1","time":1795089600,` + who + `,"screenshot":"../../etc/passwd"}`, with(func(e *connectors.Event) { e.ID = "1" }), ""},
		{"a hidden screenshot", `{"id":"1","time":1795089600,` + who + `,"screenshot":".."}`, with(func(e *connectors.Event) { e.ID = "1" }), ""},

		{"no object", `[1]`, connectors.Event{}, reasonSyntax},
		{"cut", `{"id":"1","time":17950`, connectors.Event{}, reasonSyntax},
		{"two objects: the first", `{"id":"1","time":1795089600,` + who + `}{}`, with(func(e *connectors.Event) { e.ID = "1" }), ""},
		{"control character", "{\"id\":\"\x01\"}", connectors.Event{}, reasonSyntax},
		{"trailing comma", `{"time":1795089600,` + who + `,}`, connectors.Event{}, reasonSyntax},
		{"leading zero", `{"time":01,` + who + `}`, connectors.Event{}, reasonSyntax},
		{"no time", `{` + who + `}`, connectors.Event{}, reasonNoTime},
		{"a date alone", `{"time":"2026-11-19",` + who + `}`, connectors.Event{}, reasonTime},
		{"a time of another century", `{"time":"1926-11-19T00:00:00Z",` + who + `}`, connectors.Event{}, reasonTime},
		{"negative", `{"time":-5,` + who + `}`, connectors.Event{}, reasonTime},
		{"time as an object", `{"time":{},` + who + `}`, connectors.Event{}, reasonTime},
		{"no kind", `{"time":1795089600,"email":"a@example.com"}`, connectors.Event{}, reasonNoKind},
		{"nobody", `{"time":1795089600,"kind":"click","user_id":"null","email":"x"}`, connectors.Event{}, reasonIdentifier},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d decoder
			var got connectors.Event
			_, reason := d.event(c.line, &got)
			if reason != c.reason {
				t.Fatalf("got reason %q, want %q", reason, c.reason)
			}
			if reason == "" && !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestIDWithoutOne: equal lines are one event, in whichever file; different ones are two.
func TestIDWithoutOne(t *testing.T) {
	id := func(line string) string {
		var d decoder
		var e connectors.Event
		if _, reason := d.event(line, &e); reason != "" {
			t.Fatal(reason)
		}
		return e.ID
	}
	a := `{"time":1795089600,"kind":"click","email":"a@example.com"}`
	b := `{"time":1795089601,"kind":"click","email":"a@example.com"}`
	if first, again := id(a), id(a); first != again || first == id(b) || first == "" {
		t.Errorf("%q %q %q", first, again, id(b))
	}
}

// FuzzLine holds the hand-written parser to encoding/json: the same lines are valid, and mean the same.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, ` { "url" : "\u00e9\ud83d\ude00" , "x" : [ { } , [ ] , "\"" ] } `, `{"properties":{"a":"b","c":null,"d":-1.5e+3},"e":{"f":true}}`,
		`{"url":{},"url":"x"}`, `{"a":"\ud800\u0041"}`, "{\"a\":\"\xff\"}", `{"time":"2026-11-19T12:00:00Z","id":1,"id":null}`, `{"a":[1,]}`, `{"a":"b"`, `{"a":nul}`, `{"a":0.}`,
		`{"properties":[1],"properties":{}}`, `{"properties":{"x":1},"x":2,"y":false}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var d decoder
		var got connectors.Event
		var at jsonscan.Value
		ok := d.object(string(line), &got, &at) && strings.TrimLeft(string(line)[d.p.Offset():], " \t\r\n") == ""
		want, wantTime, wantOK := reference(line)
		if ok != wantOK {
			t.Fatalf("%q: valid %v, encoding/json says %v", line, ok, wantOK)
		}
		if !ok {
			return
		}
		if at.Text != wantTime {
			t.Errorf("%q: time %q, want %q", line, at.Text, wantTime)
		}
		if !maps.Equal(got.Properties, want.Properties) {
			t.Errorf("%q: properties %q, want %q", line, got.Properties, want.Properties)
		}
		got.Properties, want.Properties = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v", line, got, want)
		}
	})
}

// reference reads a line by encoding/json.
func reference(line []byte) (e connectors.Event, at string, ok bool) {
	if trimmed := strings.TrimLeft(string(line), " \t\r\n"); !strings.HasPrefix(trimmed, "{") {
		return e, "", false
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(line, &m) != nil {
		return e, "", false
	}
	text := func(raw json.RawMessage) (s string, scalar bool) {
		switch raw[0] {
		case '"':
			if err := json.Unmarshal(raw, &s); err != nil {
				panic(err)
			}
			return s, true
		case '{', '[':
			return strings.ToValidUTF8(string(raw), "\uFFFD"), false
		case 'n':
			return "", true
		}
		return string(raw), true
	}
	props := map[string]string{}
	for k, raw := range m {
		s, scalar := text(raw)
		field := fieldOf(&e, k)
		switch {
		case k == "time":
			at = s
		case k == "properties" && raw[0] == '{', raw[0] == 'n':
		case field != nil && scalar:
			*field = s
		default:
			props[k] = s
		}
	}
	if raw := m["properties"]; len(raw) > 0 && raw[0] == '{' {
		var given map[string]json.RawMessage
		if err := json.Unmarshal(raw, &given); err != nil {
			panic(err)
		}
		for k, v := range given {
			if v[0] != 'n' {
				props[k], _ = text(v)
			}
		}
	}
	e.Properties = props
	return e, at, true
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"1795089600", "1.5", "2026-11-19T12:00:00Z", "1e9", "-1", "99999999999999999999", "NaN", "2026-11-19 12:00:00 UTC"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if at, ok := records.ParseTime(s); ok && (at.Before(records.Earliest) || !at.Before(records.Latest) || at.Location() != time.UTC) {
			t.Errorf("%q is read as %v", s, at)
		}
	})
}

// BenchmarkLine prints how many lines a core reads a second, and encoding/json beside it.
func BenchmarkLine(b *testing.B) {
	line := `{"id":"01f3c2a4-77aa-4a52-9b0f-8c6a1f0e2d11","time":"2026-11-19T12:00:00.123Z","kind":"page_view","email":"ann@example.com","anonymous_id":"5f3c9a-1234567","session_id":"s1234567","url":"https://www.example.com/pricing?ref=42","page_title":"Example: prices","referrer":"https://www.google.com/","user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36","ip":"192.0.2.17","consent":"granted"}`
	raw := []byte(line)
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		var d decoder
		for b.Loop() {
			var e connectors.Event
			if _, reason := d.event(string(raw), &e); reason != "" {
				b.Fatal(reason)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, ok := reference(raw); !ok {
				b.Fatal("invalid")
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	})
}
