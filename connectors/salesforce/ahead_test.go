package salesforce

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Lots of what a sweep told are read a page at a time, by many workers, too; and each tells what the org has.
func TestReadAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 3000)
		c, f := p.watched(t, nil)
		f.next = roundTrip(func(r *http.Request) (*http.Response, error) {
			time.Sleep(100 * time.Millisecond)
			return p.Transport().RoundTrip(r)
		})
		_, err := c.Sweep(t.Context(), nil)
		must(t, err)
		p.Change(t, refs, "Changed since")
		before := len(f.request)
		var wg sync.WaitGroup
		for lot := range slices.Chunk(refs, 200) {
			time.Sleep(10 * time.Millisecond)
			wg.Go(func() {
				read, err := c.Read(t.Context(), lot)
				must(t, err)
				for i, k := range read {
					if k.Ref != lot[i] || k.State != connectors.Live || k.Profile.JobTitle != "Changed since" {
						t.Fatalf("%+v", k)
					}
				}
			})
		}
		wg.Wait()
		if n := len(f.request) - before; n > 4 {
			t.Errorf("%d requests for 15 lots", n)
		}
	})
}

// What is held is given away once, for seconds, and not after it changed: a lot that asks again, later, or after a poll or a write,
// reads what is there now.
func TestReadAheadIsFresh(t *testing.T) {
	for _, after := range []string{"asking again", "a while", "a poll", "a write"} {
		bubble(t, func(t *testing.T) {
			p := newOrg(t, Lead)
			refs := p.Create(t, 1000)
			time.Sleep(time.Hour)
			c := p.connect(t)
			poll := &poller{c: c}
			poll.poll(t)
			_, err := c.Sweep(t.Context(), nil)
			must(t, err)
			lot := refs[200:400]
			if after == "asking again" {
				lot = refs[:200]
			}
			_, err = c.Read(t.Context(), refs[:200])
			must(t, err)
			p.Change(t, lot, "Changed since")
			switch after {
			case "a while":
				time.Sleep(heldFor)
			case "a poll":
				poll.poll(t)
			case "a write":
				_, err := c.Write(t.Context(), scores(lot, "1.0"))
				must(t, err)
			}
			read, err := c.Read(t.Context(), lot)
			must(t, err)
			for _, k := range read {
				if k.Profile.JobTitle != "Changed since" {
					t.Fatalf("after %s: %+v", after, k)
				}
			}
		})
	}
}

// Where pages are not used up in time, nothing is read ahead for a while, and small reads never are.
func TestReadAheadPays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newOrg(t, Lead)
		refs := p.Create(t, 2000)
		c, f := p.watched(t, nil)
		read := func(lot []connectors.Ref) {
			_, err := c.Read(t.Context(), lot)
			must(t, err)
		}
		pages := func() int { return f.count("/queryAll") }
		read(refs[:200])
		if pages() != 0 {
			t.Error("a page was read without a sweep")
		}
		_, err := c.Sweep(t.Context(), nil)
		must(t, err)
		before := pages()
		read(refs[:50])
		if pages() != before {
			t.Error("a page was read for 50 records")
		}
		for lot := range slices.Chunk(refs, 200) {
			time.Sleep(time.Minute) // lots take long
			read(lot)
		}
		if n := pages() - before; n > 2 {
			t.Errorf("%d pages were read, and little of them used", n)
		}
	})
}
