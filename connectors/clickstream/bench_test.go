package clickstream

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

var (
	benchEvents    = flag.Int("clickstream.events", 1_000_000, "events in the benchmark's store")
	benchPartition = flag.Duration("clickstream.partition", 0, "span of a partition in the benchmark, 0 for the default")
	benchBatch     = flag.Int("clickstream.batch", 50_000, "events of one Ingest in the benchmark")
)

// world makes up traffic: one person for 20 events, in four visits of five over 90 days; the first visit is anonymous, the
// second begins with a form. Events come in the order of time, as a site writes them.
type world struct {
	people, days int
	start        time.Time
	r            *rand.Rand
}

const perPerson = 20

func newWorld(events int) *world {
	w := &world{people: events / perPerson, days: 90, start: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), r: rand.New(rand.NewPCG(1, 2))}
	return w
}

func (w *world) now() time.Time { return w.start.AddDate(0, 0, w.days) }

// day is the traffic of one day.
func (w *world) day(d int, events []connectors.Event) []connectors.Event {
	// A person's four visits are on four days that follow from their number.
	slot := w.days / 4
	for p := range w.people {
		nth := d / slot
		if nth > 3 || (p*7+nth*13)%slot != d%slot {
			continue
		}
		at := w.start.AddDate(0, 0, d).Add(time.Duration((p*7919)%80000) * time.Second)
		for k := range perPerson / 4 {
			events = append(events, w.event(p, nth, k, at.Add(time.Duration(k)*40*time.Second)))
		}
	}
	return events
}

var pages = []string{"/", "/pricing", "/features/reporting", "/features/api", "/customers/logistics", "/blog/how-we-import", "/docs/start", "/contact"}

func (w *world) event(p, nth, k int, at time.Time) connectors.Event {
	id := strconv.FormatUint(uint64(p)*1_000_003+uint64(nth)*17+uint64(k), 36)
	page := pages[(p+nth*3+k)%len(pages)]
	e := connectors.Event{
		ID: "evt-00000000-" + id, Time: at, Kind: connectors.KindPageView,
		AnonymousID: "5f3c9a-" + strconv.Itoa(p), Session: "s" + strconv.Itoa(p) + "-" + strconv.Itoa(nth),
		URL: "https://www.example.com" + page + "?ref=" + strconv.Itoa(p%97), PageTitle: "Example: " + page[1:],
		Referrer:  "https://www.google.com/",
		UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/12" + strconv.Itoa(p%9) + ".0.0.0 Safari/537.36",
	}
	if nth >= 1 {
		e.Email = email(p)
	}
	if nth == 1 && k == 0 {
		e.Kind, e.Properties = connectors.KindFormSubmit, map[string]string{"form": "Newsletter"}
	}
	return e
}

func email(p int) string {
	return "person" + strconv.Itoa(p) + "@company" + strconv.Itoa(p%5000) + ".example"
}

// fill takes in the whole world in batches and returns the time spent in Ingest.
func (w *world) fill(b testing.TB, s *Store, batch int) (events int, took time.Duration) {
	var buf []connectors.Event
	flush := func(all bool) {
		for len(buf) >= batch || all && len(buf) > 0 {
			n := min(batch, len(buf))
			start := time.Now()
			got, err := s.Ingest(Batch{Source: "site", Events: buf[:n], Cursor: connectors.Cursor("1")})
			took += time.Since(start)
			if err != nil || got != n {
				b.Fatal(got, err)
			}
			events += n
			buf = append(buf[:0:0], buf[n:]...)
		}
	}
	for d := range w.days {
		buf = w.day(d, buf)
		flush(false)
	}
	flush(true)
	return events, took
}

// BenchmarkStore prints what the store is for: intake a second, with fsync, and the time of a lot of 100 people × 20
// events out of all. The large one: go test -run '^$' -bench Store -benchtime 200x . -clickstream.events 10000000
func BenchmarkStore(b *testing.B) {
	w := newWorld(*benchEvents)
	dir := b.TempDir()
	s, err := Open(dir, Options{Now: w.now, Partition: *benchPartition})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	events, took := w.fill(b, s, *benchBatch)
	st, err := s.Stats()
	if err != nil {
		b.Fatal(err)
	}
	scale := fmt.Sprintf("%dk", events/1000)
	b.Run("intake/"+scale, func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(events)/took.Seconds(), "events/s")
		b.ReportMetric(float64(st.Bytes)/float64(events), "B/event")
		b.ReportMetric(float64(st.Segments), "segments")
		info, _ := os.Stat(dir + "/" + mainFile)
		b.ReportMetric(float64(info.Size())/1e6, "main_MB")
	})
	window := connectors.Window{From: w.start, To: w.now()}
	lots := func(size int) func(b *testing.B) {
		return func(b *testing.B) {
			r := rand.New(rand.NewPCG(3, 4))
			b.ReportAllocs()
			got := 0
			for b.Loop() {
				people := make([]connectors.Person, size)
				for i := range people {
					people[i] = connectors.Person{Key: strconv.Itoa(i), Emails: []string{email(r.IntN(w.people))}}
				}
				for _, err := range s.Journeys(b.Context(), people, window) {
					if err != nil {
						b.Fatal(err)
					}
					got++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/lot")
			b.ReportMetric(float64(got)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(got)/float64(b.N*size), "events/person")
		}
	}
	b.Run("lot=100/"+scale, lots(100))
	b.Run("lot=500/"+scale, lots(500))
	start := time.Now()
	if err := s.Merge(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Logf("merged in %v", time.Since(start))
	b.Run("lot=100,merged/"+scale, lots(100))
	b.Run("active/"+scale, func(b *testing.B) {
		got := 0
		var next connectors.Cursor
		for b.Loop() { // a page
			page, err := s.Active(b.Context(), next)
			if err != nil {
				b.Fatal(err)
			}
			got += len(page.Items)
			if next = page.Next; !page.More {
				next = nil
			}
		}
		b.ReportMetric(float64(got)/b.Elapsed().Seconds(), "people/s")
	})
}

// BenchmarkSmallBatches prints the events a second of batches of 1,000, with fsync, given by so many at a time as a collector's
// requests are.
func BenchmarkSmallBatches(b *testing.B) {
	const size = 1000
	for _, at := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("givers=%d", at), func(b *testing.B) {
			w := newWorld(1_000_000)
			s, err := Open(b.TempDir(), Options{Now: w.now})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			var events []connectors.Event
			for d := 0; len(events) < 200*size; d++ {
				events = w.day(d, events)
			}
			var wg sync.WaitGroup
			next := make(chan []connectors.Event)
			for range at {
				wg.Go(func() {
					for batch := range next {
						if _, err := s.Ingest(Batch{Source: "site", Events: batch}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			n := 0
			start := time.Now()
			for b.Loop() {
				from := n % 200 * size
				batch := slices.Clone(events[from : from+size])
				for i := range batch {
					batch[i].ID += strconv.Itoa(n)
				}
				next <- batch
				n++
			}
			close(next)
			wg.Wait()
			b.ReportMetric(float64(n*size)/time.Since(start).Seconds(), "events/s")
		})
	}
}
