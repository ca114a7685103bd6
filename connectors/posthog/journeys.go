package posthog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/asked"
)

// journeys asks for the events of a lot of people, page by page.
type journeys struct {
	s      *Source
	counts *asked.Source // where what is read is counted
	whose  asked.Whose
	window connectors.Window
	values map[string]any // of the query; nil: there is nobody to ask about
	owners map[string]string
	held   []held // events whose owner the answer has not told yet
}

// held is an event of a person of PostHog's.
type held struct {
	event  connectors.Event
	person string
}

// unheard are events that tell nothing of intent and can be most of a project's.
var unheard = []string{"$feature_flag_called", "$web_vitals", "$exception", "$performance_event", "$snapshot", "$$heatmap", "$groupidentify", "$ai_generation", "$ai_span", "$ai_trace", "$ai_embedding"}

func (s *Source) about(people []connectors.Person, w connectors.Window) *journeys {
	j := &journeys{s: s, counts: &s.Source, whose: asked.Of(people), window: w, owners: map[string]string{}}
	if !w.From.Before(w.To) {
		return j
	}
	emails := asked.Values(people, func(p connectors.Person) []string { return lower(p.Emails) })
	// Many applications identify people by their address.
	ids := asked.Values(people, func(p connectors.Person) []string {
		return slices.Concat(p.UserIDs, p.AnonymousIDs, p.Emails, lower(p.Emails))
	})
	if len(ids) == 0 {
		return j
	}
	j.values = map[string]any{"ids": ids, "from": utc(w.From), "to": utc(w.To), "unheard": unheard, "after": int64(0), "after_id": ""}
	if len(emails) > 0 {
		j.values["emails"] = emails
	}
	return j
}

func lower(list []string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = strings.ToLower(v)
	}
	return out
}

// query asks three things at once: whose address is that of which person, whose distinct id, and what all of them did. Each row says what it is. A
// visitor who became known keeps what they did before: PostHog joins persons, and person_id is the one joined to.
func (j *journeys) query() string {
	const byID = "SELECT person_id FROM person_distinct_ids WHERE distinct_id IN {ids}"
	persons, of := "", ""
	if j.values["emails"] != nil {
		address := "properties.`" + j.s.o.EmailProperty + "`"
		where := " FROM persons WHERE lower(toString(" + address + ")) IN {emails}"
		persons = "SELECT 'address', [toString(id), toString(" + address + ")]" + where + " LIMIT 50000 UNION ALL "
		of = " OR person_id IN (SELECT id" + where + ")"
	}
	return persons + "SELECT 'distinct id', [toString(person_id), distinct_id] FROM person_distinct_ids WHERE distinct_id IN {ids} LIMIT 50000 UNION ALL (" +
		"SELECT 'event', [" + strings.Join(j.s.eventColumns(), ", ") + "] FROM events WHERE timestamp >= toDateTime({from}) AND timestamp < toDateTime({to})" +
		" AND event NOT IN {unheard} AND (distinct_id IN {ids} OR person_id IN (" + byID + ")" + of + ")" +
		" AND (" + happened + ", toString(uuid)) > ({after}, {after_id})" +
		fmt.Sprintf(" ORDER BY %s, toString(uuid) LIMIT %d)", happened, j.s.o.MaxRows)
}

// run yields the events of all pages.
func (j *journeys) run(ctx context.Context, yield func(connectors.Event) bool) error {
	for {
		rows, told := 0, 0
		var last asked.Row
		err := j.s.withBots(func() error {
			return j.s.ask(ctx, "journeys", j.query(), j.values, func() { rows, told, j.held = 0, 0, nil }, func(row []json.RawMessage) error {
				at, n, err := j.row(row, yield)
				if n >= 0 {
					rows, told = rows+1, told+n
				}
				if at.Time.After(last.Time) || at.Time.Equal(last.Time) && at.ID > last.ID {
					last = at
				}
				return err
			})
		})
		j.counts.Events(told)
		if err != nil {
			return err
		}
		if err := j.release(yield); err != nil {
			return err
		}
		if rows < j.s.o.MaxRows {
			return nil
		}
		if j.values["after"] == last.Time.UnixMilli() && j.values["after_id"] == last.ID {
			return connectors.Errorf(connectors.Transient, j.s.Name+": journeys", "a page of %d rows ends where it began", rows)
		}
		j.values["after"], j.values["after_id"] = last.Time.UnixMilli(), last.ID
	}
}

// row takes one row of the answer: who somebody is, or an event. at is where an event stands, n how many were yielded, or −1 if the row is
// none.
func (j *journeys) row(row []json.RawMessage, yield func(connectors.Event) bool) (at asked.Row, n int, err error) {
	var cells []json.RawMessage
	if len(row) != 2 || json.Unmarshal(row[1], &cells) != nil {
		j.counts.Misread("journeys", 0, errShort)
		return at, -1, nil
	}
	c := texts(cells)
	switch kind := text(row[0]); {
	case kind != "event" && len(c) >= 2:
		j.owner(kind, c[0], c[1])
		return at, -1, nil
	case kind != "event":
		j.counts.Misread("journeys", 0, errShort)
		return at, -1, nil
	}
	e, person, err := readEvent(j.s.Name, c)
	if err != nil {
		j.counts.Misread("journeys", 0, err)
		return at, 0, nil
	}
	at = asked.Row{Time: e.Time, ID: e.ID}
	if !j.window.Contains(e.Time) {
		return at, 0, nil
	}
	if e.Person = j.whose.Event(&e); e.Person == "" {
		j.held = append(j.held, held{e, person})
		return at, 0, nil
	}
	if !yield(e) {
		return at, 0, errLeft
	}
	return at, 1, nil
}

// owner notes whose a person of PostHog's is. One that two people hold is nobody's.
func (j *journeys) owner(kind, person, identifier string) {
	key := j.whose.Email(identifier)
	if kind != "address" && key == "" {
		if key = j.whose.UserID(identifier); key == "" {
			key = j.whose.AnonymousID(identifier)
		}
	}
	if of, told := j.owners[person]; key != "" && (!told || of == key) {
		j.owners[person] = key
	} else if key != "" {
		j.owners[person] = ""
	}
}

// release yields the events that were held until the answer had told whose they are.
func (j *journeys) release(yield func(connectors.Event) bool) error {
	told, nobodys := 0, 0
	defer func() {
		j.counts.Events(told)
		j.counts.LeftOut(asked.LeftOutNobodys, nobodys)
		j.held = nil
	}()
	for _, h := range j.held {
		if h.event.Person = j.owners[h.person]; h.event.Person == "" {
			nobodys++
			continue
		}
		if !yield(h.event) {
			return errLeft
		}
		told++
	}
	return nil
}
