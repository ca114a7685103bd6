package warehouse

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Type is a source that asks a SQL database or warehouse.
var Type = connectors.SourceType{Poll: "@every 5m", Settings: func() connectors.Settings {
	return &Config{PeoplePerQuery: 500, MaxRows: 200_000, Timeout: time.Minute, Lookback: 10 * time.Minute}
}}

// Config are the keys of a source of type warehouse.
type Config struct {
	Dialect        string            `mapstructure:"dialect"` // postgres, redshift or clickhouse
	URL            connectors.Secret `mapstructure:"url"`     // it holds a password
	URLFile        string            `mapstructure:"url_file"`
	User           string            `mapstructure:"user"` // ClickHouse, unless the URL names them
	Password       connectors.Secret `mapstructure:"password"`
	PasswordFile   string            `mapstructure:"password_file"`
	Schema         string            `mapstructure:"schema"` // where names without a schema are looked for; of ClickHouse the database
	Preset         string            `mapstructure:"preset"` // queries for a schema that is known; active and journeys replace them
	Active         string            `mapstructure:"active"`
	Journeys       string            `mapstructure:"journeys"`
	PeoplePerQuery int               `mapstructure:"people_per_query"`
	MaxRows        int               `mapstructure:"max_rows"` // of one query; more are asked for by halves of the people
	Timeout        time.Duration     `mapstructure:"timeout"`  // of one query, kept by the server
	Lookback       time.Duration     `mapstructure:"lookback"` // how late a row may come in with an earlier position
}

// pageRows is how many rows one active query may have.
const pageRows = 1000

var dialects = []string{"postgres", "redshift", "clickhouse"}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	if c.Required("dialect", o.Dialect, "write one of "+strings.Join(dialects, ", ")) {
		c.OneOf("dialect", o.Dialect, dialects...)
	}
	if c.Secret("url", o.URL, "the URL of the database", "write url_file: /etc/intentd/warehouse_url, with a user who can only read") {
		o.checkURL(c)
	}
	c.Whole("people_per_query", o.PeoplePerQuery, 1, 10_000, "500 fit most databases")
	c.Whole("max_rows", o.MaxRows, 1000, 10_000_000, "200000 fit most machines")
	c.Span("timeout", o.Timeout, time.Second, time.Hour)
	c.Span("lookback", o.Lookback, 0, 7*24*time.Hour)
	if o.Preset != "" && c.OneOf("preset", o.Preset, presetNames()...) && o.Dialect != "" && !presetFor(o.Preset, o.Dialect) {
		c.Add("preset", fmt.Sprintf("%s has no queries for %s", o.Preset, o.Dialect), "give active and journeys instead")
	}
	active, journeys := o.queries()
	for _, q := range []struct {
		key, text string
		allowed   []param
	}{{"active", active, activeParams}, {"journeys", journeys, journeyParams}} {
		if !c.Required(q.key, q.text, "write the query, or name a preset: "+strings.Join(presetNames(), ", ")) {
			continue
		}
		s, err := parse(q.text, q.allowed...)
		if err != nil {
			c.Add(q.key, err.Error(), "write only these names behind a colon; a colon in a text goes in quotes")
			continue
		}
		for _, p := range q.allowed {
			if !s.uses(p) && required(p) {
				c.Add(q.key, "does not use :"+paramNames[p], "without it the query would read the whole table each time")
			}
		}
	}
}

// required says whether a query makes no sense without a parameter. A table may lack user or anonymous ids, or even addresses.
func required(p param) bool {
	return p == paramSince || p == paramLimit || p == paramFrom
}

func (o *Config) checkURL(c *connectors.Check) {
	u, err := url.Parse(o.URL.Reveal())
	want, example := []string{"postgres", "postgresql"}, "postgres://reader:…@db.example.com:5432/events"
	if o.Dialect == "clickhouse" {
		want, example = []string{"http", "https"}, "https://clickhouse.example.com:8443"
	}
	switch {
	case err != nil || u.Host == "" && u.Query().Get("host") == "":
		c.Add("url", "is no URL of a database", "write for example "+example)
	case u.Scheme != want[0] && u.Scheme != want[1]:
		c.Add("url", "begins with "+connectors.Quoted(u.Scheme+"://"), "write for example "+example)
	case u.Scheme == "http":
		bare := *u
		bare.User, bare.RawQuery = nil, ""
		c.PrivateURL("url", bare.String())
	}
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "the tables of the warehouse are only read: delete the person's rows there"
}

func (o *Config) queries() (active, journeys string) {
	active, journeys = preset(o.Preset, o.Dialect)
	if o.Active != "" {
		active = o.Active
	}
	if o.Journeys != "" {
		journeys = o.Journeys
	}
	return active, journeys
}

var (
	activeParams  = []param{paramSince, paramSinceID, paramLimit}
	journeyParams = []param{paramEmails, paramUserIDs, paramAnonymousIDs, paramFrom, paramTo}
)

// Open implements connectors.SourceSettings.
func (o *Config) Open(h connectors.Host) (connectors.Origin, error) {
	s, err := o.open(h)
	if err != nil {
		return connectors.Origin{}, err
	}
	return connectors.Origin{Name: h.Name, Source: s}, nil
}

func (o *Config) open(h connectors.Host) (*Source, error) {
	s := &Source{name: h.Name, perQuery: o.PeoplePerQuery, page: pageRows, maxRows: o.MaxRows, lookback: o.Lookback, now: h.Now}
	if s.now == nil {
		s.now = time.Now
	}
	active, journeys := o.queries()
	var err error
	if s.active, err = parse(active, activeParams...); err != nil {
		return nil, fmt.Errorf("active: %w", err)
	}
	if s.journeys, err = parse(journeys, journeyParams...); err != nil {
		return nil, fmt.Errorf("journeys: %w", err)
	}
	switch o.Dialect {
	case "clickhouse":
		s.engine, err = newClickhouse(*o, h)
	default:
		s.engine, err = newPostgres(o.URL.Reveal(), o.Timeout, o.Schema, o.Dialect == "postgres")
	}
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return s, nil
}
