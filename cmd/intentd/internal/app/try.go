package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/gemini"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/connectors/jsonl"
	"github.com/intentd/intentd/connectors/openai"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
)

// TryOptions say how a journey at hand is tried.
type TryOptions struct {
	Config *config.Config // its scoring, topics, products, privacy, text and model count; nil: the defaults, texts by rules
	// Model is asked for the texts, by the vendor's name for it, or by a provider's name for its usual one; "rules" asks none, "" is the config's.
	Model                 string
	GeminiKey, OpenAIKey  string
	OpenAIURL             string // a server that speaks OpenAI's language; "": the vendor's
	Language, Screenshots string // "": the config's
	Now                   time.Time
	HTTP                  http.RoundTripper // of the model; nil: the usual one
}

// Trial is what comes of a journey at hand.
type Trial struct {
	Read    *jsonl.Journey   `json:"read"`
	Hosts   []string         `json:"own_hosts,omitempty"` // taken for the team's own site, where no config names it
	Placed  int              `json:"placed,omitempty"`    // steps on a page that has a name and no address
	Engine  string           `json:"-"`                   // that the config asks for and a journey at hand cannot be scored by: what was learned lies with the daemon; "": none
	Joined  bool             `json:"-"`                   // visitors without a name are taken to have agreed to be joined to who they became
	Model   string           `json:"model,omitempty"`
	Trouble string           `json:"model_trouble,omitempty"` // what the model refused last, without a secret
	Priced  bool             `json:"-"`                       // what the model costs is known
	Unknown map[string]int64 `json:"unknown_kinds,omitempty"`
	Forms   map[string]int64 `json:"unknown_forms,omitempty"`
	Shared  int              `json:"shared,omitempty"`             // events of nobody: several people hold the only id they have
	Strange int              `json:"of_other_companies,omitempty"` // events of companies that nobody here is of
	People  []TriedPerson    `json:"people"`                       // the highest score first
	Zone    *time.Location   `json:"-"`
}

// TriedPerson is one of its people.
type TriedPerson struct {
	Name    string            `json:"name"` // the best identifier
	IDs     []string          `json:"ids"`
	Steps   []TriedStep       `json:"steps"`
	Fields  map[string]string `json:"fields"` // what a CRM would be given, by canonical name; none without a signal
	Receipt receipt.Receipt   `json:"receipt"`
}

// TriedStep is one step of a journey.
type TriedStep struct {
	Time    time.Time `json:"time"`
	Kind    string    `json:"kind"`
	What    string    `json:"what"`              // page, form or element, by title or address
	Summary string    `json:"summary,omitempty"` // stage 1, by the model
	Context []string  `json:"context,omitempty"` // what was on the screen, by the model
	Signal  string    `json:"signal,omitempty"`  // the type it counts as
	Points  int       `json:"strength,omitempty"`
	LeftOut string    `json:"left_out,omitempty"` // why it does not count
}

// Try says what the daemon would write of the people in a journey, had a CRM records of them without a score. It keeps and writes nothing, and
// asks nobody but the model, if one is named.
func Try(ctx context.Context, read *jsonl.Journey, o TryOptions) (*Trial, error) {
	cfg := config.Default()
	t := &Trial{Read: read, Priced: true, People: []TriedPerson{}}
	if o.Config != nil {
		own := *o.Config
		cfg = &own
	} else {
		t.Placed = assume(cfg, read.Events)
		visitor := func(named bool) func(connectors.Event) bool {
			return func(e connectors.Event) bool { return e.AnonymousID != "" && named == (e.Email+e.UserID != "") }
		}
		t.Joined = slices.ContainsFunc(read.Events, visitor(false)) && slices.ContainsFunc(read.Events, visitor(true))
		t.Hosts = cfg.Privacy.OwnHosts
	}
	cfg.Text.Language, cfg.Screenshots.Dir = cmp.Or(o.Language, cfg.Text.Language), cmp.Or(o.Screenshots, cfg.Screenshots.Dir)
	if err := t.chooseModel(cfg, &o); err != nil {
		return nil, err
	}
	t.Zone = cfg.Text.Location()
	if e := cfg.Scoring.Engine; e != config.EngineFormula && e != config.EngineModel {
		t.Engine = e
	}
	b := readerOf(cfg, read.Events, Options{Now: func() time.Time { return o.Now }, HTTP: o.HTTP})
	defer b.close()
	type place struct{ person, step string }
	said := map[place]TriedStep{}
	var saying sync.Mutex
	b.summarised = func(person, step, summary string, context []string) {
		saying.Lock()
		defer saying.Unlock()
		said[place{person, step}] = TriedStep{Summary: summary, Context: context}
	}
	if err := b.readFile(); err != nil {
		return nil, err
	}
	var people []pipeline.Trial
	people, t.Shared, t.Strange = peopleOf(b.setup.Identity, read.Events)
	tried, err := pipeline.Try(ctx, b.setup, people, o.Now)
	if err != nil {
		return nil, err
	}
	if b.model != nil {
		t.Trouble = (&modelWatch{model: b.model}).report().LastError
	}
	for i := range tried {
		p := TriedPerson{Name: nameOf(people[i].IDs), Receipt: tried[i].Receipt, Fields: tried[i].Receipt.Written}
		for _, id := range people[i].IDs {
			p.IDs = append(p.IDs, identity.ID{Kind: id.Kind, Value: id.Value}.String())
		}
		for _, visit := range tried[i].Visits {
			for k := range visit.Steps {
				step := tellStep(&tried[i], &visit.Steps[k])
				s := said[place{people[i].Key, visit.Steps[k].ID}]
				step.Summary, step.Context = s.Summary, s.Context
				p.Steps = append(p.Steps, step)
			}
		}
		t.People = append(t.People, p)
	}
	slices.SortStableFunc(t.People, func(a, b TriedPerson) int { return cmp.Compare(b.Receipt.Parts.Score, a.Receipt.Parts.Score) })
	t.countUnknown(b.setup.Journey, read.Events)
	return t, nil
}

// assume sets what a config would say of a file's events, without one: pages that have a name only are the team's own, as are the commonest hosts, and visitors agreed to
// be joined to who they became. It says how many steps it gave an address.
func assume(cfg *config.Config, events []connectors.Event) (placed int) {
	placed = placePages(events)
	cfg.Privacy.OwnHosts = hostsOf(events)
	cfg.Identity.JoinAnonymous = string(identity.JoinAlways)
	return placed
}

// readerOf is a builder for the events of a file, which become those of the config's source of files. It is closed after use.
func readerOf(cfg *config.Config, events []connectors.Event, o Options) *builder {
	source := "file"
	for _, s := range cfg.Sources { // the name that the file's events would have
		if s.Type == "jsonl" {
			source = s.Name
			break
		}
	}
	cfg.Sources = []config.Source{{Name: source, Type: "jsonl"}} // screenshots come from local files only
	for i := range events {
		events[i].Source = source
	}
	return &builder{a: &App{o: o, log: slog.New(slog.DiscardHandler)}, cfg: cfg, built: &built{setup: &pipeline.Setup{}}}
}

// readFile builds what a file's events are read with.
func (b *builder) readFile() (err error) {
	if b.setup.Identity, err = identity.New(b.cfg.IdentityOptions()); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	return b.reading()
}

// chooseModel puts the model that is asked for into the config.
func (t *Trial) chooseModel(cfg *config.Config, o *TryOptions) error {
	if o.Model == config.Rules {
		cfg.Model = config.Default().Model
	}
	if o.Model == "" || o.Model == config.Rules {
		if cfg.Model.Settings != nil {
			t.Model = cfg.Model.Name
		}
		return nil
	}
	m := config.Default().Model
	if m.Provider, m.Name = "openai", o.Model; o.Model == "gemini" || strings.HasPrefix(o.Model, "gemini-") {
		m.Provider = "gemini"
	}
	kind := Types.Models[m.Provider]
	if o.Model == m.Provider {
		m.Name = kind.Name
	}
	if m.Name == "" {
		return fmt.Errorf("--model %s: name the model as the server does, for example --model gpt-5-mini", o.Model)
	}
	m.Settings = kind.Settings()
	switch s := m.Settings.(type) {
	case *gemini.Config:
		if o.GeminiKey == "" {
			return fmt.Errorf("--model %s needs a key: set GEMINI_API_KEY, or leave --model out for texts by rules", o.Model)
		}
		s.APIKey = connectors.NewSecret(o.GeminiKey)
	case *openai.Config:
		if o.OpenAIKey == "" && o.OpenAIURL == "" {
			return fmt.Errorf("--model %s needs a key: set OPENAI_API_KEY, for a server of your own OPENAI_BASE_URL, or leave --model out for texts by rules", o.Model)
		}
		s.APIKey, s.BaseURL = connectors.NewSecret(o.OpenAIKey), o.OpenAIURL
		if s.BaseURL != "" {
			var problems []connectors.Problem
			connectors.NewCheck("", &problems).PrivateURL("OPENAI_BASE_URL", s.BaseURL)
			if len(problems) > 0 {
				return errors.New(problems[0].Path + ": " + problems[0].Message + ": " + problems[0].Fix)
			}
		}
	}
	if message, _ := kind.Priced(m.Name, nil); message != "" {
		t.Priced = false
		if err := m.Prices.FromText("free"); err != nil {
			return err
		}
	}
	t.Model, cfg.Model = m.Name, m
	return nil
}

// placePages gives pages that have a name and no address one on the team's own site: "Pricing" is read as /pricing. It says how many steps.
func placePages(events []connectors.Event) (n int) {
	for i := range events {
		if e := &events[i]; e.URL == "" && e.PageTitle != "" && e.Properties[connectors.PropCompany] == "" {
			e.URL = "/" + url.PathEscape(strings.ReplaceAll(connectors.Fold(e.PageTitle), "_", "-"))
			n++
		}
	}
	return n
}

// hostsOf are the hosts of the pages, those of the commonest one's domain: a visitor's tracker runs on the team's own site.
func hostsOf(events []connectors.Event) []string {
	seen := map[string]int{}
	for i := range events {
		if u, err := url.Parse(events[i].URL); err == nil && u.Hostname() != "" {
			seen[strings.ToLower(u.Hostname())]++
		}
	}
	domain := func(host string) string {
		parts := strings.Split(host, ".")
		return strings.Join(parts[max(0, len(parts)-2):], ".")
	}
	best := ""
	for _, host := range slices.Sorted(maps.Keys(seen)) {
		if best == "" || seen[host] > seen[best] {
			best = host
		}
	}
	var hosts []string
	for _, host := range slices.Sorted(maps.Keys(seen)) {
		if domain(host) == domain(best) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// idsOf are the identifiers of an event, the strongest first.
func idsOf(rules *identity.Rules, e *connectors.Event) (ids []identity.ID) {
	for _, of := range []struct {
		kind  identity.Kind
		value string
	}{{identity.Email, e.Email}, {identity.Phone, e.Phone}, {identity.UserID, e.UserID}, {identity.AnonymousID, e.AnonymousID}} {
		if id, ok := rules.ID(of.kind, rules.Space(e.Source), of.value); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// peopleOf parts events by whose they are, as the daemon does: an address is a person; any other identifier that is seen with one person
// is theirs, and one that is seen with several is nobody's. shared counts events of nobody, strange those of companies that nobody is of.
func peopleOf(rules *identity.Rules, events []connectors.Event) (out []pipeline.Trial, shared, strange int) {
	companies, events := ofCompanies(rules, events)
	ids := make([][]identity.ID, len(events))
	for i := range events {
		ids[i] = idsOf(rules, &events[i])
	}
	owner := map[identity.ID]identity.ID{} // the strongest that an identifier was seen with; zero: several
	for _, weaker := range naming {
		with := map[identity.ID]map[identity.ID]bool{}
		for _, list := range ids {
			for _, id := range list {
				if id.Kind != weaker {
					continue
				}
				if with[id] == nil {
					with[id] = map[identity.ID]bool{}
				}
				for _, other := range list {
					if o, seen := owner[other]; seen && o != (identity.ID{}) {
						with[id][o] = true
					}
				}
			}
		}
		for id, owners := range with {
			switch len(owners) {
			case 0:
				owner[id] = id
			case 1:
				for o := range owners {
					owner[id] = o
				}
			default:
				owner[id] = identity.ID{}
			}
		}
	}
	at := map[identity.ID]int{}
	for i := range events {
		whose := identity.ID{}
		for _, id := range ids[i] {
			if whose = owner[id]; whose != (identity.ID{}) {
				break
			}
		}
		if whose == (identity.ID{}) {
			shared++
			continue
		}
		k, seen := at[whose]
		if !seen {
			k = len(out)
			at[whose] = k
			out = append(out, pipeline.Trial{Key: fmt.Sprintf("person %d", k+1)})
		}
		p := &out[k]
		p.Events = append(p.Events, events[i])
		for _, id := range ids[i] {
			if owner[id] == whose && !slices.Contains(p.IDs, id) {
				p.IDs = append(p.IDs, id)
			}
		}
	}
	for i := range out {
		p := &out[i]
		slices.SortFunc(p.IDs, func(a, b identity.ID) int {
			return cmp.Or(cmp.Compare(slices.Index(naming, a.Kind), slices.Index(naming, b.Kind)), cmp.Compare(a.Value, b.Value))
		})
		for _, id := range p.IDs {
			if id.Kind == identity.Email {
				p.Contact.Emails = append(p.Contact.Emails, id.Value)
			}
		}
		if len(p.Contact.Emails) > 0 {
			_, domain, _ := strings.Cut(p.Contact.Emails[0], "@")
			if c := companies[rules.Company(domain)]; c != nil {
				p.Events, c.known = append(p.Events, c.events...), true
			}
		}
	}
	for _, c := range companies {
		if !c.known {
			strange += len(c.events)
		}
	}
	return out, shared, strange
}

// company is what is told of one, and whether somebody of it is told of.
type company struct {
	events []connectors.Event
	known  bool
}

// ofCompanies takes what is told of a company, and names nobody, out of the events.
func ofCompanies(rules *identity.Rules, events []connectors.Event) (companies map[string]*company, rest []connectors.Event) {
	companies = map[string]*company{}
	for _, e := range events {
		domain := rules.Company(e.Properties[connectors.PropCompany])
		if domain == "" || len(idsOf(rules, &e)) > 0 {
			rest = append(rest, e)
			continue
		}
		if companies[domain] == nil {
			companies[domain] = &company{}
		}
		companies[domain].events = append(companies[domain].events, e)
	}
	return companies, rest
}

// naming are the kinds of identifiers by how well a reader knows somebody by them.
var naming = []identity.Kind{identity.Email, identity.UserID, identity.Phone, identity.AnonymousID}

func nameOf(ids []identity.ID) string {
	if len(ids) == 0 {
		return "somebody"
	}
	return ids[0].Value
}

// tellStep says what a step was and whether it counts.
func tellStep(t *pipeline.Tried, s *journey.Step) TriedStep {
	e := &s.Event
	page := e.PageTitle
	if u, err := url.Parse(e.URL); err == nil && page == "" {
		page = cmp.Or(u.Path, e.URL)
	}
	what := []string{}
	for _, part := range []string{e.Properties[connectors.PropForm], e.Properties[connectors.PropCampaign], e.ElementText, page} {
		if part != "" && !slices.Contains(what, part) {
			what = append(what, part)
		}
	}
	step := TriedStep{Time: e.Time, Kind: cmp.Or(s.Named, e.Kind), What: strings.Join(what, ", "), LeftOut: s.Why}
	if s.Signal >= 0 && s.Signal < len(t.Signals) {
		g := &t.Signals[s.Signal]
		step.Signal, step.Points, step.LeftOut = g.Type.String(), int(t.Receipt.Settings.Strengths[g.Type]), ""
	} else if s.Context {
		step.LeftOut = cmp.Or(step.LeftOut, journey.WhyTeam)
	}
	return step
}

// countUnknown counts the kinds and forms that no list knows.
func (t *Trial) countUnknown(b *journey.Builder, events []connectors.Event) {
	t.Unknown, t.Forms = map[string]int64{}, map[string]int64{}
	for i := range events {
		e := &events[i]
		kind, known := connectors.EventKind(e.Kind)
		if !known {
			t.Unknown[e.Kind]++
		}
		if form := e.Properties[connectors.PropForm]; kind == connectors.KindFormSubmit && form != "" && !b.KnowsForm(form) {
			t.Forms[form]++
		}
	}
}
