package hubspot

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/intentd/intentd/connectors"
)

// engagement is what HubSpot itself recorded of people, as a source: summary properties with their history. Only what the prospect did becomes an event; calls, sent mails and notes of the own
// team do not.
type engagement struct {
	c *Client
	o EngagementOptions
}

// Engagement is the portal's own engagement as a source. It shares the client's limits.
//
// Journeys costs one request per 50 people and none for those a Read just found without any trace; Active tells
// nobody, for the CRM's poll already tells whose summary properties changed. With EngagementOptions.Occurrences both tell what the
// store holds of event occurrences besides.
func (c *Client) Engagement(o EngagementOptions) connectors.Source {
	if o.Name == "" {
		o.Name = c.o.Name + "-engagement"
	}
	c.engagement.Store(true)
	s := &engagement{c, o}
	if o.Occurrences != nil {
		return &engagementWithOccurrences{s, o.Occurrences}
	}
	return s
}

func (s *engagement) Active(_ context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	if from == nil {
		from = walk{Feed: engagementFeed}.cursor()
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
		for _, person := range persons[r.ID] {
			for _, e := range own {
				e.Source, e.Person = s.o.Name, person
				events = append(events, e)
			}
		}
	}
	return events, nil
}
