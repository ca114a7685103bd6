package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/asked"
)

// asking is a statement with its values, as an explanation tells them. Its parameters stay named, however a dialect marks their places.
func asking(what string, s *statement, a *args) connectors.Question {
	told := connectors.Question{What: what, Query: s.render(func(_ int, p param) string { return ":" + paramNames[p] })}
	var named []param
	for _, p := range s.params {
		if slices.Contains(named, p) {
			continue
		}
		named = append(named, p)
		value := connectors.ParameterTime(a.instant(p))
		switch p {
		case paramSinceID:
			value = a.sinceID
		case paramLimit:
			value = strconv.Itoa(a.limit)
		case paramEmails, paramUserIDs, paramAnonymousIDs, paramDomains:
			value = strings.Join(a.list(p), ", ")
		}
		told.Parameters = append(told.Parameters, connectors.Parameter{Name: paramNames[p], Value: value})
	}
	return told
}

// explain runs a statement and tells its rows as read reads them.
func explain(ctx context.Context, e engine, op string, s *statement, a *args, told *connectors.Question, most int, read func(row) connectors.ToldRow) error {
	a.columns = func(names []string) { told.Columns = slices.Clone(names) }
	err := e.query(ctx, op, s, a, func(r row) error {
		out := read(r)
		out.Values = slices.Clone(r.values)
		told.Tell(out, most)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		told.Failed, err = err.Error(), nil
	}
	return err
}

// Explain implements connectors.Explainer.
func (s *Source) Explain(ctx context.Context, q connectors.ExplainQuery) (x connectors.Explanation, err error) {
	var told connectors.Question
	if q.Person == nil {
		told, err = s.active.explain(ctx, "the active query", s.name+": who was active", q, func(r row) connectors.ToldRow {
			p := r.person()
			if len(p.Emails)+len(p.Phones)+len(p.UserIDs)+len(p.AnonymousIDs) == 0 {
				return connectors.ToldRow{Became: "left out: " + connectors.LeftOutNobody}
			}
			return connectors.ToldRow{Person: &p}
		})
	} else {
		told, err = s.explainJourneys(ctx, q)
	}
	if err != nil {
		return x, err
	}
	x.Asked = append(x.Asked, told)
	return x, nil
}

func (s *Source) explainJourneys(ctx context.Context, q connectors.ExplainQuery) (connectors.Question, error) {
	people := []connectors.Person{*q.Person}
	a := askFor(people, q.Window)
	told := asking("the journeys query", &s.journeys, a)
	if len(a.emails)+len(a.userIDs)+len(a.anonymousID) == 0 {
		told.Failed = "nothing is asked: the person has no address and no id that this source knows"
		return told, nil
	}
	whose := asked.Of(people)
	err := explain(ctx, s.engine, s.name+": journeys", &s.journeys, a, &told, q.Rows, func(r row) connectors.ToldRow {
		e, err := r.event(s.name)
		switch {
		case err != nil:
			return connectors.ToldRow{Became: "left out: " + err.Error()}
		case !q.Window.Contains(e.Time):
			return connectors.ToldRow{Event: &e, Became: "left out: out of time"}
		}
		e.Person = person(whose, &e, r)
		return connectors.ToldRow{Event: &e}
	})
	if told.Read > s.maxRows && told.Failed == "" {
		told.Failed = fmt.Sprintf("one person has more than %d rows in the window (max_rows): the person is not scored", s.maxRows)
	}
	return told, err
}

// explain tells the rows that the next page would hold, those that were told before among them.
func (o *ordered) explain(ctx context.Context, what, op string, q connectors.ExplainQuery, read func(row) connectors.ToldRow) (connectors.Question, error) {
	at, err := readPosition(op, q.From)
	if err != nil {
		return connectors.Question{}, err
	}
	a := &args{since: at.Time, sinceID: at.ID, limit: o.limit}
	told := asking(what, &o.query, a)
	err = explain(ctx, o.engine, op, &o.query, a, &told, q.Rows, func(r row) connectors.ToldRow {
		key, err := r.position()
		switch {
		case err != nil:
			return connectors.ToldRow{Became: "left out: " + err.Error()}
		case slices.Contains(at.Seen, key):
			out := read(r)
			out.Became = "left out: " + connectors.LeftOutRepeated
			return out
		}
		return read(r)
	})
	return told, err
}

// Explain implements connectors.Explainer: what would be taken in next. About people the event store is asked.
func (f *Feed) Explain(ctx context.Context, q connectors.ExplainQuery) (x connectors.Explanation, err error) {
	if q.Person != nil {
		return x, nil
	}
	if f.windows != nil {
		return f.explainWindow(ctx, q)
	}
	if q.From == nil {
		x.Note("nothing was taken in yet: the first pass begins " + inDays(f.back) + " back")
	}
	told, err := f.rows.explain(ctx, "the events query", f.op(), q, func(r row) connectors.ToldRow {
		e, err := r.event(f.name)
		if err != nil {
			return connectors.ToldRow{Became: "left out: " + err.Error()}
		}
		return connectors.ToldRow{Event: &e, Became: "taken in with the next poll"}
	})
	x.Asked = append(x.Asked, told)
	return x, err
}

// explainWindow tells the next window's query, and what it would cost: running it is paid for.
func (f *Feed) explainWindow(ctx context.Context, q connectors.ExplainQuery) (x connectors.Explanation, err error) {
	at, err := f.windowPosition(q.From)
	if err != nil {
		return x, err
	}
	if at.To.IsZero() {
		f.begin(&at)
	}
	w := f.windows
	a := w.args(&at)
	told := asking("the events query", &w.query, a)
	x.Note("its rows are not shown: running it is paid for")
	switch said, columns, err := w.engine.priced(ctx, f.op(), &w.query, a); {
	case err == nil:
		told.Columns = columns
		x.Note("it " + said)
	case ctx.Err() != nil:
		return x, err
	default:
		told.Failed = err.Error()
	}
	if at.Answer != "" {
		x.Note("its answer is kept by the warehouse and is being fetched")
	}
	if !at.Done.IsZero() {
		x.Note("what came in until " + connectors.ParameterTime(at.Done) + " was read")
	}
	x.Asked = append(x.Asked, told)
	return x, nil
}
