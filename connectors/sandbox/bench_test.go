package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// bigPortal has as many contacts as a large customer; it is made once.
var bigPortal = sync.OnceValues(func() (*HubSpot, float64) {
	const n = 1_000_000
	now := time.Date(2026, 11, 20, 8, 17, 0, 0, time.UTC)
	h := NewHubSpot(HubSpotOptions{Unlimited: true, Now: func() time.Time { return now }})
	for _, name := range []string{"score", "headline", "summary", "reasons", "product", "topics", "stage", "trend"} {
		typ, field := "string", "text"
		if name == "score" {
			typ, field = "number", "number"
		}
		if err := h.Define("contacts", "intent_"+name, typ, field); err != nil {
			panic(err)
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	Populate(h, n, 1)
	runtime.GC()
	runtime.ReadMemStats(&after)
	return h, float64(after.HeapAlloc-before.HeapAlloc) / n
})

// ask sends one body over the transport again and again and reports the processor time the sandbox says it took.
func ask(b *testing.B, h *HubSpot, path string, body func(i int) []byte) {
	b.Helper()
	rt := h.Transport()
	start := h.Counters().CPU
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		q, _ := http.NewRequest("POST", "https://api.hubapi.com"+path, bytes.NewReader(body(i)))
		q.Header.Set("Authorization", "Bearer pat-na1-sandbox")
		q.Header.Set("Content-Type", "application/json")
		res, err := rt.RoundTrip(q)
		if err != nil {
			b.Fatal(err)
		}
		if res.StatusCode != 200 {
			raw, _ := io.ReadAll(res.Body)
			b.Fatalf("%d %s", res.StatusCode, raw)
		}
	}
	b.ReportMetric(float64((h.Counters().CPU-start).Microseconds())/float64(b.N), "cpu-µs/op")
}

func BenchmarkBatchUpdate100(b *testing.B) {
	h, _ := bigPortal()
	ids := h.ContactIDs()
	text := strings.Repeat("Read the pricing page twice on 19 Nov and compared plans. ", 5)
	ask(b, h, dated+"/batch/update", func(i int) []byte {
		var s bytes.Buffer
		s.WriteString(`{"inputs":[`)
		for k := range 100 {
			if k > 0 {
				s.WriteByte(',')
			}
			fmt.Fprintf(&s, `{"id":%q,"properties":{"intent_score":"%d.4","intent_headline":"Compared plans","intent_summary":"%s","intent_reasons":"%s","intent_product":"CRM","intent_topics":"pricing; plans","intent_stage":"comparing","intent_trend":"rising"}}`,
				ids[(i*7919+k*3571)%len(ids)], i%90, text, text)
		}
		s.WriteString(`]}`)
		return s.Bytes()
	})
}

func BenchmarkBatchRead100(b *testing.B) {
	h, _ := bigPortal()
	ids := h.ContactIDs()
	ask(b, h, dated+"/batch/read", func(i int) []byte {
		var s bytes.Buffer
		s.WriteString(`{"properties":["email","hs_additional_emails","firstname","lastname","jobtitle","company","lifecyclestage","hs_lead_status","hubspot_owner_id","hs_analytics_num_page_views","hs_analytics_num_visits","hs_analytics_last_timestamp","hs_analytics_last_url","hs_email_open","hs_email_click","hs_email_last_open_date","num_conversion_events","recent_conversion_date","recent_conversion_event_name","intent_score"],"inputs":[`)
		for k := range 100 {
			if k > 0 {
				s.WriteByte(',')
			}
			fmt.Fprintf(&s, `{"id":%q}`, ids[(i*7919+k*3571)%len(ids)])
		}
		s.WriteString(`]}`)
		return s.Bytes()
	})
}

func BenchmarkSearchPage200(b *testing.B) {
	h, perContact := bigPortal()
	now := h.o.Now()
	all := h.ContactIDs()
	body := func(from, to time.Time, id, sort, after string) []byte {
		return fmt.Appendf(nil, `{"filterGroups":[{"filters":[{"propertyName":"lastmodifieddate","operator":"GTE","value":"%d"},{"propertyName":"lastmodifieddate","operator":"LTE","value":"%d"},{"propertyName":"hs_object_id","operator":"GTE","value":%q}]}],"sorts":[{"propertyName":%q,"direction":"ASCENDING"}],"properties":["email","firstname","lastname","company","lifecyclestage","hs_analytics_num_page_views","hs_analytics_last_timestamp"],"limit":200,"after":%q}`,
			from.UnixMilli(), to.UnixMilli(), id, sort, after)
	}
	for _, c := range []struct {
		name string
		span time.Duration
	}{{"minute", time.Minute}, {"day", 24 * time.Hour}, {"month", 30 * 24 * time.Hour}, {"year", 365 * 24 * time.Hour}, {"all", 5 * 365 * 24 * time.Hour}} {
		b.Run("by-id/"+c.name, func(b *testing.B) {
			ask(b, h, dated+"/search", func(i int) []byte {
				return body(now.Add(-c.span), now, all[i*977%(len(all)/2)], "hs_object_id", "0")
			})
			b.ReportMetric(perContact, "B/contact")
		})
	}
	b.Run("by-time/year", func(b *testing.B) {
		ask(b, h, dated+"/search", func(i int) []byte {
			return body(now.Add(-365*24*time.Hour), now, "0", "lastmodifieddate", strconv.Itoa(i%49*200))
		})
	})
	b.Run("by-email", func(b *testing.B) {
		props, _ := h.Contact(all[len(all)/2])
		ask(b, h, dated+"/search", func(i int) []byte {
			return fmt.Appendf(nil, `{"filterGroups":[{"filters":[{"propertyName":"email","operator":"EQ","value":%q}]}]}`, props["email"])
		})
	})
}
