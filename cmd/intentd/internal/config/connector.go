package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-viper/mapstructure/v2"

	"github.com/intentd/intentd/connectors"
)

// Types are the connectors that a configuration may name, by the value of type or provider.
type Types struct {
	CRMs    map[string]connectors.CRMType
	Sources map[string]connectors.SourceType
	Models  map[string]connectors.ModelType
}

// CRM is one CRM to watch and write to.
type CRM struct {
	Name            string                 `mapstructure:"name"`
	Type            string                 `mapstructure:"type"`
	Poll            string                 `mapstructure:"poll"`
	Fields          map[string]string      `mapstructure:"fields"`           // canonical field → property of the CRM; unnamed ones keep their default
	Adopt           bool                   `mapstructure:"adopt"`            // take over existing properties of the right type
	Identify        []IdentifyBy           `mapstructure:"identify"`         // properties that hold user or anonymous ids
	Consent         Consent                `mapstructure:"consent"`          // the property that says whether somebody consented
	LearningProfile []string               `mapstructure:"learning_profile"` // properties that strengths may be learned from
	Settings        connectors.CRMSettings `mapstructure:"-"`                // the connector's own keys, by Type
	Rest            map[string]any         `mapstructure:",remain"`
}

// Source is one journey source.
type Source struct {
	Name     string              `mapstructure:"name"`
	Type     string              `mapstructure:"type"`
	Poll     string              `mapstructure:"poll"`
	IDs      string              `mapstructure:"ids"`     // the space of its user and anonymous ids; "": its name
	Consent  string              `mapstructure:"consent"` // granted: so was everything that says nothing of consent; "": nothing was
	Settings connectors.Settings `mapstructure:"-"`
	Rest     map[string]any      `mapstructure:",remain"`
}

// Model is the language model. Provider rules needs no model, no key and no network.
type Model struct {
	Provider       string                   `mapstructure:"provider"` // rules, or a type of model
	Name           string                   `mapstructure:"name"`
	Concurrency    int                      `mapstructure:"concurrency"`
	DailyBudgetUSD float64                  `mapstructure:"daily_budget_usd"`
	Batch          bool                     `mapstructure:"batch"`  // the backfill's texts by jobs of the vendor
	Prices         connectors.ModelPrices   `mapstructure:"prices"` // or the word free
	Settings       connectors.ModelSettings `mapstructure:"-"`      // nil with provider rules
	Rest           map[string]any           `mapstructure:",remain"`
}

// Rules is the provider that is none: texts come from rules.
const Rules = "rules"

// owned are the connectors' own types of keys that may stand in a section of type t, by the name of the connector.
func (ts Types) owned(t reflect.Type) map[string]reflect.Type {
	own := map[string]reflect.Type{}
	switch t {
	case reflect.TypeFor[CRM]():
		for name, ct := range ts.CRMs {
			own[name] = reflect.TypeOf(ct.Settings()).Elem()
		}
	case reflect.TypeFor[Source]():
		for name, ct := range ts.Sources {
			own[name] = reflect.TypeOf(ct.Settings()).Elem()
		}
	case reflect.TypeFor[Model]():
		for name, ct := range ts.Models {
			own[name] = reflect.TypeOf(ct.Settings()).Elem()
		}
	}
	return own
}

// readConnectors reads the keys that belong to each connector into its own type.
func (c *checker) readConnectors(cfg *Config) {
	for i := range cfg.CRMs {
		crm, at := &cfg.CRMs[i], fmt.Sprintf("crms[%d]", i)
		if t, ok := typeNamed(c, join(at, "type"), crm.Type, c.types.CRMs); ok {
			crm.Settings = t.Settings()
			c.readRest(at, crm.Settings, crm.Rest, reflect.TypeFor[CRM]())
			crm.Poll = or(crm.Poll, pollOf(crm.Settings, t.Poll))
		}
		crm.Rest = nil
	}
	for i := range cfg.Sources {
		src, at := &cfg.Sources[i], fmt.Sprintf("sources[%d]", i)
		if t, ok := typeNamed(c, join(at, "type"), src.Type, c.types.Sources); ok {
			src.Settings = t.Settings()
			c.readRest(at, src.Settings, src.Rest, reflect.TypeFor[Source]())
			src.Poll = or(src.Poll, pollOf(src.Settings, t.Poll))
		}
		src.Rest = nil
	}
	m := &cfg.Model
	providers := sortedKeys(c.types.Models)
	if m.Provider == Rules {
		c.unknownModelKeys(m.Rest)
	} else if c.OneOf("model.provider", m.Provider, append([]string{Rules}, providers...)...) {
		t := c.types.Models[m.Provider]
		m.Settings, m.Name = t.Settings(), or(m.Name, t.Name)
		c.readRest("model", m.Settings, m.Rest, reflect.TypeFor[Model]())
	}
	m.Rest = nil
}

// unknownModelKeys looks at the keys that a provider's model would take, where none is asked: whoever switches it off for a while
// leaves them where they are.
func (c *checker) unknownModelKeys(rest map[string]any) {
	var types []reflect.Type
	for _, t := range c.types.owned(reflect.TypeFor[Model]()) {
		types = append(types, t)
	}
	for _, key := range sortedKeys(rest) {
		if !slices.ContainsFunc(types, func(t reflect.Type) bool { return slices.Contains(c.keysOf(t, nil), key) }) {
			c.Add("model."+key, "unknown key", c.suggestKey(key, append(types, reflect.TypeFor[Model]())))
		}
	}
}

// pollOf is the usual schedule of a connector, usual unless its settings say another.
func pollOf(settings connectors.Settings, usual string) string {
	if by, ok := settings.(connectors.PolledBy); ok {
		return or(by.PollBy(), usual)
	}
	return usual
}

func (c *checker) readRest(at string, settings connectors.Settings, rest map[string]any, common reflect.Type) {
	c.into(at, func(opts ...viperOption) error {
		dc := &mapstructure.DecoderConfig{Result: settings}
		for _, opt := range opts {
			opt(dc)
		}
		d, err := mapstructure.NewDecoder(dc)
		if err != nil {
			return err
		}
		return d.Decode(rest)
	}, reflect.TypeOf(settings).Elem(), common)
}

// typeNamed is the type of a connector; a problem is told where there is none of that name.
func typeNamed[T any](c *checker, at, name string, types map[string]T) (T, bool) {
	t, ok := types[name]
	names := sortedKeys(types)
	switch {
	case ok:
	case name == "":
		c.Add(at, "missing", "write type: "+strings.Join(names, " or "))
	default:
		c.Add(at, strconv.Quote(name)+" is no known type", connectors.Suggest(name, names))
	}
	return t, ok
}

func or(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}

// connectors checks CRMs, sources and the model: what they have in common here, the rest by themselves.
func (c *checker) connectors(cfg *Config) {
	if len(cfg.CRMs) == 0 && !c.Told("crms") {
		c.Add("crms", "no CRM is configured", "add an entry with name, type and token_file below crms")
	}
	names := map[string]string{"model": "the section model"}
	for i := range cfg.CRMs {
		crm, at := &cfg.CRMs[i], fmt.Sprintf("crms[%d]", i)
		c.name(at+".name", crm.Name, names)
		c.poll(at+".poll", crm.Poll, crm.Settings)
		c.fields(at+".fields", crm.Fields)
		if crm.Settings == nil {
			continue
		}
		if crm.Name != "" {
			for _, own := range crm.Settings.OwnSources(crm.Name) {
				names[own] = at + " for a source of its own"
			}
		}
		c.own(at, crm.Name, crm.Settings)
	}
	for i := range cfg.Sources {
		src, at := &cfg.Sources[i], fmt.Sprintf("sources[%d]", i)
		c.name(at+".name", src.Name, names)
		c.poll(at+".poll", src.Poll, src.Settings)
		if src.Settings != nil {
			c.own(at, src.Name, src.Settings)
		}
	}
	c.model(&cfg.Model)
}

// own completes a connector's own settings and lets it check them.
func (c *checker) own(at, name string, settings connectors.Settings) {
	c.paths(at, reflect.ValueOf(settings).Elem())
	c.secrets(at, name, reflect.ValueOf(settings).Elem())
	settings.Check(c.In(at))
}

func (c *checker) model(m *Model) {
	c.Between("model.daily_budget_usd", m.DailyBudgetUSD, 0, 1e6, "write US dollars a day; 0 makes no call")
	c.Whole("model.concurrency", m.Concurrency, 1, 256, "write how many calls may run at once, such as 8")
	seen := map[string]bool{}
	for i, p := range m.Prices {
		at := fmt.Sprintf("model.prices[%d]", i)
		if c.Required(at+".model", p.Model, "name the model the price is of") && seen[p.Model] {
			c.Add(at+".model", "a price of "+p.Model+" is given twice", "keep one of the two")
		}
		seen[p.Model] = true
		c.Between(at+".in", p.In, 0, 1e4, "write US dollars per million tokens")
		c.Between(at+".out", p.Out, 0, 1e4, "write US dollars per million tokens")
		c.Between(at+".cached", p.Cached, 0, 1e4, "write US dollars per million tokens")
	}
	if m.Settings != nil {
		if c.Required("model.name", m.Name, "name the model as its vendor does") {
			if message, fix := c.types.Models[m.Provider].Priced(m.Name, m.Prices); message != "" {
				c.Add("model.name", message, fix)
			}
		}
		c.own("model", "model", m.Settings)
	}
}

var connectorName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)

func (c *checker) name(at, name string, seen map[string]string) {
	switch first, twice := seen[name]; {
	case name == "":
		c.Add(at, "missing", "give it a short name: it marks its records in the state, so keep it for good")
	case !connectorName.MatchString(name):
		c.Add(at, connectors.Quoted(name)+" cannot be a name", "use lower-case letters, digits, - and _, beginning with a letter")
	case twice:
		c.Add(at, "the name "+name+" is taken by "+first, "give each CRM and each source a name of its own")
	default:
		seen[name] = at
	}
}

func (c *checker) fields(at string, fields map[string]string) {
	var known []string
	for _, f := range connectors.AllPersonFields().Fields {
		known = append(known, f.Name)
	}
	byProperty := map[string]string{}
	for _, name := range sortedKeys(fields) {
		property := fields[name]
		if !slices.Contains(known, name) {
			c.Add(join(at, name), "intentd has no field of that name", connectors.Suggest(name, known))
			continue
		}
		if other, twice := byProperty[property]; twice && property != "" {
			c.Add(join(at, name), "the property "+property+" already holds "+other, "give each field a property of its own")
		}
		byProperty[property] = name
	}
}
