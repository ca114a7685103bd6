package s3

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
	"github.com/intentd/intentd/connectors/connectortest"
)

// made is an object of so many records without a line feed between them, made as it is read, one group of records at a time.
type made struct {
	records, next int
	left          bytes.Buffer
}

func (m *made) Read(b []byte) (int, error) {
	for m.left.Len() == 0 {
		if m.next == m.records {
			return 0, io.EOF
		}
		for range min(1000, m.records-m.next) {
			n := m.next
			m.next++
			fmt.Fprintf(&m.left, `{"id":"e%d","time":%d,"kind":"page_view","email":"p%d@example.com","url":"https://www.example.com/pages/%d","page_title":"Page %d","session_id":"s%d"}`,
				n, today.Unix()-int64(n%2_000_000), n%50_000, n%200, n%200, n/10)
		}
	}
	return m.left.Read(b)
}

// zipOf is a file with the object, packed, and its size.
func zipOf(b *testing.B, records int) (path string, size int64) {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "a.gz"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if _, err := io.Copy(w, &made{records: records}); err != nil {
		b.Fatal(err)
	}
	w.Close()
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return f.Name(), info.Size()
}

// BenchmarkIntake takes one gzip object from a storage on the loopback: only read, and into the event store, disk syncs on. The heap is what
// is held at its highest: reading does not take more for a larger object.
func BenchmarkIntake(b *testing.B) {
	for _, c := range []struct {
		stored  bool
		records int
	}{{false, 200_000}, {false, 2_000_000}, {true, 200_000}, {true, 2_000_000}} {
		records := c.records
		b.Run(fmt.Sprintf("stored=%v/records=%d", c.stored, records), func(b *testing.B) {
			path, size := zipOf(b, records)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Has("list-type") {
					w.Header().Set("Content-Type", "application/xml")
					fmt.Fprintf(w, `<ListBucketResult><Contents><Key>a.gz</Key><LastModified>%s</LastModified><ETag>"1"</ETag><Size>%d</Size></Contents></ListBucketResult>`, today.Format(time.RFC3339), size)
					return
				}
				w.Header().Set("ETag", `"1"`)
				http.ServeFile(w, r, path)
			}))
			defer server.Close()
			o := settings("")
			o.Endpoint = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
			for b.Loop() {
				b.StopTimer()
				store, err := clickstream.Open(b.TempDir(), clickstream.Options{Now: func() time.Time { return today }})
				if err != nil {
					b.Fatal(err)
				}
				f, err := o.open(connectors.Host{Name: "lake", Now: func() time.Time { return today }}, func(string) string { return "" })
				if err != nil {
					b.Fatal(err)
				}
				runtime.GC()
				var before runtime.MemStats
				runtime.ReadMemStats(&before)
				highest, stop := watchHeap()
				b.StartTimer()
				spent, began := connectortest.Stopwatch(), time.Now()
				if c.stored {
					for more, err := true, error(nil); more; {
						if more, err = store.Fed("lake", f).Take(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
				} else {
					read(b, f, records)
				}
				b.ReportMetric(float64(records)/time.Since(began).Seconds(), "events/s")
				b.ReportMetric(float64(spent().Microseconds())/float64(records), "µs-cpu/event")
				stop()
				b.ReportMetric(float64(size)/1e6, "MB-object")
				b.ReportMetric((float64(highest.Load())-float64(before.HeapAlloc))/1e6, "MB-heap")
				if in, _ := store.Intake("lake"); c.stored && in.Events != int64(records) {
					b.Fatalf("%d of %d events were kept", in.Events, records)
				}
				store.Close()
			}
		})
	}
}

// read takes pages and drops them.
func read(b *testing.B, f *Feed, want int) {
	b.Helper()
	got := 0
	for page := (connectors.Page[connectors.Event]{More: true}); page.More; {
		var err error
		if page, err = f.Take(b.Context(), page.Next); err != nil {
			b.Fatal(err)
		}
		got += len(page.Items)
	}
	if got != want {
		b.Fatalf("read %d of %d", got, want)
	}
}

// watchHeap keeps the highest size of the heap until it is stopped.
func watchHeap() (highest *atomic.Uint64, stop func()) {
	highest = new(atomic.Uint64)
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			highest.Store(max(highest.Load(), m.HeapAlloc))
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return highest, func() { close(done); <-over }
}
