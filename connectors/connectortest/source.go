package connectortest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// SourceHarness is a Source to be tested with the system behind it.
type SourceHarness struct {
	Source connectors.Source
	// Add makes the system hold further events as though they came in now: it fills in what is received when. The suite
	// gives each event an ID, a Time, a Kind (page_view or form_submit), a URL that occurs once, a PageTitle, and Email,
	// UserID or AnonymousID. An event with an AnonymousID and an Email identifies the one as the other.
	Add func(t *testing.T, events ...connectors.Event)
	// Now is the system's present. The suite's events happen in the 30 days before.
	Now time.Time
	// Reopen gives a new Source on the same system, as after a restart; nil: the one in hand goes on.
	Reopen func(t *testing.T) connectors.Source
	// Lookback says that Active tells people again for a while (at least once is all it promises).
	Lookback bool
	// NoLinks says that the system does not tell which anonymous id became known as whom.
	NoLinks bool
	// NoAnonymous says that the system only knows identified people.
	NoAnonymous bool
	// Precision of times; 0 means exact to the microsecond.
	Precision time.Duration
}

// Source checks what every connectors.Source promises. make gives a fresh, empty system for each test.
func Source(t *testing.T, make func(t *testing.T) SourceHarness) {
	for _, c := range []struct {
		promise string
		check   func(h *SourceHarness, t *testing.T)
	}{
		{"an empty system answers with nothing", (*SourceHarness).emptySystem},
		{"a nil cursor starts at the oldest", (*SourceHarness).fromTheOldest},
		{"a cursor goes on where its page ended", (*SourceHarness).goesOn},
		{"pages lose nobody", (*SourceHarness).pagesLoseNobody},
		{"what happened long ago but came in now is told", (*SourceHarness).lateEvents},
		{"a cursor outlives the process", (*SourceHarness).outlivesProcess},
		{"an unreadable cursor is a Config error", (*SourceHarness).unreadableCursor},
		{"journeys of many people in one call", (*SourceHarness).manyPeople},
		{"the window is half-open", (*SourceHarness).halfOpen},
		{"fields arrive as they were", (*SourceHarness).fieldsArrive},
		{"ids are unique and stay the same", (*SourceHarness).stableIDs},
		{"nobody gets what is somebody else's", (*SourceHarness).keepsApart},
		{"identifiers are matched whatever their case", (*SourceHarness).matchesCase},
		{"the anonymous past comes with who they turn out to be", (*SourceHarness).anonymousPast},
		{"a sequence may be left early", (*SourceHarness).leftEarly},
		{"a cancelled context ends everything", (*SourceHarness).cancelled},
		{"safe for concurrent use", (*SourceHarness).concurrent},
		{"a forgotten person is gone, again and again", (*SourceHarness).forgets},
	} {
		t.Run(c.promise, func(t *testing.T) {
			h := make(t)
			c.check(&h, t)
		})
	}
}

// view is a page view of somebody, ago before now.
func (h *SourceHarness) view(email, url string, ago time.Duration) connectors.Event {
	return connectors.Event{
		ID: "id-" + strings.NewReplacer("/", "-", ":", "-").Replace(url), Kind: connectors.KindPageView, Time: h.Now.Add(-ago).Truncate(max(h.Precision, time.Second)),
		Email: email, URL: "https://www.example.com" + url, PageTitle: "Page " + url,
	}
}

func (h *SourceHarness) month() connectors.Window {
	return connectors.Window{From: h.Now.AddDate(0, 0, -30), To: h.Now.Add(time.Hour)}
}

func emails(list ...string) []connectors.Person {
	var out []connectors.Person
	for _, e := range list {
		out = append(out, connectors.Person{Key: "key of " + e, Emails: []string{e}})
	}
	return out
}

// Drain reads Active to its end.
func Drain(t *testing.T, s connectors.Source, from connectors.Cursor) (people []connectors.Person, next connectors.Cursor) {
	t.Helper()
	for n := 0; ; n++ {
		page, err := s.Active(t.Context(), from)
		if err != nil {
			t.Fatalf("Active, page %d: %v", n, err)
		}
		if page.Next == nil {
			t.Fatalf("page %d has no Next", n)
		}
		if page.More && string(page.Next) == string(from) {
			t.Fatalf("page %d says More and does not move", n)
		}
		people = append(people, page.Items...)
		from = page.Next
		if !page.More {
			return people, from
		}
		if n > 10_000 {
			t.Fatal("Active does not come to an end")
		}
	}
}

// addresses are the e-mails told, each once, sorted.
func addresses(people []connectors.Person) []string {
	var out []string
	for _, p := range people {
		for _, e := range p.Emails {
			out = append(out, strings.ToLower(e))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Journeys are the events that a source tells of people, as it tells them.
func Journeys(t *testing.T, s connectors.Source, w connectors.Window, people ...connectors.Person) (out []connectors.Event) {
	t.Helper()
	for e, err := range s.Journeys(t.Context(), people, w) {
		if err != nil {
			t.Fatalf("Journeys of %d people: %v", len(people), err)
		}
		out = append(out, e)
	}
	return out
}

// read collects journeys, without duplicates (which are allowed), in the order of time.
func read(t *testing.T, s connectors.Source, people []connectors.Person, w connectors.Window) []connectors.Event {
	t.Helper()
	seen := map[[2]string]bool{}
	var out []connectors.Event
	for _, e := range Journeys(t, s, w, people...) {
		if k := [2]string{e.Person, e.ID}; !seen[k] {
			seen[k] = true
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b connectors.Event) int { return a.Time.Compare(b.Time) })
	return out
}

// paths are the paths of events.
func paths(events []connectors.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, strings.TrimPrefix(e.URL, "https://www.example.com"))
	}
	slices.Sort(out)
	return out
}

func wantPaths(t *testing.T, got []connectors.Event, want ...string) {
	t.Helper()
	slices.Sort(want)
	if g := paths(got); !slices.Equal(g, want) {
		t.Errorf("got events %q, want %q", g, want)
	}
}

func wantActive(t *testing.T, got []connectors.Person, want ...string) {
	t.Helper()
	slices.Sort(want)
	if g := addresses(got); !slices.Equal(g, want) {
		t.Errorf("got active %q, want %q", g, want)
	}
}

func (h *SourceHarness) emptySystem(t *testing.T) {
	people, next := Drain(t, h.Source, nil)
	wantActive(t, people)
	people, _ = Drain(t, h.Source, next)
	wantActive(t, people)
	wantPaths(t, read(t, h.Source, emails("ann@example.com"), h.month()))
	wantPaths(t, read(t, h.Source, nil, h.month()))
	wantPaths(t, read(t, h.Source, []connectors.Person{{Key: "nobody"}}, h.month()))
}

func (h *SourceHarness) fromTheOldest(t *testing.T) {
	h.Add(t, h.view("ann@example.com", "/1", 20*24*time.Hour))
	h.Add(t, h.view("bob@example.com", "/2", time.Hour))
	people, _ := Drain(t, h.Source, nil)
	wantActive(t, people, "ann@example.com", "bob@example.com")
	for _, p := range people {
		if p.Key != "" {
			t.Errorf("a source made up the host's key %q", p.Key)
		}
	}
}

func (h *SourceHarness) goesOn(t *testing.T) {
	h.Add(t, h.view("ann@example.com", "/1", 2*time.Hour))
	_, next := Drain(t, h.Source, nil)
	again, next := Drain(t, h.Source, next)
	if !h.Lookback {
		wantActive(t, again)
	}
	h.Add(t, h.view("bob@example.com", "/2", time.Hour))
	people, next := Drain(t, h.Source, next)
	if h.Lookback {
		people = slices.DeleteFunc(people, func(p connectors.Person) bool { return slices.Contains(p.Emails, "ann@example.com") })
	}
	wantActive(t, people, "bob@example.com")
	h.Add(t, h.view("ann@example.com", "/3", time.Minute))
	people, _ = Drain(t, h.Source, next)
	if !slices.Contains(addresses(people), "ann@example.com") {
		t.Error("somebody told before came back and was not told again")
	}
}

func (h *SourceHarness) pagesLoseNobody(t *testing.T) {
	var want []string
	var batch []connectors.Event
	for i := range 1203 { // more than any page; many at one moment of intake
		email := fmt.Sprintf("p%04d@example.com", i)
		want = append(want, email)
		batch = append(batch, h.view(email, fmt.Sprintf("/%d", i), time.Duration(i)*time.Second))
	}
	h.Add(t, batch...)
	people, _ := Drain(t, h.Source, nil)
	wantActive(t, people, want...)
}

func (h *SourceHarness) lateEvents(t *testing.T) {
	h.Add(t, h.view("ann@example.com", "/now", time.Minute))
	_, next := Drain(t, h.Source, nil)
	h.Add(t, h.view("bob@example.com", "/late", 10*24*time.Hour))
	people, _ := Drain(t, h.Source, next)
	if !slices.Contains(addresses(people), "bob@example.com") {
		t.Error("the feed follows the time of events, not that of intake: a late one is lost")
	}
	wantPaths(t, read(t, h.Source, emails("bob@example.com"), h.month()), "/late")
}

func (h *SourceHarness) outlivesProcess(t *testing.T) {
	h.Add(t, h.view("ann@example.com", "/1", 2*time.Hour))
	_, next := Drain(t, h.Source, nil)
	s := h.Source
	if h.Reopen != nil {
		s = h.Reopen(t)
		h.Source = s
	}
	h.Add(t, h.view("bob@example.com", "/2", time.Hour))
	people, _ := Drain(t, s, slices.Clone(next))
	if !slices.Contains(addresses(people), "bob@example.com") {
		t.Error("a stored cursor lost somebody")
	}
	if !h.Lookback && slices.Contains(addresses(people), "ann@example.com") {
		t.Error("a stored cursor started over")
	}
}

func (h *SourceHarness) unreadableCursor(t *testing.T) {
	_, err := h.Source.Active(t.Context(), connectors.Cursor("\xff\xfe is no cursor"))
	if connectors.KindOf(err) != connectors.Config {
		t.Errorf("got %v (%v), want a Config error", err, connectors.KindOf(err))
	}
}

func (h *SourceHarness) manyPeople(t *testing.T) {
	var batch []connectors.Event
	var ask []string
	want := map[string]int{}
	for i := range 150 {
		email := fmt.Sprintf("p%03d@example.com", i)
		for k := range i%3 + 1 {
			batch = append(batch, h.view(email, fmt.Sprintf("/%d/%d", i, k), time.Duration(i*60+k*7)*time.Minute))
		}
		if i%2 == 0 {
			ask = append(ask, email)
			want["key of "+email] = i%3 + 1
		}
	}
	h.Add(t, batch...)
	got := map[string]int{}
	for _, e := range read(t, h.Source, append(emails(ask...), emails("stranger@example.com")...), h.month()) {
		who := e.Person
		if who == "" { // the source leaves it to the host to tell by the identifiers
			who = "key of " + strings.ToLower(e.Email)
		}
		got[who]++
	}
	if len(got) != len(want) {
		t.Errorf("got events of %d people, want %d", len(got), len(want))
	}
	for who, n := range want {
		if got[who] != n {
			t.Errorf("%s: %d events, want %d", who, got[who], n)
		}
	}
}

func (h *SourceHarness) halfOpen(t *testing.T) {
	from := h.Now.Add(-48 * time.Hour).Truncate(time.Second)
	to := from.Add(24 * time.Hour)
	at := func(url string, when time.Time) connectors.Event {
		e := h.view("ann@example.com", url, 0)
		e.Time = when
		return e
	}
	h.Add(t, at("/before", from.Add(-time.Second)), at("/from", from), at("/in", from.Add(time.Hour)), at("/last", to.Add(-time.Second)), at("/to", to))
	wantPaths(t, read(t, h.Source, emails("ann@example.com"), connectors.Window{From: from, To: to}), "/from", "/in", "/last")
	wantPaths(t, read(t, h.Source, emails("ann@example.com"), connectors.Window{From: to, To: to}))
}

func (h *SourceHarness) fieldsArrive(t *testing.T) {
	e := h.view("ann@example.com", "/prices?plan=pro&q=größe", 3*time.Hour)
	e.PageTitle = "Prices – \"all\" plans; 日本語"
	h.Add(t, e)
	got := read(t, h.Source, emails("ann@example.com"), h.month())
	if len(got) != 1 {
		t.Fatalf("got %d events, want 1", len(got))
	}
	g := got[0]
	switch {
	case g.ID == "":
		t.Error("no ID")
	case g.Source == "":
		t.Error("no Source")
	case g.Kind != e.Kind, g.URL != e.URL, g.PageTitle != e.PageTitle:
		t.Errorf("got %q %q %q, want %q %q %q", g.Kind, g.URL, g.PageTitle, e.Kind, e.URL, e.PageTitle)
	case !g.Time.Equal(e.Time):
		t.Errorf("got time %v, want %v", g.Time, e.Time)
	case g.Person != "" && g.Person != "key of ann@example.com":
		t.Errorf("got person %q, which is not the key asked with", g.Person)
	}
}

func (h *SourceHarness) stableIDs(t *testing.T) {
	h.Add(t, h.view("ann@example.com", "/1", time.Hour), h.view("ann@example.com", "/2", time.Hour), h.view("ann@example.com", "/3", 2*time.Hour))
	ids := func(s connectors.Source) []string {
		var out []string
		for _, e := range read(t, s, emails("ann@example.com"), h.month()) {
			out = append(out, e.ID+" "+e.URL)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	first := ids(h.Source)
	if len(first) != 3 {
		t.Fatalf("got %q, want three events with ids of their own", first)
	}
	s := h.Source
	if h.Reopen != nil {
		s = h.Reopen(t)
	}
	if again := ids(s); !slices.Equal(first, again) {
		t.Errorf("ids were %q and are now %q", first, again)
	}
}

func (h *SourceHarness) keepsApart(t *testing.T) {
	h.Add(t, h.view("ann@example.com", "/ann", time.Hour), h.view("ann@example.com.evil.example", "/other", time.Hour), h.view("joann@example.com", "/joann", time.Hour))
	wantPaths(t, read(t, h.Source, emails("ann@example.com"), h.month()), "/ann")
	for _, hostile := range []string{`ann@example.com" OR "1"="1`, "ann@example.com' OR '1'='1", "%@example.com", "*", "ann@example.com,joann@example.com", `a\`, "a;b@example.com"} {
		wantPaths(t, read(t, h.Source, emails(hostile), h.month()))
	}
}

func (h *SourceHarness) matchesCase(t *testing.T) {
	h.Add(t, h.view("Ann@Example.com", "/1", time.Hour))
	wantPaths(t, read(t, h.Source, emails("ann@example.com"), h.month()), "/1")
}

func (h *SourceHarness) anonymousPast(t *testing.T) {
	if h.NoLinks || h.NoAnonymous {
		t.Skip("the system does not tell")
	}
	first := h.view("", "/first", 3*time.Hour)
	first.AnonymousID = "device-1"
	h.Add(t, first)
	_, next := Drain(t, h.Source, nil)
	form := h.view("ann@example.com", "/form", 2*time.Hour)
	form.AnonymousID, form.Kind = "device-1", connectors.KindFormSubmit
	h.Add(t, form)
	people, next := Drain(t, h.Source, next)
	wantActive(t, people, "ann@example.com")
	wantPaths(t, read(t, h.Source, emails("ann@example.com"), h.month()), "/first", "/form")
	later := h.view("", "/later", time.Hour)
	later.AnonymousID = "device-1"
	h.Add(t, later)
	people, _ = Drain(t, h.Source, next)
	wantActive(t, people, "ann@example.com")
	wantPaths(t, read(t, h.Source, emails("ann@example.com"), h.month()), "/first", "/form", "/later")
}

func (h *SourceHarness) leftEarly(t *testing.T) {
	for i := range 20 {
		h.Add(t, h.view("ann@example.com", fmt.Sprintf("/%d", i), time.Duration(i)*time.Hour))
	}
	n := 0
	for _, err := range h.Source.Journeys(t.Context(), emails("ann@example.com"), h.month()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
	if got := read(t, h.Source, emails("ann@example.com"), h.month()); len(got) != 20 {
		t.Errorf("after a sequence was left early the next one has %d of 20 events", len(got))
	}
}

func (h *SourceHarness) cancelled(t *testing.T) {
	h.Add(t, h.view("ann@example.com", "/1", time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Source.Active(ctx, nil); !connectors.Interrupted(err) {
		t.Errorf("Active: got %v, want the context's error", err)
	}
	var last error
	for _, err := range h.Source.Journeys(ctx, emails("ann@example.com"), h.month()) {
		last = err
	}
	if !connectors.Interrupted(last) {
		t.Errorf("Journeys: got %v, want the context's error: without it a cut journey passes for a whole one", last)
	}
}

func (h *SourceHarness) concurrent(t *testing.T) {
	for i := range 10 {
		h.Add(t, h.view(fmt.Sprintf("p%d@example.com", i), fmt.Sprintf("/%d", i), time.Duration(i+1)*time.Hour))
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := h.Source.Active(t.Context(), nil); err != nil {
				t.Error(err)
			}
			email := fmt.Sprintf("p%d@example.com", i)
			n := 0
			for e, err := range h.Source.Journeys(t.Context(), emails(email), h.month()) {
				if err != nil {
					t.Error(err)
					return
				}
				if e.Email != "" && !strings.EqualFold(e.Email, email) {
					t.Errorf("asked for %s, got an event of somebody else", email)
				}
				n++
			}
			if n == 0 {
				t.Errorf("no event of %s", email)
			}
		})
	}
	wg.Wait()
}

func (h *SourceHarness) forgets(t *testing.T) {
	f, ok := h.Source.(connectors.Forgetter)
	if !ok {
		t.Skip("the source has no store of its own")
	}
	first := h.view("", "/first", 3*time.Hour)
	first.AnonymousID = "device-1"
	form := h.view("ann@example.com", "/form", 2*time.Hour)
	form.AnonymousID = "device-1"
	h.Add(t, first, form, h.view("bob@example.com", "/bob", time.Hour))
	n, err := f.Forget(t.Context(), emails("ann@example.com")[0])
	if err != nil || n != 2 {
		t.Errorf("Forget: %d events, %v; want 2", n, err)
	}
	wantPaths(t, read(t, h.Source, emails("ann@example.com", "bob@example.com"), h.month()), "/bob")
	wantPaths(t, read(t, h.Source, []connectors.Person{{AnonymousIDs: []string{"device-1"}}}, h.month()))
	people, _ := Drain(t, h.Source, nil)
	wantActive(t, people, "bob@example.com")
	if n, err := f.Forget(t.Context(), emails("ann@example.com")[0]); err != nil || n != 0 {
		t.Errorf("Forget again: %d events, %v; want none", n, err)
	}
	h.Add(t, h.view("ann@example.com", "/back", time.Minute))
	wantPaths(t, read(t, h.Source, emails("ann@example.com"), h.month()), "/back")
}
