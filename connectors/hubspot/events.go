package hubspot

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// EventsOptions say how an Enterprise account's event occurrences are taken in.
type EventsOptions struct {
	Name string        // Event.Source (the client's name and "-engagement")
	Back time.Duration // how far back the first pass begins (90 days)
}

// eventFeed are the account's event occurrences as a feed: single page views and custom events of all contacts, by type and time.
//
// HubSpot tells of an occurrence by when it happened, not by when it was filed, and files what an anonymous visitor did only once
// the visitor becomes a known contact. So a pass begins a little before the end of the last one, once an hour a whole day before it,
// and contacts that a poll tells as new or merged are asked about once by themselves. What is told again keeps its id.
type eventFeed struct {
	c        *Client
	o        EventsOptions
	pageSize atomic.Int64
}

// Events is the feed. It shares the client's limits. A pass costs one request per type of event and one per further 1,000 events,
// and a contact that is new or merged one; an account without event occurrences is asked once a day.
func (c *Client) Events(o EventsOptions) connectors.Feed {
	if o.Name == "" {
		o.Name = c.o.Name + "-engagement"
	}
	if o.Back <= 0 {
		o.Back = 90 * 24 * time.Hour
	}
	f := &eventFeed{c: c, o: o}
	f.pageSize.Store(eventsPage)
	c.feed.Store(f)
	return f
}

const (
	eventsFeed     = "events"
	engagementFeed = "engagement"
	eventsRetry    = 24 * time.Hour // after which an account without event occurrences is asked again
	eventsPage     = 1000           // events of a page; what HubSpot refuses of it is asked for in pages of 100
	eventsPageMin  = 100
	eventsOverlap  = 15 * time.Minute // what is filed a little late
	eventsDeep     = 24 * time.Hour   // what is filed when a visitor becomes known
	eventsDeepPass = time.Hour        // how often that is looked for
	eventTypesFor  = 24 * time.Hour   // how long the list of event types is taken as it was
	pageViews      = "e_visited_page"
)

// eventsAt is a position in the feed, and its cursor's JSON. Between passes only Done and Deep are set.
type eventsAt struct {
	Version int    `json:"v"`
	Feed    string `json:"f"`
	Done    int64  `json:"d"`            // what happened until then was taken; Unix milliseconds by HubSpot's clock, as all here
	Deep    int64  `json:"h,omitempty"`  // the end of the last pass that began a day before
	From    int64  `json:"s,omitempty"`  // of the pass
	To      int64  `json:"to,omitempty"` // of the pass; 0 between passes
	Type    string `json:"t,omitempty"`  // whose turn it is
	After   string `json:"a,omitempty"`  // the page of it
}

// Take returns a page of occurrences, and with it those of a few contacts that became known since.
func (f *eventFeed) Take(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Event], error) {
	var p connectors.Page[connectors.Event]
	at := eventsAt{}
	if from != nil {
		if err := f.c.readCursor(eventsFeed, from, &at); err != nil {
			return p, err
		}
	}
	at.Version, at.Feed = cursorVersion, eventsFeed
	if f.c.eventsOff() {
		p.Next = transport.Encode(at)
		return p, nil
	}
	types, err := f.types(ctx)
	if err != nil {
		return p, err
	}
	if at.To == 0 {
		f.begin(&at, types)
	}
	items, after, has, err := f.page(ctx, url.Values{"eventType": {at.Type},
		"occurredAfter": {eventTime(at.From)}, "occurredBefore": {eventTime(at.To)}}, at.After)
	if err != nil {
		return p, err
	}
	if !has {
		at.To = 0 // the pass begins anew when the account has them
		p.Next = transport.Encode(at)
		return p, nil
	}
	p.Items, p.More = items, true
	if at.After = after; after == "" {
		i, found := slices.BinarySearch(types, at.Type)
		if found {
			i++
		}
		if i < len(types) {
			at.Type = types[i]
		} else {
			at, p.More = at.end(), false
		}
	}
	known, err := f.newcomers(ctx)
	if err != nil {
		return connectors.Page[connectors.Event]{}, err
	}
	p.Items = append(p.Items, known...)
	p.Next = transport.Encode(at)
	return p, nil
}

// begin begins a pass.
func (f *eventFeed) begin(at *eventsAt, types []string) {
	now, _ := f.c.http.ServerNow()
	at.To, at.Type, at.After = now.UnixMilli(), types[0], ""
	overlap := eventsOverlap
	switch {
	case at.Done == 0:
		at.From = now.Add(-f.o.Back).UnixMilli()
		return
	case at.To-at.Deep >= eventsDeepPass.Milliseconds():
		overlap = eventsDeep
	}
	at.From = at.Done - overlap.Milliseconds()
}

// end is the position after a pass.
func (at eventsAt) end() eventsAt {
	next := eventsAt{Version: at.Version, Feed: at.Feed, Done: max(at.To, at.Done), Deep: at.Deep}
	if at.Done == 0 || at.Done-at.From >= eventsDeep.Milliseconds() {
		next.Deep = at.To
	}
	return next
}

func eventTime(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }

// types are the types of event that are taken, sorted: page views, and the account's custom events.
func (f *eventFeed) types(ctx context.Context) ([]string, error) {
	c := f.c
	if known := c.eventTypes.Load(); known != nil && c.o.Now().Sub(known.at) < eventTypesFor {
		return known.names, nil
	}
	r := transport.Get("list event types", c.paths.eventTypes())
	r.Answers = []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound} // page views there are all the same, or the next call tells
	v, resp, err := transport.Do[struct {
		EventTypes []string `json:"eventTypes"`
	}](ctx, c.http, r)
	if err != nil {
		return nil, err
	}
	names := []string{pageViews}
	if resp.Status == http.StatusOK {
		for _, name := range v.EventTypes {
			if occurrenceKind(name) != "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	c.eventTypes.Store(&eventTypes{names, c.o.Now()})
	return names, nil
}

type eventTypes struct {
	names []string
	at    time.Time
}

// page asks for one page of occurrences; has says whether the account has any at all.
func (f *eventFeed) page(ctx context.Context, which url.Values, after string) (items []connectors.Event, next string, has bool, err error) {
	type answer struct {
		Results []struct {
			ID         string            `json:"id"`
			Type       string            `json:"eventType"`
			ObjectID   any               `json:"objectId"` // a text or a number
			OccurredAt string            `json:"occurredAt"`
			Properties map[string]string `json:"properties"`
		} `json:"results"`
		Paging paging `json:"paging"`
	}
	size := f.pageSize.Load()
	r := transport.Get("read event occurrences", f.c.paths.occurrences())
	r.Answers = []int{http.StatusForbidden, http.StatusNotFound}
	if size > eventsPageMin {
		r.Answers = append(r.Answers, http.StatusBadRequest)
	}
	which.Set("objectType", "contact")
	which.Set("limit", strconv.FormatInt(size, 10))
	r.Query = which
	if after != "" {
		r.Query.Set("after", after)
	}
	v, resp, err := transport.Do[answer](ctx, f.c.http, r)
	switch {
	case err != nil:
		return nil, "", false, err
	case resp.Status == http.StatusBadRequest:
		f.pageSize.Store(eventsPageMin)
		return f.page(ctx, which, after)
	case resp.Status != http.StatusOK:
		f.c.noEvents.Store(f.c.o.Now().Add(eventsRetry).Unix())
		return nil, "", false, nil
	}
	for _, o := range v.Results {
		at, ok := parseTime(o.OccurredAt)
		kind, contact := occurrenceKind(o.Type), idText(o.ObjectID)
		if _, isID := recordID(contact); !ok || kind == "" || o.ID == "" || !isID {
			continue
		}
		items = append(items, connectors.Event{ID: contact + ":event:" + o.ID, Source: f.o.Name, Time: at, Kind: kind, UserID: f.c.userID(contact),
			URL: o.Properties["hs_url"], PageTitle: o.Properties["hs_title"], Referrer: o.Properties["hs_referrer"], UserAgent: o.Properties["hs_userAgent"]})
	}
	if next = v.Paging.Next.After; next == after {
		next = ""
	}
	return items, next, true, nil
}

func (c *Client) eventsOff() bool { return c.o.Now().Unix() < c.noEvents.Load() }

// occurrenceKind is the kind of a HubSpot event type, "" for what the prospect did not do. Custom events (pe12345_name) keep
// their name.
func occurrenceKind(eventType string) string {
	switch {
	case eventType == pageViews:
		return connectors.KindPageView
	case strings.HasPrefix(eventType, "pe"):
		return eventType
	}
	return ""
}

// idText is an id that HubSpot gives as a text or as a number.
func idText(v any) string {
	switch id := v.(type) {
	case string:
		return id
	case float64:
		return strconv.FormatFloat(id, 'f', 0, 64)
	}
	return ""
}

// userID is a contact as the events of the feed name it: an id that no other source gives.
func (c *Client) userID(contact string) string { return c.o.Name + ":" + contact }

// refOf is the contact that userID names.
func (c *Client) refOf(userID string) (connectors.Ref, bool) {
	id, ours := strings.CutPrefix(userID, c.o.Name+":")
	_, ok := recordID(id)
	return c.ref(id), ours && ok
}

// newcomers remembers contacts that a poll told as new or merged, until the feed has asked what they did before. They are few:
// whom a sweep tells the first pass of the feed knows.
type newcomers struct {
	mu      sync.Mutex
	waiting []string
	asked   map[string]bool // by id and the ids it took over
}

const (
	newcomerFor   = 24 * time.Hour // a contact counts as new, or merged, for so long
	newcomersMax  = 10_000
	newcomersTake = 10 // of a page
)

// note notes those contacts of a poll that are new, or took over others, and did something.
func (n *newcomers) note(contacts []connectors.Contact, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range contacts {
		k := &contacts[i]
		if !engaged(k.Fields) || now.Sub(k.Created) >= newcomerFor && len(k.Absorbed) == 0 {
			continue
		}
		key := k.ID
		for _, r := range k.Absorbed {
			key += "," + r.ID // asked again when it takes over another
		}
		if n.asked[key] || len(n.waiting) >= newcomersMax {
			continue
		}
		if n.asked == nil || len(n.asked) >= newcomersMax {
			n.asked = map[string]bool{}
		}
		n.asked[key] = true
		n.waiting = append(n.waiting, k.ID)
	}
}

func (n *newcomers) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids := slices.Clone(n.waiting[:min(newcomersTake, len(n.waiting))])
	n.waiting = n.waiting[len(ids):]
	return ids
}

func (n *newcomers) giveBack(ids []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = append(ids, n.waiting...)
}

// newcomers are the occurrences of the next few contacts that became known, all that their first page holds.
func (f *eventFeed) newcomers(ctx context.Context) ([]connectors.Event, error) {
	ids := f.c.newcomers.take()
	now, _ := f.c.http.ServerNow()
	var all []connectors.Event
	for i, id := range ids {
		items, _, _, err := f.page(ctx, url.Values{"objectId": {id},
			"occurredAfter": {eventTime(now.Add(-f.o.Back).UnixMilli())}, "occurredBefore": {eventTime(now.UnixMilli())}}, "")
		if err != nil {
			f.c.newcomers.giveBack(ids[i:])
			return nil, err
		}
		all = append(all, items...)
	}
	return all, nil
}

// engagementWithOccurrences is the engagement together with the store that the feed was taken into, which is asked about a person's
// contacts.
type engagementWithOccurrences struct {
	*engagement
	store connectors.EventStore
}

// Active tells the contacts of which occurrences came in. A cursor from before there was a store begins at the oldest.
func (s *engagementWithOccurrences) Active(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	if s.c.readCursor(engagementFeed, from, &walk{}) == nil {
		from = nil
	}
	page, err := s.store.Active(ctx, from)
	for i := range page.Items {
		var refs []connectors.Ref
		for _, id := range page.Items[i].UserIDs {
			if ref, ok := s.c.refOf(id); ok {
				refs = append(refs, ref)
			}
		}
		page.Items[i] = connectors.Person{Refs: refs}
	}
	return page, err
}

func (s *engagementWithOccurrences) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		for e, err := range s.engagement.Journeys(ctx, people, w) {
			if !yield(e, err) || err != nil {
				return
			}
		}
		for e, err := range s.store.Journeys(ctx, s.asked(people), w) {
			e.UserID = "" // it names the record that was asked about
			if !yield(e, err) {
				return
			}
		}
	}
}

// asked are people as the store knows them.
func (s *engagementWithOccurrences) asked(people []connectors.Person) []connectors.Person {
	list := make([]connectors.Person, 0, len(people))
	for _, p := range people {
		q := connectors.Person{Key: p.Key}
		for _, ref := range p.Refs {
			if ref.CRM == s.c.o.Name && ref.Object == Contacts {
				q.UserIDs = append(q.UserIDs, s.c.userID(ref.ID))
			}
		}
		if len(q.UserIDs) > 0 {
			list = append(list, q)
		}
	}
	return list
}

// Forget erases what the store holds of the person's contacts.
func (s *engagementWithOccurrences) Forget(ctx context.Context, p connectors.Person) (events int, err error) {
	for _, q := range s.asked([]connectors.Person{p}) {
		n, err := s.store.Forget(ctx, q)
		if events += n; err != nil {
			return events, err
		}
	}
	return events, nil
}

// Withdraw erases what the store holds of the person's contacts until they withdrew their consent.
func (s *engagementWithOccurrences) Withdraw(ctx context.Context, p connectors.Person, until time.Time, by string) (events int, err error) {
	for _, q := range s.asked([]connectors.Person{p}) {
		n, err := s.store.Withdraw(ctx, q, until, by)
		if events += n; err != nil {
			return events, err
		}
	}
	return events, nil
}

func (s *engagementWithOccurrences) Compact(ctx context.Context) error { return s.store.Compact(ctx) }

func (s *engagementWithOccurrences) Intake() (connectors.Intake, error) { return s.store.Intake() }
