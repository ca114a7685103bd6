package warehouse

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/connectors/internal/asked"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// engine is one dialect's way to run a query.
type engine interface {
	// query runs a statement in a session that can only read and hands over each row. An error of row ends it and comes back.
	query(ctx context.Context, op string, s *statement, a *args, row func(row) error) error
	// report is its traffic since start, and what it used of the day.
	report() connectors.Report
	Close() error
}

// args are the values of a statement's parameters.
type args struct {
	since, from, to              time.Time
	sinceID                      string
	limit                        int
	try                          int                  // how many answers to this were lost
	unless                       int64                // see keeper.submit
	columns                      func(names []string) // told once the answer begins, if set
	emails, userIDs, anonymousID []string
	domains                      []string // of companies
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
	case paramDomains:
		v = a.domains
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
	name     string
	engine   engine
	active   ordered
	journeys statement
	perQuery int // people of one journeys query
	maxRows  int // of one journeys query
	now      func() time.Time

	tally asked.Tally // since start
}

// Active implements connectors.Source. A call is one query.
func (s *Source) Active(ctx context.Context, from connectors.Cursor) (page connectors.Page[connectors.Person], err error) {
	op := s.name + ": who was active"
	at, err := readPosition(op, from)
	if err != nil {
		return page, err
	}
	page.More, err = s.active.page(ctx, op, &at, func(n int, r row, err error) {
		p := r.person()
		switch {
		case err != nil:
			s.unreadable("active", n, err)
		case len(p.Emails)+len(p.Phones)+len(p.UserIDs)+len(p.AnonymousIDs) > 0:
			page.Items = append(page.Items, p)
		default:
			s.tally.LeftOut(connectors.LeftOutNobody, 1)
		}
	})
	if err != nil {
		return connectors.Page[connectors.Person]{}, err
	}
	page.Next = transport.Encode(at)
	return page, nil
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
	whose := asked.Of(people)
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
		for _, e.Person = range peopleOf(people, whose, &e, r) {
			told++
			if !yield(e) {
				return errLeft
			}
		}
		return nil
	})
	s.tally.Events(told)
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
		if p.Domain != "" && !slices.Contains(a.domains, p.Domain) {
			a.domains = append(a.domains, p.Domain)
		}
	}
	return a
}

// peopleOf are the keys of the people whose a row is: one person, or "" for nobody who was asked about; of a row about a company that names
// nobody, all who were asked about and are of it.
func peopleOf(people []connectors.Person, whose asked.Whose, e *connectors.Event, r row) (keys []string) {
	company := e.Properties[connectors.PropCompany]
	if company == "" || !e.OfNobody() {
		return []string{person(whose, e, r)}
	}
	of := (*identity.Rules)(nil).Company(company)
	for i := range people {
		if of != "" && people[i].Domain == of {
			keys = append(keys, people[i].Key)
		}
	}
	return keys
}

// person is the key of the person whose a row is, by the identifiers of its own first, then by those by which the warehouse links it to somebody.
func person(whose asked.Whose, e *connectors.Event, r row) string {
	return cmp.Or(whose.Event(e), whose.Email(r.get("person_email")), whose.UserID(r.get("person_user_id")))
}

func (s *Source) unreadable(query string, row int, why error) {
	s.tally.Unreadable(connectors.Unreadable{Where: "the " + query + " query", Line: int64(row), Reason: why.Error(), Time: s.now()})
}

// Intake implements connectors.IntakeReporter: what was read since start.
func (s *Source) Intake() (connectors.Intake, error) { return s.tally.Counts(), nil }

// Probe implements connectors.Prober: both queries are run, the second about nobody, and their columns looked at.
func (s *Source) Probe(ctx context.Context) (out []connectors.Finding) {
	for _, q := range []struct {
		name      string
		statement *statement
		required  []string
		oneOf     []string
	}{
		{"active", &s.active.query, []string{"cursor_time", "cursor_id"}, []string{"email", "phone", "user_id", "anonymous_id"}},
		{"journeys", &s.journeys, []string{"event_id", "time", "kind"}, []string{"email", "user_id", "anonymous_id"}},
	} {
		var names []string
		now := s.now()
		a := &args{since: now.Add(-24 * time.Hour), from: now.Add(-24 * time.Hour), to: now, limit: 1, columns: func(c []string) { names = c }}
		err := s.engine.query(ctx, s.name+": "+q.name, q.statement, a, func(row) error { return nil })
		if found := checkColumns(q.name, names, err, q.required, q.oneOf); found != nil {
			out = append(out, *found)
		}
	}
	if len(out) == 0 {
		out = append(out, connectors.Finding{Code: "warehouse.ok", Severity: connectors.OK, Message: "both queries answer, in a session that can only read"})
	}
	return out
}

// Report implements connectors.Reporter.
func (s *Source) Report() connectors.Report { return s.engine.report() }

// Close ends the sessions.
func (s *Source) Close() error { return s.engine.Close() }
