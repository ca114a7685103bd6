package umami

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/asked"
	"github.com/intentd/intentd/connectors/internal/records"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Source is a website in Umami.
type Source struct {
	asked.Source
	o       Config
	api     string // what paths begin with
	website string // what paths about the website begin with
	filters atomic.Bool
	owners  owners
}

// Sizes of pages. Each session of a page may have to be asked about.
const (
	sessionsPage = 100
	eventsPage   = 1000
)

const cursorVersion = 1

// cursor is where the polls go on. Until and Page are those of a pass that is under way: its span of time has ended, so that its pages stand still.
type cursor struct {
	asked.Position
	Until time.Time `json:"u,omitzero"`
	Page  int       `json:"p,omitempty"`
}

// Active implements connectors.Source. A call is one request for a page of sessions, and one for each of them that was not met before.
func (s *Source) Active(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	none := connectors.Page[connectors.Person]{}
	op := "who was active"
	at := cursor{Position: asked.Position{Version: cursorVersion}}
	if err := asked.ReadCursor(s.Name+": "+op, from, &at, func() bool { return at.Version == cursorVersion }); err != nil {
		return none, err
	}
	if err := s.ready(ctx); err != nil {
		return none, err
	}
	if from == nil {
		at.Time = s.Now().Add(-s.o.Back)
	}
	if at.Page == 0 {
		at.Until, at.Page = s.Now(), 1
	}
	var got []session
	// Where Umami sums up by the hour, an hour counts from its beginning.
	count, err := s.page(ctx, op, "/sessions", span{at.Time.Truncate(time.Hour), at.Until}, anybody, at.Page, sessionsPage, &got)
	if err != nil {
		return none, err
	}
	var items []connectors.Person
	for i, one := range got {
		last, ok := records.ParseTime(string(one.Last))
		if !ok || one.ID == "" {
			s.Misread(op, i+1, errNoTime)
			continue
		}
		if !at.First(asked.Row{Time: last, ID: one.ID}) {
			continue
		}
		distinct, err := s.owner(ctx, one.ID)
		if err != nil {
			return none, err
		}
		switch email, userID := who(distinct); {
		case email != "":
			items = append(items, connectors.Person{Emails: []string{email}})
		case userID != "":
			items = append(items, connectors.Person{UserIDs: []string{userID}})
		default:
			s.LeftOut(connectors.LeftOutNobody, 1)
		}
	}
	more := len(got) > 0 && at.Page*sessionsPage < count
	if at.Page++; !more {
		at.Page = 0
	}
	at.Rest(more, s.o.Lookback)
	return connectors.Page[connectors.Person]{Items: items, Next: transport.Encode(at), More: more}, nil
}

var (
	errNoTime = errors.New("no id or no time, or one that cannot be read")
	errLeft   = errors.New("the sequence was left")
)

// Journeys implements connectors.Source: a lot of people is one call for every 1,000 of their events, one for each of them whose session was not
// met before, and one more for the properties of events that have some.
func (s *Source) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		ids := asked.Values(people, func(p connectors.Person) []string { return slices.Concat(p.Emails, p.UserIDs) })
		l := &lot{s: s, whose: asked.Of(people), window: w, span: span{w.From, w.To.Add(-time.Millisecond)}}
		if len(ids) > 0 && w.From.Before(w.To) {
			err := s.ready(ctx)
			for _, filter := range filters(ids) {
				if err != nil {
					break
				}
				err = l.run(ctx, filter, func(e connectors.Event) bool { return yield(e, nil) })
			}
			if err != nil {
				if !errors.Is(err, errLeft) {
					yield(connectors.Event{}, err)
				}
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(connectors.Event{}, err)
		}
	}
}
