//go:build unix

package hubspot

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// instant answers every request with the same body, without a wire.
type instant []byte

func (b instant) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)), Request: r}, nil
}

// fullPage is a page of n contacts as busy as contacts get: every property read is there, half of them with values.
func fullPage(n int) []byte {
	c, err := New(Options{Token: "pat-na1-bench"})
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	b.WriteString(`{"status":"COMPLETE","total":` + strconv.Itoa(n) + `,"results":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%d","properties":{`, 151_000_000_051+i)
		for j, name := range c.schema.read {
			if j > 0 {
				b.WriteByte(',')
			}
			switch {
			case name == "intent_summary":
				fmt.Fprintf(&b, `"%s":"Compared plans on 19 Nov\nand asked for \"pricing\" – cools on 1 Dec %d"`, name, i)
			case name == "email":
				fmt.Fprintf(&b, `"%s":"person%d@example.com"`, name, i)
			case j%2 == 0:
				fmt.Fprintf(&b, `"%s":null`, name)
			default:
				fmt.Fprintf(&b, `"%s":"value %d of it"`, name, i)
			}
		}
		b.WriteString(`},"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-11-19T08:17:00.123Z","archived":false}`)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func unlimited(b *testing.B, body []byte) *Client {
	c, err := New(Options{Token: "pat-na1-bench", HTTP: instant(body), ReadConcurrency: 1, WriteConcurrency: 1})
	if err != nil {
		b.Fatal(err)
	}
	c.budget.Learn(learn(http.Header{"X-Hubspot-Ratelimit-Max": {"1000000000"}, "X-Hubspot-Ratelimit-Interval-Milliseconds": {"1"},
		"X-Hubspot-Ratelimit-Daily": {"1000000000"}, "X-Hubspot-Ratelimit-Daily-Remaining": {"1000000000"}}))
	return c
}

// BenchmarkRead aims at more than 20,000 contacts/s on one core.
func BenchmarkRead(b *testing.B) {
	body := fullPage(100)
	c := unlimited(b, body)
	refs := make([]connectors.Ref, 100)
	for i := range refs {
		refs[i] = c.ref(strconv.Itoa(151_000_000_051 + i))
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	spent := connectortest.Stopwatch()
	for b.Loop() {
		if _, err := c.Read(b.Context(), refs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(refs))/spent().Seconds(), "contacts/cpu-s")
}

func BenchmarkWrite(b *testing.B) {
	c := unlimited(b, fullPage(100))
	patches := make([]connectors.Patch, 100)
	for i := range patches {
		patches[i] = connectors.Patch{Ref: c.ref(strconv.Itoa(151_000_000_051 + i)), Fields: connectortest.FullPatch()}
	}
	b.ReportAllocs()
	spent := connectortest.Stopwatch()
	for b.Loop() {
		if _, err := c.Write(b.Context(), patches); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(patches))/spent().Seconds(), "patches/cpu-s")
}

// BenchmarkJourneys reads people of whom everything that HubSpot tracks has a history of three versions.
func BenchmarkJourneys(b *testing.B) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var rows []string
	var people []connectors.Person
	for i := range historyBatchSize {
		past := map[string][]version{}
		for _, name := range tracked {
			for n := range 3 {
				day := at.AddDate(0, 0, 3-n).Format(time.RFC3339)
				v := version{Value: strconv.Itoa(3 - n), Timestamp: day, SourceType: "ANALYTICS"}
				if name != "hs_analytics_last_url" && (len(name) > 4 && name[len(name)-4:] == "date" || name == "hs_analytics_last_timestamp") {
					v.Value = day
				}
				past[name] = append(past[name], v)
			}
		}
		id := strconv.Itoa(1 + i)
		rows = append(rows, `{"id":"`+id+`","properties":{},"propertiesWithHistory":`+wirePast(past)+`}`)
		people = append(people, person(id, id))
	}
	c := unlimited(b, []byte(`{"results":[`+strings.Join(rows, ",")+`]}`))
	s := c.Engagement(EngagementOptions{})
	w := connectors.Window{From: at.AddDate(0, -1, 0), To: at.AddDate(0, 1, 0)}
	events := 0
	b.ReportAllocs()
	spent := connectortest.Stopwatch()
	for b.Loop() {
		for _, err := range s.Journeys(b.Context(), people, w) {
			if err != nil {
				b.Fatal(err)
			}
			events++
		}
	}
	b.ReportMetric(float64(b.N*len(people))/spent().Seconds(), "people/cpu-s")
	b.ReportMetric(float64(events)/float64(b.N*len(people)), "events/person")
}
