// Package evaluate measures how well texts state what somebody wants, against journeys that people have labelled.
//
// A label is a fact that a good text must state. Both sides are asked (Bi-Fact): recall is the share of the labelled facts that the texts
// state, precision the share of the texts' statements that hold a labelled fact and no figure or day that the steps they cite do not show, F1
// their harmonic mean. It says how good the texts are, nothing of the score, and nothing of who buys.
package evaluate

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/rules"
	"github.com/intentd/intentd/pipeline/journey"
	"go.yaml.in/yaml/v3"
)

// Set is a set of labelled journeys, all as of one moment.
type Set struct {
	AsOf     time.Time
	Vendors  map[string]*Vendor
	Journeys []Journey
}

// Vendor is whose site people visited.
type Vendor struct {
	Industry string            `yaml:"industry"`
	Host     string            `yaml:"host"`
	Products []journey.Product `yaml:"products"`
	Rivals   []rules.Rival     `yaml:"rivals"`
	Topics   []Topic           `yaml:"topics"`
}

// Topic says what pages are about, in English and, where that differs, in German.
type Topic struct {
	Match []string `yaml:"match"`
	Topic string   `yaml:"topic"`
	De    string   `yaml:"de"`
}

// In is the topic's name in a language.
func (t *Topic) In(lang string) string {
	if lang == "de" && t.De != "" {
		return t.De
	}
	return t.Topic
}

// Journey is what somebody did, with what a text about it must hold.
type Journey struct {
	Name     string   `yaml:"name"`
	Vendor   string   `yaml:"vendor"` // "": whose config it is
	Lang     string   `yaml:"lang"`   // en (the default) or de
	Customer bool     `yaml:"customer"`
	Domain   string   `yaml:"domain"` // of the mail address
	Told     string   `yaml:"told"`   // when the last text was written
	Profile  Profile  `yaml:"profile"`
	Events   []Event  `yaml:"events"`
	Company  []Event  `yaml:"company"` // what others of the company did
	Facts    []string `yaml:"facts"`   // what must be stated: " + " joins what belongs together, " / " parts what is equally good
	Also     []string `yaml:"also"`    // what is true and need not be stated
	Never    []string `yaml:"never"`   // words that must not stand in the text
	Unseen   bool     `yaml:"-"`       // of a part that no engine was mended by
}

// Profile is what the CRM knows.
type Profile struct {
	First, Last, Company, Title, Lifecycle string
}

// Event is one step. Its short form is "day | kind | path | title | property=value; …".
type Event struct {
	ID      string            `yaml:"id"`
	At      string            `yaml:"at"`
	Kind    string            `yaml:"kind"`
	URL     string            `yaml:"url"` // the path, or a whole address
	Title   string            `yaml:"title"`
	Element string            `yaml:"element"`
	Email   string            `yaml:"email"` // set: somebody else's
	Props   map[string]string `yaml:"props"`
}

// UnmarshalYAML also reads the short form.
func (h *Event) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		type plain Event
		return n.Decode((*plain)(h))
	}
	p := strings.Split(n.Value, "|")
	if len(p) < 2 || len(p) > 5 {
		return fmt.Errorf("line %d: %q is no event: write \"day | kind | path | title | property=value; …\"", n.Line, n.Value)
	}
	p = append(p, "", "", "")
	h.At, h.Kind, h.URL, h.Title = strings.TrimSpace(p[0]), strings.TrimSpace(p[1]), strings.TrimSpace(p[2]), strings.TrimSpace(p[3])
	for _, pair := range strings.Split(p[4], ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
			if h.Props == nil {
				h.Props = map[string]string{}
			}
			h.Props[k] = v
		}
	}
	return nil
}

//go:embed data
var data embed.FS

// The parts of the bundled set: how they came about stands in each.
const vendorsFile = "vendors.yaml"

var parts = []string{"journeys.yaml", "unseen.yaml", "raw.yaml", "kinds.yaml", "fresh.yaml"}

// Bundled is the bundled set, or of it the parts with these names.
func Bundled(names ...string) (*Set, error) {
	if len(names) == 0 {
		names = parts
	}
	var files [][]byte
	for _, name := range append([]string{vendorsFile}, names...) {
		b, err := data.ReadFile("data/" + name)
		if err != nil {
			return nil, err
		}
		files = append(files, b)
	}
	return Read(files...)
}

// Read reads a set from the YAML of one or more files. Its errors say what to mend.
func Read(files ...[]byte) (*Set, error) {
	set := &Set{Vendors: map[string]*Vendor{}}
	for _, b := range files {
		var f struct {
			AsOf     string             `yaml:"as_of"`
			Unseen   bool               `yaml:"unseen"`
			Vendors  map[string]*Vendor `yaml:"vendors"`
			Journeys []Journey          `yaml:"journeys"`
		}
		d := yaml.NewDecoder(bytes.NewReader(b))
		d.KnownFields(true)
		if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("not readable as labelled journeys: %w", err)
		}
		if f.AsOf != "" {
			at, err := moment(f.AsOf, 0)
			if err != nil {
				return nil, fmt.Errorf("as_of: %w", err)
			}
			if set.AsOf = at; !strings.Contains(f.AsOf, ":") {
				set.AsOf = at.Add(2 * time.Hour) // noon: the day's steps, at ten where no time is told, lie before it
			}
		}
		maps.Copy(set.Vendors, f.Vendors)
		for i := range f.Journeys {
			f.Journeys[i].Unseen = f.Unseen
		}
		set.Journeys = append(set.Journeys, f.Journeys...)
	}
	return set, set.check()
}

// check says what the first journey lacks that cannot be evaluated.
func (s *Set) check() error {
	if s.AsOf.IsZero() {
		return errors.New(`as_of is missing: write the day as of which the texts are to be, as in "as_of: 28 Nov 2026"`)
	}
	if len(s.Journeys) == 0 {
		return errors.New("there are no journeys in it: list them under \"journeys:\"")
	}
	names := map[string]bool{}
	for i := range s.Journeys {
		c := &s.Journeys[i]
		fault := func(format string, args ...any) error {
			return fmt.Errorf("journey %d (%s): %s", i+1, cmp.Or(c.Name, "without a name"), fmt.Sprintf(format, args...))
		}
		switch {
		case c.Name == "" || names[c.Name]:
			return fault("give it a name of its own")
		case c.Vendor != "" && s.Vendors[c.Vendor] == nil:
			return fault("there is no vendor %q under \"vendors:\"", c.Vendor)
		case c.Lang != "" && c.Lang != "en" && c.Lang != "de":
			return fault("lang %q: it is en or de", c.Lang)
		case len(c.Events)+len(c.Company) == 0:
			return fault("it has no events")
		}
		names[c.Name] = true
		days := []string{c.Told}
		for _, e := range slices.Concat(c.Events, c.Company) {
			days = append(days, cmp.Or(e.At, "(an event without a day)"))
		}
		for _, day := range days {
			if day == "" {
				continue
			}
			if at, err := moment(day, s.AsOf.Year()); err != nil {
				return fault("%v", err)
			} else if at.After(s.AsOf) {
				return fault("%s lies after as_of: name the year if it is another", day)
			}
		}
	}
	return nil
}

// Labelled says that every journey has facts: without them there is nothing to measure.
func (s *Set) Labelled() error {
	for i := range s.Journeys {
		if len(s.Journeys[i].Facts) == 0 {
			return fmt.Errorf("journey %d (%s) has no facts: list what a good text must state", i+1, s.Journeys[i].Name)
		}
	}
	return nil
}

// Language of the journey's texts.
func (c *Journey) Language() string { return cmp.Or(c.Lang, "en") }

// moment reads a day, at ten where no time is told and in that year where none is.
func moment(text string, year int) (time.Time, error) {
	for _, f := range []struct{ layout, more string }{
		{"2 Jan 2006 15:04", ""}, {"2 Jan 2006 15:04", " 10:00"}, {"2006-01-02 15:04", ""}, {"2006-01-02 15:04", " 10:00"}, {time.RFC3339, ""},
		{"2 Jan 15:04 2006", fmt.Sprintf(" %04d", year)}, {"2 Jan 15:04 2006", fmt.Sprintf(" 10:00 %04d", year)},
	} {
		if at, err := time.Parse(f.layout, text+f.more); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no day: write 26 Nov, 26 Nov 2026, 26 Nov 14:30 or 2026-11-26", text)
}

// Of whom the steps are, and of whom a colleague's.
const (
	person    = "person@customer.example"
	colleague = "other@customer.example"
)

func (h *Event) event(v *Vendor, year, k int) connectors.Event {
	at, _ := moment(h.At, year) // checked when it was read
	e := connectors.Event{ID: h.ID, Source: "site", Time: at, Kind: h.Kind, PageTitle: h.Title, ElementText: h.Element, Email: person, Properties: h.Props, URL: h.URL}
	if e.ID == "" {
		e.ID = fmt.Sprintf("e%d", k+1)
	}
	if h.Email != "" {
		e.Email = colleague
	}
	if v != nil && strings.HasPrefix(h.URL, "/") {
		e.URL = "https://" + v.Host + h.URL
	}
	return e
}

// Reading is what journeys are read with.
type Reading struct {
	Journey *journey.Builder
	Engine  intent.Engine
}

// Rules reads a vendor's journeys by the built-in settings, and by rules.
func (v *Vendor) Rules(lang string) (Reading, error) {
	jc := journey.Defaults()
	jc.OwnHosts, jc.Products = []string{v.Host}, v.Products
	o := rules.Options{Hosts: []string{v.Host}, Rivals: v.Rivals}
	for _, p := range v.Products {
		o.Products = append(o.Products, p.Name)
	}
	for i := range v.Topics {
		name := v.Topics[i].In(lang)
		jc.Topics = append(jc.Topics, journey.TopicRule{Match: v.Topics[i].Match, Topic: name})
		o.Topics = append(o.Topics, name)
	}
	b, err := journey.NewBuilder(jc)
	return Reading{b, rules.New(o)}, err
}

// Subject is whom to infer the intent of, of a journey of the set.
func (s *Set) Subject(c *Journey, b *journey.Builder, lang string) intent.Subject {
	v := s.Vendors[c.Vendor]
	in := journey.Input{Person: connectors.Person{Key: c.Name, Emails: []string{person}}, Customer: c.Customer, Now: s.AsOf}
	for k := range c.Events {
		in.Events = append(in.Events, c.Events[k].event(v, s.AsOf.Year(), k))
	}
	for k := range c.Company {
		in.Company = append(in.Company, c.Company[k].event(v, s.AsOf.Year(), 100+k))
	}
	sub := intent.Subject{Journey: b.Build(in), Now: s.AsOf, Language: lang, Location: time.UTC, Customer: c.Customer, Domain: c.Domain,
		Profile: connectors.Profile{FirstName: c.Profile.First, LastName: c.Profile.Last, Company: c.Profile.Company, JobTitle: c.Profile.Title, Lifecycle: c.Profile.Lifecycle}}
	if c.Told != "" {
		sub.Told, _ = moment(c.Told, s.AsOf.Year())
	}
	return sub
}
