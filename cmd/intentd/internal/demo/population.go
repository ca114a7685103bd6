// Package demo is a bundled population of invented people for `intentd demo`: what they did, as a journey source would tell it, and
// how the CRM knows them. It holds data and printing only; a sandbox CRM and the ordinary daemon do the rest.
//
// Terms. The vendor is Larkfield, an invented maker of CRM software at www.larkfield.example; everybody else works for an invented
// company under a reserved .example domain, with telephone numbers from ranges set aside for fiction. A visit is a
// list of steps that begins some time before now; a role says what kind of person somebody is meant to be.
//
// Promises: [Population] is a function of now alone, so the demo is always fresh and always the same; no event lies after now; nobody
// real is in it.
package demo

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Source is the name of the journey source in the demo's config.
const Source = "site"

// Contact is one CRM record: HubSpot property names and values. Key tells it apart in Merges; Role is what the person is meant to be.
type Contact struct {
	Key, Role  string
	Properties map[string]string
}

// Merge says that the record Loser is to be merged into Winner once both exist. Both are keys of contacts.
type Merge struct{ Winner, Loser string }

// Population is everybody in the demo.
type Population struct {
	Contacts []Contact
	Merges   []Merge
	Events   []connectors.Event // by time, as a source takes them in
	Deals    []Deal             // closed; see ClosedDeals
}

// People makes the population as it stands at now.
func People(now time.Time) Population {
	s := story()
	var p Population
	for i := range s.People {
		events := s.events(i, now)
		p.Events = append(p.Events, events...)
		for _, record := range s.People[i].records() {
			p.Contacts = append(p.Contacts, Contact{Key: record.Key, Role: s.People[i].Role, Properties: properties(&s.People[i], record, now)})
		}
		if old := s.People[i].Duplicate.Key; old != "" {
			p.Merges = append(p.Merges, Merge{Winner: s.People[i].Key, Loser: old})
		}
	}
	slices.SortStableFunc(p.Events, func(a, b connectors.Event) int { return a.Time.Compare(b.Time) })
	return p
}

// With is the population together with another, whose people are others.
func (p Population) With(other Population) Population {
	all := Population{slices.Concat(p.Contacts, other.Contacts), slices.Concat(p.Merges, other.Merges), slices.Concat(p.Events, other.Events), slices.Concat(p.Deals, other.Deals)}
	slices.SortStableFunc(all.Events, func(a, b connectors.Event) int { return a.Time.Compare(b.Time) })
	return all
}

// properties are what HubSpot holds of a record. Its own analytics know only those whom the site's source does not: the same visit told
// by both would count twice.
func properties(p *person, r record, now time.Time) map[string]string {
	first, last, _ := strings.Cut(p.Name, " ")
	props := map[string]string{
		"email": r.Email, "firstname": first, "lastname": last, "company": p.Company, "jobtitle": p.Title, "lifecyclestage": p.Lifecycle, "phone": p.Phone,
	}
	maps.Copy(props, p.HubSpot.Values)
	for name, ago := range p.HubSpot.Times {
		props[name] = instant(now.Add(-time.Duration(ago)))
	}
	maps.DeleteFunc(props, func(_, v string) bool { return v == "" })
	return props
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// line is an event as the JSON-lines source reads it.
type line struct {
	ID          string            `json:"id"`
	Time        time.Time         `json:"time"`
	Kind        string            `json:"kind"`
	Email       string            `json:"email,omitempty"`
	Phone       string            `json:"phone,omitempty"`
	UserID      string            `json:"user_id,omitempty"`
	AnonymousID string            `json:"anonymous_id,omitempty"`
	SessionID   string            `json:"session_id,omitempty"`
	URL         string            `json:"url,omitempty"`
	PageTitle   string            `json:"page_title,omitempty"`
	ElementText string            `json:"element_text,omitempty"`
	ElementID   string            `json:"element_id,omitempty"`
	Referrer    string            `json:"referrer,omitempty"`
	UserAgent   string            `json:"user_agent,omitempty"`
	IP          string            `json:"ip,omitempty"`
	Consent     string            `json:"consent,omitempty"`
	Screenshot  string            `json:"screenshot,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
}

// WriteJSONL writes the events as JSON lines, one object a line, oldest first.
func (p Population) WriteJSONL(w io.Writer) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	for i := range p.Events {
		e := &p.Events[i]
		err := enc.Encode(line{
			ID: e.ID, Time: e.Time, Kind: e.Kind, Email: e.Email, Phone: e.Phone, UserID: e.UserID, AnonymousID: e.AnonymousID, SessionID: e.Session,
			URL: e.URL, PageTitle: e.PageTitle, ElementText: e.ElementText, ElementID: e.ElementID, Referrer: e.Referrer, UserAgent: e.UserAgent,
			IP: e.IP, Consent: e.Consent, Screenshot: e.Screenshot, Properties: e.Properties,
		})
		if err != nil {
			return fmt.Errorf("demo: write event %s: %w", e.ID, err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("demo: write events: %w", err)
	}
	return nil
}
