package umami

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/asked"
	"github.com/intentd/intentd/connectors/internal/records"
)

// lot asks for the events of people.
type lot struct {
	s      *Source
	whose  asked.Whose
	window connectors.Window
	span   span
}

// told is an event as the list of events tells it.
type told struct {
	ID         string `json:"id"`
	Session    string `json:"sessionId"`
	Created    loose  `json:"createdAt"`
	Host       string `json:"hostname"`
	Path       string `json:"urlPath"`
	Query      string `json:"urlQuery"`
	RefPath    string `json:"referrerPath"`
	RefQuery   string `json:"referrerQuery"`
	RefDomain  string `json:"referrerDomain"`
	Title      string `json:"pageTitle"`
	Type       loose  `json:"eventType"`
	Name       string `json:"eventName"`
	HasData    loose  `json:"hasData"`
	properties map[string]string
}

// Types of events, by Umami's src/lib/constants.ts.
const (
	typeView   = "1"
	typeCustom = "2"
	typeLink   = "3"
)

// run yields the events that a filter finds, the latest first.
func (l *lot) run(ctx context.Context, filter string, yield func(connectors.Event) bool) error {
	for page := 1; ; page++ {
		var got []told
		count, err := l.s.page(ctx, "journeys", "/events", l.span, filter, page, eventsPage, &got)
		if err != nil {
			return err
		}
		if err := l.data(ctx, filter, got); err != nil {
			return err
		}
		if err := l.tell(ctx, got, yield); err != nil {
			return err
		}
		if len(got) == 0 || page*eventsPage >= count {
			return nil
		}
	}
}

// data fetches the properties of a page's events, if any has some.
func (l *lot) data(ctx context.Context, filter string, got []told) error {
	by, w := map[string]*told{}, span{}
	for i := range got {
		t, ok := records.ParseTime(string(got[i].Created))
		if !ok || got[i].HasData == "" || got[i].HasData == "false" || got[i].HasData == "0" {
			continue
		}
		by[got[i].ID] = &got[i]
		if w.from.IsZero() || t.Before(w.from) {
			w.from = t
		}
		if t.After(w.to) {
			w.to = t
		}
	}
	if len(by) == 0 || !l.s.o.EventData {
		return nil
	}
	w.to = w.to.Add(time.Second) // properties are written a little later than their event
	for page := 1; ; page++ {
		var rows []struct {
			ID         string `json:"eventId"`
			Properties []struct {
				Key    string `json:"dataKey"`
				String loose  `json:"stringValue"`
				Number loose  `json:"numberValue"`
				Date   loose  `json:"dateValue"`
			} `json:"eventProperties"`
		}
		count, err := l.s.page(ctx, "properties of events", "/event-data", w, filter, page, eventsPage, &rows)
		var e *connectors.Error
		if errors.As(err, &e) && e.Code == codeUnknown { // a version without this list
			l.s.LeftOut("properties of events, which this version does not list", len(by))
			return nil
		}
		if err != nil {
			return err
		}
		for _, r := range rows {
			event := by[r.ID]
			if event == nil {
				continue
			}
			for _, p := range r.Properties {
				for _, v := range []loose{p.String, p.Number, p.Date} {
					if v != "" {
						event.set(p.Key, string(v))
						break
					}
				}
			}
		}
		if len(rows) == 0 || page*eventsPage >= count {
			return nil
		}
	}
}

func (t *told) set(name, value string) {
	if t.properties == nil {
		t.properties = map[string]string{}
	}
	t.properties[name] = value
}

// tell yields a page's events.
func (l *lot) tell(ctx context.Context, got []told, yield func(connectors.Event) bool) error {
	n := 0
	defer func() { l.s.Events(n) }()
	for i := range got {
		e, err := got[i].event(l.s.Name)
		if err != nil {
			l.s.Misread("journeys", i+1, err)
			continue
		}
		if !l.window.Contains(e.Time) {
			continue
		}
		distinct, err := l.s.owner(ctx, got[i].Session)
		if err != nil {
			return err
		}
		e.Email, e.UserID = who(distinct)
		if e.Person = l.whose.Event(&e); e.Person == "" {
			l.s.LeftOut(asked.LeftOutNobodys, 1)
			continue
		}
		n++
		if !yield(e) {
			return errLeft
		}
	}
	return nil
}

// event is what happened. The session of somebody identified lasts for ever and is none to the host: it cuts by pauses.
func (t *told) event(source string) (connectors.Event, error) {
	at, ok := records.ParseTime(string(t.Created))
	if !ok || t.ID == "" {
		return connectors.Event{}, errNoTime
	}
	e := connectors.Event{ID: t.ID, Source: source, Time: at, PageTitle: t.Title, URL: address(t.Host, t.Path, t.Query), Referrer: address(t.RefDomain, t.RefPath, t.RefQuery), Properties: t.properties}
	switch string(t.Type) {
	case typeView:
		e.Kind = connectors.KindPageView
	case typeCustom:
		e.Kind = t.Name
	case typeLink:
		e.Kind, e.ElementText = connectors.KindClick, t.Name
	default: // a pixel, which may stand anywhere; vitals
		e.Kind = connectors.KindTracker
	}
	if e.Kind == "" {
		e.Kind = connectors.KindClick
	}
	if kind, _ := connectors.EventKind(e.Kind); kind == connectors.KindFormSubmit {
		for _, name := range []string{"form", "form_name", "formName", "name", "form_id"} {
			if v := t.properties[name]; v != "" {
				t.set(connectors.PropForm, v)
				break
			}
		}
	}
	return e, nil
}

// address puts an address together. Umami keeps no scheme.
func address(host, path, query string) string {
	if host == "" {
		return path // of a page whose host was not told
	}
	if query = strings.TrimPrefix(query, "?"); query != "" {
		query = "?" + query
	}
	return "https://" + host + path + query
}
