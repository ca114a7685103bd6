package demo

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"go.yaml.in/yaml/v3"
)

//go:embed population.yaml
var populationYAML []byte

// plot is population.yaml.
type plot struct {
	Host   string            `yaml:"host"`
	Pages  map[string]string `yaml:"pages"`  // path → title
	Agents map[string]string `yaml:"agents"` // short name → user agent
	People []person          `yaml:"people"`
}

type person struct {
	Key       string    `yaml:"key"`
	Name      string    `yaml:"name"`
	Email     string    `yaml:"email"`
	Company   string    `yaml:"company"`
	Title     string    `yaml:"title"`
	Phone     string    `yaml:"phone"`
	Lifecycle string    `yaml:"lifecycle"`
	Role      string    `yaml:"role"`
	Agent     string    `yaml:"agent"`
	Consent   string    `yaml:"consent"`
	Doubled   bool      `yaml:"doubled"`
	Duplicate record    `yaml:"duplicate"` // an older record of the same person
	Visits    []visit   `yaml:"visits"`
	Messages  []message `yaml:"messages"`
	HubSpot   struct {
		Values map[string]string `yaml:"values"`
		Times  map[string]span   `yaml:"times"` // so long before now
	} `yaml:"hubspot"` // further properties of the record
}

// record is how a CRM knows a person.
type record struct {
	Key   string `yaml:"key"`
	Email string `yaml:"email"`
}

type visit struct {
	Ago       span     `yaml:"ago"`
	Every     span     `yaml:"every"`
	Repeat    int      `yaml:"repeat"`
	Anonymous bool     `yaml:"anonymous"`
	As        string   `yaml:"as"` // duplicate: under the older address
	Campaign  string   `yaml:"campaign"`
	From      string   `yaml:"from"`
	Steps     []string `yaml:"steps"`
}

type message struct {
	Ago span   `yaml:"ago"`
	Do  string `yaml:"do"`
}

// span is a duration that also knows days: "12d3h".
type span time.Duration

func (s *span) UnmarshalYAML(n *yaml.Node) error {
	text, days := n.Value, 0
	if d, rest, ok := strings.Cut(text, "d"); ok {
		var err error
		if days, err = strconv.Atoi(d); err != nil {
			return fmt.Errorf("line %d: %q is no span", n.Line, n.Value)
		}
		text = rest
	}
	var d time.Duration
	if text != "" {
		var err error
		if d, err = time.ParseDuration(text); err != nil {
			return fmt.Errorf("line %d: %q is no span", n.Line, n.Value)
		}
	}
	*s = span(time.Duration(days)*24*time.Hour + d)
	return nil
}

// story reads the embedded file. It cannot fail in a program whose tests have passed.
var story = sync.OnceValue(func() *plot {
	var p plot
	dec := yaml.NewDecoder(bytes.NewReader(populationYAML))
	dec.KnownFields(true)
	if err := dec.Decode(&p); err != nil {
		panic("demo: population.yaml: " + err.Error())
	}
	return &p
})

func (p *person) records() []record {
	all := []record{{p.Key, p.Email}}
	if p.Duplicate.Key != "" {
		all = append(all, p.Duplicate)
	}
	return all
}

// teller turns one person's story into events.
type teller struct {
	*plot
	who    *person
	number int // of the person, for ids
	now    time.Time
	events []connectors.Event
}

// events are those of the i-th person, oldest first.
func (p *plot) events(i int, now time.Time) []connectors.Event {
	t := teller{plot: p, who: &p.People[i], number: i + 1, now: now.UTC().Truncate(time.Second)}
	for k := range t.who.Visits {
		t.visit(k)
	}
	for _, m := range t.who.Messages {
		e := connectors.Event{Time: t.now.Add(-time.Duration(m.Ago)), Email: t.who.Email}
		t.tell(&e, m.Do, nil)
		t.add(e)
	}
	slices.SortStableFunc(t.events, func(a, b connectors.Event) int { return a.Time.Compare(b.Time) })
	for k := range t.events {
		t.events[k].ID = fmt.Sprintf("p%02d-%03d", t.number, k+1)
	}
	if t.who.Doubled {
		t.events = append(t.events, t.events...)
	}
	return t.events
}

// visit adds the events of the k-th visit: a browser on the site, whose page stays what the last view made it.
func (t *teller) visit(k int) {
	v := &t.who.Visits[k]
	agent := t.Agents[t.who.Agent]
	if t.who.Agent == "" {
		agent = t.Agents["chrome"]
	}
	at := t.now.Add(-time.Duration(v.Ago))
	page := connectors.Event{Referrer: v.From}
	for round := range max(v.Repeat, 1) {
		for i, step := range v.Steps {
			e := connectors.Event{
				Time: at, Session: fmt.Sprintf("p%02d-v%d", t.number, k+1), AnonymousID: fmt.Sprintf("browser-%02d", t.number), UserAgent: agent,
				IP: fmt.Sprintf("198.51.100.%d", t.number), URL: page.URL, PageTitle: page.PageTitle, Referrer: page.Referrer,
			}
			if !v.Anonymous {
				e.Email = t.who.Email
				if v.As == "duplicate" {
					e.Email = t.who.Duplicate.Email
				}
			}
			if v.Campaign != "" {
				e.Properties = map[string]string{connectors.PropCampaign: v.Campaign}
			}
			t.tell(&e, step, &page)
			t.add(e)
			if v.Every > 0 {
				at = at.Add(time.Duration(v.Every))
			} else {
				at = at.Add(time.Duration(20+(37*(i+1)+11*k+7*round)%95) * time.Second)
			}
		}
	}
}

func (t *teller) add(e connectors.Event) {
	e.Source, e.Consent = Source, t.who.Consent
	if e.Consent == "" && e.AnonymousID != "" {
		e.Consent = "granted" // the site asks before it counts
	}
	e.Received = e.Time
	t.events = append(t.events, e)
}

// tell makes e what step says. page is where the browser is; nil outside the site.
func (t *teller) tell(e *connectors.Event, step string, page *connectors.Event) {
	verb, rest, _ := strings.Cut(step, " ")
	set := func(key, value string) {
		if e.Properties == nil {
			e.Properties = make(map[string]string)
		}
		e.Properties[key] = value
	}
	form := func(kind string) {
		name, text, _ := strings.Cut(rest, " | ")
		e.Kind = kind
		set(connectors.PropForm, name)
		e.ElementText = "Send"
		if text != "" {
			set("message", text)
		}
	}
	switch verb {
	case "view":
		path, _, _ := strings.Cut(rest, "?")
		title, ok := t.Pages[path]
		if !ok {
			panic("demo: population.yaml: no page " + path)
		}
		e.Kind, e.URL, e.PageTitle = connectors.KindPageView, t.Host+rest, title
		page.Referrer = e.URL // of the next page
		page.URL, page.PageTitle = e.URL, title
	case "click":
		e.Kind, e.ElementText = connectors.KindClick, rest
	case "scroll":
		e.Kind = connectors.KindScroll
	case "search":
		e.Kind = connectors.KindSearch
		e.ElementText = rest
	case "form":
		form(connectors.KindFormSubmit)
	case "demo":
		form(connectors.KindDemoRequest)
	case "trial":
		form(connectors.KindTrial)
	case "download":
		e.Kind, e.ElementText = connectors.KindDownload, rest
		set("file", rest)
	case "open", "machine-open":
		e.Kind = connectors.KindEmailOpen
		set(connectors.PropCampaign, rest)
		if verb == "machine-open" {
			set(connectors.PropMachine, "true")
		}
	case "mail-click":
		e.Kind = connectors.KindEmailClick
		set(connectors.PropCampaign, rest)
	case "reply":
		e.Kind = connectors.KindEmailReply
		set("subject", rest)
	case "meeting":
		e.Kind = connectors.KindMeeting
		set("title", rest)
	case "call":
		e.Kind = connectors.KindTeamActivity
		set("title", rest)
	default:
		panic("demo: population.yaml: no step " + step)
	}
}
