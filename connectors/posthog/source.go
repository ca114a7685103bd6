package posthog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/asked"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Source is a PostHog project.
type Source struct {
	asked.Source
	o      Config
	noBots atomic.Bool // this PostHog does not tell bots
}

// Times of intake and of events in milliseconds: HogQL shows times in the project's zone, and numbers as they are.
const (
	created  = "toUnixTimestamp64Milli(created_at)"
	happened = "toUnixTimestamp64Milli(timestamp)"
)

const cursorVersion = 1

// cursor is where the poll for active people goes on. Span bounds the time that one query reads, where all at once was too much; 0: it does not.
type cursor struct {
	asked.Position
	Span time.Duration `json:"sp,omitzero"`
}

// spans are tried one after the other where a query is too much for PostHog.
var spans = []time.Duration{7 * day, day, 4 * time.Hour, time.Hour}

// Active implements connectors.Source. A call is one query, or up to five where PostHog finds that too much.
func (s *Source) Active(ctx context.Context, from connectors.Cursor) (connectors.Page[connectors.Person], error) {
	return s.active(ctx, from, &s.Source)
}

// active is Active, with the place where what cannot be read is counted.
func (s *Source) active(ctx context.Context, from connectors.Cursor, counts *asked.Source) (connectors.Page[connectors.Person], error) {
	at := cursor{Position: asked.Position{Version: cursorVersion}}
	if err := asked.ReadCursor(s.Name+": who was active", from, &at, func() bool { return at.Version == cursorVersion }); err != nil {
		return connectors.Page[connectors.Person]{}, err
	}
	if from == nil {
		at.Time = s.Now().Add(-s.o.Back)
	}
	for {
		page, err := s.activePage(ctx, at, counts)
		narrower := slices.IndexFunc(spans, func(d time.Duration) bool { return at.Span == 0 || d < at.Span })
		if !tooMuch(err) || narrower < 0 {
			return page, err
		}
		at.Span = spans[narrower]
	}
}

// activeRow are the columns of activeQuery.
const (
	activeTime = iota
	activeID
	activeEvent
	activeDistinct
	activePerson
	activeEmail
	activePhone
	activeIdentified
	activeDevice
	activeFormer
	activeColumns
)

// activeQuery asks for events of people whom PostHog keeps a person of, in the order of intake. Its table lies by days of timestamp, so
// that this is bounded, too.
func (s *Source) activeQuery(bounded bool) string {
	columns := s.eventColumns()
	query := "SELECT " + strings.Join([]string{
		activeTime: created, activeID: columns[colID], activeEvent: "event", activeDistinct: "distinct_id", activePerson: columns[colPerson],
		// What an event sets counts from that event on, also where the person's properties are those of before.
		activeEmail: "coalesce(properties.`$set`.`" + s.o.EmailProperty + "`, person.properties.`" + s.o.EmailProperty + "`)", activePhone: columns[colPhone],
		activeIdentified: columns[colIdentified], activeDevice: columns[colDevice], activeFormer: columns[colFormer],
	}, ", ") + " FROM events WHERE timestamp >= toDateTime({oldest}) AND person_mode != 'propertyless' AND (" + created + ", toString(uuid)) > ({since}, {since_id})"
	if bounded {
		query += " AND " + created + " < {until}"
	}
	return query + fmt.Sprintf(" ORDER BY %s, toString(uuid) LIMIT %d", created, s.activeRows())
}

// activeRows is how many rows a page of active people holds: the host takes one in as a whole.
func (s *Source) activeRows() int { return min(s.o.MaxRows, 20_000) }

// activePage reads one page. A query that fails leaves the position as it was.
func (s *Source) activePage(ctx context.Context, from cursor, counts *asked.Source) (connectors.Page[connectors.Person], error) {
	var until time.Time // of this page; zero: none
	if from.Span > 0 && from.Time.Add(from.Span).Before(s.Now().Add(-s.o.Lookback)) {
		until = from.Time.Add(from.Span)
	} else {
		from.Span = 0
	}
	values := map[string]any{"oldest": utc(from.Time.Add(-s.o.Late)), "since": from.Time.UnixMilli(), "since_id": from.ID}
	if !until.IsZero() {
		values["until"] = until.UnixMilli()
	}
	var p *people
	if err := s.withBots(func() error {
		return s.ask(ctx, "who was active", s.activeQuery(!until.IsZero()), values, func() { p = &people{counts: counts, at: from, index: map[string]int{}}; p.at.Position = from.Clone() }, func(row []json.RawMessage) error {
			p.meet(row)
			return nil
		})
	}); err != nil {
		return connectors.Page[connectors.Person]{}, err
	}
	more := p.rows >= s.activeRows()
	if !more && !until.IsZero() {
		p.at.Row, more = asked.Row{Time: until}, true
	}
	p.at.Rest(more, s.o.Lookback)
	return connectors.Page[connectors.Person]{Items: p.items, Next: transport.Encode(p.at), More: more}, nil
}

// people are those of one page, each once.
type people struct {
	counts *asked.Source
	at     cursor
	rows   int
	items  []connectors.Person
	index  map[string]int // of items, by PostHog's person
}

// meet takes a row of the active query.
func (p *people) meet(row []json.RawMessage) {
	p.rows++
	c := texts(row)
	if len(c) < activeColumns {
		p.counts.Misread("who was active", p.rows, errShort)
		return
	}
	t, err := instant(c[activeTime])
	if err != nil {
		p.counts.Misread("who was active", p.rows, err)
		return
	}
	if !p.at.Meet(asked.Row{Time: t, ID: c[activeID]}) {
		return
	}
	k, met := p.index[c[activePerson]]
	if !met || c[activePerson] == "" {
		k = len(p.items)
		p.items = append(p.items, connectors.Person{})
		p.index[c[activePerson]] = k
	}
	add := func(list *[]string, v string) {
		if v != "" && !slices.Contains(*list, v) {
			*list = append(*list, v)
		}
	}
	for _, i := range []int{activeEmail, activePhone, activeDevice, activeFormer} {
		c[i] = unescaped(c[i])
	}
	w := identifiers(c[activeEvent], c[activeDistinct], c[activeEmail], c[activeIdentified], c[activeDevice])
	add(&p.items[k].Emails, w.email)
	add(&p.items[k].Phones, c[activePhone])
	add(&p.items[k].UserIDs, w.userID)
	add(&p.items[k].AnonymousIDs, w.anonymousID)
	if former(c[activeEvent]) {
		add(&p.items[k].AnonymousIDs, c[activeFormer])
	}
}

// withBots runs a query that asks for PostHog's word on bots, and again without it where PostHog does not know the column.
func (s *Source) withBots(run func() error) error {
	err := run()
	var e *connectors.Error
	if errors.As(err, &e) && e.Kind == connectors.Config && strings.Contains(e.Message, "$virt_bot_name") && !s.noBots.Swap(true) {
		return run()
	}
	return err
}

// Journeys implements connectors.Source: a lot of people is one query.
func (s *Source) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		for _, lot := range s.lots(people) {
			if err := s.lot(ctx, lot, w, func(e connectors.Event) bool { return yield(e, nil) }); err != nil {
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

var errLeft = errors.New("the sequence was left")

// mostIdentifiers bounds the identifiers of one query, in bytes: PostHog's database reads queries of up to half a megabyte, in which each
// stands up to three times.
const mostIdentifiers = 100_000

// lots are people as one query asks about them.
func (s *Source) lots(people []connectors.Person) (out [][]connectors.Person) {
	size := 0
	for i, p := range people {
		n := 0
		for _, list := range [][]string{p.Emails, p.Emails, p.UserIDs, p.AnonymousIDs} { // addresses stand in two lists
			for _, v := range list {
				n += len(v) + 4
			}
		}
		if i == 0 || size+n > mostIdentifiers || len(out[len(out)-1]) == s.o.PeoplePerQuery {
			out, size = append(out, nil), 0
		}
		out[len(out)-1], size = append(out[len(out)-1], p), size+n
	}
	return out
}

// lot asks about people at once, or in halves if that is too much; what was told before that is told again, which the sequence allows.
func (s *Source) lot(ctx context.Context, people []connectors.Person, w connectors.Window, yield func(connectors.Event) bool) error {
	j := s.about(people, w)
	if len(j.values) == 0 {
		return nil
	}
	err := j.run(ctx, yield)
	if !tooMuch(err) || len(people) == 1 {
		return err
	}
	half := len(people) / 2
	if err := s.lot(ctx, people[:half], w, yield); err != nil {
		return err
	}
	return s.lot(ctx, people[half:], w, yield)
}

// utc is a time as HogQL reads it, whatever the project's zone.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
