package pipeline_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors/clickstream"
	"github.com/intentd/intentd/connectors/hubspot"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/operate"
)

// firstSync runs a first sync against a sandbox with a Professional portal's limits, on virtual time, and tells how long it
// took, how many requests it made and how many of them were answered 429.
func firstSync(t testing.TB, people int, o hubspot.Options) (took time.Duration, requests, refused int64, written int) {
	h := sandbox.NewHubSpot(sandbox.HubSpotOptions{Tier: "professional", History: -1})
	h.CreateContacts(people, func(i int) map[string]string {
		return map[string]string{"email": address(i), "firstname": "Person", "lastname": strconv.Itoa(i)}
	})
	dir := t.TempDir()
	store, err := clickstream.Open(filepath.Join(dir, "events"), clickstream.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	takeInEvents(t, store, people, 3, time.Now())
	o.BaseURL, o.HTTP = "https://api.hubapi.com", h.Transport()
	d := newDaemon(t, dir, store, o, nil)
	defer d.db.Close()
	before := h.Counters().Requests
	start := time.Now()
	if _, err := operate.Once(t.Context(), d.pipe); err != nil {
		t.Fatal(err)
	}
	took = time.Since(start)
	c := h.Counters()
	for _, n := range c.RateLimited {
		refused += n
	}
	return took, c.Requests - before, refused, c.Patched
}

func TestInvariant12FirstSyncKeepsTheLimitsWithoutEverBeingRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, requests, refused, written := firstSync(t, 3000, hubspot.Options{})
		if refused > 0 {
			t.Errorf("%d requests of its own making were answered 429", refused)
		}
		if written != 3000 {
			t.Errorf("%d of 3000 people were written", written)
		}
		if allowed := 0.8 * 190 * max(1, took.Seconds()/10+1); float64(requests) > allowed {
			t.Errorf("%d requests in %v: more than the %.0f that rate_share leaves", requests, took, allowed)
		}
	})
}

// callsAllowed is what a first sync may cost: 10 calls per 1,000 people are swept, 10 per 1,000 are written, one per 1,000 looks for
// changes between the two; once a process the account and the properties are asked for.
func callsAllowed(people, written int) int64 {
	return int64(people/100 + written/100 + (people-1)/1000 + 2)
}

// A first sync reads nobody twice: the sweep's pages are what the lots work with.
func TestFirstSyncReadsNobodyTwice(t *testing.T) {
	for _, people := range []int{1000, 3000} {
		synctest.Test(t, func(t *testing.T) {
			_, requests, _, written := firstSync(t, people, hubspot.Options{})
			t.Logf("%d requests for %d people, %d of them written", requests, people, written)
			if allowed := callsAllowed(people, written); written != people || requests > allowed {
				t.Errorf("%d requests for %d people, %d of them written, want at most %d", requests, people, written, allowed)
			}
		})
	}
}

// What a person sets between the sweep's page and the write of the same record is theirs: the lot works with the page, the write looks.
func TestInvariant4AnEditBetweenSweepAndWriteStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sandbox.NewHubSpot(sandbox.HubSpotOptions{Tier: "professional"})
		const people = 300
		ids := make([]string, people)
		for i := range ids {
			ids[i] = h.CreateContact(map[string]string{"email": address(i)})
		}
		dir := t.TempDir()
		store, err := clickstream.Open(filepath.Join(dir, "events"), clickstream.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		takeInEvents(t, store, people, 3, time.Now())
		edited, pages := false, 0
		edit := roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Has("archived") {
				pages++
			}
			if pages == people/100 && !edited { // the last page of the sweep
				edited = true
				time.Sleep(2 * time.Second)
				if err := h.UpdateContact(ids[123], map[string]string{"intent_score": "5", "intent_headline": "Ask Anna first"}, "17"); err != nil {
					t.Error(err)
				}
			}
			return h.Transport().RoundTrip(r)
		})
		d := newDaemon(t, dir, store, hubspot.Options{BaseURL: "https://api.hubapi.com", HTTP: edit}, nil)
		defer d.db.Close()
		if _, err := operate.Once(t.Context(), d.pipe); err != nil {
			t.Fatal(err)
		}
		written := 0
		for i, id := range ids {
			got, _ := h.Contact(id)
			switch {
			case i == 123:
				if got["intent_score"] != "5" || got["intent_headline"] != "Ask Anna first" || got["intent_tier"] == "" {
					t.Errorf("the person's values became %q and %q; the tier beside them is %q", got["intent_score"], got["intent_headline"], got["intent_tier"])
				}
			case got["intent_score"] != "":
				written++
			}
		}
		if !edited || written != people-1 {
			t.Errorf("%d of %d others were written", written, people-1)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// BenchmarkFirstSyncUnderLimits is a first sync of 20,000 people under a Professional portal's real limits, on virtual time: only
// waiting counts, computing costs nothing. It is bounded by the 10-second window of which rate_share is used.
//
//	429s  of its own making
func BenchmarkFirstSyncUnderLimits(b *testing.B) {
	const people = 20_000
	for b.Loop() {
		var took time.Duration
		var requests, refused int64
		var written int
		runVirtual(b, func(t testing.TB) {
			took, requests, refused, written = firstSync(t, people, hubspot.Options{})
		})
		if written != people {
			b.Fatalf("%d of %d people were written", written, people)
		}
		b.ReportMetric(float64(refused), "429s")
		if allowed := callsAllowed(people, written); requests > allowed {
			b.Fatalf("%d requests, want at most %d", requests, allowed)
		}
		b.ReportMetric(float64(requests), "requests")
		b.ReportMetric(1000*float64(requests)/people, "requests/1000")
		b.ReportMetric(took.Seconds(), "virtual-s")
		b.ReportMetric(0, "ns/op")
	}
}

// runVirtual runs do on virtual time. A benchmark cannot enter a synctest bubble itself; a test made for it can.
func runVirtual(b *testing.B, do func(t testing.TB)) {
	b.Helper()
	ok := testing.RunTests(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{
		Name: fmt.Sprintf("%s/virtual", b.Name()),
		F:    func(t *testing.T) { synctest.Test(t, func(t *testing.T) { do(t) }) },
	}})
	if !ok {
		b.Fatal("the run on virtual time failed")
	}
}
