package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
)

// engine is one dialect's way to run a query.
type engine interface {
	// query runs a statement in a session that can only read and hands over each row. An error of row ends it and comes back.
	query(ctx context.Context, op string, s *statement, a *args, row func(row) error) error
	Close() error
}

// args are the values of a statement's parameters.
type args struct {
	since, from, to              time.Time
	sinceID                      string
	limit                        int
	columns                      func(names []string) // told once the answer begins, if set
	emails, userIDs, anonymousID []string
}

// list is the value of a parameter that is a list; never nil.
func (a *args) list(p param) []string {
	var v []string
	switch p {
	case paramEmails:
		v = a.emails
	case paramUserIDs:
		v = a.userIDs
	case paramAnonymousIDs:
		v = a.anonymousID
	}
	return slices.DeleteFunc(slices.Clone(v), func(s string) bool { return s == "" })
}

// instant is the value of a parameter that is a time.
func (a *args) instant(p param) time.Time {
	switch p {
	case paramFrom:
		return a.from
	case paramTo:
		return a.to
	}
	return a.since
}

// Source is a warehouse that is asked about people.
type Source struct {
	name             string
	engine           engine
	active, journeys statement
	perQuery         int           // people of one journeys query
	page             int           // rows of one active query
	maxRows          int           // of one journeys query
	lookback         time.Duration // how late a row may come with an earlier position
	now              func() time.Time

	mu     sync.Mutex
	intake connectors.Intake // since start
}

// position is where the active query goes on. Seen are rows of the lookback that were told already: a poll tells nobody again for nothing.
type position struct {
	Version int       `json:"v"`
	Time    time.Time `json:"t"`
	ID      string    `json:"id"`
	Newest  time.Time `json:"n,omitzero"` // of all positions met
	Seen    []seenRow `json:"s,omitempty"`
}

type seenRow struct {
	Time time.Time `json:"t"`
	ID   string    `json:"id"`
}

const cursorVersion = 1

// keptSeen bounds the rows of the lookback that a cursor remembers; beyond it people of the lookback are told again.
const keptSeen = 2000

// Active implements connectors.Source. A call is one query.
func (s *Source) Active(ctx context.Context, from connectors.Cursor) (page connectors.Page[connectors.Person], err error) {
	at := position{Version: cursorVersion}
	if from != nil {
		if err := json.Unmarshal(from, &at); err != nil || at.Version < 1 || at.Version > cursorVersion {
			return page, connectors.Errorf(connectors.Config, s.name+": who was active", "the stored position cannot be read by this version of intentd")
		}
	}
	known := make(map[seenRow]bool, len(at.Seen))
	for _, r := range at.Seen {
		known[r] = true
	}
	last, rows := at, 0
	err = s.engine.query(ctx, s.name+": who was active", &s.active, &args{since: at.Time, sinceID: at.ID, limit: s.page}, func(r row) error {
		rows++
		p, pos, err := r.person()
		if err != nil {
			s.unreadable("active", rows, err)
			return nil
		}
		last.Time, last.ID = pos.Time, pos.ID
		key := seenRow{pos.Time, pos.ID}
		if known[key] {
			return nil
		}
		at.Seen = append(at.Seen, key)
		if pos.Time.After(at.Newest) {
			at.Newest = pos.Time
		}
		if len(p.Emails)+len(p.Phones)+len(p.UserIDs)+len(p.AnonymousIDs) > 0 {
			page.Items = append(page.Items, p)
		} else {
			s.leftOut(connectors.LeftOutNobody)
		}
		return nil
	})
	if err != nil {
		return connectors.Page[connectors.Person]{}, err
	}
	at.Time, at.ID = last.Time, last.ID
	if page.More = rows >= s.page; !page.More && !at.Newest.IsZero() {
		// Caught up: the next poll begins a little before the newest row, for those that were still on their way.
		at.Time, at.ID = at.Newest.Add(-s.lookback), ""
	}
	at.Seen = s.within(at)
	page.Next, err = json.Marshal(at)
	return page, err
}

// within are the rows seen that the next polls will meet again, the newest if they are too many.
func (s *Source) within(at position) []seenRow {
	horizon := at.Newest.Add(-s.lookback)
	seen := slices.DeleteFunc(at.Seen, func(r seenRow) bool { return r.Time.Before(horizon) })
	return seen[max(len(seen)-keptSeen, 0):]
}

// Journeys implements connectors.Source: a lot of people is one query.
func (s *Source) Journeys(ctx context.Context, people []connectors.Person, w connectors.Window) iter.Seq2[connectors.Event, error] {
	return func(yield func(connectors.Event, error) bool) {
		for lot := range slices.Chunk(people, s.perQuery) {
			if err := s.ask(ctx, lot, w, func(e connectors.Event) bool { return yield(e, nil) }); err != nil {
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

var (
	errLeft    = errors.New("the sequence was left")
	errTooMany = errors.New("too many rows")
)

// ask asks about a lot. One that has more rows than may be asked for at once is asked in halves; what was told before that is told again,
// which the sequence allows.
func (s *Source) ask(ctx context.Context, people []connectors.Person, w connectors.Window, yield func(connectors.Event) bool) error {
	a := askFor(people, w)
	if len(a.emails)+len(a.userIDs)+len(a.anonymousID) == 0 {
		return nil
	}
	whose := keysOf(people)
	rows, told := 0, 0
	err := s.engine.query(ctx, s.name+": journeys", &s.journeys, a, func(r row) error {
		if rows++; rows > s.maxRows {
			return errTooMany
		}
		e, err := r.event(s.name)
		if err != nil {
			s.unreadable("journeys", rows, err)
			return nil
		}
		if !w.Contains(e.Time) {
			return nil
		}
		e.Person = whose.of(&e)
		told++
		if !yield(e) {
			return errLeft
		}
		return nil
	})
	s.events(told)
	switch {
	case !errors.Is(err, errTooMany):
		return err
	case len(people) == 1:
		return connectors.Errorf(connectors.Rejected, s.name+": journeys", "one person has more than %d rows in the window (max_rows)", s.maxRows)
	}
	half := len(people) / 2
	if err := s.ask(ctx, people[:half], w, yield); err != nil {
		return err
	}
	return s.ask(ctx, people[half:], w, yield)
}

func askFor(people []connectors.Person, w connectors.Window) *args {
	a := &args{from: w.From, to: w.To}
	for _, p := range people {
		for _, e := range p.Emails {
			a.emails = append(a.emails, strings.ToLower(e))
		}
		a.userIDs = append(a.userIDs, p.UserIDs...)
		a.anonymousID = append(a.anonymousID, p.AnonymousIDs...)
	}
	return a
}

// keys tells whose a row is by the identifiers on it, the strongest first; "" leaves it to the host.
type keys map[string]string

func keysOf(people []connectors.Person) keys {
	k := keys{}
	add := func(id, key string) {
		if of, taken := k[id]; taken && of != key {
			key = "" // of several people: the host decides
		}
		k[id] = key
	}
	for _, p := range people {
		for _, v := range p.Emails {
			add("e"+strings.ToLower(v), p.Key)
		}
		for _, v := range p.UserIDs {
			add("u"+v, p.Key)
		}
		for _, v := range p.AnonymousIDs {
			add("a"+v, p.Key)
		}
	}
	return k
}

func (k keys) of(e *connectors.Event) string {
	for _, id := range []string{"e" + strings.ToLower(e.Email), "u" + e.UserID, "a" + e.AnonymousID} {
		if key := k[id]; key != "" && len(id) > 1 {
			return key
		}
	}
	return ""
}

func (s *Source) unreadable(query string, row int, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intake.Read++
	s.intake.CountUnreadable(connectors.Unreadable{Where: "the " + query + " query", Line: int64(row), Reason: why.Error(), Time: s.now()})
}

func (s *Source) leftOut(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intake.Read++
	s.intake.CountLeftOut(reason, 1)
}

func (s *Source) events(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intake.Read += int64(n)
	s.intake.Events += int64(n)
}

// Intake implements connectors.IntakeReporter: what was read since start.
func (s *Source) Intake() (connectors.Intake, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.intake
	in.Examples = slices.Clone(in.Examples)
	in.Unreadable = maps.Clone(in.Unreadable)
	in.LeftOut = maps.Clone(in.LeftOut)
	return in, nil
}

// Probe implements connectors.Prober: both queries are run, the second about nobody, and their columns looked at.
func (s *Source) Probe(ctx context.Context) (out []connectors.Finding) {
	for _, q := range []struct {
		name      string
		statement *statement
		required  []string
		oneOf     []string
	}{
		{"active", &s.active, []string{"cursor_time", "cursor_id"}, []string{"email", "phone", "user_id", "anonymous_id"}},
		{"journeys", &s.journeys, []string{"event_id", "time", "kind"}, []string{"email", "user_id", "anonymous_id"}},
	} {
		var names []string
		now := s.now()
		a := &args{since: now.Add(-24 * time.Hour), from: now.Add(-24 * time.Hour), to: now, limit: 1, columns: func(c []string) { names = c }}
		err := s.engine.query(ctx, s.name+": "+q.name, q.statement, a, func(row) error { return nil })
		missing := slices.DeleteFunc(slices.Clone(q.required), func(c string) bool { return slices.Contains(names, c) })
		switch {
		case err != nil:
			fix := "run the query by hand as the same user"
			if connectors.KindOf(err) == connectors.Transient {
				fix = "see whether the database answers from this machine, and how long the query takes"
			}
			out = append(out, connectors.Finding{Code: "warehouse.query", Severity: connectors.Failure, Message: err.Error(), Fix: fix})
		case len(missing) > 0:
			out = append(out, connectors.Finding{Code: "warehouse.columns", Severity: connectors.Failure,
				Message: fmt.Sprintf("the %s query has no column %s", q.name, strings.Join(missing, ", ")), Fix: "name its columns as docs/warehouse.md tells"})
		case !slices.ContainsFunc(names, func(c string) bool { return slices.Contains(q.oneOf, c) }):
			out = append(out, connectors.Finding{Code: "warehouse.columns", Severity: connectors.Failure,
				Message: fmt.Sprintf("the %s query says of nobody whose rows they are", q.name), Fix: "add one of the columns " + strings.Join(q.oneOf, ", ")})
		}
	}
	if len(out) == 0 {
		out = append(out, connectors.Finding{Code: "warehouse.ok", Severity: connectors.OK, Message: "both queries answer, in a session that can only read"})
	}
	return out
}

// Close ends the sessions.
func (s *Source) Close() error { return s.engine.Close() }
