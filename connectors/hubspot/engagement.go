package hubspot

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// engagement is what HubSpot itself recorded of people, as a source: summary properties with their history and, where the
// account has them, event occurrences. Only what the prospect did becomes an event; calls, sent mails and notes of the own
// team do not.
type engagement struct {
	c *Client
	o EngagementOptions
}

// Engagement is the portal's own engagement as a source. It shares the client's limits.
//
// Journeys costs one request per 50 people and none for those a Read just found without any trace; Active tells
// nobody, for the CRM's poll already tells whose summary properties changed.
func (c *Client) Engagement(o EngagementOptions) connectors.Source {
	if o.Name == "" {
		o.Name = c.o.Name + "-engagement"
	}
	c.engagement.Store(true)
	return &engagement{c, o}
}

func (s *engagement) Active(_ context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	if from == nil {
		from = walk{Feed: "engagement"}.cursor()
	}
	return connectors.Page[connectors.Person]{Next: from}, nil
}

// Journeys reads the people's contacts in batches, several in flight, and yields their events batch by batch. A contact that
// is archived, merged or gone has none.
func (s *engagement) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		batches := chunks(s.contacts(people), historyBatchSize)
		if len(batches) == 0 {
			return
		}
		type result struct {
			events []connectors.Event
			err    error
		}
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		results := make([]chan result, len(batches))
		for i := range results {
			results[i] = make(chan result, 1)
		}
		todo := make(chan int, len(batches))
		for i := range batches {
			todo <- i
		}
		close(todo)
		for range min(s.c.o.ReadConcurrency, len(batches)) {
			running.Go(func() {
				for i := range todo {
					events, err := s.batch(ctx, batches[i], w)
					results[i] <- result{events, err}
				}
			})
		}
		for _, r := range results {
			got := <-r
			if got.err != nil {
				yield(connectors.Event{}, got.err)
				return
			}
			for _, e := range got.events {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// member is a contact and the person it belongs to.
type member struct{ id, person string }

// contacts are the people's contacts of this portal that may have a journey.
func (s *engagement) contacts(people []connectors.Person) []member {
	var list []member
	seen := map[member]bool{}
	now := s.c.o.Now()
	for _, p := range people {
		for _, ref := range p.Refs {
			id, ok := recordID(ref.ID)
			m := member{ref.ID, p.Key}
			if !ok || ref.CRM != s.c.o.Name || ref.Object != Contacts || seen[m] || s.c.idle.idle(id, now) {
				continue
			}
			seen[m] = true
			list = append(list, m)
		}
	}
	return list
}

func (s *engagement) batch(ctx context.Context, members []member, w connectors.Window) ([]connectors.Event, error) {
	persons := map[string][]string{}
	var ids []string
	for _, m := range members {
		if persons[m.id] == nil {
			ids = append(ids, m.id)
		}
		persons[m.id] = append(persons[m.id], m.person)
	}
	op := fmt.Sprintf("read the engagement of %d contacts", len(ids))
	answer, err := s.c.readBatch(ctx, op, batchRead{Properties: tracked, History: tracked, Inputs: idInputs(ids)}, false)
	if err != nil {
		return nil, err
	}
	var events []connectors.Event
	for i := range answer.Results {
		r := &answer.Results[i]
		if persons[r.ID] == nil {
			continue // the survivor of a merge: it is asked about under its own id
		}
		own := journey(r, w)
		if !s.o.NoOccurrences && !s.c.eventsOff() && visited(own) {
			detailed, err := s.occurrences(ctx, r.ID, w)
			if err != nil {
				return nil, err
			}
			if len(detailed) > 0 {
				own = append(withoutVisits(own), detailed...)
			}
		}
		for _, person := range persons[r.ID] {
			for _, e := range own {
				e.Source, e.Person = s.o.Name, person
				events = append(events, e)
			}
		}
	}
	return events, nil
}

func visited(events []connectors.Event) bool {
	for _, e := range events {
		if e.Kind == connectors.KindPageView {
			return true
		}
	}
	return false
}

// withoutVisits leaves out what single page views tell better.
func withoutVisits(events []connectors.Event) []connectors.Event {
	var kept []connectors.Event
	for _, e := range events {
		if e.Kind != connectors.KindPageView && e.Kind != connectors.KindVisit {
			kept = append(kept, e)
		}
	}
	return kept
}

const (
	occurrencePages = 10             // of 100 events per person: more than anybody's journey needs
	eventsRetry     = 24 * time.Hour // after which an account without event occurrences is asked again
)

func (c *Client) eventsOff() bool { return c.o.Now().Unix() < c.noEvents.Load() }

// occurrences are a contact's single page views and custom events. An account without them answers 403 once a day.
func (s *engagement) occurrences(ctx context.Context, id string, w connectors.Window) ([]connectors.Event, error) {
	type answer struct {
		Results []struct {
			ID         string            `json:"id"`
			Type       string            `json:"eventType"`
			OccurredAt string            `json:"occurredAt"`
			Properties map[string]string `json:"properties"`
		} `json:"results"`
		Paging paging `json:"paging"`
	}
	var events []connectors.Event
	after := ""
	for range occurrencePages {
		r := transport.Get("read event occurrences", s.c.paths.occurrences())
		r.Answers = []int{http.StatusForbidden, http.StatusNotFound}
		// A second more on both sides: whether HubSpot counts the bounds in is not documented, and the window decides anyway.
		r.Query = url.Values{"objectType": {"contact"}, "objectId": {id}, "limit": {"100"},
			"occurredAfter":  {w.From.Add(-time.Second).UTC().Format(time.RFC3339)},
			"occurredBefore": {w.To.Add(time.Second).UTC().Format(time.RFC3339)}}
		if after != "" {
			r.Query.Set("after", after)
		}
		v, resp, err := transport.Do[answer](ctx, s.c.http, r)
		switch {
		case err != nil:
			return nil, err
		case resp.Status == http.StatusForbidden, resp.Status == http.StatusNotFound && after == "":
			s.c.noEvents.Store(s.c.o.Now().Add(eventsRetry).Unix())
			return nil, nil
		case resp.Status == http.StatusNotFound:
			return events, nil
		}
		for _, o := range v.Results {
			at, ok := parseTime(o.OccurredAt)
			kind := occurrenceKind(o.Type)
			if !ok || kind == "" || o.ID == "" || !w.Contains(at) {
				continue
			}
			events = append(events, connectors.Event{ID: id + ":event:" + o.ID, Time: at, Kind: kind,
				URL: o.Properties["hs_url"], PageTitle: o.Properties["hs_title"], Referrer: o.Properties["hs_referrer"], UserAgent: o.Properties["hs_userAgent"]})
		}
		if v.Paging.Next.After == "" || v.Paging.Next.After == after {
			break
		}
		after = v.Paging.Next.After
	}
	return events, nil
}

// occurrenceKind is the kind of a HubSpot event type, "" for what the prospect did not do. Custom events (pe12345_name) keep
// their name.
func occurrenceKind(eventType string) string {
	switch {
	case eventType == "e_visited_page":
		return connectors.KindPageView
	case strings.HasPrefix(eventType, "pe"):
		return eventType
	}
	return ""
}
