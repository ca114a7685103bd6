package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
)

// stream is an Enterprise account's event occurrences by the published specification: by type and time, or of one contact.
type stream struct {
	t     *testing.T
	max   int
	types []string
	list  []occurrence
	calls []url.Values
}

type occurrence struct {
	id, kind string
	contact  int
	at       time.Time
}

func (s *stream) answer(r seen) reply {
	q, _ := url.ParseQuery(r.query)
	if strings.HasSuffix(r.path, "/event-types") {
		list, _ := json.Marshal(s.types)
		return reply{200, `{"eventTypes":` + string(list) + `}`, dated(time.Now())}
	}
	if r.method != "GET" || r.path != "/events/event-occurrences/2026-03" {
		s.t.Errorf("%s %s", r.method, r.path)
	}
	s.calls = append(s.calls, q)
	limit, _ := strconv.Atoi(q.Get("limit"))
	after, before := s.time(q, "occurredAfter"), s.time(q, "occurredBefore")
	if limit < 1 || limit > s.max || q.Get("objectType") != "contact" || q.Has("objectId") == q.Has("eventType") {
		return reply{status: 400, body: `{"status":"error","category":"VALIDATION_ERROR","message":"refused"}`}
	}
	var rows []string
	offset, _ := strconv.Atoi(q.Get("after"))
	n, next := 0, ""
	for _, o := range s.list {
		if q.Has("eventType") && o.kind != q.Get("eventType") || q.Has("objectId") && q.Get("objectId") != fmt.Sprint(o.contact) || !o.at.After(after) || !o.at.Before(before) {
			continue
		}
		if n++; n <= offset {
			continue
		}
		if n > offset+limit {
			next = `,"paging":{"next":{"after":"` + strconv.Itoa(offset+limit) + `"}}`
			break
		}
		rows = append(rows, fmt.Sprintf(`{"id":%q,"eventType":%q,"objectId":%d,"objectType":"CONTACT","occurredAt":%q,"properties":{"hs_url":"https://example.com/%s"}}`,
			o.id, o.kind, o.contact, o.at.UTC().Format(time.RFC3339Nano), o.id))
	}
	return reply{200, `{"results":[` + strings.Join(rows, ",") + `]` + next + `}`, dated(time.Now())}
}

func (s *stream) time(q url.Values, name string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, q.Get(name))
	if err != nil {
		s.t.Errorf("%s: %v", name, err)
	}
	return at
}

// take takes the feed to the end of its pass, and returns what it told by contact and id, in order.
func take(t *testing.T, f connectors.Feed, from connectors.Cursor) (told []string, next connectors.Cursor) {
	t.Helper()
	for range 1000 {
		p, err := f.Take(t.Context(), from)
		must(t, err)
		if len(p.Items) > eventsPage*(newcomersTake+1) {
			t.Fatalf("a page of %d events", len(p.Items))
		}
		for _, e := range p.Items {
			told = append(told, e.ID)
			if e.Email != "" || e.Source != "hubspot-events" || e.Kind == "" || e.Time.IsZero() || !strings.HasPrefix(e.URL, "https://example.com/") {
				t.Errorf("told %+v", e)
			}
		}
		if !p.More {
			return told, p.Next
		}
		if string(p.Next) == string(from) {
			t.Fatal("there is more, but the cursor stands")
		}
		from = p.Next
	}
	t.Fatal("the pass does not end")
	return nil, nil
}

func TestEventsAreTakenInWholeByTypeAndTime(t *testing.T) {
	for _, most := range []int{1000, 100} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(100 * 24 * time.Hour)
			s := &stream{t: t, max: most, types: []string{"e_sent_something", "pe123_signed_up", "e_visited_page"}}
			var want []string
			for i := range 2500 {
				o := occurrence{fmt.Sprint("v", i), pageViews, 1 + i%400, time.Now().Add(-time.Duration(i) * time.Minute)}
				if i%100 == 0 {
					o.kind = "pe123_signed_up"
				}
				s.list = append(s.list, o)
				if i > 0 { // that of this very moment belongs to the next pass
					want = append(want, fmt.Sprintf("%d:event:v%d", o.contact, i))
				}
			}
			s.list = append(s.list, occurrence{"old", pageViews, 1, time.Now().Add(-99 * 24 * time.Hour)}, occurrence{"sent", "e_sent_something", 1, time.Now().Add(-time.Hour)})
			c, f := connect(t, s.answer)
			feed := c.Events(EventsOptions{})
			told, next := take(t, feed, nil)
			slices.Sort(told)
			slices.Sort(want)
			if !slices.Equal(told, want) {
				t.Errorf("told %d events, want %d", len(told), len(want))
			}
			calls := 2500/most + 3 // the types, a page of one type, the pages of the other; those of 1,000 are refused once
			if most == 100 {
				calls++
			}
			if n := len(f.request); n > calls {
				t.Errorf("%d calls for 2,500 events of 400 contacts, want at most %d", n, calls)
			}
			// A minute later: one call a type, and what came in is told once more at most.
			time.Sleep(time.Minute)
			s.list = append(s.list, occurrence{"new", pageViews, 7, time.Now().Add(-time.Second)})
			before := len(f.request)
			told, _ = take(t, feed, next)
			if n := len(f.request) - before; n != 2 || !slices.Contains(told, "7:event:new") || len(told) > 20 {
				t.Errorf("%d calls, told %v", n, told)
			}
		})
	}
}

// What HubSpot files late is found: a quarter of an hour in every pass, a day once an hour.
func TestEventsFiledLateAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * 24 * time.Hour)
		s := &stream{t: t, max: 1000}
		c, _ := connect(t, s.answer)
		feed := c.Events(EventsOptions{})
		_, next := take(t, feed, nil)
		start := time.Now()
		s.list = append(s.list, occurrence{"minutes", pageViews, 1, start.Add(-10 * time.Minute)}, occurrence{"hours", pageViews, 1, start.Add(-20 * time.Hour)})
		var told []string
		var when []time.Duration
		for range 90 {
			time.Sleep(time.Minute)
			var now []string
			now, next = take(t, feed, next)
			for _, id := range now {
				if !slices.Contains(told, id) {
					told, when = append(told, id), append(when, time.Since(start))
				}
			}
		}
		if !slices.Equal(told, []string{"1:event:minutes", "1:event:hours"}) || when[0] != time.Minute || when[1] > time.Hour+time.Minute {
			t.Errorf("told %v after %v", told, when)
		}
		deep := 0
		for _, q := range s.calls {
			if s.time(q, "occurredBefore").Sub(s.time(q, "occurredAfter")) > 20*time.Hour {
				deep++
			}
		}
		if deep != 2 { // the first pass, and one an hour later
			t.Errorf("%d passes over a day or more in 90 minutes", deep)
		}
	})
}

// Page views of an anonymous visitor are filed under a contact when it becomes known, with the time they happened: a contact that a
// poll tells as new or merged is asked about once.
func TestWhatANewContactDidBeforeIsAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * 24 * time.Hour)
		s := &stream{t: t, max: 1000}
		var polled string
		c, _ := connect(t, func(r seen) reply {
			if strings.HasSuffix(r.path, "/search") {
				return reply{200, `{"total":1,"results":[` + polled + `]}`, dated(time.Now())}
			}
			return s.answer(r)
		})
		feed := c.Events(EventsOptions{})
		_, next := take(t, feed, nil)
		contact := func(id, created, merged, views string) string {
			return fmt.Sprintf(`{"id":%q,"properties":{"createdate":%q,"hs_merged_object_ids":%q,"hs_analytics_num_page_views":%q},"updatedAt":%q}`,
				id, created, merged, views, eventTime(time.Now().UnixMilli()))
		}
		poll := func(k string) (told []string, asked int) {
			t.Helper()
			polled = k
			_, err := c.Changes(t.Context(), walk{Feed: Contacts, Since: time.Now().UnixMilli()}.cursor())
			must(t, err)
			before := len(s.calls)
			told, next = take(t, feed, next)
			for _, q := range s.calls[before:] {
				if q.Has("objectId") {
					asked++
				}
			}
			return told, asked
		}
		now, past := eventTime(time.Now().UnixMilli()), "1999-01-01T00:00:00Z"
		s.list = append(s.list, occurrence{"before", pageViews, 7, time.Now().Add(-30 * 24 * time.Hour)})
		if told, asked := poll(contact("7", now, "", "3")); asked != 1 || !slices.Equal(told, []string{"7:event:before"}) {
			t.Errorf("a new contact: %d calls, told %v", asked, told)
		}
		for name, k := range map[string]string{"told again": contact("7", now, "", "4"), "an old one": contact("8", past, "", "4"), "one that did nothing": contact("9", now, "", "0")} {
			if told, asked := poll(k); asked != 0 || len(told) > 0 {
				t.Errorf("%s: %d calls, told %v", name, asked, told)
			}
		}
		s.list = append(s.list, occurrence{"merged", pageViews, 10, time.Now().Add(-30 * 24 * time.Hour)})
		for i, want := range []int{1, 0} {
			if _, asked := poll(contact("10", past, "8;7", "4")); asked != want {
				t.Errorf("merged, poll %d: %d calls", i, asked)
			}
		}
		// A crowd is asked about a few at a time.
		var crowd []string
		for i := range 25 {
			crowd = append(crowd, contact(fmt.Sprint(100+i), now, "", "1"))
		}
		for _, want := range []int{10, 10, 5, 0} {
			if _, asked := poll(strings.Join(crowd, ",")); asked != want {
				t.Errorf("of a crowd %d were asked about, want %d", asked, want)
			}
		}
	})
}

func TestAnAccountWithoutEventsIsAskedOnceADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := connect(t, func(seen) reply {
			return reply{status: 403, body: `{"status":"error","category":"MISSING_SCOPES","message":"no Enterprise"}`}
		})
		feed := c.Events(EventsOptions{})
		var next connectors.Cursor
		for range 48 {
			_, next = take(t, feed, next)
			time.Sleep(time.Hour)
		}
		if n := len(f.request); n > 5 || c.Report().LastError != "" {
			t.Errorf("%d calls in two days, %s", n, c.Report().LastError)
		}
		if _, err := feed.Take(t.Context(), connectors.Cursor(`{"v":1,"f":"contacts"}`)); connectors.KindOf(err) != connectors.Config {
			t.Errorf("another feed's cursor: %v", err)
		}
	})
}

// shelf is a store as far as Occurrences asks it.
type shelf struct{ asked []connectors.Person }

func (s *shelf) Active(context.Context, connectors.Cursor) (connectors.Page[connectors.Person], error) {
	return connectors.Page[connectors.Person]{Items: []connectors.Person{{UserIDs: []string{"hubspot:7"}}, {UserIDs: []string{"another:7"}}}, Next: connectors.Cursor("n")}, nil
}

func (s *shelf) Journeys(_ context.Context, people []connectors.Person, _ connectors.Window) iter.Seq2[connectors.Event, error] {
	s.asked = people
	return func(yield func(connectors.Event, error) bool) {
		yield(connectors.Event{ID: "7:event:1", Person: people[0].Key, UserID: "hubspot:7"}, nil)
	}
}

func TestOccurrencesAreAskedForByContact(t *testing.T) {
	c, _ := connect(t, nil)
	s := &shelf{}
	source := c.Occurrences(s)
	page, err := source.Active(t.Context(), nil)
	must(t, err)
	if len(page.Items) != 2 || !slices.Equal(page.Items[0].Refs, []connectors.Ref{ref("7")}) || page.Items[0].UserIDs != nil || page.Items[1].Refs != nil {
		t.Errorf("active: %+v", page.Items)
	}
	people := []connectors.Person{{Key: "ann", Emails: []string{"ann@example.com"}, Refs: []connectors.Ref{ref("7"), {CRM: "salesforce", Object: "Lead", ID: "1"}}}, {Key: "bob", Emails: []string{"bob@example.com"}}}
	for e, err := range source.Journeys(t.Context(), people, connectors.Window{}) {
		must(t, err)
		if e.Person != "ann" || e.UserID != "" {
			t.Errorf("told %+v", e)
		}
	}
	if len(s.asked) != 1 || !slices.Equal(s.asked[0].UserIDs, []string{"hubspot:7"}) || s.asked[0].Emails != nil {
		t.Errorf("asked about %+v", s.asked)
	}
}
