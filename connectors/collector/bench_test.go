package collector

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
	"github.com/intentd/intentd/connectors/connectortest"
)

// BenchmarkCollector sends over the loopback, disk syncs on, so many clients at once: every event is on disk when its request is answered.
// The processor time is that of the clients, too.
func BenchmarkCollector(b *testing.B) {
	for _, of := range []struct{ clients, batch int }{{16, 100}, {64, 20}, {64, 1}} {
		b.Run(fmt.Sprintf("clients=%d/batch=%d", of.clients, of.batch), func(b *testing.B) {
			store, err := clickstream.Open(b.TempDir(), clickstream.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			o := Type.Settings().(*Config)
			o.WriteKeys, o.PerVisitor = []WriteKey{{Key: connectors.NewSecret(siteKey)}}, 1_000_000
			c := New(*o, connectors.Host{Name: "web"})
			server := httptest.NewServer(c.Handler(store.Inbox("web", c)))
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: of.clients}}
			defer client.CloseIdleConnections()
			var next, again atomic.Int64
			var mu sync.Mutex
			var took []time.Duration
			b.ResetTimer()
			spent := connectortest.Stopwatch()
			var wg sync.WaitGroup
			for range of.clients {
				wg.Go(func() {
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							return
						}
						body := traffic(int(n), of.batch)
						begin := time.Now()
						for {
							resp, err := client.Post(server.URL+"/v1/batch", "text/plain", bytes.NewReader(body))
							if err != nil {
								b.Error(err)
								return
							}
							_, _ = io.Copy(io.Discard, resp.Body)
							resp.Body.Close()
							if resp.StatusCode == http.StatusOK {
								break
							}
							if resp.StatusCode != http.StatusTooManyRequests {
								b.Errorf("answered %d", resp.StatusCode)
								return
							}
							again.Add(1)
							time.Sleep(50 * time.Millisecond)
						}
						mu.Lock()
						took = append(took, time.Since(begin))
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(b.N*of.batch)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(spent().Microseconds())/float64(b.N*of.batch), "cpu-us/event")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
			b.ReportMetric(float64(again.Load()), "429s")
			if i, err := store.Intake("web"); err != nil || i.Events != int64(b.N*of.batch) {
				b.Errorf("%d events kept of %d: %v", i.Events, b.N*of.batch, err)
			}
		})
	}
}

// traffic is a batch as a browser's client sends it: page views of one visitor with consent, of about 600 bytes each.
func traffic(n, batch int) []byte {
	b := []byte(`{"writeKey":"` + siteKey + `","sentAt":"2026-11-20T12:00:00Z","batch":[`)
	visitor := "visitor-" + strconv.Itoa(n)
	for k := range batch {
		if k > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"type":"page","messageId":"ajs-next-%d-%d","anonymousId":"%s","timestamp":"2026-11-20T11:%02d:%02dZ","name":"Prices","properties":{"path":"/pricing","referrer":"https://search.example/","search":"","title":"Prices","url":"https://www.example.com/pricing?step=%d"},"context":{"page":{"path":"/pricing","referrer":"https://search.example/","title":"Prices","url":"https://www.example.com/pricing"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36","locale":"en-US","library":{"name":"analytics.js","version":"1.84.3"},"consent":{"categoryPreferences":{"analytics":true}}},"integrations":{}}`,
			n, k, visitor, k/60, k%60, k)
	}
	return append(b, `]}`...)
}
