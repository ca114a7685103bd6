package hubspot

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

// sweptPortal is a portal of n contacts that was swept to its end, and what it counted until then.
func sweptPortal(t *testing.T, n int) (c *Client, h *sandbox.HubSpot, refs []connectors.Ref, calls func() int64) {
	t.Helper()
	c, h = box(t, sandbox.HubSpotOptions{})
	_, err := c.Apply(t.Context())
	must(t, err)
	for i := range n {
		refs = append(refs, ref(h.CreateContact(map[string]string{"email": fmt.Sprintf("p%d@example.com", i), "company": "Straße \"7\"\n"})))
	}
	time.Sleep(time.Minute)
	sweep(t, c)
	before := h.Counters().Requests
	return c, h, refs, func() int64 { return h.Counters().Requests - before }
}

func sweep(t *testing.T, c *Client) {
	t.Helper()
	for p, err := c.Sweep(t.Context(), nil); ; p, err = c.Sweep(t.Context(), p.Next) {
		must(t, err)
		if !p.More {
			return
		}
	}
}

func patchesOf(refs []connectors.Ref) []connectors.Patch {
	patches := make([]connectors.Patch, len(refs))
	for i, r := range refs {
		patches[i] = connectors.Patch{Ref: r, Fields: map[string]string{connectors.FieldScore: "64.4"}}
	}
	return patches
}

func TestWhatASweepToldIsNotReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h, refs, calls := sweptPortal(t, 1000)
		swept, err := c.Read(t.Context(), refs)
		must(t, err)
		if n := calls(); n != 0 {
			t.Errorf("%d calls to read what a sweep just told", n)
		}
		write := func(refs []connectors.Ref) {
			t.Helper()
			results, err := c.Write(t.Context(), patchesOf(refs))
			must(t, err)
			for _, r := range results {
				must(t, r.Err)
			}
		}
		write(refs[:100])
		if n := calls(); n != 1 {
			t.Errorf("%d calls for 100 writes under a second after their page", n)
		}
		time.Sleep(freshFor)
		write(refs[100:])
		if n := calls(); n != 11 {
			t.Errorf("%d calls for 1,000 writes and one look for changes", n)
		}
		fresh, err := New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport()})
		must(t, err)
		read, err := fresh.Read(t.Context(), refs)
		must(t, err)
		for i := range read {
			read[i].Ours, read[i].Modified = nil, swept[i].Modified // written since
		}
		if !reflect.DeepEqual(read, swept) {
			t.Errorf("a swept contact is told as\n%+v, a read one as\n%+v", swept[0], read[0])
		}
	})
}

func TestASweptContactIsToldOnceAndForMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h, refs, calls := sweptPortal(t, 3)
		read := func(r connectors.Ref, want int64) {
			t.Helper()
			before := calls()
			_, err := c.Read(t.Context(), []connectors.Ref{r})
			must(t, err)
			if n := calls() - before; n != want {
				t.Errorf("%d calls, want %d", n, want)
			}
		}
		read(refs[0], 0)
		read(refs[0], 1)
		p, err := c.Changes(t.Context(), nil)
		must(t, err)
		must(t, h.UpdateContact(refs[1].ID, map[string]string{"jobtitle": "CTO"}, "17"))
		time.Sleep(time.Second)
		_, err = c.Changes(t.Context(), p.Next)
		must(t, err)
		read(refs[1], 1) // a poll told of it
		time.Sleep(cachedFor)
		read(refs[2], 1)
		if len(c.sweepCache.cached)+len(c.sweepCache.pages)+c.sweepCache.bytes > 0 {
			t.Errorf("%d contacts of %d bytes stay in memory", len(c.sweepCache.cached), c.sweepCache.bytes)
		}
	})
}

// The bin may hold many times what vanished since the last sweep: only what vanished is looked for in it.
func TestASweepDoesNotWalkTheBin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h, refs, calls := sweptPortal(t, 150)
		must(t, h.Archive(refs[0].ID))
		time.Sleep(cachedFor)
		sweep(t, c)
		if n := calls(); n != 2 {
			t.Errorf("%d calls to sweep 149 contacts", n)
		}
		read, err := c.Read(t.Context(), refs[:1])
		must(t, err)
		if n := calls() - 2; read[0].State != connectors.Archived || n != 2 {
			t.Errorf("the vanished contact is %s after %d calls", read[0].State, n)
		}
	})
}

func TestSweptContactsAreBounded(t *testing.T) {
	s := newSweepCache()
	big := string(make([]byte, cachedBytes/4+1))
	for i := range 8 {
		s.keep([]record{{ID: fmt.Sprint(i + 1)}}, func(*record) string { return big }, time.Now())
	}
	if len(s.cached) != 3 || s.bytes > cachedBytes {
		t.Errorf("%d contacts of %d bytes are kept", len(s.cached), s.bytes)
	}
	for i := range handedOutMax {
		s.handedOut[uint64(i+100)] = handedOut{at: time.Now()}
	}
	if _, ok := s.handOut(1, nil); ok {
		t.Error("more is lent than can be looked after")
	}
}

// A value that a person set after the sweep's page stays (invariant 4): the row is not sent, and the host reads the record again.
func TestInvariant4AnEditAfterTheSweepIsNotOverwritten(t *testing.T) {
	edits := map[string]func(h *sandbox.HubSpot, id string) error{
		"a person's": func(h *sandbox.HubSpot, id string) error {
			return h.UpdateContact(id, map[string]string{"intent_score": "5"}, "17")
		},
		"of another field of ours": func(h *sandbox.HubSpot, id string) error {
			return h.UpdateContact(id, map[string]string{"intent_tier": "low"}, "17")
		},
		"of a field of theirs": func(h *sandbox.HubSpot, id string) error {
			return h.UpdateContact(id, map[string]string{"jobtitle": "CTO"}, "17")
		},
		"the same value": func(h *sandbox.HubSpot, id string) error {
			return h.UpdateContact(id, map[string]string{"intent_score": "64.4"}, "17")
		},
	}
	for name, edit := range edits {
		for _, polled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, polled %v", name, polled), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, h, refs, calls := sweptPortal(t, 250)
					p, err := c.Changes(t.Context(), nil)
					must(t, err)
					_, err = c.Read(t.Context(), refs)
					must(t, err)
					time.Sleep(2 * time.Second)
					must(t, edit(h, refs[77].ID))
					if polled {
						time.Sleep(time.Second)
						_, err = c.Changes(t.Context(), p.Next)
						must(t, err)
					}
					before := calls()
					results, err := c.Write(t.Context(), patchesOf(refs))
					must(t, err)
					for i, r := range results {
						e, _ := r.Err.(*connectors.Error)
						if taken := i == 77 && name == "a person's"; taken != (e != nil) || taken && (e.Kind != connectors.Gone || e.State != connectors.Live) {
							t.Errorf("row %d: %v", i, r.Err)
						}
					}
					if got, _ := h.Contact(refs[77].ID); name == "a person's" && got["intent_score"] != "5" {
						t.Errorf("the edit was overwritten by %s", got["intent_score"])
					}
					if n := calls() - before; n != 5 { // a look, a read of the one that changed, three batches
						t.Errorf("%d calls", n)
					}
					// Read afresh it is the host's to decide.
					_, err = c.Read(t.Context(), refs[77:78])
					must(t, err)
					if results, err := c.Write(t.Context(), patchesOf(refs[77:78])); err != nil || results[0].Err != nil {
						t.Errorf("%v, %v", results, err)
					}
				})
			})
		}
	}
}

// Where the search fails or tells of too much, the rows themselves are read.
func TestWhatASearchCannotTellIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h, refs, calls := sweptPortal(t, 800)
		_, err := c.Read(t.Context(), refs)
		must(t, err)
		time.Sleep(time.Second)
		ids := make([]string, len(refs))
		for i, r := range refs {
			ids[i] = r.ID
		}
		must(t, h.UpdateMany(ids, map[string]string{"jobtitle": "CTO"}, "17"))
		must(t, h.UpdateContact(ids[99], map[string]string{"intent_score": "5"}, "17"))
		results, err := c.Write(t.Context(), patchesOf(refs[:100]))
		must(t, err)
		for i, r := range results {
			if (connectors.KindOf(r.Err) == connectors.Gone) != (i == 99) {
				t.Errorf("row %d: %v", i, r.Err)
			}
		}
		if n := calls(); n != recheckPages+2 {
			t.Errorf("%d calls", n)
		}
		write := func(refs []connectors.Ref, want int64) {
			t.Helper()
			before := calls()
			results, err := c.Write(t.Context(), patchesOf(refs))
			must(t, err)
			must(t, results[0].Err)
			if n := calls() - before; n != want {
				t.Errorf("%d calls, want %d", n, want)
			}
		}
		write(refs[100:200], 2) // so soon nothing is gained by another search
		time.Sleep(unchangedFor)
		h.Faults().Add(sandbox.Fault{Path: "/search", Status: 400, Times: 1})
		write(refs[200:300], 3)
	})
}

func TestWhatAFirstSyncCostsIsKnown(t *testing.T) {
	c, _ := connect(t, nil)
	if n := c.FirstSyncCalls(20_000, 14_000); n != 200+140+14+2 {
		t.Errorf("%d calls for 20,000 contacts of which 14,000 are written", n)
	}
	c.Engagement(EngagementOptions{})
	if n := c.FirstSyncCalls(1000, 0); n != 10+20+2 {
		t.Errorf("%d calls for 1,000 contacts with their engagement", n)
	}
}
