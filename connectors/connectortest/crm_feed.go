package connectortest

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

var feedCases = []crmCase{
	{name: "a nil cursor starts at the present", run: startsAtPresent},
	{name: "every change is told, and no longer once the lookback has passed", run: tellsEachChange},
	{name: "an idle poll costs what it may", run: idlePollIsCheap},
	{name: "ties beyond a page are all told", run: tiesBeyondPage},
	{name: "ties beyond the cap of a query are all told", long: true, run: tiesBeyondCap},
	{name: "a cursor survives storage and restart at any page", run: restartsAnywhere},
	{name: "records that change during a walk are not lost, nor any beside them", run: changesDuringWalk},
	{name: "a change the feed shows late is not lost", run: lateChanges},
	{name: "own writes change no input", run: ownWritesAreNoInput},
	{name: "an unreadable cursor is a Config error", run: unreadableCursor},
}

// feed polls as a host does, storing each cursor as bytes.
type feed struct {
	crm    connectors.CRM
	cursor connectors.Cursor
}

func (h *feed) page(t *testing.T) ([]connectors.Contact, bool) {
	t.Helper()
	p, err := h.crm.Changes(t.Context(), h.cursor)
	if err != nil {
		t.Fatalf("Changes: %v", err)
	}
	if p.Next == nil {
		t.Fatal("Changes returned no cursor")
	}
	if len(p.Next) > 4096 {
		t.Fatalf("a cursor of %d bytes is not small", len(p.Next))
	}
	h.cursor = stored(t, p.Next)
	return p.Items, p.More
}

// stored is a cursor after a trip through the host's storage, which may be bytes or JSON.
func stored(t *testing.T, c connectors.Cursor) connectors.Cursor {
	t.Helper()
	b, err := json.Marshal(map[string]connectors.Cursor{"cursor": c})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]connectors.Cursor
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	return append(connectors.Cursor(nil), back["cursor"]...)
}

// drain polls until there is no more and returns the newest of each record and how often each was told.
func (h *feed) drain(t *testing.T) (newest map[connectors.Ref]connectors.Contact, told map[connectors.Ref]int) {
	t.Helper()
	newest, told = map[connectors.Ref]connectors.Contact{}, map[connectors.Ref]int{}
	for range 10_000 {
		items, more := h.page(t)
		for _, k := range items {
			newest[k.Ref] = k
			told[k.Ref]++
		}
		if !more {
			return newest, told
		}
	}
	t.Fatal("the feed does not end")
	return nil, nil
}

func begin(t *testing.T, h CRMHarness) *feed {
	t.Helper()
	f := &feed{crm: h.Connect(t)}
	if items, more := f.page(t); len(items) > 0 || more {
		t.Fatalf("a nil cursor told %d records, more = %v", len(items), more)
	}
	return f
}

// settle lets the feed catch up with what was changed.
func settle(h CRMHarness) { time.Sleep(h.Figures().Lag + time.Second) }

// forget lets what was changed fall out of the lookback.
func forget(h CRMHarness) { time.Sleep(h.Figures().Lag + h.Figures().Lookback + time.Minute) }

func wantAll(t *testing.T, refs []connectors.Ref, told map[connectors.Ref]int) {
	t.Helper()
	missing := 0
	for _, r := range refs {
		if told[r] == 0 {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d changed records were not told", missing, len(refs))
	}
}

func startsAtPresent(t *testing.T, h CRMHarness) {
	old := h.Create(t, 3)
	forget(h)
	f := begin(t, h)
	settle(h)
	if _, told := f.drain(t); len(told) != 0 {
		t.Errorf("%d records that did not change were told", len(told))
	}
	fresh := h.Create(t, 2)
	h.Change(t, old[:1], "Buyer")
	settle(h)
	newest, told := f.drain(t)
	wantAll(t, append(fresh, old[0]), told)
	if got := newest[old[0]].Profile.JobTitle; got != "Buyer" {
		t.Errorf("job title %q, want Buyer", got)
	}
	if told[old[1]] > 0 {
		t.Error("a record that did not change was told")
	}
}

func tellsEachChange(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 5)
	forget(h)
	f := begin(t, h)
	for round := range 4 {
		time.Sleep(time.Minute)
		title := fmt.Sprintf("Title %d", round)
		h.Change(t, refs[:round+1], title)
		settle(h)
		newest, told := f.drain(t)
		wantAll(t, refs[:round+1], told)
		for _, r := range refs[:round+1] {
			if k := newest[r]; k.Profile.JobTitle != title {
				t.Errorf("round %d: %s has the job title %q, want %q", round, r, k.Profile.JobTitle, title)
			}
			if told[r] != 1 {
				t.Errorf("round %d: %s was told %d times in one drain", round, r, told[r])
			}
		}
		if told[refs[4]] > 0 {
			t.Error("a record that did not change was told")
		}
	}
	f.drain(t)
	forget(h)
	f.drain(t) // closes the windows that still reach back
	if _, told := f.drain(t); len(told) > 0 {
		t.Errorf("%d records were told again after the lookback", len(told))
	}
}

func idlePollIsCheap(t *testing.T, h CRMHarness) {
	h.Create(t, 3*h.Figures().Page)
	forget(h)
	f := begin(t, h)
	for range 3 {
		time.Sleep(time.Minute)
		before := h.Requests()
		if items, more := f.page(t); len(items) > 0 || more {
			t.Fatalf("an idle poll told %d records, more = %v", len(items), more)
		}
		if n := h.Requests() - before; n > h.Figures().IdleRequests {
			t.Errorf("an idle poll cost %d requests, want at most %d", n, h.Figures().IdleRequests)
		}
	}
}

func ties(t *testing.T, h CRMHarness, n int) {
	refs := h.Create(t, n)
	forget(h)
	f := begin(t, h)
	h.Change(t, refs, "Tied")
	settle(h)
	newest, told := f.drain(t)
	wantAll(t, refs, told)
	for _, r := range refs {
		if newest[r].Profile.JobTitle != "Tied" {
			t.Fatalf("%s was told with its old values", r)
		}
		if told[r] > 1 {
			t.Fatalf("%s was told %d times in one drain", r, told[r])
		}
	}
}

func tiesBeyondPage(t *testing.T, h CRMHarness) { ties(t, h, 3*h.Figures().Page+h.Figures().Page/2) }

func tiesBeyondCap(t *testing.T, h CRMHarness) {
	most := h.Figures().QueryCap
	if most == 0 {
		t.Skip("no cap")
	}
	ties(t, h, most+h.Figures().Page+1)
}

func restartsAnywhere(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 4*h.Figures().Page)
	forget(h)
	start := begin(t, h).cursor
	h.Change(t, refs, "Changed")
	settle(h)
	for crash := range 4 {
		f := &feed{crm: h.Connect(t), cursor: start}
		told := map[connectors.Ref]int{}
		for range crash {
			items, more := f.page(t)
			if !more {
				t.Fatalf("the feed ended before page %d", crash)
			}
			for _, k := range items {
				told[k.Ref]++
			}
		}
		// A page whose effects were not stored is lost with its cursor and must come again.
		if _, err := f.crm.Changes(t.Context(), f.cursor); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		f.crm = h.Connect(t)
		_, rest := f.drain(t)
		for r, n := range rest {
			told[r] += n
		}
		wantAll(t, refs, told)
	}
}

func changesDuringWalk(t *testing.T, h CRMHarness) {
	page := h.Figures().Page
	refs := h.Create(t, 3*page)
	forget(h)
	f := begin(t, h)
	h.Change(t, refs, "First")
	settle(h)
	newest := map[connectors.Ref]connectors.Contact{}
	take := func(items []connectors.Contact) {
		for _, k := range items {
			newest[k.Ref] = k
		}
	}
	items, more := f.page(t)
	take(items)
	if !more {
		t.Fatal("one page told three pages of changes")
	}
	time.Sleep(2 * time.Second)
	// Some that were told, some that were not: they leave the window, and those behind them move up.
	again := append(append([]connectors.Ref{}, refs[:10]...), refs[2*page:2*page+10]...)
	h.Change(t, again, "Second")
	for more {
		items, more = f.page(t)
		take(items)
	}
	settle(h)
	rest, _ := f.drain(t)
	maps.Copy(newest, rest)
	second := map[connectors.Ref]bool{}
	for _, r := range again {
		second[r] = true
	}
	for i, r := range refs {
		want := "First"
		if second[r] {
			want = "Second"
		}
		if k, ok := newest[r]; !ok || k.Profile.JobTitle != want {
			t.Fatalf("record %d: told %v with the job title %q, want %q", i, ok, k.Profile.JobTitle, want)
		}
	}
}

func lateChanges(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 30)
	forget(h)
	f := begin(t, h)
	told := map[connectors.Ref]int{}
	for i, r := range refs {
		h.Change(t, []connectors.Ref{r}, fmt.Sprintf("Late %d", i))
		_, n := f.drain(t) // at once: the feed does not show it yet
		for r := range n {
			told[r]++
		}
		time.Sleep(7 * time.Second)
	}
	settle(h)
	newest, n := f.drain(t)
	for r := range n {
		told[r]++
	}
	wantAll(t, refs, told)
	last := len(refs) - 1
	if got := newest[refs[last]].Profile.JobTitle; got != fmt.Sprintf("Late %d", last) {
		t.Errorf("the last change was told as %q", got)
	}
}

func ownWritesAreNoInput(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 3)
	f := begin(t, h)
	settle(h)
	before, _ := f.drain(t)
	time.Sleep(time.Minute)
	write(t, f.crm, fullPatch(refs[0], 1), fullPatch(refs[1], 2), fullPatch(refs[2], 3))
	settle(h)
	after, _ := f.drain(t)
	for _, r := range refs {
		a, b := before[r], after[r]
		if b.Ref.IsZero() {
			continue // not told at all is as good
		}
		if a.Ref.IsZero() {
			t.Fatalf("%s was not told when it was made", r)
		}
		if len(b.Ours) == 0 {
			t.Errorf("%s: our own values were not read back", r)
		}
		a.Ours, b.Ours, a.Modified, b.Modified = nil, nil, time.Time{}, time.Time{}
		if fmt.Sprintf("%#v", a) != fmt.Sprintf("%#v", b) {
			t.Errorf("our own write changed an input:\nbefore %+v\nafter  %+v", a, b)
		}
	}
}

func unreadableCursor(t *testing.T, h CRMHarness) {
	crm := h.Connect(t)
	for _, c := range []string{"x", "{}", `{"v":99}`, "\x00\x01"} {
		if _, err := crm.Changes(t.Context(), connectors.Cursor(c)); connectors.KindOf(err) != connectors.Config {
			t.Errorf("cursor %q: %v, want a Config error", c, err)
		}
	}
}
